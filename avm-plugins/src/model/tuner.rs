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
use avm_vm::{Config, Image, Limits, Machine, Verdict};

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

/// What comes of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned {
    /// A region's text that may do better than the one in the input, as a proposal
    /// `{text, change, empty}`; or `NULL`.
    pub proposal: Value,
    /// Nanogas that the tests used, as the sandbox would charge them.
    pub gas: u64,
}

/// Looks for a change of the code in the input. The same program, input and keys give the same.
///
/// # Errors
/// The input has no code, or not the code of a region that can be changed.
pub fn tune(program: &Program, input: &Value, keys: Keys) -> Result<Tuned, Refusal> {
    let input = Input::read(input, program)?;
    let present = patch_text(program, &input.region, input.code, false)
        .map_err(|refused| Refusal::invalid(format!("the code in the input: {refused}")))?;
    let Some(now) = verdict(present.program, &input.region) else {
        return Err(Refusal::invalid("the tests of the region cannot be run"));
    };
    let mut gas = now.gas();
    let mut unseen = input.rounds_without_gain();
    let mut best: Option<(usize, Neighbour)> = None;
    let seed = keys.seed.wrapping_add(input.seed);
    for candidate in neighbours(input.code, keys.step, seed).take(keys.most) {
        let Ok(patched) = patch_text(program, &input.region, &candidate.text, false) else {
            continue;
        };
        let Some(then) = verdict(patched.program, &input.region) else { continue };
        gas += then.gas();
        let most = best.as_ref().map_or(now.passed(), |(passed, _)| *passed);
        let found = match now.failed() {
            0 => then.failed() == 0,
            _ => then.passed() > most,
        };
        if !found {
            continue;
        }
        if now.failed() == 0 && unseen > 0 {
            // It was offered before, measured, and not kept.
            unseen -= 1;
            continue;
        }
        best = Some((then.passed(), candidate));
        if then.failed() == 0 {
            break;
        }
    }
    let proposal = best.map_or(Value::Null, |(_, candidate)| candidate.proposal());
    Ok(Tuned { proposal, gas })
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

/// Runs the tests of a region on a fresh agent; `None` if there can be none. Nobody is asked.
fn verdict(program: Program, region: &str) -> Option<Verdict> {
    let inputs = program.inputs.iter().filter(|input| input.default.is_none());
    let name = |register: u8| program.registers.get(usize::from(register)).cloned();
    let inputs = inputs.filter_map(|input| Some((name(input.register)?, Value::Null))).collect();
    let image = Image::new(verify(program).ok()?, &Schedule::v1());
    let limits = Limits { memory: TEST_MEMORY, ..Limits::default() };
    let machine = Machine::new(Arc::new(image), Config { inputs, limits, ..Config::default() });
    machine.ok()?.test_region(region, MOST_TESTS, TEST_GAS).ok()
}

#[cfg(test)]
mod tests;
