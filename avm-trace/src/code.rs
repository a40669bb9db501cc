//! A region's code as lines for people, and what differs between two of them. Whoever has only the
//! trace and its program has no source of it, so a line is an instruction with its operands.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt::Write;

use avm_ir::{
    Instr, Slot,
    instr::{NO_REGISTER, Role},
    operand::Kind,
    program::{Patch, Target},
    value::to_json,
};

use crate::walk::clean;

/// Longest constant in a line, in characters.
const LONG: usize = 60;
/// Lines around a difference.
const CONTEXT: usize = 3;
/// Pairs of lines that are compared; where there are more, what is between the first and the last
/// difference is shown as replaced.
const PAIRS: usize = 1 << 20;

/// The lines of a code.
pub fn lines(patch: &Patch) -> Vec<String> {
    let region = &patch.region;
    let mut lines = Vec::new();
    for pc in 0..=region.code.len() {
        let here = |target| matches!(target, Target::Here(at) if at as usize == pc);
        if let Some(ended) = region.functions.iter().find(|function| function.end as usize == pc) {
            lines.push(format!("endfunc {}", clean(&ended.name)));
        }
        let function = region.functions.iter().position(|function| function.entry as usize == pc);
        if let Some(function) = function {
            let params = (0..region.functions[function].params)
                .map(|number| register(patch, Some(function), number))
                .collect::<Vec<_>>()
                .join(", ");
            lines.push(format!("func {}({params})", clean(&region.functions[function].name)));
        }
        let labels = region.labels.iter().enumerate().filter(|(_, label)| here(label.target));
        lines.extend(labels.map(|(number, _)| label(patch, number)));
        if let Some(instr) = region.code.get(pc) {
            lines.push(format!("  {}", instruction(patch, pc, instr)));
        }
    }
    lines
}

fn label(patch: &Patch, number: usize) -> String {
    match patch.region.labels.get(number) {
        Some(label) if !label.name.is_empty() => format!(":{}", clean(&label.name)),
        _ => format!(":{number}"),
    }
}

/// Name of a register in a function, or of the agent's.
fn register(patch: &Patch, function: Option<usize>, number: u8) -> String {
    let names = match function {
        Some(function) => patch.locals.get(function),
        None => Some(&patch.registers),
    };
    let name = names.and_then(|names| names.get(usize::from(number)));
    match name {
        Some(name) if !name.is_empty() => clean(name),
        _ => format!("%{number}"),
    }
}

fn instruction(patch: &Patch, pc: usize, instr: &Instr) -> String {
    let region = &patch.region;
    let info = instr.op.info();
    let function = region.functions.iter().position(|f| (f.entry..f.end).contains(&(pc as u32)));
    let named = |number: u8| register(patch, function, number);
    let held = |slot: Slot| match (slot.as_reg(), slot.as_const()) {
        (Some(number), _) => named(number),
        (None, Some(constant)) => {
            let value = region.consts.get(constant).map_or_else(String::new, to_json);
            match clean(&value).char_indices().nth(LONG) {
                Some((end, _)) => format!("{}…", &clean(&value)[..end]),
                None => clean(&value),
            }
        }
        (None, None) => String::from("-"),
    };
    let (mut results, mut inputs) = (Vec::new(), Vec::new());
    if instr.a != NO_REGISTER && !info.outputs.is_empty() {
        results.push(named(instr.a));
    }
    if info.place_in_a().is_some() {
        inputs.push(named(instr.a));
    }
    let slots = instr.slots(&region.pool);
    let more = info.variadic().then(|| Role::Input(info.inputs.len() - 1));
    let roles = info.slot_roles().chain(more.into_iter().cycle());
    for (role, slot) in roles.zip(slots.as_deref().unwrap_or_default()) {
        match role {
            Role::Output(_) => results.push(held(*slot)),
            Role::Input(index) => inputs.push(match info.inputs.get(index).map(|row| row.kind) {
                Some(Kind::Label) => label(patch, usize::from(slot.0)),
                Some(Kind::Func) => {
                    let name = region.imports.get(usize::from(slot.0));
                    clean(name.map_or("?", String::as_str))
                }
                _ => held(*slot),
            }),
        }
    }
    while inputs.last().is_some_and(|input| input == "-") {
        inputs.pop();
    }
    let mut line = instr.op.mnemonic().to_owned();
    if !results.is_empty() {
        let _ = write!(line, " {} =", results.join(", "));
    }
    if !inputs.is_empty() {
        let _ = write!(line, " {}", inputs.join(", "));
    }
    line
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Kept(usize, usize),
    Gone(usize),
    New(usize),
}

