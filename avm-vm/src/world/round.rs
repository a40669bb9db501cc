//! Rounds: everybody runs, then everything that was asked takes place.

use alloc::{boxed::Box, vec::Vec};

use super::{AgentId, Happened, ROUND, World, actor::State, request::Wanted};
use crate::{
    effect::Answer,
    journal::Event,
    machine::{InterruptError, Machine, Stop},
    observer::Observer,
};

/// An agent's part of a round, which no other agent sees until it is over.
#[derive(Debug)]
pub struct Turn {
    agent: AgentId,
    machine: Box<Machine>,
    slice: u64,
    stop: Option<Stop>,
    /// Whether its machine is put to rest where it stops: too many others run in the same round.
    rests: bool,
}

/// Memory of a round that the next one uses again.
#[derive(Debug, Default)]
pub(super) struct Room {
    ready: Vec<AgentId>,
    turns: Vec<(AgentId, u64)>,
    stops: Vec<(AgentId, Option<Stop>)>,
}

impl Turn {
    /// Whose it is.
    pub const fn agent(&self) -> AgentId {
        self.agent
    }

    /// The agent's machine.
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Runs it. Once is enough: a second time does nothing.
    pub fn run<O: Observer>(&mut self, observer: &mut O) {
        if self.stop.is_none() {
            self.stop = Some(run(&mut self.machine, self.slice, self.rests, observer));
        }
    }
}

fn run<O: Observer>(machine: &mut Machine, slice: u64, rests: bool, observer: &mut O) -> Stop {
    let stop = machine.go(slice, observer);
    if rests && stop != Stop::Slice {
        machine.rest();
    }
    stop
}

/// Where answers pass on their way to an agent, so that whoever keeps journals can note them.
pub trait Keep {
    /// Whether every answer has to pass by [`Self::answer`]. Where not, the world leaves out what it
    /// answers itself, does not fail and costs nothing, which is faster.
    const SEES_PLAIN: bool = true;

    /// Answers the effect that a machine waits with.
    fn answer(&mut self, agent: AgentId, machine: &mut Machine, answer: Answer);

    /// Changes a machine that is at rest: a limit is raised, a vote is counted. `false` if it cannot be.
    fn outside(&mut self, agent: AgentId, machine: &mut Machine, event: &Event) -> bool {
        let _ = agent;
        match event {
            Event::ToppedUp { meter, amount } => {
                machine.top_up(*meter, *amount);
                true
            }
            Event::Voted(vote) => machine.vote(vote).is_ok(),
            _ => false,
        }
    }

    /// Calls a task of an agent that waits. Whoever keeps journals of agents has to note it, as
    /// [`Recorder::call`](crate::journal::Recorder::call) does.
    ///
    /// # Errors
    /// As for [`Machine::interrupt`]: it cannot be called now, and nothing changed.
    fn call(
        &mut self,
        agent: AgentId,
        machine: &mut Machine,
        function: &str,
    ) -> Result<(), InterruptError> {
        let _ = agent;
        machine.interrupt(function)
    }

    /// Something happened, at a time in nanoseconds since 1970. Nothing comes of it in the world.
    fn saw(&mut self, now: u64, happened: &Happened<'_>) {
        let _ = (now, happened);
    }
}

/// Nobody keeps anything.
impl Keep for () {
    const SEES_PLAIN: bool = false;

    fn answer(&mut self, _: AgentId, machine: &mut Machine, answer: Answer) {
        if let Some(id) = machine.pending().map(|request| request.id) {
            // It is the one that waits.
            let _ = machine.answer(id, answer, &mut ());
        }
    }
}

/// The first answers, both look on.
impl<A: Keep, B: Keep> Keep for (A, B) {
    const SEES_PLAIN: bool = A::SEES_PLAIN;

    fn answer(&mut self, agent: AgentId, machine: &mut Machine, answer: Answer) {
        self.0.answer(agent, machine, answer);
    }

    fn outside(&mut self, agent: AgentId, machine: &mut Machine, event: &Event) -> bool {
        self.0.outside(agent, machine, event)
    }

    fn call(
        &mut self,
        agent: AgentId,
        machine: &mut Machine,
        function: &str,
    ) -> Result<(), InterruptError> {
        self.0.call(agent, machine, function)
    }

    fn saw(&mut self, now: u64, happened: &Happened<'_>) {
        self.0.saw(now, happened);
        self.1.saw(now, happened);
    }
}

