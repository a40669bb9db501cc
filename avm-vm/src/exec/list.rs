//! Lists and records: changing them in place, and making new ones of them.

use alloc::{string::String, vec::Vec};
use core::cmp::Ordering;

use avm_ir::{
    Instr, Slot, Value,
    value::{List, Record, Text},
};

use super::{
    Cpu, Done, Exit,
    control::condition,
    data::{check_nesting, out_of_range, position},
    fault, type_fault,
};
use crate::trap::TrapCode;

const ITEM: u64 = List::ITEM;

/// The list in register `a`, or in the register of a slot.
fn list_at<'a>(cpu: &'a mut Cpu<'_>, i: Instr, register: u8) -> Result<&'a mut List, Exit> {
    match &mut cpu.regs[usize::from(register)] {
        Value::List(list) => Ok(list),
        other => Err(type_fault(i.op, "a list", other)),
    }
}

/// The register of a place that lies in a slot.
fn register(slot: Slot) -> Result<u8, Exit> {
    // A verified program's places are registers.
    slot.as_reg().ok_or_else(|| fault(TrapCode::InvalidArgument, "a place must be a register"))
}

#[inline(always)]
pub(super) fn push(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let item = cpu.get(i.b).clone();
    check_nesting(&item)?;
    cpu.made(ITEM + item.heap())?;
    list_at(cpu, i, i.a)?.push(item);
    Ok(())
}

pub(super) fn pop(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let register = register(i.b)?;
    let item = list_at(cpu, i, register)?.pop().unwrap_or_default();
    cpu.write(i.a, item)
}

pub(super) fn insert(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let item = cpu.get(i.c).clone();
    check_nesting(&item)?;
    cpu.made(ITEM + item.heap())?;
    let index = match cpu.get(i.b) {
        Value::Int(index) => *index,
        other => return Err(type_fault(i.op, "an int as position", other)),
    };
    let list = list_at(cpu, i, i.a)?;
    let len = list.len();
    // One more than the last position is allowed: it appends.
    match position(index, len + 1) {
        Some(at) if list.insert(at, item) => Ok(()),
        _ => Err(out_of_range(index, len, "list")),
    }
}

pub(super) fn remove(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let register = register(i.b)?;
    let key = cpu.get(i.c).clone();
    let value = match (&mut cpu.regs[usize::from(register)], key) {
        (Value::List(list), Value::Int(index)) => {
            let len = list.len();
            match position(index, len).and_then(|at| list.remove(at)) {
                Some(item) => item,
                None => return Err(out_of_range(index, len, "list")),
            }
        }
        (Value::Record(record), Value::Text(name)) => record.remove(&name).unwrap_or_default(),
        (Value::List(_), key) => return Err(type_fault(i.op, "a position in the list", &key)),
        (Value::Record(_), key) => return Err(type_fault(i.op, "a field name", &key)),
        (other, _) => return Err(type_fault(i.op, "a list or record", other)),
    };
    cpu.write(i.a, value)
}

/// Order of numbers and of texts; NaN behind all other numbers.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    let nan = |value: &Value| matches!(value, Value::Float(float) if float.is_nan());
    match (nan(a), nan(b)) {
        (false, false) => a.compare(b),
        (a, b) => Some(a.cmp(&b)),
    }
}

pub(super) fn sort(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let by = match cpu.opt(i.c) {
        None | Some(Value::Null) => None,
        Some(Value::Text(by)) => Some(by.clone()),
        Some(other) => return Err(type_fault(i.op, "a field name to sort by", other)),
    };
    let descending = condition(cpu, i, i.d)?;
    let list = match cpu.get(i.b) {
        Value::List(list) => list.clone(),
        other => return Err(type_fault(i.op, "a list", other)),
    };
    cpu.reserve(list.heap())?;
    let key = |item: &Value| match (&by, item) {
        (None, item) => item.clone(),
        (Some(by), Value::Record(record)) => record.get(by).cloned().unwrap_or_default(),
        (Some(_), _) => Value::Null,
    };
    let mut keyed: Vec<(Value, Value)> =
        list.iter().map(|item| (key(item), item.clone())).collect();
    let (first, all_alike) = match keyed.first() {
        None => return cpu.write(i.a, Value::List(list)),
        Some((first, _)) => (first, keyed.iter().all(|(key, _)| order(&keyed[0].0, key).is_some())),
    };
    if !all_alike {
        let odd = keyed.iter().find(|(key, _)| order(first, key).is_none());
        let odd = odd.map_or(first, |(key, _)| key);
        return Err(type_fault(i.op, "only numbers, or only texts", odd));
    }
    keyed.sort_by(|(a, _), (b, _)| {
        let order = order(a, b).unwrap_or(Ordering::Equal);
        if descending { order.reverse() } else { order }
    });
    cpu.write(i.a, keyed.into_iter().map(|(_, item)| item).collect::<Vec<_>>().into())
}

