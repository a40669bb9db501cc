//! `builtin:summary` as a provider.

use avm_ir::Value;
use avm_vm::Spend;

use crate::{
    model::summary,
    provider::{Call, Function, Manifest, Model, Outcome, Provider, Reply, tokens_of},
    shape::Shape,
};

/// `builtin:summary`; see [`summary`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary;

impl Provider for Summary {
    fn manifest(&self) -> Manifest {
        let about = "the sentences of a text that say most, as they are; writes none of its own";
        let takes = "a text, a list of texts, or {text, title?, sentences?, chars?}";
        let texts = Shape::OneOf(vec![Shape::Text, Shape::list(Shape::Text)]);
        let task = Shape::record([
            ("text", texts.clone()),
            ("title?", Shape::Text),
            ("sentences?", Shape::Int),
            ("chars?", Shape::Int),
        ]);
        let args = Shape::OneOf(vec![texts, task]);
        Manifest::pure(about, vec![Function::new("infer", takes, args, Shape::Text)])
    }
}

impl Model for Summary {
    fn infer(&self, _: &Call, input: &Value) -> Outcome {
        let summary = Value::from(summary::summary(input)?);
        let tokens = (tokens_of(input) + tokens_of(&summary)).min(self.most_tokens(input));
        Ok(Reply::new(summary, 0).spending(Spend { tokens, ..Spend::NONE }))
    }

    fn most_tokens(&self, input: &Value) -> u64 {
        // A summary is no longer than its input.
        2 * tokens_of(input)
    }
}
