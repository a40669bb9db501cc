//! Instructions about the agent's own code that ask nobody.

use alloc::vec::Vec;

use avm_ir::{
    Instr, Slot, Value,
    instr::NO_REGISTER,
    value::{MAX_NESTING, Record, Text},
};

use super::{Cpu, Done, Exit};
use crate::{
    agent::Checkpoint,
    effect::{Failure, FailureCode},
    rewrite::{self, MAX_VERSIONS, failure},
};

/// Notes how an instruction about the agent's own code went.
fn done(cpu: &mut Cpu<'_>, i: Instr, result: Result<Value, Failure>) -> Done {
    cpu.agent.status.rewrite = result.is_err();
    let value = result.unwrap_or_else(|failure| {
        cpu.agent.note_failure(failure);
        Value::Null
    });
    if i.a == NO_REGISTER { Ok(()) } else { cpu.write(i.a, value) }
}

fn wrong(message: &str) -> Failure {
    failure(FailureCode::InvalidArgument, message)
}

pub(super) fn observe(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let enable = match cpu.get(i.b) {
        Value::Bool(enable) => *enable,
        _ => return done(cpu, i, Err(wrong("observer mode is on or off, true or false"))),
    };
    // What was never on need not be noted.
    if enable != cpu.agent.rewrites.observer {
        cpu.agent.rewrites.own().observer = enable;
    }
    done(cpu, i, Ok(Value::Null))
}

pub(super) fn revert(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    match reverted(cpu, i) {
        Ok(None) => done(cpu, i, Ok(Value::Null)),
        Ok(Some(number)) => {
            cpu.agent.rewrites.own().waiting.push(number);
            done(cpu, i, Ok(Value::Null))?;
            // Before the next instruction, if nothing runs there.
            Err(Exit::Rewrite)
        }
        Err(failure) => done(cpu, i, Err(failure)),
    }
}

fn reverted(cpu: &Cpu<'_>, i: Instr) -> Result<Option<u32>, Failure> {
    let (region, snapshot) = (cpu.get(i.b), cpu.get(i.c));
    let (program, rewrites) = (cpu.image.program(), &*cpu.agent.rewrites);
    if let Some(failure) = rewrite::forbidden(program, cpu.agent, i.op, Some(region)) {
        return Err(failure);
    }
    let Value::Text(name) = region else { return Err(wrong("a region is named by a text")) };
    rewrite::reverted(cpu.image, rewrites, name.as_str(), snapshot)
}

pub(super) fn checkpoint(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    match point(cpu, i.b) {
        Ok(checkpoint) => {
            let before = cpu.agent.rewrites.heap;
            let number = cpu.agent.rewrites.own().mark(checkpoint);
            cpu.made(cpu.agent.rewrites.heap - before)?;
            done(cpu, i, Ok(Value::Int(i64::from(number))))
        }
        Err(failure) => done(cpu, i, Err(failure)),
    }
}

fn point(cpu: &mut Cpu<'_>, label: Slot) -> Result<Checkpoint, Failure> {
    let Value::Text(label) = cpu.get(label).clone() else {
        return Err(wrong("a checkpoint's label is a text"));
    };
    if cpu.agent.rewrites.checkpoints.len() >= MAX_VERSIONS {
        let message = alloc::format!("the agent has {MAX_VERSIONS} checkpoints already");
        return Err(failure(FailureCode::TooLarge, message));
    }
    let names = &cpu.image.program().registers;
    let window = cpu.agent_window();
    let named = names.iter().zip(window.iter()).filter(|(name, _)| !name.is_empty());
    let fields: Vec<(Text, Value)> =
        named.map(|(name, value)| (Text::from(name.as_str()), value.clone())).collect();
    let state = Value::Record(Record::from_iter(fields));
    if state.nesting() > MAX_NESTING {
        return Err(failure(FailureCode::TooLarge, "the registers are nested too deep to be kept"));
    }
    let (step, code) = (cpu.agent.steps, cpu.agent.rewrites.current.clone());
    Ok(Checkpoint { label, step, code, state })
}
