//! The assembler: text to program and back.
//!
//! | module | what it does |
//! |---|---|
//! | [`token`], [`lexer`], [`parse`] | text to syntax tree, with every error of a text in one pass |
//! | [`ast`] | the tree |
//! | [`bind`] | which operand of the instruction table each written operand is |
//! | `include`, `resolve`, `lower`, `emit` | files, names, instructions, regions |
//! | `lint` | what is probably a mistake in a program that assembles |
//! | [`disasm`] | program to text that assembles to the same program |
//! | [`patch`] | another body for one region of a program |
//! | [`fmt`] | the canonical form of a text |
//! | [`messages`] | every diagnostic |
//!
//! The assembler opens no file: the caller hands it texts and answers `.include` through
//! [`Sources`]. Two features, both on by default, help callers that have files and a terminal:
//! `files` has a [`Sources`] for the file system, `render` shows diagnostics.

use std::collections::HashMap;

use avm_ir::{Diagnostic, Program, Severity, Span, Verified};

pub mod ast;
pub mod bind;
pub mod disasm;
mod emit;
#[cfg(feature = "files")]
pub mod files;
pub mod fmt;
mod include;
pub mod lexer;
mod lint;
mod lower;
mod map;
pub mod messages;
pub mod parse;
pub mod patch;
#[cfg(feature = "render")]
pub mod render;
mod resolve;
mod show;
mod source;
pub mod spell;
pub mod token;

pub use disasm::{DisasmError, disassemble, disassemble_region};
pub use source::SourceFile;

use messages::{Report, diagnostic};

/// Which texts are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// `spec/language.md`.
    #[default]
    Standard,
    /// The standard, and with a warning each what the whitepaper's programs rely on beyond it.
    Paper,
}

/// Where `.include` finds its files.
pub trait Sources {
    /// Reads the file that `path` means in the file `from`; gives its canonical name, by which
    /// cycles are found, and its text.
    ///
    /// # Errors
    /// Why the file cannot be included. Nothing outside of the project's root may be handed out.
    fn load(&mut self, from: &str, path: &str) -> Result<(String, String), LoadError>;
}

/// Why a file cannot be included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// There is no such file.
    NotFound,
    /// It lies outside of the project's root.
    OutsideRoot,
    /// The operating system's words.
    Io(String),
    /// It is not UTF-8 text.
    NotUtf8,
}

/// Sources for texts that include nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSources;

impl Sources for NoSources {
    fn load(&mut self, _: &str, _: &str) -> Result<(String, String), LoadError> {
        Err(LoadError::NotFound)
    }
}

/// How to assemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which texts are accepted.
    pub dialect: Dialect,
    /// Whether lints look at the whole program. Their warnings have codes for which
    /// [`messages::is_lint`] is true.
    pub lints: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { dialect: Dialect::Standard, lints: true }
    }
}

/// What came of an assembly.
#[derive(Clone, Debug)]
pub struct Assembly {
    /// The program; `None` if there was any error. It has passed [`avm_ir::verify()`].
    pub program: Option<Program>,
    /// Everything there is to say, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read; [`avm_ir::FileId`] is an index into them.
    pub files: Vec<SourceFile>,
}

/// Assembles a text. Never fails and never panics: what is wrong is in the diagnostics, all of it
/// in one pass.
///
/// `path` names the text in diagnostics, in debug data and for [`Sources`]; where `.include` is
/// used it should be the canonical name that [`Sources`] would give.
pub fn assemble(path: &str, text: &str, sources: &mut dyn Sources, options: &Options) -> Assembly {
    let arena = ast::Arena::default();
    let include::Loaded { items, files, mut diagnostics } =
        include::load(path, text, sources, &arena);
    let symbols = resolve::collect(items, &mut diagnostics);
    let mut stand_ins = HashMap::new();
    let mut lowered = lower::program(items, &symbols, &files, &stand_ins);
    // The program to look at: names of constants that were misspelled do not hide other mistakes.
    let mut mended = None;
    if !lowered.related.is_empty() {
        stand_ins.extend(core::mem::take(&mut lowered.related));
        if options.dialect == Dialect::Paper {
            lowered = lower::program(items, &symbols, &files, &stand_ins);
        } else if options.lints && !failed(&diagnostics) {
            let program = lower::program(items, &symbols, &files, &stand_ins);
            mended = (!failed(&program.diagnostics)).then_some(program.program);
        }
    }
    diagnostics.extend(lowered.diagnostics);
    let mut program = None;
    if !failed(&diagnostics) {
        match check(lowered.program) {
            Ok(checked) => program = Some(checked),
            Err(report) => diagnostics.push(*report),
        }
    }
    let mended = mended.and_then(|program| avm_ir::verify(program).ok());
    let mut findings = None;
    if let (true, Some(program)) = (options.lints, program.as_ref().or(mended.as_ref())) {
        let files = &files;
        let source =
            lint::Source { program, items, symbols: &symbols, files, stand_ins: &stand_ins };
        let mut found = lint::run(&source);
        found.hand_over(&mut diagnostics);
        findings = Some(found);
    }
    lint::allow::apply(items, &files, &mut diagnostics, findings.as_ref());
    diagnostics.sort_by_key(|report| (report.span, report.code));
    Assembly { program: program.map(Verified::into_program), diagnostics, files }
}

fn failed(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|report| report.severity == Severity::Error)
}

/// The validator has the last word; what it refuses here is a bug of ours.
fn check(program: Program) -> Result<Verified, Box<Diagnostic>> {
    let nowhere = Span::default();
    avm_ir::verify(program).map_err(|error| {
        let report =
            diagnostic(messages::INTERNAL, nowhere, format!("bug in the assembler: {error}"))
                .help("please report it with the source; the program is not to blame");
        Box::new(report)
    })
}

/// The canonical form of a text.
///
/// # Errors
/// The diagnostics of a text with syntax errors, which is not touched.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    fmt::format(avm_ir::FileId(0), text, &bind::TableNames)
}
