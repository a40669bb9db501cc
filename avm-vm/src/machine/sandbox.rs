//! Patches that are tried before they are taken (`SELF_MODIFY_SANDBOX`).
//!
//! A region's tests run on a copy of the agent that has the patch: `given` prepares registers, the
//! region runs until control leaves it, `expect` asserts. The copy shares every value with the agent
//! until it writes one, asks nobody, and is thrown away; all that comes back is what the tests said,
//! and what they cost.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use avm_ir::{
    Gas, Value,
    gas::GAS,
    program::{Program, Region},
    value::Record,
};

use super::{End, Image, Machine, Pause};
use crate::{
    effect::{Answer, Failure, FailureCode},
    exec::WINDOW,
    rewrite::failure,
};

/// Most nanogas that one test may use.
const TEST_GAS: u64 = 10 * GAS;
/// Longest reason in the record, in characters.
const MAX_REASON: usize = 200;

/// What the tests of a region said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The tests that ran, in the order of the program.
    pub tests: Vec<Tested>,
}

/// What one test said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// Its index in [`Program::tests`].
    pub test: usize,
    /// Its name.
    pub name: String,
    /// Why it failed, if it did.
    pub failed: Option<String>,
    /// Nanogas that it used.
    pub gas: u64,
}

impl Verdict {
    /// How many tests passed.
    pub fn passed(&self) -> usize {
        self.tests.iter().filter(|test| test.failed.is_none()).count()
    }

    /// How many tests failed.
    pub fn failed(&self) -> usize {
        self.tests.len() - self.passed()
    }

    /// Nanogas that all of them used.
    pub fn gas(&self) -> u64 {
        self.tests.iter().map(|test| test.gas).sum()
    }

    /// In a word: `PASS`, `FAIL`, or `UNTESTED` where no test ran.
    pub fn status(&self) -> &'static str {
        match (self.tests.is_empty(), self.failed()) {
            (true, _) => "UNTESTED",
            (_, 0) => "PASS",
            _ => "FAIL",
        }
    }

    /// The record that `SELF_MODIFY_SANDBOX` gives.
    pub fn record(&self) -> Value {
        let reasons = self.tests.iter().filter_map(|test| {
            let reason = format!("{}: {}", test.name, test.failed.as_ref()?);
            Some(Value::from(reason.chars().take(MAX_REASON).collect::<String>()))
        });
        let reasons: Vec<Value> = reasons.collect();
        Value::Record(Record::from_iter([
            ("status", Value::text(self.status())),
            ("passed", Value::Int(self.passed() as i64)),
            ("failed", Value::Int(self.failed() as i64)),
            ("gas", Value::from(format!("{}", Gas(self.gas())))),
            ("reasons", reasons.into()),
        ]))
    }
}

impl Machine {
    /// Runs at most so many of the program's tests of a region, each on a copy of the agent as it is
    /// now, within so much gas (nanogas) for all of them, and at most 10 gas for one. The agent stays
    /// what it is, and nobody is asked.
    ///
    /// Fails if the program has no such region, or cannot be linked with the tests.
    pub fn test_region(&self, region: &str, most: usize, gas: u64) -> Result<Verdict, Failure> {
        let latest = self.image.latest(&self.agent.rewrites)?;
        let image = latest.as_ref().unwrap_or(&self.image);
        self.try_out(image, image.region_number(region)?, most, gas)
    }

    /// The same on copies of the agent with other code.
    pub(super) fn try_out(
        &self,
        image: &Image,
        region: u32,
        most: usize,
        gas: u64,
    ) -> Result<Verdict, Failure> {
        let name = image.program().regions[region as usize].name.as_str();
        let tests: Vec<usize> = { image.program().tests.iter().enumerate() }
            .filter(|(_, test)| test.region == name)
            .map(|(at, _)| at)
            .take(most)
            .collect();
        let (image, first) = with_tests(image, &tests)?;
        let mut left = gas;
        let mut verdict = Verdict::default();
        for (given, test) in (first..).step_by(2).zip(tests) {
            let cap = TEST_GAS.min(left);
            let mut copy = self.copy_for(&image, cap);
            let failed = copy.trial(given, region).err();
            let gas = cap - copy.agent.gas;
            left -= gas;
            let name = image.program().tests[test].name.clone();
            verdict.tests.push(Tested { test, name, failed, gas });
        }
        Ok(verdict)
    }

    /// A copy of the agent outside all calls, with so much gas.
    fn copy_for(&self, image: &Arc<Image>, gas: u64) -> Self {
        let mut copy = self.clone();
        // As a running machine's, before the registers that are left out become others.
        copy.open();
        copy.stack.truncate(WINDOW);
        copy.frames.clear();
        (copy.base, copy.live) = (0, WINDOW);
        (copy.pending, copy.end) = (None, None);
        copy.image = image.clone();
        if copy.waits_to_rewrite() {
            // It is in the image already.
            copy.agent.rewrites.own().waiting.clear();
        }
        (copy.agent.gas, copy.agent.gas_limit) = (gas, gas);
        copy
    }

    /// Runs `given`, the region, and `expect`, which is the region behind `given`.
    fn trial(&mut self, given: u32, region: u32) -> Result<(), String> {
        self.go_through(given)?;
        self.go_through(region)?;
        self.go_through(given + 1)
    }

    /// Runs a region from its beginning until control leaves it.
    fn go_through(&mut self, region: u32) -> Result<(), String> {
        (self.region, self.pc, self.end) = (region, 0, None);
        if self.image.program().regions[region as usize].code.is_empty() {
            return Ok(());
        }
        while self.region == region || !self.frames.is_empty() {
            match self.turn(u64::MAX, &mut ()) {
                None | Some(Pause::Slice) => {}
                Some(Pause::Effect(request)) => {
                    let message = "a test asks nobody";
                    let answer = Answer::failed(FailureCode::NoProvider, message);
                    // It is the one that waits.
                    let _ = self.answer(request.id, answer, &mut ());
                }
                Some(Pause::End(End::Halted(_))) => return Ok(()),
                Some(Pause::End(End::Exhausted(meter))) => {
                    return Err(format!("out of {}", meter.name()));
                }
                Some(Pause::End(End::Trapped(trap))) => return Err(format!("{trap}")),
            }
        }
        Ok(())
    }
}

/// The program with the blocks of its tests as regions, two each, and the index of the first.
fn with_tests(image: &Image, tests: &[usize]) -> Result<(Arc<Image>, u32), Failure> {
    let program: &Program = image.program();
    let mut program = program.clone();
    let first = program.regions.len() as u32;
    for (nth, at) in tests.iter().enumerate() {
        let test = program.tests[*at].clone();
        for (block, what) in [(test.given, "given"), (test.expect, "expect")] {
            program.regions.push(Region { name: format!("@{what} {nth}"), ..block });
        }
    }
    let verified = avm_ir::verify(program)
        .map_err(|error| failure(FailureCode::InvalidArgument, format!("the tests: {error}")))?;
    Ok((Arc::new(image.with(verified, &[false; WINDOW])), first))
}
