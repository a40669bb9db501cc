//! Asking what may hang: in a thread of its own, which is left behind when the time is over.
//!
//! A thread cannot be stopped from outside. One that was left behind holds its memory until the
//! provider comes back, so only a few may hang at a time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use avm_vm::FailureCode;

use super::caught;
use crate::provider::{Outcome, Refusal};

/// Most calls of a provider that were left behind and have not come back.
pub(super) const MOST: usize = 4;

/// How much longer than the provider its guard waits, so that a provider that keeps its time can
/// clean up and say itself what took so long.
const GRACE: Duration = Duration::from_millis(100);

/// The calls of one provider that were left behind.
#[derive(Clone, Default)]
pub(super) struct Hung(Arc<AtomicUsize>);

impl Hung {
    /// Waits for a job at most so long.
    pub(super) fn run(
        &self,
        name: &str,
        timeout: Duration,
        job: impl FnOnce() -> Outcome + Send + 'static,
    ) -> Outcome {
        if self.0.load(Ordering::SeqCst) >= MOST {
            let message = format!("{MOST} earlier calls of {name} have not come back");
            return Err(Refusal::new(FailureCode::Unavailable, message));
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        // Who sets it first decides whether the answer is still wanted.
        let decided = Arc::new(AtomicBool::new(false));
        let (hung, theirs) = (self.clone(), Arc::clone(&decided));
        let work = move || {
            let outcome = caught(job);
            if theirs.swap(true, Ordering::SeqCst) {
                hung.0.fetch_sub(1, Ordering::SeqCst);
            } else {
                let _ = sender.send(outcome);
            }
        };
        if let Err(error) = thread::Builder::new().name("provider".to_owned()).spawn(work) {
            let message = format!("no thread for {name}: {error}");
            return Err(Refusal::new(FailureCode::Unavailable, message));
        }
        let received = match receiver.recv_timeout(timeout.saturating_add(GRACE)) {
            Err(mpsc::RecvTimeoutError::Timeout) => {
                self.0.fetch_add(1, Ordering::SeqCst);
                if !decided.swap(true, Ordering::SeqCst) {
                    return Err(late(name, timeout));
                }
                // It came in the very last moment.
                self.0.fetch_sub(1, Ordering::SeqCst);
                receiver.recv().ok()
            }
            received => received.ok(),
        };
        match received {
            Some(Ok(outcome)) => outcome,
            Some(Err(why)) => {
                Err(Refusal::new(FailureCode::Internal, format!("{name} broke down: {why}")))
            }
            None => Err(Refusal::new(FailureCode::Internal, format!("{name} gave no answer"))),
        }
    }

    /// How many were left behind and have not come back.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// The failure of a provider that took too long.
fn late(name: &str, timeout: Duration) -> Refusal {
    let message = format!("no answer of {name} within {timeout:?}");
    Refusal::new(FailureCode::Timeout, message)
}
