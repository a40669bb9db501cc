//! A collection of documents in memory.

use super::DocsError;
use super::mmr::{Mmr, search_mmr};
use super::search::{Candidate, Hit, search};
use super::vector::{check, norm};
use std::collections::BTreeMap;

/// Largest document id, in bytes.
pub const MAX_ID_BYTES: usize = 512;

/// A text with its vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Name of the document within its collection.
    pub id: String,
    /// What a reader calls it; may be empty.
    pub title: String,
    /// The text.
    pub text: String,
    /// What a search compares.
    pub vector: Vec<f32>,
}

/// What a collection takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Number of documents.
    pub documents: usize,
    /// Title and text of one document together, in bytes.
    pub text_bytes: usize,
    /// Ids, titles, texts and vectors of all documents together, in bytes.
    pub total_bytes: usize,
}

impl Default for Limits {
    /// 200,000 documents, 1 MiB of text each, 1 GiB together.
    fn default() -> Limits {
        Limits { documents: 200_000, text_bytes: 1 << 20, total_bytes: 1 << 30 }
    }
}

#[derive(Debug)]
struct Entry {
    document: Document,
    norm: f64,
}

/// Documents by id, all with vectors of one dimension, which the first document fixes.
///
/// A collection that has lost its last document forgets its dimension.
#[derive(Debug, Default)]
pub struct Collection {
    entries: BTreeMap<String, Entry>,
    bytes: usize,
    limits: Limits,
}

impl Collection {
    /// An empty collection with the given limits.
    pub fn new(limits: Limits) -> Collection {
        Collection { limits, ..Collection::default() }
    }

    /// Number of documents.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without documents.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Components of every vector; `None` while empty.
    pub fn dimension(&self) -> Option<usize> {
        self.entries.values().next().map(|e| e.document.vector.len())
    }

    /// Ids, titles, texts and vectors together, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Tells whether [`Collection::put`] would take the document, without storing it.
    ///
    /// # Errors
    /// The reason why it would not.
    pub fn check(&self, document: &Document) -> Result<(), DocsError> {
        check_name("document id", &document.id, MAX_ID_BYTES)?;
        let len = document.title.len() + document.text.len();
        if len > self.limits.text_bytes {
            return Err(DocsError::TextTooLarge { len, limit: self.limits.text_bytes });
        }
        let old = self.entries.get(&document.id);
        // The only document may change the dimension: it would be the first one again.
        let fixed = self.dimension().filter(|_| self.len() > usize::from(old.is_some()));
        check(&document.vector, fixed)?;
        if old.is_none() && self.len() >= self.limits.documents {
            return Err(DocsError::TooManyDocuments { limit: self.limits.documents });
        }
        let rest = self.bytes - old.map_or(0, |e| size(&e.document));
        if rest.saturating_add(size(document)) > self.limits.total_bytes {
            return Err(DocsError::TooManyBytes { limit: self.limits.total_bytes });
        }
        Ok(())
    }

    /// Stores a document, replacing one of the same id; hands back the one it replaced.
    ///
    /// # Errors
    /// A limit is exceeded or the vector does not fit; the collection is then as before.
    pub fn put(&mut self, document: Document) -> Result<Option<Document>, DocsError> {
        self.check(&document)?;
        self.bytes += size(&document);
        let entry = Entry { norm: norm(&document.vector), document };
        let old = self.entries.insert(entry.document.id.clone(), entry).map(|e| e.document);
        self.bytes -= old.as_ref().map_or(0, size);
        Ok(old)
    }

    /// The document of that id.
    pub fn get(&self, id: &str) -> Option<&Document> {
        self.entries.get(id).map(|e| &e.document)
    }

    /// Removes the document of that id and hands it back.
    pub fn delete(&mut self, id: &str) -> Option<Document> {
        let document = self.entries.remove(id)?.document;
        self.bytes -= size(&document);
        Some(document)
    }

    /// Removes every document; tells how many there were.
    pub fn clear(&mut self) -> usize {
        self.bytes = 0;
        std::mem::take(&mut self.entries).len()
    }

