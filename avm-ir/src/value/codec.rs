//! The canonical encoding: one value, one sequence of bytes. See `spec/values.md`.
//!
//! ```text
//! 00 null   01 false   02 true   03 int: i64   04 float: binary64   05 text: len, UTF-8
//! 06 bytes: len, bytes   07 list: count, values   08 record: count, (len, UTF-8, value)… by name
//! 09 vector: count, binary32…   0A handle: kind, u64           lengths are u32, little-endian
//! ```

use alloc::{sync::Arc, vec::Vec};

use super::{HandleKind, List, MAX_NESTING, Record, Text, Value};
use crate::wire::{Reader, WireError, Writer};

/// Why bytes are not a value.
pub type DecodeError = WireError;

/// The canonical bytes of a value.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut writer = Writer::new();
    encode_to(value, &mut writer);
    writer.finish()
}

/// Appends the canonical bytes of a value. Recursion is bounded by [`MAX_NESTING`].
pub fn encode_to(value: &Value, out: &mut Writer) {
    match value {
        Value::Null => out.u8(0),
        Value::Bool(value) => out.u8(1 + u8::from(*value)),
        Value::Int(value) => out.tagged(3, value.cast_unsigned()),
        Value::Float(value) => out.tagged(4, value.to_bits()),
        Value::Text(text) => {
            out.u8(5);
            out.text(text);
        }
        Value::Bytes(bytes) => {
            out.u8(6);
            out.bytes(bytes);
        }
        Value::List(list) => {
            out.u8(7);
            out.u32(list.len() as u32);
            for item in list.iter() {
                // Long lists are mostly of these.
                match item {
                    Value::Bool(value) => out.u8(1 + u8::from(*value)),
                    Value::Int(value) => out.tagged(3, value.cast_unsigned()),
                    Value::Float(value) => out.tagged(4, value.to_bits()),
                    other => encode_to(other, out),
                }
                out.settle();
            }
        }
        Value::Record(record) => {
            out.u8(8);
            out.u32(record.len() as u32);
            for (name, value) in record.iter() {
                out.text(name);
                encode_to(value, out);
                out.settle();
            }
        }
        Value::Vector(vector) => {
            out.u8(9);
            out.u32(vector.len() as u32);
            for component in vector.iter() {
                out.u32(component.to_bits());
            }
        }
        Value::Handle(kind, id) => {
            out.u8(10);
            out.u8(*kind as u8);
            out.u64(*id);
        }
    }
}

/// Reads one value and refuses what [`encode`] would not have written.
pub fn decode(input: &mut Reader<'_>) -> Result<Value, DecodeError> {
    decode_at(input, 0)
}

fn decode_at(input: &mut Reader<'_>, depth: u32) -> Result<Value, DecodeError> {
    let at = input.offset();
    let error = |cause| WireError { offset: at, cause };
    let tag = input.u8()?;
    if matches!(tag, 7 | 8) && depth >= MAX_NESTING {
        return Err(error("value nested too deeply"));
    }
    Ok(match tag {
        0 => Value::Null,
        1 => Value::Bool(false),
        2 => Value::Bool(true),
        3 => Value::Int(input.u64()?.cast_signed()),
        4 => {
            let float = f64::from_bits(input.u64()?);
            let canonical = Value::float(float);
            if canonical != Value::Float(float) {
                return Err(error("NaN is not canonical"));
            }
            canonical
        }
        5 => Value::Text(Text::from(input.text()?)),
        6 => Value::Bytes(Arc::new(input.bytes()?.to_vec())),
        7 => {
            let count = input.count(1)?;
            let mut items = Vec::new();
            for _ in 0..count {
                items.push(decode_at(input, depth + 1)?);
            }
            Value::List(List::from(items))
        }
        8 => {
            let count = input.count(5)?;
            let mut record = Record::new();
            let mut last: Option<Text> = None;
            for _ in 0..count {
                let name = Text::from(input.text()?);
                if last.as_ref().is_some_and(|last| *last >= name) {
                    return Err(input.error("record fields are not in order"));
                }
                let value = decode_at(input, depth + 1)?;
                last = Some(name.clone());
                record.insert(name, value);
            }
            Value::Record(record)
        }
        9 => {
            let count = input.count(4)?;
            let mut components = Vec::with_capacity(count);
            for _ in 0..count {
                let component = f32::from_bits(input.u32()?);
                if component.is_nan() && component.to_bits() != 0x7FC0_0000 {
                    return Err(error("NaN is not canonical"));
                }
                components.push(component);
            }
            Value::vector(components)
        }
        10 => {
            let kind = HandleKind::from_number(input.u8()?).ok_or(error("unknown handle kind"))?;
            Value::Handle(kind, input.u64()?)
        }
        _ => return Err(error("unknown value tag")),
    })
}
