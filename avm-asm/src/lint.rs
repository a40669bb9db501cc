//! Lints: what is probably a mistake in a program that assembles.
//!
//! They look at the whole program, at its instructions rather than its text, so that a warning means
//! the same however the program is written. A lint speaks only where it is certain under what the
//! program itself can know; every one takes time linear in the program, or stops at a fixed amount
//! of work. `.allow` silences a finding ([`allow`]).

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap},
};

use avm_ir::{
    Code, Diagnostic, Span, Verified,
    flow::{Block, Flow},
    program::Perm,
    verify::CodePlace,
};

use crate::{
    ast::Stmt,
    resolve::Symbols,
    source::{Lines, SourceFile},
};

pub(crate) mod allow;
mod channel;
mod live;
mod names;
mod progress;
mod set;
mod solve;
mod unread;
mod unset;

/// Most findings of one lint that are listed.
const MAX_FINDINGS: usize = 1000;

/// A program to look at, with its text.
pub(crate) struct Source<'a> {
    pub(crate) program: &'a Verified,
    pub(crate) items: &'a [Stmt<'a>],
    pub(crate) symbols: &'a Symbols<'a>,
    pub(crate) files: &'a [SourceFile],
    /// Names that were taken for a constant of another name.
    pub(crate) stand_ins: &'a HashMap<String, u32>,
}

/// Runs all lints.
pub(crate) fn run(source: &Source<'_>) -> Findings {
    let program = source.program;
    let view = View { source, flow: Flow::new(program), lines: OnceCell::new() };
    let live = live::Live::new(&view);
    let mut found = Findings::default();
    names::run(&view, &mut found);
    progress::run(&view, &live, &mut found);
    unset::run(&view, &mut found);
    unread::run(&view, &live, &mut found);
    channel::run(&view, &mut found);
    found
}

/// What the lints found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Diagnostic>,
    counts: BTreeMap<Code, usize>,
}

impl Findings {
    /// Counts a finding; tells whether there is room to list it.
    fn wants(&mut self, code: Code) -> bool {
        let count = self.counts.entry(code).or_default();
        *count += 1;
        *count <= MAX_FINDINGS
    }

    fn push(&mut self, report: Diagnostic) {
        self.list.push(report);
    }

    /// Whether some findings of a code are not in the list.
    pub(crate) fn is_cut(&self, code: Code) -> bool {
        self.counts.get(&code).is_some_and(|count| *count > MAX_FINDINGS)
    }

    /// Moves the findings to the end of `diagnostics`.
    pub(crate) fn hand_over(&mut self, diagnostics: &mut Vec<Diagnostic>) {
        for (code, count) in &self.counts {
            if *count > MAX_FINDINGS
                && let Some(last) = self.list.iter_mut().rfind(|report| report.code == *code)
            {
                last.help =
                    format!("there are {count} findings of this kind; {MAX_FINDINGS} are listed");
            }
        }
        diagnostics.append(&mut self.list);
    }
}

/// A program as the lints see it.
struct View<'a> {
    source: &'a Source<'a>,
    flow: Flow,
    lines: OnceCell<Vec<Lines>>,
}

impl<'a> View<'a> {
    fn region(&self, block: &Block) -> &'a avm_ir::program::Region {
        &self.source.program.program().regions[block.region as usize]
    }

    /// The instructions of a block.
    fn code(&self, block: &Block) -> &'a [avm_ir::Instr] {
        &self.region(block).code[block.start as usize..block.end as usize]
    }

    fn instr(&self, at: CodePlace) -> avm_ir::Instr {
        self.source.program.program().regions[at.region as usize].code[at.pc as usize]
    }

    /// Whether the code of a region may be another when it runs.
    fn is_open(&self, region: u32) -> bool {
        let perms = self.source.program.program().regions[region as usize].perms;
        perms.has(Perm::Modify) || perms.has(Perm::Append)
    }

    /// The name of a register in the window of a block; `None` for intermediate results.
    fn name(&self, block: &Block, register: u8) -> Option<&'a str> {
        let program = self.source.program.program();
        let names = match block.function {
            None => &program.registers,
            Some(function) => {
                let locals = program.debug.as_ref()?.locals.get(block.region as usize)?;
                locals.get(function as usize)?
            }
        };
        names.get(usize::from(register)).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The text of the statement that an instruction comes from, to the end of its first line.
    fn span(&self, region: u32, pc: u32) -> Span {
        let nowhere = Span::default();
        let program = self.source.program.program();
        let Some(place) = program.place(region as usize, pc as usize) else { return nowhere };
        let files = self.source.files;
        let lines =
            self.lines.get_or_init(|| files.iter().map(|file| Lines::new(&file.text)).collect());
        let file = usize::from(place.file);
        let (Some(source), Some(lines)) = (files.get(file), lines.get(file)) else {
            return nowhere;
        };
        let start = lines.offset(&source.text, place.line, place.column);
        let rest = source.text.get(start..).unwrap_or_default();
        let end = start + statement(rest.lines().next().unwrap_or_default()).len();
        Span::new(avm_ir::FileId(place.file), start as u32, end as u32)
    }

    fn span_at(&self, at: CodePlace) -> Span {
        self.span(at.region, at.pc)
    }

    /// Number of the line that a span begins in.
    fn line(&self, span: Span) -> u32 {
        let file = self.source.files.get(usize::from(span.file.0));
        file.map_or(0, |file| file.line_column(span.start).0)
    }
}

/// A line without its comment.
fn statement(line: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    let comment = line.bytes().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b';' => return !quoted,
            _ => {}
        }
        false
    });
    line[..comment.unwrap_or(line.len())].trim_end()
}
