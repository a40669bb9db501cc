//! Collections kept in a [`Store`]: written through at once, loaded when first used.
//!
//! Each collection is a tree `docs/NAME` with one entry per document, the id as key. The value is,
//! little-endian: a version byte, the length of the title (u32) and the title, the length of the
//! text (u32) and the text, the number of components (u32) and the components (f32). Nothing may
//! follow. The tree `docs` lists the names of the collections.

use super::DocsError;
use super::collection::{Collection, Document, Limits, check_name};
use crate::store::Store;
use avm_ir::{Value, value::Record};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Largest name of a collection, in bytes.
pub const MAX_NAME_BYTES: usize = 200;

/// Version of the encoding of a document.
const VERSION: u8 = 1;

/// Tree that lists the collections.
const NAMES: &str = "docs";

/// The collections of one store.
pub struct Library {
    store: Arc<dyn Store>,
    loaded: BTreeMap<String, Collection>,
    limits: Limits,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").field("loaded", &self.loaded.keys()).finish_non_exhaustive()
    }
}

impl Library {
    /// The collections in `store`, each with the given limits.
    pub fn new(store: Arc<dyn Store>, limits: Limits) -> Library {
        Library { store, loaded: BTreeMap::new(), limits }
    }

    /// Names of the collections that have a document, ascending.
    ///
    /// # Errors
    /// The store fails.
    pub fn names(&self) -> Result<Vec<String>, DocsError> {
        let mut names = Vec::new();
        self.store.scan(NAMES, b"", &mut |key, _| {
            names.push(String::from_utf8_lossy(key).into_owned());
            ControlFlow::Continue(())
        })?;
        Ok(names)
    }

    /// The collection of that name, read from the store at the first call; empty if there is none.
    ///
    /// # Errors
    /// The name is bad, the store fails, or an entry is damaged or beyond the limits.
    pub fn collection(&mut self, name: &str) -> Result<&Collection, DocsError> {
        self.load(name).map(|c| &*c)
    }

    /// Stores a document, replacing one of the same id; tells whether it replaced one.
    ///
    /// # Errors
    /// As [`Library::collection`] and [`Collection::put`]; the collection is then as before.
    pub fn put(&mut self, name: &str, document: Document) -> Result<bool, DocsError> {
        let store = Arc::clone(&self.store);
        let collection = self.load(name)?;
        collection.check(&document)?;
        // The name first: after a crash in between, a listed empty collection does no harm.
        if collection.is_empty() {
            store.put(NAMES, name.as_bytes(), &[VERSION])?;
        }
        store.put(&tree(name), document.id.as_bytes(), &encode(&document))?;
        Ok(collection.put(document)?.is_some())
    }

    /// Removes a document; tells whether it was there.
    ///
    /// # Errors
    /// As [`Library::collection`].
    pub fn delete(&mut self, name: &str, id: &str) -> Result<bool, DocsError> {
        let store = Arc::clone(&self.store);
        let collection = self.load(name)?;
        if !collection.contains(id) {
            return Ok(false);
        }
        store.delete(&tree(name), id.as_bytes())?;
        collection.delete(id);
        if collection.is_empty() {
            store.delete(NAMES, name.as_bytes())?;
        }
        Ok(true)
    }

    /// Removes a collection with all its documents, damaged ones too; tells whether there was one.
    ///
    /// # Errors
    /// The name is bad or the store fails.
    pub fn drop_collection(&mut self, name: &str) -> Result<bool, DocsError> {
        check_name("collection name", name, MAX_NAME_BYTES)?;
        let had = self.store.drop_tree(&tree(name))?;
        self.store.delete(NAMES, name.as_bytes())?;
        self.loaded.remove(name);
        Ok(had)
    }

    /// Whether it outlives the process.
    pub fn is_durable(&self) -> bool {
        self.store.is_durable()
    }

    /// Returns when all changes are on stable storage.
    ///
    /// # Errors
    /// The store fails.
    pub fn flush(&self) -> Result<(), DocsError> {
        Ok(self.store.flush()?)
    }

    /// Every document as a value, where the store does not outlive the process; else `NULL`.
    ///
    /// # Errors
    /// The store fails.
    pub fn save(&self) -> Result<Value, DocsError> {
        if self.store.is_durable() {
            return Ok(Value::Null);
        }
        let mut collections = Record::new();
        for name in self.names()? {
            let mut documents = Record::new();
            self.store.scan(&tree(&name), b"", &mut |id, document| {
                let id = String::from_utf8_lossy(id).into_owned();
                documents.insert(id.into(), Value::Bytes(document.to_vec().into()));
                ControlFlow::Continue(())
            })?;
            collections.insert(name.into(), Value::Record(documents));
        }
        Ok(Value::Record(collections))
    }

    /// Adds the documents that [`Self::save`] gave.
    ///
    /// # Errors
    /// It is not what was saved, or as [`Self::put`].
    pub fn restore(&mut self, saved: &Value) -> Result<(), DocsError> {
        let corrupt = |collection: &str, id: &str, why| DocsError::Corrupt {
            collection: collection.to_owned(),
            id: id.to_owned(),
            why,
        };
        let Value::Record(collections) = saved else { return Ok(()) };
        for (name, documents) in collections.iter() {
            let Value::Record(documents) = documents else {
                return Err(corrupt(name, "", "the collection is no record"));
            };
            for (id, document) in documents.iter() {
                let Value::Bytes(bytes) = document else {
                    return Err(corrupt(name, id, "the document is no bytes"));
                };
                let document = decode(id, bytes).map_err(|why| corrupt(name, id, why))?;
                self.put(name, document)?;
            }
        }
        Ok(())
    }

