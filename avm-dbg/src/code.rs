//! The program of a run as people name it: labels, functions, lines, registers.

mod versions;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use avm_ir::{
    Instr, Kind, Program, Value, Verified, VerifyError,
    flow::{self, callee},
    instr::{NO_REGISTER, Role, Slot},
    program::{Region, Target},
    verify::CodePlace,
};
use avm_vm::{
    Machine,
    journal::{Event, Journal},
    machine::Window,
};

pub use versions::Codes;

use crate::expr::Path;

/// A program with its sources.
#[derive(Clone, Debug)]
pub struct Code {
    verified: Verified,
    /// Named labels, functions and regions.
    labels: BTreeMap<String, CodePlace>,
    /// Lines of the sources, by their paths.
    sources: Arc<Sources>,
}

type Sources = BTreeMap<String, Vec<String>>;

/// A register that a name stands for at some place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// Whose it is.
    pub scope: Scope,
    /// Its number in the window.
    pub number: u8,
}

/// Whose a register is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The agent's.
    Agent,
    /// A function's: index of the region, and of the function in it.
    Function(u32, usize),
}

/// A line of a source: index of the file in the debug data, and number from 1.
pub type Line = (u16, u32);

/// An operand of an instruction, as it is shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Name of the operand in the instruction's row.
    pub operand: &'static str,
    /// Whether it is a result.
    pub output: bool,
    /// The register, label or function.
    pub name: Option<String>,
    /// What it holds.
    pub value: Option<Value>,
}

impl Code {
    /// A program, and the texts that a journal has of it.
    pub fn new(program: &Program, journal: &Journal) -> Result<Self, VerifyError> {
        let verified = avm_ir::verify(program.clone())?;
        let mut sources = Sources::new();
        for record in &journal.records {
            if let Event::Source { path, text } = &record.event {
                sources.insert(path.clone(), text.lines().map(str::to_owned).collect());
            }
        }
        Ok(Self::of(verified, Arc::new(sources)))
    }

    /// What became of a program has the same sources.
    fn of(verified: Verified, sources: Arc<Sources>) -> Self {
        let program = verified.program();
        let mut labels = BTreeMap::new();
        for (number, region) in (0..).zip(&program.regions) {
            let at = |pc| CodePlace { region: number, pc };
            labels.entry(region.name.clone()).or_insert(at(0));
            for function in &region.functions {
                labels.insert(function.name.clone(), at(function.entry));
            }
        }
        for (number, region) in (0..).zip(&program.regions) {
            for label in region.labels.iter().filter(|label| !label.name.is_empty()) {
                if let Target::Here(pc) = label.target {
                    labels.insert(label.name.clone(), CodePlace { region: number, pc });
                }
            }
        }
        Self { verified, labels, sources }
    }

    /// The program.
    pub const fn program(&self) -> &Program {
        self.verified.program()
    }

    /// A region, if there is one of that number.
    pub fn region(&self, number: u32) -> Option<&Region> {
        self.program().regions.get(number as usize)
    }

    /// An instruction.
    pub fn instr(&self, at: CodePlace) -> Option<&Instr> {
        self.region(at.region)?.code.get(at.pc as usize)
    }

    /// Every instruction with its place.
    pub fn all(&self) -> impl Iterator<Item = (CodePlace, &Region, &Instr)> {
        (0..).zip(&self.program().regions).flat_map(|(number, region)| {
            let place = move |pc| CodePlace { region: number, pc };
            (0..).zip(&region.code).map(move |(pc, instr)| (place(pc), region, instr))
        })
    }

    /// Index of the function that an instruction belongs to.
    pub fn function(&self, at: CodePlace) -> Option<usize> {
        let functions = &self.region(at.region)?.functions;
        let index = functions.partition_point(|function| function.entry <= at.pc).checked_sub(1)?;
        (at.pc < functions[index].end).then_some(index)
    }

    /// Whose registers an instruction works on.
    pub fn scope(&self, at: CodePlace) -> Scope {
        self.function(at).map_or(Scope::Agent, |index| Scope::Function(at.region, index))
    }

    /// The function that the `CALL` at a place calls.
    pub fn callee(&self, at: CodePlace) -> Option<Scope> {
        let place = callee(&self.verified, at)?;
        Some(Scope::Function(place.region, place.function as usize))
    }

    /// Where an instruction stands, for people: region, function, position.
    pub fn place_name(&self, at: CodePlace) -> String {
        let region = self.region(at.region);
        let name = region.map_or("?", |region| region.name.as_str());
        let function = self
            .function(at)
            .and_then(|index| region.and_then(|region| region.functions.get(index)));
        match function {
            Some(function) => format!("{name}:{} in {}", at.pc, function.name),
            None => format!("{name}:{}", at.pc),
        }
    }

