//! Tasks: functions of an agent that the world calls again and again while the agent waits (O-3, X-35).
//!
//! A task that comes due while its agent waits interrupts the wait: the machine calls the function and
//! asks the same wait again behind it ([`Machine::interrupt`](crate::Machine::interrupt)), which then
//! ends when it would have. Where the agent does not wait, the task is due until it does. So a task is
//! due at most once at a time, and one that is has no timer: time costs nothing that no gas pays.

use alloc::{format, vec::Vec};

use avm_ir::{
    Value,
    value::Text,
    wire::{Reader, WireError, Writer},
};

use super::{
    AgentId, Happened, World,
    actor::State,
    money::Refusal,
    quoted,
    round::Keep,
    wait::{LONGEST, exact_nanoseconds},
};
use crate::{
    effect::{Answer, EffectRequest, FailureCode},
    journal::flag,
    machine::InterruptError,
};

/// A function of an agent that the world calls again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name.
    pub function: Text,
    /// Nanoseconds from one time that it is due to the next.
    pub interval: u64,
    /// When it is due, in nanoseconds since 1970; in the past if its agent has not waited since.
    pub next: u64,
    /// How often it was called.
    pub called: u64,
    /// How often it came due while it was due already.
    pub missed: u64,
    id: u32,
    /// Its timer, unless it is due.
    timer: Option<u64>,
}

/// A wait that a task interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    /// Calls that were open. No more are open when the wait is asked again, and that is asked first.
    depth: usize,
    /// When it ends.
    until: u64,
}

/// The tasks of an agent.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// In the order of their ids.
    list: Vec<Task>,
    next: u32,
    held: Option<Held>,
    /// When the wait ends that is asked now, if it was interrupted before.
    again: Option<u64>,
}

impl Tasks {
    fn named(&self, function: &str) -> Option<usize> {
        self.list.iter().position(|task| task.function.as_str() == function)
    }

    fn numbered(&mut self, id: u32) -> Option<&mut Task> {
        let at = self.list.binary_search_by_key(&id, |task| task.id).ok()?;
        self.list.get_mut(at)
    }

    /// Those that are due, the one that was so first in front.
    fn due(&self) -> Vec<(u64, u32)> {
        let due = self.list.iter().filter(|task| task.timer.is_none());
        let mut due: Vec<(u64, u32)> = due.map(|task| (task.next, task.id)).collect();
        due.sort_unstable();
        due
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.u32(self.next);
        out.u32(self.list.len() as u32);
        for Task { function, interval, next, called, missed, id, timer } in &self.list {
            out.text(function);
            out.u32(*id);
            out.u8(u8::from(timer.is_some()));
            [*interval, *next, *called, *missed].into_iter().for_each(|number| out.u64(number));
        }
        out.u8(u8::from(self.held.is_some()));
        if let Some(Held { depth, until }) = self.held {
            out.u64(depth as u64);
            out.u64(until);
        }
    }

    /// Reads what [`Self::write`] wrote; timers are given by [`Self::has_timer`].
    pub(super) fn read(input: &mut Reader<'_>) -> Result<(Self, Vec<u32>), WireError> {
        let next = input.u32()?;
        let (mut list, mut timed) = (Vec::<Task>::new(), Vec::new());
        for _ in 0..input.count(41)? {
            let (function, id) = (Text::from(input.text()?), input.u32()?);
            if flag(input)? {
                timed.push(id);
            }
            let [interval, next_time, called, missed] =
                [input.u64()?, input.u64()?, input.u64()?, input.u64()?];
            let known = list.iter().any(|task| task.function == function);
            if known || id >= next || list.last().is_some_and(|last| last.id >= id) {
                return Err(input.error("a task that was not scheduled, or twice"));
            }
            if interval == 0 || called > MOST || missed > MOST {
                return Err(input.error("a task that comes too often"));
            }
            let next = next_time;
            list.push(Task { function, interval, next, called, missed, id, timer: None });
        }
        let held = match flag(input)? {
            true => {
                let depth = usize::try_from(input.u64()?);
                let depth = depth.map_err(|_| input.error("calls are nested too deeply"))?;
                Some(Held { depth, until: input.u64()? })
            }
            false => None,
        };
        Ok((Self { list, next, held, again: None }, timed))
    }

    /// A task has a timer. `false` if there is no such task, or it has another one.
    pub(super) fn has_timer(&mut self, id: u32, timer: u64) -> bool {
        match self.numbered(id) {
            Some(task) if task.timer.is_none() => {
                task.timer = Some(timer);
                true
            }
            _ => false,
        }
    }
}

/// Counters above this are beyond any world, and below it they have room to grow.
const MOST: u64 = 1 << 62;

impl World {
    /// The tasks of an agent, in the order in which they were first scheduled.
    pub fn tasks(&self, agent: AgentId) -> &[Task] {
        let tasks = self.actor(agent).and_then(|actor| actor.tasks.as_ref());
        tasks.map_or(&[], |tasks| &tasks.list)
    }

