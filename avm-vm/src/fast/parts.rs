//! What fast code does with lists and records, and how it counts their memory.

use avm_ir::{
    Value,
    value::{List, MAX_NESTING, Record, Text},
};

use crate::{agent::Memory, exec::data::position};

/// Memory that an item adds to a list, in bytes.
const ITEM: u64 = 16;

/// Counts memory as made, unless a measure is due: then canonical code takes it.
#[inline(always)]
pub(super) fn count(memory: &mut Memory, bytes: u64) -> bool {
    bytes == 0 || (memory.has_room(bytes) && memory.make(bytes))
}

/// A copy of a value, counted with so many bytes more; `None` if a measure is due.
#[cold]
#[inline(never)]
pub(super) fn counted(value: &Value, more: u64, memory: &mut Memory) -> Option<Value> {
    count(memory, value.heap() + more).then(|| value.clone())
}

/// A copy of a value that may be put into another; without `HEAP` of a scalar.
#[inline(always)]
pub(super) fn part<const HEAP: bool>(value: &Value) -> Option<Value> {
    match value {
        Value::Int(int) => Some(Value::Int(*int)),
        Value::Float(float) => Some(Value::Float(*float)),
        Value::Bool(bool) => Some(Value::Bool(*bool)),
        value if HEAP => (value.nesting() < MAX_NESTING).then(|| value.clone()),
        _ => None,
    }
}

/// Puts a scalar over one of its kind into a list that nobody else holds.
#[inline(always)]
pub(super) fn set_own(list: &mut List, index: i64, value: Value) -> bool {
    let done = list.set_own(index.cast_unsigned() as usize, &value);
    // It is a scalar, which needs no destructor.
    core::mem::forget(value);
    done
}

/// The item at a position, counted from the end where it is negative.
#[inline(always)]
pub(super) fn item(list: &List, index: i64) -> Option<&Value> {
    // What is negative is far outside as it stands.
    match list.get(index.cast_unsigned() as usize) {
        Some(item) => Some(item),
        None => list.get(position(index, list.len())?),
    }
}

/// Puts a value into a list.
#[inline(always)]
pub(super) fn replace(list: &mut List, index: i64, value: Value, memory: &mut Memory) -> bool {
    if !value.is_heap() && list.set_own(index.cast_unsigned() as usize, &value) {
        return true;
    }
    replace_any(list, index, value, memory)
}

#[cold]
#[inline(never)]
fn replace_any(list: &mut List, index: i64, value: Value, memory: &mut Memory) -> bool {
    let Some(at) = position(index, list.len()) else { return false };
    count(memory, value.heap()) && list.replace(at, value).is_some()
}

/// Puts a value into a record.
#[cold]
#[inline(never)]
pub(super) fn insert(record: &mut Record, name: &Text, value: Value, memory: &mut Memory) -> bool {
    if !count(memory, value.heap() + Record::field_heap(name)) {
        return false;
    }
    if let Err(value) = record.replace(name, value) {
        record.insert(name.clone(), value);
    }
    true
}

/// Takes an item out of a list and leaves `NULL`.
#[cold]
#[inline(never)]
pub(super) fn take(list: &mut List, index: i64, memory: &mut Memory) -> Option<Value> {
    let at = position(index, list.len())?;
    let heap = list.as_slice()[at].heap();
    if count(memory, heap) { list.replace(at, Value::Null) } else { None }
}

/// Appends a value to a list.
#[cold]
#[inline(never)]
pub(super) fn push(list: &mut List, item: Value, memory: &mut Memory) -> bool {
    let fits = count(memory, ITEM + item.heap());
    if fits {
        list.push(item);
    }
    fits
}

/// Takes the last item off a list; `NULL` of an empty one.
#[cold]
#[inline(never)]
pub(super) fn pop(list: &mut List, memory: &mut Memory) -> Option<Value> {
    let heap = list.as_slice().last().map_or(0, Value::heap);
    count(memory, heap).then(|| list.pop().unwrap_or_default())
}

/// A part of a record or list, or what it is otherwise; `None` where canonical code has to look.
#[cold]
#[inline(never)]
pub(super) fn part_or<'v>(
    container: &'v Value,
    key: &Value,
    otherwise: &'v Value,
) -> Option<&'v Value> {
    let part = match (container, key) {
        (Value::Record(record), Value::Text(name)) => record.field(name),
        (Value::List(list), Value::Int(index)) => item(list, *index),
        _ => return None,
    };
    Some(part.filter(|part| !matches!(part, Value::Null)).unwrap_or(otherwise))
}