pub(super) fn reverse(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    cpu.reserve(cpu.get(i.b).heap())?;
    let reversed = match cpu.get(i.b) {
        Value::List(list) => list.iter().rev().cloned().collect::<Vec<_>>().into(),
        Value::Text(text) => Value::from(text.chars().rev().collect::<String>()),
        Value::Bytes(bytes) => Value::Bytes(bytes.iter().rev().copied().collect::<Vec<_>>().into()),
        other => return Err(type_fault(i.op, "a list, text or bytes", other)),
    };
    cpu.write(i.a, reversed)
}

pub(super) fn range(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let int = |slot| match cpu.get(slot) {
        Value::Int(int) => Ok(*int),
        other => Err(type_fault(i.op, "ints", other)),
    };
    let (start, end, step) = (int(i.b)?, int(i.c)?, int(i.d)?);
    if step == 0 {
        return Err(fault(TrapCode::InvalidArgument, "RANGE with a step of 0"));
    }
    let ahead = if step > 0 { start < end } else { start > end };
    let count = if ahead { start.abs_diff(end).div_ceil(step.unsigned_abs()) } else { 0 };
    cpu.reserve(count.saturating_mul(ITEM).saturating_add(160))?;
    let items = (0..count).map(|n| Value::Int(start.wrapping_add(step.wrapping_mul(n as i64))));
    let items: Vec<Value> = items.collect();
    cpu.write(i.a, Value::list(items))
}

pub(super) fn fill(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let count = match cpu.get(i.b) {
        Value::Int(count) if *count >= 0 => *count as u64,
        Value::Int(_) => {
            return Err(fault(TrapCode::InvalidArgument, "FILL with a negative count"));
        }
        other => return Err(type_fault(i.op, "an int as count", other)),
    };
    let item = cpu.get(i.c).clone();
    check_nesting(&item)?;
    cpu.reserve(count.saturating_mul(ITEM + item.heap()).saturating_add(160))?;
    cpu.write(i.a, Value::list(alloc::vec![item; count as usize]))
}

fn record_at<'a>(cpu: &'a Cpu<'_>, i: Instr, slot: Slot) -> Result<&'a Record, Exit> {
    match cpu.get(slot) {
        Value::Record(record) => Ok(record),
        other => Err(type_fault(i.op, "a record", other)),
    }
}

pub(super) fn keys(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let keys: Vec<Value> =
        record_at(cpu, i, i.b)?.iter().map(|(name, _)| Value::Text(name.clone())).collect();
    cpu.write(i.a, Value::list(keys))
}

pub(super) fn values(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let values: Vec<Value> =
        record_at(cpu, i, i.b)?.iter().map(|(_, value)| value.clone()).collect();
    cpu.write(i.a, Value::list(values))
}

pub(super) fn merge(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let mut merged = record_at(cpu, i, i.b)?.clone();
    let right = record_at(cpu, i, i.c)?.clone();
    cpu.reserve(merged.heap() + right.heap())?;
    for (name, value) in right.iter() {
        merged.insert(name.clone(), value.clone());
    }
    cpu.write(i.a, Value::Record(merged))
}

pub(super) fn sum(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let list = match cpu.get(i.b) {
        Value::List(list) => list,
        other => return Err(type_fault(i.op, "a list of numbers", other)),
    };
    // Ints are added exactly as long as there is no float among them.
    let (mut ints, mut floats, mut is_float) = (0_i128, 0.0, false);
    for item in list.iter() {
        match item {
            Value::Int(int) => {
                ints += i128::from(*int);
                floats += *int as f64;
            }
            Value::Float(float) => {
                is_float = true;
                floats += float;
            }
            other => return Err(type_fault(i.op, "numbers in the list", other)),
        }
    }
    let total = if is_float {
        Value::float(floats)
    } else {
        match i64::try_from(ints) {
            Ok(int) => Value::Int(int),
            Err(_) => return Err(fault(TrapCode::IntegerOverflow, "the sum does not fit 64 bits")),
        }
    };
    cpu.put(i.a, total);
    Ok(())
}

pub(super) fn new_portfolio(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let portfolio = Record::from_iter([
        ("cash", Value::Int(0)),
        ("history", Value::List(List::new())),
        ("positions", Value::Record(Record::new())),
    ]);
    cpu.write(i.a, Value::Record(portfolio))
}

pub(super) fn append_message(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let role = match cpu.get(i.b) {
        Value::Text(role) => role.clone(),
        other => return Err(type_fault(i.op, "a text as role", other)),
    };
    let text = cpu.get(i.c).clone();
    check_nesting(&text)?;
    let message =
        Record::from_iter([(Text::from("role"), Value::Text(role)), ("text".into(), text)]);
    let message = Value::Record(message);
    check_nesting(&message)?;
    cpu.made(ITEM + message.heap())?;
    let conversation = &mut cpu.regs[usize::from(i.a)];
    match conversation {
        Value::Null => *conversation = Value::list(alloc::vec![message]),
        Value::List(list) => list.push(message),
        other => return Err(type_fault(i.op, "a conversation (a list of messages)", other)),
    }
    Ok(())
}
