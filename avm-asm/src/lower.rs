//! Lowering: the tree to instructions, region by region.
//!
//! Expressions use scratch registers as a stack, from 254 downward. In a function they are
//! renumbered at its end to follow its named registers. Constants are not computed with: every
//! operator is an instruction, so that the text shows what is metered.

use std::{
    cell::Cell,
    collections::{BTreeSet, HashMap, HashSet},
};

use avm_ir::{
    Diagnostic, NameKind, Opcode, Slot, Span,
    program::{Debug, Input, MAIN, Perm, Perms, Place, Program, TestCase, entry_label, exit_label},
};

use crate::{
    ast::{Name, Region, Stmt, StmtKind, Test},
    bind,
    emit::{Arg, Builder, Built, LabelId, Literal, Start, TooMuch},
    map::Map,
    messages::{self, Report, diagnostic},
    resolve::{self, FuncSymbol, Symbols, fold, not_constant},
    source::{Lines, SourceFile},
    spell,
};

mod answer;
mod condition;
mod expr;
mod few;
mod instruction;
mod label;
mod place;
mod raws;
mod register;
mod stmt;

use label::OwnLabel;
use register::{Scratch, Window};

/// Errors after which no more are collected.
const MAX_ERRORS: usize = 1000;
/// Misspelled names that get a suggestion; comparing names is slow where there are many.
const MAX_SUGGESTIONS: u32 = 200;
/// Number of the region of code that belongs to none, the blocks of tests.
const NO_REGION: u32 = u32::MAX;

/// What lowering made of a program.
pub(crate) struct Lowered {
    pub(crate) program: Program,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Names that nothing writes and that extend or abbreviate one constant.
    pub(crate) related: Vec<(String, u32)>,
}

/// Lowers a program. `stand_ins` are names that mean a constant of another name.
pub(crate) fn program<'a>(
    items: &'a [Stmt<'a>],
    symbols: &'a Symbols<'a>,
    files: &'a [SourceFile],
    stand_ins: &'a HashMap<String, u32>,
) -> Lowered {
    let mut env = Env::new(symbols, files, stand_ins);
    let mut program = Program::default();
    env.directives(&mut program);
    program.regions.push(env.main(items));
    for (index, region) in symbols.regions.iter().enumerate() {
        let lowered = env.region(region, index as u32 + 1);
        program.regions.push(lowered);
    }
    for test in &symbols.tests {
        let lowered = env.test(test);
        program.tests.push(lowered);
    }
    env.warn_unreachable(&program);
    env.warn_read_first();
    let related = env.report_unwritten();
    program.registers = env.agent.names();
    let names = env.names.iter().map(|(kind, name)| (*kind, String::from(*name)));
    program.manifest.names.extend(names);
    program.manifest.computed = env.computed;
    env.debug.files = files.iter().map(|file| file.path.clone()).collect();
    program.debug = Some(env.debug);
    Lowered { program, diagnostics: env.diagnostics, related }
}

/// What lowering made of one region.
pub(crate) struct LoweredRegion {
    pub(crate) region: avm_ir::program::Region,
    /// The agent's registers, first those that there were.
    pub(crate) registers: Vec<String>,
    pub(crate) places: Vec<Place>,
    pub(crate) locals: Vec<Vec<String>>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Lowers one region of a program whose other parts are known by `symbols`, without its bits and
/// interface. The agent has `registers` already, all of them written; new names get none of the
/// numbers in `taken`.
pub(crate) fn region<'a>(
    index: u32,
    symbols: &'a Symbols<'a>,
    files: &'a [SourceFile],
    stand_ins: &'a HashMap<String, u32>,
    registers: &'a [String],
    taken: BTreeSet<u8>,
) -> LoweredRegion {
    surrounded(symbols, files, stand_ins, registers, taken, |env| {
        let source = (index as usize).checked_sub(1).and_then(|at| symbols.regions.get(at));
        source.map(|source| env.region(source, index)).unwrap_or_default()
    })
}

