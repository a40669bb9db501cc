//! Registers: names to numbers, and the stack of scratch registers.

use std::collections::BTreeSet;

use avm_ir::{Diagnostic, Span, program::MAX_NAMED_REGISTERS};

use super::{Env, Lower, few::Few, raws};
use crate::{
    ast::{Func, Stmt},
    messages::{self, Report, diagnostic},
    resolve::{self, status_word},
};

/// Most registers of a function.
const MAX_LOCALS: usize = 254;
/// First scratch register; the next ones lie below.
const FIRST_SCRATCH: u8 = 254;

/// The named registers of the agent or of one function.
#[derive(Debug)]
pub(super) struct Window<'a> {
    registers: Vec<Register<'a>>,
    numbers: Few,
    most: usize,
    overflow: u8,
    /// Numbers that no new name gets.
    taken: BTreeSet<u8>,
}

#[derive(Debug)]
struct Register<'a> {
    name: &'a str,
    written: bool,
    read: Option<Read>,
    /// Where straight code reads it before anything writes it.
    early: Option<Span>,
}

/// Where a name is read first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) span: Span,
    /// A text that names something was expected: probably the quotes are missing.
    pub(super) unquoted: bool,
}

impl<'a> Window<'a> {
    pub(super) fn agent() -> Self {
        Self::with_limit(MAX_NAMED_REGISTERS)
    }

    /// The agent's registers as a program has them, all of them written.
    pub(super) fn agent_with(names: &'a [String], taken: BTreeSet<u8>) -> Self {
        let mut window = Self::agent();
        for name in names {
            if name.is_empty() {
                window.skip();
            } else {
                window.number(name, true);
            }
        }
        window.taken = taken;
        window
    }

    /// Keeps a number from new names.
    pub(super) fn take(&mut self, number: u8) {
        self.taken.insert(number);
    }

    pub(super) fn function() -> Self {
        Self::with_limit(MAX_LOCALS)
    }

    fn with_limit(most: usize) -> Self {
        Self {
            registers: Vec::new(),
            numbers: Few::default(),
            most,
            overflow: 0,
            taken: BTreeSet::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.registers.len()
    }

    /// The number of a name, or where it is to be entered.
    fn find(&self, name: &str) -> Result<u8, usize> {
        self.numbers.find(name, |number| {
            self.registers.get(usize::from(number)).map_or("", |register| register.name)
        })
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// The number of a name, a new one where it has none; `None` if there are too many.
    pub(super) fn number(&mut self, name: &'a str, write: bool) -> Option<u8> {
        let slot = match self.find(name) {
            Ok(number) => {
                if write {
                    self.registers[usize::from(number)].written = true;
                }
                return Some(number);
            }
            Err(slot) => slot,
        };
        while self.registers.len() < self.most && self.taken.contains(&(self.registers.len() as u8))
        {
            self.skip();
        }
        if self.registers.len() >= self.most {
            self.overflow = self.overflow.saturating_add(1);
            return None;
        }
        let number = self.registers.len() as u8;
        self.registers.push(Register { name, written: write, read: None, early: None });
        self.numbers.fill(slot, number);
        Some(number)
    }

    /// Leaves a number without a name.
    pub(super) fn skip(&mut self) {
        if self.registers.len() < self.most {
            self.registers.push(Register { name: "", written: true, read: None, early: None });
        } else {
            self.overflow = self.overflow.saturating_add(1);
        }
    }

    /// Notes a read; `straight` code is no part of a loop.
    pub(super) fn read(&mut self, number: u8, read: Read, straight: bool) {
        if let Some(register) = self.registers.get_mut(usize::from(number)) {
            register.read.get_or_insert(read);
            if straight && !register.written {
                register.early.get_or_insert(read.span);
            }
        }
    }

    /// Sets whether a register counts as written.
    pub(super) fn mark_written(&mut self, number: u8, written: bool) {
        if let Some(register) = self.registers.get_mut(usize::from(number)) {
            register.written = written;
        }
    }

    pub(super) fn is_written(&self, name: &str) -> bool {
        self.find(name).is_ok_and(|number| self.registers[usize::from(number)].written)
    }

    /// The name of a number that has one.
    pub(super) fn name(&self, number: u8) -> Option<&'a str> {
        let name = self.registers.get(usize::from(number))?.name;
        (!name.is_empty()).then_some(name)
    }

    /// Names that are written only behind their first read, and where that is.
    fn read_first(&self) -> impl Iterator<Item = (&'a str, Span)> {
        self.registers.iter().filter(|r| r.written).filter_map(|r| Some((r.name, r.early?)))
    }

    /// Whether the limit was passed just now and for the first time.
    pub(super) fn overflows(&self) -> bool {
        self.overflow == 1
    }

    /// Names by number.
    pub(super) fn names(&self) -> Vec<String> {
        self.registers.iter().map(|register| String::from(register.name)).collect()
    }

    /// Names that are read and never written.
    fn unwritten(&self) -> impl Iterator<Item = (&'a str, Read)> {
        self.registers.iter().filter(|r| !r.written).filter_map(|r| Some((r.name, r.read?)))
    }

    fn written(&self) -> impl Iterator<Item = &'a str> {
        self.registers.iter().filter(|register| register.written).map(|register| register.name)
    }
}

