//! What the names of a program stand for: constants, labels, functions, regions, tests.
//!
//! One walk over all statements, before any code is made, so that everything may be used before
//! it is defined. Registers are not among them: writing one makes it, see [`crate::lower`].

use avm_ir::{
    Diagnostic, Opcode, Span, StatusWord,
    program::{MAIN, MAX_NAME, MAX_REGIONS},
};

use crate::{
    ast::{Func, Name, Region, Stmt, StmtKind, Test},
    bind,
    map::Map,
    messages::{self, Report, diagnostic},
};

mod constant;

pub(crate) use constant::{Define, NotConstant, fold, not_constant};

/// Room that the names of regions leave for what the assembler puts around them.
const LONGEST_NAME: usize = MAX_NAME - 5;

/// Everything but registers that has a name.
#[derive(Debug, Default)]
pub(crate) struct Symbols<'a> {
    pub(crate) defines: Vec<Define<'a>>,
    pub(crate) define_of: Map<&'a str, u32>,
    /// Labels outside functions that do not begin with a dot.
    pub(crate) labels: Map<&'a str, LabelSymbol>,
    /// Their names in source order, for suggestions.
    pub(crate) label_names: Vec<&'a str>,
    /// Labels that only their own region or function knows, for better messages.
    pub(crate) hidden_labels: Map<&'a str, Span>,
    pub(crate) functions: Vec<FuncSymbol<'a>>,
    pub(crate) function_of: Map<&'a str, u32>,
    /// The regions behind `main`, in source order; region `n` of the program is entry `n - 1`.
    pub(crate) regions: Vec<&'a Region<'a>>,
    pub(crate) region_of: Map<&'a str, u32>,
    pub(crate) tests: Vec<&'a Test<'a>>,
    /// `.registers`, `.input` and `.uses` lines in source order.
    pub(crate) directives: Vec<&'a Stmt<'a>>,
    /// A statement could not be read: what seems to be missing may stand there.
    pub(crate) incomplete: bool,
}

/// A label that the whole program knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LabelSymbol {
    /// Index of its region.
    pub(crate) region: u32,
    pub(crate) span: Span,
    /// The innermost `FOR` it stands in.
    pub(crate) in_for: Option<Span>,
}

/// A function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FuncSymbol<'a> {
    pub(crate) func: &'a Func<'a>,
    /// Index of the region it belongs to.
    pub(crate) region: u32,
    /// The statement's own place and number.
    pub(crate) stmt: &'a Stmt<'a>,
}

/// Collects the names of a program.
pub(crate) fn collect<'a>(items: &'a [Stmt<'a>], diagnostics: &mut Vec<Diagnostic>) -> Symbols<'a> {
    let mut walk = Walk { symbols: Symbols::default(), diagnostics, region: 0, in_for: None };
    walk.constants(items);
    walk.block(items, Where::Top);
    walk.symbols
}

/// What a block of statements belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// Directly in the program.
    Top,
    /// Directly in a region.
    Region,
    /// In a function.
    Func,
    /// In an `IF` or loop outside of functions.
    Control,
}

struct Walk<'a, 'd> {
    symbols: Symbols<'a>,
    diagnostics: &'d mut Vec<Diagnostic>,
    region: u32,
    in_for: Option<Span>,
}

