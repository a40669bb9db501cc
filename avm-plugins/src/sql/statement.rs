//! Running one statement.

use avm_ir::{
    Value,
    value::{Record, Text},
};
use avm_vm::FailureCode;

use rusqlite::{
    Batch, Connection, Statement, StatementStatus, fallible_iterator::FallibleIterator as _,
};

use super::{errors, gate::MAX_QUERY, values, watch::Watch};
use crate::provider::{Call, Refusal};

/// A statement to be run.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) call: &'a Call,
    pub(super) query: &'a str,
    pub(super) params: &'a [Value],
    /// Most rows to give back; `None` drops them all.
    pub(super) max_rows: Option<usize>,
}

/// What came of it.
pub(super) struct Done {
    pub(super) rows: Vec<Value>,
    pub(super) units: u64,
}

/// Runs a statement to its end or to the limits of the call. What it changed is not yet committed.
pub(super) fn run(database: &Connection, watch: &Watch, task: &Task<'_>) -> Result<Done, Refusal> {
    let Task { call, query, params, .. } = *task;
    if query.len() > MAX_QUERY {
        return Err(Refusal::invalid(format!("a query has at most {MAX_QUERY} bytes")));
    }
    let given: u64 = params.iter().map(Value::size).sum();
    if !watch.pay(given.saturating_add(query.len() as u64)) {
        call.affords(watch.units(0))?;
    }
    let mut statement = single(database, watch, query)?;
    values::bind(&mut statement, params, watch)?;
    watch.start();
    let rows = rows(&mut statement, watch, task);
    let steps = statement.get_status(StatementStatus::VmStep).cast_unsigned();
    let units = watch.units(steps);
    match rows {
        // It was over before the database looked at the limits again.
        Ok(_) if units > call.max_units => Err(errors::too_much_work(call)),
        Ok(rows) => Ok(Done { rows, units }),
        Err(refusal) if refusal.failure.code == FailureCode::GasLimit => {
            Err(errors::too_much_work(call))
        }
        Err(refusal) => Err(refusal.after(units.min(call.max_units))),
    }
}

/// Compiles the one statement of a query.
fn single<'c>(
    database: &'c Connection,
    watch: &Watch,
    query: &str,
) -> Result<Statement<'c>, Refusal> {
    // Not `prepare`: that recurses once for every further statement.
    let mut statements = Batch::new(database, query);
    let first = statements.next().map_err(|error| errors::refusal(&error, watch))?;
    let first = first.ok_or_else(|| Refusal::invalid("the query is empty"))?;
    match statements.next() {
        Ok(None) => Ok(first),
        // The rest is a statement or cannot be one: it is no comment.
        _ => Err(Refusal::invalid("a query is one statement; call once for each")),
    }
}

fn rows(
    statement: &mut Statement<'_>,
    watch: &Watch,
    task: &Task<'_>,
) -> Result<Vec<Value>, Refusal> {
    let names = match task.max_rows {
        Some(_) => names(statement)?,
        None => Vec::new(),
    };
    let (mut all, mut bytes) = (Vec::new(), 0_u64);
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| errors::refusal(&error, watch))? {
        let Some(max_rows) = task.max_rows else { continue };
        if all.len() == max_rows {
            return Err(Refusal::new(
                FailureCode::TooLarge,
                format!("more than {max_rows} rows; ask for fewer with LIMIT"),
            ));
        }
        let mut record = Record::new();
        for (index, name) in names.iter().enumerate() {
            let value = row.get_ref(index).map_err(|error| errors::refusal(&error, watch))?;
            record.insert(name.clone(), values::read(value));
        }
        let record = Value::Record(record);
        let size = record.size();
        bytes = bytes.saturating_add(size);
        if bytes > task.call.max_bytes {
            let room = task.call.max_bytes;
            return Err(Refusal::new(
                FailureCode::TooLarge,
                format!(
                    "the rows are larger than the {room} bytes that gas and memory have room for"
                ),
            ));
        }
        if !watch.pay(size) {
            return Err(errors::too_much_work(task.call));
        }
        all.push(record);
    }
    Ok(all)
}

/// Names of the columns, which become the names of fields.
fn names(statement: &Statement<'_>) -> Result<Vec<Text>, Refusal> {
    let names: Vec<Text> = statement.column_names().map(Text::from).collect();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            let name: &str = name;
            return Err(Refusal::invalid(format!(
                "two columns are named {name}; name one of them with AS"
            )));
        }
    }
    Ok(names)
}
