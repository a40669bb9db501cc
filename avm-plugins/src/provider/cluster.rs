//! HPC clusters and their tasks.

use std::time::Duration;

use avm_ir::Value;

use super::{Call, Provider, Refusal};

/// How far a task is, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskEnd {
    /// Not done yet; the result is what there is so far, `NULL` if nothing.
    Running,
    /// Done.
    Complete,
    /// The credits did not pay for all of it; the result is what they paid for.
    Partial,
    /// It broke down; the result is `NULL`.
    Failed,
}

impl TaskEnd {
    /// Word that programs see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Complete => "COMPLETE",
            Self::Partial => "PARTIAL",
            Self::Failed => "FAILED",
        }
    }
}

/// What is known of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How far it is.
    pub end: TaskEnd,
    /// What it computed.
    pub result: Value,
    /// Nanocredits used so far, at most those it was started with.
    pub credits: u64,
    /// Why it failed; empty if it did not.
    pub message: String,
}

/// A cluster that runs tasks (`HPC_MIGRATE`, `HPC_EXTENDED_ANALYSIS`, `WAIT_FOR_TASK`,
/// `WAIT_FOR_RESPONSE`). Handles, holds, waiting and retries are the registry's business.
pub trait Cluster: Provider {
    /// Starts a task that may spend so many nanocredits, and gives its number in this cluster.
    ///
    /// # Errors
    /// The payload is nothing that it computes, or it has no room for another task.
    fn start(&self, call: &Call, payload: &Value, credits: u64) -> Result<u64, Refusal>;

    /// What is known of a task, after waiting at most so long for it to end.
    ///
    /// # Errors
    /// There is no such task.
    fn wait(&self, task: u64, at_most: Duration) -> Result<Report, Refusal>;

    /// Stops a task and forgets it.
    fn cancel(&self, task: u64);
}
