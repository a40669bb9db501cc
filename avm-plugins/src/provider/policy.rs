//! The developer's and operator's policy on what an agent does.

use avm_ir::Value;

use super::{Provider, Refusal};

/// Roles and security rules (`CHECK_PERMISSIONS`, `SECURITY_CHECK`).
pub trait Policy: Provider {
    /// Whether a role permits an action.
    ///
    /// # Errors
    /// There is no such role.
    fn permits(&self, role: &str, action: &str) -> Result<bool, Refusal>;

    /// Checks an object by the rules.
    ///
    /// # Errors
    /// [`FailureCode::Denied`](avm_vm::FailureCode::Denied) with the reasons.
    fn check(&self, object: &Value) -> Result<(), Refusal>;
}
