//! Texts, and what texts share with lists and bytes. Positions count characters.

use alloc::{string::String, sync::Arc, vec::Vec};

use avm_ir::{
    Instr, Value,
    value::{LEAF_OVERHEAD, Text, encode, to_text},
};

use super::{Cpu, Done, Exit, fault, type_fault};
use crate::trap::TrapCode;

/// A text operand.
fn text<'a>(cpu: &'a Cpu<'_>, i: Instr, slot: avm_ir::Slot) -> Result<&'a Text, Exit> {
    match cpu.get(slot) {
        Value::Text(text) => Ok(text),
        other => Err(type_fault(i.op, "a text", other)),
    }
}

/// A position that may lie outside, clamped to the length; negative ones count from the end.
fn clamp(index: i64, len: usize) -> usize {
    let from_end = if index < 0 { index.saturating_add_unsigned(len as u64) } else { index };
    usize::try_from(from_end.max(0)).unwrap_or(usize::MAX).min(len)
}

pub(super) fn slice(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let start = match cpu.get(i.c) {
        Value::Int(start) => *start,
        other => return Err(type_fault(i.op, "an int as start", other)),
    };
    let end = match cpu.opt(i.d) {
        None | Some(Value::Null) => i64::MAX,
        Some(Value::Int(end)) => *end,
        Some(other) => return Err(type_fault(i.op, "an int as end", other)),
    };
    let range = |len: usize| {
        let (start, end) = (clamp(start, len), clamp(end, len));
        start..end.max(start)
    };
    cpu.result = match cpu.get(i.b) {
        Value::Text(text) => {
            let range = range(text.chars_len());
            let (start, end) = (text.offset(range.start), text.offset(range.end));
            let part = Value::Text(text.part(start..end));
            cpu.reserve(part.heap())?;
            part
        }
        Value::List(list) => {
            let range = range(list.len());
            let list = list.clone();
            cpu.reserve(160 + 16 * range.len() as u64)?;
            Value::list(list.as_slice()[range].to_vec())
        }
        Value::Bytes(bytes) => {
            let (range, bytes) = (range(bytes.len()), bytes.clone());
            cpu.reserve(LEAF_OVERHEAD + range.len() as u64)?;
            Value::Bytes(Arc::new(bytes[range].to_vec()))
        }
        other => return Err(type_fault(i.op, "a text, list or bytes", other)),
    };
    Ok(())
}

/// A text made from a text no longer than three times the original.
fn map(cpu: &mut Cpu<'_>, i: Instr, f: impl Fn(&str) -> String) -> Done {
    let text = text(cpu, i, i.b)?.clone();
    cpu.reserve(3 * text.len() as u64 + LEAF_OVERHEAD)?;
    cpu.write(i.a, Value::from(f(&text)))
}

pub(super) fn upper(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    map(cpu, i, str::to_uppercase)
}

pub(super) fn lower(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    map(cpu, i, str::to_lowercase)
}

pub(super) fn trim(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let text = text(cpu, i, i.b)?.clone();
    cpu.reserve(3 * text.len() as u64 + LEAF_OVERHEAD)?;
    let start = text.len() - text.trim_start().len();
    let trimmed = text.part(start..start + text.trim().len());
    cpu.write(i.a, Value::Text(trimmed))
}

/// How often a text that is not empty occurs in another. To look for a text takes time in its
/// length even where it cannot fit, and only the other text is paid for.
fn hits(text: &str, part: &str) -> usize {
    match *part.as_bytes() {
        [byte] => text.bytes().filter(|other| *other == byte).count(),
        _ if part.len() > text.len() => 0,
        _ => text.matches(part).count(),
    }
}

pub(super) fn split(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let whole = text(cpu, i, i.b)?.clone();
    let separator = match cpu.opt(i.c) {
        None | Some(Value::Null) => None,
        Some(Value::Text(separator)) if !separator.is_empty() => Some(separator.clone()),
        Some(Value::Text(_)) => {
            return Err(fault(
                TrapCode::InvalidArgument,
                "SPLIT by an empty text; TO_LIST gives characters",
            ));
        }
        Some(other) => return Err(type_fault(i.op, "a text as separator", other)),
    };
    // One part costs some 112 bytes besides its text; count them before they are made.
    let parts = match &separator {
        None => whole.words_len(),
        Some(separator) => hits(&whole, separator) + 1,
    };
    cpu.reserve(160 + 112 * parts as u64 + whole.len() as u64)?;
    let mut list = Vec::with_capacity(parts);
    match &separator {
        None => whole.for_words(|word| list.push(Value::Text(word))),
        Some(_) if parts == 1 => list.push(Value::Text(whole)),
        Some(separator) => {
            let mut at = 0;
            for (hit, _) in whole.match_indices(separator.as_str()) {
                list.push(Value::Text(whole.part(at..hit)));
                at = hit + separator.len();
            }
            list.push(Value::Text(whole.part(at..whole.len())));
        }
    }
    cpu.write(i.a, Value::list(list))
}

