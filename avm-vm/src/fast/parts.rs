//! What fast code does with lists and records, and how it counts their memory.

use alloc::{string::String, vec::Vec};

use avm_ir::{
    Slot, Value,
    value::{LEAF_OVERHEAD, List, MAX_NESTING, Record, Scalar, Text, to_text},
};

use super::op::Place;
use crate::{
    agent::Memory,
    exec::{WINDOW, data::position},
};

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

/// What a slot names; `None` where the operand was left out.
#[inline(always)]
pub(super) fn operand<'v>(
    window: &'v [Value],
    consts: &'v [Value],
    slot: Slot,
) -> Option<&'v Value> {
    match slot.as_reg() {
        Some(register) => window.get(usize::from(register)),
        None => consts.get(slot.as_const()?),
    }
}

/// A copy of a value that may be put into another.
#[inline(always)]
pub(super) fn part(value: &Value) -> Option<Value> {
    match value.scalar() {
        Some(scalar) => Some(scalar.into()),
        None => (value.nesting() < MAX_NESTING).then(|| value.clone()),
    }
}

/// Puts a scalar over one of its kind into a list that nobody else holds.
#[inline(always)]
pub(super) fn set_own(list: &mut List, index: i64, value: Scalar) -> bool {
    list.set_own(from_start(index), value)
}

/// A position from the start; what is negative is far outside.
#[inline(always)]
fn from_start(index: i64) -> usize {
    usize::try_from(index.cast_unsigned()).unwrap_or(usize::MAX)
}

/// The item at a position, counted from the end where it is negative.
#[inline(always)]
pub(super) fn item(list: &List, index: i64) -> Option<&Value> {
    match list.get(from_start(index)) {
        Some(item) => Some(item),
        None => list.get(position(index, list.len())?),
    }
}

/// Puts a value into a list.
#[cold]
#[inline(never)]
pub(super) fn replace(list: &mut List, index: i64, value: Value, memory: &mut Memory) -> bool {
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
    record.put(name, value);
    true
}

/// Adds to the int of a field, of `k` where there is none, and gives the sum; `None`, and nothing
/// is done, where it is done one by one.
#[cold]
#[inline(never)]
pub(super) fn tally(
    regs: &mut [Value; WINDOW],
    (record, name): (u8, u8),
    (k, step): (i32, i32),
    memory: &mut Memory,
) -> Option<i64> {
    let places = [usize::from(record), usize::from(name)];
    let Ok([Value::Record(record), Value::Text(name)]) = regs.get_disjoint_mut(places) else {
        return None;
    };
    let heap = Record::field_heap(name);
    if !memory.has_room(heap) {
        return None;
    }
    let sum = record.add_to(name, i64::from(k), i64::from(step))?;
    memory.make(heap);
    Some(sum)
}

/// Puts a value into a part of a container; `false`, and nothing is done, where canonical code has
/// to look. Notes where the part has its field.
#[cold]
#[inline(never)]
pub(super) fn put_in(
    (regs, consts): (&mut [Value; WINDOW], &[Value]),
    container: u8,
    [outer, inner, value]: [Slot; 3],
    place: Option<&Place>,
    memory: &mut Memory,
) -> bool {
    let operand = |slot| operand(regs, consts, slot);
    let (Some(outer), Some(inner), Some(value)) = (operand(outer), operand(inner), operand(value))
    else {
        return false;
    };
    // The part nests one level less than the container may.
    if value.nesting() + 1 >= MAX_NESTING {
        return false;
    }
    let part = match (&regs[usize::from(container)], outer) {
        (Value::List(list), Value::Int(index)) => item(list, *index),
        (Value::Record(record), Value::Text(name)) => record.field(name),
        _ => None,
    };
    let made = match (part, inner) {
        (Some(Value::List(list)), Value::Int(index)) if item(list, *index).is_some() => {
            value.heap()
        }
        (Some(Value::Record(record)), Value::Text(name)) => {
            if let (Some(place), Some(at)) = (place, record.place(name)) {
                place.set(at);
            }
            value.heap() + Record::field_heap(name)
        }
        _ => return false,
    };
    if !count(memory, made) {
        return false;
    }
    let (outer, inner, value) = (outer.clone(), inner.clone(), value.clone());
    let container = &mut regs[usize::from(container)];
    // While it is out of the container nobody else holds it, so it is written in place.
    let mut part = exchange(container, &outer, Value::Null);
    exchange(&mut part, &inner, value);
    exchange(container, &outer, part);
    true
}

/// A field that is not there by the very text that the program has: perhaps by another, as in
/// records from outside, perhaps elsewhere, which is noted.
#[cold]
#[inline(never)]
pub(super) fn look<'r>(record: &'r Record, place: &Place, name: &Text) -> &'r Value {
    if let Some(value) = record.field_like(place.get(), name) {
        return value;
    }
    let found = match record.place(name) {
        Some(at) => {
            place.set(at);
            record.field_like(at, name)
        }
        None => record.field(name),
    };
    found.unwrap_or(&Value::Null)
}

/// Puts a value into a container that has a place for it, and gives what was there.
fn exchange(container: &mut Value, key: &Value, value: Value) -> Value {
    let old = match (container, key) {
        (Value::List(list), Value::Int(index)) => {
            position(*index, list.len()).and_then(|at| list.replace(at, value))
        }
        (Value::Record(record), Value::Text(name)) => record.put(name, value),
        _ => None,
    };
    old.unwrap_or_default()
}

/// Puts a scalar over one of its kind into a part of a list, both held by nobody else.
#[inline(always)]
pub(super) fn set_in(list: &mut List, outer: i64, inner: i64, value: Scalar) -> bool {
    let part = list.own_item(from_start(outer));
    part.is_some_and(|part| part.set_item(from_start(inner), value))
}

