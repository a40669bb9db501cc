//! Models.

use avm_ir::{Program, Value};
use avm_vm::FailureCode;

use super::{Call, Outcome, Provider, Refusal};

/// A model (`GPU_INFER`, `MAP_MODEL_CALL`, `CALC_EMBED`, `DOC_EMBED`, `SEPARATE_PROMPT`).
///
/// What it used up in tokens it says in the reply; see [`tokens_of`].
pub trait Model: Provider {
    /// Answers one input.
    ///
    /// # Errors
    /// The model cannot use the input, or does not answer inputs at all.
    fn infer(&self, _call: &Call, _input: &Value) -> Outcome {
        let message = "this model makes embeddings and answers nothing; use CALC_EMBED";
        Err(Refusal::invalid(message))
    }

    /// The embedding of a text.
    ///
    /// # Errors
    /// The model makes no embeddings, or cannot use the text.
    fn embed(&self, _call: &Call, _text: &str) -> Result<Vec<f32>, Refusal> {
        let message = "this model answers inputs and makes no embeddings; use builtin:hash-embed";
        Err(Refusal::invalid(message))
    }

    /// Most tokens that answering an input may take, reserved before a call. Must not depend on
    /// anything but the input.
    fn most_tokens(&self, input: &Value) -> u64;

    /// Proposes a patch or other advice (`SEPARATE_PROMPT`). `code` is the program of the agent that
    /// asks, as it is now; to be looked at alone, as what is proposed is believed no more than any patch.
    ///
    /// # Errors
    /// The model proposes nothing.
    fn propose(
        &self,
        _call: &Call,
        _input: &Value,
        _objective: &str,
        _code: Option<&Program>,
    ) -> Outcome {
        Err(Refusal::new(FailureCode::NoProvider, "this model proposes no patches"))
    }
}

/// Tokens of a value as the embedded models count them: a token for every four bytes or part of
/// them, the usual rule of thumb for English text.
pub fn tokens_of(value: &Value) -> u64 {
    value.size().div_ceil(4)
}
