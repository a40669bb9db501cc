//! Watching a stretch of a run for candidates.

use std::ops::Range;

use avm_ir::{
    Opcode,
    flow::{self, Window},
    verify::CodePlace,
};
use avm_vm::{
    Answer, EffectRequest, Machine, Observer,
    journal::{Event, Journal},
};

use super::{Test, What, Write, fails_alone, is_agent, is_denial};
use crate::code::Code;

/// A place where a test may hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    /// The step.
    pub(super) step: u64,
    /// Index of the test.
    pub(super) test: usize,
    /// What is known of it.
    pub(super) why: Why,
}

/// Why a place is a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It holds, but for the condition.
    Sure,
    /// The instruction before it wrote the register of the window that so many calls led to.
    Written(usize),
    /// The instruction before it returned to the window that so many calls led to.
    Returned(usize),
    /// The instruction before it was the call that made the window.
    Called,
    /// Somebody may have written the register from outside.
    Edited,
    /// The instruction before it can fail.
    Failed,
}

/// For each instruction the tests that it is of interest to, a bit each.
#[derive(Clone, Debug)]
pub(super) struct Plan(Vec<Vec<u64>>);

impl Plan {
    pub(super) fn new(code: &Code, tests: &[Test]) -> Self {
        let regions = &code.program().regions;
        let mut plan: Vec<Vec<u64>> =
            regions.iter().map(|region| vec![0; region.code.len()]).collect();
        for (at, region, instr) in code.all() {
            let op = instr.op;
            let effect = op.info().reach.is_some();
            for (bit, test) in tests.iter().enumerate() {
                let of_interest = match &test.what {
                    What::Places(places) => places.contains(&at),
                    What::Opcode(opcode) => *opcode == op,
                    What::Enters(region) => *region == at.region,
                    What::Effect(wanted) => effect && wanted.is_none_or(|wanted| wanted == op),
                    What::Gas(_) | What::Depth(_) => true,
                    What::Failure | What::Denial => effect || fails_alone(op),
                    What::Line { not, .. } => {
                        let line = code.line(at);
                        line.is_some() && line != *not
                    }
                    What::Write(write) => {
                        let register = write.register;
                        let own = code.scope(at) == register.scope
                            && code.writes(region, instr, register.number);
                        let agents = is_agent(register.scope);
                        let all = agents && flow::window(instr) == Window::Written;
                        let calls = op == Opcode::CALL && code.callee(at) == Some(register.scope);
                        own || all || calls || op == Opcode::RETURN
                    }
                };
                if of_interest {
                    plan[at.region as usize][at.pc as usize] |= 1 << bit;
                }
            }
        }
        Self(plan)
    }

    fn at(&self, at: CodePlace) -> u64 {
        let region = self.0.get(at.region as usize);
        region.and_then(|region| region.get(at.pc as usize)).copied().unwrap_or(0)
    }
}

