//! Another body for one region of a program, from text or from a diff: what an agent that rewrites
//! itself hands in, made into a whole program that the machine can check.
//!
//! The text of the patch alone is assembled. What it may name of the rest (registers, labels,
//! functions) is known from the program, so that other regions stay what they are to the byte and
//! every diagnostic points into the patch. For bytecode see [`avm_ir::program::graft`].

use std::collections::HashMap;

use avm_ir::{
    Diagnostic, FileId, Program, Span,
    program::{
        MAIN, Place,
        graft::{GraftError, Patched, replace},
    },
};

use crate::{
    DisasmError, SourceFile, ast, disassemble_region, failed,
    messages::{self, Report, diagnostic},
    parse::parse,
    resolve, spell,
};

mod condition;
mod diff;
mod reference;
mod shape;
mod surroundings;

pub use condition::condition;
pub use diff::{is_diff, patch_diff};
pub use reference::{Reference, reference};

/// Whether a text is all of a region, `.region NAME … .endregion`, and not its statements alone.
pub fn is_region(text: &str) -> bool {
    let arena = ast::Arena::default();
    let (tree, ..) = parse(FileId(0), text, &arena);
    tree.items.iter().any(|item| matches!(item.kind, ast::StmtKind::Region(_)))
}

/// Why there is no text of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextError {
    /// The program has no region of this name.
    NoRegion(String),
    /// The language cannot express it.
    Unwritable(DisasmError),
}

impl core::fmt::Display for TextError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoRegion(name) => write!(f, "there is no region `{name}`"),
            Self::Unwritable(error) => {
                write!(f, "no text stands for this region: {}", error.causes.join("; "))
            }
        }
    }
}

impl core::error::Error for TextError {}

/// A patch that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Everything there is to say against it, by place. At least one is an error.
    pub diagnostics: Vec<Diagnostic>,
    /// What the places lie in: file 0 is the patch (of a diff that could be applied, the text that
    /// came of it), file 1, where there is one, the region's text before.
    pub files: Vec<SourceFile>,
}

impl Refused {
    fn one(report: Diagnostic, path: String, text: &str) -> Self {
        let file = SourceFile { path, text: String::from(text) };
        Self { diagnostics: vec![report], files: vec![file] }
    }
}

/// Messages that are written out; finding a line in a large text takes its time, and an agent mends
/// the first ones first.
const SHOWN: usize = 20;

impl core::fmt::Display for Refused {
    /// A line for each message, with its way out; for the agent that wrote the patch.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (at, report) in self.diagnostics.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            if at == SHOWN {
                return write!(f, "and {} more", self.diagnostics.len() - SHOWN);
            }
            if let Some(file) = self.files.get(usize::from(report.span.file.0)) {
                let (line, column) = file.line_column(report.span.start);
                write!(f, "{}:{line}:{column}: ", file.path)?;
            }
            write!(f, "{}: {}", report.code, report.message)?;
            let advice = report.suggestion.iter().map(|suggestion| suggestion.text.as_str());
            let help = Some(report.help.as_str()).filter(|help| !help.is_empty());
            for advice in advice.chain(help) {
                write!(f, "; {advice}")?;
            }
        }
        Ok(())
    }
}

impl core::error::Error for Refused {}

/// The canonical text of a region, as [`disassemble_region`] has it: [`patch_text`] makes the same
/// region of it. The text of `main` is for reading only.
///
/// # Errors
/// There is no such region, or no text stands for it.
pub fn region_text(program: &Program, region: &str) -> Result<String, TextError> {
    let index = program.regions.iter().position(|known| known.name == region);
    let index = index.ok_or_else(|| TextError::NoRegion(String::from(region)))?;
    disassemble_region(program, index).map_err(TextError::Unwritable)
}

