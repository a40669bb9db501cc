//! Records to bytes.

use alloc::vec::Vec;

use avm_ir::{value::encode_to, wire::Writer as Bytes};

use super::{Event, FORMAT, Kind, Link, Parent, Start, frame};
use crate::{
    effect::Answer,
    machine::{Config, End},
    meter::{Budget, Spend},
    policy::{write_vote, write_wanted},
};

/// Makes the bytes of a journal, record by record. Whoever has it appends them to a file.
#[derive(Clone, Debug)]
pub struct Writer {
    link: Link,
}

impl Writer {
    /// A new journal, and its first bytes.
    pub fn new(start: &Start) -> (Self, Vec<u8>) {
        let mut writer = Self { link: FORMAT.first_link() };
        let mut bytes = FORMAT.header().to_vec();
        bytes.extend(writer.record(Kind::Start, |out| write_start(start, out)));
        (writer, bytes)
    }

    /// Goes on behind a record.
    pub const fn behind(link: Link) -> Self {
        Self { link }
    }

    /// Hash of everything written so far.
    pub const fn link(&self) -> Link {
        self.link
    }

    /// The bytes of the next record.
    pub fn event(&mut self, steps: u64, event: &Event) -> Vec<u8> {
        match event {
            Event::Source { path, text } => self.at(Kind::Source, steps, |out| {
                out.text(path);
                out.text(text);
            }),
            Event::Asked { id, request } => self.at(Kind::Asked, steps, |out| {
                out.u64(*id);
                out.raw(request);
            }),
            Event::Answered { id, request, answer } => self.answered(steps, *id, request, answer),
            Event::ToppedUp { meter, amount } => self.at(Kind::ToppedUp, steps, |out| {
                out.u8(*meter as u8);
                out.u64(*amount);
            }),
            Event::Voted(vote) => self.at(Kind::Voted, steps, |out| write_vote(vote, out)),
            Event::Waited { milliseconds, asking } => self.at(Kind::Waited, steps, |out| {
                out.u64(*milliseconds);
                out.u8(u8::from(*asking));
            }),
            Event::Edited { register, value } => self.at(Kind::Edited, steps, |out| {
                out.u8(*register);
                encode_to(value, out);
            }),
            Event::Called { function } => self.at(Kind::Called, steps, |out| out.text(function)),
            Event::Rested { end, gas, state } => self.at(Kind::Rested, steps, |out| {
                out.u64(*gas);
                out.raw(state);
                write_end(end, out);
            }),
            Event::Signed { key, signature } => self.at(Kind::Signed, steps, |out| {
                out.raw(key);
                out.raw(signature);
            }),
        }
    }

    /// The bytes of an answer that is not owned.
    pub fn answered(
        &mut self,
        steps: u64,
        id: u64,
        request: &[u8; 32],
        answer: &Answer,
    ) -> Vec<u8> {
        self.at(Kind::Answered, steps, |out| {
            out.u64(id);
            out.raw(request);
            write_answer(answer, out);
        })
    }

    fn at(&mut self, kind: Kind, steps: u64, body: impl FnOnce(&mut Bytes)) -> Vec<u8> {
        self.record(kind, |out| {
            out.u64(steps);
            body(out);
        })
    }

    fn record(&mut self, kind: Kind, body: impl FnOnce(&mut Bytes)) -> Vec<u8> {
        frame::record(&mut self.link, kind as u8, body)
    }
}

fn write_start(start: &Start, out: &mut Bytes) {
    out.bytes(&start.program);
    out.raw(&start.schedule);
    write_config(&start.config, out);
    let policy = &start.config.policy;
    out.u8(u8::from(start.parent.is_some()) | u8::from(policy.is_some()) << 1);
    if let Some(Parent { link, steps }) = &start.parent {
        out.raw(link);
        out.u64(*steps);
    }
    if let Some(policy) = policy {
        policy.write(out);
    }
}

/// What a machine is given, but for the policy on its code.
pub(crate) fn write_config(config: &Config, out: &mut Bytes) {
    let Config { gas, budget, on_exhausted, limits, run, seed, inputs, keepsake, policy: _ } =
        config;
    out.u64(*gas);
    write_budget(budget, out);
    out.u8(*on_exhausted as u8);
    out.u64(limits.memory);
    out.u64(limits.call_depth as u64);
    out.u64(limits.log_entries as u64);
    out.u64(*seed);
    out.raw(run);
    out.u32(inputs.len() as u32);
    for (name, value) in inputs {
        out.text(name);
        encode_to(value, out);
    }
    out.u8(u8::from(keepsake.is_some()));
    if let Some(value) = keepsake {
        encode_to(value, out);
    }
}

pub(crate) fn write_budget(Budget { spend, effects }: &Budget, out: &mut Bytes) {
    write_spend(spend, out);
    out.u64(*effects);
}

fn write_spend(spend: &Spend, out: &mut Bytes) {
    spend.amounts().into_iter().for_each(|amount| out.u64(amount));
}

pub(crate) fn write_answer(answer: &Answer, out: &mut Bytes) {
    match &answer.result {
        Ok(outputs) => {
            out.u8(0);
            out.u32(outputs.len() as u32);
            outputs.iter().for_each(|value| encode_to(value, out));
        }
        Err(failure) => {
            out.u8(failure.code as u8);
            out.text(&failure.message);
        }
    }
    out.u64(answer.units);
    out.u64(answer.cost);
    write_spend(&answer.spent, out);
    write_spend(&answer.refund, out);
    out.u8(u8::from(answer.short.is_some()) | u8::from(answer.handover.is_some()) << 1);
    if let Some(meter) = answer.short {
        out.u8(meter as u8);
    }
    if let Some(handover) = &answer.handover {
        out.u64(handover.gas);
        write_budget(&handover.back, out);
        write_budget(&handover.taken, out);
    }
}

pub(crate) fn write_end(end: &End, out: &mut Bytes) {
    match end {
        End::Halted(value) => {
            out.u8(1);
            encode_to(value, out);
        }
        End::Exhausted(meter) => {
            out.u8(2);
            out.u8(*meter as u8);
        }
        End::Trapped(trap) => {
            out.u8(3);
            out.u16(trap.code as u16);
            out.u32(trap.at.region);
            out.u32(trap.at.pc);
            out.u8(trap.opcode as u8);
            out.text(&trap.message);
        }
        End::Unapproved(wanted) => {
            out.u8(4);
            write_wanted(wanted, out);
        }
    }
}