/// Lowers what the only test of `symbols` expects, for a program whose parts they know; as [`region`]
/// does otherwise.
pub(crate) fn expectation<'a>(
    symbols: &'a Symbols<'a>,
    files: &'a [SourceFile],
    stand_ins: &'a HashMap<String, u32>,
    registers: &'a [String],
    taken: BTreeSet<u8>,
) -> LoweredRegion {
    surrounded(symbols, files, stand_ins, registers, taken, |env| {
        symbols.tests.first().map(|test| env.test(test).expect).unwrap_or_default()
    })
}

/// Lowers a piece of code for a program that is there already.
fn surrounded<'a>(
    symbols: &'a Symbols<'a>,
    files: &'a [SourceFile],
    stand_ins: &'a HashMap<String, u32>,
    registers: &'a [String],
    taken: BTreeSet<u8>,
    lower: impl FnOnce(&mut Env<'a>) -> avm_ir::program::Region,
) -> LoweredRegion {
    let mut env = Env::new(symbols, files, stand_ins);
    env.agent = Window::agent_with(registers, taken);
    env.apart = true;
    let region = lower(&mut env);
    env.warn_read_first();
    env.report_unwritten();
    LoweredRegion {
        region,
        registers: env.agent.names(),
        places: env.debug.places.pop().unwrap_or_default(),
        locals: env.debug.locals.pop().unwrap_or_default(),
        diagnostics: env.diagnostics,
    }
}

