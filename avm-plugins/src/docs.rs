//! Document collections: exact vector search, diverse search (MMR), and files to passages.
//!
//! Nothing here approximates: a search looks at every document of the collection, sums in a fixed
//! order and breaks ties by document id, so the answer is the same on every machine.

pub mod collection;
pub mod mmr;
pub mod passages;
pub mod persist;
pub mod search;
pub mod table;
pub mod vector;

use crate::store::StoreError;

/// Why a call on a document collection failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocsError {
    /// A name or id is empty or longer than its limit in bytes.
    #[error("{what} must have 1 to {limit} bytes, not {len}")]
    BadName {
        /// Which name: "document id" or "collection name".
        what: &'static str,
        /// Length given, in bytes.
        len: usize,
        /// Largest length, in bytes.
        limit: usize,
    },
    /// Title and text of a document are larger than the collection takes.
    #[error("document text has {len} bytes, the limit is {limit}")]
    TextTooLarge {
        /// Bytes of title and text together.
        len: usize,
        /// Largest size, in bytes.
        limit: usize,
    },
    /// The collection would get too many documents.
    #[error("the collection is full: {limit} documents")]
    TooManyDocuments {
        /// Largest number of documents.
        limit: usize,
    },
    /// The texts and vectors of the collection would get too large together.
    #[error("the collection is full: {limit} bytes")]
    TooManyBytes {
        /// Largest sum, in bytes.
        limit: usize,
    },
    /// A vector has no component or more than the collection takes.
    #[error("a vector must have 1 to {limit} dimensions, not {len}")]
    BadDimension {
        /// Components given.
        len: usize,
        /// Largest number of components.
        limit: usize,
    },
    /// A vector does not have the dimension that the first document fixed.
    #[error("the vector has {got} dimensions, the collection has {want}")]
    DimensionMismatch {
        /// Components given.
        got: usize,
        /// Components of the vectors in the collection.
        want: usize,
    },
    /// A component is NaN, infinite or beyond [`vector::MAX_COMPONENT`].
    #[error("component {index} of the vector is not a usable number")]
    BadComponent {
        /// Index of the first such component.
        index: usize,
    },
    /// More results asked for than [`search::MAX_TOP_K`].
    #[error("asked for {asked} results, the limit is {limit}")]
    TopKTooLarge {
        /// Results asked for.
        asked: usize,
        /// Largest number of results.
        limit: usize,
    },
    /// The balance of MMR is not a number from 0 to 1.
    #[error("lambda must be from 0 to 1")]
    BadLambda,
    /// Results times candidates exceed [`mmr::MAX_COMPARISONS`].
    #[error(
        "{comparisons} comparisons for this diverse search, the limit is {limit}; ask for fewer \
         candidates"
    )]
    TooManyComparisons {
        /// Vector comparisons the call would need.
        comparisons: u64,
        /// Largest number of comparisons.
        limit: u64,
    },
    /// A stored document cannot be read back.
    #[error("stored document `{id}` of collection `{collection}` is damaged: {why}")]
    Corrupt {
        /// Collection of the entry.
        collection: String,
        /// Document id of the entry.
        id: String,
        /// What does not fit.
        why: &'static str,
    },
    /// The store below failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