/// Puts a scalar over one of its kind into a field of a part of a list, both held by nobody else.
#[inline(always)]
pub(super) fn set_field_in(
    list: &mut List,
    outer: i64,
    (place, name): (usize, &Text),
    value: Scalar,
) -> bool {
    let part = list.own_item(from_start(outer));
    part.is_some_and(|part| part.set_field_at(place, name, value))
}

/// A record of names and values; `None` where canonical code has to look.
#[cold]
#[inline(never)]
pub(super) fn record(
    (regs, consts): (&[Value; WINDOW], &[Value]),
    slots: &[Slot],
    memory: &mut Memory,
) -> Option<Value> {
    let operand = |slot| operand(regs, consts, slot);
    let mut fields = Vec::with_capacity(slots.len() / 2);
    for pair in slots.chunks_exact(2) {
        let Value::Text(name) = operand(pair[0])? else { return None };
        fields.push((name.clone(), part(operand(pair[1])?)?));
    }
    let record = Value::Record(Record::of(fields));
    count(memory, record.heap()).then_some(record)
}

/// A part of a text; `None`, and nothing is done, where canonical code has to look.
#[cold]
#[inline(never)]
pub(super) fn slice(
    text: &Text,
    (from, to): (i64, i64),
    price: u16,
    slack: &mut u64,
    memory: &mut Memory,
) -> Option<Value> {
    let (from, to) = (from_start(from), from_start(to));
    if !text.is_ascii() || from > to || to > text.len() {
        return None;
    }
    let heap = LEAF_OVERHEAD + (to - from) as u64;
    if !memory.has_room(heap) || !pay(slack, price, to - from) {
        return None;
    }
    memory.make(heap);
    Some(Value::Text(text.part(from..to)))
}

/// The code of the character at a position of a text, if it and all others are ASCII.
#[inline(always)]
pub(super) fn letter_code(text: &Text, index: i64) -> Option<u8> {
    if text.is_ascii() { text.as_bytes().get(from_start(index)).copied() } else { None }
}

/// Memory of a text of one ASCII character.
pub(super) const LETTER: u64 = LEAF_OVERHEAD + 1;

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
    let fits = count(memory, List::ITEM + item.heap());
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

/// The texts of one ASCII character, by their code.
pub(super) fn letters() -> Vec<Value> {
    (0..128_u8).map(|code| Value::from(String::from(char::from(code)))).collect()
}

/// The character at a position of a text, which is one of those in common.
#[cold]
#[inline(never)]
pub(super) fn letter<'l>(text: &Text, index: i64, letters: &'l [Value]) -> Option<&'l Value> {
    if !text.is_ascii() {
        return None;
    }
    let at = position(index, text.len())?;
    letters.get(usize::from(text.as_bytes()[at]))
}

/// The code of the first character.
#[cold]
#[inline(never)]
pub(super) fn first_code(value: &Value) -> Option<i64> {
    let Value::Text(text) = value else { return None };
    let first = text.as_bytes().first().filter(|_| text.is_ascii())?;
    Some(i64::from(*first))
}

/// What a step pays beyond the minimum, taken from what is left for that.
#[inline]
fn pay(slack: &mut u64, price: u16, bytes: usize) -> bool {
    // Without a price the operands are not priced in this way.
    let price = u64::from(price).saturating_mul(bytes as u64);
    if price == 0 && bytes != 0 || price > *slack {
        return false;
    }
    *slack -= price;
    true
}

/// Whether a value equals a constant that is no number; `None` where canonical code has to look.
#[cold]
#[inline(never)]
pub(super) fn equal(value: &Value, constant: &Value, price: u16, slack: &mut u64) -> Option<bool> {
    match (value, constant) {
        (Value::Text(x), Value::Text(y)) => pay(slack, price, x.len()).then(|| x == y),
        (x, _) if x.is_heap() => None,
        (x, y) => Some(x.equals(y)),
    }
}

/// An operand that may be a register or a constant.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Reg(u8),
    Const(u32),
}

/// Adds where one operand is a text; `false`, and nothing is done, where canonical code has to look.
/// The text on the left grows in place where the result goes back to its register.
#[cold]
#[inline(never)]
pub(super) fn join(
    (regs, consts): (&mut [Value; WINDOW], &[Value]),
    (a, left, right): (u8, Side, Side),
    price: u16,
    slack: &mut u64,
    memory: &mut Memory,
) -> bool {
    let value = |side| match side {
        Side::Reg(register) => &regs[usize::from(register)],
        Side::Const(k) => &consts[k as usize],
    };
    let shown = |value: &Value| match value {
        Value::Text(text) => Some(text.clone()),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => Some(Text::from(to_text(value))),
        _ => None,
    };
    let (x, y) = (value(left), value(right));
    let weight = |value: &Value| if let Value::Text(text) = value { text.len() } else { 0 };
    let (true, Some(tail)) = (x.is_heap() || y.is_heap(), shown(y)) else { return false };
    let head = match (x, left) {
        (Value::Text(text), Side::Reg(register)) if register == a => Err(text.len()),
        (x, _) => match shown(x) {
            Some(text) => Ok(text),
            None => return false,
        },
    };
    let len = head.as_ref().map_or_else(|len| *len, |text| text.len()) + tail.len();
    let heap = LEAF_OVERHEAD + len as u64;
    if !memory.has_room(heap) || !pay(slack, price, weight(x) + weight(y)) {
        return false;
    }
    memory.make(heap);
    let slot = &mut regs[usize::from(a)];
    match head {
        Ok(mut text) => {
            text.push_text(&tail);
            *slot = Value::Text(text);
        }
        Err(_) => {
            if let Value::Text(text) = slot {
                text.push_text(&tail);
            }
        }
    }
    true
}
