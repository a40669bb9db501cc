//! Diagnostics as text, one block each.

use std::fmt::Write as _;

use avm_ir::{Diagnostic, Span};

pub(crate) fn place(text: &str, offset: u32) -> String {
    let before = text.get(..offset as usize).expect("a span lies on a character boundary");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!("{line}:{column}")
}

fn slice(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).expect("a span lies in the text")
}

pub(crate) fn all(text: &str, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for report in diagnostics {
        let at = place(text, report.span.start);
        let found = slice(text, report.span);
        let _ = writeln!(out, "{at} {} {} {found:?}", report.code, report.message);
        if !report.label.is_empty() {
            let _ = writeln!(out, "    label: {}", report.label);
        }
        for note in &report.notes {
            let _ = writeln!(out, "    note at {}: {}", place(text, note.span.start), note.text);
        }
        if !report.help.is_empty() {
            let _ = writeln!(out, "    help: {}", report.help);
        }
        if let Some(edit) = &report.suggestion {
            let (found, at) = (slice(text, edit.span), place(text, edit.span.start));
            let _ = writeln!(out, "    {at} {found:?} => {:?}: {}", edit.replacement, edit.text);
        }
    }
    out
}
