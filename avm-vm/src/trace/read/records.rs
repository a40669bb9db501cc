//! Records that are no steps, from their bytes.

use alloc::{boxed::Box, vec::Vec};

use avm_ir::{
    Value,
    wire::{Reader, WireError},
};

use crate::{
    effect::{Answer, Failure, FailureCode, Handover},
    journal::{Event, read_end},
    meter::{Budget, Meter, Spend},
    policy::read_vote,
    trace::{Kind, step::read_varint, table::Table},
};

type Read<T> = Result<T, WireError>;

/// What came from outside.
pub(super) enum Record {
    Answered { id: u64, request: [u8; 32], answer: Answer },
    Outside(Event),
}

/// Reads a record whose first byte was read.
pub(super) fn read(first: u8, table: &mut Table, input: &mut Reader<'_>) -> Read<Record> {
    let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 == first);
    Ok(Record::Outside(match kind {
        Some(Kind::Answered) => {
            let (id, request) = (read_varint(input)?, input.hash()?);
            return Ok(Record::Answered { id, request, answer: answer(table, input)? });
        }
        Some(Kind::ToppedUp) => {
            let meter = meter(input.u8()?, input)?.ok_or_else(|| input.error("no such meter"))?;
            Event::ToppedUp { meter, amount: read_varint(input)? }
        }
        Some(Kind::Voted) => Event::Voted(read_vote(input)?),
        Some(Kind::Waited) => {
            let milliseconds = read_varint(input)?;
            let asking = match input.u8()? {
                0 => false,
                1 => true,
                _ => return Err(input.error("neither yes nor no")),
            };
            Event::Waited { milliseconds, asking }
        }
        Some(Kind::Edited) => Event::Edited { register: input.u8()?, value: table.read(input)? },
        Some(Kind::Called) => Event::Called { function: input.text()? },
        Some(Kind::Rested) => {
            let (gas, state) = (read_varint(input)?, input.hash()?);
            Event::Rested { gas, state, end: read_end(input)? }
        }
        // Nothing but a record of a region's code before has one of its code behind.
        Some(Kind::Before | Kind::After) | None => {
            return Err(input.error("no such kind of record"));
        }
    }))
}

/// A code, as a trace names it: number of the version, and hash.
pub(super) type Named = (u32, [u8; 32]);

/// What a trace says of a region whose code was replaced.
#[derive(PartialEq)]
pub(super) struct Replaced {
    pub(super) region: u32,
    pub(super) before: Named,
    pub(super) after: Named,
    /// The bytes of the new code.
    pub(super) code: Value,
}

/// Reads the two records of a region whose code was replaced; the first byte was read.
pub(super) fn replaced(table: &mut Table, input: &mut Reader<'_>) -> Read<Replaced> {
    let (region, before) = (number(input)?, named(input)?);
    let alone = input.error("the code that was replaced, and not what replaced it");
    if input.u8()? != Kind::After as u8 {
        return Err(alone);
    }
    Ok(Replaced { region, before, after: named(input)?, code: table.read(input)? })
}

fn named(input: &mut Reader<'_>) -> Read<Named> {
    Ok((number(input)?, input.hash()?))
}

fn number(input: &mut Reader<'_>) -> Read<u32> {
    let wrong = input.error("a number that is too large");
    u32::try_from(read_varint(input)?).map_err(|_| wrong)
}

fn answer(table: &mut Table, input: &mut Reader<'_>) -> Read<Answer> {
    let code = input.u8()?;
    let result = if code == 0 {
        let mut outputs = Vec::new();
        // Each takes a byte at least, so a forged count ends where the bytes do.
        for _ in 0..read_varint(input)? {
            outputs.push(table.read(input)?);
        }
        Ok(outputs)
    } else {
        let known = FailureCode::from_number(code);
        let code = known.ok_or_else(|| input.error("no such kind of failure"))?;
        Err(Failure { code, message: input.text()? })
    };
    let (units, cost) = (read_varint(input)?, read_varint(input)?);
    let (spent, refund) = (spend(input)?, spend(input)?);
    let last = input.u8()?;
    let short = meter(last & 0x7F, input)?;
    let handover = if last & 0x80 != 0 { Some(Box::new(handover(input)?)) } else { None };
    Ok(Answer { result, units, cost, spent, refund, short, handover })
}

fn handover(input: &mut Reader<'_>) -> Read<Handover> {
    let gas = read_varint(input)?;
    Ok(Handover { gas, back: budget(input)?, taken: budget(input)? })
}

fn budget(input: &mut Reader<'_>) -> Read<Budget> {
    Ok(Budget { spend: spend(input)?, effects: read_varint(input)? })
}

fn spend(input: &mut Reader<'_>) -> Read<Spend> {
    let mut amounts = [0; 4];
    for amount in &mut amounts {
        *amount = read_varint(input)?;
    }
    Ok(Spend::of(amounts))
}

/// A meter; 0 is none.
fn meter(number: u8, input: &Reader<'_>) -> Read<Option<Meter>> {
    if number == 0 {
        return Ok(None);
    }
    Meter::from_number(number).map(Some).ok_or_else(|| input.error("no such meter"))
}
