//! What an agent was answered lately, in a snapshot.

use alloc::vec::Vec;

use avm_ir::{
    Opcode, Program,
    value::{decode, encode_to},
    wire::{Reader, Writer},
};

use super::{
    SnapshotError,
    read::{Read, ensure, flag},
};
use crate::{
    agent::{Answered, Answers, MAX_ANSWER, MAX_ANSWERED, MAX_ANSWERS},
    effect::{Args, Failure, FailureCode},
    rewrite::about_code,
};

/// Least bytes of one: instruction, how it went, number of results.
const MIN_ANSWER: usize = 6;

pub(super) fn write(answers: &Answers, out: &mut Writer) {
    if answers.is_empty() {
        return;
    }
    out.u32(answers.iter().len() as u32);
    for Answered { op, args, result } in answers.iter() {
        out.u8(*op as u8);
        for arg in args {
            out.u8(u8::from(arg.is_some()));
            if let Some(value) = arg {
                encode_to(value, out);
            }
        }
        out.u8(result.as_ref().map_or_else(|failure| failure.code as u8, |_| 0));
        match result {
            Ok(outputs) => {
                out.u32(outputs.len() as u32);
                outputs.iter().for_each(|value| encode_to(value, out));
            }
            Err(failure) => out.text(&failure.message),
        }
    }
}

pub(super) fn read(program: &Program, input: &mut Reader<'_>) -> Read<Answers> {
    ensure(!program.tests.is_empty(), "answers for tests, and there are none")?;
    let mut answers = Answers::default();
    let count = input.count(MIN_ANSWER)?;
    ensure((1..=MAX_ANSWERS).contains(&count), "no answers, or more than an agent keeps")?;
    for _ in 0..count {
        let answer = read_one(input)?;
        let weight = answer.weight();
        let fits = weight <= MAX_ANSWER && answers.heap + weight <= MAX_ANSWERED;
        ensure(fits, "answers larger than an agent keeps")?;
        answers.keep(answer);
    }
    Ok(answers)
}

fn read_one(input: &mut Reader<'_>) -> Read<Answered> {
    let op = Opcode::from_byte(input.u8()?);
    let op = op.ok_or(SnapshotError::State("an answer to an unknown instruction"))?;
    let info = op.info();
    let asks = info.reach.is_some() && !about_code(op);
    ensure(asks, "an answer to an instruction that asks nobody, or about code")?;
    let mut args = Vec::new();
    for _ in info.inputs {
        args.push(if flag(input)? { Some(decode(input)?) } else { None });
    }
    let args: Args = args.into_iter().collect();
    let code = input.u8()?;
    let result = if code == 0 {
        let count = input.count(1)?;
        ensure(count <= info.outputs.len(), "more results than the instruction has")?;
        let mut outputs = Vec::new();
        for _ in 0..count {
            outputs.push(decode(input)?);
        }
        Ok(outputs)
    } else {
        let code = FailureCode::from_number(code);
        let code = code.ok_or(SnapshotError::State("unknown kind of failure"))?;
        Err(Failure { code, message: input.text()? })
    };
    Ok(Answered { op, args, result })
}
