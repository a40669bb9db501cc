//! `builtin:hash-embed` as a provider.

use avm_ir::Value;

use crate::{
    model::hash_embed,
    provider::{Call, Function, Manifest, Model, Provider, Refusal, tokens_of},
    shape::Shape,
};

/// `builtin:hash-embed`; see [`hash_embed`].
#[derive(Clone, Copy, Debug, Default)]
pub struct HashEmbed;

impl Provider for HashEmbed {
    fn manifest(&self) -> Manifest {
        let about = format!(
            "feature hashing into {} dimensions; knows words, not meanings",
            hash_embed::DIMENSIONS
        );
        let embed = Function::new("embed", "embedding of a text", Shape::Text, Shape::Vector);
        Manifest::pure(about, vec![embed])
    }
}

impl Model for HashEmbed {
    fn embed(&self, _: &Call, text: &str) -> Result<Vec<f32>, Refusal> {
        Ok(hash_embed::embed(text))
    }

    fn most_tokens(&self, input: &Value) -> u64 {
        tokens_of(input)
    }
}
