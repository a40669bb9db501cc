//! Looking on: what happens in a world, told to whoever keeps its answers ([`Keep`](super::Keep)).

use alloc::sync::Arc;

use avm_ir::{Value, value::Text};

use super::{
    AgentId, Stall, World,
    actor::{State, What},
};
use crate::{
    identity::{Key, Outbox},
    machine::{Config, Image, Machine},
};

/// Something that happened in a world.
#[derive(Clone, Debug)]
pub enum Happened<'a> {
    /// An agent came into the world.
    Joined {
        /// Its number.
        agent: AgentId,
        /// Its name.
        name: &'a str,
        /// What it runs.
        image: &'a Arc<Image>,
        /// What its machine was given.
        config: &'a Config,
        /// Where it comes from.
        origin: Origin<'a>,
    },
    /// An agent is a member of a channel from now on.
    Connected {
        /// Who.
        agent: AgentId,
        /// Of which.
        channel: &'a Text,
    },
    /// A message goes to a channel: [`Self::Sent`] follows for every other member, if there are any.
    Published {
        /// Who sends it.
        from: AgentId,
        /// Where to.
        channel: &'a Text,
        /// Its name.
        name: &'a Text,
        /// Its number.
        message: u64,
        /// How many other members the channel has.
        members: usize,
    },
    /// An agent that signs sends a message: [`Self::Sent`] or [`Self::Published`] follows.
    Posted {
        /// Who sends it.
        from: AgentId,
        /// Its number.
        message: u64,
        /// What the agent sent so far, with this message.
        outbox: Outbox,
    },
    /// A message was handed over or put into an inbox, or found no room there.
    Sent(Sent<'a>),
    /// An agent got a message.
    Took {
        /// Who.
        agent: AgentId,
        /// Its executed instructions.
        step: u64,
        /// Number of the message.
        message: u64,
    },
    /// An agent got what came of a request.
    Settled {
        /// Who.
        agent: AgentId,
        /// Its executed instructions.
        step: u64,
        /// Number of the request.
        request: u64,
    },
    /// A task of an agent was called while it waited.
    Called {
        /// Whose.
        agent: AgentId,
        /// Its executed instructions.
        step: u64,
        /// The function's name.
        function: &'a Text,
    },
    /// A wait ran out of time with nothing to show for it.
    RanOut {
        /// Whose.
        agent: AgentId,
        /// Its executed instructions.
        step: u64,
        /// What it waited for.
        wanted: Wanted<'a>,
    },
    /// A conversation came to nothing: it is noted, or was ended.
    Stalled(&'a Stall),
    /// An agent that trapped goes on as this machine, which is one that it was before, but for the key
    /// of its effects.
    Restarted {
        /// Who.
        agent: AgentId,
        /// Its machine.
        machine: &'a Machine,
    },
    /// An agent came to its end, or to rest.
    Left {
        /// Who.
        agent: AgentId,
        /// Its machine.
        machine: &'a Machine,
    },
}

/// Where an agent comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// It came from outside.
    Root {
        /// Its public key.
        key: &'a Key,
        /// Which one it is, from 0, of several with the same key.
        copy: Option<u64>,
        /// Whether what it sends goes through an outbox.
        signs: bool,
    },
    /// Another agent started it.
    Child {
        /// Who.
        parent: AgentId,
        /// Its number among those that the parent started, from 0.
        number: u64,
    },
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Sent<'a> {
    /// Its number; the same for every receiver.
    pub number: u64,
    /// Who sent it.
    pub from: AgentId,
    /// Executed instructions of the sender.
    pub step: u64,
    /// To whom it goes.
    pub to: AgentId,
    /// By which channel; none to one agent alone, or for an answer.
    pub channel: Option<&'a Text>,
    /// Its name; that of the request for an answer.
    pub name: &'a Text,
    /// What it carries.
    pub data: &'a Value,
    /// The request that it opens, or that it is an answer to.
    pub request: Option<u64>,
    /// Whether it is an answer to a request.
    pub answer: bool,
    /// Whether there was room for it.
    pub delivered: bool,
}

/// What an agent waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// A message of this name, or any.
    Message(Option<&'a Text>),
    /// A message of this agent.
    From(AgentId),
    /// The answer to a request of this name.
    Answer(&'a Text),
}

/// What an agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It can run.
    Runs,
    /// It waits for a time, a message or an answer.
    Waits,
    /// It waits for the host.
    Asks,
    /// It came to its end, or stands still for good.
    Over,
}

impl World {
    /// What an agent does; `None` if there is no such.
    pub fn doing(&self, agent: AgentId) -> Option<Doing> {
        Some(match self.actor(agent)?.state {
            State::Ready => Doing::Runs,
            State::Waits(_) => Doing::Waits,
            State::Asks | State::Approval(_) => Doing::Asks,
            State::Over | State::Rests => Doing::Over,
        })
    }

    /// Executed instructions of an agent.
    pub(super) fn step(&self, agent: AgentId) -> u64 {
        self.machine(agent).map_or(0, Machine::steps)
    }
}

impl What {
    /// It, where it is a message that may come.
    pub(super) const fn wanted(&self) -> Option<Wanted<'_>> {
        match self {
            Self::Message(name) => Some(Wanted::Message(name.as_ref())),
            Self::From(agent) => Some(Wanted::From(*agent)),
            Self::Time | Self::Request(_) => None,
        }
    }
}
