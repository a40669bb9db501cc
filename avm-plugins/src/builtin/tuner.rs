//! `builtin:tuner` as a provider.

use avm_ir::{Program, Value};
use avm_vm::Spend;
use serde::Deserialize;

use crate::{
    model::tuner,
    provider::{Call, Function, Manifest, Model, Outcome, Provider, Refusal, Reply, tokens_of},
    settings::{BadSettings, Settings},
    shape::Shape,
};

/// Most candidates that a configuration may ask for.
const MOST: usize = 1000;
/// Tokens by which a proposal may be longer than what it was made from.
const LONGER: u64 = 64;

/// `builtin:tuner`; see [`tuner`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Tuner(tuner::Keys);

/// Keys of its configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    step: Option<f64>,
    most: Option<usize>,
    seed: Option<i64>,
}

impl Tuner {
    /// With the keys `step`, `most` and `seed`, or what is left out as embedded.
    ///
    /// # Errors
    /// A key is out of its range.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        let keys: Keys = settings.read()?;
        let default = tuner::Keys::default();
        let step = keys.step.unwrap_or(default.step);
        if !(step > 0.0 && step <= 1.0) {
            return Err(BadSettings::new("step must be more than 0 and at most 1"));
        }
        let most = keys.most.unwrap_or(default.most);
        if !(1..=MOST).contains(&most) {
            return Err(BadSettings::new(format!("most must be 1 to {MOST}")));
        }
        Ok(Self(tuner::Keys { step, most, seed: keys.seed.unwrap_or(default.seed) }))
    }
}

impl Provider for Tuner {
    fn manifest(&self) -> Manifest {
        let about = "changes one number or comparison of a region at a time and tests it; has learnt \
                     nothing and reads no objective";
        let takes = "[logs, code] or {code, logs?, seed?}; gives a region's text, or NULL";
        let proposal =
            Shape::record([("text", Shape::Text), ("change", Shape::Text), ("empty", Shape::Bool)]);
        let result = Shape::OneOf(vec![proposal, Shape::Null]);
        Manifest::pure(about, vec![Function::new("propose", takes, Shape::Any, result)])
    }
}

impl Model for Tuner {
    fn infer(&self, _: &Call, _: &Value) -> Outcome {
        let message = "this model proposes code and answers nothing; ask it with SEPARATE_PROMPT";
        Err(Refusal::invalid(message))
    }

    fn most_tokens(&self, input: &Value) -> u64 {
        2 * tokens_of(input) + LONGER
    }

    fn propose(&self, _: &Call, input: &Value, _: &str, code: Option<&Program>) -> Outcome {
        let code = code.ok_or_else(|| Refusal::invalid("the request came without the code"))?;
        let tuner::Tuned { proposal, gas } = tuner::tune(code, input, self.0)?;
        let tokens = (tokens_of(input) + tokens_of(&proposal)).min(self.most_tokens(input));
        let reply = Reply { cost: gas, ..Reply::new(proposal, 0) };
        Ok(reply.spending(Spend { tokens, ..Spend::NONE }))
    }
}
