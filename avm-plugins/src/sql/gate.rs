//! What statements may do, and how large anything may become.
//!
//! Nothing here reads the text of a statement: the database itself tells what it is about to do
//! when it compiles one, and nested views, triggers and defaults go the same way.

use std::sync::Arc;

use rusqlite::{
    Connection, Error,
    config::DbConfig,
    functions::{Context, FunctionFlags},
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
    types::Null,
};

use super::watch::{May, PERIOD, Watch};

/// Longest statement in bytes.
pub(super) const MAX_QUERY: usize = 100_000;

/// Smallest `max_size`: an empty table with an index and room to grow.
pub(super) const LEAST_SIZE: u64 = 64 << 10;

/// Longest text or blob, and longest row, in bytes. A step of the database works on a few of them at
/// most, so this bounds what a step can take.
const MAX_VALUE: i32 = 1_000_000;

/// Most bytes that the databases of this process hold in memory together: what is beyond fails with
/// too-large, instead of taking the machine down. Sorting happens in memory.
const MAX_HEAP: u64 = 1 << 30;

/// Limits of the compiler; far beyond what people write, far below what hurts.
const LIMITS: &[(Limit, i32)] = &[
    (Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_QUERY as i32),
    (Limit::SQLITE_LIMIT_COLUMN, 200),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 50),
    (Limit::SQLITE_LIMIT_VDBE_OP, 250_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 100),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 1000),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 20),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// Functions whose result depends on something besides their arguments and the data, and functions
/// that reach out.
const REFUSED: &[(&str, &str)] = &[
    ("random", CHANCE),
    ("randomblob", CHANCE),
    ("date", CLOCK),
    ("time", CLOCK),
    ("datetime", CLOCK),
    ("julianday", CLOCK),
    ("unixepoch", CLOCK),
    ("strftime", CLOCK),
    ("timediff", CLOCK),
    ("current_date", CLOCK),
    ("current_time", CLOCK),
    ("current_timestamp", CLOCK),
    ("changes", SESSION),
    ("total_changes", SESSION),
    ("last_insert_rowid", SESSION),
    ("load_extension", "the database loads no code"),
    ("fts3_tokenizer", "the database loads no code"),
];

const CHANCE: &str = "a query gives the same on the same data; pass what is random as a parameter";
const CLOCK: &str = "a query does not know the time; pass it as a parameter (GET_CURRENT_TIME)";
const SESSION: &str = "a suspended run does not keep it; ask the table, such as max(rowid)";

const TEMPORARY: &str = "a suspended run does not keep what is temporary; use a table";

/// `PRAGMA`s that only tell about tables.
const PRAGMAS: &[&str] = &[
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Shuts a fresh connection: from here on statements do what [`Watch::may`] says.
pub(super) fn close(
    database: &mut Connection,
    max_size: u64,
    watch: &Arc<Watch>,
) -> Result<(), Error> {
    // The first look at the file; one that is no database fails here.
    let page: u32 = database.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let _: i64 = database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    database.execute_batch(&format!(
        "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON;
         PRAGMA hard_heap_limit = {MAX_HEAP}; PRAGMA max_page_count = {}",
        max_size / u64::from(page.max(1))
    ))?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    for (limit, value) in LIMITS {
        database.set_limit(*limit, *value)?;
    }
    for (name, why) in REFUSED {
        // Refused where they are compiled, see below; where they hide in a default that is not.
        let refuse = move |_: &Context<'_>| Err::<Null, _>(Error::UserFunctionError((*why).into()));
        database.create_scalar_function(*name, -1, FunctionFlags::SQLITE_UTF8, refuse)?;
    }
    let asked = Arc::clone(watch);
    database.authorizer(Some(move |context: AuthContext<'_>| {
        match asked.allowed(|may| check(may, &context)) {
            true => Authorization::Allow,
            false => Authorization::Deny,
        }
    }))?;
    let turned = Arc::clone(watch);
    database.progress_handler(PERIOD, Some(move || turned.turn()))
}

/// Whether a statement may do something; why not.
fn check(may: May, context: &AuthContext<'_>) -> Result<(), &'static str> {
    let may_change = match may {
        May::Anything => return Ok(()),
        May::Read(why) => Err(why),
        May::Change => Ok(()),
    };
    let temporary = context.database_name == Some("temp");
    match &context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Ok(()),
        AuthAction::Function { function_name } => {
            let same = |(name, _): &&(&str, &str)| name.eq_ignore_ascii_case(function_name);
            REFUSED.iter().find(same).map_or(Ok(()), |(_, why)| Err(why))
        }
        AuthAction::Pragma { pragma_name, .. } => {
            match PRAGMAS.iter().any(|name| name.eq_ignore_ascii_case(pragma_name)) {
                true => Ok(()),
                false => Err("how the database is set up is the operator's business"),
            }
        }
        AuthAction::CreateTable { .. }
        | AuthAction::CreateIndex { .. }
        | AuthAction::CreateView { .. }
        | AuthAction::CreateTrigger { .. }
            if temporary =>
        {
            Err(TEMPORARY)
        }
        AuthAction::Insert { .. }
        | AuthAction::Update { .. }
        | AuthAction::Delete { .. }
        | AuthAction::CreateTable { .. }
        | AuthAction::CreateIndex { .. }
        | AuthAction::CreateView { .. }
        | AuthAction::CreateTrigger { .. }
        | AuthAction::DropTable { .. }
        | AuthAction::DropIndex { .. }
        | AuthAction::DropView { .. }
        | AuthAction::DropTrigger { .. }
        | AuthAction::AlterTable { .. }
        | AuthAction::Reindex { .. }
        | AuthAction::Analyze { .. } => may_change,
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
            Err("a program reaches the bound database and no other file")
        }
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
            Err("every statement is a transaction of its own")
        }
        AuthAction::CreateVtable { .. } | AuthAction::DropVtable { .. } => {
            Err("the work of virtual tables cannot be counted")
        }
        AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::DropTempTable { .. }
        | AuthAction::DropTempIndex { .. }
        | AuthAction::DropTempView { .. }
        | AuthAction::DropTempTrigger { .. } => Err(TEMPORARY),
        _ => Err("a program has no right to that"),
    }
}
