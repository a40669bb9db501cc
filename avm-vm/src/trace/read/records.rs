//! Records that are no steps, from their bytes.

use alloc::vec::Vec;

use avm_ir::wire::{Reader, WireError};

use crate::{
    effect::{Answer, Failure, FailureCode},
    journal::{Event, read_end},
    meter::{Meter, Spend},
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
            let meter = meter(input)?.ok_or_else(|| input.error("no such meter"))?;
            Event::ToppedUp { meter, amount: read_varint(input)? }
        }
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
        Some(Kind::Rested) => {
            let (gas, state) = (read_varint(input)?, input.hash()?);
            Event::Rested { gas, state, end: read_end(input)? }
        }
        Some(Kind::Before | Kind::After) => {
            return Err(input.error("a rewrite, and this machine knows none"));
        }
        None => return Err(input.error("no such kind of record")),
    }))
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
    Ok(Answer {
        result,
        units: read_varint(input)?,
        cost: read_varint(input)?,
        spent: spend(input)?,
        refund: spend(input)?,
        short: meter(input)?,
    })
}

fn spend(input: &mut Reader<'_>) -> Read<Spend> {
    let mut amounts = [0; 4];
    for amount in &mut amounts {
        *amount = read_varint(input)?;
    }
    Ok(Spend::of(amounts))
}

/// A meter; 0 is none.
fn meter(input: &mut Reader<'_>) -> Read<Option<Meter>> {
    let number = input.u8()?;
    if number == 0 {
        return Ok(None);
    }
    Meter::from_number(number).map(Some).ok_or_else(|| input.error("no such meter"))
}
