//! Document collections.

use super::{Call, Provider, Refusal};
use crate::docs::collection::Document;

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
pub trait Documents: Provider {
    /// Stores a document, replacing one of the same id.
    ///
    /// # Errors
    /// A bad name, a vector that does not fit the collection, a full collection, a failing disk.
    fn store(&self, call: &Call, collection: &str, document: Document) -> Result<(), Refusal>;

    /// The document of an id.
    ///
    /// # Errors
    /// [`FailureCode::NotFound`](avm_vm::FailureCode::NotFound); a bad name; a failing disk.
    fn fetch(&self, call: &Call, collection: &str, id: &str) -> Result<Document, Refusal>;

    /// The documents that a query is after, best first, and the number of documents compared. A
    /// collection that does not exist is empty.
    ///
    /// # Errors
    /// A query that does not fit the collection; more comparisons than the call affords.
    fn search(
        &self,
        call: &Call,
        collection: &str,
        query: &Query<'_>,
    ) -> Result<(Vec<Found>, u64), Refusal>;

    /// Deletes a document.
    ///
    /// # Errors
    /// [`FailureCode::NotFound`](avm_vm::FailureCode::NotFound); a bad name; a failing disk.
    fn delete(&self, call: &Call, collection: &str, id: &str) -> Result<(), Refusal>;

    /// Deletes a collection and tells how many documents it had.
    ///
    /// # Errors
    /// [`FailureCode::NotFound`](avm_vm::FailureCode::NotFound); more documents than the call
    /// affords; a failing disk.
    fn drop_collection(&self, call: &Call, collection: &str) -> Result<u64, Refusal>;

    /// Returns when every change is on stable storage.
    ///
    /// # Errors
    /// A failing disk.
    fn flush(&self) -> Result<(), Refusal>;
}
