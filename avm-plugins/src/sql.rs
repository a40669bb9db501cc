//! `builtin:sqlite`: a database in this process (whitepaper §11.6, O-21, O-22).
//!
//! Without `database` every agent has a private one in memory, which is saved and restored with the
//! run. With `database = "FILE"` it is that file, shared with whoever else has it open.
//!
//! What a statement costs is counted by the database itself, in steps of its virtual machine, and so
//! is the same for the same statement on the same data. It is stopped as soon as it has taken more
//! steps than the call affords, and then nothing is changed. What it may do at all is in `sql/gate.rs`.
//!
//! Options weighed: counting time (differs between machines), the rows alone (a join that finds
//! nothing would be free), a parser of our own before the database's (two parsers never agree; the
//! database tells what a statement does when it compiles it).

mod errors;
mod gate;
mod statement;
mod values;
mod watch;

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use avm_ir::Value;
use rusqlite::{Connection, MAIN_DB, OpenFlags};
use serde::Deserialize;

use crate::{
    host::Host,
    provider::{
        Call, Determinism, Function, Manifest, Outcome, Provider, Reaches, Refusal, Reply, Sql,
    },
    settings::{BadSettings, Settings},
    shape::Shape,
};
use statement::{Done, Task};
use watch::{May, Watch};

/// Longest wait for another process that writes the same file.
const BUSY: Duration = Duration::from_secs(5);

/// What a table `[sql]` may say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Keys {
    /// A file, relative to the configuration's folder.
    database: Option<String>,
    /// Whether `SQL_EXECUTE` is refused.
    read_only: bool,
    /// Most rows that one `SQL_FETCH` gives.
    max_rows: usize,
    /// Most bytes to which the database may grow.
    max_size: u64,
}

impl Default for Keys {
    fn default() -> Self {
        Self { database: None, read_only: false, max_rows: 10_000, max_size: 64 << 20 }
    }
}

/// A database; see the module.
pub struct Sqlite {
    keys: Keys,
    watch: Arc<Watch>,
    database: Mutex<Connection>,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Opens the database that the settings name, or a private one.
    ///
    /// # Errors
    /// A key is wrong, or the file cannot be opened as a database.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        let keys: Keys = settings.read()?;
        if keys.max_rows == 0 || keys.max_size < gate::LEAST_SIZE {
            let least = gate::LEAST_SIZE;
            return Err(BadSettings(format!("max_rows is at least 1, max_size at least {least}")));
        }
        let watch = Arc::new(Watch::new(Arc::clone(&settings.host)));
        let database = match &keys.database {
            None if keys.read_only => {
                return Err(BadSettings::new("read_only needs a database to read; add database"));
            }
            None => private(None, &keys, &watch),
            Some(path) => shared(&*settings.host, path, &keys, &watch),
        };
        let database = database.map_err(|error| {
            let file = keys.database.as_deref().unwrap_or("private database");
            BadSettings(format!("{file}: {error}"))
        })?;
        Ok(Self { keys, watch, database: Mutex::new(database) })
    }

    const fn is_private(&self) -> bool {
        self.keys.database.is_none()
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a call: its time and its work count from here.
    fn start(&self, call: &Call) -> Result<MutexGuard<'_, Connection>, Refusal> {
        let database = self.lock();
        self.watch.call(call);
        let waits = database.busy_timeout(call.timeout.min(BUSY));
        waits.map_err(|error| errors::refusal(&error, &self.watch))?;
        Ok(database)
    }

    /// Executes one statement as a transaction of its own.
    fn change(&self, database: &Connection, task: &Task<'_>) -> Result<Done, Refusal> {
        self.watch.may(May::Anything);
        let order = |sql: &str| {
            let done = database.execute_batch(sql);
            done.map_err(|error| errors::refusal(&error, &self.watch))
        };
        if !database.is_autocommit() {
            order("ROLLBACK")?;
        }
        order("BEGIN IMMEDIATE")?;
        self.watch.may(May::Change);
        let done = statement::run(database, &self.watch, task);
        self.watch.may(May::Anything);
        let committed = match &done {
            Ok(done) => order("COMMIT").map_err(|refusal| refusal.after(done.units)),
            Err(_) => Ok(()),
        };
        // A statement that was stopped may have ended the transaction already.
        if !database.is_autocommit() {
            order("ROLLBACK")?;
        }
        committed.and(done)
    }
}

