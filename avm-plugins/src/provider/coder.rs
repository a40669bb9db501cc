//! Agents' own code as text.

use avm_ir::{Program, Value, program::Patch};

use super::{Provider, Refusal};

/// Writes the code of an agent that looks at itself as text, and makes patches of what it wants to
/// have instead (`SELF_READ`, `SELF_MODIFY`). It decides nothing: what an agent may do with its code
/// is the machine's matter, which believes nothing of a patch either.
pub trait Coder: Provider {
    /// The canonical text of a region.
    ///
    /// # Errors
    /// The program has no such region.
    fn text(&self, program: &Program, region: &str) -> Result<String, Refusal>;

    /// Another code for a region: its text, a unified diff of it, or bytecode.
    ///
    /// # Errors
    /// It is none of these, or does not fit the region.
    fn patch(&self, program: &Program, region: &str, code: &Value) -> Result<Patch, Refusal>;
}
