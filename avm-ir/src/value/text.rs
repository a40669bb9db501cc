//! Shared UTF-8 text that grows in place while nobody else holds it.

use alloc::string::String;

use triomphe::Arc;

/// A text: one pointer, cloned in constant time.
///
/// It knows whether it is ASCII, so that positions in characters cost nothing in most texts.
#[derive(Clone)]
pub struct Text(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    text: String,
    ascii: bool,
}

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether every character is one byte.
    pub fn is_ascii(&self) -> bool {
        self.0.ascii
    }

    /// Number of characters: constant time for ASCII.
    pub fn chars_len(&self) -> usize {
        if self.0.ascii { self.len() } else { self.chars().count() }
    }

    /// Byte offset of a character's position, at most the length: constant time for ASCII.
    pub fn offset(&self, position: usize) -> usize {
        if self.0.ascii {
            return position.min(self.len());
        }
        self.char_indices().nth(position).map_or(self.len(), |(offset, _)| offset)
    }

    /// Whether both are one text in memory; then they are equal.
    #[inline]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Appends in place if this is the only holder, else on a copy.
    pub fn push_str(&mut self, more: &str) {
        let inner = Arc::make_mut(&mut self.0);
        inner.ascii &= more.is_ascii();
        inner.text.push_str(more);
    }
}

impl core::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl core::borrow::Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl core::fmt::Debug for Text {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Debug::fmt(self.as_str(), f)
    }
}

impl core::fmt::Display for Text {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::from(String::from(text))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Arc::new(Inner { ascii: text.is_ascii(), text }))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl core::hash::Hash for Text {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
