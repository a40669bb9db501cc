//! Patches that are tried before they are taken (`SELF_MODIFY_SANDBOX`).
//!
//! A region's tests run on a copy of the agent that has the patch: `given` prepares registers, the
//! region runs until control leaves it, `expect` asserts. The copy shares every value with the agent
//! until it writes one, and is thrown away; all that comes back is what the tests said, and what they
//! cost. It asks nobody: what it asks is answered by the test, or as the agent was answered before.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use avm_ir::{
    Gas, Opcode, Value,
    gas::GAS,
    program::{Fixture, Program, Region},
    value::Record,
};

use super::{End, Image, Machine, Stop};
use crate::{
    effect::{Answer, EffectRequest, Failure, FailureCode},
    exec::WINDOW,
    meter::Budget,
    meter::Meter,
    policy::{Clause, ClauseKind, Invariant},
    rewrite::failure,
};

/// Most nanogas that one test may use.
const TEST_GAS: u64 = 10 * GAS;
/// Tests that are linked with the program at once.
const TOGETHER: usize = 256;
/// Longest reason in the record, in characters.
const MAX_REASON: usize = 200;

/// What the tests of a region said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The tests that ran, in the order of the program.
    pub tests: Vec<Tested>,
    /// What the operator's policy wants to hold and does not, in the agent as it is or after a test.
    pub broken: Option<(Clause, String)>,
    /// Nanogas used to see whether it holds.
    pub held: u64,
    /// Whether something failed for want of gas that the run itself did not have left.
    pub short: bool,
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

    /// Nanogas that all of it used.
    pub fn gas(&self) -> u64 {
        self.held + self.tests.iter().map(|test| test.gas).sum::<u64>()
    }

    /// In a word: `PASS`, `FAIL`, or `UNTESTED` where no test ran.
    pub fn status(&self) -> &'static str {
        match (self.tests.is_empty(), self.failed()) {
            _ if self.broken.is_some() => "FAIL",
            (true, _) => "UNTESTED",
            (_, 0) => "PASS",
            _ => "FAIL",
        }
    }

    /// The record that `SELF_MODIFY_SANDBOX` gives.
    pub fn record(&self) -> Value {
        let tests = self.tests.iter();
        let tests =
            tests.filter_map(|test| Some(format!("{}: {}", test.name, test.failed.as_ref()?)));
        let broken =
            self.broken.iter().map(|(clause, why)| format!("policy clause {clause}: {why}"));
        let short =
            |reason: String| Value::from(reason.chars().take(MAX_REASON).collect::<String>());
        let reasons: Vec<Value> = broken.chain(tests).map(short).collect();
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
        let checks = self.checks(name);
        let mut left = gas;
        let mut verdict = Verdict::default();
        let mut rest = tests.as_slice();
        // Once where there are none, for what has to hold anyway.
        loop {
            let (now, more) = rest.split_at(rest.len().min(TOGETHER));
            let (image, first) = with_tests(image, now, &checks)?;
            let first_check = first + 2 * now.len() as u32;
            if !checks.is_empty() && rest.len() == tests.len() {
                let cap = TEST_GAS.min(left);
                let mut copy = self.copy_for(&image, cap);
                verdict.broken = copy.breaks(&checks, first_check);
                verdict.held = cap - copy.agent.gas;
                verdict.short |= copy.lacked(cap);
                left -= verdict.held;
            }
            for (given, test) in (first..).step_by(2).zip(now) {
                let case = &image.program().tests[*test];
                let cap = TEST_GAS.min(left);
                let mut copy = self.copy_for(&image, cap);
                let failed = copy.trial(given, region, &mut Fixtures::of(&case.answers)).err();
                let gas = cap - copy.agent.gas;
                if failed.is_none() && verdict.broken.is_none() {
                    verdict.broken = copy.breaks(&checks, first_check);
                    verdict.held += cap - copy.agent.gas - gas;
                }
                verdict.short |= copy.lacked(cap);
                left -= cap - copy.agent.gas;
                verdict.tests.push(Tested { test: *test, name: case.name.clone(), failed, gas });
            }
            rest = more;
            if rest.is_empty() {
                return Ok(verdict);
            }
        }
    }

    /// Whether a copy with so much gas ended for want of gas, and had less than a test may have.
    fn lacked(&self, cap: u64) -> bool {
        cap < TEST_GAS && self.end == Some(End::Exhausted(Meter::Gas))
    }

    /// What the operator wants to hold when a region has other code.
    fn checks(&self, region: &str) -> Vec<(Clause, Invariant)> {
        let rules = self.policy().into_iter().flat_map(|policy| policy.rules(region));
        let checks = rules.flat_map(|(own, rules)| {
            let kind = ClauseKind::Invariants;
            let clause = Clause { region: own.map(String::from), kind };
            rules.invariants.iter().map(move |invariant| (clause.clone(), invariant.clone()))
        });
        checks.collect()
    }

    /// The first of what has to hold that does not, by the blocks that assert it.
    fn breaks(&mut self, checks: &[(Clause, Invariant)], first: u32) -> Option<(Clause, String)> {
        (first..).zip(checks).find_map(|(block, (clause, invariant))| {
            let why = self.go_through(block, &mut Fixtures::of(&[])).err()?;
            Some((clause.clone(), format!("{} does not hold: {why}", invariant.text)))
        })
    }

    /// A copy of the agent outside all calls, with so much gas.
    fn copy_for(&self, image: &Arc<Image>, gas: u64) -> Self {
        let mut copy = self.clone();
        // As a running machine's, before the registers that are left out become others.
        copy.open();
        copy.stack.truncate(WINDOW);
        copy.frames.clear();
        copy.interrupts.clear();
        (copy.base, copy.live) = (0, WINDOW);
        (copy.pending, copy.end) = (None, None);
        copy.image = image.clone();
        if copy.waits_to_rewrite() {
            // It is in the image already.
            copy.agent.rewrites.own().waiting.clear();
        }
        (copy.agent.gas, copy.agent.gas_limit) = (gas, gas);
        // Nobody works for a test, so no meter of providers ends it.
        copy.agent.budget = Budget::UNLIMITED;
        copy
    }

    /// Runs `given`, the region, and `expect`, which is the region behind `given`.
    fn trial(
        &mut self,
        given: u32,
        region: u32,
        fixtures: &mut Fixtures<'_>,
    ) -> Result<(), String> {
        self.go_through(given, fixtures)?;
        self.go_through(region, fixtures)?;
        self.go_through(given + 1, fixtures)
    }

    /// Runs a region from its beginning until control leaves it.
    fn go_through(&mut self, region: u32, fixtures: &mut Fixtures<'_>) -> Result<(), String> {
        (self.region, self.pc, self.end) = (region, 0, None);
        if self.image.program().regions[region as usize].code.is_empty() {
            return Ok(());
        }
        while self.region == region || !self.frames.is_empty() {
            match self.turn(u64::MAX, &mut ()) {
                None | Some(Stop::Slice) => {}
                Some(Stop::Effect) => {
                    let Some(request) = self.request().cloned() else { continue };
                    let answer = fixtures.to(&request).or_else(|| self.answered_before(&request));
                    let message = "a test asks nobody";
                    let nobody = || Answer::failed(FailureCode::NoProvider, message);
                    self.answer_in_test(answer.unwrap_or_else(nobody));
                }
                Some(Stop::End) => return self.tested_to_its_end(),
            }
        }
        Ok(())
    }

    /// What it means that code in a test ended the run.
    fn tested_to_its_end(&self) -> Result<(), String> {
        match &self.end {
            None => Ok(()),
            Some(End::Halted(_)) if self.frames.is_empty() => Ok(()),
            // Who ends the run inside a call keeps it from what would have looked at the result.
            Some(End::Halted(_)) => {
                let code = self.image.program().regions.get(self.region as usize);
                let name = code.map_or("", |code| code.name.as_str());
                Err(format!("a function of region {name} ended the run"))
            }
            Some(End::Exhausted(meter)) => Err(format!("out of {}", meter.name())),
            Some(End::Trapped(trap)) => Err(format!("{trap}")),
            Some(End::Unapproved(wanted)) => Err(format!("{wanted}")),
        }
    }

    /// What the agent was answered when it asked the same.
    fn answered_before(&self, request: &EffectRequest) -> Option<Answer> {
        let before = self.agent.answers.to(request.opcode, &request.args)?;
        Some(Answer { result: before.result.clone(), ..Answer::outputs(Vec::new()) })
    }
}

