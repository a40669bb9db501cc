//! What an agent is besides its registers: status words, private store, log, saved state, meters.

mod answered;
mod draws;
mod rewrites;
mod shared;

use alloc::{
    collections::{BTreeMap, VecDeque},
    string::String,
    sync::Arc,
    vec::Vec,
};

use avm_ir::{StatusWord, Value, value::Text};

use crate::{
    effect::Failure,
    machine::{Config, Limits},
    meter::{Budget, Spend},
    policy::Policy,
    trap::{Fault, TrapCode},
};
pub(crate) use answered::{Answered, Answers, MAX_ANSWER, MAX_ANSWERED, MAX_ANSWERS};
pub(crate) use draws::Draws;
pub(crate) use rewrites::Rewrites;
pub use rewrites::{Checkpoint, Version};
use shared::Shared;

/// A note of `LOG`.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// Number of the step that wrote it, from 1.
    pub step: u64,
    /// What it says.
    pub note: Value,
}

/// Memory counted for a log entry or stored key besides its value, in bytes.
const ENTRY: u64 = 128;

/// The status words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Status {
    pub(crate) bool: bool,
    pub(crate) plugin: bool,
    pub(crate) task: bool,
    pub(crate) rewrite: bool,
    pub(crate) sandbox: Value,
}

impl Status {
    pub(crate) fn get(&self, word: StatusWord) -> Value {
        match word {
            StatusWord::Bool => Value::Bool(self.bool),
            StatusWord::Plugin => Value::Bool(self.plugin),
            StatusWord::Task => Value::Bool(self.task),
            StatusWord::Rewrite => Value::Bool(self.rewrite),
            StatusWord::Sandbox => self.sandbox.clone(),
        }
    }

    /// Notes whether the last instruction of a class failed. The bool word is the result itself.
    pub(crate) fn set_failed(&mut self, word: Option<StatusWord>, failed: bool) {
        match word {
            Some(StatusWord::Plugin) => self.plugin = failed,
            Some(StatusWord::Task) => self.task = failed,
            Some(StatusWord::Rewrite) => self.rewrite = failed,
            Some(StatusWord::Bool) if failed => self.bool = false,
            _ => {}
        }
    }
}

/// Memory of one agent: bytes made since the last exact measure, measured again when they could
/// exceed the limit. `made` grows by at least as much as the reachable memory does, so the limit
/// cannot be passed unseen, and it grows by rules that do not depend on what is shared.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pub(crate) limit: u64,
    measured: u64,
    made: u64,
    /// Bytes that may be made before the next measure; follows from limit and measure.
    room: u64,
}

impl Memory {
    pub(crate) fn new(limit: u64) -> Self {
        Self::from_counters([limit, 0, 0])
    }

    /// Limit, last exact measure, and bytes made since: what decides how it goes on.
    pub(crate) fn from_counters([limit, measured, made]: [u64; 3]) -> Self {
        let mut memory = Self { limit, measured, made, room: 0 };
        memory.make_room();
        memory
    }

    pub(crate) fn counters(&self) -> [u64; 3] {
        [self.limit, self.measured, self.made]
    }

    /// Sets the limit; the next measure is due accordingly.
    pub(crate) fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
        self.make_room();
    }

    fn make_room(&mut self) {
        // A measure costs time in the number of registers, so one is due at most every 1/16 of the
        // limit (or 1 MiB): that much the limit may be overshot between two measures.
        let slack = (self.limit / 16).min(1 << 20);
        self.room = self.limit.saturating_sub(self.measured).max(slack);
    }

    /// Counts bytes as made; `false` if a measure is due.
    #[inline]
    pub(crate) fn make(&mut self, bytes: u64) -> bool {
        self.made = self.made.saturating_add(bytes);
        self.made <= self.room
    }

    /// Whether so many more bytes can be made without a measure.
    #[inline]
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        self.made.saturating_add(bytes) <= self.room
    }

    /// Whether the limit leaves so many bytes even if nothing that was made since the last measure is
    /// gone.
    pub(crate) fn surely_has(&self, bytes: u64) -> bool {
        self.measured.saturating_add(self.made).saturating_add(bytes) <= self.limit
    }

    /// Takes an exact measure; fails if it and the bytes about to be made exceed the limit.
    pub(crate) fn measure(&mut self, reachable: u64, about: u64) -> Result<(), Fault> {
        self.measured = reachable;
        self.made = 0;
        self.make_room();
        if reachable.saturating_add(about) > self.limit {
            let message = alloc::format!(
                "the agent's values take {} bytes and its limit is {} bytes",
                reachable.saturating_add(about),
                self.limit
            );
            return Err(Fault { code: TrapCode::OutOfMemory, message });
        }
        Ok(())
    }
}