impl Provider for Sqlite {
    fn manifest(&self) -> Manifest {
        let Keys { database, read_only, .. } = &self.keys;
        let about = match (database, read_only) {
            (None, _) => "a private SQLite database in memory".to_owned(),
            (Some(file), false) => format!("the SQLite database {file}"),
            (Some(file), true) => format!("the SQLite database {file}, to be read only"),
        };
        let (determinism, reaches) = match database {
            None => (Determinism::Stateful, Reaches::Nothing),
            Some(_) => (Determinism::Outside, Reaches::Files),
        };
        let rows = Shape::list(Shape::record([]));
        let execute = "changes the database by one statement";
        let fetch = "gives the rows of one query that only reads";
        let functions = vec![
            Function::new("execute", execute, Shape::Any, Shape::Literal("OK".into())).once(),
            Function::new("fetch", fetch, Shape::Any, rows),
        ];
        Manifest { determinism, reaches, ..Manifest::pure(about, functions) }
    }

    fn save(&self) -> Value {
        if !self.is_private() {
            return Value::Null;
        }
        let mut database = self.lock();
        self.watch.may(May::Anything);
        // Serializing fails only without memory for a copy; then nothing can be saved at all.
        let bytes = database.serialize(MAIN_DB).map(|bytes| bytes.to_vec());
        bytes.map_or(Value::Null, |bytes| Value::Bytes(Arc::new(bytes)))
    }

    fn restore(&self, state: &Value) -> Result<(), Refusal> {
        let bytes = match state {
            Value::Null => None,
            Value::Bytes(bytes) if self.is_private() => Some(bytes.as_slice()),
            _ => return Err(Refusal::invalid("not the state of a private database")),
        };
        if self.is_private() {
            let made = private(bytes, &self.keys, &self.watch);
            *self.lock() = made.map_err(|error| errors::refusal(&error, &self.watch))?;
        }
        Ok(())
    }
}

impl Sql for Sqlite {
    fn execute(&self, call: &Call, query: &str, params: &[Value]) -> Outcome {
        let database = self.start(call)?;
        let task = Task { call, query, params, max_rows: None };
        let done = if self.keys.read_only {
            self.watch.may(May::Read("the database is bound to be read only"));
            statement::run(&database, &self.watch, &task)
        } else {
            self.change(&database, &task)
        };
        self.watch.rest();
        Ok(Reply::ok(done?.units))
    }

    fn fetch(&self, call: &Call, query: &str, params: &[Value]) -> Outcome {
        let database = self.start(call)?;
        self.watch.may(May::Read("SQL_FETCH only reads; use SQL_EXECUTE"));
        let task = Task { call, query, params, max_rows: Some(self.keys.max_rows) };
        let done = statement::run(&database, &self.watch, &task);
        self.watch.rest();
        let Done { rows, units } = done?;
        call.fits(Reply::new(Value::list(rows), units))
    }
}

/// A database in memory, from bytes that were saved if there are some.
fn private(
    bytes: Option<&[u8]>,
    keys: &Keys,
    watch: &Arc<Watch>,
) -> Result<Connection, rusqlite::Error> {
    let mut database = Connection::open_in_memory_with_flags(flags(true))?;
    if let Some(bytes) = bytes {
        database.deserialize_read_exact(MAIN_DB, bytes, bytes.len(), false)?;
        let state: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if state != "ok" {
            return Err(errors::corrupt());
        }
    }
    gate::close(&mut database, keys.max_size, watch)?;
    Ok(database)
}

/// The database of a file.
fn shared(
    host: &dyn Host,
    path: &str,
    keys: &Keys,
    watch: &Arc<Watch>,
) -> Result<Connection, rusqlite::Error> {
    let mut database = Connection::open_with_flags(host.path(path), flags(!keys.read_only))?;
    gate::close(&mut database, keys.max_size, watch)?;
    Ok(database)
}

/// Not `SQLITE_OPEN_URI`: a path is a path.
fn flags(write: bool) -> OpenFlags {
    let flags = match write {
        true => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        false => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    flags | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

#[cfg(test)]
mod tests;
