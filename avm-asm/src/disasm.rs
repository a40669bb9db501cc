//! Program to text that assembles to the same code section.
//!
//! Every instruction becomes one line in canonical form. Debug data adds the names of parameters
//! and nothing else, so a stripped program reads almost the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use avm_ir::{
    Kind, NameKind, Program, Value,
    instr::Role,
    program::{Debug, Perms, Region, Target, exit_label},
};

use crate::{
    ast::{Arena, Expr, ExprKind},
    bind,
    fmt::quote,
    resolve::ends_flow,
    show,
};

mod constant;
mod line;
mod test;

use constant::Large;

/// A program that no text stands for, such as one with a constant that is a vector. The assembler
/// does not make such programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisasmError {
    /// The text as far as it goes; a comment marks what it does not say.
    pub text: String,
    /// What the text does not say.
    pub causes: Vec<String>,
}

impl core::fmt::Display for DisasmError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "no text stands for this program: {}", self.causes.join("; "))
    }
}

impl core::error::Error for DisasmError {}

/// The text of a program. Assembling it gives a program with the same hash.
///
/// # Errors
/// A program that the language cannot express; the text that comes with the error is for reading
/// only.
pub fn disassemble(program: &Program) -> Result<String, DisasmError> {
    let blocks = program.tests.iter().flat_map(|test| [&test.given, &test.expect]);
    let debug = program.debug.as_ref();
    let large = Large::of(program, debug, program.regions.iter().chain(blocks));
    let mut writer = Writer::new(program, large, debug);
    writer.head();
    writer.constants();
    writer.main();
    writer.tests();
    writer.finish()
}

/// The text of one region: its `.region` block, or the statements of `main` with a comment where a
/// region stands. It says what the code section says and nothing else: an agent that reads its own
/// text reads the same with and without debug data.
///
/// # Errors
/// As for [`disassemble`]. A region that does not exist is an empty text.
pub fn disassemble_region(program: &Program, region: usize) -> Result<String, DisasmError> {
    let large = Large::of(program, None, program.regions.get(region));
    let mut writer = Writer::new(program, large, None);
    writer.alone = true;
    writer.constants();
    match program.regions.get(region) {
        Some(found) if region > 0 => {
            let attached = writer.attached.contains_key(&(region as u32));
            writer.names_from_outside(found);
            writer.region(region, found, attached);
        }
        Some(found) => {
            writer.names_from_outside(found);
            writer.body(region, found, None);
            writer.functions(region, found);
        }
        None => {}
    }
    writer.finish()
}

/// Longest line of names, in bytes.
const LINE: usize = 100;

struct Writer<'p> {
    program: &'p Program,
    out: String,
    causes: Vec<String>,
    /// Regions that control flows into, with the place in `main`.
    attached: BTreeMap<u32, u32>,
    /// The same by place.
    entries: BTreeMap<u32, u32>,
    /// Labels behind those places.
    exits: BTreeMap<String, u32>,
    /// The next region of the program to be written.
    next_region: usize,
    indent: usize,
    large: Rc<Large>,
    /// Where names of parameters come from.
    debug: Option<&'p Debug>,
    /// One region is all there is to be written.
    alone: bool,
}

impl<'p> Writer<'p> {
    fn new(program: &'p Program, large: Large, debug: Option<&'p Debug>) -> Self {
        let attached = program.attached();
        let exits = attached
            .iter()
            .map(|(region, at)| (exit_label(&program.regions[*region as usize].name), at + 1));
        Self {
            program,
            out: String::new(),
            causes: Vec::new(),
            entries: attached.iter().map(|(region, at)| (*at, *region)).collect(),
            exits: exits.collect(),
            attached,
            next_region: 1,
            indent: 0,
            large: Rc::new(large),
            debug,
            alone: false,
        }
    }

    fn finish(self) -> Result<String, DisasmError> {
        if self.causes.is_empty() {
            Ok(self.out)
        } else {
            Err(DisasmError { text: self.out, causes: self.causes })
        }
    }

