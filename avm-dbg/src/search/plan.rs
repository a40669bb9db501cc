//! Which instructions a search has to look at.

use std::collections::{BTreeMap, BTreeSet};

use avm_ir::{
    Instr, Opcode,
    flow::{self, Window},
    program::Region,
    verify::{CodePlace, FuncPlace, Verified},
};
use avm_vm::{Image, Marks};

use super::{Test, What, Write};
use crate::code::{Code, Register, Scope};

/// How a run is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Forwards, and every instruction counts.
    Each,
    /// Forwards, and for tests that count calls no instruction does before no more than so many are
    /// open, which begins at this one.
    Back {
        /// Calls that are open then.
        depth: usize,
        /// The instruction behind the call that returns then.
        at: CodePlace,
    },
    /// To the last place of each stretch, at whose end a look is taken anyhow.
    Last,
}

/// For each instruction the tests that it is of interest to, and which instructions are marked.
#[derive(Debug)]
pub(super) struct Plan {
    /// A bit for each test.
    tests: Vec<Vec<u64>>,
    marks: Marks,
}

impl Plan {
    pub(super) fn new(image: &Image, code: &Code, tests: &[Test], way: Way) -> Self {
        let graph = Graph::new(image.verified(), code);
        let regions = &code.program().regions;
        let mut plan: Vec<Vec<u64>> =
            regions.iter().map(|region| vec![0; region.code.len()]).collect();
        let mut marked: Vec<CodePlace> = Vec::new();
        if let Way::Back { at, .. } = way {
            marked.push(at);
        }
        for (bit, test) in tests.iter().enumerate() {
            let interest = Interest::new(&graph, test, way);
            let mut returning = BTreeSet::new();
            for (at, region, instr) in code.all() {
                if !interest.counts(at, region, instr) {
                    continue;
                }
                plan[at.region as usize][at.pc as usize] |= 1 << bit;
                if !interest.marks(instr) {
                    continue;
                }
                marked.push(at);
                if shows_behind(test) {
                    marked.extend(graph.next(at));
                    let returns = instr.op == Opcode::RETURN;
                    returning.extend(function(code, at).filter(|_| returns));
                }
            }
            let calls = returning.into_iter().flat_map(|function| graph.calls(function));
            marked.extend(calls.map(|call| CodePlace { pc: call.at.pc + 1, ..call.at }));
        }
        Self { tests: plan, marks: Marks::new(image, marked) }
    }

    /// The tests that the instruction at a place is of interest to, a bit each.
    pub(super) fn at(&self, at: CodePlace) -> u64 {
        let region = self.tests.get(at.region as usize);
        region.and_then(|region| region.get(at.pc as usize)).copied().unwrap_or(0)
    }

    pub(super) const fn marks(&self) -> &Marks {
        &self.marks
    }
}

/// Whether it takes the state behind an instruction to tell whether a test holds.
const fn shows_behind(test: &Test) -> bool {
    match &test.what {
        What::Write(write) => write.changes || test.condition.is_some(),
        What::Failure | What::Denial | What::Enters(_) => true,
        _ => false,
    }
}

/// Which instructions are of interest to a test.
struct Interest<'a> {
    graph: &'a Graph<'a>,
    test: &'a Test,
    way: Way,
    /// Functions whose `RETURN` is: their results may go to the register that is watched, or control
    /// into the region.
    functions: BTreeSet<Function>,
}

impl<'a> Interest<'a> {
    fn new(graph: &'a Graph<'a>, test: &'a Test, way: Way) -> Self {
        let functions = match &test.what {
            What::Write(write) => graph.results_in(write.register),
            What::Enters(region) => graph.called_from(*region),
            _ => BTreeSet::new(),
        };
        Self { graph, test, way, functions }
    }

