//! Plugins.

use avm_ir::Value;

use super::{Call, Outcome, Provider};

/// A plugin (`CALL_PLUGIN`). Its functions are those of its manifest; the guard refuses others.
pub trait Plugin: Provider {
    /// Calls a function. Arguments are a list by position, a record by name, or one value.
    ///
    /// # Errors
    /// Whatever keeps the function from giving a result.
    fn call(&self, call: &Call, function: &str, args: &Value) -> Outcome;
}