    /// Names that code can be found by.
    pub fn labels(&self) -> impl Iterator<Item = (&str, CodePlace)> {
        self.labels.iter().map(|(name, at)| (name.as_str(), *at))
    }

    /// The place of a label, function or region; with `region:pc`, that instruction.
    pub fn label(&self, name: &str) -> Option<CodePlace> {
        if let Some(at) = self.labels.get(name.trim_start_matches(':')) {
            return Some(*at);
        }
        let (region, pc) = name.rsplit_once(':')?;
        let region = self.program().regions.iter().position(|r| r.name == region)?;
        let at = CodePlace { region: u32::try_from(region).ok()?, pc: pc.parse().ok()? };
        self.instr(at).map(|_| at)
    }

    /// The line of an instruction, where debug data has it.
    pub fn line(&self, at: CodePlace) -> Option<Line> {
        let place = self.program().place(at.region as usize, at.pc as usize)?;
        Some((place.file, place.line))
    }

    /// Name of a source file.
    pub fn file(&self, file: u16) -> &str {
        let files = self.program().debug.as_ref().map_or(&[][..], |debug| &debug.files);
        files.get(usize::from(file)).map_or("?", String::as_str)
    }

    /// Text of a line, where the journal has the source.
    pub fn text(&self, (file, line): Line) -> Option<&str> {
        let index = (line as usize).checked_sub(1)?;
        self.sources.get(self.file(file))?.get(index).map(String::as_str)
    }

    /// Where a line begins, or the next one behind it that has code: that line and the places.
    pub fn line_places(
        &self,
        file: Option<&str>,
        line: u32,
    ) -> Option<(Line, BTreeSet<CodePlace>)> {
        let fits = |name: &str| {
            file.is_none_or(|file| name == file || name.ends_with(&format!("/{file}")))
        };
        let lines = self.all().filter_map(|(at, ..)| self.line(at));
        let found = lines.filter(|(file, l)| *l >= line && fits(self.file(*file)));
        let found = found.min_by_key(|(file, line)| (*line, *file))?;
        Some((found, self.begins(found)))
    }

    /// Where a line begins.
    pub fn begins(&self, line: Line) -> BTreeSet<CodePlace> {
        let here = self.all().filter(|(at, ..)| self.line(*at) == Some(line));
        let begins = here.filter(|(at, ..)| {
            let before = at.pc.checked_sub(1).map(|pc| CodePlace { pc, ..*at });
            before.is_none_or(|before| {
                self.line(before) != Some(line) || self.scope(before) != self.scope(*at)
            })
        });
        begins.map(|(at, ..)| at).collect()
    }

    /// Index of a region.
    pub fn region_number(&self, name: &str) -> Option<u32> {
        let found = self.program().regions.iter().position(|region| region.name == name);
        found.and_then(|index| u32::try_from(index).ok())
    }

    /// Name of the function whose registers are meant; the agent has none.
    pub fn function_name(&self, scope: Scope) -> Option<&str> {
        let Scope::Function(region, function) = scope else { return None };
        let function = self.region(region)?.functions.get(function)?;
        Some(&function.name)
    }

    /// The same function's scope, where there is one of that name in a region.
    pub fn named_scope(&self, region: u32, function: &str) -> Option<Scope> {
        let functions = &self.region(region)?.functions;
        let index = functions.iter().position(|known| known.name == function)?;
        Some(Scope::Function(region, index))
    }

    /// The register that a name stands for in code of a scope: its own, or else the agent's.
    pub fn register(&self, scope: Scope, name: &str) -> Option<Register> {
        if let Some(number) = name.strip_prefix('%') {
            let number = number.parse().ok().filter(|number| *number != NO_REGISTER)?;
            return Some(Register { scope, number });
        }
        if let Scope::Function(region, function) = scope
            && let Some(debug) = &self.program().debug
            && let Some(names) = debug.locals.get(region as usize).and_then(|r| r.get(function))
            && let Some(number) = names.iter().position(|local| local == name)
        {
            return Some(Register { scope, number: u8::try_from(number).ok()? });
        }
        let number = self.program().register(name)?;
        Some(Register { scope: Scope::Agent, number })
    }