impl<K: Keep> Keep for &mut K {
    const SEES_PLAIN: bool = K::SEES_PLAIN;

    fn answer(&mut self, agent: AgentId, machine: &mut Machine, answer: Answer) {
        (**self).answer(agent, machine, answer);
    }

    fn outside(&mut self, agent: AgentId, machine: &mut Machine, event: &Event) -> bool {
        (**self).outside(agent, machine, event)
    }

    fn call(
        &mut self,
        agent: AgentId,
        machine: &mut Machine,
        function: &str,
    ) -> Result<(), InterruptError> {
        (**self).call(agent, machine, function)
    }

    fn saw(&mut self, now: u64, happened: &Happened<'_>) {
        (**self).saw(now, happened);
    }
}

impl World {
    /// The turns of the next round: of every agent that can run. All of them have to come back with
    /// [`Self::commit`] before anything else happens.
    pub fn turns(&mut self) -> Vec<Turn> {
        let mut turns = Vec::with_capacity(self.ready.len());
        let mut ready = self.take_ready();
        let rests = self.warm.is_short_for(ready.len());
        for agent in ready.drain(..) {
            let slice = self.slice();
            let Some(machine) = self.actor_mut(agent).and_then(|actor| actor.machine.take()) else {
                continue;
            };
            if !rests && !machine.is_open() {
                self.warm.push(agent);
            }
            turns.push(Turn { agent, machine, slice, stop: None, rests });
        }
        self.room.ready = ready;
        turns
    }

    /// Ends a round: what the agents asked takes place, in an order drawn from the seed.
    ///
    /// Turns that were not run yet are run now, one after the other.
    pub fn commit(&mut self, mut turns: Vec<Turn>, keep: &mut impl Keep) {
        // The order in which threads were done does not count.
        turns.sort_unstable_by_key(|turn| turn.agent);
        self.shuffle(&mut turns);
        // Everybody is back before anything takes place.
        let mut stops = core::mem::take(&mut self.room.stops);
        for mut turn in turns {
            turn.run(&mut ());
            let Turn { agent, machine, stop, .. } = turn;
            if let Some(actor) = self.actor_mut(agent) {
                actor.machine = Some(machine);
            }
            stops.push((agent, stop));
        }
        self.take_place(stops, keep);
    }

    /// A round on this thread: the same as [`Self::turns`] and [`Self::commit`], and nothing is moved.
    pub fn round(&mut self, keep: &mut impl Keep) {
        let mut ready = self.take_ready();
        let rests = self.warm.is_short_for(ready.len());
        let mut turns = core::mem::take(&mut self.room.turns);
        for agent in ready.drain(..) {
            turns.push((agent, self.slice()));
        }
        self.room.ready = ready;
        turns.sort_unstable();
        self.shuffle(&mut turns);
        let mut stops = core::mem::take(&mut self.room.stops);
        for (agent, slice) in turns.drain(..) {
            let machine = { self.actors.get_mut(agent.0 as usize) }
                .and_then(|actor| actor.machine.as_deref_mut());
            let Some(machine) = machine else { continue };
            if !rests && !machine.is_open() {
                self.warm.push(agent);
            }
            stops.push((agent, Some(run(machine, slice, rests, &mut ()))));
        }
        self.room.turns = turns;
        self.take_place(stops, keep);
    }

    fn take_ready(&mut self) -> Vec<AgentId> {
        core::mem::replace(&mut self.ready, core::mem::take(&mut self.room.ready))
    }

    /// Most instructions of the next agent.
    fn slice(&mut self) -> u64 {
        match (self.rules.jitter, self.rules.slice.max(1)) {
            (false, slice) => slice,
            (true, slice) => {
                let most = i64::try_from(slice).unwrap_or(i64::MAX);
                self.draws.int(1, most).cast_unsigned()
            }
        }
    }

    fn shuffle<T>(&mut self, turns: &mut [T]) {
        for left in (1..turns.len()).rev() {
            let most = i64::try_from(left).unwrap_or(i64::MAX);
            let other = usize::try_from(self.draws.int(0, most)).unwrap_or(0);
            turns.swap(left, other);
        }
    }

