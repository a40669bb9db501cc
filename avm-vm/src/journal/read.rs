//! Bytes to records. Nothing is believed: memory and time are bounded by the bytes that are there.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

use avm_ir::{
    Opcode,
    value::decode,
    verify::CodePlace,
    wire::{Reader, WireError},
};

use super::{
    Event, FORMAT, JournalError, Kind, Link, Parent, Record, Start,
    frame::{Framed, Frames},
};
use crate::{
    effect::{Answer, Failure, FailureCode, Handover},
    machine::{Config, End, Limits, OnExhausted},
    meter::{Budget, Meter, Spend},
    policy::{Policy, read_vote, read_wanted},
    trap::{Trap, TrapCode},
};

type Read<T> = Result<T, WireError>;

const ONE_START: &str = "the first record, and no other, says how the run began";

/// A journal that was read.
#[derive(Clone, Debug)]
pub struct Journal {
    /// How the run began.
    pub start: Start,
    /// Link of the first record, which is `start`.
    pub first: Link,
    /// Everything after it, in order.
    pub records: Vec<Record>,
    /// How the file ends.
    pub tail: Tail,
}

/// How a journal's file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Behind a whole record.
    Whole,
    /// Inside a record, as a crash leaves it.
    Torn {
        /// Bytes up to the last whole record.
        whole: usize,
        /// Bytes behind it that are of no use.
        rest: usize,
    },
}

impl Journal {
    /// Reads a journal up to its last whole record.
    ///
    /// A record that is whole and not the one that was written is an error, as is one that a writer
    /// would not have written.
    pub fn read(bytes: &[u8]) -> Result<Self, JournalError> {
        let mut frames = Frames::of(bytes, &FORMAT)?;
        let (mut start, mut records) = (None, Vec::new());
        let tail = loop {
            let Framed { record, offset, kind, body, link } = match frames.next()? {
                Ok(framed) => framed,
                Err(tail) => break tail,
            };
            let wrong = |error| JournalError::Record { record, offset, error };
            let kind = Kind::ALL.into_iter().find(|known| *known as u8 == kind);
            let mut input = Reader::new(body);
            let kind = kind.ok_or_else(|| wrong(input.error("no such kind of record")))?;
            if (kind == Kind::Start) != start.is_none() {
                return Err(wrong(input.error(ONE_START)));
            }
            if kind == Kind::Start {
                let read = read_start(&mut input).and_then(|read| input.end().map(|()| read));
                start = Some((read.map_err(wrong)?, link));
            } else {
                let read = read_event(kind, &mut input);
                let (steps, event) =
                    read.and_then(|read| input.end().map(|()| read)).map_err(wrong)?;
                if records.last().is_some_and(|last: &Record| last.steps > steps) {
                    return Err(wrong(input.error("it is older than the one before it")));
                }
                records.push(Record { steps, event, offset, link });
            }
        };
        let (start, first) = start.ok_or(JournalError::NoStart)?;
        Ok(Self { start, first, records, tail })
    }

    /// Link of its last record: the hash of all of it.
    pub fn link(&self) -> Link {
        self.records.last().map_or(self.first, |record| record.link)
    }

    /// How the run came to rest, if nothing came behind that but signatures.
    pub fn end(&self) -> Option<(&Record, &End)> {
        let last = self.records.iter().rev().find(|r| !matches!(r.event, Event::Signed { .. }))?;
        match &last.event {
            Event::Rested { end, .. } => Some((last, end)),
            _ => None,
        }
    }
}

pub(super) fn read_start(input: &mut Reader<'_>) -> Read<Start> {
    let program = input.bytes()?.to_vec();
    let schedule = input.hash()?;
    let config = read_config(input)?;
    let also = input.u8()?;
    if also > 3 {
        return Err(input.error("neither a parent nor a policy"));
    }
    let parent = match also & 1 {
        0 => None,
        _ => Some(Parent { link: input.hash()?, steps: input.u64()? }),
    };
    let policy = match also & 2 {
        0 => None,
        _ => Some(Arc::new(Policy::read(input)?)),
    };
    Ok(Start { program, schedule, config: Config { policy, ..config }, parent })
}

/// What a machine is given, but for the policy on its code.
pub(crate) fn read_config(input: &mut Reader<'_>) -> Read<Config> {
    let gas = input.u64()?;
    let budget = read_budget(input)?;
    let number = input.u8()?;
    let policies = [OnExhausted::Halt, OnExhausted::Suspend, OnExhausted::Deny];
    let on_exhausted = policies.into_iter().find(|known| *known as u8 == number);
    let on_exhausted = on_exhausted.ok_or_else(|| input.error("no such policy"))?;
    let memory = input.u64()?;
    let limits = Limits { memory, call_depth: size(input)?, log_entries: size(input)? };
    let seed = input.u64()?;
    let run = input.hash()?;
    let mut inputs = Vec::new();
    for _ in 0..input.count(5)? {
        inputs.push((input.text()?, decode(input)?));
    }
    let keepsake = if flag(input)? { Some(decode(input)?) } else { None };
    Ok(Config { gas, budget, on_exhausted, limits, run, seed, inputs, keepsake, policy: None })
}