/// A unified diff of two codes, without a head; empty where they are the same.
pub fn diff(before: &Patch, after: &Patch) -> String {
    let (old, new) = (lines(before), lines(after));
    let edits = edits(&old, &new);
    let changed = |edit: &Edit| !matches!(edit, Edit::Kept(..));
    let mut out = String::new();
    let mut next = 0;
    while let Some(first) = edits[next..].iter().position(changed) {
        let from = (next + first).saturating_sub(CONTEXT).max(next);
        // Differences with few lines between them are shown together.
        let mut last = next + first;
        while let Some(more) = { edits[last + 1..].iter() }.position(changed)
            && more <= 2 * CONTEXT
        {
            last += 1 + more;
        }
        let to = (last + 1 + CONTEXT).min(edits.len());
        hunk(&edits, from..to, (&old, &new), &mut out);
        next = to;
    }
    out
}

fn hunk(
    edits: &[Edit],
    shown: core::ops::Range<usize>,
    (old, new): (&[String], &[String]),
    out: &mut String,
) {
    let sides = |edits: &[Edit]| {
        let old = edits.iter().filter(|edit| !matches!(edit, Edit::New(_))).count();
        let new = edits.iter().filter(|edit| !matches!(edit, Edit::Gone(_))).count();
        [old, new]
    };
    let (before, here) = (sides(&edits[..shown.start]), sides(&edits[shown.clone()]));
    let place = |side: usize| {
        // An empty side is named by the line before it, as everywhere.
        let start = before[side] + usize::from(here[side] > 0);
        if here[side] == 1 { start.to_string() } else { format!("{start},{}", here[side]) }
    };
    let _ = writeln!(out, "@@ -{} +{} @@", place(0), place(1));
    for edit in &edits[shown] {
        let _ = match *edit {
            Edit::Kept(line, _) => writeln!(out, " {}", old[line]),
            Edit::Gone(line) => writeln!(out, "-{}", old[line]),
            Edit::New(line) => writeln!(out, "+{}", new[line]),
        };
    }
}

/// The least that has to be done to old lines to get new ones.
fn edits(old: &[String], new: &[String]) -> Vec<Edit> {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let rest = |lines: &'_ [String]| lines.len() - head;
    let tail = { old[head..].iter().rev().zip(new[head..].iter().rev()) }
        .take_while(|(old, new)| old == new)
        .count();
    let (rows, columns) = (rest(old) - tail, rest(new) - tail);
    let mut edits: Vec<Edit> = (0..head).map(|line| Edit::Kept(line, line)).collect();
    if rows.saturating_mul(columns) > PAIRS {
        edits.extend((head..head + rows).map(Edit::Gone));
        edits.extend((head..head + columns).map(Edit::New));
    } else {
        // How many lines the rests behind each pair have in common.
        let wide = columns + 1;
        let mut common = alloc::vec![0_u32; (rows + 1) * wide];
        for row in (0..rows).rev() {
            for column in (0..columns).rev() {
                common[row * wide + column] = if old[head + row] == new[head + column] {
                    1 + common[(row + 1) * wide + column + 1]
                } else {
                    common[(row + 1) * wide + column].max(common[row * wide + column + 1])
                };
            }
        }
        let (mut row, mut column) = (0, 0);
        while row < rows || column < columns {
            let (here, there) = (head + row, head + column);
            if row < rows && column < columns && old[here] == new[there] {
                edits.push(Edit::Kept(here, there));
                (row, column) = (row + 1, column + 1);
            } else if column == columns
                || row < rows
                    && common[(row + 1) * wide + column] >= common[row * wide + column + 1]
            {
                edits.push(Edit::Gone(here));
                row += 1;
            } else {
                edits.push(Edit::New(there));
                column += 1;
            }
        }
    }
    edits.extend((0..tail).rev().map(|n| Edit::Kept(old.len() - 1 - n, new.len() - 1 - n)));
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_lead_from_old_to_new() {
        let words = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        for (old, new, changes) in
            [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("", "ab", 2), ("abcd", "axcd", 2)]
        {
            let (old, new) = (words(old), words(new));
            let edits = edits(&old, &new);
            let side = |wanted: fn(&Edit) -> Option<usize>| {
                edits.iter().filter_map(wanted).collect::<Vec<_>>()
            };
            let is = side(|edit| match edit {
                Edit::Kept(line, _) | Edit::Gone(line) => Some(*line),
                Edit::New(_) => None,
            });
            assert_eq!(is, (0..old.len()).collect::<Vec<_>>());
            let becomes = side(|edit| match edit {
                Edit::Kept(_, line) | Edit::New(line) => Some(*line),
                Edit::Gone(_) => None,
            });
            assert_eq!(becomes, (0..new.len()).collect::<Vec<_>>());
            assert_eq!(edits.iter().filter(|e| !matches!(e, Edit::Kept(..))).count(), changes);
        }
    }
}
