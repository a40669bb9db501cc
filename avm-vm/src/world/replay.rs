//! A world again, from its journal alone.

mod behind;

use alloc::{format, string::String, sync::Arc, vec::Vec};
use core::fmt;

use avm_ir::{Program, Schedule, wire::hex};

pub use behind::Unfit;

use super::{
    AgentId, Event, Idle, Keep, Turn, World,
    journal::{Entry, Journal, Mark, Time},
};
use crate::machine::Image;

/// A world that is fed from a journal.
#[derive(Debug)]
pub struct Replay<'a> {
    world: World,
    journal: &'a Journal,
    schedule: Schedule,
    /// Records that were fed.
    next: usize,
    /// Ticks of the last mark that fitted.
    fitted: Option<u64>,
}

/// What is next.
#[derive(Debug)]
pub enum Next {
    /// A round: these turns have to come back with [`Replay::commit`], run or not.
    Turns(Vec<Turn>),
    /// Time went on.
    Passed,
    /// Nothing.
    Stop(Stop),
}

/// Why a replay stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The world came to rest, and stands as it was recorded to.
    Rested,
    /// Nothing more was written, though the world was not at rest: it was cut off.
    Cut,
}

/// The world did something else than the journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs {
    /// Number of the record that does not fit, from 0.
    pub record: usize,
    /// Where it begins in the file, in bytes.
    pub offset: Option<usize>,
    /// Ticks of the world.
    pub tick: u64,
    /// The agent that it is about, by name, if it is about one.
    pub agent: Option<String>,
    /// Ticks of the last mark before that fitted.
    pub fitted: Option<u64>,
    /// What is different.
    pub what: String,
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tick {}", self.tick)?;
        if let Some(offset) = self.offset {
            write!(f, ", record {} at byte {offset}", self.record)?;
        }
        if let Some(agent) = &self.agent {
            write!(f, ", agent \"{agent}\"")?;
        }
        write!(f, ": {}", self.what)?;
        match self.fitted {
            Some(tick) => write!(f, "; the last mark that fits is of tick {tick}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Differs {}

impl<'a> Replay<'a> {
    /// A world before its first tick.
    ///
    /// # Errors
    /// It was priced by another schedule.
    pub fn new(journal: &'a Journal, schedule: Schedule) -> Result<Self, Differs> {
        let world = World::new(journal.start.rules.clone());
        let replay = Self { world, journal, schedule, next: 0, fitted: None };
        if replay.schedule.hash() != journal.start.schedule {
            let what = "the world was priced by a schedule that is not known here";
            return Err(Differs { record: 0, ..replay.differs(None, what) });
        }
        Ok(replay)
    }

    /// The world as it is now.
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The world, to go on without the journal.
    pub fn into_world(self) -> World {
        self.world
    }

    /// Feeds what came before the next tick, and makes that tick, or lets whoever asks make it.
    ///
    /// # Errors
    /// The world did something else than the journal says.
    pub fn next(&mut self, keep: &mut impl Keep) -> Result<Next, Differs> {
        loop {
            let Some(record) = self.journal.records.get(self.next) else {
                let rested = self.journal.rest().is_some();
                return Ok(Next::Stop(if rested { Stop::Rested } else { Stop::Cut }));
            };
            if record.tick < self.world.ticks() {
                return Err(self.differs(None, "it is of a tick that is over"));
            }
            if record.tick > self.world.ticks() {
                break;
            }
            self.feed(&record.entry, keep)?;
            self.next += 1;
        }
        match self.world.idle() {
            Idle::Not => Ok(Next::Turns(self.world.turns())),
            Idle::Until(time) if self.journal.start.time == Time::Simulated => {
                self.world.pass(time, keep);
                Ok(Next::Passed)
            }
            Idle::Until(_) | Idle::Asks | Idle::Over => {
                let what = "the world stands still, and went on when it was recorded";
                Err(self.differs(None, what))
            }
        }
    }

    /// Ends a round.
    pub fn commit(&mut self, turns: Vec<Turn>, keep: &mut impl Keep) {
        self.world.commit(turns, keep);
    }

    /// Runs to the end of what was recorded, on this thread.
    ///
    /// # Errors
    /// The world did something else than the journal says.
    pub fn run(&mut self, keep: &mut impl Keep) -> Result<Stop, Differs> {
        loop {
            match self.next(keep)? {
                Next::Turns(turns) => self.commit(turns, keep),
                Next::Passed => {}
                Next::Stop(stop) => return Ok(stop),
            }
        }
    }

    fn feed(&mut self, entry: &Entry, keep: &mut impl Keep) -> Result<(), Differs> {
        match entry {
            Entry::Source { .. }
            | Entry::Asked { .. }
            | Entry::Signed { .. }
            | Entry::Registry { .. } => Ok(()),
            Entry::Code(bytecode) => {
                let image = image(bytecode, &self.schedule);
                let image = image.map_err(|why| self.differs(None, &why))?;
                self.world.learn(Arc::new(image));
                Ok(())
            }
            Entry::Mark(mark) | Entry::Rested(mark) => self.check(mark),
            Entry::Snapshot { mark, world, .. } => {
                self.check(mark)?;
                // Whoever goes on with the snapshot goes on with this world and no other.
                match self.world.to_bytes() {
                    Some(bytes) if blake3::hash(&bytes) == *world => Ok(()),
                    _ => Err(self.differs(None, "the snapshot that it names is of another world")),
                }
            }
            Entry::Event(event) => self.world.apply(event, keep).map_err(|misfit| {
                let agent = match event {
                    Event::Joined(joined) => Some(joined.name.clone()),
                    event => event.agent().map(|agent| self.name(agent)),
                };
                self.differs(agent, &format!("{misfit}"))
            }),
        }
    }

    fn check(&mut self, recorded: &Mark) -> Result<(), Differs> {
        let now = Mark::of(&self.world);
        if now == *recorded {
            self.fitted = Some(self.world.ticks());
            return Ok(());
        }
        if now.agents.len() != recorded.agents.len() {
            let (here, there) = (now.agents.len(), recorded.agents.len());
            let what = format!("{here} agents have joined, and {there} had");
            return Err(self.differs(None, &what));
        }
        let other = now.agents.iter().zip(&recorded.agents).position(|(now, then)| now != then);
        let agent = other.map(|number| self.name(AgentId(number as u32)));
        let what = match &agent {
            Some(_) => String::from("it is in another state than was recorded"),
            None => {
                let (here, there) = (hex(&now.hash), hex(&recorded.hash));
                format!("the world's hash is {here}, and was {there}")
            }
        };
        Err(self.differs(agent, &what))
    }

    fn name(&self, agent: AgentId) -> String {
        let name = self.world.name(agent).map(String::from);
        name.unwrap_or_else(|| format!("number {}", agent.0))
    }

    fn differs(&self, agent: Option<String>, what: &str) -> Differs {
        let offset = self.journal.records.get(self.next).map(|record| record.offset);
        Differs {
            // The first record of a journal is how it began.
            record: self.next + 1,
            offset,
            tick: self.world.ticks(),
            agent,
            fitted: self.fitted,
            what: String::from(what),
        }
    }
}

/// A program of a journal.
fn image(bytecode: &[u8], schedule: &Schedule) -> Result<Image, String> {
    let program = Program::from_bytes(bytecode).map_err(|error| format!("its code: {error}"))?;
    let verified = avm_ir::verify(program).map_err(|error| format!("its code: {error}"))?;
    Ok(Image::new(verified, schedule))
}
