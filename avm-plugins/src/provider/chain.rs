//! Chains.

use avm_ir::Value;

use super::{Call, Outcome, Provider};

/// A blockchain (`CHAIN_OP`, also written `WEB3_OP`). Its actions are the functions of its manifest.
pub trait Chain: Provider {
    /// Does an action.
    ///
    /// # Errors
    /// The chain does not know the action, or the action cannot be done.
    fn act(&self, call: &Call, action: &str, args: &Value) -> Outcome;
}
