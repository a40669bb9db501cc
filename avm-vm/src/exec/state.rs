//! The agent's own state: log, saved registers, private key-value store, introspection. All of it
//! moves, forks and rolls back with the agent.

use alloc::vec::Vec;

use avm_ir::{
    Instr, Slot, Value,
    gas::Gas,
    instr::NO_REGISTER,
    value::{MAX_NESTING, Record, Text, to_text},
};

use super::{Cpu, Done, Exit, WINDOW, fault, type_fault};
use crate::{
    agent::Agent,
    effect::{Failure, FailureCode},
    trap::TrapCode,
};

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

pub(super) fn load(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let saved = cpu.agent.saved.clone();
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

fn key(cpu: &Cpu<'_>, i: Instr, slot: Slot) -> Result<Text, Exit> {
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

pub(super) fn introspect(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let param = key(cpu, i, i.b)?;
    let agent = &*cpu.agent;
    let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let gas = |nanogas: u64| Value::from(alloc::format!("{}", Gas(nanogas)));
    let data = match param.as_str() {
        // The notes are the agent's log and its chain of thought alike (whitepaper 8.2).
        "logs" | "agent_logs" | "chain_of_thought" => {
            let notes = agent.log.iter().map(|entry| Value::from(to_text(&entry.note)));
            notes.collect::<Vec<_>>().into()
        }
        "gas" => Record::from_iter([
            ("limit", gas(agent.gas_limit)),
            ("used_before", gas(agent.gas_limit - agent.gas)),
        ])
        .into(),
        "performance" => Record::from_iter([
            ("effects", number(agent.effects)),
            ("failures", number(agent.failures)),
            ("log_entries", number(agent.log.len() as u64)),
            ("steps", number(agent.steps)),
        ])
        .into(),
        "last_failure" => agent.last_failure_text().map_or(Value::Null, Value::from),
        unknown => {
            let message = alloc::format!(
                "SELF_INTROSPECT \"{unknown}\" is not granted; there are logs, agent_logs, \
                 chain_of_thought, gas, performance, last_failure"
            );
            cpu.failure = Some(Failure { code: FailureCode::NotGranted, message });
            Value::Null
        }
    };
    cpu.result = data;
    Ok(())
}
