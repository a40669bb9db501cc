//! A run as bytes: what tells it from every other one, and its state: everything that decides how it
//! goes on, in one canonical form. The state hash is the hash of that, so a machine that comes back
//! has the hash of the one that was written.
//! `spec/snapshot.md` has the format byte by byte.

mod answers;
mod code;
mod read;

use alloc::vec::Vec;
use core::fmt;

use avm_ir::{
    value::encode_to,
    wire::{WireError, Writer, hex},
};

use super::{End, Machine, state};
use crate::{
    meter::{Budget, Spend},
    policy::write_wanted,
};

/// First bytes of a snapshot, extension `.avms`.
const MAGIC: &[u8; 4] = b"AVMS";
/// Version of the format.
const VERSION: u16 = 1;

/// Why bytes are not a snapshot that a machine can go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// It does not begin as a snapshot does.
    Magic,
    /// A version that is not known here.
    Version(u16),
    /// The hash at its end is not that of its bytes.
    Hash,
    /// It is of the program with this hash and not of the one given.
    Program([u8; 32]),
    /// Its program was priced by the schedule with this hash and not by the one given.
    Schedule([u8; 32]),
    /// A part of it is not what its format says.
    Wire(WireError),
    /// Its parts do not fit each other or the program.
    State(&'static str),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("not a snapshot"),
            Self::Version(version) => write!(f, "snapshot version {version} is not known here"),
            Self::Hash => f.write_str("damaged: the hash does not match"),
            Self::Program(hash) => write!(f, "a snapshot of another program, {}", hex(hash)),
            Self::Schedule(hash) => {
                write!(f, "a snapshot under another gas schedule, {}", hex(hash))
            }
            Self::Wire(error) => write!(f, "damaged: {error}"),
            Self::State(cause) => write!(f, "damaged: {cause}"),
        }
    }
}

impl core::error::Error for SnapshotError {}

impl From<WireError> for SnapshotError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl Machine {
    /// The whole run as bytes, from which [`Self::restore`] makes a machine that goes on the same
    /// way. It can be taken at any time, also while an effect waits and after the end.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.raw(MAGIC);
        out.u16(VERSION);
        let start = out.len();
        out.raw(&self.agent.run);
        self.write_state(&mut out);
        let mut bytes = out.finish();
        let hash = state::hash(&bytes[start..]);
        bytes.extend_from_slice(&hash);
        bytes
    }

    /// Everything that decides how the run goes on. What follows from it (windows of calls, the
    /// request of an effect that waits, sums of memory) is not written.
    pub(super) fn write_state(&self, out: &mut Writer) {
        out.raw(&self.image.origin());
        out.raw(&self.image.schedule_hash());
        self.write_meters(out);
        code::write(&self.agent, out);
        self.write_place(out);
        for value in self.slots() {
            encode_to(value, out);
        }
        self.write_agent(out);
        self.write_standing(out);
    }

    fn write_meters(&self, out: &mut Writer) {
        let agent = &self.agent;
        let counters = [
            agent.gas,
            agent.gas_limit,
            agent.steps,
            agent.effects,
            agent.failures,
            agent.draws.drawn(),
        ];
        counters.into_iter().for_each(|counter| out.u64(counter));
        for Budget { spend, effects } in [&agent.budget, &agent.spent] {
            write_spend(spend, out);
            out.u64(*effects);
        }
        agent.memory.counters().into_iter().for_each(|counter| out.u64(counter));
        out.u64(self.call_depth as u64);
        out.u64(agent.log_limit as u64);
        out.u8(self.on_exhausted as u8);
        out.u64(self.agent.draws.seed());
    }

    fn write_place(&self, out: &mut Writer) {
        out.u32(self.frames.len() as u32);
        let mut called = self.interrupts.iter();
        for frame in &self.frames {
            out.u32(frame.region);
            out.u32(frame.pc as u32);
            if frame.is_interrupt()
                && let Some(called) = called.next()
            {
                out.u32(called.region);
                out.u32(called.function);
            }
        }
        out.u32(self.region);
        out.u32(self.pc as u32);
    }

    fn write_agent(&self, out: &mut Writer) {
        let agent = &self.agent;
        let status = &agent.status;
        for word in [status.bool, status.plugin, status.task, status.rewrite] {
            out.u8(u8::from(word));
        }
        encode_to(&status.sandbox, out);
        out.u8(agent.last_failure.as_ref().map_or(0, |failure| failure.code as u8));
        if let Some(failure) = &agent.last_failure {
            out.text(&failure.message);
        }
        encode_to(&agent.saved, out);
        // What `RESET_EXECUTION_STATE` puts back.
        out.u32(agent.initial.len() as u32);
        for (register, value) in agent.initial.iter() {
            out.u8(*register);
            encode_to(value, out);
        }
        out.u32(agent.kv.len() as u32);
        for (key, value) in agent.kv.iter() {
            out.text(key);
            encode_to(value, out);
        }
        out.u32(agent.log.len() as u32);
        for entry in agent.log.iter() {
            out.u64(entry.step);
            encode_to(&entry.note, out);
        }
    }

    /// Whether the run goes on, waits or is over.
    fn write_standing(&self, out: &mut Writer) {
        match (&self.pending, &self.end) {
            (Some(pending), _) => {
                out.u8(Standing::Waits as u8);
                // Set when it was asked; a top-up since then has not changed them.
                let (max_bytes, max_units) = self.caps(pending);
                let amounts = [pending.charged, pending.max_gas, max_bytes, max_units];
                amounts.into_iter().for_each(|amount| out.u64(amount));
                write_spend(&self.max_spend(pending), out);
                out.u8(u8::from(pending.own_limit));
            }
            (None, None) => out.u8(Standing::Runs as u8),
            (None, Some(End::Halted(value))) => {
                out.u8(Standing::Halted as u8);
                encode_to(value, out);
            }
            (None, Some(End::Exhausted(meter))) => {
                out.u8(Standing::Exhausted as u8);
                out.u8(*meter as u8);
            }
            (None, Some(End::Trapped(trap))) => {
                out.u8(Standing::Trapped as u8);
                out.u16(trap.code as u16);
                out.text(&trap.message);
            }
            (None, Some(End::Unapproved(wanted))) => {
                out.u8(Standing::Unapproved as u8);
                write_wanted(wanted, out);
            }
        }
    }
}

/// The byte that says how a run stands.
#[derive(Clone, Copy)]
enum Standing {
    Runs = 0,
    Waits = 1,
    Halted = 2,
    Exhausted = 3,
    Trapped = 4,
    Unapproved = 5,
}

impl Standing {
    const ALL: [Self; 6] =
        [Self::Runs, Self::Waits, Self::Halted, Self::Exhausted, Self::Trapped, Self::Unapproved];
}

fn write_spend(spend: &Spend, out: &mut Writer) {
    spend.amounts().into_iter().for_each(|amount| out.u64(amount));
}
