//! `builtin:pool`: an HPC cluster that is this machine, a pool of threads with tasks.
//!
//! It computes what it says and nothing else: a Monte Carlo simulation (`analysis`) and statistics of
//! numbers. Work is cut into chunks, each costs credits, and a task computes the chunks that its
//! credits pay for, always the first ones. So the result depends on payload and credits alone.
//!
//! Options weighed: a thread for each task (unbounded threads), a thread pool library (a dependency
//! for a queue), async tasks (nothing here waits for the network).

mod analysis;
mod faults;
mod job;
mod summary;
mod task;
#[allow(clippy::disallowed_methods, reason = "results do not depend on the order of the threads")]
mod workers;

use core::time::Duration;

use avm_ir::{
    Value,
    value::{self, Record},
    wire::Reader,
};
use avm_vm::FailureCode;
use serde::Deserialize;

use self::{
    faults::{Faults, Starts},
    job::Job,
    task::Task,
    workers::{State, Workers},
};
use crate::{
    provider::{Call, Cluster, Function, Manifest, Provider, Refusal, Report},
    settings::{BadSettings, Settings},
    shape::Shape,
};

/// Most threads; more would only wait for each other.
const MOST_WORKERS: usize = 64;
/// Most milliseconds that a chunk may be made to take, as ending the pool waits for it.
const MOST_SLOW: u64 = 10_000;

/// Keys of the configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Keys {
    workers: usize,
    max_tasks: usize,
    seed: i64,
    fail_first: u64,
    max_chunks: Option<u64>,
    stall_after: Option<u64>,
    slow_ms: u64,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            workers: 0,
            max_tasks: 64,
            seed: 0,
            fail_first: 0,
            max_chunks: None,
            stall_after: None,
            slow_ms: 0,
        }
    }
}

/// A pool of threads as a cluster.
pub struct Pool {
    workers: Workers,
    host: std::sync::Arc<dyn crate::host::Host>,
    faults: Faults,
    max_tasks: usize,
    seed: i64,
}

impl Pool {
    /// A pool as configured: `workers` (threads), `max_tasks`, `seed`, and the faults `fail_first`,
    /// `max_chunks`, `stall_after`, `slow_ms`.
    ///
    /// # Errors
    /// A key is unknown or out of range.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        let keys: Keys = settings.read()?;
        if keys.workers > MOST_WORKERS {
            return Err(BadSettings(format!("workers must be at most {MOST_WORKERS}")));
        }
        if keys.slow_ms > MOST_SLOW {
            return Err(BadSettings(format!("slow_ms must be at most {MOST_SLOW}")));
        }
        if keys.max_tasks == 0 {
            return Err(BadSettings::new("max_tasks must be at least 1"));
        }
        let faults = Faults {
            fail_first: keys.fail_first,
            max_chunks: keys.max_chunks,
            stall_after: keys.stall_after,
            slow: Duration::from_millis(keys.slow_ms),
        };
        let host = settings.host.clone();
        let workers = Workers::new(keys.workers, faults.slow, host.clone());
        Ok(Self { workers, host, faults, max_tasks: keys.max_tasks, seed: keys.seed })
    }

    fn saved(&self, state: &State) -> Value {
        let task = |(number, task): (&u64, &Task)| {
            Value::list(vec![
                Value::Int(number.cast_signed()),
                Value::Int(task.credits.cast_signed()),
                Value::Bool(task.breaks),
                Value::Bytes(task.key.to_vec().into()),
                // As bytes, because a payload may be nested as deep as a value can be.
                Value::Bytes(value::encode(&task.payload).into()),
            ])
        };
        Value::Record(Record::from_iter([
            ("next", Value::Int(state.next.cast_signed())),
            ("tasks", Value::list(state.tasks.iter().map(task).collect())),
            ("starts", state.starts.save()),
        ]))
    }

    fn read(&self, saved: &Value) -> Option<State> {
        let Value::Record(saved) = saved else { return None };
        let (Value::Int(next), Value::List(rows)) = (saved.get("next")?, saved.get("tasks")?)
        else {
            return None;
        };
        let mut state = State::default();
        state.next = next.cast_unsigned();
        state.starts = Starts::restore(saved.get("starts")?)?;
        for row in rows.iter() {
            let Value::List(row) = row else { return None };
            let [
                Value::Int(number),
                Value::Int(credits),
                Value::Bool(breaks),
                Value::Bytes(key),
                Value::Bytes(payload),
            ] = row.as_slice()
            else {
                return None;
            };
            let payload = value::decode(&mut Reader::new(payload)).ok()?;
            let job = Job::read(&payload, self.seed).ok()?;
            let key = key.as_slice().try_into().ok()?;
            let how = (*breaks, &self.faults);
            let task = Task::new(job, payload, credits.cast_unsigned(), key, how);
            state.tasks.insert(number.cast_unsigned(), task);
        }
        Some(state)
    }
}

impl Provider for Pool {
    fn manifest(&self) -> Manifest {
        let about = "a pool of threads of this machine; computes simulations and statistics";
        let start = "starts a task: analysis of a sentiment, or statistics of numbers";
        let start = Function::new("start", start, Shape::Any, Shape::Int).once();
        Manifest::pure(about, vec![start])
    }

    /// The inputs of its tasks. Their results are computed again, to the same bits.
    fn save(&self) -> Value {
        let state = self.workers.lock();
        match state.next {
            0 => Value::Null,
            _ => self.saved(&state),
        }
    }

    fn restore(&self, saved: &Value) -> Result<(), Refusal> {
        let restored = match saved {
            Value::Null => State::default(),
            saved => self
                .read(saved)
                .ok_or_else(|| Refusal::invalid("the pool's tasks are not what was saved"))?,
        };
        let busy = !restored.tasks.is_empty();
        *self.workers.lock() = restored;
        self.workers.changed();
        if busy { self.workers.wake() } else { Ok(()) }
    }
}

impl Cluster for Pool {
    fn start(&self, call: &Call, payload: &Value, credits: u64) -> Result<u64, Refusal> {
        let job = Job::read(payload, self.seed)?;
        // Threads first, so that no task is left behind that nobody computes.
        self.workers.wake()?;
        let mut state = self.workers.lock();
        let key = call.idempotency_key.bytes();
        let mut started = state.tasks.iter();
        if let Some((number, _)) = started.find(|(_, task)| task.key == key) {
            return Ok(*number);
        }
        if state.tasks.len() >= self.max_tasks {
            let message = format!(
                "the pool has {} tasks already; wait for one, or raise max_tasks",
                self.max_tasks
            );
            return Err(Refusal::new(FailureCode::Unavailable, message));
        }
        let breaks = state.starts.breaks(&self.faults, payload);
        state.next += 1;
        let number = state.next;
        let how = (breaks, &self.faults);
        let task = Task::new(job, payload.clone(), credits, key, how);
        state.tasks.insert(number, task);
        drop(state);
        self.workers.wake()?;
        Ok(number)
    }

    fn wait(&self, task: u64, at_most: Duration) -> Result<Report, Refusal> {
        let state = self.workers.wait(task, at_most);
        let gone = || Refusal::not_found(format!("the pool has no task {task}"));
        let found = state.tasks.get(&task).ok_or_else(gone)?;
        let (so_far, stalled) = (found.so_far(), found.stalled());
        drop(state);
        if stalled {
            self.host.sleep(at_most);
        }
        Ok(so_far.report())
    }

    fn cancel(&self, task: u64) {
        self.workers.lock().tasks.remove(&task);
        self.workers.changed();
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("faults", &self.faults).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
