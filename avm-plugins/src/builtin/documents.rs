//! Document collections of a store as a provider.

use std::sync::{Mutex, MutexGuard};

use avm_ir::Value;
use avm_vm::FailureCode;

use crate::{
    docs::{
        DocsError,
        collection::Document,
        mmr::{DEFAULT_FETCH_K, Mmr},
        persist::Library,
        search::MAX_TOP_K,
    },
    provider::{Call, Determinism, Documents, Found, Manifest, Provider, Query, Reaches, Refusal},
};

/// The collections of a [`Library`].
#[derive(Debug)]
pub struct Collections {
    library: Mutex<Library>,
    place: String,
}

impl Collections {
    /// The collections of a library; `place` says to people where they are kept.
    pub fn new(library: Library, place: impl Into<String>) -> Self {
        Self { library: Mutex::new(library), place: place.into() }
    }

    fn library(&self) -> MutexGuard<'_, Library> {
        // A panic while it was held would be a bug of ours; what it holds is still whole.
        self.library.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Provider for Collections {
    fn manifest(&self) -> Manifest {
        Manifest {
            about: format!("exact search, {}", self.place),
            functions: Vec::new(),
            determinism: Determinism::Stateful,
            reaches: match self.library().is_durable() {
                true => Reaches::Files,
                false => Reaches::Nothing,
            },
            cost: 0,
        }
    }

    fn save(&self) -> Value {
        // Only documents in memory are saved, and reading memory does not fail.
        self.library().save().unwrap_or_default()
    }

    fn restore(&self, state: &Value) -> Result<(), Refusal> {
        self.library().restore(state).map_err(refusal)
    }
}

impl Documents for Collections {
    fn store(&self, _: &Call, collection: &str, document: Document) -> Result<(), Refusal> {
        self.library().put(collection, document).map_err(refusal)?;
        Ok(())
    }

    fn fetch(&self, _: &Call, collection: &str, id: &str) -> Result<Document, Refusal> {
        let mut library = self.library();
        let found = library.collection(collection).map_err(refusal)?.get(id);
        found.ok_or_else(|| not_found(collection, Some(id)))
    }

    fn search(
        &self,
        call: &Call,
        collection: &str,
        query: &Query<'_>,
    ) -> Result<(Vec<Found>, u64), Refusal> {
        if !(1..=MAX_TOP_K).contains(&query.top_k) {
            let top_k = query.top_k;
            return Err(Refusal::invalid(format!("top_k must be 1 to {MAX_TOP_K}, not {top_k}")));
        }
        let mut library = self.library();
        let documents = library.collection(collection).map_err(refusal)?;
        let units = comparisons(documents.len(), query);
        call.affords(units)?;
        let hits = match query.lambda {
            None => documents.search(query.vector, query.top_k),
            Some(lambda) => {
                let mmr = Mmr { lambda, ..Mmr::default() };
                documents.search_mmr(query.vector, query.top_k, mmr)
            }
        };
        let found = hits.map_err(refusal)?.into_iter().filter_map(|hit| {
            let document = documents.get(&hit.id)?;
            Some(Found { document, score: hit.score })
        });
        Ok((found.collect(), units))
    }

    fn delete(&self, _: &Call, collection: &str, id: &str) -> Result<(), Refusal> {
        match self.library().delete(collection, id).map_err(refusal)? {
            true => Ok(()),
            false => Err(not_found(collection, Some(id))),
        }
    }

    fn drop_collection(&self, call: &Call, collection: &str) -> Result<u64, Refusal> {
        let mut library = self.library();
        let units = library.collection(collection).map_err(refusal)?.len() as u64;
        call.affords(units)?;
        match library.drop_collection(collection).map_err(refusal)? {
            true => Ok(units),
            false => Err(not_found(collection, None)),
        }
    }

    fn flush(&self) -> Result<(), Refusal> {
        self.library().flush().map_err(refusal)
    }
}

/// Documents compared with the query, and for a diverse search candidates compared with the results
/// chosen before them: each comparison costs the same time.
fn comparisons(documents: usize, query: &Query<'_>) -> u64 {
    let plain = documents as u64;
    if query.lambda.is_none() {
        return plain;
    }
    let candidates = documents.min(DEFAULT_FETCH_K.max(query.top_k)) as u64;
    plain + candidates * query.top_k.min(documents) as u64
}

fn not_found(collection: &str, id: Option<&str>) -> Refusal {
    let message = match id {
        Some(id) => format!("collection \"{collection}\" has no document \"{id}\""),
        None => format!("there is no collection \"{collection}\""),
    };
    Refusal::new(FailureCode::NotFound, message)
}

fn refusal(error: DocsError) -> Refusal {
    let code = match &error {
        DocsError::BadName { .. }
        | DocsError::TextTooLarge { .. }
        | DocsError::BadDimension { .. }
        | DocsError::DimensionMismatch { .. }
        | DocsError::BadComponent { .. }
        | DocsError::TopKTooLarge { .. }
        | DocsError::BadLambda
        | DocsError::TooManyComparisons { .. } => FailureCode::InvalidArgument,
        DocsError::TooManyDocuments { .. } | DocsError::TooManyBytes { .. } => FailureCode::Denied,
        DocsError::Corrupt { .. } | DocsError::Store(_) => FailureCode::Internal,
    };
    Refusal::new(code, error.to_string())
}