/// State of an agent besides its registers and frames.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) status: Status,
    pub(crate) kv: Shared<BTreeMap<Text, Value>>,
    kv_heap: u64,
    pub(crate) log: Shared<VecDeque<LogEntry>>,
    log_heap: u64,
    pub(crate) log_limit: usize,
    pub(crate) saved: Value,
    /// Agent registers as they were filled from outside.
    pub(crate) initial: Shared<Vec<(u8, Value)>>,
    /// What it changed of its own code.
    pub(crate) rewrites: Shared<Rewrites>,
    /// What the operator allows it to change, if that is less than the program does.
    pub(crate) policy: Option<Arc<Policy>>,
    /// What it was answered lately, where tests of its code may ask the same.
    pub(crate) answers: Shared<Answers>,
    pub(crate) memory: Memory,
    pub(crate) draws: Draws,
    /// What tells the run from every other one.
    pub(crate) run: [u8; 32],
    /// Executed instructions.
    pub(crate) steps: u64,
    /// Nanogas left.
    pub(crate) gas: u64,
    /// Nanogas granted in all.
    pub(crate) gas_limit: u64,
    /// Limits of the meters beside gas and memory, and what is used up of them.
    pub(crate) budget: Budget,
    pub(crate) spent: Budget,
    /// Effects answered or refused: the number of the next one.
    pub(crate) effects: u64,
    /// Instructions that failed in their class.
    pub(crate) failures: u64,
    pub(crate) last_failure: Option<Failure>,
}

impl Agent {
    pub(crate) fn new(config: &Config) -> Self {
        let Limits { memory, log_entries, .. } = config.limits;
        Self {
            status: Status::default(),
            kv: Shared::NONE,
            kv_heap: 0,
            log: Shared::NONE,
            log_heap: 0,
            log_limit: log_entries.max(1),
            saved: Value::Null,
            initial: Shared::NONE,
            rewrites: Shared::NONE,
            policy: config.policy.clone(),
            answers: Shared::NONE,
            memory: Memory::new(memory),
            draws: Draws::new(config.seed, 0),
            run: config.run,
            steps: 0,
            gas: config.gas,
            gas_limit: config.gas,
            budget: config.budget,
            spent: Budget::NONE,
            effects: 0,
            failures: 0,
            last_failure: None,
        }
    }

    /// What is left on the meters that providers use up.
    pub(crate) fn left(&self) -> Spend {
        self.budget.spend.minus(&self.spent.spend)
    }

    /// Memory of everything but registers, in bytes.
    pub(crate) fn heap(&self) -> u64 {
        let failure = self.last_failure.as_ref().map_or(0, |failure| failure.message.len() as u64);
        let kept = self.kv_heap + self.log_heap + self.saved.heap();
        kept + self.status.sandbox.heap() + failure + self.rewrites.heap + self.answers.heap
    }

    pub(crate) fn kv_store(&mut self, key: Text, value: Value) {
        self.kv_heap += value.heap();
        let new = ENTRY + key.len() as u64;
        match self.kv.own().insert(key, value) {
            Some(old) => self.kv_heap -= old.heap(),
            None => self.kv_heap += new,
        }
    }

    pub(crate) fn kv_delete(&mut self, key: &str) -> bool {
        if !self.kv.contains_key(key) {
            return false;
        }
        let Some(old) = self.kv.own().remove(key) else { return false };
        self.kv_heap -= old.heap() + ENTRY + key.len() as u64;
        true
    }

    /// Memory that storing a value under a key may add, in bytes.
    pub(crate) fn kv_cost(key: &str, value: &Value) -> u64 {
        ENTRY + key.len() as u64 + value.heap()
    }

    /// Writes a note; the oldest gives way where the log is full.
    pub(crate) fn write_log(&mut self, step: u64, note: Value) {
        if self.log.len() >= self.log_limit
            && let Some(old) = self.log.own().pop_front()
        {
            self.log_heap -= ENTRY + old.note.heap();
        }
        self.log_heap += ENTRY + note.heap();
        self.log.own().push_back(LogEntry { step, note });
    }

    /// Memory that a note adds, in bytes.
    pub(crate) fn log_cost(note: &Value) -> u64 {
        ENTRY + note.heap()
    }

    /// A uniform int between two bounds.
    pub(crate) fn random(&mut self, low: i64, high: i64) -> i64 {
        self.draws.int(low, high)
    }

    /// A word for the log of failures.
    pub(crate) fn note_failure(&mut self, failure: Failure) {
        self.failures += 1;
        self.last_failure = Some(failure);
    }

    pub(crate) fn last_failure_text(&self) -> Option<String> {
        self.last_failure.as_ref().map(|failure| alloc::format!("{failure}"))
    }
}
