//! Comparison and logic. Every result also goes to the bool word.

use core::cmp::Ordering;

use avm_ir::{Instr, Value};

use super::{Cpu, Done, control::condition, type_fault};

#[inline(always)]
fn equal(cpu: &Cpu<'_>, i: Instr) -> bool {
    match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::Int(a), Value::Int(b)) => a == b,
        (a, b) => a.equals(b),
    }
}

#[inline(always)]
pub(super) fn eq(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let result = equal(cpu, i);
    cpu.put_bool(i.a, result)
}

#[inline(always)]
pub(super) fn ne(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let result = !equal(cpu, i);
    cpu.put_bool(i.a, result)
}

#[inline(always)]
fn order(cpu: &mut Cpu<'_>, i: Instr, holds: fn(Ordering) -> bool) -> Done {
    let result = match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::Int(a), Value::Int(b)) => holds(a.cmp(b)),
        (a, b) => match (a.compare(b), a, b) {
            (Some(order), ..) => holds(order),
            // NaN is neither less nor greater than any number.
            (None, Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => false,
            (None, Value::Int(_) | Value::Float(_) | Value::Text(_), b) => {
                return Err(type_fault(i.op, "two numbers or two texts", b));
            }
            (None, a, _) => return Err(type_fault(i.op, "two numbers or two texts", a)),
        },
    };
    cpu.put_bool(i.a, result)
}

#[inline(always)]
pub(super) fn lt(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    order(cpu, i, Ordering::is_lt)
}

#[inline(always)]
pub(super) fn le(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    order(cpu, i, Ordering::is_le)
}

#[inline(always)]
pub(super) fn gt(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    order(cpu, i, Ordering::is_gt)
}

#[inline(always)]
pub(super) fn ge(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    order(cpu, i, Ordering::is_ge)
}

pub(super) fn contains(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let result = match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::Text(text), Value::Text(part)) => text.contains(part.as_str()),
        (Value::List(list), item) => list.iter().any(|candidate| candidate.equals(item)),
        (Value::Record(record), Value::Text(name)) => record.get(name).is_some(),
        (Value::Bytes(bytes), Value::Int(byte)) => {
            bytes.iter().any(|candidate| i64::from(*candidate) == *byte)
        }
        // Nothing is contained in nothing (`IF Radvice contains "caution"` before any advice).
        (Value::Null, _) => false,
        (Value::Text(_) | Value::Record(_), item) => {
            return Err(type_fault(i.op, "a text to look for", item));
        }
        (Value::Bytes(_), item) => return Err(type_fault(i.op, "an int to look for", item)),
        (other, _) => return Err(type_fault(i.op, "a text, list, record or bytes", other)),
    };
    cpu.put_bool(i.a, result)
}

pub(super) fn not(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let result = !condition(cpu, i, i.b)?;
    cpu.put_bool(i.a, result)
}

pub(super) fn and(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let (left, right) = (condition(cpu, i, i.b)?, condition(cpu, i, i.c)?);
    cpu.put_bool(i.a, left && right)
}

pub(super) fn or(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let (left, right) = (condition(cpu, i, i.b)?, condition(cpu, i, i.c)?);
    cpu.put_bool(i.a, left || right)
}

pub(super) fn test(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let result = condition(cpu, i, i.b)?;
    cpu.put_bool(i.a, result)
}
