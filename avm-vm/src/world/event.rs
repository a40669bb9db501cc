//! What comes to a world from outside; everything else in it follows.
//!
//! A new kind is a variant of [`Event`], a number in [`Kind`], and a line each in [`Event::write`],
//! [`Event::read`] and [`World::apply`].

use alloc::{boxed::Box, string::String, sync::Arc};
use core::fmt;

use avm_ir::wire::{Reader, WireError, Writer};

use super::{AgentId, Happened, JoinError, Keep, World};
use crate::{
    effect::Answer,
    identity::{child_id, id_of},
    journal::{flag, read_answer, read_config, request_hash, write_answer, write_config},
    machine::{Config, Image, InputError, Machine},
    policy::Policy,
};

/// Something that came from outside.
#[derive(Clone, Debug)]
pub enum Event {
    /// An agent came into the world.
    Joined(Box<Joined>),
    /// The host answered what an agent asked.
    Answered {
        /// Who asked.
        agent: AgentId,
        /// Number of the effect, of those of the agent.
        id: u64,
        /// [`request_hash`].
        request: [u8; 32],
        /// What it said.
        answer: Answer,
    },
    /// Time went on to a moment, in nanoseconds since 1970. Only where somebody outside says how time
    /// passes ([`Time::Given`](super::journal::Time::Given)).
    Passed {
        /// Which.
        until: u64,
    },
}

/// How an agent came into a world.
#[derive(Clone, Debug)]
pub struct Joined {
    /// By which others send to it.
    pub name: String,
    /// Its public key (ed25519).
    pub key: [u8; 32],
    /// Which one it is, from 0, of several with the same key.
    pub copy: Option<u64>,
    /// Hash of its program, which the world has to know ([`World::learn`]).
    pub program: [u8; 32],
    /// What its machine is given.
    pub config: Config,
}

/// The byte of a kind of event in a journal. Numbers are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Joined = 16,
    Answered = 17,
    Passed = 18,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Joined, Self::Answered, Self::Passed];
}

/// Why something that came from outside does not fit the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The world does not know the program.
    Program,
    /// The agent cannot join.
    Join(JoinError),
    /// Its machine does not start.
    Input(InputError),
    /// The agent asks the host nothing, or something else.
    Asked,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program => f.write_str("the world does not know its program"),
            Self::Join(error) => write!(f, "{error}"),
            Self::Input(error) => write!(f, "{error}"),
            Self::Asked => f.write_str("it asks for something else, or nothing"),
        }
    }
}

impl core::error::Error for Misfit {}

impl Event {
    /// An answer to what an agent asks the host now; `None` if it asks nothing.
    pub fn answered(world: &World, agent: AgentId, answer: Answer) -> Option<Self> {
        let request = world.machine(agent)?.pending()?;
        Some(Self::Answered { agent, id: request.id, request: request_hash(request), answer })
    }

    /// The agent that it is about; the next one for one that joins.
    pub(super) const fn agent(&self) -> Option<AgentId> {
        match self {
            Self::Answered { agent, .. } => Some(*agent),
            Self::Joined(_) | Self::Passed { .. } => None,
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Joined(_) => Kind::Joined,
            Self::Answered { .. } => Kind::Answered,
            Self::Passed { .. } => Kind::Passed,
        }
    }

    pub(super) fn write(&self, out: &mut Writer) {
        match self {
            Self::Joined(joined) => {
                let Joined { name, key, copy, program, config } = &**joined;
                out.text(name);
                out.raw(key);
                out.u8(u8::from(copy.is_some()));
                copy.iter().for_each(|copy| out.u64(*copy));
                out.raw(program);
                write_config(config, out);
                out.u8(u8::from(config.policy.is_some()));
                config.policy.iter().for_each(|policy| policy.write(out));
            }
            Self::Answered { agent, id, request, answer } => {
                out.u32(agent.0);
                out.u64(*id);
                out.raw(request);
                write_answer(answer, out);
            }
            Self::Passed { until } => out.u64(*until),
        }
    }

    pub(super) fn read(kind: Kind, input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match kind {
            Kind::Joined => {
                let (name, key) = (input.text()?, input.hash()?);
                let copy = if flag(input)? { Some(input.u64()?) } else { None };
                let program = input.hash()?;
                let config = read_config(input)?;
                let policy = if flag(input)? { Some(Arc::new(Policy::read(input)?)) } else { None };
                let config = Config { policy, ..config };
                Self::Joined(Box::new(Joined { name, key, copy, program, config }))
            }
            Kind::Answered => Self::Answered {
                agent: AgentId(input.u32()?),
                id: input.u64()?,
                request: input.hash()?,
                answer: read_answer(input)?,
            },
            Kind::Passed => Self::Passed { until: input.u64()? },
        })
    }
}

impl World {
    /// Lets a program be one that agents of the world run.
    pub fn learn(&mut self, image: Arc<Image>) {
        self.codes.insert(image.program_hash(), image);
    }

    /// A program that agents of the world run, by its hash.
    pub fn code(&self, program: &[u8; 32]) -> Option<&Arc<Image>> {
        self.codes.get(program)
    }

    /// Commits and passes of time so far: what came from outside is noted with the number of them.
    pub const fn ticks(&self) -> u64 {
        self.ticks
    }

    /// Takes something that came from outside.
    ///
    /// # Errors
    /// It does not fit; then nothing happened.
    pub fn apply(&mut self, event: &Event, keep: &mut impl Keep) -> Result<(), Misfit> {
        match event {
            Event::Joined(joined) => {
                let Joined { name, key, copy, program, config } = &**joined;
                let image = self.codes.get(program).ok_or(Misfit::Program)?.clone();
                let machine = Machine::new(image.clone(), config.clone()).map_err(Misfit::Input)?;
                let agent = self.join(name, identity(key, *copy), machine).map_err(Misfit::Join)?;
                keep.saw(self.now(), &Happened::Joined { agent, name, image: &image, config });
            }
            Event::Answered { agent, id, request, answer } => {
                let asked = self.machine(*agent).and_then(Machine::pending);
                let fits =
                    asked.is_some_and(|asked| asked.id == *id && request_hash(asked) == *request);
                if !fits || !self.answer(*agent, answer.clone(), keep) {
                    return Err(Misfit::Asked);
                }
            }
            Event::Passed { until } => self.pass(*until, keep),
        }
        Ok(())
    }
}

/// Who an agent is by its public key, and which one of several with the same.
fn identity(key: &[u8; 32], copy: Option<u64>) -> [u8; 32] {
    let root = id_of(key);
    copy.map_or(root, |copy| child_id(&root, copy))
}
