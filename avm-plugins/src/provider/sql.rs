//! SQL databases.

use avm_ir::Value;

use super::{Call, Outcome, Provider};

/// A database (`SQL_EXECUTE`, `SQL_FETCH`). Units of work are thousands of the database's own steps.
pub trait Sql: Provider {
    /// Executes one statement.
    ///
    /// # Errors
    /// The statement is wrong, or needs more steps than the call affords; nothing is changed then.
    fn execute(&self, call: &Call, query: &str, params: &[Value]) -> Outcome;

    /// Gives the rows of one query that only reads, as a list of records.
    ///
    /// # Errors
    /// The query is wrong, writes, or needs more rows, bytes or steps than the call affords.
    fn fetch(&self, call: &Call, query: &str, params: &[Value]) -> Outcome;
}