pub(super) fn join(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let parts = match cpu.get(i.b) {
        Value::List(parts) => parts.clone(),
        other => return Err(type_fault(i.op, "a list of texts", other)),
    };
    let separator = match cpu.opt(i.c) {
        None | Some(Value::Null) => Text::from(""),
        Some(Value::Text(separator)) => separator.clone(),
        Some(other) => return Err(type_fault(i.op, "a text as separator", other)),
    };
    let between = (separator.len() * parts.len()) as u64;
    cpu.reserve(LEAF_OVERHEAD + between + 3 * parts.encoded_len())?;
    // Exact where all parts are texts, which is mostly so; 5 bytes of an encoding are not text.
    let texts = parts.encoded_len().saturating_sub(5 + 5 * parts.len() as u64);
    let mut joined = String::with_capacity((between + texts) as usize);
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            joined.push_str(&separator);
        }
        match part {
            Value::Text(text) => joined.push_str(text),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => joined.push_str(&to_text(part)),
            other => return Err(type_fault(i.op, "texts, numbers or bools in the list", other)),
        }
    }
    cpu.write(i.a, Value::from(joined))
}

pub(super) fn find(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let from = match cpu.opt(i.d) {
        None | Some(Value::Null) => 0,
        Some(Value::Int(from)) => *from,
        Some(other) => return Err(type_fault(i.op, "an int to start at", other)),
    };
    let (found, searched) = match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::Text(text), Value::Text(part)) => {
            let start = text.offset(clamp(from, text.chars_len()));
            let fits = part.len() <= text.len() - start;
            let found = if fits { text[start..].find(part.as_str()) } else { None };
            let found = found.map(|at| start + at);
            let searched = found.map_or(text.len(), |at| at + part.len()).saturating_sub(start);
            let chars = |offset: usize| match text.is_ascii() {
                true => offset,
                false => text[..offset].chars().count(),
            };
            let walked = if text.is_ascii() { 0 } else { text.len() };
            (found.map(chars), searched + walked)
        }
        (Value::List(list), item) => {
            let start = clamp(from, list.len());
            let mut searched = 0;
            let found = list.as_slice()[start..].iter().position(|candidate| {
                searched += candidate.encoded_len() as usize;
                candidate.equals(item)
            });
            (found.map(|at| start + at), searched)
        }
        (Value::Bytes(bytes), Value::Int(byte)) => {
            let start = clamp(from, bytes.len());
            let found = bytes[start..].iter().position(|b| i64::from(*b) == *byte);
            (found.map(|at| start + at), found.map_or(bytes.len() - start, |at| at + 1))
        }
        (Value::Text(_), item) => return Err(type_fault(i.op, "a text to look for", item)),
        (Value::Bytes(_), item) => return Err(type_fault(i.op, "an int to look for", item)),
        (other, _) => return Err(type_fault(i.op, "a text, list or bytes", other)),
    };
    cpu.units = searched as u64;
    cpu.result = Value::Int(found.map_or(-1, |at| at as i64));
    Ok(())
}

pub(super) fn replace(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let whole = text(cpu, i, i.b)?.clone();
    let (part, with) = (text(cpu, i, i.c)?.clone(), text(cpu, i, i.d)?.clone());
    if part.is_empty() {
        return Err(fault(TrapCode::InvalidArgument, "REPLACE of an empty text"));
    }
    let hits = hits(&whole, &part);
    if hits == 0 {
        return cpu.write(i.a, Value::Text(whole));
    }
    cpu.reserve((whole.len() + hits * with.len()) as u64 + LEAF_OVERHEAD)?;
    cpu.write(i.a, Value::from(whole.replace(part.as_str(), &with)))
}

pub(super) fn starts_with(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let result = text(cpu, i, i.b)?.starts_with(text(cpu, i, i.c)?.as_str());
    cpu.put_bool(i.a, result)
}

pub(super) fn ends_with(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let result = text(cpu, i, i.b)?.ends_with(text(cpu, i, i.c)?.as_str());
    cpu.put_bool(i.a, result)
}

pub(super) fn repeat(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let times = match cpu.get(i.c) {
        Value::Int(times) if *times >= 0 => *times as u64,
        Value::Int(_) => {
            return Err(fault(TrapCode::InvalidArgument, "REPEAT a negative number of times"));
        }
        other => return Err(type_fault(i.op, "an int", other)),
    };
    match cpu.get(i.b) {
        Value::Text(text) => {
            let text = text.clone();
            cpu.reserve((text.len() as u64).saturating_mul(times).saturating_add(96))?;
            cpu.write(i.a, Value::from(text.repeat(times as usize)))
        }
        Value::List(list) => {
            let list = list.clone();
            let items = times.saturating_mul(list.len() as u64);
            cpu.reserve(times.saturating_mul(list.heap()).saturating_add(160))?;
            let repeated: Vec<Value> = list.iter().cycle().take(items as usize).cloned().collect();
            cpu.write(i.a, Value::list(repeated))
        }
        other => Err(type_fault(i.op, "a text or list", other)),
    }
}

pub(super) fn ord(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    match text(cpu, i, i.b)?.chars().next() {
        Some(c) => {
            cpu.put(i.a, Value::Int(i64::from(c as u32)));
            Ok(())
        }
        None => Err(fault(TrapCode::InvalidArgument, "ORD of an empty text")),
    }
}

pub(super) fn chr(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let code = match cpu.get(i.b) {
        Value::Int(code) => u32::try_from(*code).ok().and_then(char::from_u32),
        other => return Err(type_fault(i.op, "an int", other)),
    };
    match code {
        Some(c) => cpu.write(i.a, Value::text(c.encode_utf8(&mut [0; 4]))),
        None => Err(fault(TrapCode::InvalidArgument, "CHR of a number that is no character")),
    }
}

pub(super) fn hash(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let digest = match cpu.get(i.b) {
        Value::Text(text) => blake3::hash(text.as_bytes()),
        other => blake3::hash(&encode(other)),
    };
    cpu.write(i.a, Value::text(&digest.to_hex()))
}
