//! A trace, step by step, with the names that its program has for everything.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use avm_ir::{
    Instr, Opcode, Program, Slot, StatusWord, Value, operand::Kind, program::Target,
    verify::CodePlace,
};
use avm_vm::{
    Machine, Version,
    journal::Event,
    trace::{Entry, Happened, Header, Reader, Source},
};

use crate::{Filter, ViewError};

/// A value as far as a view shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The value, unless it is longer than was asked for.
    pub value: Option<Value>,
    /// Name of its type.
    pub type_name: &'static str,
    /// Length of its canonical encoding, in bytes.
    pub bytes: u64,
}

impl Shown {
    fn of(value: &Value, most: u64) -> Self {
        let bytes = value.encoded_len();
        let shown = (bytes <= most).then(|| value.clone());
        Self { value: shown, type_name: value.type_name(), bytes }
    }
}

/// An operand of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// Its name in the instruction's row.
    pub name: &'static str,
    /// The register that it comes from.
    pub register: Option<String>,
    /// What it was.
    pub value: Option<Shown>,
    /// The label or function that it names.
    pub target: Option<String>,
}

/// One instruction as it was executed.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its number in the run, from 1.
    pub number: u64,
    /// Where it stands.
    pub at: CodePlace,
    /// Name of the region.
    pub region: String,
    /// Name of the function, where it stands in one.
    pub function: Option<String>,
    /// Source file and line from 1, where the program knows.
    pub line: Option<(String, u32)>,
    /// The instruction.
    pub opcode: Opcode,
    /// Nanogas that it paid.
    pub gas: u64,
    /// Nanogas left behind it.
    pub gas_left: u64,
    /// Calls that were open before it, as far as they began in the trace.
    pub depth: usize,
    /// Its operands.
    pub inputs: Vec<Operand>,
    /// Registers that it gave something to or changed in place.
    pub outputs: Vec<(String, Shown)>,
    /// Status words that it changed.
    pub status: Vec<(StatusWord, bool)>,
    /// Whether flow went on at the label that it names.
    pub jumped: bool,
    /// Notes, effects and changes of the store.
    pub happened: Happened,
}

