//! What a provider is: one trait per kind of thing that a program can reach.
//!
//! A provider does the work and knows nothing of machines, bindings or journals. What is the same
//! for all of them (which name goes to which provider, what happens without one) is the
//! [`Registry`](crate::registry::Registry)'s business; a wrapper of the same trait can add
//! time-outs or retries. A new kind (SQL, tools, chains, GPUs, tasks) is a trait here and an arm in
//! the registry.
//!
//! A call that fails is a value ([`Refusal`]), never a panic: the program sees the failure in the
//! status word of the instruction's class and goes on.

use avm_ir::Value;
use avm_vm::{Answer, EffectRequest, Failure, FailureCode};

use crate::docs::collection::Document;

/// What one call may use.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Most bytes ([`Value::size`]) of the outputs together.
    pub max_bytes: u64,
    /// Most units of work; what a unit is depends on the instruction's gas formula.
    pub max_units: u64,
    /// Most nanogas that the call may cost after what was charged already.
    pub max_gas: u64,
    /// The same however often this very effect is asked again.
    pub idempotency_key: [u8; 32],
}

impl Call {
    /// The limits of a request.
    pub const fn of(request: &EffectRequest) -> Self {
        Self {
            max_bytes: request.max_bytes,
            max_units: request.max_units,
            max_gas: request.max_gas,
            idempotency_key: request.idempotency_key,
        }
    }

    /// Refuses outputs that are larger than the call may return.
    ///
    /// # Errors
    /// [`FailureCode::TooLarge`], for which the work done is still paid.
    pub fn fits(&self, reply: Reply) -> Outcome {
        let bytes: u64 = reply.outputs.iter().map(Value::size).sum();
        // The machine takes short answers whatever the limit, so that "OK" always fits.
        if bytes > self.max_bytes && bytes > 64 {
            let message = format!(
                "the answer has {bytes} bytes, and gas and memory have room for {}",
                self.max_bytes
            );
            let refusal = Refusal::new(FailureCode::TooLarge, message);
            return Err(refusal.after(reply.units));
        }
        Ok(reply)
    }

    /// Refuses work that costs more than the call may, before it is done.
    ///
    /// # Errors
    /// [`FailureCode::GasLimit`] with the units asked for, so that the machine can price them: where
    /// the limit is the gas left, the run ends exhausted before the effect.
    pub fn affords(&self, units: u64) -> Result<(), Refusal> {
        if units <= self.max_units {
            return Ok(());
        }
        let message =
            format!("the call needs {units} units of work, and gas is left for {}", self.max_units);
        Err(Refusal::new(FailureCode::GasLimit, message).after(units))
    }
}

/// What a call gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The outputs in the order of the instruction's row.
    pub outputs: Vec<Value>,
    /// Units of work done.
    pub units: u64,
    /// Nanogas charged on top of the instruction's formula.
    pub cost: u64,
}

impl Reply {
    /// One output after so many units of work.
    pub fn new(output: Value, units: u64) -> Self {
        Self { outputs: vec![output], units, cost: 0 }
    }
}

/// Why a call gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the program sees.
    pub failure: Failure,
    /// Units of work that are paid all the same.
    pub units: u64,
}

impl Refusal {
    /// A refusal before any work.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self { failure: Failure { code, message: message.into() }, units: 0 }
    }

    /// An operand that the provider cannot use.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(FailureCode::InvalidArgument, message)
    }

    /// The same after so many units of work.
    #[must_use]
    pub fn after(self, units: u64) -> Self {
        Self { units, ..self }
    }
}

/// What comes of a call.
pub type Outcome = Result<Reply, Refusal>;

/// The outcome as the machine takes it.
pub fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Ok(Reply { outputs, units, cost }) => Answer { units, cost, ..Answer::outputs(outputs) },
        Err(Refusal { failure, units }) => {
            Answer { result: Err(failure), units, ..Answer::outputs(Vec::new()) }
        }
    }
}

/// A model (`GPU_INFER`, `CALC_EMBED`).
pub trait Model: Send {
    /// One line for people: what it is and what it is not.
    fn describe(&self) -> String;

    /// Answers one input.
    ///
    /// # Errors
    /// The model cannot use the input, or does not answer inputs at all.
    fn infer(&mut self, call: &Call, input: &Value) -> Outcome;

    /// The embedding of a text.
    ///
    /// # Errors
    /// The model makes no embeddings, or cannot use the text.
    fn embed(&mut self, call: &Call, text: &str) -> Result<Vec<f32>, Refusal>;
}

/// What is looked for in a collection (`DOC_SEARCH`).
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// What to be near to.
    pub vector: &'a [f32],
    /// Most results.
    pub top_k: usize,
    /// Relevance against diversity, 0 to 1; `None` for the nearest documents whatever they say.
    pub lambda: Option<f32>,
}

/// A document found, with its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The document.
    pub document: Document,
    /// Cosine of query and document, -1 to 1.
    pub score: f32,
}

/// Document collections (`DOC_STORE`, `DOC_FETCH`, `DOC_SEARCH`, `DELETE_DOC`,
/// `DELETE_COLLECTION`, and the storing half of `DOC_EMBED`).
pub trait Documents: Send {
    /// One line for people.
    fn describe(&self) -> String;

    /// Stores a document, replacing one of the same id.
    ///
    /// # Errors
    /// A bad name, a vector that does not fit the collection, a full collection, a failing disk.
    fn store(&mut self, call: &Call, collection: &str, document: Document) -> Result<(), Refusal>;

    /// The document of an id.
    ///
    /// # Errors
    /// [`FailureCode::NotFound`]; a bad name; a failing disk.
    fn fetch(&mut self, call: &Call, collection: &str, id: &str) -> Result<Document, Refusal>;

    /// The documents that a query is after, best first, and the number of documents compared. A
    /// collection that does not exist is empty.
    ///
    /// # Errors
    /// A query that does not fit the collection; more comparisons than the call affords.
    fn search(
        &mut self,
        call: &Call,
        collection: &str,
        query: &Query<'_>,
    ) -> Result<(Vec<Found>, u64), Refusal>;

    /// Deletes a document.
    ///
    /// # Errors
    /// [`FailureCode::NotFound`]; a bad name; a failing disk.
    fn delete(&mut self, call: &Call, collection: &str, id: &str) -> Result<(), Refusal>;

    /// Deletes a collection and tells how many documents it had.
    ///
    /// # Errors
    /// [`FailureCode::NotFound`]; more documents than the call affords; a failing disk.
    fn drop_collection(&mut self, call: &Call, collection: &str) -> Result<u64, Refusal>;

    /// Returns when every change is on stable storage.
    ///
    /// # Errors
    /// A failing disk.
    fn flush(&mut self) -> Result<(), Refusal>;
}
