//! Flow: jumps, calls, loops, assertions.

use avm_ir::{Instr, Slot, StatusWord, Value, value::to_text};

use super::{Cpu, Done, Exit, fault, type_fault};
use crate::trap::{Fault, TrapCode};

pub(super) fn halt(_: &mut Cpu<'_>, _: Instr) -> Done {
    Err(Exit::Halt)
}

pub(super) fn nop(_: &mut Cpu<'_>, _: Instr) -> Done {
    Ok(())
}

#[inline(always)]
pub(super) fn jump(_: &mut Cpu<'_>, i: Instr) -> Done {
    Err(Exit::Jump(i.b.0))
}

/// A condition: a bool, or `NULL` as false.
#[inline(always)]
pub(super) fn condition(cpu: &Cpu<'_>, i: Instr, slot: Slot) -> Result<bool, Exit> {
    match cpu.get(slot) {
        Value::Bool(value) => Ok(*value),
        Value::Null => Ok(false),
        other => Err(type_fault(i.op, "a bool", other)),
    }
}

#[inline(always)]
fn branch(taken: bool, label: Slot) -> Done {
    if taken { Err(Exit::Jump(label.0)) } else { Ok(()) }
}

#[inline(always)]
pub(super) fn jump_if(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    branch(condition(cpu, i, i.b)?, i.c)
}

#[inline(always)]
pub(super) fn jump_unless(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    branch(!condition(cpu, i, i.b)?, i.c)
}

pub(super) fn jump_if_true(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    branch(cpu.agent.status.bool, i.b)
}

pub(super) fn jump_if_false(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    branch(!cpu.agent.status.bool, i.b)
}

pub(super) fn jump_if_plugin_failed(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    branch(cpu.agent.status.plugin, i.b)
}

pub(super) fn jump_if_task_failed(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    branch(cpu.agent.status.task, i.b)
}

pub(super) fn jump_if_rewrite_failed(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    branch(cpu.agent.status.rewrite, i.b)
}

#[inline(always)]
pub(super) fn call(_: &mut Cpu<'_>, _: Instr) -> Done {
    Err(Exit::Call)
}

#[inline(always)]
pub(super) fn ret(_: &mut Cpu<'_>, _: Instr) -> Done {
    Err(Exit::Return)
}

#[inline(always)]
pub(super) fn next(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let Some(cursor_register) = i.b.as_reg() else {
        return Err(fault(TrapCode::InvalidArgument, "NEXT wants a cursor register"));
    };
    let cursor = match cpu.get(i.b) {
        Value::Int(cursor) if *cursor >= 0 => *cursor,
        other => return Err(type_fault(i.op, "a cursor of 0 or more", other)),
    };
    let item = match cpu.get(i.c) {
        Value::Int(end) if cursor < *end => Value::Int(cursor),
        Value::List(list) => match usize::try_from(cursor).ok().and_then(|at| list.get(at)) {
            Some(item) => item.clone(),
            None => return Err(Exit::Jump(i.d.0)),
        },
        Value::Int(_) => return Err(Exit::Jump(i.d.0)),
        other => return Err(type_fault(i.op, "a list or an int", other)),
    };
    // A cursor stays below a length or an int, so one more fits.
    cpu.put(cursor_register, Value::Int(cursor.saturating_add(1)));
    cpu.write(i.a, item)
}

pub(super) fn assert(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    if condition(cpu, i, i.b)? {
        return Ok(());
    }
    cpu.reserve(super::convert::text_bound(cpu.get(i.c)))?;
    let message = cpu.opt(i.c).map_or_else(|| "the condition does not hold".into(), to_text);
    Err(Fault { code: TrapCode::AssertFailed, message }.into())
}

pub(super) fn raise(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    cpu.reserve(super::convert::text_bound(cpu.get(i.b)))?;
    Err(Fault { code: TrapCode::Raised, message: to_text(cpu.get(i.b)) }.into())
}

pub(super) fn status(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let word = match cpu.get(i.b) {
        Value::Int(number) => StatusWord::from_number(*number),
        other => return Err(type_fault(i.op, "an int", other)),
    };
    let Some(word) = word else {
        return Err(fault(TrapCode::InvalidArgument, "STATUS knows the words 0 to 4"));
    };
    let value = cpu.agent.status.get(word);
    cpu.write(i.a, value)
}
