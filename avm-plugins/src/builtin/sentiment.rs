//! `builtin:sentiment` as a provider.

use avm_ir::Value;
use avm_vm::Spend;

use crate::{
    model::sentiment,
    provider::{Call, Function, Manifest, Model, Outcome, Provider, Reply, tokens_of},
    shape::Shape,
};

/// `builtin:sentiment`; see [`sentiment`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Sentiment;

impl Provider for Sentiment {
    fn manifest(&self) -> Manifest {
        let about =
            "how positive English text is, by a list of words; knows no irony and no context";
        let takes = "a text, a record with text, or a list of those; gives -1 to 1";
        let tweet = Shape::record([("text", Shape::Text)]);
        let args = Shape::OneOf(vec![Shape::Text, tweet, Shape::list(Shape::Any)]);
        Manifest::pure(about, vec![Function::new("infer", takes, args, Shape::Number)])
    }
}

impl Model for Sentiment {
    fn infer(&self, _: &Call, input: &Value) -> Outcome {
        let score = Value::float(sentiment::sentiment(input)?);
        let spent = Spend { tokens: self.most_tokens(input), ..Spend::NONE };
        Ok(Reply::new(score, 0).spending(spent))
    }

    fn most_tokens(&self, input: &Value) -> u64 {
        tokens_of(input) + tokens_of(&Value::Int(0))
    }
}
