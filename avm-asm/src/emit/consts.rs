//! The constants of a region: each value once, numbered in order of first use.

use std::{borrow::Cow, collections::HashMap};

use avm_ir::{Slot, Value, instr::MAX_CONSTS, value::encode};

/// A constant on its way into an operand; texts still lie in the source.
#[derive(Clone, Debug)]
pub(crate) enum Literal<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    /// The constant with this number, see [`crate::resolve::Symbols`].
    Define(u32),
    Value(Value),
}

/// A value by content, floats by their bits.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(u64),
    Text(Cow<'a, str>),
    Other(Vec<u8>),
}

/// The constants of a region.
#[derive(Debug, Default)]
pub(crate) struct Consts<'a> {
    values: Vec<Value>,
    number_of: HashMap<Key<'a>, u16>,
    of_define: HashMap<u32, u16>,
    overflow: bool,
    /// Canonical length of all values, in bytes.
    bytes: u64,
}

impl<'a> Consts<'a> {
    /// The slot of a literal. `define` looks constants up.
    pub(crate) fn slot<'d>(
        &mut self,
        literal: &Literal<'a>,
        define: impl FnOnce(u32) -> &'d Value,
    ) -> Slot {
        let key = match literal {
            Literal::Null => Key::Null,
            Literal::Bool(value) => Key::Bool(*value),
            Literal::Int(value) => Key::Int(*value),
            Literal::Float(value) => key_of_float(*value),
            Literal::Text(text) => Key::Text(Cow::Borrowed(text)),
            Literal::Value(value) => key_of(value),
            // A large constant may be used often: it is looked at once.
            Literal::Define(number) => {
                if let Some(known) = self.of_define.get(number) {
                    return Slot::constant(*known);
                }
                let slot = self.intern(key_of(define(*number)));
                if let Some(index) = slot.as_const() {
                    self.of_define.insert(*number, index as u16);
                }
                return slot;
            }
        };
        self.intern(key)
    }

    fn intern(&mut self, key: Key<'a>) -> Slot {
        if let Some(number) = self.number_of.get(&key) {
            return Slot::constant(*number);
        }
        if self.values.len() >= MAX_CONSTS {
            self.overflow = true;
            return Slot::constant(0);
        }
        let number = self.values.len() as u16;
        let value = value_of(&key);
        self.bytes += value.encoded_len();
        self.values.push(value);
        self.number_of.insert(key, number);
        Slot::constant(number)
    }

    /// Canonical length of all values, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The texts among them.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.values.iter().filter_map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The values by number; `None` if there were too many.
    pub(crate) fn finish(self) -> Option<Vec<Value>> {
        (!self.overflow).then_some(self.values)
    }
}

fn key_of_float(value: f64) -> Key<'static> {
    Key::Float(value.to_bits())
}

fn key_of(value: &Value) -> Key<'static> {
    match value {
        Value::Null => Key::Null,
        Value::Bool(value) => Key::Bool(*value),
        Value::Int(value) => Key::Int(*value),
        Value::Float(value) => key_of_float(*value),
        Value::Text(text) => Key::Text(Cow::Owned(String::from(text.as_str()))),
        other => Key::Other(encode(other)),
    }
}

fn value_of(key: &Key<'_>) -> Value {
    match key {
        Key::Null => Value::Null,
        Key::Bool(value) => Value::Bool(*value),
        Key::Int(value) => Value::Int(*value),
        Key::Float(bits) => Value::float(f64::from_bits(*bits)),
        Key::Text(text) => Value::text(text),
        Key::Other(bytes) => {
            let mut reader = avm_ir::wire::Reader::new(bytes);
            avm_ir::value::decode(&mut reader).unwrap_or_default()
        }
    }
}