/// What all regions share while they are lowered.
pub(crate) struct Env<'a> {
    pub(crate) symbols: &'a Symbols<'a>,
    files: &'a [SourceFile],
    stand_ins: &'a HashMap<String, u32>,
    lines: Vec<Lines>,
    diagnostics: Vec<Diagnostic>,
    full: bool,
    agent: Window<'a>,
    names: HashSet<(NameKind, &'a str)>,
    computed: BTreeSet<NameKind>,
    /// Program-wide labels that some jump names.
    used_labels: HashSet<&'a str>,
    /// Registers of functions that are read before they are written: name, place, function.
    read_first: Vec<(&'a str, Span, &'a str)>,
    /// Labels behind an instruction that ends the flow: name, region, instruction, place.
    unreachable: Vec<(&'a str, u32, u32, Span)>,
    const_bytes: u64,
    /// How many more misspelled names are looked up.
    suggestions: Cell<u32>,
    debug: Debug,
    /// Names and intermediate results keep clear of registers by number: a patch is often canonical
    /// text, where intermediate results have become numbers, with new statements in between.
    apart: bool,
}

/// One region, test block or function that is being lowered.
pub(crate) struct Lower<'e, 'a> {
    env: &'e mut Env<'a>,
    out: Builder<'a>,
    region: u32,
    /// The registers of the function; outside of one the agent's are used.
    locals: Option<Window<'a>>,
    scratch: Scratch,
    /// Raw register numbers that were used, and where first.
    raws: Vec<(u8, Span)>,
    /// Program-wide labels as this region knows them.
    labels: Map<&'a str, LabelId>,
    /// Labels that only this body or function knows.
    scope: Map<&'a str, OwnLabel>,
    /// Their names in source order.
    scope_names: Vec<&'a Name<'a>>,
    start: Start,
    /// Labels for `BREAK` and `CONTINUE`, innermost last.
    loops: Vec<(LabelId, LabelId)>,
    /// Open `FOR` loops.
    fors: Vec<Span>,
    at: Place,
}

impl<'a> Env<'a> {
    fn new(
        symbols: &'a Symbols<'a>,
        files: &'a [SourceFile],
        stand_ins: &'a HashMap<String, u32>,
    ) -> Self {
        Self {
            symbols,
            files,
            stand_ins,
            lines: files.iter().map(|file| Lines::new(&file.text)).collect(),
            diagnostics: Vec::new(),
            full: false,
            agent: Window::agent(),
            names: HashSet::new(),
            computed: BTreeSet::new(),
            used_labels: HashSet::new(),
            read_first: Vec::new(),
            unreachable: Vec::new(),
            const_bytes: 0,
            suggestions: Cell::new(MAX_SUGGESTIONS),
            debug: Debug::default(),
            apart: false,
        }
    }

    fn report(&mut self, report: Diagnostic) {
        if self.diagnostics.len() < MAX_ERRORS {
            self.diagnostics.push(report);
        } else if !core::mem::replace(&mut self.full, true) {
            let message = format!("more than {MAX_ERRORS} errors, the rest is not listed");
            self.diagnostics.push(diagnostic(messages::TOO_MANY, report.span, message));
        }
    }

    /// The candidate nearest to a misspelled name, as long as it pays to look.
    fn nearest<'c>(&self, name: &str, known: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
        let left = self.suggestions.get().checked_sub(1)?;
        self.suggestions.set(left);
        spell::nearest(name, known)
    }

    fn nearest_function(&self, name: &str) -> Option<&'a str> {
        let symbols = self.symbols;
        self.nearest(name, symbols.functions.iter().map(|symbol| symbol.func.name.text))
    }

    fn nearest_mnemonic(&self, name: &str) -> Option<&'static str> {
        let left = self.suggestions.get().checked_sub(1)?;
        self.suggestions.set(left);
        bind::nearest_mnemonic(name)
    }

    /// `.registers`, then `.input` and `.uses`, then the interfaces of regions: what is declared
    /// comes before what is merely used.
    fn directives(&mut self, program: &mut Program) {
        for directive in &self.symbols.directives {
            if let StmtKind::Registers(names) = &directive.kind {
                for name in *names {
                    if name.text == "_" {
                        self.agent.skip();
                    } else if self.agent.knows(name.text) {
                        let message = format!("register `{}` is declared twice", name.text);
                        self.report(diagnostic(messages::DUPLICATE_REGISTER, name.span, message));
                    } else {
                        self.declare(name.text, name.span);
                    }
                }
            }
        }
        for directive in &self.symbols.directives {
            match &directive.kind {
                StmtKind::Input { name, default } => {
                    let default = default.as_ref().and_then(|default| {
                        let value = fold(default, self.symbols);
                        value
                            .map_err(|reason| {
                                let report = not_constant(reason, default);
                                report.into_iter().for_each(|report| self.report(report));
                            })
                            .ok()
                    });
                    let Some(register) = self.declare(name.text, name.span) else { continue };
                    if program.inputs.iter().any(|input| input.register == register) {
                        let message = format!("input `{}` is declared twice", name.text);
                        self.report(diagnostic(messages::DUPLICATE_REGISTER, name.span, message));
                    }
                    program.inputs.push(Input { register, default });
                }
                StmtKind::Uses { kind, name, name_span } => {
                    let word = kind.text.to_ascii_lowercase();
                    match NameKind::by_name(&word) {
                        Some(kind) => self.manifest_name(kind, name, *name_span),
                        None => {
                            let message = format!("there is no kind of name `{}`", kind.text);
                            let words = NameKind::ALL.map(NameKind::name);
                            let report = diagnostic(messages::UNKNOWN_KIND, kind.span, message);
                            self.report(match self.nearest(&word, words) {
                                Some(near) => {
                                    report.edit(kind.span, near, format!("did you mean `{near}`?"))
                                }
                                None => report.help(format!("the kinds are {}", words.join(", "))),
                            });
                        }
                    }
                }
                _ => {}
            }
        }
        for region in &self.symbols.regions {
            for name in region.inputs.iter().chain(region.outputs) {
                self.declare(name.text, name.span);
            }
        }
    }

    /// A register of the agent that is written from outside of the code.
    fn declare(&mut self, name: &'a str, span: Span) -> Option<u8> {
        if self.symbols.define(name).is_some() || resolve::status_word(name).is_some() {
            let message = format!("`{name}` is no register");
            self.report(diagnostic(messages::READ_ONLY, span, message));
            return None;
        }
        self.agent_register(name, span, true)
    }

    fn agent_register(&mut self, name: &'a str, span: Span, write: bool) -> Option<u8> {
        let known = self.agent.len();
        let number = self.agent.number(name, write);
        if number.is_none() && self.agent.overflows() {
            let message = format!("`{name}` is one named register too many, the limit is 200");
            self.report(diagnostic(messages::TOO_MANY_REGISTERS, span, message));
        }
        if self.agent.len() > known && !resolve::fits(name) {
            let name = Name { text: name, span };
            self.report(resolve::too_long(&name));
        }
        number
    }

    fn manifest_name(&mut self, kind: NameKind, name: &'a str, span: Span) {
        if !resolve::fits(name) {
            let name = Name { text: name, span };
            self.report(resolve::too_long(&name));
        }
        self.names.insert((kind, name));
    }

    fn main(&mut self, items: &'a [Stmt<'a>]) -> avm_ir::program::Region {
        let span = items.last().map_or_else(Span::default, |last| last.span);
        let mut lower = Lower::new(self, 0);
        lower.body(items);
        if lower.out.end_reachable(lower.start) {
            lower.emit(Opcode::HALT, &[], &[]);
        }
        lower.check_raws();
        let locals = lower.functions();
        let out = lower.out;
        self.finish(out, MAIN, Perms::MAIN, (Vec::new(), Vec::new()), span, locals)
    }

    fn region(&mut self, region: &'a Region<'a>, index: u32) -> avm_ir::program::Region {
        let perms = self.perms(region);
        let number = |env: &mut Self, name: &'a Name<'a>| env.agent.number(name.text, true);
        let inputs = region.inputs.iter().filter_map(|name| number(self, name)).collect();
        let outputs = region.outputs.iter().filter_map(|name| number(self, name)).collect();
        let mut lower = Lower::new(self, index);
        lower.body(region.body);
        if lower.out.end_reachable(lower.start) {
            if region.detached {
                lower.emit(Opcode::HALT, &[], &[]);
            } else {
                let exit = lower.out.named(exit_label(region.name.text), true);
                lower.emit(Opcode::JUMP, &[], &[Arg::Label(exit)]);
            }
        }
        lower.check_raws();
        let locals = lower.functions();
        let out = lower.out;
        let name = &region.name.text;
        self.finish(out, name, perms, (inputs, outputs), region.head, locals)
    }

    fn perms(&mut self, region: &Region<'_>) -> Perms {
        let Some(names) = &region.perms else { return Perms::DEFAULT };
        let mut perms = Perms::default();
        for name in *names {
            let known = Perm::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(name.text));
            match known {
                Some(perm) => perms = perms.with(perm),
                None => {
                    let words = Perm::ALL.map(Perm::name);
                    let message = format!("there is no permission `{}`", name.text);
                    let report = diagnostic(messages::UNKNOWN_PERMISSION, name.span, message);
                    self.report(match self.nearest(name.text, words) {
                        Some(near) => {
                            report.edit(name.span, near, format!("did you mean `{near}`?"))
                        }
                        None => report.help(format!("the permissions are {}", words.join(", "))),
                    });
                }
            }
        }
        perms
    }

    fn finish(
        &mut self,
        out: Builder<'a>,
        name: &str,
        perms: Perms,
        (inputs, outputs): (Vec<u8>, Vec<u8>),
        head: Span,
        locals: Vec<Vec<String>>,
    ) -> avm_ir::program::Region {
        match self.built(out, name, perms, (inputs, outputs), head) {
            Some(built) => {
                self.debug.places.push(built.places);
                self.debug.locals.push(locals);
                built.region
            }
            None => avm_ir::program::Region::default(),
        }
    }

    fn built(
        &mut self,
        out: Builder<'a>,
        name: &str,
        perms: Perms,
        (inputs, outputs): (Vec<u8>, Vec<u8>),
        head: Span,
    ) -> Option<Built> {
        /// Room for constants of all regions, in bytes.
        const MAX_BYTES: u64 = 48 << 20;
        let before = self.const_bytes;
        self.const_bytes = before.saturating_add(out.consts.bytes());
        if before <= MAX_BYTES && self.const_bytes > MAX_BYTES {
            let message = "the constants of the program exceed 48 MiB";
            self.report(diagnostic(messages::CONSTANT_TOO_LARGE, head, message));
        }
        match out.finish(String::from(name), perms, inputs, outputs) {
            Ok(built) => Some(built),
            Err(limit) => {
                let what = match limit {
                    TooMuch::Code => "more than 1048576 instructions",
                    TooMuch::Constants => "more than 32767 constants",
                    TooMuch::Labels => "more than 65535 labels",
                };
                let message = format!("region `{name}` has {what}");
                self.report(diagnostic(messages::TOO_MUCH_CODE, head, message));
                None
            }
        }
    }

    fn place(&self, span: Span) -> Option<Place> {
        let file = usize::from(span.file.0);
        let (source, lines) = (self.files.get(file)?, self.lines.get(file)?);
        let (line, column) = lines.locate(&source.text, span.start);
        Some(Place { file: span.file.0, line, column, number: 0 })
    }

    fn test(&mut self, test: &'a Test<'a>) -> TestCase {
        let place = self.place(test.head).unwrap_or_default();
        self.debug.tests.push(place);
        if test.region.text != MAIN && !self.symbols.region_of.contains_key(test.region.text) {
            let message = format!("there is no region `{}`", test.region.text);
            let report = diagnostic(messages::UNKNOWN_REGION, test.region.span, message);
            let names = self.symbols.regions.iter().map(|region| region.name.text);
            self.report(match self.nearest(test.region.text, names) {
                Some(near) => {
                    report.edit(test.region.span, near, format!("did you mean `{near}`?"))
                }
                None => report,
            });
        }
        let mut given = Lower::new(self, NO_REGION);
        for (name, value) in test.given {
            given.given(name, value);
        }
        given.emit(Opcode::HALT, &[], &[]);
        given.check_raws();
        let given = given.out;
        let mut expect = Lower::new(self, NO_REGION);
        for condition in test.expect {
            expect.expect(condition);
        }
        expect.emit(Opcode::HALT, &[], &[]);
        expect.check_raws();
        let expect = expect.out;
        let mut block = |out, name: &str| {
            let built = self.built(out, name, Perms::DEFAULT, (Vec::new(), Vec::new()), test.head);
            built.map(|built| built.region).unwrap_or_default()
        };
        TestCase {
            name: String::from(test.name),
            region: String::from(test.region.text),
            given: block(given, "given"),
            expect: block(expect, "expect"),
            answers: self.answers(test),
        }
    }

    /// Warns of labels that neither flow nor a jump reaches. A text of the same name counts as a
    /// use, because tasks name labels by text.
    fn warn_unreachable(&mut self, program: &Program) {
        if self.unreachable.is_empty() {
            return;
        }
        let mut reached: HashSet<(u32, u32)> = HashSet::new();
        let mut texts: HashSet<&str> = HashSet::new();
        for (index, region) in program.regions.iter().enumerate() {
            for label in &region.labels {
                let name = label.name.as_str();
                let used =
                    name.is_empty() || name.starts_with('@') || self.used_labels.contains(name);
                if let (true, avm_ir::program::Target::Here(pc)) = (used, label.target) {
                    reached.insert((index as u32, pc));
                }
            }
            texts.extend(region.consts.iter().filter_map(|value| match value {
                avm_ir::Value::Text(text) => Some(text.as_str()),
                _ => None,
            }));
        }
        for (name, region, pc, span) in core::mem::take(&mut self.unreachable) {
            if !reached.contains(&(region, pc)) && !texts.contains(name) {
                let message = format!("nothing reaches label `{name}`");
                self.report(
                    diagnostic(messages::UNREACHABLE_LABEL, span, message)
                        .help("jump to it, or remove it with the code behind it"),
                );
            }
        }
    }
}