    /// Names of the program's inputs.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        let program = self.program();
        let name = |register: u8| program.registers.get(usize::from(register));
        program.inputs.iter().filter_map(move |input| name(input.register).map(String::as_str))
    }

    /// Whether a name stands for a register anywhere.
    pub fn knows_register(&self, name: &str) -> bool {
        let debug = self.program().debug.as_ref();
        let mut locals =
            debug.into_iter().flat_map(|debug| debug.locals.iter().flatten().flatten());
        self.register(Scope::Agent, name).is_some() || locals.any(|local| local == name)
    }

    /// Names of registers, each once.
    pub fn register_names(&self) -> BTreeSet<&str> {
        let debug = self.program().debug.as_ref();
        let locals = debug.into_iter().flat_map(|debug| debug.locals.iter().flatten().flatten());
        let names = self.program().registers.iter().chain(locals);
        names.map(String::as_str).filter(|name| !name.is_empty()).collect()
    }

    /// What a register holds in the window that so many calls led to, or in the agent's.
    pub fn value<'m>(&self, machine: &'m Machine, depth: usize, name: &str) -> Option<&'m Value> {
        let window = machine.window(depth)?;
        let scope = self.window_scope(&window, depth);
        let register = self.register(scope, name)?;
        let window = if register.scope == scope { window } else { machine.window(0)? };
        machine.value(&window, register.number)
    }

    /// The part that a path names, as seen in a window.
    pub fn part<'m>(&self, machine: &'m Machine, depth: usize, path: &Path) -> Option<&'m Value> {
        path.of(self.value(machine, depth, &path.name)?)
    }

    /// Whose window it is.
    pub fn window_scope(&self, window: &Window, depth: usize) -> Scope {
        if depth == 0 { Scope::Agent } else { self.scope(window.at) }
    }

    /// Name of a register at a place.
    pub fn register_name(&self, at: CodePlace, number: u8) -> String {
        self.program().register_name(at.region as usize, at.pc as usize, number)
    }

    /// Whether an instruction may write a register of its window, when it has been executed. What a
    /// `CALL` brings comes with the `RETURN`.
    pub fn writes(&self, region: &Region, instr: &Instr, number: u8) -> bool {
        instr.op != avm_ir::Opcode::CALL && flow::writes(region, instr).any(|n| n == number)
    }

    /// The operands of the instruction at a place with what they hold in the current window;
    /// results last.
    pub fn operands(&self, machine: &Machine, at: CodePlace) -> Vec<Shown> {
        let (Some(region), Some(instr)) = (self.region(at.region), self.instr(at)) else {
            return Vec::new();
        };
        let info = instr.op.info();
        let window = machine.window(machine.depth());
        let register = |number: u8| {
            let value = window.and_then(|window| machine.value(&window, number).cloned());
            (Some(self.register_name(at, number)), value)
        };
        let held = |slot: Slot| match (slot.as_reg(), slot.as_const()) {
            (Some(number), _) => register(number),
            (None, Some(constant)) => (None, region.consts.get(constant).cloned()),
            (None, None) => (None, None),
        };
        let mut shown = Vec::new();
        if let Some(place) = info.place_in_a() {
            let (name, value) = register(instr.a);
            let operand = info.inputs[place].name;
            shown.push(Shown { operand, output: false, name, value });
        }
        let slots = instr.slots(&region.pool);
        let slots: &[Slot] = slots.as_deref().unwrap_or_default();
        let more = info.variadic().then(|| Role::Input(info.inputs.len() - 1));
        let roles = info.slot_roles().chain(more.into_iter().cycle());
        let mut results = Vec::new();
        if instr.a != NO_REGISTER && !info.outputs.is_empty() {
            let (name, value) = register(instr.a);
            results.push(Shown { operand: info.outputs[0].name, output: true, name, value });
        }
        for (role, slot) in roles.zip(slots) {
            match role {
                Role::Output(index) => {
                    let (name, value) = held(*slot);
                    let operand = info.outputs[index].name;
                    results.push(Shown { operand, output: true, name, value });
                }
                Role::Input(_) if *slot == Slot::ABSENT => {}
                Role::Input(index) => {
                    let (name, value) = match info.inputs[index].kind {
                        Kind::Label => (self.label_name(at, *slot), None),
                        Kind::Func => (region.imports.get(usize::from(slot.0)).cloned(), None),
                        _ => held(*slot),
                    };
                    let operand = info.inputs[index].name;
                    shown.push(Shown { operand, output: false, name, value });
                }
            }
        }
        shown.extend(results.into_iter().filter(|shown| shown.name.is_some()));
        shown
    }

    fn label_name(&self, at: CodePlace, slot: Slot) -> Option<String> {
        let index = usize::from(slot.0);
        let name = self.region(at.region)?.labels.get(index).map(|label| label.name.as_str());
        match name {
            Some(name) if !name.is_empty() => Some(name.to_owned()),
            _ => {
                let links = self.verified.links().get(at.region as usize)?;
                links.labels.get(index).map(|to| self.place_name(*to))
            }
        }
    }
}

/// The instruction that a window waits in, where it waits for a call to return.
pub fn waits_at(window: &Window) -> CodePlace {
    let behind = u32::from(!window.interrupted);
    CodePlace { pc: window.at.pc.saturating_sub(behind), ..window.at }
}