    fn load(&mut self, name: &str) -> Result<&mut Collection, DocsError> {
        check_name("collection name", name, MAX_NAME_BYTES)?;
        if !self.loaded.contains_key(name) {
            let collection = self.read(name)?;
            self.loaded.insert(name.to_owned(), collection);
        }
        Ok(self.loaded.entry(name.to_owned()).or_default())
    }

    fn read(&self, name: &str) -> Result<Collection, DocsError> {
        let mut collection = Collection::new(self.limits);
        let mut outcome = Ok(());
        self.store.scan(&tree(name), b"", &mut |key, value| {
            let corrupt = |why| DocsError::Corrupt {
                collection: name.to_owned(),
                id: String::from_utf8_lossy(key).into_owned(),
                why,
            };
            outcome = std::str::from_utf8(key)
                .map_err(|_| "the id is not UTF-8")
                .and_then(|id| decode(id, value))
                .map_err(corrupt)
                .and_then(|document| collection.put(document).map(drop));
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        outcome.map(|()| collection)
    }
}

fn tree(name: &str) -> String {
    format!("{NAMES}/{name}")
}

fn encode(document: &Document) -> Vec<u8> {
    let (title, text) = (document.title.as_bytes(), document.text.as_bytes());
    let mut out = Vec::with_capacity(13 + title.len() + text.len() + 4 * document.vector.len());
    out.push(VERSION);
    // The checks before have bounded every length far below 2^32.
    for part in [title, text] {
        out.extend((part.len() as u32).to_le_bytes());
        out.extend(part);
    }
    out.extend((document.vector.len() as u32).to_le_bytes());
    out.extend(document.vector.iter().flat_map(|x| x.to_le_bytes()));
    out
}

fn decode(id: &str, mut bytes: &[u8]) -> Result<Document, &'static str> {
    match bytes.split_off_first() {
        Some(&VERSION) => {}
        Some(_) => return Err("the version is unknown"),
        None => return Err("the entry is empty"),
    }
    let title = decode_text(&mut bytes)?;
    let text = decode_text(&mut bytes)?;
    let count = decode_u32(&mut bytes)?;
    if count.checked_mul(4) != Some(bytes.len()) {
        return Err("the length of the vector does not fit");
    }
    let (chunks, _) = bytes.as_chunks::<4>();
    let vector = chunks.iter().map(|c| f32::from_le_bytes(*c)).collect();
    Ok(Document { id: id.to_owned(), title, text, vector })
}

fn decode_text(bytes: &mut &[u8]) -> Result<String, &'static str> {
    let len = decode_u32(bytes)?;
    let text = bytes.split_off(..len).ok_or("a text is cut short")?;
    String::from_utf8(text.to_vec()).map_err(|_| "a text is not UTF-8")
}

fn decode_u32(bytes: &mut &[u8]) -> Result<usize, &'static str> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or("a length is cut short")?;
    *bytes = rest;
    usize::try_from(u32::from_le_bytes(*head)).map_err(|_| "a length is too large")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, SledStore};
    use proptest::prelude::*;

    fn doc(id: &str) -> Document {
        Document {
            id: id.into(),
            title: "Title".into(),
            text: "Täxt\n".into(),
            vector: vec![1.0, -0.5],
        }
    }

    #[test]
    fn collections_survive_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let store = Arc::new(SledStore::open(folder.path()).unwrap());
            Library::new(store, Limits::default())
        };
        let mut library = open();
        assert!(!library.put("x", doc("a")).unwrap());
        assert!(library.put("x", doc("a")).unwrap());
        library.put("x", doc("b")).unwrap();
        library.put("y", doc("a")).unwrap();
        library.flush().unwrap();
        drop(library);
        let mut library = open();
        assert_eq!(library.names().unwrap(), ["x", "y"]);
        assert_eq!(library.collection("x").unwrap().get("b"), Some(doc("b")));
        assert!(library.delete("x", "a").unwrap());
        assert!(!library.delete("x", "a").unwrap());
        assert!(library.drop_collection("y").unwrap());
        assert!(!library.drop_collection("y").unwrap());
        drop(library);
        let mut library = open();
        assert_eq!(library.names().unwrap(), ["x"]);
        assert_eq!(library.collection("x").unwrap().len(), 1);
        assert!(library.collection("y").unwrap().is_empty());
    }

    #[test]
    fn damage_is_named_and_can_be_dropped() {
        let store = Arc::new(MemoryStore::new());
        let good = encode(&doc("a"));
        for cut in 0..good.len() {
            assert!(decode("a", &good[..cut]).is_err(), "cut at {cut}");
        }
        assert!(decode("a", &[&good[..], &[0]].concat()).is_err());
        store.put("docs/x", b"a", &good[..good.len() - 1]).unwrap();
        let mut library = Library::new(store, Limits::default());
        let error = library.collection("x").unwrap_err().to_string();
        assert_eq!(
            error,
            "stored document `a` of collection `x` is damaged: the length of the vector does not fit"
        );
        assert!(library.drop_collection("x").unwrap());
        assert!(library.collection("x").unwrap().is_empty());
        assert!(matches!(library.collection(""), Err(DocsError::BadName { .. })));
    }

    proptest! {
        #[test]
        fn documents_round_trip(
            title in ".{0,20}", text in ".{0,200}", vector in prop::collection::vec(-9f32..9.0, 1..9)
        ) {
            let d = Document { id: "i".into(), title, text, vector };
            prop_assert_eq!(decode("i", &encode(&d)), Ok(d));
        }

        #[test]
        fn decoding_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode("i", &bytes);
        }
    }
}