impl<'e, 'a> Lower<'e, 'a> {
    fn new(env: &'e mut Env<'a>, region: u32) -> Self {
        let out = Builder::default();
        let start = out.start();
        Self {
            env,
            out,
            region,
            locals: None,
            scratch: Scratch::new(),
            raws: Vec::new(),
            labels: Map::default(),
            scope: Map::default(),
            scope_names: Vec::new(),
            start,
            loops: Vec::new(),
            fors: Vec::new(),
            at: Place::default(),
        }
    }

    fn body(&mut self, items: &'a [Stmt<'a>]) {
        if !self.env.symbols.hidden_labels.is_empty() {
            self.collect_scope(items, false);
        }
        if self.env.apart {
            self.keep_apart(items);
        }
        self.block(items);
    }

    /// The functions of the region, behind its body; gives the names of their registers.
    fn functions(&mut self) -> Vec<Vec<String>> {
        let (symbols, region) = (self.env.symbols, self.region);
        let mine = symbols.functions.iter().filter(|symbol| symbol.region == region);
        mine.map(|symbol| self.function(symbol)).collect()
    }

    fn function(&mut self, symbol: &FuncSymbol<'a>) -> Vec<String> {
        let func = symbol.func;
        self.here(symbol.stmt.span, symbol.stmt.number);
        self.start = self.out.start();
        self.scratch = Scratch::new();
        self.raws.clear();
        self.scope.clear();
        self.scope_names.clear();
        let mut window = Window::function();
        for param in func.params {
            if self.env.symbols.define(param.text).is_some()
                || resolve::status_word(param.text).is_some()
            {
                let message = format!("`{}` is no register", param.text);
                self.env.report(diagnostic(messages::READ_ONLY, param.span, message));
            } else if window.knows(param.text) {
                let message = format!("parameter `{}` is declared twice", param.text);
                self.env.report(diagnostic(messages::DUPLICATE_REGISTER, param.span, message));
            }
            if !resolve::fits(param.text) {
                self.env.report(resolve::too_long(param));
            }
            if window.number(param.text, true).is_none() && window.overflows() {
                let message = "a function has at most 254 parameters";
                self.env.report(diagnostic(messages::TOO_MANY_REGISTERS, param.span, message));
            }
        }
        let params = window.len() as u8;
        if self.env.apart {
            raws::each(func.body, &mut |number, _| window.take(number));
        }
        self.locals = Some(window);
        self.collect_scope(func.body, true);
        self.block(func.body);
        if self.out.end_reachable(self.start) {
            let null = self.literal(&Literal::Null);
            self.emit(Opcode::RETURN, &[], &[Arg::Slot(null)]);
        }
        let window = self.locals.take().unwrap_or_else(Window::function);
        self.report_unwritten_locals(&window, func);
        let named = self.check_locals(&window, params, func);
        let scratch = self.scratch;
        let start = self.start.pc;
        self.out.end_function(func.name.text, params, start, |register| {
            scratch
                .depth_of(register)
                .map_or(register, |depth| named.saturating_add(depth).min(253))
        });
        self.scope.clear();
        window.names()
    }

    /// Sets the place of the instructions that follow.
    fn here(&mut self, span: Span, number: Option<u32>) {
        if let Some(place) = self.env.place(span) {
            self.at = Place { number: number.unwrap_or(0), ..place };
        }
    }

    /// A piece of the source to show in a message; `None` where it is long or broken into lines.
    fn source(&self, span: Span) -> Option<&'a str> {
        let text = &self.env.files.get(usize::from(span.file.0))?.text;
        let piece = text.get(span.start as usize..span.end as usize)?;
        (piece.len() <= 60 && !piece.contains(['\n', ';'])).then_some(piece)
    }

    fn emit(&mut self, op: Opcode, outs: &[u8], ins: &[Arg]) {
        self.out.push(op, outs, ins, self.at);
    }

    fn literal(&mut self, literal: &Literal<'a>) -> Slot {
        let symbols = self.env.symbols;
        self.out.consts.slot(literal, |number| &symbols.defines[number as usize].value)
    }

    /// Enters a region that stands here and goes on behind it.
    fn pass_through(&mut self, region: &Region<'_>) {
        let entry = self.out.named(entry_label(region.name.text), true);
        self.emit(Opcode::JUMP, &[], &[Arg::Label(entry)]);
        let exit = self.out.named(exit_label(region.name.text), false);
        self.out.place(exit);
    }
}
