//! The canonical text of a list of documents, as `text + list` makes it (Y-18, X-43).
//!
//! ```text
//! the text
//!
//! [1] first title
//! first document's text
//!
//! [2] second title
//! second document's text
//! ```
//!
//! A document is a record with `text` and perhaps `title` (else `id`), or a bare text, which has
//! no title. `spec/values.md` shows it to the authors of models.

use alloc::string::String;
use core::fmt::Write;

use avm_ir::value::{List, Value, to_text};

/// Appends the passages of a list to a text. An empty list leaves the text as it is.
pub fn append_passages(text: &str, documents: &List) -> String {
    let mut out = String::from(text);
    for (i, document) in documents.iter().enumerate() {
        let (title, body) = parts(document);
        // Writing to a String cannot fail.
        let _ = write!(out, "\n\n[{}] {}\n{}", i + 1, title.trim_end(), body.trim_end());
    }
    out
}

/// Length in bytes that [`append_passages`] cannot exceed: a byte may become an escape of six.
pub fn passages_bound(text: &str, documents: &List) -> u64 {
    text.len() as u64 + 6 * documents.encoded_len() + 32 * documents.len() as u64
}

fn parts(document: &Value) -> (String, String) {
    match document {
        Value::Record(record) => {
            let field = |name: &str| record.get(name).filter(|value| **value != Value::Null);
            let title = field("title").or_else(|| field("id")).map(to_text).unwrap_or_default();
            let body = field("text").map_or_else(|| to_text(document), to_text);
            (title.replace('\n', " "), body)
        }
        other => (String::new(), to_text(other)),
    }
}
