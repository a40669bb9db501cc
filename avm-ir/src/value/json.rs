//! JSON text of values, and values of JSON text.
//!
//! Ints and floats stay apart: `1` is an int, `1.0` a float. What JSON cannot say is written as
//! what comes nearest: NaN and infinities as null, bytes as a list of numbers, a vector as a list,
//! a handle as text such as `"task:3"`.

use alloc::{string::String, vec::Vec};
use core::{cell::Cell, fmt::Write};

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::{List, MAX_NESTING, Record, Text, Value};

/// Why a text is not a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Line of the text, from 1.
    pub line: usize,
    /// Column of the line, from 1; 0 where the line is empty.
    pub column: usize,
    /// What is wrong.
    pub cause: String,
}

impl core::fmt::Display for JsonError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} at line {} column {}", self.cause, self.line, self.column)
    }
}

impl core::error::Error for JsonError {}

/// Reads one JSON value of at most `max_heap` bytes of memory ([`Value::heap`]) and
/// [`MAX_NESTING`] levels. Of fields with the same name the last counts.
pub fn from_json(text: &str, max_heap: u64) -> Result<Value, JsonError> {
    let budget = Cell::new(max_heap);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let seed = Seed { budget: &budget, depth: 0 };
    seed.deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let mut cause = alloc::format!("{error}");
            // serde_json appends the place, which we report as numbers.
            if let Some(end) = cause.rfind(" at line ") {
                cause.truncate(end);
            }
            JsonError { line, column, cause }
        })
}

/// Builds a [`Value`] while it keeps count of the memory left.
#[derive(Clone, Copy)]
struct Seed<'a> {
    budget: &'a Cell<u64>,
    depth: u32,
}

impl Seed<'_> {
    fn spend<E: Error>(self, bytes: u64) -> Result<(), E> {
        let left = self.budget.get().checked_sub(bytes);
        self.budget.set(left.ok_or_else(|| E::custom("value larger than the memory left"))?);
        Ok(())
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_NESTING {
            return Err(E::custom("value nested more than 64 levels deep"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or_else(|_| Value::float(value as f64), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::float(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        let value = Value::text(text);
        self.spend(value.heap())?;
        Ok(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        self.spend(List::new().heap())?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            self.spend(16)?;
            list.push(item);
        }
        Ok(Value::list(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut record = Record::new();
        self.spend(record.heap())?;
        while let Some(name) = fields.next_key::<String>()? {
            self.spend(Record::field_heap(&name))?;
            let value = fields.next_value_seed(inner)?;
            record.insert(Text::from(name), value);
        }
        Ok(Value::Record(record))
    }
}

/// The JSON text of a value, on one line, fields by name.
pub fn to_json(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

/// Recursion is bounded by [`MAX_NESTING`].
fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => write_display(out, value),
        Value::Float(value) => write_float(out, *value),
        Value::Text(text) => write_text(text, out),
        Value::Bytes(bytes) => write_items(bytes.iter(), '[', ']', out, |byte, out| {
            write_display(out, byte);
        }),
        Value::List(list) => write_items(list.iter(), '[', ']', out, write_json),
        Value::Record(record) => write_items(record.iter(), '{', '}', out, |(name, value), out| {
            write_text(name, out);
            out.push(':');
            write_json(value, out);
        }),
        Value::Vector(vector) => write_items(vector.iter(), '[', ']', out, |component, out| {
            write_float(out, f64::from(*component));
        }),
        Value::Handle(kind, id) => {
            write_display(out, &format_args!("\"{}:{id}\"", kind.name()));
        }
    }
}

fn write_display(out: &mut String, value: &dyn core::fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

fn write_float(out: &mut String, value: f64) {
    if value.is_finite() {
        // Debug keeps the ".0" that tells a float from an int.
        let _ = write!(out, "{value:?}");
    } else {
        out.push_str("null");
    }
}

fn write_items<T>(
    items: impl Iterator<Item = T>,
    open: char,
    close: char,
    out: &mut String,
    mut write: impl FnMut(T, &mut String),
) {
    out.push(open);
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => write_display(out, &format_args!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The text of a value: a text as it is, `NULL`, scalars as in the language, the rest as JSON.
/// What `LOG` shows and `TO_TEXT` gives.
pub fn to_text(value: &Value) -> String {
    match value {
        Value::Text(text) => String::from(text.as_str()),
        Value::Null => String::from("NULL"),
        Value::Float(float) => alloc::format!("{float:?}"),
        other => to_json(other),
    }
}
