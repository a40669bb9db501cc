//! Lines for people, one for every record.

use alloc::{format, string::String};
use core::fmt::Write;

use avm_ir::{Opcode, gas::Gas, value::to_json, wire::hex};
use avm_vm::{
    End,
    journal::Event,
    trace::{Reader, Source},
};

use crate::{
    Filter, Item, Step, ViewError, code,
    walk::{Rewrite, Shown, clean, walk},
};

/// Longest value in a line, in characters.
const LONG: usize = 60;

/// Writes a line for every record, such as
/// `    12  main:7  line 9  ADD  x = 3 (left y 1, right 2)  gas 0.000001`.
pub fn write<S: Source>(
    reader: &mut Reader<S>,
    filter: &Filter,
    out: &mut dyn Write,
) -> Result<(), ViewError> {
    // What does not fit a line need not be looked at.
    walk(reader, filter, 512, |item| {
        match item {
            Item::Start(header) => {
                writeln!(out, "trace of program {}", hex(&header.program))?;
            }
            Item::Step(step) => {
                writeln!(out, "{}", line(step))?;
                further(step, out)?;
            }
            // The step says what was taken of it.
            Item::Answered { .. } => {}
            Item::Outside { steps, event } => outside(steps, event, out)?,
            Item::Rewritten(rewrite) => rewritten(rewrite, out)?,
            Item::End { steps, hash } => {
                writeln!(out, "{steps} steps, trace {}", hex(&hash))?;
            }
        }
        Ok(())
    })
}

/// What a region's code was and what it is now, as a unified diff.
fn rewritten(rewrite: &Rewrite<'_>, out: &mut dyn Write) -> Result<(), ViewError> {
    let region = clean(&rewrite.region);
    let (before, after) = (rewrite.before, rewrite.after);
    let steps = rewrite.steps;
    writeln!(out, "{steps:>6}  rewritten: {region}, version {} becomes {}", before.0, after.0)?;
    for (sign, (number, version)) in [("---", before), ("+++", after)] {
        writeln!(out, "        {sign} {region} {number} {}", hex(&version.patch.hash()))?;
    }
    for line in code::diff(&before.1.patch, &after.1.patch).lines() {
        writeln!(out, "        {line}")?;
    }
    Ok(())
}

/// A value, cut where it is long.
fn shown(value: &Shown) -> String {
    let Some(whole) = &value.value else {
        return format!("({} of {} bytes)", value.type_name, value.bytes);
    };
    let text = clean(&to_json(whole));
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The line of a step.
pub fn line(step: &Step) -> String {
    let mut line = format!("{:>6}  ", step.number);
    line.extend(core::iter::repeat_n(' ', 2 * step.depth.min(20)));
    line.push_str(&clean(&step.region));
    if let Some(function) = &step.function {
        let _ = write!(line, ".{}", clean(function));
    }
    let _ = write!(line, ":{}", step.at.pc);
    if let Some((_, number)) = &step.line {
        let _ = write!(line, "  line {number}");
    }
    let _ = write!(line, "  {}", step.opcode.mnemonic());
    for (n, (register, value)) in step.outputs.iter().enumerate() {
        let before = if n == 0 { "  " } else { ", " };
        let _ = write!(line, "{before}{} = {}", clean(register), shown(value));
    }
    for (n, input) in step.inputs.iter().enumerate() {
        line.push_str(if n == 0 { "  (" } else { ", " });
        let register = input.register.as_deref().map(clean);
        let target = input.target.as_deref().map(clean);
        let value = input.value.as_ref().map(shown);
        // A register's name says more than that of the operand.
        let parts = [register, target, value];
        for (n, part) in parts.iter().flatten().enumerate() {
            let _ = write!(line, "{}{part}", if n == 0 { "" } else { " " });
        }
    }
    if !step.inputs.is_empty() {
        line.push(')');
    }
    if step.jumped && step.opcode != Opcode::JUMP {
        line.push_str("  jumps");
    }
    for (word, is) in &step.status {
        let _ = write!(line, "  {} {is}", word.name());
    }
    let _ = write!(line, "  gas {}", Gas(step.gas));
    line
}

fn further(step: &Step, out: &mut dyn Write) -> Result<(), ViewError> {
    if let Some((request, answer)) = &step.happened.effect {
        let mut line = format!("        effect {} of {}", request.id, request.reach.name());
        match &answer.result {
            Ok(outputs) => {
                let values = outputs.iter().map(|value| {
                    let mut text = clean(&to_json(value));
                    if let Some((end, _)) = text.char_indices().nth(LONG) {
                        text.truncate(end);
                        text.push('…');
                    }
                    text
                });
                for (n, value) in values.enumerate() {
                    let _ = write!(line, "{}{value}", if n == 0 { " gives " } else { ", " });
                }
            }
            Err(failure) => {
                let message = clean(&failure.message);
                let _ = write!(line, " fails: {}: {message}", failure.code.name());
            }
        }
        if answer.units > 0 {
            let _ = write!(line, ", {} units", answer.units);
        }
        if answer.cost > 0 {
            let _ = write!(line, ", cost {}", Gas(answer.cost));
        }
        writeln!(out, "{line}")?;
    }
    if let Some((key, value)) = &step.happened.stored {
        match value {
            Some(_) => writeln!(out, "        store {}", clean(key))?,
            None => writeln!(out, "        store {} deleted", clean(key))?,
        }
    }
    Ok(())
}

fn outside(steps: u64, event: &Event, out: &mut dyn Write) -> Result<(), ViewError> {
    match event {
        Event::ToppedUp { meter, amount } => {
            writeln!(out, "{steps:>6}  topped up: {} by {}", meter.name(), meter.show(*amount))?;
        }
        Event::Voted(vote) => {
            let word = if vote.agrees { "approved" } else { "refused" };
            let by = vote.signature.map(|by| format!(" by {}", &hex(&by.key)[..16]));
            let note = if vote.note.is_empty() { "" } else { ": " };
            let by = by.unwrap_or_default();
            writeln!(out, "{steps:>6}  {word}{by}{note}{}", clean(&vote.note))?;
        }
        Event::Waited { milliseconds, .. } => {
            writeln!(out, "{steps:>6}  waited: {milliseconds} ms")?;
        }
        Event::Edited { register, value } => {
            writeln!(out, "{steps:>6}  edited: register {register} = {}", clean(&to_json(value)))?;
        }
        Event::Called { function } => {
            writeln!(out, "{steps:>6}  called: {} while an effect waited", clean(function))?;
        }
        Event::Rested { end, gas, .. } => {
            let how = match end {
                End::Halted(value) => format!("halted with {}", clean(&to_json(value))),
                End::Exhausted(meter) => format!("exhausted: {}", meter.name()),
                End::Trapped(trap) => clean(&format!("trapped: {trap}")),
                End::Unapproved(wanted) => clean(&format!("suspended: {wanted}")),
            };
            writeln!(out, "{steps:>6}  {how}, gas {}", Gas(*gas))?;
        }
        _ => {}
    }
    Ok(())
}
