//! Tools.

use avm_ir::Value;

use super::{Call, Outcome, Provider, Refusal};

/// A tool (`READ_FROM_TOOL`, `WRITE_TO_TOOL`). The functions of its manifest are `read` and `write`.
pub trait Tool: Provider {
    /// Reads.
    ///
    /// # Errors
    /// Whatever keeps it from reading; a tool that cannot be read at all says so.
    fn read(&self, _call: &Call, _args: &Value) -> Outcome {
        Err(Refusal::invalid("this tool cannot be read from"))
    }

    /// Writes, and gives the tool's answer.
    ///
    /// # Errors
    /// Whatever keeps it from writing; a tool that cannot be written to says so.
    fn write(&self, _call: &Call, _data: &Value) -> Outcome {
        Err(Refusal::invalid("this tool cannot be written to"))
    }
}