/// Registers for intermediate results: a stack that grows downward.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scratch {
    first: u8,
    depth: u8,
    deepest: u8,
}

/// A depth of the scratch stack to go back to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(u8);

impl Scratch {
    pub(super) fn new() -> Self {
        Self::below(FIRST_SCRATCH)
    }

    /// A stack that begins at `first`.
    pub(super) fn below(first: u8) -> Self {
        Self { first, depth: 0, deepest: 0 }
    }

    /// How deep in the stack a register lies, if it belongs to it.
    pub(super) fn depth_of(self, register: u8) -> Option<u8> {
        let depth = self.first.checked_sub(register)?;
        (depth < self.deepest).then_some(depth)
    }
}

impl<'a> Lower<'_, 'a> {
    pub(super) fn mark(&self) -> Mark {
        Mark(self.scratch.depth)
    }

    /// Gives scratch registers back.
    pub(super) fn release(&mut self, mark: Mark) {
        self.scratch.depth = mark.0;
    }

    /// A scratch register; complains at `span` if there is none left.
    pub(super) fn alloc(&mut self, span: Span) -> u8 {
        let named = match &self.locals {
            Some(window) => window.len(),
            None => MAX_NAMED_REGISTERS,
        };
        let first = self.scratch.first;
        let free = usize::from(first) + 1 - named.min(usize::from(first));
        if usize::from(self.scratch.depth) + 1 >= free {
            let message = "no register is left for this intermediate result";
            self.env.report(
                diagnostic(messages::TOO_COMPLEX, span, message)
                    .help("keep parts of the expression in named registers"),
            );
            return first;
        }
        let register = first - self.scratch.depth;
        self.scratch.depth += 1;
        self.scratch.deepest = self.scratch.deepest.max(self.scratch.depth);
        register
    }

    /// The register of a name that is read. The name is no constant and no status word.
    pub(super) fn read(&mut self, name: &'a str, span: Span, unquoted: bool) -> Option<u8> {
        if name == "_" {
            let message = "`_` drops a result and holds no value";
            self.env.report(diagnostic(messages::NOTHING_TO_READ, span, message));
            return None;
        }
        let number = self.register(name, span, false)?;
        let straight = self.loops.is_empty() && self.scope_names.is_empty();
        self.window().read(number, Read { span, unquoted }, straight);
        Some(number)
    }

    /// The registers that names stand for here.
    pub(super) fn window(&mut self) -> &mut Window<'a> {
        self.locals.as_mut().unwrap_or(&mut self.env.agent)
    }

    /// The register of a name that is written, unless it may not be.
    pub(super) fn write(&mut self, name: &'a str, span: Span) -> Option<u8> {
        if let Some(number) = self.env.symbols.define(name) {
            let first = self.env.symbols.defines[number as usize].span;
            let message = format!("`{name}` is a constant and keeps its value");
            let report = diagnostic(messages::READ_ONLY, span, message);
            self.env.report(report.note(first, "defined here"));
            return None;
        }
        if status_word(name).is_some() {
            let message = format!("`{name}` is a status word, which only the machine writes");
            self.env.report(diagnostic(messages::READ_ONLY, span, message));
            return None;
        }
        if name == "_" {
            let message = "`_` can only stand in place of a result";
            self.env.report(diagnostic(messages::NOTHING_TO_READ, span, message));
            return None;
        }
        self.register(name, span, true)
    }

    pub(super) fn register(&mut self, name: &'a str, span: Span, write: bool) -> Option<u8> {
        let Some(window) = &mut self.locals else {
            return self.env.agent_register(name, span, write);
        };
        let known = window.len();
        let number = window.number(name, write);
        if number.is_none() && window.overflows() {
            let message = format!("`{name}` is one register too many, a function has 254");
            self.env.report(diagnostic(messages::TOO_MANY_REGISTERS, span, message));
        } else if window.len() > known && !resolve::fits(name) {
            let name = crate::ast::Name { text: name, span };
            self.env.report(resolve::too_long(&name));
        }
        number
    }

    /// A register by its number.
    pub(super) fn raw(&mut self, number: u8, span: Span) -> Option<u8> {
        let most = if self.locals.is_some() { MAX_LOCALS } else { usize::from(u8::MAX) };
        if usize::from(number) >= most {
            let message = format!("register `%{number}` does not exist");
            self.env.report(diagnostic(messages::RAW_REGISTER, span, message));
            return None;
        }
        // What was there before a patch left its intermediate results behind.
        let before = self.env.apart && self.locals.is_none() && span.file.0 != 0;
        if !before && !self.raws.iter().any(|(raw, _)| *raw == number) {
            self.raws.push((number, span));
        }
        Some(number)
    }

    /// Begins intermediate results below the numbers that a body names, and new names beside them.
    pub(super) fn keep_apart(&mut self, items: &[Stmt<'_>]) {
        let mut first = FIRST_SCRATCH;
        let agent = &mut self.env.agent;
        raws::each(items, &mut |number, span| {
            if usize::from(number) < MAX_NAMED_REGISTERS {
                agent.take(number);
            } else if span.file.0 == 0 {
                first = first.min(number.saturating_sub(1));
            }
        });
        self.scratch = Scratch::below(first);
    }

    /// Raw numbers must not meet the scratch registers of the same code.
    pub(super) fn check_raws(&mut self) {
        for (raw, span) in core::mem::take(&mut self.raws) {
            if self.scratch.depth_of(raw).is_some() {
                let message = format!("`%{raw}` is also used for an intermediate result");
                self.env.report(
                    diagnostic(messages::RAW_REGISTER, span, message)
                        .help("use a name, or write the statement in single instructions"),
                );
            }
        }
    }

    /// The same in a function, where numbers of its own names are in the way too. Gives the number
    /// of the first scratch register.
    pub(super) fn check_locals(&mut self, window: &Window<'_>, params: u8, func: &Func<'_>) -> u8 {
        let mut named = window.len();
        for (raw, span) in core::mem::take(&mut self.raws) {
            named = named.max(usize::from(raw) + 1);
            let name = window.registers.get(usize::from(raw));
            let name = name.filter(|register| raw >= params && !register.name.is_empty());
            let message = match name {
                Some(register) => format!("`%{raw}` is the register of `{}`", register.name),
                None if self.scratch.depth_of(raw).is_some() => {
                    format!("`%{raw}` is also used for an intermediate result")
                }
                None => continue,
            };
            let help = "use a name here too";
            self.env.report(diagnostic(messages::RAW_REGISTER, span, message).help(help));
        }
        if named + usize::from(self.scratch.deepest) > MAX_LOCALS {
            let message = format!(
                "function `{}` needs {} registers, the limit is {MAX_LOCALS}",
                func.name.text,
                named + usize::from(self.scratch.deepest)
            );
            self.env.report(diagnostic(messages::TOO_MANY_REGISTERS, func.head, message));
        }
        named.min(MAX_LOCALS) as u8
    }

    /// Reports names of a function that are read and never written.
    pub(super) fn report_unwritten_locals(&mut self, window: &Window<'a>, func: &'a Func<'a>) {
        let first = window.read_first().map(|(name, span)| (name, span, func.name.text));
        self.env.read_first.extend(first);
        if self.env.symbols.incomplete {
            return;
        }
        for (name, read) in window.unwritten() {
            let mut report = self.env.unwritten(name, read, window);
            if self.env.agent.knows(name) && report.suggestion.is_none() {
                report = report.help(format!(
                    "functions have registers of their own; pass `{name}` to `{}` as an argument",
                    func.name.text
                ));
            }
            self.env.report(report);
        }
    }
}

