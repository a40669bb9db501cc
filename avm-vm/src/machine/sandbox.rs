//! Patches that are tried before they are taken (`SELF_MODIFY_SANDBOX`).
//!
//! A region's tests run on a copy of the agent that has the patch: `given` prepares registers, the
//! region runs until control leaves it, `expect` asserts. The copy shares every value with the agent
//! until it writes one, asks nobody, and is thrown away; all that comes back is what the tests said,
//! and what they cost.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use avm_ir::{
    Value,
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
/// Longest reason of a test that failed, in characters.
const MAX_REASON: usize = 200;

/// What the tests of a region said.
#[derive(Debug, Default)]
struct Verdict {
    passed: i64,
    reasons: Vec<Value>,
    gas: u64,
}

impl Machine {
    /// Runs at most so many tests of a region on copies of the agent with other code, within so much
    /// gas. Gives what `RtestResult` says and the nanogas used.
    pub(super) fn try_out(
        &self,
        image: &Image,
        region: u32,
        most: usize,
        gas: u64,
    ) -> Result<(Value, u64), Failure> {
        let name = image.program().regions[region as usize].name.as_str();
        let tests: Vec<usize> = { image.program().tests.iter().enumerate() }
            .filter(|(_, test)| test.region == name)
            .map(|(at, _)| at)
            .take(most)
            .collect();
        let (image, first) = with_tests(image, &tests)?;
        let mut verdict = Verdict::default();
        for (nth, test) in (0..).zip(&tests) {
            let given = first + 2 * nth;
            let cap = TEST_GAS.min(gas - verdict.gas);
            let mut copy = self.copy_for(&image, cap);
            let ran = copy.trial(given, region);
            verdict.gas += cap - copy.agent.gas;
            match ran {
                Ok(()) => verdict.passed += 1,
                Err(why) => {
                    let test = &image.program().tests[*test].name;
                    let reason: String =
                        format!("{test}: {why}").chars().take(MAX_REASON).collect();
                    verdict.reasons.push(reason.into());
                }
            }
        }
        let status = match (verdict.passed, verdict.reasons.is_empty()) {
            (0, true) => "UNTESTED",
            (_, true) => "PASS",
            (_, false) => "FAIL",
        };
        let failed = verdict.reasons.len() as i64;
        let record = Record::from_iter([
            ("status", Value::text(status)),
            ("passed", Value::Int(verdict.passed)),
            ("failed", Value::Int(failed)),
            ("gas", Value::from(format!("{}", avm_ir::Gas(verdict.gas)))),
            ("reasons", verdict.reasons.into()),
        ]);
        Ok((record.into(), verdict.gas))
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
