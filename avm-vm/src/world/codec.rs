//! A world as bytes, between two ticks: everything that [`World::hash`] covers and that decides how it
//! goes on. Programs are named by their hash. `spec/world-snapshot.md` has the format byte by byte.

mod read;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::fmt;

use avm_ir::wire::{WireError, Writer, hex};

use super::{
    AgentId, World,
    actor::{Actor, State},
    journal::write_rules,
    outbox,
    restart::Guard,
};
use crate::{
    ledger::{Wanted, write_owner},
    machine::{Machine, SnapshotError},
};

/// First bytes of a world, extension `.avmo`.
const MAGIC: &[u8; 4] = b"AVMO";
/// Version of the format.
const VERSION: u16 = 1;
/// Context of the hash at the end.
const CONTEXT: &str = "aither avm world snapshot v1";

/// Why bytes are not a world that can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldError {
    /// They do not begin as a world does.
    Magic,
    /// A version that is not known here.
    Version(u16),
    /// The hash at the end is not that of the bytes.
    Hash,
    /// A program that was not given, by its hash.
    Program([u8; 32]),
    /// The machine of an agent.
    Machine(AgentId, SnapshotError),
    /// A part is not what its format says.
    Wire(WireError),
    /// The parts do not fit each other.
    State(&'static str),
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("not a world"),
            Self::Version(version) => write!(f, "world version {version} is not known here"),
            Self::Hash => f.write_str("damaged: the hash does not match"),
            Self::Program(hash) => write!(f, "the program {} is not there", hex(hash)),
            Self::Machine(AgentId(agent), error) => write!(f, "agent number {agent}: {error}"),
            Self::Wire(error) => write!(f, "damaged: {error}"),
            Self::State(cause) => write!(f, "damaged: {cause}"),
        }
    }
}

impl core::error::Error for WorldError {}

impl From<WireError> for WorldError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl World {
    /// Its bytes, from which [`Self::from_bytes`] makes a world that goes on in the same way; `None`
    /// while turns are out.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut out = Writer::new();
        out.raw(MAGIC);
        out.u16(VERSION);
        let start = out.len();
        write_rules(&self.rules, &mut out);
        let numbers = [self.draws.drawn(), self.now(), self.sent, self.rounds, self.ticks];
        let more = [self.orders, self.dropped];
        numbers.into_iter().chain(more).for_each(|number| out.u64(number));
        out.u32(self.still);
        out.u32(self.made.len() as u32);
        for program in &self.made {
            out.bytes(&self.codes.get(program)?.program().to_bytes());
        }
        out.u32(self.codes.len() as u32);
        self.codes.keys().for_each(|program| out.raw(program));
        self.write_code_names(&mut out);
        out.u32(self.actors.len() as u32);
        let mut messages = BTreeMap::new();
        for actor in &self.actors {
            write_actor(actor, &mut messages, &mut out)?;
        }
        self.write_open(&mut out);
        out.bytes(&self.ledger.to_bytes());
        self.write_pools(&mut out);
        self.write_domains(&mut out);
        write_agents(&self.ready, &mut out);
        write_agents(&self.asks, &mut out);
        out.u32(self.deadlocks.len() as u32);
        self.deadlocks.iter().for_each(|circle| write_agents(circle, &mut out));
        self.write_stalls(&mut out);
        let suspects: &BTreeSet<AgentId> = &self.suspects;
        write_agents(suspects, &mut out);
        let mut bytes = out.finish();
        let hash = blake3::derive_key(CONTEXT, &bytes[start..]);
        bytes.extend_from_slice(&hash);
        Some(bytes)
    }

    /// Channels, requests and timers: what is open between agents.
    pub(super) fn write_open(&self, out: &mut Writer) {
        out.u32(self.channels.len() as u32);
        for (name, channel) in &self.channels {
            out.text(name);
            channel.write(out);
        }
        out.u32(self.requests.len() as u32);
        for (number, request) in &self.requests {
            out.u64(*number);
            request.write(out);
        }
        self.clock.write(out);
    }

    pub(super) fn write_stalls(&self, out: &mut Writer) {
        out.u32(self.stalls.len() as u32);
        self.stalls.iter().for_each(|stall| stall.write(out));
    }

    pub(super) fn write_pools(&self, out: &mut Writer) {
        out.u32(self.pools.len() as u32);
        self.pools.iter().for_each(|name| out.text(name));
    }

    pub(super) fn write_code_names(&self, out: &mut Writer) {
        out.u32(self.code_names.len() as u32);
        for (name, program) in &self.code_names {
            out.text(name);
            out.raw(program);
        }
    }
}

pub(super) fn write_agents<'a>(
    agents: impl IntoIterator<Item = &'a AgentId, IntoIter: ExactSizeIterator>,
    out: &mut Writer,
) {
    let agents = agents.into_iter();
    out.u32(agents.len() as u32);
    agents.for_each(|agent| out.u32(agent.0));
}

fn write_actor(actor: &Actor, messages: &mut BTreeMap<u64, u32>, out: &mut Writer) -> Option<()> {
    out.text(&actor.name);
    out.raw(&actor.id);
    write_machine(actor.machine.as_deref()?, out);
    actor.state.write(out);
    if let State::Approval(wanted) = &actor.state {
        write_wanted(wanted, out);
    }
    actor.inbox.write_shared(messages, out);
    actor.write_links(out);
    out.u8(u8::from(actor.kin.is_some()));
    if let Some(kin) = &actor.kin {
        kin.write(out);
    }
    out.u8(u8::from(actor.guard.is_some()));
    if let Some(guard) = &actor.guard {
        let Guard { rules, restarted, lives, rest } = &**guard;
        out.u32(rules.restarts.most);
        out.u64(rules.restarts.window);
        restarted.write(out);
        out.u32(*lives);
        out.u8(u8::from(rest.is_some()));
        if let Some(rest) = rest {
            write_machine(rest, out);
        }
    }
    out.u8(u8::from(actor.tasks.is_some()));
    if let Some(tasks) = &actor.tasks {
        tasks.write(out);
    }
    outbox::write(actor.outbox.as_deref(), out);
    actor.heard.write(out);
    Some(())
}

fn write_machine(machine: &Machine, out: &mut Writer) {
    out.raw(&machine.image().origin());
    out.bytes(&machine.snapshot());
}

fn write_wanted(wanted: &Wanted, out: &mut Writer) {
    let Wanted { owner, over, key, kind, from, to, token, amount, purpose } = wanted;
    write_owner(out, *owner);
    out.u64(*over);
    out.raw(key);
    out.u8(*kind as u8);
    write_owner(out, *from);
    write_owner(out, *to);
    out.text(token);
    out.u64(*amount);
    out.text(purpose);
}