/// The register that always exists and holds the agent's state.
const STATE: &str = "R_state";

impl<'a> Env<'a> {
    /// Warns of functions that seem to go on with a register of the agent.
    pub(super) fn warn_read_first(&mut self) {
        for (name, span, func) in core::mem::take(&mut self.read_first) {
            if self.agent.is_written(name) {
                let message = format!(
                    "`{name}` is read before `{func}` writes it; the agent's `{name}` is another register"
                );
                self.report(
                    diagnostic(messages::READ_FIRST, span, message)
                        .label("is NULL here")
                        .help(format!("pass `{name}` to `{func}` as an argument")),
                );
            }
        }
    }

    /// Reports names of the agent's registers that are read and never written; gives those that
    /// may be meant for a constant.
    pub(super) fn report_unwritten(&mut self) -> Vec<(String, u32)> {
        let mut related = Vec::new();
        let names: Vec<_> = self.agent.unwritten().filter(|(name, _)| *name != STATE).collect();
        for (name, read) in names {
            if let Some(constant) = self.symbols.related_constant(name) {
                related.push((String::from(name), constant));
            }
            if !self.symbols.incomplete {
                let report = self.unwritten(name, read, &self.agent);
                self.report(report);
            }
        }
        related
    }

    fn unwritten(&self, name: &str, read: Read, window: &Window<'_>) -> Diagnostic {
        let message = format!("nothing writes `{name}`");
        let report = diagnostic(messages::UNKNOWN_NAME, read.span, message);
        let symbols = self.symbols;
        if let Some(number) = symbols.related_constant(name) {
            let near = symbols.defines[number as usize].name;
            return report
                .edit(read.span, near, format!("did you mean the constant `{near}`?"))
                .label("is read, but never written");
        }
        let words = avm_ir::StatusWord::ALL.map(avm_ir::StatusWord::name);
        let constants = symbols.defines.iter().map(|define| define.name);
        let known = window.written().chain([STATE]).chain(constants).chain(words);
        let near = self.nearest(name, known.filter(|known| !known.is_empty()));
        if let Some(near) = near {
            return report
                .edit(read.span, near, format!("did you mean `{near}`?"))
                .label("is read, but never written");
        }
        if read.unquoted {
            return report.edit(
                read.span,
                format!("\"{name}\""),
                "put quotes around it if it is a name",
            );
        }
        if symbols.labels.contains_key(name) || symbols.hidden_labels.contains_key(name) {
            return report.help("it is a label, which only a jump can name");
        }
        if symbols.function(name).is_some() {
            return report.help(format!("it is a function, call it by `{name}(…)`"));
        }
        if symbols.region_of.contains_key(name) {
            return report.edit(
                read.span,
                format!("\"{name}\""),
                "it is a region, put quotes around its name",
            );
        }
        report.help("write it first, or put quotes around it if it is a text")
    }
}