    /// What agents stopped with takes place.
    fn take_place(&mut self, mut stops: Vec<(AgentId, Option<Stop>)>, keep: &mut impl Keep) {
        self.rounds += 1;
        self.ticks += 1;
        for (agent, stop) in stops.drain(..) {
            match stop {
                Some(Stop::Slice) | None => self.ready.push(agent),
                Some(Stop::End) => self.ended(agent, keep),
                Some(Stop::Effect) => self.asked(agent, keep),
            }
        }
        self.room.stops = stops;
        self.stand_still(keep);
    }

    /// An agent asks something.
    pub(super) fn asked(&mut self, agent: AgentId, keep: &mut impl Keep) {
        self.asks_again(agent);
        if self.take_swiftly(agent, keep) {
            return;
        }
        let machine = self.actor_mut(agent).and_then(|actor| actor.machine.as_deref_mut());
        let request = machine.and_then(|machine| {
            machine.put_request();
            machine.request().cloned()
        });
        if let Some(request) = request {
            self.take(agent, &request, keep);
        }
    }

    /// Time stands still while somebody can run, but not for ever where others wait for it.
    fn stand_still(&mut self, keep: &mut impl Keep) {
        if self.rules.standstill == 0 || self.ready.is_empty() || !self.asks.is_empty() {
            return;
        }
        self.still = self.still.saturating_add(1);
        if self.still >= self.rules.standstill {
            let passed = u64::from(self.still).saturating_mul(ROUND);
            self.go_on(self.now().saturating_add(passed), keep);
        }
    }

    /// Runs rounds on this thread until no agent can run.
    pub fn settle(&mut self, keep: &mut impl Keep) {
        while !self.ready.is_empty() {
            self.round(keep);
        }
    }

    /// Runs until nothing is left that the world can do by itself: the host is asked, or it is over.
    pub fn run(&mut self, keep: &mut impl Keep) {
        loop {
            self.settle(keep);
            match self.idle() {
                super::Idle::Until(time) => self.pass(time, keep),
                super::Idle::Not => {}
                super::Idle::Asks | super::Idle::Over => return,
            }
        }
    }

    /// An agent does not run on by itself.
    fn ended(&mut self, agent: AgentId, keep: &mut impl Keep) {
        let suspended = self.machine(agent).is_some_and(Machine::is_suspended);
        if suspended {
            if let Some(actor) = self.actor_mut(agent) {
                actor.state = State::Rests;
            }
        } else if !self.restart(agent, keep) {
            self.leave(agent, keep);
        }
    }

    /// Changes an agent that stands still: a limit is raised, a vote is counted. `false`, and nothing
    /// happens, if it does not, or cannot be changed in this way.
    pub fn outside(&mut self, agent: AgentId, event: &Event, keep: &mut impl Keep) -> bool {
        let Some(actor) = self.actor_mut(agent).filter(|actor| actor.state == State::Rests) else {
            return false;
        };
        let Some(machine) = &mut actor.machine else { return false };
        if !keep.outside(agent, machine, event) {
            return false;
        }
        if machine.end().is_none() {
            actor.state = State::Ready;
            self.ready.push(agent);
        } else if !machine.is_suspended() {
            self.leave(agent, keep);
        }
        true
    }

    /// An agent came to its end: nobody waits for it any more.
    fn leave(&mut self, agent: AgentId, keep: &mut impl Keep) {
        self.bequeath(agent);
        let now = self.now();
        self.drop_tasks(agent);
        let Some(actor) = self.actor_mut(agent) else { return };
        actor.state = State::Over;
        if let Some(guard) = &mut actor.guard {
            guard.rest = None;
        }
        if let Some(machine) = &actor.machine {
            keep.saw(now, &Happened::Left { agent, machine });
        }
        let channels = core::mem::take(&mut actor.channels);
        let asked = core::mem::take(&mut actor.asked);
        let own: Vec<u64> = core::mem::take(&mut actor.requests).into_values().collect();
        for name in channels {
            if let Some(channel) = self.channels.get_mut(&name) {
                channel.members.remove(&agent);
            }
        }
        self.living -= 1;
        self.cool();
        for number in own {
            self.forget(number);
        }
        for number in asked {
            let wanted = self.requests.get(&number).map(|request| &request.wanted);
            if let Some(Wanted::Verdict { .. }) = wanted {
                self.judge(number, false, keep);
                continue;
            }
            if let Some(request) = self.requests.get_mut(&number) {
                request.open.remove(&agent);
            }
            self.answered(number, keep);
        }
    }
}
