//! From one type to another. What may come from outside (texts) gives `NULL` where it does not
//! fit, what the program itself made traps.

use alloc::{sync::Arc, vec::Vec};

use avm_ir::{
    Instr, Value,
    value::{LEAF_OVERHEAD, from_json, to_json as json_text, to_text as plain_text},
};

use super::{Cpu, Done, Exit, arith, fault, type_fault};
use crate::{
    effect::{Failure, FailureCode},
    trap::TrapCode,
};

pub(super) fn to_int(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let int = match cpu.get(i.b) {
        Value::Int(int) => Value::Int(*int),
        Value::Bool(bool) => Value::Int(i64::from(*bool)),
        Value::Float(float) => match arith::to_int(libm::trunc(*float)) {
            Some(int) => Value::Int(int),
            None => return Err(fault(TrapCode::IntegerOverflow, "the float does not fit an int")),
        },
        Value::Text(text) => {
            let text = text.trim();
            let parsed = text.parse::<i64>().ok().or_else(|| {
                text.parse::<f64>().ok().and_then(|float| arith::to_int(libm::trunc(float)))
            });
            parsed.map_or(Value::Null, Value::Int)
        }
        Value::Null => Value::Null,
        other => return Err(type_fault(i.op, "a number, bool or text", other)),
    };
    cpu.put(i.a, int);
    Ok(())
}

pub(super) fn to_float(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let float = match cpu.get(i.b) {
        Value::Int(int) => Value::float(*int as f64),
        Value::Bool(bool) => Value::float(if *bool { 1.0 } else { 0.0 }),
        Value::Float(float) => Value::Float(*float),
        Value::Text(text) => text.trim().parse().map_or(Value::Null, Value::float),
        Value::Null => Value::Null,
        other => return Err(type_fault(i.op, "a number, bool or text", other)),
    };
    cpu.put(i.a, float);
    Ok(())
}

/// Memory that the text of a value may take: every byte may become an escape of six.
pub(super) fn text_bound(value: &Value) -> u64 {
    LEAF_OVERHEAD
        + match value {
            Value::Text(text) => 6 * text.len() as u64,
            other => 6 * other.encoded_len() + 24,
        }
}

pub(super) fn to_text(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let value = cpu.get(i.b).clone();
    if let Value::Text(_) = value {
        return cpu.write(i.a, value);
    }
    cpu.reserve(text_bound(&value))?;
    cpu.write(i.a, Value::from(plain_text(&value)))
}

pub(super) fn to_json(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let value = cpu.get(i.b).clone();
    cpu.reserve(text_bound(&value))?;
    cpu.write(i.a, Value::from(json_text(&value)))
}

pub(super) fn from_json_text(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let text = match cpu.get(i.b) {
        Value::Text(text) => text.clone(),
        other => return Err(type_fault(i.op, "a text", other)),
    };
    match from_json(&text, cpu.agent.memory.limit) {
        Ok(value) => {
            cpu.agent.status.plugin = false;
            cpu.write(i.a, value)
        }
        Err(error) => {
            cpu.agent.status.plugin = true;
            let message = alloc::format!("not JSON: {error}");
            cpu.agent.note_failure(Failure { code: FailureCode::InvalidArgument, message });
            cpu.put(i.a, Value::Null);
            Ok(())
        }
    }
}

pub(super) fn to_bytes(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let bytes = match cpu.get(i.b) {
        Value::Bytes(bytes) => bytes.clone(),
        Value::Text(text) => Arc::new(text.as_bytes().to_vec()),
        Value::List(list) => {
            let byte = |item: &Value| match item {
                Value::Int(int) => u8::try_from(*int).ok(),
                _ => None,
            };
            match list.iter().map(byte).collect::<Option<Vec<u8>>>() {
                Some(bytes) => Arc::new(bytes),
                None => {
                    return Err(fault(TrapCode::InvalidArgument, "bytes are ints from 0 to 255"));
                }
            }
        }
        other => return Err(type_fault(i.op, "a text, bytes or list of ints", other)),
    };
    cpu.write(i.a, Value::Bytes(bytes))
}

pub(super) fn to_list(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let value = cpu.get(i.b).clone();
    let (count, each) = match &value {
        Value::Text(text) => (text.chars_len() as u64, 16 + 100),
        Value::Record(record) => (record.len() as u64, 16 + 160 + 32),
        Value::Bytes(bytes) => (bytes.len() as u64, 16),
        Value::Vector(vector) => (vector.len() as u64, 16),
        _ => (0, 0),
    };
    cpu.reserve(160 + count * each + if let Value::Record(r) = &value { r.heap() } else { 0 })?;
    let items: Vec<Value> = match &value {
        Value::List(_) => return cpu.write(i.a, value),
        Value::Text(text) => {
            text.chars().map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect()
        }
        Value::Bytes(bytes) => bytes.iter().map(|byte| Value::Int(i64::from(*byte))).collect(),
        Value::Vector(vector) => vector.iter().map(|x| Value::float(f64::from(*x))).collect(),
        Value::Record(record) => {
            let pair = |(name, value): (&avm_ir::value::Text, &Value)| -> Result<Value, Exit> {
                super::data::check_nesting(value)?;
                Ok(Value::list(alloc::vec![Value::Text(name.clone()), value.clone()]))
            };
            record.iter().map(pair).collect::<Result<_, _>>()?
        }
        other => return Err(type_fault(i.op, "a vector, text, bytes, record or list", other)),
    };
    let list = Value::list(items);
    if list.nesting() > avm_ir::value::MAX_NESTING {
        return Err(fault(TrapCode::TooDeep, "lists and records nest at most 64 levels"));
    }
    cpu.write(i.a, list)
}

pub(super) fn to_vector(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let vector = match cpu.get(i.b) {
        Value::Vector(_) => cpu.get(i.b).clone(),
        Value::List(list) => {
            let component = |item: &Value| match item {
                Value::Int(int) => Ok(*int as f32),
                Value::Float(float) => Ok(*float as f32),
                other => Err(type_fault(i.op, "numbers in the list", other)),
            };
            Value::vector(list.iter().map(component).collect::<Result<_, Exit>>()?)
        }
        other => return Err(type_fault(i.op, "a list of numbers", other)),
    };
    cpu.write(i.a, vector)
}
