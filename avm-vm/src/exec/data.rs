//! Values in registers: copying, making, reading and writing parts.

use alloc::{string::String, vec::Vec};

use avm_ir::{
    Instr, Value,
    value::{MAX_NESTING, Record, Text},
};

use super::{Cpu, Done, Exit, fault, type_fault};
use crate::trap::{Fault, TrapCode};

#[inline(always)]
pub(super) fn set(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let value = cpu.get(i.b).clone();
    cpu.write(i.a, value)
}

/// Refuses a value that is too deep to be put into another.
#[inline(always)]
pub(super) fn check_nesting(value: &Value) -> Done {
    if value.nesting() < MAX_NESTING {
        return Ok(());
    }
    Err(too_deep())
}

#[cold]
fn too_deep() -> Exit {
    fault(TrapCode::TooDeep, "lists and records nest at most 64 levels")
}

pub(super) fn list(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let slots = cpu.slots(i);
    let mut items = Vec::with_capacity(slots.len());
    for slot in slots.iter() {
        let item = cpu.get(*slot);
        check_nesting(item)?;
        items.push(item.clone());
    }
    cpu.write(i.a, Value::list(items))
}

pub(super) fn record(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let slots = cpu.slots(i);
    let mut fields = Vec::with_capacity(slots.len() / 2);
    for pair in slots.chunks_exact(2) {
        let name = match cpu.get(pair[0]) {
            Value::Text(name) => name.clone(),
            other => return Err(type_fault(i.op, "texts as field names", other)),
        };
        let value = cpu.get(pair[1]);
        check_nesting(value)?;
        fields.push((name, value.clone()));
    }
    cpu.write(i.a, Value::Record(Record::of(fields)))
}

/// A position counted from the start, or from the end where it is negative; `None` outside.
#[inline(always)]
pub(crate) fn position(index: i64, len: usize) -> Option<usize> {
    let position = if index < 0 { index.checked_add_unsigned(len as u64)? } else { index };
    usize::try_from(position).ok().filter(|position| *position < len)
}

#[cold]
pub(super) fn out_of_range(index: i64, len: usize, of: &str) -> Exit {
    let message = match len {
        0 => alloc::format!("position {index} of an empty {of}"),
        _ => alloc::format!("position {index} of a {of} of {len}"),
    };
    Fault { code: TrapCode::IndexOutOfRange, message }.into()
}

#[cold]
pub(super) fn null_access(key: &Value) -> Exit {
    let key = avm_ir::value::to_json(key);
    let mut message = String::from("the value whose part ");
    message.push_str(&key);
    message.push_str(" is wanted is NULL");
    Fault { code: TrapCode::NullAccess, message }.into()
}

#[inline(always)]
pub(super) fn get(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let value = match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::List(list), Value::Int(index)) => match position(*index, list.len()) {
            Some(at) => list.as_slice()[at].clone(),
            None => return Err(out_of_range(*index, list.len(), "list")),
        },
        (Value::Record(record), Value::Text(name)) => {
            record.field(name).cloned().unwrap_or(Value::Null)
        }
        (container, key) => get_part(i, container, key)?,
    };
    cpu.write(i.a, value)
}

fn get_part(i: Instr, container: &Value, key: &Value) -> Result<Value, Exit> {
    let Value::Int(index) = key else {
        return Err(match container {
            Value::Null => null_access(key),
            Value::Record(_) => type_fault(i.op, "a field name", key),
            Value::List(_) => type_fault(i.op, "a position in the list", key),
            other => type_fault(i.op, "a record or list", other),
        });
    };
    let index = *index;
    match container {
        Value::Text(text) => {
            let len = text.chars_len();
            let at = position(index, len).ok_or_else(|| out_of_range(index, len, "text"))?;
            Ok(Value::Text(text.part(text.offset(at)..text.offset(at + 1))))
        }
        Value::Bytes(bytes) => position(index, bytes.len())
            .map(|at| Value::Int(i64::from(bytes[at])))
            .ok_or_else(|| out_of_range(index, bytes.len(), "byte string")),
        Value::Vector(vector) => position(index, vector.len())
            .map(|at| Value::float(f64::from(vector[at])))
            .ok_or_else(|| out_of_range(index, vector.len(), "vector")),
        Value::Null => Err(null_access(key)),
        Value::Record(_) => Err(type_fault(i.op, "a field name", key)),
        other => Err(type_fault(i.op, "a record, list, text, bytes or vector", other)),
    }
}