    /// All documents, by ascending id.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.entries.values().map(|e| &e.document)
    }

    /// The `top_k` documents closest to `query`; see [`search`].
    ///
    /// # Errors
    /// As [`search`]; also [`DocsError::DimensionMismatch`] unless the collection is empty.
    pub fn search(&self, query: &[f32], top_k: usize) -> Result<Vec<Hit>, DocsError> {
        check(query, self.dimension())?;
        search(self.candidates(), query, top_k)
    }

    /// `top_k` documents close to `query` and unlike one another; see [`search_mmr`].
    ///
    /// # Errors
    /// As [`search_mmr`]; also [`DocsError::DimensionMismatch`] unless the collection is empty.
    pub fn search_mmr(&self, query: &[f32], top_k: usize, mmr: Mmr) -> Result<Vec<Hit>, DocsError> {
        check(query, self.dimension())?;
        search_mmr(self.candidates(), query, top_k, mmr)
    }

    fn candidates(&self) -> impl Iterator<Item = Candidate<'_>> {
        self.entries.values().map(|e| Candidate {
            id: &e.document.id,
            vector: &e.document.vector,
            norm: e.norm,
        })
    }
}

fn size(document: &Document) -> usize {
    document.id.len()
        + document.title.len()
        + document.text.len()
        + document.vector.len() * size_of::<f32>()
}

pub(super) fn check_name(what: &'static str, name: &str, limit: usize) -> Result<(), DocsError> {
    match name.len() {
        len if len == 0 || len > limit => Err(DocsError::BadName { what, len, limit }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(id: &str, text: &str, vector: &[f32]) -> Document {
        Document { id: id.into(), title: String::new(), text: text.into(), vector: vector.into() }
    }

    #[test]
    fn put_get_delete_keep_count_of_bytes() {
        let mut c = Collection::default();
        assert!(c.put(doc("a", "one", &[1.0, 0.0])).unwrap().is_none());
        assert_eq!(c.put(doc("a", "three", &[0.0, 1.0])).unwrap().unwrap().text, "one");
        assert_eq!((c.len(), c.bytes(), c.dimension()), (1, 1 + 5 + 8, Some(2)));
        assert_eq!(c.get("a").unwrap().text, "three");
        assert!(c.delete("b").is_none());
        assert!(c.delete("a").is_some());
        assert_eq!((c.bytes(), c.dimension(), c.clear()), (0, None, 0));
    }

    #[test]
    fn the_first_document_fixes_the_dimension() {
        let mut c = Collection::default();
        c.put(doc("a", "", &[1.0, 0.0])).unwrap();
        c.put(doc("a", "", &[1.0, 0.0, 0.0])).unwrap();
        let refused = c.put(doc("b", "", &[1.0]));
        assert!(matches!(refused, Err(DocsError::DimensionMismatch { got: 1, want: 3 })));
        assert!(matches!(c.search(&[1.0], 1), Err(DocsError::DimensionMismatch { .. })));
        assert_eq!(c.search(&[1.0, 0.0, 0.0], 1).unwrap()[0].id, "a");
    }

    #[test]
    fn limits_refuse_and_change_nothing() {
        let mut c = Collection::new(Limits { documents: 2, text_bytes: 4, total_bytes: 20 });
        assert!(matches!(c.put(doc("", "", &[1.0])), Err(DocsError::BadName { .. })));
        assert!(matches!(c.put(doc("a", "12345", &[1.0])), Err(DocsError::TextTooLarge { .. })));
        c.put(doc("a", "1234", &[1.0])).unwrap();
        assert!(matches!(
            c.put(doc("b", "1234", &[1.0; 1000])),
            Err(DocsError::DimensionMismatch { .. })
        ));
        c.put(doc("b", "1234", &[1.0])).unwrap();
        assert!(matches!(c.put(doc("c", "", &[1.0])), Err(DocsError::TooManyDocuments { .. })));
        assert!(c.put(doc("b", "", &[1.0])).is_ok());
        let mut small = Collection::new(Limits { total_bytes: 8, ..Limits::default() });
        assert!(matches!(small.put(doc("a", "1234", &[1.0])), Err(DocsError::TooManyBytes { .. })));
        assert!(small.is_empty());
    }
}
