//! GPUs.

use super::{Call, Outcome, Provider, Refusal};

/// The GPUs of a machine (`ALLOCATE_GPU`, `RELEASE_GPU`, `CHECK_GPU_LOAD`).
///
/// A lease ends by itself when its time is over or the run ends.
pub trait Gpus: Provider {
    /// Leases a GPU for so many seconds. The GPU time is spent at once, in milliseconds.
    ///
    /// # Errors
    /// There is no such GPU, or all of it is leased.
    fn allocate(&self, call: &Call, gpu: &str, seconds: u64) -> Outcome;

    /// Ends the lease; the reply refunds the whole seconds that were not used.
    ///
    /// # Errors
    /// There is no lease.
    fn release(&self, call: &Call, gpu: &str) -> Outcome;

    /// Load of a GPU, 0 to 1.
    ///
    /// # Errors
    /// There is no such GPU, or it does not tell.
    fn load(&self, call: &Call, gpu: &str) -> Result<f64, Refusal>;
}