pub(super) fn get_or(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let found = match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::List(list), Value::Int(index)) => {
            position(*index, list.len()).and_then(|at| list.get(at))
        }
        (Value::Record(record), Value::Text(name)) => record.field(name),
        (Value::Null, Value::Int(_) | Value::Text(_)) => None,
        (Value::Null, key) => return Err(type_fault(i.op, "a field name or position", key)),
        (container, key) => return Err(put_fault(i, container, key)),
    };
    let value = match found {
        None | Some(Value::Null) => cpu.get(i.d),
        Some(value) => value,
    };
    let value = value.clone();
    cpu.write(i.a, value)
}

#[inline(always)]
pub(super) fn put(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let (key, value) = (cpu.get(i.b), cpu.get(i.c));
    check_nesting(value)?;
    // Cloning the key costs a reference count at most and frees the window for writing.
    let (key, value) = (key.clone(), value.clone());
    if value.is_heap() {
        cpu.made(value.heap())?;
    }
    let made = write_part(i, &mut cpu.regs[usize::from(i.a)], key, value)?;
    if made == 0 { Ok(()) } else { cpu.made(made) }
}

/// Writes a part of a container, and gives the memory that a new field takes besides its value.
#[inline(always)]
fn write_part(i: Instr, container: &mut Value, key: Value, value: Value) -> Result<u64, Exit> {
    match (container, key) {
        (Value::List(list), Value::Int(index)) => match position(index, list.len()) {
            Some(at) => {
                list.replace(at, value);
                Ok(0)
            }
            None => Err(out_of_range(index, list.len(), "list")),
        },
        (Value::Record(record), Value::Text(name)) => {
            let new = Record::field_heap(&name);
            record.insert(name, value);
            Ok(new)
        }
        (container, key) => Err(put_fault(i, container, &key)),
    }
}

/// Moves a part out of a container and leaves `NULL` behind.
fn take_part(i: Instr, container: &mut Value, key: &Value) -> Result<Value, Exit> {
    match (container, key) {
        (Value::List(list), Value::Int(index)) => match position(*index, list.len()) {
            Some(at) => Ok(list.replace(at, Value::Null).unwrap_or_default()),
            None => Err(out_of_range(*index, list.len(), "list")),
        },
        (Value::Record(record), Value::Text(name)) => match record.field(name) {
            Some(_) => Ok(record.insert(name.clone(), Value::Null).unwrap_or_default()),
            None => Ok(Value::Null),
        },
        (container, key) => Err(put_fault(i, container, key)),
    }
}

pub(super) fn put_in(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let value = cpu.get(i.d);
    // The part nests one level less than the container may.
    if value.nesting() + 1 >= MAX_NESTING {
        return Err(too_deep());
    }
    let (outer, inner, value) = (cpu.get(i.b).clone(), cpu.get(i.c).clone(), value.clone());
    cpu.made(value.heap())?;
    let container = &mut cpu.regs[usize::from(i.a)];
    // While it is out of the container nobody else holds it, so it is written in place.
    let mut part = take_part(i, container, &outer)?;
    let written = write_part(i, &mut part, inner, value);
    // A field that is not there stays so where nothing was written.
    if written.is_ok() || part != Value::Null {
        write_part(i, container, outer, part)?;
    }
    cpu.made(written?)
}

#[cold]
fn put_fault(i: Instr, container: &Value, key: &Value) -> Exit {
    match container {
        Value::Null => null_access(key),
        Value::List(_) => type_fault(i.op, "a position in the list", key),
        Value::Record(_) => type_fault(i.op, "a field name", key),
        other => type_fault(i.op, "a record or list", other),
    }
}

pub(super) fn take(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let Some(place) = i.b.as_reg() else {
        return Err(fault(TrapCode::InvalidArgument, "TAKE wants a register"));
    };
    let key = cpu.get(i.c).clone();
    let value = take_part(i, &mut cpu.regs[usize::from(place)], &key)?;
    cpu.write(i.a, value)
}

#[inline(always)]
pub(super) fn len(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let count = match cpu.get(i.b) {
        Value::List(list) => list.len(),
        Value::Record(record) => record.len(),
        Value::Text(text) => text.chars_len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Vector(vector) => vector.len(),
        other => return Err(type_fault(i.op, "a list, record, text, bytes or vector", other)),
    };
    cpu.put(i.a, Value::Int(count as i64));
    Ok(())
}

pub(super) fn type_of(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let name = cpu.get(i.b).type_name();
    cpu.write(i.a, Value::Text(Text::from(name)))
}

pub(super) fn random(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let (low, high) = match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::Int(low), Value::Int(high)) => (*low, *high),
        (Value::Int(_), other) | (other, _) => return Err(type_fault(i.op, "two ints", other)),
    };
    if low > high {
        return Err(fault(TrapCode::InvalidArgument, "RANDOM wants low not above high"));
    }
    let value = cpu.agent.random(low, high);
    cpu.put(i.a, Value::Int(value));
    Ok(())
}