/// What a view is told.
#[derive(Debug)]
pub enum Item<'a> {
    /// What the trace is of.
    Start(&'a Header),
    /// A step that was executed.
    Step(&'a Step),
    /// The outside answered the effect of the next step, or of one that a meter did not cover.
    Answered {
        /// Instructions executed before.
        steps: u64,
        /// Number of the effect.
        id: u64,
        /// Hash of the request.
        request: [u8; 32],
    },
    /// Something came from outside, or the run came to rest, behind so many steps.
    Outside {
        /// Instructions executed.
        steps: u64,
        /// What.
        event: &'a Event,
    },
    /// A region has another code from here on.
    Rewritten(&'a Rewrite<'a>),
    /// The trace is over, and whole.
    End {
        /// Instructions executed in the run.
        steps: u64,
        /// The trace's hash.
        hash: [u8; 32],
    },
}

/// A region whose code was replaced.
#[derive(Debug)]
pub struct Rewrite<'a> {
    /// Instructions executed before.
    pub steps: u64,
    /// Name of the region.
    pub region: String,
    /// Number of the code that it had, from 1, and the code.
    pub before: (u32, &'a Version),
    /// The same of the code that it has from here on.
    pub after: (u32, &'a Version),
}

/// Four words that are bits in a trace, least first.
const WORDS: [StatusWord; 4] =
    [StatusWord::Bool, StatusWord::Plugin, StatusWord::Task, StatusWord::Rewrite];

/// Goes through a trace. Values of more than `most` bytes (canonical encoding) are not shown: a list
/// that grows would take time in the square of its length.
pub fn walk<S: Source>(
    reader: &mut Reader<S>,
    filter: &Filter,
    most: u64,
    mut tell: impl FnMut(Item<'_>) -> Result<(), ViewError>,
) -> Result<(), ViewError> {
    tell(Item::Start(&reader.header().clone()))?;
    let mut image = reader.machine().image().clone();
    let words = WORDS.map(|word| reader.machine().status(word) == Value::Bool(true));
    let mut status = words.iter().rev().fold(0_u8, |bits, word| bits << 1 | u8::from(*word));
    let mut depth = 0_usize;
    while let Some(entry) = reader.next()? {
        let program = image.program();
        match entry {
            Entry::Rewritten(change) => {
                let machine = reader.machine();
                let code = |number| Some((number, machine.version(number)?));
                if let (Some(before), Some(after)) = (code(change.before), code(change.after)) {
                    let (steps, region) = (machine.steps(), after.1.patch.region.name.clone());
                    tell(Item::Rewritten(&Rewrite { steps, region, before, after }))?;
                }
                image = machine.image().clone();
            }
            Entry::Answered { id, request } => {
                let steps = reader.machine().steps();
                tell(Item::Answered { steps, id, request })?;
            }
            Entry::Outside(event) => {
                if matches!(event, Event::Called { .. }) {
                    // It returns like any other.
                    depth += 1;
                }
                tell(Item::Outside { steps: reader.machine().steps(), event: &event })?;
            }
            Entry::Step { number, at, instr, said } => {
                let before = core::mem::replace(&mut status, said.status);
                let now = depth;
                match instr.op {
                    Opcode::CALL => depth += 1,
                    Opcode::RETURN => depth = now.saturating_sub(1),
                    _ => {}
                }
                if !filter.may_admit(program, number, at, instr.op, said.gas) {
                    continue;
                }
                let inputs = operands(reader, program, at, instr, most);
                reader.commit()?;
                let name =
                    |register| program.register_name(at.region as usize, at.pc as usize, register);
                let happened = reader.happened().clone();
                let mut outputs: Vec<(String, Shown)> = { happened.outputs.iter() }
                    .map(|(register, value)| (name(*register), Shown::of(value, most)))
                    .collect();
                if let Some((to, register, value)) = &happened.returned {
                    // The caller goes on behind the call.
                    let (region, pc) = (to.region as usize, (to.pc as usize).saturating_sub(1));
                    let name = program.register_name(region, pc, *register);
                    outputs.push((name, Shown::of(value, most)));
                }
                let step = Step {
                    number,
                    at,
                    region: region(program, at),
                    function: function(program, at),
                    line: line(program, at),
                    opcode: instr.op,
                    gas: said.gas,
                    gas_left: gas_left(reader.machine()),
                    depth: now,
                    inputs,
                    outputs,
                    status: changes(before, said.status),
                    jumped: said.jumped,
                    happened,
                };
                if filter.admits(&step) {
                    tell(Item::Step(&step))?;
                }
            }
        }
    }
    tell(Item::End { steps: reader.machine().steps(), hash: reader.link() })
}

fn gas_left(machine: &Machine) -> u64 {
    machine.gas_limit() - machine.gas_used()
}

/// Status words that are not as before.
fn changes(before: u8, after: u8) -> Vec<(StatusWord, bool)> {
    let bit = |bits: u8, n: usize| bits >> n & 1 == 1;
    let words = WORDS.into_iter().enumerate();
    words
        .filter(|(n, _)| bit(before, *n) != bit(after, *n))
        .map(|(n, w)| (w, bit(after, n)))
        .collect()
}

fn operands<S: Source>(
    reader: &Reader<S>,
    program: &Program,
    at: CodePlace,
    instr: Instr,
    most: u64,
) -> Vec<Operand> {
    let info = instr.op.info();
    let inputs = reader.inputs().into_iter().filter_map(|(index, slot, value)| {
        let row = info.inputs.get(index)?;
        let register = slot.as_reg().filter(|_| value.is_some());
        let name = |register| program.register_name(at.region as usize, at.pc as usize, register);
        Some(Operand {
            name: row.name,
            register: register.map(name),
            value: value.map(|value| Shown::of(value, most)),
            target: target(program, at, row.kind, slot),
        })
    });
    // What was left out says nothing.
    inputs.filter(|operand| operand.value.is_some() || operand.target.is_some()).collect()
}

/// The label or function that a slot names.
fn target(program: &Program, at: CodePlace, kind: Kind, slot: Slot) -> Option<String> {
    let region = program.regions.get(at.region as usize)?;
    match kind {
        Kind::Label => {
            let label = region.labels.get(usize::from(slot.0))?;
            match label.target {
                Target::Here(pc) if label.name.is_empty() => Some(format!(":{pc}")),
                _ => Some(label.name.clone()),
            }
        }
        Kind::Func => region.imports.get(usize::from(slot.0)).cloned(),
        _ => None,
    }
}

pub(crate) fn region(program: &Program, at: CodePlace) -> String {
    program.regions.get(at.region as usize).map_or_else(String::new, |region| region.name.clone())
}

pub(crate) fn function(program: &Program, at: CodePlace) -> Option<String> {
    let region = program.regions.get(at.region as usize)?;
    let function = region.functions.iter().find(|f| (f.entry..f.end).contains(&at.pc))?;
    Some(function.name.clone())
}

pub(crate) fn line(program: &Program, at: CodePlace) -> Option<(String, u32)> {
    let place = program.place(at.region as usize, at.pc as usize)?;
    let files = &program.debug.as_ref()?.files;
    let file = files.get(usize::from(place.file)).map_or_else(String::new, ToOwned::to_owned);
    Some((file, place.line))
}

/// A name without what could steer a terminal.
pub(crate) fn clean(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