    /// Whether the test has to be asked where an instruction is next.
    fn counts(&self, at: CodePlace, region: &Region, instr: &Instr) -> bool {
        let (code, op) = (self.graph.code, instr.op);
        let effect = op.info().reach.is_some();
        match &self.test.what {
            What::Places(places) => places.contains(&at),
            What::Opcode(opcode) => *opcode == op,
            What::Effect(wanted) => effect && wanted.is_none_or(|wanted| wanted == op),
            What::Failure | What::Denial => effect || fails_alone(op),
            What::Enters(region) if at.region == *region => false,
            What::Enters(region) if op != Opcode::RETURN => {
                self.graph.next(at).any(|next| next.region == *region)
            }
            What::Line { not, .. } => {
                let line = code.line(at);
                line.is_some() && line != *not
            }
            What::Depth(_) => true,
            // Names are places by now; that code was replaced is told.
            What::Gas(_) | What::Rewrite(_) | What::Label(_) | What::At(_) => false,
            What::Enters(_) | What::Write(_) if op == Opcode::RETURN => {
                function(code, at).is_some_and(|function| self.functions.contains(&function))
            }
            What::Enters(_) => false,
            // A call fills the window; what was there before cannot be compared.
            What::Write(write) if op == Opcode::CALL => {
                !write.changes && code.callee(at) == Some(write.register.scope)
            }
            What::Write(Write { register, .. }) => {
                let own =
                    code.scope(at) == register.scope && code.writes(region, instr, register.number);
                let agents = register.scope == Scope::Agent;
                own || agents && flow::window(instr) == Window::Written
            }
        }
    }

    /// Whether an instruction that counts is marked.
    fn marks(&self, instr: &Instr) -> bool {
        match (&self.test.what, self.way) {
            (what, Way::Back { .. }) => what.depth().is_none(),
            // A call leaves code that is not too deep; at the end a look is taken anyhow.
            (What::Depth(_), Way::Last) if self.test.condition.is_none() => {
                instr.op == Opcode::CALL
            }
            _ => true,
        }
    }
}

/// Whether an instruction can fail in its class without anybody being asked.
fn fails_alone(opcode: Opcode) -> bool {
    let info = opcode.info();
    info.reach.is_none() && info.sets.is_some_and(|word| word != avm_ir::StatusWord::Bool)
}

/// A function: index of the region, and of the function in it.
type Function = (u32, usize);

fn function(code: &Code, at: CodePlace) -> Option<Function> {
    code.function(at).map(|index| (at.region, index))
}

/// A call of a function.
struct Call {
    at: CodePlace,
    /// The caller's register for the result.
    result: u8,
}

/// The flow of a program, calls and returns included.
struct Graph<'a> {
    program: &'a Verified,
    code: &'a Code,
    calls: BTreeMap<Function, Vec<Call>>,
}

impl<'a> Graph<'a> {
    fn new(program: &'a Verified, code: &'a Code) -> Self {
        let mut calls: BTreeMap<Function, Vec<Call>> = BTreeMap::new();
        for (at, _, instr) in code.all() {
            if let Some(FuncPlace { region, function }) = flow::callee(program, at) {
                let call = Call { at, result: instr.a };
                calls.entry((region, function as usize)).or_default().push(call);
            }
        }
        Self { program, code, calls }
    }

    fn calls(&self, function: Function) -> &[Call] {
        self.calls.get(&function).map_or(&[], Vec::as_slice)
    }

    /// Functions whose results may go to a register.
    fn results_in(&self, register: Register) -> BTreeSet<Function> {
        let goes = |call: &Call| {
            call.result == register.number && self.code.scope(call.at) == register.scope
        };
        let functions = self.calls.iter().filter(|(_, calls)| calls.iter().any(goes));
        functions.map(|(function, _)| *function).collect()
    }

    /// Functions that are called from a region.
    fn called_from(&self, region: u32) -> BTreeSet<Function> {
        let here = |call: &Call| call.at.region == region;
        let functions = self.calls.iter().filter(|(_, calls)| calls.iter().any(here));
        functions.map(|(function, _)| *function).collect()
    }

    /// Where the call at a place goes.
    fn entry(&self, at: CodePlace) -> Option<CodePlace> {
        let FuncPlace { region, function } = flow::callee(self.program, at)?;
        let function = self.code.region(region)?.functions.get(function as usize)?;
        Some(CodePlace { region, pc: function.entry })
    }

    /// What an instruction leads to, but for a `RETURN`.
    fn next(&self, at: CodePlace) -> impl Iterator<Item = CodePlace> {
        let exits = flow::exits(self.program, at);
        let entry = self.entry(at);
        let falls = exits.falls && entry.is_none();
        let next = falls.then_some(CodePlace { pc: at.pc + 1, ..at });
        next.into_iter().chain(exits.jumps).chain(entry)
    }
}
