//! The agent's own state: log, saved registers, private key-value store, introspection. All of it
//! moves, forks and rolls back with the agent.

use alloc::vec::Vec;

use avm_ir::{
    Instr, Slot, Value,
    instr::NO_REGISTER,
    value::{MAX_NESTING, Record, Text},
};

pub(super) use super::introspect::introspect;
use super::{Cpu, Done, Exit, WINDOW, fault, type_fault};
use crate::{agent::Agent, effect::Failure, trap::TrapCode};

pub(super) fn log(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let note = cpu.get(i.b).clone();
    cpu.made(Agent::log_cost(&note))?;
    let step = cpu.agent.steps;
    cpu.agent.write_log(step, note);
    Err(Exit::Logged)
}

/// Refuses what would nest too deeply once it lies two levels down in what the agent keeps from run
/// to run (`Machine::keepsake`).
fn check_kept(value: &Value) -> Done {
    if value.nesting() + 2 <= MAX_NESTING {
        return Ok(());
    }
    Err(fault(TrapCode::TooDeep, "what an agent keeps nests at most 62 levels"))
}

pub(super) fn save(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let state = match cpu.opt(i.b) {
        Some(state) => {
            check_kept(state)?;
            state.clone()
        }
        None => {
            let names = &cpu.image.program().registers;
            let window = cpu.agent_window();
            // `NULL` too, so that restoring makes a register `NULL` again.
            let named = names.iter().zip(window.iter()).filter(|(name, _)| !name.is_empty());
            let fields: Vec<(Text, Value)> =
                named.map(|(name, value)| (Text::from(name.as_str()), value.clone())).collect();
            for (_, value) in &fields {
                check_kept(value)?;
            }
            Value::Record(Record::from_iter(fields))
        }
    };
    cpu.made(state.heap())?;
    cpu.agent.saved = state;
    Ok(())
}

/// The registers that a checkpoint kept.
fn kept(cpu: &Cpu<'_>, snapshot: &Value) -> Result<Value, Failure> {
    let point = cpu.agent.rewrites.checkpoint(snapshot)?;
    Ok(point.state.clone())
}

pub(super) fn load(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let saved = match cpu.opt(i.b) {
        None => Ok(cpu.agent.saved.clone()),
        Some(snapshot) => kept(cpu, snapshot),
    };
    cpu.agent.status.rewrite = saved.is_err();
    let saved = saved.unwrap_or_else(|failure| {
        cpu.agent.note_failure(failure);
        Value::Null
    });
    if i.a != NO_REGISTER {
        return cpu.write(i.a, saved);
    }
    let Value::Record(saved) = saved else { return Ok(()) };
    cpu.made(saved.heap())?;
    let names = &cpu.image.program().registers;
    let window = cpu.agent_window();
    for (name, register) in names.iter().zip(window.iter_mut()) {
        if let Some(value) = saved.get(name) {
            *register = value.clone();
        }
    }
    Ok(())
}

pub(super) fn reset(cpu: &mut Cpu<'_>, _: Instr) -> Done {
    cpu.agent.saved = Value::Null;
    let initial = cpu.agent.initial.clone();
    cpu.made(initial.iter().map(|(_, value)| value.heap()).sum())?;
    let count = cpu.image.program().registers.len().min(WINDOW);
    let window = cpu.agent_window();
    window[..count].fill(Value::Null);
    for (register, value) in initial.iter() {
        window[usize::from(*register)] = value.clone();
    }
    Ok(())
}

pub(super) fn key(cpu: &Cpu<'_>, i: Instr, slot: Slot) -> Result<Text, Exit> {
    match cpu.get(slot) {
        Value::Text(key) => Ok(key.clone()),
        other => Err(type_fault(i.op, "a text as key", other)),
    }
}

fn put_optional(cpu: &mut Cpu<'_>, i: Instr, value: Value) -> Done {
    if i.a == NO_REGISTER { Ok(()) } else { cpu.write(i.a, value) }
}

pub(super) fn kv_store(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let (key, value) = (key(cpu, i, i.b)?, cpu.get(i.c).clone());
    check_kept(&value)?;
    cpu.made(Agent::kv_cost(&key, &value))?;
    cpu.agent.kv_store(key, value);
    put_optional(cpu, i, Value::text("OK"))
}

pub(super) fn kv_fetch(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let key = key(cpu, i, i.b)?;
    cpu.result = cpu.agent.kv.get(&key).cloned().unwrap_or_default();
    Ok(())
}

pub(super) fn kv_delete(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let key = key(cpu, i, i.b)?;
    let existed = cpu.agent.kv_delete(&key);
    put_optional(cpu, i, Value::Bool(existed))
}

pub(super) fn kv_keys(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let prefix = match cpu.opt(i.b) {
        None | Some(Value::Null) => Text::from(""),
        Some(_) => key(cpu, i, i.b)?,
    };
    let keys = cpu.agent.kv.range(prefix.clone()..).map(|(key, _)| key);
    let keys = keys.take_while(|key| key.starts_with(prefix.as_str()));
    let keys: Vec<Value> = keys.map(|key| Value::Text(key.clone())).collect();
    cpu.result = Value::list(keys);
    Ok(())
}