/// Notes candidates.
pub(super) struct Scan<'a> {
    plan: &'a Plan,
    tests: &'a [Test],
    found: Vec<Candidate>,
    step: u64,
    depth: usize,
    gas: u64,
    /// Region of the instruction before.
    region: Option<u32>,
    /// Whether the effect just answered failed, and for want of a permission.
    failed: Option<bool>,
    /// The program, where it matters which register a call writes when it returns.
    code: Option<&'a Code>,
    /// Those registers, of the calls that were made since the stretch began.
    results: Vec<u8>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(plan: &'a Plan, tests: &'a [Test], code: &'a Code, now: &Machine) -> Self {
        let writes = tests.iter().any(|test| matches!(test.what, What::Write(_)));
        Self {
            code: writes.then_some(code),
            results: Vec::new(),
            plan,
            tests,
            found: Vec::new(),
            step: now.steps(),
            depth: now.depth(),
            gas: now.gas_used(),
            region: None,
            failed: None,
        }
    }

    /// The candidates, behind the last step in a region.
    pub(super) fn finish(mut self, region: u32) -> Vec<Candidate> {
        if self.region.is_some_and(|before| before != region) {
            for (test, wanted) in self.tests.iter().enumerate() {
                if wanted.what == What::Enters(region) {
                    self.found.push(Candidate { step: self.step, test, why: Why::Sure });
                }
            }
        }
        self.found
    }

    /// An instruction that is known to be next, and is not executed yet.
    pub(super) fn next(&mut self, at: CodePlace, opcode: Opcode) {
        let (before, found) = (self.step, self.found.len());
        self.step(at, opcode, 0);
        let next: Vec<Candidate> = self.found.drain(found..).collect();
        // What an instruction does shows behind it.
        self.found.extend(next.into_iter().filter(|candidate| candidate.step == before));
    }

    fn look(&mut self, test: usize, opcode: Opcode, gas: u64) {
        let (step, depth) = (self.step, self.depth);
        let found = match &self.tests[test].what {
            What::Places(_) | What::Opcode(_) | What::Effect(_) => Some((step, Why::Sure)),
            What::Enters(region) => {
                let before = self.region.filter(|before| before != region);
                before.map(|_| (step, Why::Sure))
            }
            What::Gas(limit) => {
                let crosses = self.gas < *limit && *limit <= self.gas + gas;
                crosses.then_some((step + 1, Why::Sure))
            }
            What::Failure => match self.failed {
                Some(_) => Some((step + 1, Why::Sure)),
                None => fails_alone(opcode).then_some((step + 1, Why::Failed)),
            },
            What::Denial => match self.failed {
                Some(denied) => denied.then_some((step + 1, Why::Sure)),
                None => fails_alone(opcode).then_some((step + 1, Why::Failed)),
            },
            What::Line { depth: most, .. } => (depth <= *most).then_some((step, Why::Sure)),
            What::Depth(most) => (depth <= *most).then_some((step, Why::Sure)),
            What::Write(write) => self.write(write, opcode).map(|why| (step + 1, why)),
        };
        if let Some((step, why)) = found {
            self.found.push(Candidate { step, test, why });
        }
    }

    fn write(&self, write: &Write, opcode: Opcode) -> Option<Why> {
        let agents = is_agent(write.register.scope);
        let here = |depth: usize| write.depth.is_none_or(|wanted| wanted == depth);
        match opcode {
            Opcode::RETURN => {
                let depth = self.depth.checked_sub(1)?;
                let register = write.register.number;
                let fits = self.results.last().is_none_or(|result| *result == register);
                (fits && here(depth) && agents == (depth == 0)).then_some(Why::Returned(depth))
            }
            Opcode::CALL => here(self.depth + 1).then_some(Why::Called),
            _ => {
                let depth = if agents { 0 } else { self.depth };
                here(depth).then_some(Why::Written(depth))
            }
        }
    }
}

impl Observer for Scan<'_> {
    fn step(&mut self, at: CodePlace, opcode: Opcode, gas: u64) {
        let mut tests = self.plan.at(at);
        while tests != 0 {
            self.look(tests.trailing_zeros() as usize, opcode, gas);
            tests &= tests - 1;
        }
        match opcode {
            Opcode::CALL => {
                self.depth += 1;
                if let Some(call) = self.code.and_then(|code| code.instr(at)) {
                    self.results.push(call.a);
                }
            }
            Opcode::RETURN => {
                self.depth = self.depth.saturating_sub(1);
                self.results.pop();
            }
            _ => {}
        }
        self.region = Some(at.region);
        self.failed = None;
        self.step += 1;
        self.gas += gas;
    }

    fn effect(&mut self, _: &EffectRequest, answer: &Answer, _: u64) {
        self.failed = answer.result.as_ref().err().map(|failure| is_denial(failure.code));
    }
}

/// Writes from outside to a register, behind the first step of a stretch.
pub(super) fn edits(
    journal: &Journal,
    steps: Range<u64>,
    write: &Write,
    test: usize,
) -> impl Iterator<Item = Candidate> {
    let start = journal.records.partition_point(|record| record.steps < steps.start);
    let records = journal.records[start..].iter().take_while(move |r| r.steps < steps.end);
    let number = write.register.number;
    records.filter_map(move |record| match &record.event {
        Event::Edited { register, .. } if *register == number => {
            Some(Candidate { step: record.steps, test, why: Why::Edited })
        }
        _ => None,
    })
}