impl<'a> Walk<'a, '_> {
    fn block(&mut self, items: &'a [Stmt<'a>], at: Where) {
        let inner = if at == Where::Func { Where::Func } else { Where::Control };
        for item in items {
            match &item.kind {
                StmtKind::Label(name) => self.label(name, at),
                StmtKind::If { arms, otherwise } => {
                    for body in arms.iter().map(|(_, body)| body).chain(otherwise) {
                        self.block(body, inner);
                    }
                }
                StmtKind::While { body, .. } => self.block(body, inner),
                StmtKind::For { body, .. } => {
                    let outer = self.in_for.replace(item.span);
                    self.block(body, inner);
                    self.in_for = outer;
                }
                StmtKind::Region(region) => self.region(region, at),
                StmtKind::Func(func) => self.func(func, item, at),
                StmtKind::Test(test) if at == Where::Top => self.symbols.tests.push(test),
                StmtKind::Test(test) => self.misplaced(test.head, "a test"),
                StmtKind::Input { .. } | StmtKind::Uses { .. } | StmtKind::Registers(_) => {
                    self.symbols.directives.push(item);
                }
                StmtKind::Error => self.symbols.incomplete = true,
                _ => {}
            }
        }
    }

    fn label(&mut self, name: &'a Name<'a>, at: Where) {
        self.length(name);
        if at == Where::Func || name.text.starts_with('.') {
            self.symbols.hidden_labels.insert(name.text, name.span);
            return;
        }
        let symbol = LabelSymbol { region: self.region, span: name.span, in_for: self.in_for };
        match self.symbols.labels.get(name.text) {
            None => {
                self.symbols.labels.insert(name.text, symbol);
                self.symbols.label_names.push(name.text);
            }
            Some(first) => {
                let first = first.span;
                self.diagnostics.push(twice(messages::DUPLICATE_LABEL, "label", name, first));
            }
        }
    }

    fn region(&mut self, region: &'a Region<'a>, at: Where) {
        if at != Where::Top {
            return self.misplaced(region.head, "a region");
        }
        self.length(&region.name);
        if region.name.text == MAIN {
            let message = "`main` is the code outside any region";
            let report = diagnostic(messages::DUPLICATE_REGION, region.name.span, message)
                .help("give the region another name, or remove its first and last line");
            self.diagnostics.push(report);
            return;
        }
        if let Some(&first) = self.symbols.region_of.get(region.name.text) {
            let first = self.symbols.regions[first as usize - 1].name.span;
            let report = twice(messages::DUPLICATE_REGION, "region", &region.name, first);
            self.diagnostics.push(report);
            return;
        }
        if self.symbols.regions.len() + 1 == MAX_REGIONS {
            let message = format!("more than {MAX_REGIONS} regions");
            self.diagnostics.push(diagnostic(messages::TOO_MANY_REGIONS, region.head, message));
        }
        self.symbols.regions.push(region);
        self.region = self.symbols.regions.len() as u32;
        self.symbols.region_of.insert(region.name.text, self.region);
        self.block(region.body, Where::Region);
        self.region = 0;
    }

    fn func(&mut self, func: &'a Func<'a>, stmt: &'a Stmt<'a>, at: Where) {
        if !matches!(at, Where::Top | Where::Region) {
            return self.misplaced(func.head, "a function");
        }
        self.length(&func.name);
        if let Some(op) = bind::opcode(func.name.text) {
            let message = format!(
                "`{}` is the instruction {}, in any case of its letters",
                func.name.text,
                op.mnemonic()
            );
            let report = diagnostic(messages::FUNCTION_IS_INSTRUCTION, func.name.span, message);
            self.diagnostics.push(report.help("give the function another name"));
        }
        match self.symbols.function_of.get(func.name.text) {
            None => {
                let number = self.symbols.functions.len() as u32;
                self.symbols.function_of.insert(func.name.text, number);
            }
            Some(&first) => {
                let first = self.symbols.functions[first as usize].func.name.span;
                let report = twice(messages::DUPLICATE_FUNCTION, "function", &func.name, first);
                self.diagnostics.push(report);
            }
        }
        self.symbols.functions.push(FuncSymbol { func, region: self.region, stmt });
        let outer = self.in_for.take();
        self.block(func.body, Where::Func);
        self.in_for = outer;
    }

    fn misplaced(&mut self, head: Span, what: &str) {
        let message = format!("{what} cannot be defined inside a block");
        let report =
            diagnostic(messages::MISPLACED, head, message).help("move it out of the block");
        self.diagnostics.push(report);
    }

    fn length(&mut self, name: &Name<'_>) {
        if name.text.len() > LONGEST_NAME {
            self.diagnostics.push(too_long(name));
        }
    }
}

fn twice(code: avm_ir::Code, what: &str, name: &Name<'_>, first: Span) -> Diagnostic {
    diagnostic(code, name.span, format!("{what} `{}` is defined twice", name.text))
        .note(first, "first defined here")
}

/// A name that a program file cannot hold.
pub(crate) fn too_long(name: &Name<'_>) -> Diagnostic {
    let message = format!("this name has {} bytes, the limit is {LONGEST_NAME}", name.text.len());
    diagnostic(messages::NAME_TOO_LONG, name.span, message)
}

/// Whether a name fits a program file.
pub(crate) fn fits(name: &str) -> bool {
    name.len() <= LONGEST_NAME
}

/// The status word of a name.
pub(crate) fn status_word(name: &str) -> Option<StatusWord> {
    // All of them begin like this; most names do not.
    if !name.starts_with("last") && !name.starts_with("Rt") {
        return None;
    }
    StatusWord::ALL.into_iter().find(|word| word.name() == name)
}

/// Whether no flow goes on behind an instruction.
pub(crate) const fn ends_flow(op: Opcode) -> bool {
    matches!(op, Opcode::HALT | Opcode::JUMP | Opcode::RETURN | Opcode::RAISE)
}

impl<'a> Symbols<'a> {
    /// The constant of a name.
    pub(crate) fn define(&self, name: &str) -> Option<u32> {
        self.define_of.get(name).copied()
    }

    /// The function of a name.
    pub(crate) fn function(&self, name: &str) -> Option<&FuncSymbol<'a>> {
        self.function_of.get(name).map(|&number| &self.functions[number as usize])
    }

    /// The one constant of which a name is the only extension or prefix.
    pub(crate) fn related_constant(&self, name: &str) -> Option<u32> {
        let related = |define: &Define<'_>| {
            let other = define.name;
            other.len() >= 3
                && name.len() >= 3
                && (name.starts_with(other) || other.starts_with(name))
        };
        let mut found = self.defines.iter().enumerate().filter(|(_, define)| related(define));
        match (found.next(), found.next()) {
            (Some((number, _)), None) => Some(number as u32),
            _ => None,
        }
    }
}
