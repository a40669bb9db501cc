//! Values as vector files write them: JSON, and words for what JSON cannot say.

use std::sync::Arc;

use avm_ir::{
    Value,
    value::{HandleKind, from_json, to_json},
};

/// Reads a value; `n` is the size of the run.
pub(crate) fn read(text: &str, n: Option<i64>) -> Result<Value, String> {
    let text = text.trim();
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    if let Some(amount) = rest.strip_prefix("of ") {
        return repeated(word, usize::try_from(number(amount, n)?).map_err(|e| e.to_string())?);
    }
    match word {
        "bytes" => {
            let bytes = items(rest)?.into_iter().map(|item| match item {
                Value::Int(byte) => u8::try_from(byte).map_err(|e| e.to_string()),
                other => Err(format!("{} is no byte", to_json(&other))),
            });
            Ok(Value::Bytes(Arc::new(bytes.collect::<Result<_, _>>()?)))
        }
        "vector" => {
            let components = items(rest)?.into_iter().map(|item| match item {
                Value::Int(component) => Ok(component as f32),
                Value::Float(component) => Ok(component as f32),
                other => Err(format!("{} is no component", to_json(&other))),
            });
            Ok(Value::vector(components.collect::<Result<_, _>>()?))
        }
        "handle" => {
            let (kind, id) = rest.split_once(' ').ok_or("handle KIND ID")?;
            let kind = (1..=4).filter_map(HandleKind::from_number).find(|k| k.name() == kind);
            let id = id.parse().map_err(|_| format!("{id} is no handle's number"))?;
            Ok(Value::Handle(kind.ok_or("unknown kind of handle")?, id))
        }
        "float" => match rest {
            "nan" => Ok(Value::float(f64::NAN)),
            "inf" => Ok(Value::Float(f64::INFINITY)),
            "-inf" => Ok(Value::Float(f64::NEG_INFINITY)),
            _ => Err(format!("float {rest}? nan, inf and -inf are meant")),
        },
        _ => from_json(text, u64::MAX).map_err(|error| format!("{error} in {text}")),
    }
}

fn items(json: &str) -> Result<Vec<Value>, String> {
    match from_json(json, u64::MAX) {
        Ok(Value::List(list)) => Ok(list.as_slice().to_vec()),
        Ok(other) => Err(format!("{} is no list", to_json(&other))),
        Err(error) => Err(format!("{error} in {json}")),
    }
}

fn repeated(word: &str, count: usize) -> Result<Value, String> {
    Ok(match word {
        "text" => Value::from("x".repeat(count)),
        "bytes" => Value::Bytes(Arc::new(vec![0; count])),
        "list" => Value::list(vec![Value::Int(0); count]),
        "vector" => Value::vector(vec![0.0; count]),
        _ => return Err(format!("{word} of {count}? text, bytes, list and vector are meant")),
    })
}

/// Reads a number, or `n` where the run has a size.
pub(crate) fn number(text: &str, n: Option<i64>) -> Result<u64, String> {
    match (text.trim(), n) {
        ("n", Some(n)) => u64::try_from(n).map_err(|e| e.to_string()),
        ("n", None) => Err("n without sizes".into()),
        (text, _) => text.parse().map_err(|_| format!("{text} is no number")),
    }
}

/// A value as vector files write it.
pub(crate) fn write(value: &Value) -> String {
    match value {
        Value::Bytes(_) => format!("bytes {}", to_json(value)),
        Value::Vector(_) => format!("vector {}", to_json(value)),
        Value::Handle(kind, id) => format!("handle {} {id}", kind.name()),
        Value::Float(float) if float.is_nan() => "float nan".into(),
        Value::Float(float) if float.is_infinite() => format!("float {float}"),
        _ => to_json(value),
    }
}
