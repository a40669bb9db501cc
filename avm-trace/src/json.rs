//! Lines of JSON, one for every record; `spec/trace.schema.json` says what is in them.

use alloc::{string::String, vec::Vec};
use core::fmt::Write;

use avm_ir::{
    Value,
    value::{Record, Text, to_json},
    wire::hex,
};
use avm_vm::{
    Answer, EffectRequest, End, Version,
    journal::{Event, request_hash},
    trace::{Header, Reader, Source, VERSION},
};

use crate::{
    Filter, Item, Step, ViewError, code,
    walk::{Rewrite, Shown, walk},
};

/// Writes a line for every record. Operands and results of more than `most` bytes (canonical encoding)
/// stand there by type and length only; notes and answers are there in full.
pub fn write<S: Source>(
    reader: &mut Reader<S>,
    filter: &Filter,
    most: u64,
    out: &mut dyn Write,
) -> Result<(), ViewError> {
    walk(reader, filter, most, |item| {
        let mut put = |fields: Vec<(&'static str, Value)>| {
            let record = Value::Record(Record::from_iter(fields));
            out.write_str(&to_json(&record)).and_then(|()| out.write_char('\n'))
        };
        match item {
            Item::Start(header) => put(start(header))?,
            Item::Step(step) => {
                put(step_line(step))?;
                for line in further(step) {
                    put(line)?;
                }
            }
            Item::Answered { steps, id, request } => put(alloc::vec![
                ("kind", text("answered")),
                ("step", number(steps)),
                ("id", number(id)),
                ("request", Value::from(hex(&request))),
            ])?,
            Item::Outside { steps, event } => {
                if let Some(line) = outside(steps, event) {
                    put(line)?;
                }
            }
            Item::Rewritten(rewrite) => put(rewritten(rewrite))?,
            Item::End { steps, hash } => put(alloc::vec![
                ("kind", text("trace_end")),
                ("step", number(steps)),
                ("hash", Value::from(hex(&hash))),
            ])?,
        }
        Ok(())
    })
}

