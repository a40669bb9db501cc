//! Virtual time and what is due when (H8).
//!
//! Timers lie in a heap with four branches, 24 bytes each, in the order of their times and, of one
//! time, in that in which they were set. One that is taken back stays there until it comes up or most
//! of the heap is of that kind, which costs less than finding it: an agent has one wait at most, so
//! that its timer is of no use any more is one number to look at. Options weighed: two balanced trees,
//! by time and by number (70 bytes a timer, setting a million of them takes 20 times as long and
//! taking them twice), a wheel of slots (the order within a slot has to be made, and times are
//! nanoseconds).

use alloc::{collections::BTreeSet, vec::Vec};

use avm_ir::wire::{Reader, WireError, Writer};

use super::AgentId;

/// What happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The timer's number.
    pub(super) timer: u64,
    /// Whose it is.
    pub(super) agent: AgentId,
    /// The task of the agent that it is for; without one it ends a wait.
    pub(super) task: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Timer {
    time: u64,
    number: u64,
    agent: u32,
    /// [`NO_TASK`] for one that ends a wait.
    task: u32,
}

impl Timer {
    /// Its place in the order; numbers are given once.
    const fn key(&self) -> u128 {
        (self.time as u128) << 64 | self.number as u128
    }
}

const NO_TASK: u32 = u32::MAX;
const NONE: u64 = u64::MAX;
/// Branches of the heap: fewer levels than with two, and those of one parent lie side by side.
const BRANCHES: usize = 4;
/// Timers taken back that are not worth a sweep.
const FEW: usize = 64;

#[derive(Debug)]
pub(super) struct Clock {
    now: u64,
    /// Each timer is due no earlier than its parent; the first one was not taken back.
    heap: Vec<Timer>,
    /// The timer that ends the wait of each agent, [`NONE`] where there is none.
    waits: Vec<u64>,
    /// Numbers of timers of tasks that were taken back and are still in the heap.
    gone: BTreeSet<u64>,
    /// Timers in the heap that were taken back.
    stale: usize,
    next: u64,
}

impl Clock {
    pub(super) const fn at(now: u64) -> Self {
        Self { now, heap: Vec::new(), waits: Vec::new(), gone: BTreeSet::new(), stale: 0, next: 0 }
    }

    pub(super) const fn now(&self) -> u64 {
        self.now
    }

    /// Sets a timer for a time, or for now if that is over, and gives its number. It ends a wait of an
    /// agent, of which there is one at a time, or is for one of its tasks.
    pub(super) fn set(&mut self, time: u64, agent: AgentId, task: Option<u32>) -> u64 {
        let (number, time) = (self.next, time.max(self.now));
        self.next += 1;
        self.push(Timer { time, number, agent: agent.0, task: task.unwrap_or(NO_TASK) });
        number
    }

    fn push(&mut self, timer: Timer) {
        if timer.task == NO_TASK {
            *self.wait(timer.agent) = timer.number;
        }
        self.heap.push(timer);
        self.rise(self.heap.len() - 1);
    }

    fn wait(&mut self, agent: u32) -> &mut u64 {
        let at = agent as usize;
        if at >= self.waits.len() {
            self.waits.resize(at + 1, NONE);
        }
        &mut self.waits[at]
    }

    /// Takes the timer back that ends an agent's wait, if there is one.
    pub(super) fn cancel_wait(&mut self, agent: AgentId) {
        let timer = core::mem::replace(self.wait(agent.0), NONE);
        if timer != NONE {
            self.forget(timer);
        }
    }

    /// Takes the timer of a task back that has not come up yet.
    pub(super) fn cancel(&mut self, timer: u64) {
        self.gone.insert(timer);
        self.forget(timer);
    }

    /// A timer was taken back.
    fn forget(&mut self, timer: u64) {
        self.stale += 1;
        if self.heap.first().is_some_and(|first| first.number == timer) {
            self.clean();
        } else if self.stale > FEW && self.stale > self.heap.len() / 2 {
            self.sweep();
        }
    }

    fn is_stale(&self, timer: &Timer) -> bool {
        match timer.task {
            NO_TASK => self.waits.get(timer.agent as usize) != Some(&timer.number),
            _ => self.gone.contains(&timer.number),
        }
    }

    /// When the next timer is due.
    pub(super) fn next(&self) -> Option<u64> {
        self.heap.first().map(|timer| timer.time)
    }

    /// Goes to the next timer that is due until a moment, and takes it.
    pub(super) fn take(&mut self, until: u64) -> Option<Due> {
        let Timer { time, number, agent, task } =
            self.heap.first().copied().filter(|timer| timer.time <= until)?;
        if task == NO_TASK {
            *self.wait(agent) = NONE;
        }
        self.pop();
        self.clean();
        self.go(time);
        let task = (task != NO_TASK).then_some(task);
        Some(Due { timer: number, agent: AgentId(agent), task })
    }

    /// Time never goes back.
    pub(super) fn go(&mut self, to: u64) {
        self.now = self.now.max(to);
    }

    pub(super) fn write(&self, out: &mut Writer) {
        let live = self.heap.iter().filter(|timer| !self.is_stale(timer));
        let mut live: Vec<&Timer> = live.collect();
        live.sort_unstable_by_key(|timer| timer.key());
        out.u64(self.next);
        out.u32(live.len() as u32);
        for Timer { time, number, agent, task } in live {
            out.u64(*time);
            out.u64(*number);
            out.u32(*agent);
            out.u32(*task);
        }
    }

