//! An agent as its world sees it.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use avm_ir::{value::Text, wire::Writer};

use super::{AgentId, inbox::Inbox};
use crate::machine::Machine;

/// What an agent does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// It can run, or is out on a turn.
    Ready,
    /// It waits for something of the world.
    Waits(Wait),
    /// It waits for the host.
    Asks,
    /// It came to its end.
    Over,
}

/// What an agent waits for, and the number of the timer that ends the wait.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wait {
    pub(super) what: What,
    pub(super) timer: u64,
}

/// What an agent waits for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// A time.
    Time,
    /// The answer to a request.
    Request(u64),
    /// A message: of this name, or any.
    Message(Option<Text>),
    /// A message of this agent.
    From(AgentId),
}

#[derive(Debug)]
pub(super) struct Actor {
    pub(super) name: Text,
    /// Not here while it is out on a turn.
    pub(super) machine: Option<Box<Machine>>,
    pub(super) state: State,
    pub(super) inbox: Inbox,
    /// Channels that it joined, the last one last.
    pub(super) channels: Vec<Text>,
    /// Its latest request by name.
    pub(super) requests: BTreeMap<Text, u64>,
    /// Open requests that it was asked and has not answered; follows from the requests.
    pub(super) asked: BTreeSet<u64>,
}

impl Actor {
    pub(super) fn new(name: Text, machine: Machine) -> Self {
        Self {
            name,
            machine: Some(Box::new(machine)),
            state: State::Ready,
            inbox: Inbox::default(),
            channels: Vec::new(),
            requests: BTreeMap::new(),
            asked: BTreeSet::new(),
        }
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.text(&self.name);
        out.raw(&self.machine.as_ref().map_or([0; 32], |machine| machine.state_hash()));
        match &self.state {
            State::Ready => out.u8(0),
            State::Waits(Wait { what, timer }) => {
                out.u8(1);
                out.u64(*timer);
                match what {
                    What::Time => out.u8(0),
                    What::Request(number) => {
                        out.u8(1);
                        out.u64(*number);
                    }
                    What::Message(name) => {
                        out.u8(2);
                        out.u8(u8::from(name.is_some()));
                        out.text(name.as_ref().map_or("", |name| name));
                    }
                    What::From(agent) => {
                        out.u8(3);
                        out.u32(agent.0);
                    }
                }
            }
            State::Asks => out.u8(2),
            State::Over => out.u8(3),
        }
        self.inbox.write(out);
        out.u32(self.channels.len() as u32);
        self.channels.iter().for_each(|name| out.text(name));
        out.u32(self.requests.len() as u32);
        for (name, number) in &self.requests {
            out.text(name);
            out.u64(*number);
        }
    }
}
