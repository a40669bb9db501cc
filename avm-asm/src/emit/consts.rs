//! The constants of a region: each value once, numbered in order of first use.

use std::borrow::Cow;

use avm_ir::{Slot, Value, instr::MAX_CONSTS, value::encode};

use crate::map::Map;

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
    number_of: Map<Key<'a>, u16>,
    of_define: Map<u32, u16>,
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
        match literal {
            Literal::Null => self.intern(Key::Null, || Value::Null),
            Literal::Bool(value) => self.intern(Key::Bool(*value), || Value::Bool(*value)),
            Literal::Int(value) => self.intern(Key::Int(*value), || Value::Int(*value)),
            Literal::Float(value) => {
                self.intern(Key::Float(value.to_bits()), || Value::float(*value))
            }
            Literal::Text(text) => {
                self.intern(Key::Text(Cow::Borrowed(text)), || Value::text(text))
            }
            Literal::Value(value) => self.intern(key_of(value), || value.clone()),
            // A large constant may be used often: it is looked at once.
            Literal::Define(number) => {
                if let Some(known) = self.of_define.get(number) {
                    return Slot::constant(*known);
                }
                let value = define(*number);
                let slot = self.intern(key_of(value), || value.clone());
                if let Some(index) = slot.as_const() {
                    self.of_define.insert(*number, index as u16);
                }
                slot
            }
        }
    }

    fn intern(&mut self, key: Key<'a>, value: impl FnOnce() -> Value) -> Slot {
        if let Some(number) = self.number_of.get(&key) {
            return Slot::constant(*number);
        }
        if self.values.len() >= MAX_CONSTS {
            self.overflow = true;
            return Slot::constant(0);
        }
        let number = self.values.len() as u16;
        let value = value();
        self.bytes += value.encoded_len();
        self.values.push(value);
        self.number_of.insert(key, number);
        Slot::constant(number)
    }

    /// Canonical length of all values, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The values by number; `None` if there were too many.
    pub(crate) fn finish(self) -> Option<Vec<Value>> {
        (!self.overflow).then_some(self.values)
    }
}

fn key_of(value: &Value) -> Key<'static> {
    match value {
        Value::Null => Key::Null,
        Value::Bool(value) => Key::Bool(*value),
        Value::Int(value) => Key::Int(*value),
        Value::Float(value) => Key::Float(value.to_bits()),
        Value::Text(text) => Key::Text(Cow::Owned(String::from(text.as_str()))),
        other => Key::Other(encode(other)),
    }
}
