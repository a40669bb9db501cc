//! The embedded providers: what every `avm` carries and what answers without network, key or weights.

mod documents;

use avm_ir::Value;

pub use documents::Collections;

use crate::{
    model::{extractive, hash_embed},
    provider::{Call, Model, Outcome, Refusal, Reply},
};

/// `builtin:hash-embed` as a provider; see [`hash_embed`].
#[derive(Clone, Copy, Debug, Default)]
pub struct HashEmbed;

impl Model for HashEmbed {
    fn describe(&self) -> String {
        format!(
            "feature hashing into {} dimensions; knows words, not meanings",
            hash_embed::DIMENSIONS
        )
    }

    fn infer(&mut self, _: &Call, _: &Value) -> Outcome {
        let name = hash_embed::NAME;
        Err(Refusal::invalid(format!(
            "{name} makes embeddings and answers nothing; use CALC_EMBED"
        )))
    }

    fn embed(&mut self, _: &Call, text: &str) -> Result<Vec<f32>, Refusal> {
        Ok(hash_embed::embed(text))
    }
}

/// `builtin:extractive` as a provider; see [`extractive`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Extractive;

impl Model for Extractive {
    fn describe(&self) -> String {
        "quotes sentences of the passages it is given; writes none of its own".to_owned()
    }

    fn infer(&mut self, call: &Call, input: &Value) -> Outcome {
        let Value::Text(text) = input else {
            let (name, found) = (extractive::NAME, input.type_name());
            return Err(Refusal::invalid(format!(
                "{name} wants a text, a question with its passages, found {found}"
            )));
        };
        call.fits(Reply::new(Value::from(extractive::answer(text)), 0))
    }

    fn embed(&mut self, _: &Call, _: &str) -> Result<Vec<f32>, Refusal> {
        let (name, other) = (extractive::NAME, hash_embed::NAME);
        Err(Refusal::invalid(format!("{name} makes no embeddings; use {other}")))
    }
}
