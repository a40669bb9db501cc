//! The threads of the pool. They compute chunks and nothing else: what a task gives does not depend
//! on how many there are, nor on which of them computed what.

use core::time::Duration;
use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{Builder, JoinHandle, available_parallelism},
};

use super::{faults::Starts, job::Job, task::Task};
use crate::{host::Host, provider::Refusal};

/// Longest wait; who asks for more asks again.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Everything that the threads and the callers share.
#[derive(Default)]
pub(super) struct State {
    /// By number, so that the oldest task is worked on first.
    pub(super) tasks: BTreeMap<u64, Task>,
    pub(super) next: u64,
    pub(super) starts: Starts,
    stopping: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Something to compute, or the end.
    work: Condvar,
    /// Something was computed or cancelled.
    done: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it was held would be a bug of ours; what it holds is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pool's threads. Dropping it ends them, each after the chunk it computes.
pub(super) struct Workers {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    count: usize,
    slow: Duration,
    host: Arc<dyn Host>,
}

impl Workers {
    /// A pool of so many threads, as many as the machine has room for up to 4 if 0. They start
    /// with the first task.
    pub(super) fn new(count: usize, slow: Duration, host: Arc<dyn Host>) -> Self {
        let count = match count {
            0 => available_parallelism().map_or(1, |count| count.get().min(4)),
            count => count,
        };
        Self { shared: Arc::default(), threads: Mutex::default(), count, slow, host }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    /// Wakes the threads, starting them if there are none.
    ///
    /// # Errors
    /// The operating system starts no thread at all.
    pub(super) fn wake(&self) -> Result<(), Refusal> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        while threads.len() < self.count {
            let (shared, host, slow) =
                (Arc::clone(&self.shared), Arc::clone(&self.host), self.slow);
            let started = Builder::new()
                .name("avm-pool".to_owned())
                .spawn(move || work(&shared, &*host, slow));
            match started {
                Ok(thread) => threads.push(thread),
                // Fewer do it as well.
                Err(_) if !threads.is_empty() => break,
                Err(error) => {
                    let message = format!("no thread for the pool: {error}");
                    return Err(Refusal::new(avm_vm::FailureCode::Unavailable, message));
                }
            }
        }
        self.shared.work.notify_all();
        Ok(())
    }

    /// Wakes whoever waits for a task.
    pub(super) fn changed(&self) {
        self.shared.done.notify_all();
    }

    /// Waits until a task rests or is gone, at most so long.
    pub(super) fn wait(&self, task: u64, at_most: Duration) -> MutexGuard<'_, State> {
        let busy = |state: &mut State| state.tasks.get(&task).is_some_and(|task| !task.at_rest());
        let waited =
            self.shared.done.wait_timeout_while(self.lock(), at_most.min(LONGEST_WAIT), busy);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.work.notify_all();
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // It panicked, which would be a bug of ours; nothing is left to be done.
            let _ = thread.join();
        }
    }
}

fn work(shared: &Shared, host: &dyn Host, slow: Duration) {
    let mut state = shared.lock();
    while !state.stopping {
        let Some((number, index, job)) = next(&mut state) else {
            state = shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        drop(state);
        if slow > Duration::ZERO {
            host.sleep(slow);
        }
        let part = job.chunk(index as u64);
        state = shared.lock();
        // It may have been cancelled meanwhile, or another run restored in its place.
        let task = state.tasks.get_mut(&number).filter(|task| Arc::ptr_eq(&task.job, &job));
        if let Some(task) = task {
            task.take(index, part);
            shared.done.notify_all();
        }
    }
}

fn next(state: &mut State) -> Option<(u64, usize, Arc<Job>)> {
    state.tasks.iter_mut().find_map(|(number, task)| {
        let index = task.hand_out()?;
        Some((*number, index, Arc::clone(&task.job)))
    })
}
