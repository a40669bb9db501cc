//! What comes to a world from outside; everything else in it follows.
//!
//! A new kind is a variant of [`Event`], a number in [`Kind`], and a line each in [`Event::write`],
//! [`Event::read`] and [`World::apply`].

use alloc::{boxed::Box, string::String, sync::Arc};
use core::fmt;

use avm_ir::wire::{Reader, WireError, Writer};

use super::{
    AgentId, ChannelRules, Happened, JoinError, Keep, Origin, Rate, Supervision, World,
    channel::read_rules,
};
use crate::{
    effect::Answer,
    identity::{Lineage, Name, registry::codec::read_name},
    journal::{
        self, flag, meter, read_answer, read_config, request_hash, write_answer, write_config,
    },
    ledger::{
        self, Money, Owner, Policy as Spending, Pool, read_owner, read_policy, write_owner,
        write_policy,
    },
    machine::{Config, Image, InputError, Machine},
    policy::{Policy, read_vote, write_vote},
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
    /// Code has a name from now on, from which agents can start others.
    Named {
        /// Which.
        name: String,
        /// Hash of the program, which the world has to know ([`World::learn`]).
        program: [u8; 32],
    },
    /// Tokens were made.
    Minted {
        /// Who got them.
        to: Owner,
        /// Which.
        token: String,
        /// Billionths of it.
        amount: u64,
    },
    /// What an owner may spend from now on.
    Spending {
        /// Who.
        owner: Owner,
        /// Whatever it has, without one.
        policy: Option<Box<Spending>>,
    },
    /// Who shares a pool wallet from now on.
    Pooled {
        /// Name of the wallet.
        name: String,
        /// By identity, with whether they may pay.
        members: Pool,
    },
    /// What holds in a channel from now on.
    Channel {
        /// Its name; without one it is about messages from one agent to another.
        name: String,
        /// What.
        rules: ChannelRules,
    },
    /// Somebody said whether a payment that an agent waits with takes place.
    Approved {
        /// Who waits.
        agent: AgentId,
        /// Whether.
        yes: bool,
    },
    /// An agent that stood still was changed: a limit was raised, a vote counted.
    Changed {
        /// Who.
        agent: AgentId,
        /// How.
        event: journal::Event,
    },
    /// An agent goes by a name of a registry from now on.
    Domain {
        /// Who.
        agent: AgentId,
        /// Which.
        name: Name,
    },
    /// An agent that traps is started again from now on.
    Supervised {
        /// Who.
        agent: AgentId,
        /// How often.
        rules: Supervision,
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
    /// Whether what it sends goes through an outbox, so that whoever has the key's secret can vouch for
    /// it.
    pub signs: bool,
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
    Named = 19,
    Minted = 20,
    Spending = 21,
    Pooled = 22,
    Channel = 23,
    Approved = 24,
    Changed = 25,
    Supervised = 26,
    Domain = 27,
}

impl Kind {
    pub(super) const ALL: [Self; 12] = [
        Self::Joined,
        Self::Answered,
        Self::Passed,
        Self::Named,
        Self::Minted,
        Self::Spending,
        Self::Pooled,
        Self::Channel,
        Self::Approved,
        Self::Changed,
        Self::Supervised,
        Self::Domain,
    ];
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
    /// The ledger refuses.
    Ledger(ledger::Error),
    /// The agent does not wait for that, or is not there.
    Agent,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program => f.write_str("the world does not know its program"),
            Self::Join(error) => write!(f, "{error}"),
            Self::Input(error) => write!(f, "{error}"),
            Self::Asked => f.write_str("it asks for something else, or nothing"),
            Self::Ledger(error) => write!(f, "{error}"),
            Self::Agent => f.write_str("the agent does not wait for that, or is not there"),
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
            Self::Answered { agent, .. }
            | Self::Approved { agent, .. }
            | Self::Changed { agent, .. }
            | Self::Supervised { agent, .. }
            | Self::Domain { agent, .. } => Some(*agent),
            _ => None,
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Joined(_) => Kind::Joined,
            Self::Answered { .. } => Kind::Answered,
            Self::Passed { .. } => Kind::Passed,
            Self::Named { .. } => Kind::Named,
            Self::Minted { .. } => Kind::Minted,
            Self::Spending { .. } => Kind::Spending,
            Self::Pooled { .. } => Kind::Pooled,
            Self::Channel { .. } => Kind::Channel,
            Self::Approved { .. } => Kind::Approved,
            Self::Changed { .. } => Kind::Changed,
            Self::Supervised { .. } => Kind::Supervised,
            Self::Domain { .. } => Kind::Domain,
        }
    }

    pub(super) fn write(&self, out: &mut Writer) {
        match self {
            Self::Joined(joined) => {
                let Joined { name, key, copy, signs, program, config } = &**joined;
                out.text(name);
                out.raw(key);
                out.u8(u8::from(copy.is_some()));
                copy.iter().for_each(|copy| out.u64(*copy));
                out.u8(u8::from(*signs));
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
            Self::Named { name, program } => {
                out.text(name);
                out.raw(program);
            }
            Self::Minted { to, token, amount } => {
                write_owner(out, *to);
                out.text(token);
                out.u64(*amount);
            }
            Self::Spending { owner, policy } => {
                write_owner(out, *owner);
                out.u8(u8::from(policy.is_some()));
                policy.iter().for_each(|policy| write_policy(out, policy));
            }
            Self::Pooled { name, members } => {
                out.text(name);
                out.u32(members.len() as u32);
                for (member, pays) in members {
                    out.raw(member);
                    out.u8(u8::from(*pays));
                }
            }
            Self::Channel { name, rules } => {
                out.text(name);
                rules.write(out);
            }
            Self::Approved { agent, yes } => {
                out.u32(agent.0);
                out.u8(u8::from(*yes));
            }
            Self::Changed { agent, event } => {
                out.u32(agent.0);
                match event {
                    journal::Event::ToppedUp { meter, amount } => {
                        out.u8(0);
                        out.u8(*meter as u8);
                        out.u64(*amount);
                    }
                    journal::Event::Voted(vote) => {
                        out.u8(1);
                        write_vote(vote, out);
                    }
                    // Nothing else changes an agent that stands still.
                    _ => out.u8(2),
                }
            }
            Self::Supervised { agent, rules: Supervision { restarts } } => {
                out.u32(agent.0);
                out.u32(restarts.most);
                out.u64(restarts.window);
            }
            Self::Domain { agent, name } => {
                out.u32(agent.0);
                out.text(name.as_str());
            }
        }
    }

    pub(super) fn read(kind: Kind, input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match kind {
            Kind::Joined => {
                let (name, key) = (input.text()?, input.hash()?);
                let copy = if flag(input)? { Some(input.u64()?) } else { None };
                let (signs, program) = (flag(input)?, input.hash()?);
                let config = read_config(input)?;
                let policy = if flag(input)? { Some(Arc::new(Policy::read(input)?)) } else { None };
                let config = Config { policy, ..config };
                Self::Joined(Box::new(Joined { name, key, copy, signs, program, config }))
            }
            Kind::Answered => Self::Answered {
                agent: AgentId(input.u32()?),
                id: input.u64()?,
                request: input.hash()?,
                answer: read_answer(input)?,
            },
            Kind::Passed => Self::Passed { until: input.u64()? },
            Kind::Named => Self::Named { name: input.text()?, program: input.hash()? },
            Kind::Minted => {
                Self::Minted { to: read_owner(input)?, token: input.text()?, amount: input.u64()? }
            }
            Kind::Spending => Self::Spending {
                owner: read_owner(input)?,
                policy: match flag(input)? {
                    true => Some(Box::new(read_policy(input)?)),
                    false => None,
                },
            },
            Kind::Pooled => {
                let (name, mut members) = (input.text()?, Pool::new());
                for _ in 0..input.count(33)? {
                    let member = input.hash()?;
                    if members.last_key_value().is_some_and(|(last, _)| *last >= member) {
                        return Err(input.error("members are not sorted"));
                    }
                    members.insert(member, flag(input)?);
                }
                Self::Pooled { name, members }
            }
            Kind::Channel => Self::Channel { name: input.text()?, rules: read_rules(input)? },
            Kind::Approved => Self::Approved { agent: AgentId(input.u32()?), yes: flag(input)? },
            Kind::Changed => Self::Changed {
                agent: AgentId(input.u32()?),
                event: match input.u8()? {
                    0 => {
                        let meter = meter(input)?;
                        journal::Event::ToppedUp { meter, amount: input.u64()? }
                    }
                    1 => journal::Event::Voted(read_vote(input)?),
                    _ => return Err(input.error("no such change of an agent")),
                },
            },
            Kind::Domain => Self::Domain { agent: AgentId(input.u32()?), name: read_name(input)? },
            Kind::Supervised => Self::Supervised {
                agent: AgentId(input.u32()?),
                rules: Supervision { restarts: Rate { most: input.u32()?, window: input.u64()? } },
            },
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
                let Joined { name, key, copy, signs, program, config } = &**joined;
                let image = self.codes.get(program).ok_or(Misfit::Program)?.clone();
                let machine = Machine::new(image.clone(), config.clone()).map_err(Misfit::Input)?;
                let agent = self
                    .join(name, Lineage::of_copy(*key, *copy).id(), machine)
                    .map_err(Misfit::Join)?;
                if *signs {
                    self.keep_outbox(agent);
                }
                let origin = Origin::Root { key, copy: *copy, signs: *signs };
                let image = &image;
                keep.saw(self.now(), &Happened::Joined { agent, name, image, config, origin });
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
            Event::Named { name, program } => {
                let image = self.codes.get(program).ok_or(Misfit::Program)?.clone();
                self.know(name, image);
            }
            Event::Minted { to, token, amount } => {
                self.mint(*to, Money { token, amount: *amount }).map_err(Misfit::Ledger)?;
            }
            Event::Spending { owner, policy } => {
                let policy = policy.as_deref().cloned();
                self.set_spending(*owner, policy).map_err(Misfit::Ledger)?;
            }
            Event::Pooled { name, members } => {
                self.set_pool(name, members.clone()).map_err(Misfit::Ledger)?;
            }
            Event::Channel { name, rules } => self.set_channel(name, rules.clone()),
            Event::Approved { agent, yes } => done(self.approve(*agent, *yes, keep))?,
            Event::Changed { agent, event } => done(self.outside(*agent, event, keep))?,
            Event::Supervised { agent, rules } => done(self.supervise(*agent, *rules))?,
            Event::Domain { agent, name } => self.set_domain(*agent, name)?,
        }
        Ok(())
    }
}

fn done(done: bool) -> Result<(), Misfit> {
    if done { Ok(()) } else { Err(Misfit::Agent) }
}