    fn line(&mut self, text: &str) {
        self.out.extend(core::iter::repeat_n(' ', self.indent));
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Notes something that the language cannot say.
    fn cannot(&mut self, cause: impl Into<String>) {
        let cause = cause.into();
        let comment: String = cause.chars().filter(|c| !c.is_control()).collect();
        self.line(&format!(";; cannot be written: {comment}"));
        self.causes.push(cause);
    }

    fn check_name(&mut self, what: &str, name: &str) {
        if !is_name(name) {
            self.cannot(format!("{what} {name:?} is no name of the language"));
        }
    }

    /// Checks what the code of a region names and others define, where those are not written.
    fn names_from_outside(&mut self, region: &Region) {
        let program = self.program;
        let interface = region.inputs.iter().chain(&region.outputs).copied();
        let mut registers = region.body_registers();
        registers.extend(interface);
        for register in registers {
            let name = program.registers.get(usize::from(register));
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                self.check_name("register", name);
            }
        }
        for import in &region.imports {
            self.check_function(import);
        }
    }

    fn check_function(&mut self, name: &str) {
        self.check_name("function", name);
        if bind::opcode(name).is_some() {
            self.cannot(format!("function {name} is named like an instruction"));
        }
    }

    fn head(&mut self) {
        let program = self.program;
        let mut line = String::new();
        for name in &program.registers {
            if !name.is_empty() {
                self.check_name("register", name);
            }
            let name = if name.is_empty() { "_" } else { name };
            if line.len() + name.len() > LINE && !line.is_empty() {
                self.line(&format!(".registers {line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push_str(", ");
            }
            line.push_str(name);
        }
        if !line.is_empty() {
            self.line(&format!(".registers {line}"));
        }
        for input in &program.inputs {
            let name = program.registers.get(usize::from(input.register));
            let name = name.filter(|name| !name.is_empty()).map_or("_", String::as_str);
            match &input.default {
                None => self.line(&format!(".input {name}")),
                Some(value) => {
                    let value = self.value(value);
                    self.line(&format!(".input {name} = {value}"));
                }
            }
        }
        let (shown, computed) = self.names_in_code();
        for (kind, name) in &program.manifest.names {
            if !shown.contains(&(*kind, name.as_str())) {
                self.line(&format!(".uses {} {}", kind.name(), quote(name)));
            }
        }
        for kind in program.manifest.computed.difference(&computed) {
            self.cannot(format!("the manifest says that {} names are computed", kind.name()));
        }
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn constants(&mut self) {
        for line in Rc::clone(&self.large).lines() {
            self.line(&line);
        }
    }

    /// Names that stand in operands, and kinds of which registers hold names.
    fn names_in_code(&self) -> (BTreeSet<(NameKind, &'p str)>, BTreeSet<NameKind>) {
        let mut names = BTreeSet::new();
        let mut computed = BTreeSet::new();
        let blocks = self.program.tests.iter().flat_map(|test| [&test.given, &test.expect]);
        for region in self.program.regions.iter().chain(blocks) {
            for instr in &region.code {
                let info = instr.op.info();
                let Some(slots) = instr.slots(&region.pool) else { continue };
                for (slot, role) in slots.iter().zip(info.slot_roles()) {
                    let Role::Input(input) = role else { continue };
                    let Kind::Name(kind) = info.inputs[input].kind else { continue };
                    let constant = slot.as_const().and_then(|at| region.consts.get(at));
                    if let Some(Value::Text(name)) = constant {
                        names.insert((kind, name.as_str()));
                    } else if slot.as_reg().is_some() {
                        computed.insert(kind);
                    }
                }
            }
        }
        (names, computed)
    }

    fn main(&mut self) {
        let program = self.program;
        let Some(main) = program.regions.first() else { return };
        self.indent = 2;
        self.body(0, main, None);
        self.indent = 0;
        self.regions_before(program.regions.len());
        self.functions(0, main);
    }

    /// Writes the regions up to a number that no control flows into.
    fn regions_before(&mut self, end: usize) {
        let program = self.program;
        while self.next_region < end {
            let index = self.next_region;
            self.next_region += 1;
            if let Some(region) = program.regions.get(index) {
                if self.attached.contains_key(&(index as u32)) {
                    self.cannot(format!("region {} stands out of order", region.name));
                }
                self.region(index, region, false);
            }
        }
    }

    fn region(&mut self, index: usize, region: &'p Region, attached: bool) {
        let indent = core::mem::take(&mut self.indent);
        self.check_name("region", &region.name);
        let mut head = format!(".region {}", region.name);
        if !attached {
            head.push_str(" detached");
        }
        if region.perms != Perms::DEFAULT {
            let words: Vec<&str> = region.perms.iter().map(avm_ir::program::Perm::name).collect();
            head.push_str(&match words.as_slice() {
                [] => String::from(" perms=()"),
                words => format!(" perms={}", words.join(",")),
            });
        }
        for (word, registers) in [("in", &region.inputs), ("out", &region.outputs)] {
            if !registers.is_empty() {
                let names = registers.iter().map(|register| {
                    let name = self.program.registers.get(usize::from(*register));
                    name.filter(|name| !name.is_empty()).map_or("_", String::as_str)
                });
                let names: Vec<&str> = names.collect();
                if names.contains(&"_") {
                    self.cannot(format!("region {} has a register without a name", region.name));
                }
                head.push_str(&format!(" {word}=({})", names.join(", ")));
            }
        }
        if !(self.alone && self.out.is_empty()) {
            self.out.push('\n');
        }
        self.line(&head);
        self.indent = 2;
        self.body(index, region, attached.then(|| exit_label(&region.name)));
        self.functions(index, region);
        self.indent = 0;
        self.line(".endregion");
        if !self.alone {
            self.out.push('\n');
        }
        self.indent = indent;
    }

    /// The statements of a body. `exit` is the label behind a region that control flows through:
    /// the jump to it at the end goes without saying.
    fn body(&mut self, index: usize, region: &'p Region, exit: Option<String>) {
        let end = region.body_end().min(region.code.len());
        if !labels_in_order(region) {
            self.cannot("labels out of order or outside of the code");
        }
        let last = end.saturating_sub(1);
        let mut labels = Labels::new(region);
        let large = Rc::clone(&self.large);
        let view = large.view(region);
        for pc in 0..end {
            let enters = if index == 0 { self.entered_at(pc as u32) } else { None };
            self.labels(&mut labels, region, pc as u32);
            if let (Some(entered), true) = (enters, self.alone) {
                // Its own bits say whether it may be read.
                self.line(&format!(";; region {}", program_name(self.program, entered)));
                continue;
            }
            if let Some(entered) = enters {
                self.regions_before(entered as usize);
                self.next_region = entered as usize + 1;
                let entered_region = &self.program.regions[entered as usize];
                self.region(entered as usize, entered_region, true);
                continue;
            }
            let is_exit = |name: &str| exit.as_deref() == Some(name);
            if pc == last && region.jumps_to(pc).is_some_and(is_exit) {
                let before = pc.checked_sub(1).map(|pc| region.code[pc].op);
                let labelled = region.labels.iter().any(|l| l.target == Target::Here(pc as u32));
                if before.is_some_and(ends_flow) && !labelled {
                    self.cannot("a jump that nothing reaches");
                }
                continue;
            }
            let program = self.program;
            self.instruction(&view, pc, &|register| agent_register(program, register));
        }
    }

    /// The region that control enters at an instruction of `main`.
    fn entered_at(&self, pc: u32) -> Option<u32> {
        self.entries.get(&pc).copied().filter(|region| *region as usize >= self.next_region)
    }

    fn labels(&mut self, labels: &mut Labels, region: &Region, pc: u32) {
        while let Some((number, label)) = labels.next_at(region, pc) {
            match label.name.as_str() {
                "" => self.label_line(&format!(":.L{number}")),
                name if name.starts_with('@') && region.name == avm_ir::program::MAIN => {
                    let known = self.exits.get(name) == Some(&pc);
                    if !known {
                        self.cannot(format!("label {name}"));
                    }
                }
                name => {
                    self.check_name("label", name);
                    self.label_line(&format!(":{name}"));
                }
            }
        }
    }

    fn label_line(&mut self, text: &str) {
        let indent = core::mem::take(&mut self.indent);
        self.line(text);
        self.indent = indent;
    }

    fn functions(&mut self, index: usize, region: &'p Region) {
        let indent = self.indent;
        let large = Rc::clone(&self.large);
        let view = large.view(region);
        for (number, func) in region.functions.iter().enumerate() {
            self.check_function(&func.name);
            let params = self.params(index, number, func.params);
            self.out.push('\n');
            self.line(&format!(".func {}({})", func.name, params.join(", ")));
            self.indent = indent + 2;
            let mut labels = Labels::new(region);
            let mut highest = 0;
            for pc in func.entry..func.end.min(region.code.len() as u32) {
                self.labels(&mut labels, region, pc);
                self.instruction(&view, pc as usize, &|register| match params
                    .get(usize::from(register))
                {
                    Some(name) => show::bare(ExprKind::Name(name)),
                    None => show::bare(ExprKind::Raw(register)),
                });
                highest = highest.max(line::registers_used(region, pc as usize));
            }
            self.indent = indent;
            if highest.max(func.params) != func.registers {
                self.cannot(format!("function {} has {} registers", func.name, func.registers));
            }
            self.line(".endfunc");
        }
    }

    /// Names of parameters, from debug data where it has usable ones.
    fn params(&self, region: usize, function: usize, count: u8) -> Vec<String> {
        let named = self.debug.and_then(|debug| {
            let names = debug.locals.get(region)?.get(function)?.get(..usize::from(count))?;
            let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
            sorted.sort_unstable();
            let distinct = sorted.windows(2).all(|pair| pair[0] != pair[1]);
            let usable = names.iter().all(|name| {
                is_name(name) && name != "_" && crate::resolve::status_word(name).is_none()
            });
            (distinct && usable).then(|| names.to_vec())
        });
        named.unwrap_or_else(|| (0..count).map(|number| format!("p{number}")).collect())
    }

    /// A value as a literal.
    fn value(&mut self, value: &Value) -> String {
        match show::literal(value, &Arena::default()) {
            Some(expr) => line::print(&expr),
            None => {
                self.cannot(format!("a constant of type {}", value.type_name()));
                String::from("NULL")
            }
        }
    }
}

fn program_name(program: &Program, region: u32) -> &str {
    program.regions.get(region as usize).map_or("", |region| region.name.as_str())
}

/// A register outside of functions, by name where it has one.
fn agent_register(program: &Program, register: u8) -> Expr<'_> {
    match program.registers.get(usize::from(register)) {
        Some(name) if !name.is_empty() => show::bare(ExprKind::Name(name)),
        _ => show::bare(ExprKind::Raw(register)),
    }
}

/// Walks over the labels of a region along with its code.
struct Labels {
    next: usize,
}

impl Labels {
    fn new(_: &Region) -> Self {
        Self { next: 0 }
    }

    /// The next label that stands at an instruction, with its number.
    fn next_at<'r>(
        &mut self,
        region: &'r Region,
        pc: u32,
    ) -> Option<(usize, &'r avm_ir::program::Label)> {
        while let Some(label) = region.labels.get(self.next) {
            match label.target {
                Target::Here(at) if at < pc => self.next += 1,
                Target::Here(at) if at == pc => {
                    self.next += 1;
                    return Some((self.next - 1, label));
                }
                _ => return None,
            }
        }
        None
    }
}

/// Whether a walk over the code meets every label that stands in it.
fn labels_in_order(region: &Region) -> bool {
    let places = region.labels.iter().map(|label| match label.target {
        Target::Here(pc) => pc,
        Target::Elsewhere => u32::MAX,
    });
    let inside = |pc: u32| pc == u32::MAX || (pc as usize) < region.code.len();
    places.clone().is_sorted() && places.clone().all(inside)
}

/// Whether a text is a name of the language.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