type Fields = Vec<(&'static str, Value)>;

fn text(text: &str) -> Value {
    Value::text(text)
}

/// A count as JSON can carry it.
fn number(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn record(fields: Fields) -> Value {
    Value::Record(Record::from_iter(fields))
}

fn start(header: &Header) -> Fields {
    let mut fields = alloc::vec![
        ("kind", text("trace")),
        ("version", number(u64::from(VERSION))),
        ("program", Value::from(hex(&header.program))),
        ("schedule", Value::from(hex(&header.schedule))),
        ("step", number(header.steps)),
    ];
    if let Some(journal) = &header.journal {
        fields.push(("journal", Value::from(hex(journal))));
    }
    fields
}

fn rewritten(rewrite: &Rewrite<'_>) -> Fields {
    let side = |(version, code): (u32, &Version)| {
        record(alloc::vec![
            ("version", number(u64::from(version))),
            ("hash", Value::from(hex(&code.patch.hash()))),
        ])
    };
    let (before, after) = (rewrite.before, rewrite.after);
    alloc::vec![
        ("kind", text("rewrite")),
        ("step", number(rewrite.steps)),
        ("region", text(&rewrite.region)),
        ("before", side(before)),
        ("after", side(after)),
        ("diff", Value::from(code::diff(&before.1.patch, &after.1.patch))),
    ]
}

/// The value, or what is known of it.
fn shown(shown: &Shown, fields: &mut Fields) {
    match &shown.value {
        Some(value) => fields.push(("value", value.clone())),
        None => {
            fields.push(("type", text(shown.type_name)));
            fields.push(("bytes", number(shown.bytes)));
        }
    }
}

fn step_line(step: &Step) -> Fields {
    let inputs = step.inputs.iter().map(|input| {
        let mut fields = alloc::vec![("name", text(input.name))];
        if let Some(register) = &input.register {
            fields.push(("register", text(register)));
        }
        if let Some(value) = &input.value {
            shown(value, &mut fields);
        }
        if let Some(target) = &input.target {
            fields.push(("target", text(target)));
        }
        record(fields)
    });
    let outputs = step.outputs.iter().map(|(register, value)| {
        let mut fields = alloc::vec![("register", text(register))];
        shown(value, &mut fields);
        record(fields)
    });
    let mut fields = alloc::vec![
        ("kind", text("step")),
        ("step", number(step.number)),
        ("region", text(&step.region)),
        ("pc", number(u64::from(step.at.pc))),
        ("op", text(step.opcode.mnemonic())),
        ("gas", number(step.gas)),
        ("gas_left", number(step.gas_left)),
        ("depth", number(step.depth as u64)),
        ("inputs", Value::list(inputs.collect())),
        ("outputs", Value::list(outputs.collect())),
    ];
    if let Some(function) = &step.function {
        fields.push(("function", text(function)));
    }
    if let Some((file, line)) = &step.line {
        fields.push(("file", text(file)));
        fields.push(("line", number(u64::from(*line))));
    }
    if step.jumped {
        fields.push(("jumped", Value::Bool(true)));
    }
    if !step.status.is_empty() {
        let words = step.status.iter();
        let words = words.map(|(word, is)| (word.name(), Value::Bool(*is)));
        fields.push(("status", Value::Record(Record::from_iter(words))));
    }
    fields
}

/// Notes, effects and changes of the store have lines of their own.
fn further(step: &Step) -> Vec<Fields> {
    let head = |kind| alloc::vec![("kind", text(kind)), ("step", number(step.number))];
    let mut lines = Vec::new();
    if let Some(note) = &step.happened.note {
        let mut line = head("log");
        line.push(("note", note.clone()));
        lines.push(line);
    }
    if let Some((request, answer)) = &step.happened.effect {
        let mut line = head("effect");
        effect(request, answer, step.gas, &mut line);
        lines.push(line);
    }
    if let Some((key, value)) = &step.happened.stored {
        let mut line = head("store");
        line.push(("key", Value::Text(key.clone())));
        match value {
            Some(value) => line.push(("value", value.clone())),
            None => line.push(("deleted", Value::Bool(true))),
        }
        lines.push(line);
    }
    lines
}

fn effect(request: &EffectRequest, answer: &Answer, gas: u64, line: &mut Fields) {
    line.push(("id", number(request.id)));
    line.push(("op", text(request.opcode.mnemonic())));
    line.push(("reach", text(request.reach.name())));
    line.push(("request", Value::from(hex(&request_hash(request)))));
    line.push(("gas", number(gas)));
    line.push(("cost", number(answer.cost)));
    line.push(("units", number(answer.units)));
    let names = ["tokens", "nanocredits", "gpu_ms", "wall_ms"];
    let spent = { names.into_iter().zip(answer.spent.amounts()) }
        .filter(|(_, amount)| *amount > 0)
        .map(|(name, amount)| (name, number(amount)));
    line.push(("spent", Value::Record(Record::from_iter(spent))));
    match &answer.result {
        Ok(outputs) => line.push(("answer", Value::list(outputs.clone()))),
        Err(failure) => {
            let fields = [("code", text(failure.code.name())), ("message", text(&failure.message))];
            line.push(("failure", Value::Record(Record::from_iter(fields))));
        }
    }
}

fn outside(steps: u64, event: &Event) -> Option<Fields> {
    let head = |kind| alloc::vec![("kind", text(kind)), ("step", number(steps))];
    Some(match event {
        Event::ToppedUp { meter, amount } => {
            let mut line = head("top_up");
            line.push(("meter", text(meter.name())));
            line.push(("amount", number(*amount)));
            line
        }
        Event::Voted(vote) => {
            let mut line = head("vote");
            line.push(("agrees", Value::Bool(vote.agrees)));
            let key = vote.signature.map(|signature| Value::from(hex(&signature.key)));
            line.push(("key", key.unwrap_or_default()));
            line.push(("note", text(&vote.note)));
            line
        }
        Event::Waited { milliseconds, .. } => {
            let mut line = head("wait");
            line.push(("ms", number(*milliseconds)));
            line
        }
        Event::Edited { register, value } => {
            let mut line = head("edit");
            line.push(("register", number(u64::from(*register))));
            line.push(("value", value.clone()));
            line
        }
        Event::Called { function } => {
            let mut line = head("interrupt");
            line.push(("function", text(function)));
            line
        }
        Event::Rested { end, gas, state } => {
            let mut line = head("end");
            line.push(("gas_used", number(*gas)));
            line.push(("state", Value::from(hex(state))));
            match end {
                End::Halted(value) => {
                    line.push(("how", text("halted")));
                    line.push(("value", value.clone()));
                }
                End::Exhausted(meter) => {
                    line.push(("how", text("exhausted")));
                    line.push(("meter", text(meter.name())));
                }
                End::Trapped(trap) => {
                    line.push(("how", text("trapped")));
                    line.push(("trap", text(trap.code.name())));
                    line.push(("message", text(&trap.message)));
                }
                End::Unapproved(wanted) => {
                    line.push(("how", text("unapproved")));
                    line.push(("region", text(&wanted.patch.region.name)));
                    line.push(("patch", Value::from(hex(&wanted.patch.hash()))));
                    line.push(("message", text(&wanted.why)));
                }
            }
            line
        }
        _ => return None,
    })
}

/// A text as JSON, quotes included.
pub(crate) fn quoted(name: &str) -> String {
    to_json(&Value::Text(Text::from(name)))
}