/// The program with another body of a region. `text` is the statements alone, or all of
/// `.region NAME … .endregion` with the same name and, where they are written, the same bits and
/// interface; `#define` lines may stand in front. With `append`, the statements go behind those
/// that there are, in front of an implied end, and functions behind its functions.
///
/// Registers keep their numbers and new ones are added behind them; the manifest is extended by
/// what the new body reaches, see [`avm_ir::program::graft::Growth`].
///
/// Time and memory are linear in the program and the text.
///
/// # Errors
/// What is wrong with the patch.
pub fn patch_text(
    program: &Program,
    region: &str,
    text: &str,
    append: bool,
) -> Result<Patched, Refused> {
    let path = format!("patch of {region}");
    let index = match program.patchable(region) {
        Ok(index) => index,
        Err(_) => return Err(Refused::one(no_region(program, region), path, text)),
    };
    let old_text = if append { appended_to(program, region, &path, text)? } else { String::new() };
    let arena = ast::Arena::default();
    let (tree, mut diagnostics, _) = parse(FileId(0), text, &arena);
    let (before, more, _) = parse(FileId(1), &old_text, &arena);
    diagnostics.extend(more);
    let mut files = vec![SourceFile { path, text: String::from(text) }];
    if append {
        files.push(SourceFile { path: format!("{region} before"), text: old_text.clone() });
    }
    let attached = program.attached().contains_key(&(index as u32));
    let target = shape::Target { program, index, attached };
    let items = shape::items(&target, tree.items, before.items, append, &arena, &mut diagnostics);
    let mut lowered = None;
    let mut symbols = resolve::collect(items, &mut diagnostics);
    surroundings::surround(&mut symbols, program, index as u32, &arena, &mut diagnostics);
    let none = HashMap::new();
    if !diagnostics.iter().any(|report| report.code == messages::PATCH_SHAPE) {
        let taken = program.unnamed_registers();
        let (number, registers) = (index as u32, &program.registers);
        let mut made = crate::lower::region(number, &symbols, &files, &none, registers, taken);
        diagnostics.append(&mut made.diagnostics);
        lowered = Some(made);
    }
    let Some(mut lowered) = lowered.filter(|_| !failed(&diagnostics)) else {
        return Err(refused(diagnostics, files));
    };
    let old = &program.regions[index];
    lowered.region.name.clone_from(&old.name);
    lowered.region.perms = old.perms;
    lowered.region.inputs.clone_from(&old.inputs);
    lowered.region.outputs.clone_from(&old.outputs);
    // One message for each thing that others miss, not the first alone.
    let conflicts = avm_ir::program::graft::conflicts(program, index, &lowered.region);
    if !conflicts.is_empty() {
        let reports = conflicts.iter().map(|conflict| broken(conflict, &symbols));
        return Err(refused(reports.collect(), files));
    }
    let (body_end, changed) = (lowered.region.body_end(), lowered.region != *old);
    let mut patched = replace(program, index, lowered.region, lowered.registers)
        .map_err(|error| refused(vec![broken(&error, &symbols)], files.clone()))?;
    let old_places = program.debug.as_ref().and_then(|debug| debug.places.get(index));
    let old_places = old_places.map_or(&[][..], Vec::as_slice);
    if let (true, Some(debug)) = (changed, &mut patched.program.debug) {
        // What was there before comes from where it came from, not from its canonical text.
        let mut paths: Vec<String> = files.iter().map(|file| file.path.clone()).take(1).collect();
        let shift = paths.len() as u16;
        paths.extend(debug.files.iter().cloned());
        let (body, functions) = old_places.split_at(old.body_end().min(old_places.len()));
        let (mut body, mut functions) = (body.iter(), functions.iter());
        for (pc, place) in lowered.places.iter_mut().enumerate().filter(|(_, p)| p.file == 1) {
            let known = if pc < body_end { body.next() } else { functions.next() };
            *place = known.map_or_else(Place::default, |known| Place {
                file: known.file.saturating_add(shift),
                ..*known
            });
        }
        debug.describe(index, &paths, lowered.places, lowered.locals);
    }
    Ok(patched)
}

/// The text that something is appended to.
fn appended_to(program: &Program, region: &str, path: &str, text: &str) -> Result<String, Refused> {
    region_text(program, region).map_err(|error| {
        let report = diagnostic(messages::PATCH_REGION, Span::default(), error.to_string())
            .help("nothing can be appended to it; replace all of it");
        Refused::one(report, String::from(path), text)
    })
}

fn no_region(program: &Program, region: &str) -> Diagnostic {
    let span = Span::default();
    if region == MAIN {
        let report = diagnostic(messages::PATCH_REGION, span, GraftError::Main.to_string());
        return report.help("put what is to change into a region with the bit `modify`");
    }
    let report = diagnostic(messages::PATCH_REGION, span, format!("there is no region `{region}`"));
    let known = || program.regions.iter().skip(1).map(|region| region.name.as_str());
    match spell::nearest(region, known()) {
        Some(near) => report.help(format!("did you mean `{near}`?")),
        None if program.regions.len() > 1 && program.regions.len() <= 20 => {
            let names: Vec<&str> = known().collect();
            report.help(format!("the regions are {}", names.join(", ")))
        }
        None => report,
    }
}

/// What the rules for all patches say, as a diagnostic of the text.
fn broken(error: &GraftError, symbols: &resolve::Symbols<'_>) -> Diagnostic {
    let nowhere = Span::default();
    let message = error.to_string();
    let report = |span| diagnostic(messages::PATCH_BREAKS, span, message.clone());
    match error {
        GraftError::LabelNeeded { label, .. } => {
            report(nowhere).help(format!("define it by `:{label}`"))
        }
        GraftError::FunctionNeeded { function, .. } => {
            report(nowhere).help(format!("define it by `.func {function}(…)`"))
        }
        GraftError::Parameters { function, .. } => {
            let head = symbols.function(function).map_or(nowhere, |symbol| symbol.func.head);
            report(head).help("give it the parameters that it had")
        }
        GraftError::TooLarge => diagnostic(messages::PROGRAM_TOO_LARGE, nowhere, message),
        _ => diagnostic(messages::INTERNAL, nowhere, format!("bug in the assembler: {message}"))
            .help("please report it with the source; the program is not to blame"),
    }
}

/// Orders what there is to say and leaves out places that no file has.
fn refused(mut diagnostics: Vec<Diagnostic>, files: Vec<SourceFile>) -> Refused {
    let known = |span: Span| usize::from(span.file.0) < files.len();
    for report in &mut diagnostics {
        report.notes.retain(|note| known(note.span));
        if report.suggestion.as_ref().is_some_and(|suggestion| suggestion.span.file.0 != 0) {
            report.suggestion = None;
        }
        if !known(report.span) {
            report.span = Span::default();
        }
    }
    diagnostics.sort_by_key(|report| (report.span, report.code));
    Refused { diagnostics, files }
}
