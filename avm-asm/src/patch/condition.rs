//! Conditions about a program's registers and functions that are not part of it: what an operator
//! wants to hold whatever an agent makes of its code.

use std::collections::HashMap;

use avm_ir::{
    FileId, Program, Span,
    program::{MAIN, Manifest, Patch},
};

use super::{Refused, refused, surroundings};
use crate::{
    SourceFile,
    ast::{self, StmtKind},
    failed,
    messages::{self, diagnostic},
    parse::parse,
    resolve,
};

/// In front of a condition, so that it is a line of a test.
const BEFORE: &str = "  expect ";

/// The code that asserts a condition, as a region of its own: an expression over the registers of the
/// program's agent, its functions and literals.
///
/// # Errors
/// It is no single expression, or names what the program does not have. Places lie in the condition.
pub fn condition(program: &Program, text: &str) -> Result<Patch, Refused> {
    let path = String::from("condition");
    if text.contains(['\n', '\r', ';']) || text.trim().is_empty() {
        let message = "a condition is one expression on one line, without a comment";
        let report = diagnostic(messages::PATCH_SHAPE, Span::default(), message);
        return Err(Refused::one(report, path, text));
    }
    let source = format!(".test \"condition\" region={MAIN}\n{BEFORE}{text}\n.endtest\n");
    let arena = ast::Arena::default();
    let (tree, mut diagnostics, _) = parse(FileId(0), &source, &arena);
    let files = vec![SourceFile { path, text: source.clone() }];
    let items = arena.list(tree.items);
    let one = match items {
        [only] => matches!(&only.kind, StmtKind::Test(test) if test.given.is_empty()),
        _ => false,
    };
    let mut made = None;
    if one && !failed(&diagnostics) {
        let mut symbols = resolve::collect(items, &mut diagnostics);
        surroundings::surround(&mut symbols, program, u32::MAX, &arena, &mut diagnostics);
        let none = HashMap::new();
        let (known, taken) = (&program.registers, program.unnamed_registers());
        let lowered = crate::lower::expectation(&symbols, &files, &none, known, taken);
        diagnostics.extend(lowered.diagnostics);
        let unknown = lowered.registers.get(known.len()..).unwrap_or_default();
        let unknown = unknown.iter().find(|name| !name.is_empty());
        if let (Some(name), false) = (unknown, failed(&diagnostics)) {
            let message = format!("the program has no register `{name}`");
            diagnostics.push(diagnostic(messages::UNKNOWN_NAME, Span::default(), message));
        }
        made = Some(lowered.region);
    }
    let Some(region) = made.filter(|_| !failed(&diagnostics)) else {
        if diagnostics.is_empty() {
            let message = "a condition is one expression";
            diagnostics.push(diagnostic(messages::PATCH_SHAPE, Span::default(), message));
        }
        return Err(told(refused(diagnostics, files), text));
    };
    Ok(Patch {
        region,
        registers: program.registers.clone(),
        manifest: Manifest::default(),
        locals: Vec::new(),
    })
}

/// The same with places in the condition instead of the test around it.
fn told(mut refused: Refused, text: &str) -> Refused {
    let start = refused.files[0].text.find('\n').map_or(0, |end| end + 1 + BEFORE.len()) as u32;
    let length = text.len() as u32;
    let moved = |at: u32| at.saturating_sub(start).min(length);
    for report in &mut refused.diagnostics {
        report.span = Span::new(report.span.file, moved(report.span.start), moved(report.span.end));
        report.notes.clear();
        report.suggestion = None;
    }
    refused.files[0].text = String::from(text);
    refused
}