fn read_event(kind: Kind, input: &mut Reader<'_>) -> Read<(u64, Event)> {
    let steps = input.u64()?;
    let event = match kind {
        Kind::Start => return Err(input.error(ONE_START)),
        Kind::Source => Event::Source { path: input.text()?, text: input.text()? },
        Kind::Asked => Event::Asked { id: input.u64()?, request: input.hash()? },
        Kind::Answered => Event::Answered {
            id: input.u64()?,
            request: input.hash()?,
            answer: read_answer(input)?,
        },
        Kind::ToppedUp => Event::ToppedUp { meter: meter(input)?, amount: input.u64()? },
        Kind::Voted => Event::Voted(read_vote(input)?),
        Kind::Waited => Event::Waited { milliseconds: input.u64()?, asking: flag(input)? },
        Kind::Edited => Event::Edited { register: input.u8()?, value: decode(input)? },
        Kind::Called => Event::Called { function: input.text()? },
        Kind::Rested => {
            let (gas, state) = (input.u64()?, input.hash()?);
            Event::Rested { gas, state, end: read_end(input)? }
        }
        Kind::Signed => {
            let key = input.hash()?;
            let mut signature = [0; 64];
            signature.copy_from_slice(input.raw(64)?);
            Event::Signed { key, signature }
        }
    };
    Ok((steps, event))
}

pub(crate) fn read_answer(input: &mut Reader<'_>) -> Read<Answer> {
    let code = input.u8()?;
    let result = if code == 0 {
        let mut outputs = Vec::new();
        for _ in 0..input.count(1)? {
            outputs.push(decode(input)?);
        }
        Ok(outputs)
    } else {
        let known = FailureCode::from_number(code);
        let code = known.ok_or_else(|| input.error("no such kind of failure"))?;
        Err(Failure { code, message: input.text()? })
    };
    let (units, cost) = (input.u64()?, input.u64()?);
    let (spent, refund) = (read_spend(input)?, read_spend(input)?);
    let follows = input.u8()?;
    if follows > 3 {
        return Err(input.error("no such parts of an answer"));
    }
    let short = if follows & 1 != 0 { Some(meter(input)?) } else { None };
    let handover = if follows & 2 != 0 { Some(Box::new(read_handover(input)?)) } else { None };
    Ok(Answer { result, units, cost, spent, refund, short, handover })
}

fn read_handover(input: &mut Reader<'_>) -> Read<Handover> {
    Ok(Handover { gas: input.u64()?, back: read_budget(input)?, taken: read_budget(input)? })
}

pub(crate) fn read_end(input: &mut Reader<'_>) -> Read<End> {
    match input.u8()? {
        1 => Ok(End::Halted(decode(input)?)),
        2 => Ok(End::Exhausted(meter(input)?)),
        3 => {
            let code = input.u16()?;
            let code = TrapCode::from_number(code);
            let code = code.ok_or_else(|| input.error("no such trap"))?;
            let at = CodePlace { region: input.u32()?, pc: input.u32()? };
            let opcode =
                Opcode::from_byte(input.u8()?).ok_or_else(|| input.error("no such opcode"))?;
            let message: String = input.text()?;
            Ok(End::Trapped(Trap { code, at, opcode, message }))
        }
        4 => Ok(End::Unapproved(Arc::new(read_wanted(input)?))),
        _ => Err(input.error("no such way to rest")),
    }
}

fn read_budget(input: &mut Reader<'_>) -> Read<Budget> {
    Ok(Budget { spend: read_spend(input)?, effects: input.u64()? })
}

fn read_spend(input: &mut Reader<'_>) -> Read<Spend> {
    let mut amounts = [0; 4];
    for amount in &mut amounts {
        *amount = input.u64()?;
    }
    Ok(Spend::of(amounts))
}

pub(crate) fn meter(input: &mut Reader<'_>) -> Read<Meter> {
    let number = input.u8()?;
    Meter::from_number(number).ok_or_else(|| input.error("no such meter"))
}

fn size(input: &mut Reader<'_>) -> Read<usize> {
    usize::try_from(input.u64()?).map_err(|_| input.error("a limit beyond this host"))
}

pub(crate) fn flag(input: &mut Reader<'_>) -> Read<bool> {
    match input.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(input.error("neither yes nor no")),
    }
}
