//! Virtual time and what is due when.

use alloc::collections::BTreeMap;

use avm_ir::wire::Writer;

use super::AgentId;

/// What happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The timer's number.
    pub(super) timer: u64,
    /// Whose wait ends.
    pub(super) agent: AgentId,
}

#[derive(Debug)]
pub(super) struct Clock {
    now: u64,
    /// Timers by time, and those of one time in the order in which they were set.
    timers: BTreeMap<(u64, u64), AgentId>,
    /// When each timer is due, to take it back.
    set: BTreeMap<u64, u64>,
    next: u64,
}

impl Clock {
    pub(super) const fn at(now: u64) -> Self {
        Self { now, timers: BTreeMap::new(), set: BTreeMap::new(), next: 0 }
    }

    pub(super) const fn now(&self) -> u64 {
        self.now
    }

    /// Sets a timer so many nanoseconds from now, and gives its number.
    pub(super) fn set(&mut self, after: u64, agent: AgentId) -> u64 {
        let (number, time) = (self.next, self.now.saturating_add(after));
        self.next += 1;
        self.timers.insert((time, number), agent);
        self.set.insert(number, time);
        number
    }

    /// Takes a timer back that is not due any more.
    pub(super) fn cancel(&mut self, timer: u64) {
        if let Some(time) = self.set.remove(&timer) {
            self.timers.remove(&(time, timer));
        }
    }

    /// When the next timer is due.
    pub(super) fn next(&self) -> Option<u64> {
        self.timers.keys().next().map(|(time, _)| *time)
    }

    /// Goes to the next timer that is due until a moment, and takes it.
    pub(super) fn take(&mut self, until: u64) -> Option<Due> {
        let (key, _) = self.timers.first_key_value()?;
        if key.0 > until {
            return None;
        }
        let ((time, timer), agent) = self.timers.pop_first()?;
        self.set.remove(&timer);
        self.go(time);
        Some(Due { timer, agent })
    }

    /// Time never goes back.
    pub(super) fn go(&mut self, to: u64) {
        self.now = self.now.max(to);
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.u64(self.next);
        out.u32(self.timers.len() as u32);
        for ((time, number), agent) in &self.timers {
            out.u64(*time);
            out.u64(*number);
            out.u32(agent.0);
        }
    }
}
