//! Lets a world go on until it comes to rest: runs turns on threads, gets asks answered, lets time pass.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use avm_ir::Value;
use avm_vm::{
    EffectRequest, World,
    world::{AgentId, Event, Idle, Keep, journal::Time},
};

use super::{asks::Asks, interrupt::Interrupt, pool::Pool, snapshots::Snapshots, tape::Tape};
use crate::exit::{Failure, Outcome};

/// Ticks between two marks in the journal.
pub(crate) const MARKED: u64 = 1024;
/// Most time that is slept at once, so that Ctrl-C is heard.
const NAP: Duration = Duration::from_millis(50);
/// Time between two notes of how far wall time came.
const STEP: Duration = Duration::from_millis(10);

/// Why a world does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Every agent came to its end.
    Over,
    /// Somebody stopped it.
    Interrupted,
    /// It waits for somebody who is not there now.
    Waits,
    /// It came to the most ticks that it may take.
    Limit,
}

/// How a world is driven.
pub(crate) struct Drive<'a> {
    pub(crate) asks: &'a mut Asks,
    pub(crate) tape: &'a mut Tape,
    /// Nobody takes any of a world that is not kept.
    pub(crate) snapshots: Option<Snapshots>,
    pub(crate) time: Time,
    pub(crate) threads: usize,
    pub(crate) interrupt: &'a Interrupt,
    /// Most ticks in all.
    pub(crate) most: u64,
}

/// Somebody who looks on and is told, now and then, how the world stands.
pub(crate) trait Watch: Keep {
    /// Between two ticks.
    fn look(&mut self, world: &World) {
        let _ = world;
    }

    /// An agent wrote something down (`LOG`); in each round in the order of their numbers.
    fn noted(&mut self, world: &World, agent: AgentId, note: &Value) {
        let _ = (world, agent, note);
    }
}

impl Watch for () {}

impl Drive<'_> {
    /// Drives a world to rest.
    pub(crate) fn run(mut self, world: &mut World, watch: &mut impl Watch) -> Outcome<Left> {
        let threads = self.threads;
        let left = Pool::with(threads, |pool| self.rounds(world, pool, watch))?;
        if left != Left::Over
            && let Some(snapshots) = &mut self.snapshots
        {
            snapshots.leave(world, self.asks, self.tape)?;
        }
        self.tape.rest(world)?;
        self.asks.flush().map_err(Failure::files)?;
        Ok(left)
    }

    fn rounds(&mut self, world: &mut World, pool: &Pool, watch: &mut impl Watch) -> Outcome<Left> {
        let mut wall = Wall { began: Instant::now(), epoch: world.now(), noted: Duration::ZERO };
        let mut marked = world.ticks();
        loop {
            watch.look(world);
            if self.interrupt.came() {
                return Ok(Left::Interrupted);
            }
            if world.ticks() >= self.most {
                return Ok(Left::Limit);
            }
            if world.ticks() >= marked + MARKED {
                marked = world.ticks();
                self.tape.mark(world)?;
            }
            let asked = self.ask(world, watch)?;
            if let Some(snapshots) = &mut self.snapshots {
                snapshots.look(world, asked, (self.asks, self.tape))?;
            }
            if self.time == Time::Given
                && let Some(until) = wall.comes(world)
            {
                self.apply(world, &Event::Passed { until }, watch)?;
                continue;
            }
            match world.idle() {
                Idle::Not => {
                    let turns = pool.run(world.turns());
                    for (agent, note) in pool.notes() {
                        watch.noted(world, agent, &note);
                    }
                    world.commit(turns, watch);
                }
                Idle::Until(until) if self.time == Time::Simulated => world.pass(until, watch),
                Idle::Until(until) => wall.nap(until),
                // Everything that providers are asked is answered.
                Idle::Asks => return Ok(Left::Waits),
                Idle::Over => return Ok(Left::Over),
            }
        }
    }

    /// Gets everything answered that the host is asked; whether that was anything.
    fn ask(&mut self, world: &mut World, watch: &mut impl Watch) -> Outcome<bool> {
        let asks: Vec<(AgentId, Arc<EffectRequest>)> =
            world.asks().map(|(agent, request)| (agent, Arc::new(request.clone()))).collect();
        if asks.is_empty() {
            return Ok(false);
        }
        let requests = asks.iter().map(|(agent, request)| (*agent, &**request));
        self.tape.asks(world, requests, |agent, request| self.asks.outlives(agent, request))?;
        let money = asks.iter().any(|(_, asked)| crate::journal::moves_money(asked.reach));
        let answers = self.asks.answer(asks);
        let events = answers.into_iter();
        let events = events.filter_map(|(agent, answer)| Event::answered(world, agent, answer));
        let events: Vec<Event> = events.collect();
        for event in &events {
            self.tape.event(world.ticks(), event)?;
        }
        if money {
            self.tape.sync()?;
        }
        for event in &events {
            fits(world, event, watch)?;
        }
        Ok(true)
    }

    fn apply(&mut self, world: &mut World, event: &Event, watch: &mut impl Watch) -> Outcome<()> {
        self.tape.event(world.ticks(), event)?;
        fits(world, event, watch)
    }
}

fn fits(world: &mut World, event: &Event, watch: &mut impl Watch) -> Outcome<()> {
    world.apply(event, watch).map_err(Failure::files)
}

/// Virtual time as wall time has it.
struct Wall {
    began: Instant,
    /// Virtual time then.
    epoch: u64,
    /// How far it was noted to have come.
    noted: Duration,
}

impl Wall {
    fn virtual_time(&self, elapsed: Duration) -> u64 {
        self.epoch.saturating_add(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }

    /// How far time came, if that is worth a note: a timer is due, or it is a while since the last.
    fn comes(&mut self, world: &World) -> Option<u64> {
        let elapsed = self.began.elapsed();
        let now = self.virtual_time(elapsed);
        let due = matches!(world.idle(), Idle::Until(until) if until <= now);
        let runs = matches!(world.idle(), Idle::Not);
        let noted = elapsed.saturating_sub(self.noted) < STEP;
        if !due && (!runs || noted) {
            return None;
        }
        self.noted = elapsed;
        Some(now)
    }

    /// Sleeps until then, or for a while.
    fn nap(&self, until: u64) {
        let now = self.virtual_time(self.began.elapsed());
        thread::sleep(Duration::from_nanos(until.saturating_sub(now)).min(NAP));
    }
}