    /// Reads what [`Self::write`] wrote, for a time and so many agents. Gives the timers, too.
    pub(super) fn read(
        now: u64,
        agents: usize,
        input: &mut Reader<'_>,
    ) -> Result<(Self, Vec<Due>), WireError> {
        let next = input.u64()?;
        let mut clock = Self { next, ..Self::at(now) };
        let mut numbers = BTreeSet::new();
        for _ in 0..input.count(24)? {
            let (time, number) = (input.u64()?, input.u64()?);
            let timer = Timer { time, number, agent: input.u32()?, task: input.u32()? };
            if clock.heap.last().is_some_and(|last| last.key() >= timer.key()) {
                return Err(input.error("timers are not in order"));
            }
            if number >= next || !numbers.insert(number) {
                return Err(input.error("a timer that was not set, or set twice"));
            }
            if timer.agent as usize >= agents {
                return Err(input.error("a timer of nobody"));
            }
            if timer.task == NO_TASK && *clock.wait(timer.agent) != NONE {
                return Err(input.error("two timers for one wait"));
            }
            // What is sorted is a heap.
            clock.push(timer);
        }
        let due = clock.heap.iter().map(|timer| Due {
            timer: timer.number,
            agent: AgentId(timer.agent),
            task: (timer.task != NO_TASK).then_some(timer.task),
        });
        let due = due.collect();
        Ok((clock, due))
    }

    /// Removes from the top what was taken back.
    fn clean(&mut self) {
        while self.stale > 0
            && let Some(first) = self.heap.first().copied()
            && self.is_stale(&first)
        {
            self.gone.remove(&first.number);
            self.stale -= 1;
            self.pop();
        }
    }

    /// Removes everything that was taken back.
    fn sweep(&mut self) {
        let mut heap = core::mem::take(&mut self.heap);
        heap.retain(|timer| !self.is_stale(timer));
        // What is sorted is a heap.
        heap.sort_unstable_by_key(Timer::key);
        self.heap = heap;
        self.gone.clear();
        self.stale = 0;
    }

    /// Removes the first timer.
    fn pop(&mut self) {
        let Some(last) = self.heap.pop() else { return };
        if self.heap.is_empty() {
            return;
        }
        // The last one is late: a gap goes down all the way, and it rises from there.
        let mut at = 0;
        while let Some(least) = self.least_below(at) {
            self.heap[at] = self.heap[least];
            at = least;
        }
        self.heap[at] = last;
        self.rise(at);
    }

    /// Moves a timer up to where it belongs.
    fn rise(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / BRANCHES;
            if self.heap[parent].key() < self.heap[at].key() {
                return;
            }
            self.heap.swap(at, parent);
            at = parent;
        }
    }

    /// The earliest of those right below a place.
    fn least_below(&self, at: usize) -> Option<usize> {
        let first = at * BRANCHES + 1;
        let last = (first + BRANCHES).min(self.heap.len());
        (first..last).min_by_key(|below| self.heap[*below].key())
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn hash(clock: &Clock) -> [u8; 32] {
        let mut out = Writer::hashing("clock");
        clock.write(&mut out);
        out.hash()
    }

    proptest! {
        /// Against timers in one tree; how often the heap was swept does not show.
        #[test]
        fn timers_come_up_in_order(doings in prop::collection::vec((0_u8..8, 0_u64..50), 0..900)) {
            let (mut clock, mut plain) = (Clock::at(7), Clock::at(7));
            let mut tree: BTreeMap<(u64, u64), u32> = BTreeMap::new();
            for (what, number) in doings {
                match what {
                    0..4 => {
                        // Half of them for waits, each of another agent, half for tasks of one.
                        let wait = number % 2 == 0;
                        let agent = AgentId(if wait { clock.next as u32 + 1 } else { 0 });
                        let (task, time) = ((!wait).then_some(number as u32), clock.now() + number);
                        let timer = clock.set(time, agent, task);
                        prop_assert_eq!(timer, plain.set(time, agent, task));
                        tree.insert((time, timer), agent.0);
                    }
                    4..7 => {
                        let at = tree.keys().nth(number as usize % tree.len().max(1)).copied();
                        if let Some(at) = at {
                            let agent = tree.remove(&at).unwrap_or_default();
                            for clock in [&mut clock, &mut plain] {
                                match agent {
                                    0 => clock.cancel(at.1),
                                    agent => clock.cancel_wait(AgentId(agent)),
                                }
                            }
                            plain.sweep();
                        }
                    }
                    _ => {
                        let until = clock.now() + number;
                        let due = clock.take(until);
                        prop_assert_eq!(due, plain.take(until));
                        let first = tree.first_key_value().map(|(at, agent)| (*at, *agent));
                        let first = first.filter(|((time, _), _)| *time <= until);
                        prop_assert_eq!(due.map(|d| (d.timer, d.agent.0)), first.map(|((_, n), a)| (n, a)));
                        if let Some((at, _)) = first {
                            tree.remove(&at);
                            prop_assert_eq!(clock.now(), at.0);
                        }
                    }
                }
                prop_assert_eq!(clock.next(), tree.keys().next().map(|(time, _)| *time));
                prop_assert!(clock.heap.len() <= 2 * tree.len() + FEW + 1);
                prop_assert_eq!(hash(&clock), hash(&plain));
            }
        }
    }
}
