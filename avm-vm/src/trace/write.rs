//! A run to the bytes of its trace.

use alloc::{boxed::Box, vec::Vec};

use avm_ir::{Value, wire::Writer};

use super::{
    BLOCK, Block, HEAD, Kind, MAGIC, VERSION, first_link, link,
    step::{Expected, bits, varint},
    table::Table,
};
use crate::{
    effect::{Answer, EffectRequest},
    journal::{Event, Link, request_hash, write_end},
    machine::Machine,
    meter::{Meter, Spend},
    observer::{Done, Observer, Rewritten},
    policy::write_vote,
};

/// Writes the trace of a run that it observes. Whoever drives the run takes the bytes
/// ([`Self::take`]) to where they are kept, and says what comes from outside ([`Self::outside`],
/// exactly what a journal has records of).
#[derive(Debug)]
pub struct Tracer {
    /// Whole blocks that nobody took yet.
    bytes: Vec<u8>,
    /// Records of the next block.
    records: Writer,
    link: Link,
    /// Blocks that were closed.
    blocks: u64,
    steps: u64,
    expected: Box<Expected>,
    table: Table,
}

impl Tracer {
    /// The trace of what a machine does from here on, with the first link of its journal.
    pub fn new(machine: &Machine, journal: Option<Link>) -> Self {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        let mut start = Writer::new();
        start.raw(&machine.image().origin());
        start.raw(&machine.image().schedule_hash());
        start.u8(u8::from(journal.is_some()));
        start.raw(&journal.unwrap_or_default());
        start.u64(machine.steps());
        start.bytes(&machine.snapshot());
        let mut tracer = Self {
            bytes,
            records: Writer::new(),
            link: first_link(),
            blocks: 0,
            steps: 0,
            expected: Box::new(Expected::new(bits(&machine.seen()))),
            table: Table::default(),
        };
        tracer.close(Block::Start, start);
        tracer
    }

    /// Whole blocks that nobody took yet.
    pub fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.bytes)
    }

    /// Steps written so far.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Ends the trace, and gives its hash. The last bytes are still to be taken.
    pub fn finish(mut self) -> (Vec<u8>, Link) {
        self.flush();
        let mut end = Writer::new();
        end.u64(self.steps);
        end.u64(self.blocks);
        self.close(Block::End, end);
        (self.bytes, self.link)
    }

    /// Notes that a machine came to rest, if it did.
    pub fn rested(&mut self, machine: &Machine) {
        if let Some(end) = machine.end() {
            let (end, gas, state) = (end.clone(), machine.gas_used(), machine.state_hash());
            self.outside(&Event::Rested { end, gas, state });
        }
    }

    /// Closes the block of the records that wait.
    fn flush(&mut self) {
        if !self.records.is_empty() {
            let records = core::mem::take(&mut self.records);
            self.close(Block::Records, records);
        }
    }

    fn close(&mut self, kind: Block, body: Writer) {
        let body = body.finish();
        let start = self.bytes.len();
        // What does not fit in its length could not be read back; values are far smaller than that.
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        self.bytes.reserve(HEAD + body.len() + self.link.len());
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.push(kind as u8);
        self.bytes.extend_from_slice(&body);
        self.link = link(&self.link, &self.bytes[start..]);
        self.bytes.extend_from_slice(&self.link);
        self.blocks += 1;
    }

    /// Closes the block where it is long enough.
    #[inline]
    fn settle(&mut self) {
        if self.records.len() >= BLOCK {
            self.flush();
        }
    }

    fn value(&mut self, value: &Value) {
        self.table.write(value, &mut self.records);
    }

    fn answer(&mut self, answer: &Answer) {
        match &answer.result {
            Ok(outputs) => {
                self.records.u8(0);
                varint(outputs.len() as u64, &mut self.records);
                outputs.iter().for_each(|output| self.value(output));
            }
            Err(failure) => {
                self.records.u8(failure.code as u8);
                self.records.text(&failure.message);
            }
        }
        let out = &mut self.records;
        varint(answer.units, out);
        varint(answer.cost, out);
        spend(&answer.spent, out);
        spend(&answer.refund, out);
        out.u8(meter(answer.short) | u8::from(answer.handover.is_some()) << 7);
        if let Some(handover) = &answer.handover {
            varint(handover.gas, out);
            for budget in [&handover.back, &handover.taken] {
                spend(&budget.spend, out);
                varint(budget.effects, out);
            }
        }
    }
}

/// No meter has the number 0.
fn meter(meter: Option<Meter>) -> u8 {
    meter.map_or(0, |meter| meter as u8)
}

fn spend(spend: &Spend, out: &mut Writer) {
    spend.amounts().into_iter().for_each(|amount| varint(amount, out));
}

impl Observer for Tracer {
    const VALUES: bool = true;

    #[inline]
    fn after(&mut self, done: &Done<'_>) {
        let said = self.expected.look(done);
        self.expected.write(done.instr, &said, &mut self.records);
        self.steps += 1;
        self.settle();
    }

    fn answered(&mut self, request: &EffectRequest, answer: &Answer) {
        self.records.u8(Kind::Answered as u8);
        varint(request.id, &mut self.records);
        self.records.raw(&request_hash(request));
        self.answer(answer);
        self.settle();
    }

    fn rewritten(&mut self, machine: &Machine, change: &Rewritten) {
        self.records.u8(Kind::Before as u8);
        varint(u64::from(change.region), &mut self.records);
        varint(u64::from(change.before), &mut self.records);
        let (before, after) = (machine.version(change.before), machine.version(change.after));
        self.records.raw(&before.map_or([0; 32], |version| version.hash));
        self.records.u8(Kind::After as u8);
        varint(u64::from(change.after), &mut self.records);
        self.records.raw(&after.map_or([0; 32], |version| version.hash));
        // The answer that brought it has the same bytes as a rule.
        let code = after.map_or_else(Vec::new, |version| version.patch.to_bytes());
        self.value(&Value::Bytes(code.into()));
        self.settle();
    }

    fn outside(&mut self, event: &Event) {
        let out = &mut self.records;
        match event {
            Event::ToppedUp { meter, amount } => {
                out.u8(Kind::ToppedUp as u8);
                out.u8(*meter as u8);
                varint(*amount, out);
            }
            Event::Voted(vote) => {
                out.u8(Kind::Voted as u8);
                write_vote(vote, out);
            }
            Event::Waited { milliseconds, asking } => {
                out.u8(Kind::Waited as u8);
                varint(*milliseconds, out);
                out.u8(u8::from(*asking));
            }
            Event::Edited { register, value } => {
                out.u8(Kind::Edited as u8);
                out.u8(*register);
                self.table.write(value, out);
            }
            Event::Called { function } => {
                out.u8(Kind::Called as u8);
                out.text(function);
            }
            Event::Rested { end, gas, state } => {
                out.u8(Kind::Rested as u8);
                varint(*gas, out);
                out.raw(state);
                write_end(end, out);
            }
            // An answer comes by `answered`; the others are no part of the run.
            Event::Answered { .. }
            | Event::Source { .. }
            | Event::Asked { .. }
            | Event::Signed { .. } => {}
        }
        self.settle();
    }
}