/// The answers that a test brings, and which of them were given.
struct Fixtures<'a> {
    all: &'a [Fixture],
    given: Vec<bool>,
}

impl<'a> Fixtures<'a> {
    fn of(all: &'a [Fixture]) -> Self {
        Self { all, given: alloc::vec![false; all.len()] }
    }

    /// Its answer to a question: those for what the question names, else those for any name, in
    /// turn; the last one stays.
    fn to(&mut self, request: &EffectRequest) -> Option<Answer> {
        let about = request.opcode.info().name_input();
        let about = match about.and_then(|input| request.args.get(input)?.as_ref()) {
            Some(Value::Text(name)) => Some(name.as_str()),
            _ => None,
        };
        let named =
            |at: &usize| self.all[*at].name.is_some() && self.all[*at].name.as_deref() == about;
        let open = |at: &usize| self.all[*at].name.is_none();
        let asked = |at: &usize| self.all[*at].op == request.opcode;
        let all = 0..self.all.len();
        let mut fitting: Vec<usize> = all.clone().filter(asked).filter(named).collect();
        if fitting.is_empty() {
            fitting = all.filter(asked).filter(open).collect();
        }
        let next = fitting.iter().find(|at| !self.given[**at]).or(fitting.last());
        let at = *next?;
        self.given[at] = true;
        Some(match &self.all[at].gives {
            Ok(outputs) => Answer::outputs(outputs.clone()),
            Err(reason) => Answer::failed(FailureCode::Internal, reason.as_str()),
        })
    }
}

/// Whether agents of a program can test code: some region tries patches, and there are tests.
pub(super) fn can_test(program: &Program) -> bool {
    let tries =
        |region: &Region| region.code.iter().any(|instr| instr.op == Opcode::SELF_MODIFY_SANDBOX);
    !program.tests.is_empty() && program.regions.iter().any(tries)
}

/// The program with the blocks of its tests as regions, two each, and behind them those of checks; and
/// the index of the first.
fn with_tests(
    image: &Image,
    tests: &[usize],
    checks: &[(Clause, Invariant)],
) -> Result<(Arc<Image>, u32), Failure> {
    let program: &Program = image.program();
    let mut program = program.clone();
    let first = program.regions.len() as u32;
    for (nth, at) in tests.iter().enumerate() {
        let test = program.tests[*at].clone();
        for (block, what) in [(test.given, "given"), (test.expect, "expect")] {
            program.regions.push(Region { name: format!("@{what} {nth}"), ..block });
        }
    }
    for (nth, (_, invariant)) in checks.iter().enumerate() {
        let block = invariant.check.region.clone();
        program.regions.push(Region { name: format!("@holds {nth}"), ..block });
    }
    let verified = avm_ir::verify(program)
        .map_err(|error| failure(FailureCode::InvalidArgument, format!("the tests: {error}")))?;
    let mut image = image.with(verified, &[false; WINDOW]);
    image.prices = image.prices.of_tests();
    Ok((Arc::new(image), first))
}
