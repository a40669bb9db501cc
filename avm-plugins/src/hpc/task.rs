//! A task of the pool: how many chunks it may compute, and what it has.

use std::sync::Arc;

use avm_ir::Value;
use avm_vm::Meter;

use super::{
    faults::Faults,
    job::{Job, Part},
};
use crate::provider::{Report, TaskEnd};

/// A task that was started and not forgotten.
pub(super) struct Task {
    /// What was asked for, from which it can be started again.
    pub(super) payload: Value,
    /// Nanocredits that it may spend.
    pub(super) credits: u64,
    /// Whether it breaks down after its first chunk, because the configuration says so.
    pub(super) breaks: bool,
    /// The call that started it.
    pub(super) key: [u8; 32],
    pub(super) job: Arc<Job>,
    /// Chunks that it computes, always the first ones.
    planned: usize,
    /// Whether it computes no more after those and never ends.
    stalls: bool,
    /// Chunks handed out.
    handed: usize,
    parts: Vec<Option<Arc<Part>>>,
}

impl Task {
    pub(super) fn new(
        job: Job,
        payload: Value,
        credits: u64,
        key: [u8; 32],
        (breaks, faults): (bool, &Faults),
    ) -> Self {
        let paid = (credits / job.price()).min(job.chunks());
        let limit = if breaks { Some(1) } else { faults.max_chunks };
        let mut planned = paid.min(limit.unwrap_or(u64::MAX));
        let stall = faults.stall_after.filter(|chunks| *chunks < planned && !breaks);
        planned = stall.unwrap_or(planned);
        Self {
            payload,
            credits,
            breaks,
            key,
            job: Arc::new(job),
            planned: planned as usize,
            stalls: stall.is_some(),
            handed: 0,
            parts: Vec::new(),
        }
    }

    /// The next chunk to compute.
    pub(super) fn hand_out(&mut self) -> Option<usize> {
        if self.handed == self.planned {
            return None;
        }
        self.handed += 1;
        self.parts.push(None);
        Some(self.handed - 1)
    }

    /// Takes what came of a chunk.
    pub(super) fn take(&mut self, index: usize, part: Part) {
        if let Some(slot) = self.parts.get_mut(index) {
            *slot = Some(Arc::new(part));
        }
    }

    /// Whether nothing more will come.
    pub(super) fn at_rest(&self) -> bool {
        self.handed == self.planned && self.parts.iter().all(Option::is_some)
    }

    /// Whether it rests and is not done.
    pub(super) fn stalled(&self) -> bool {
        self.stalls && self.at_rest()
    }

    /// What there is: the first chunks, without a gap.
    pub(super) fn so_far(&self) -> SoFar {
        let parts: Vec<Arc<Part>> = self.parts.iter().map_while(Clone::clone).collect();
        let end = if !self.at_rest() || self.stalls {
            TaskEnd::Running
        } else if self.breaks || parts.is_empty() {
            TaskEnd::Failed
        } else if (parts.len() as u64) < self.job.chunks() {
            TaskEnd::Partial
        } else {
            TaskEnd::Complete
        };
        let held = self.credits;
        SoFar { job: Arc::clone(&self.job), end, parts, breaks: self.breaks, held }
    }
}

/// What a task has, to be summed up without anybody waiting for it.
pub(super) struct SoFar {
    job: Arc<Job>,
    end: TaskEnd,
    parts: Vec<Arc<Part>>,
    breaks: bool,
    held: u64,
}

impl SoFar {
    pub(super) fn report(&self) -> Report {
        let price = self.job.price();
        let credits = price.saturating_mul(self.parts.len() as u64);
        let failed = self.end == TaskEnd::Failed;
        let result = match failed {
            true => Value::Null,
            false => self.job.result(self.end, self.parts.iter().map(|part| &**part), credits),
        };
        let message = match (failed, self.breaks && !self.parts.is_empty()) {
            (false, _) => String::new(),
            (true, true) => "the task broke down, as fail_first says".to_owned(),
            (true, false) => {
                let (held, price) = (Meter::Credits.show(self.held), Meter::Credits.show(price));
                format!("{held} credits do not pay for a chunk, which costs {price}")
            }
        };
        Report { end: self.end, result, credits, message }
    }
}