    /// `SCHEDULE_TASK`.
    pub(super) fn schedule(
        &mut self,
        agent: AgentId,
        request: &EffectRequest,
    ) -> Result<Answer, Refusal> {
        let interval = request.arg("interval_sec").and_then(exact_nanoseconds);
        let Some(interval) = interval.filter(|interval| (1..=LONGEST).contains(interval)) else {
            let message = "an interval is a number of seconds above 0, of at most 366 days";
            return Err(Refusal::fails(FailureCode::InvalidArgument, message));
        };
        let function = Text::from(request.text_arg("task_id").unwrap_or_default());
        if let Some(Err(error)) = self.machine(agent).map(|m| m.may_interrupt(&function)) {
            let code = match error {
                InterruptError::Unknown => FailureCode::NotFound,
                InterruptError::Denied => FailureCode::Denied,
                _ => FailureCode::InvalidArgument,
            };
            return Err(Refusal::Fails(code, format!("{}: {error}", quoted(&function))));
        }
        let (now, most) = (self.now(), self.rules.tasks as usize);
        let done = Answer::output(Value::text("OK"), 0);
        let Some(actor) = self.actors.get_mut(agent.0 as usize) else { return Ok(done) };
        let tasks = actor.tasks.get_or_insert_default();
        let next = now.saturating_add(interval);
        if let Some(task) = tasks.named(&function).and_then(|at| tasks.list.get_mut(at)) {
            if let Some(timer) = task.timer {
                self.clock.cancel(timer);
            }
            (task.interval, task.next) = (interval, next);
            task.timer = Some(self.clock.set(next, agent, Some(task.id)));
            return Ok(done);
        }
        if tasks.list.len() >= most {
            let message = "the agent has as many tasks as the world allows";
            return Err(Refusal::fails(FailureCode::Unavailable, message));
        }
        let id = tasks.next;
        // Ids of a world's whole life fit, or nearly: each costs an instruction.
        tasks.next = tasks.next.saturating_add(1);
        let timer = Some(self.clock.set(next, agent, Some(id)));
        tasks.list.push(Task { function, interval, next, called: 0, missed: 0, id, timer });
        Ok(done)
    }

    /// `CANCEL_TASK`.
    pub(super) fn cancel_task(
        &mut self,
        agent: AgentId,
        request: &EffectRequest,
    ) -> Result<Answer, Refusal> {
        let function = request.text_arg("task_id").unwrap_or_default();
        let tasks = self.actor_mut(agent).and_then(|actor| actor.tasks.as_mut());
        let task = tasks.and_then(|tasks| Some(tasks.list.remove(tasks.named(function)?)));
        let task = task.ok_or_else(|| {
            let message = format!("the agent has no task {}", quoted(function));
            Refusal::Fails(FailureCode::NotFound, message)
        })?;
        if let Some(timer) = task.timer {
            self.clock.cancel(timer);
        }
        Ok(Answer::output(Value::text("OK"), 0))
    }

    /// A task comes due.
    pub(super) fn task_due(&mut self, agent: AgentId, id: u32, keep: &mut impl Keep) {
        let tasks = self.actor_mut(agent).and_then(|actor| actor.tasks.as_mut());
        let Some(task) = tasks.and_then(|tasks| tasks.numbered(id)) else { return };
        task.timer = None;
        self.call_due(agent, keep);
    }

    /// Calls a task of an agent that waits, if one is due and none runs: the one that has been due for
    /// the longest time. One that cannot be called stays due.
    pub(super) fn call_due(&mut self, agent: AgentId, keep: &mut impl Keep) {
        let now = self.now();
        let Some(actor) = self.actors.get_mut(agent.0 as usize) else { return };
        let (State::Waits(wait), Some(tasks), Some(machine)) =
            (&actor.state, &mut actor.tasks, &mut actor.machine)
        else {
            return;
        };
        if machine.interrupts() > 0 {
            return;
        }
        let (depth, step) = (machine.depth(), machine.steps());
        for (_, id) in tasks.due() {
            let Some(task) = tasks.numbered(id) else { continue };
            let rested = !machine.is_open();
            if keep.call(agent, machine, &task.function).is_err() {
                continue;
            }
            if rested {
                self.warm.push(agent);
            }
            let late = now.saturating_sub(task.next) / task.interval;
            task.missed = task.missed.saturating_add(late);
            task.called += 1;
            let periods = task.interval.saturating_mul(late.saturating_add(1));
            task.next = task.next.saturating_add(periods);
            task.timer = Some(self.clock.set(task.next, agent, Some(id)));
            keep.saw(now, &Happened::Called { agent, step, function: &task.function });
            tasks.held = Some(Held { depth, until: wait.until });
            self.clock.cancel_wait(agent);
            actor.state = State::Ready;
            self.ready.push(agent);
            self.let_time_pass(agent);
            return;
        }
    }

    /// An agent asks something: takes note whether that is the wait that a task interrupted.
    pub(super) fn asks_again(&mut self, agent: AgentId) {
        let Some(actor) = self.actors.get_mut(agent.0 as usize) else { return };
        let (Some(tasks), Some(machine)) = (&mut actor.tasks, &actor.machine) else { return };
        let held = tasks.held.take_if(|held| machine.depth() <= held.depth);
        tasks.again = held.map(|held| held.until);
    }

    /// When the wait ends that is asked now, if it was interrupted before.
    pub(super) fn again(&self, agent: AgentId) -> Option<u64> {
        self.actor(agent)?.tasks.as_ref()?.again
    }

    /// The tasks of an agent that came to its end are gone.
    pub(super) fn drop_tasks(&mut self, agent: AgentId) {
        let tasks = self.actor_mut(agent).and_then(|actor| actor.tasks.take());
        for timer in tasks.into_iter().flat_map(|tasks| tasks.list).filter_map(|task| task.timer) {
            self.clock.cancel(timer);
        }
    }
}
