//! A collection of documents in memory.

use super::DocsError;
use super::mmr::{Mmr, search_mmr};
use super::search::{Hit, search};
use super::table::Table;
use super::vector::check;
use std::collections::BTreeMap;
use std::sync::Arc;

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

/// What a document has besides id and vector.
#[derive(Debug)]
struct Words {
    title: String,
    text: String,
}

/// Documents by id, all with vectors of one dimension, which the first document fixes.
///
/// A collection that has lost its last document forgets its dimension.
#[derive(Debug, Default)]
pub struct Collection {
    /// The row of each document.
    rows: BTreeMap<Arc<str>, usize>,
    table: Table,
    /// By row.
    words: Vec<Words>,
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
        self.rows.len()
    }

    /// True without documents.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Components of every vector; `None` while empty.
    pub fn dimension(&self) -> Option<usize> {
        self.table.dimension()
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
        let old = self.rows.get(document.id.as_str());
        // The only document may change the dimension: it would be the first one again.
        let fixed = self.dimension().filter(|_| self.len() > usize::from(old.is_some()));
        check(&document.vector, fixed)?;
        if old.is_none() && self.len() >= self.limits.documents {
            return Err(DocsError::TooManyDocuments { limit: self.limits.documents });
        }
        let rest = self.bytes - old.map_or(0, |row| self.size(*row));
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
        let Document { id, title, text, vector } = document;
        let words = Words { title, text };
        let Some(&row) = self.rows.get(id.as_str()) else {
            let id: Arc<str> = id.into();
            self.rows.insert(Arc::clone(&id), self.table.len());
            self.table.push(id, &vector);
            self.words.push(words);
            return Ok(None);
        };
        self.bytes -= self.size(row);
        let vector = self.table.replace(row, &vector);
        let Words { title, text } = std::mem::replace(&mut self.words[row], words);
        Ok(Some(Document { id, title, text, vector }))
    }

    /// The ids of all documents, ascending.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(|id| &**id)
    }

    /// Whether there is a document of that id.
    pub fn contains(&self, id: &str) -> bool {
        self.rows.contains_key(id)
    }

    /// A copy of the document of that id.
    pub fn get(&self, id: &str) -> Option<Document> {
        let row = *self.rows.get(id)?;
        let Words { title, text } = &self.words[row];
        let vector = self.table.vector(row).to_vec();
        Some(Document { id: id.to_owned(), title: title.clone(), text: text.clone(), vector })
    }

    /// Removes the document of that id and hands it back.
    pub fn delete(&mut self, id: &str) -> Option<Document> {
        let row = self.rows.remove(id)?;
        self.bytes -= self.size(row);
        let vector = self.table.swap_remove(row);
        let Words { title, text } = self.words.swap_remove(row);
        // The last row took its place.
        if row < self.table.len()
            && let Some(place) = self.rows.get_mut(self.table.id(row))
        {
            *place = row;
        }
        Some(Document { id: id.to_owned(), title, text, vector })
    }

    /// Removes every document; tells how many there were.
    pub fn clear(&mut self) -> usize {
        let count = self.len();
        *self = Collection::new(self.limits);
        count
    }

    /// The `top_k` documents closest to `query`; see [`search`].
    ///
    /// # Errors
    /// As [`search`]; also [`DocsError::DimensionMismatch`] unless the collection is empty.
    pub fn search(&self, query: &[f32], top_k: usize) -> Result<Vec<Hit>, DocsError> {
        search(&self.table, query, top_k)
    }

    /// `top_k` documents close to `query` and unlike one another; see [`search_mmr`].
    ///
    /// # Errors
    /// As [`search_mmr`]; also [`DocsError::DimensionMismatch`] unless the collection is empty.
    pub fn search_mmr(&self, query: &[f32], top_k: usize, mmr: Mmr) -> Result<Vec<Hit>, DocsError> {
        search_mmr(&self.table, query, top_k, mmr)
    }

    /// What the document of a row counts, in bytes.
    fn size(&self, row: usize) -> usize {
        let Words { title, text } = &self.words[row];
        self.table.id(row).len() + title.len() + text.len() + size_of_val(self.table.vector(row))
    }
}

fn size(document: &Document) -> usize {
    let Document { id, title, text, vector } = document;
    id.len() + title.len() + text.len() + size_of_val(vector.as_slice())
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
    fn documents_keep_their_vectors_when_others_go() {
        let mut c = Collection::default();
        for (id, x) in [("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0)] {
            c.put(doc(id, id, &[x, 1.0])).unwrap();
        }
        assert_eq!(c.delete("b"), Some(doc("b", "b", &[2.0, 1.0])));
        assert_eq!(c.delete("d"), Some(doc("d", "d", &[4.0, 1.0])));
        assert_eq!(c.get("a"), Some(doc("a", "a", &[1.0, 1.0])));
        assert_eq!(c.get("c"), Some(doc("c", "c", &[3.0, 1.0])));
        assert_eq!(c.ids().collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!((c.contains("d"), c.len(), c.bytes()), (false, 2, 2 * (1 + 1 + 8)));
        let ids: Vec<_> = c.search(&[1.0, 0.0], 9).unwrap().into_iter().map(|h| h.id).collect();
        assert_eq!(ids, ["c", "a"]);
        assert_eq!((c.clear(), c.dimension(), c.bytes()), (2, None, 0));
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
