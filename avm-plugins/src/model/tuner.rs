//! `builtin:tuner`: one step of hill climbing on a region of an agent's own code, behind
//! `SEPARATE_PROMPT` (whitepaper §8.3, P-60).
//!
//! It changes one number or one comparison of the text that `SELF_READ` gave, keeps only what
//! assembles and passes the region's tests, and offers the first such change that it has not offered
//! yet for this code. It has learnt nothing and understands nothing: whether a change is worth keeping
//! the agent finds out and says in its notes.

mod input;
mod neighbours;

use std::sync::Arc;

use avm_asm::patch::patch_text;
use avm_ir::{Program, Schedule, Value, gas::GAS, value::Record, verify};
use avm_vm::{Config, Image, Limits, Machine};

use crate::provider::Refusal;
use input::Input;
use neighbours::{Neighbour, neighbours};

/// Most nanogas that all tests of one candidate may use together.
const TEST_GAS: u64 = GAS;
/// Most tests of a region that a candidate has to pass.
const MOST_TESTS: usize = 100;
/// Most bytes that a candidate may take while it is tested.
const TEST_MEMORY: u64 = 64 << 20;

/// How far the tuner goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keys {
    /// Part of a number by which it is changed at first, more than 0 and at most 1.
    pub step: f64,
    /// Most candidates that are assembled and tested in one call.
    pub most: usize,
    /// Another one gives another order.
    pub seed: i64,
}

impl Default for Keys {
    fn default() -> Self {
        Self { step: 0.25, most: 64, seed: 0 }
    }
}

/// A region's text that may do better than the one in the input, as a proposal `{text, change, empty}`,
/// or `NULL`.
///
/// The same program, input and keys give the same.
///
/// # Errors
/// The input has no code, or not the code of a region that can be changed.
pub fn tune(program: &Program, input: &Value, keys: Keys) -> Result<Value, Refusal> {
    let input = Input::read(input, program)?;
    let present = patch_text(program, &input.region, input.code, false)
        .map_err(|refused| Refusal::invalid(format!("the code in the input: {refused}")))?;
    let Some(now) = passed(present.program, &input.region) else {
        return Err(Refusal::invalid("the tests of the region cannot be run"));
    };
    let mut unseen = input.rounds_without_gain();
    let mut best: Option<(usize, Neighbour)> = None;
    let seed = keys.seed.wrapping_add(input.seed);
    for candidate in neighbours(input.code, keys.step, seed).take(keys.most) {
        let Ok(patched) = patch_text(program, &input.region, &candidate.text, false) else {
            continue;
        };
        let Some(then) = passed(patched.program, &input.region) else { continue };
        if now.failed == 0 {
            // What was offered before was measured and not kept.
            match (then.failed, unseen) {
                (0, 0) => return Ok(candidate.proposal()),
                (0, _) => unseen -= 1,
                _ => {}
            }
        } else if then.passed > best.as_ref().map_or(now.passed, |(passed, _)| *passed) {
            let done = then.failed == 0;
            best = Some((then.passed, candidate));
            if done {
                break;
            }
        }
    }
    Ok(best.map_or(Value::Null, |(_, candidate)| candidate.proposal()))
}

impl Neighbour {
    /// As programs read it: `NULL` and a proposal with `empty` alike say that there is nothing.
    fn proposal(self) -> Value {
        Value::Record(Record::from_iter([
            ("text", Value::from(self.text)),
            ("change", Value::from(self.change)),
            ("empty", Value::Bool(false)),
        ]))
    }
}

/// How many tests of a region pass and fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Passed {
    passed: usize,
    failed: usize,
}

/// Runs the tests of a region on a fresh agent; `None` if there can be none. Nobody is asked.
fn passed(program: Program, region: &str) -> Option<Passed> {
    let inputs = program.inputs.iter().filter(|input| input.default.is_none());
    let name = |register: u8| program.registers.get(usize::from(register)).cloned();
    let inputs = inputs.filter_map(|input| Some((name(input.register)?, Value::Null))).collect();
    let image = Image::new(verify(program).ok()?, &Schedule::v1());
    let limits = Limits { memory: TEST_MEMORY, ..Limits::default() };
    let machine = Machine::new(Arc::new(image), Config { inputs, limits, ..Config::default() });
    let verdict = machine.ok()?.test_region(region, MOST_TESTS, TEST_GAS).ok()?;
    Some(Passed { passed: verdict.passed(), failed: verdict.failed() })
}

#[cfg(test)]
mod tests;
