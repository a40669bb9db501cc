//! `builtin:extractive` as a provider.

use avm_ir::Value;
use avm_vm::Spend;

use crate::{
    model::extractive,
    provider::{Call, Function, Manifest, Model, Outcome, Provider, Refusal, Reply, tokens_of},
    shape::Shape,
};

/// Longest answer in tokens: three quotations, as it makes them, and their sources.
const MOST_ANSWER: u64 = 2_048;

/// `builtin:extractive`; see [`extractive`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Extractive;

impl Provider for Extractive {
    fn manifest(&self) -> Manifest {
        let about = "quotes sentences of the passages it is given; writes none of its own";
        let text = "a question with its passages";
        Manifest::pure(about, vec![Function::new("infer", text, Shape::Text, Shape::Text)])
    }
}

impl Model for Extractive {
    fn infer(&self, _: &Call, input: &Value) -> Outcome {
        let Value::Text(text) = input else {
            return Err(Refusal::invalid("wants a text, a question with its passages"));
        };
        let answer = Value::from(extractive::answer(text));
        let tokens = tokens_of(input) + tokens_of(&answer);
        let tokens = tokens.min(self.most_tokens(input));
        Ok(Reply::new(answer, 0).spending(Spend { tokens, ..Spend::NONE }))
    }

    fn most_tokens(&self, input: &Value) -> u64 {
        tokens_of(input) + tokens_of(input).min(MOST_ANSWER)
    }
}
