//! Shared UTF-8 text that grows in place while nobody else holds it.

mod blanks;

use alloc::string::String;
use core::ops::Range;

use compact_str::CompactString;
use triomphe::Arc;

/// A text: one pointer, cloned in constant time.
///
/// It knows whether it is ASCII, so that positions in characters cost nothing in most texts, and
/// its head, which decides most comparisons.
#[derive(Clone)]
pub struct Text(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    /// What has up to 24 bytes lies here and needs no memory of its own.
    text: CompactString,
    head: Head,
}

/// What is told without a look at the text: equal texts have equal heads.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    /// The first four bytes in the order of texts; what is missing is 0.
    front: u32,
    /// The length, as 255 if it is more.
    len: u8,
    ascii: bool,
}

/// The length of heads that do not tell.
const LONG: u8 = u8::MAX;

impl Head {
    #[inline]
    fn new(text: &str, ascii: bool) -> Self {
        let bytes = text.as_bytes();
        let front = match (bytes.first_chunk(), bytes) {
            (Some(first), _) => *first,
            (None, [a, b, c]) => [*a, *b, *c, 0],
            (None, [a, b]) => [*a, *b, 0, 0],
            (None, [a]) => [*a, 0, 0, 0],
            (None, _) => [0; 4],
        };
        let len = bytes.len().min(usize::from(LONG)) as u8;
        Self { front: u32::from_be_bytes(front), len, ascii }
    }
}

impl Text {
    #[inline]
    fn new(text: &str, ascii: bool) -> Self {
        let head = Head::new(text, ascii);
        Self(Arc::new(Inner { text: CompactString::new(text), head }))
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether every character is one byte.
    #[inline]
    pub fn is_ascii(&self) -> bool {
        self.0.head.ascii
    }

    /// Length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        match self.0.head.len {
            LONG => self.0.text.len(),
            len => usize::from(len),
        }
    }

    /// Whether it has no characters.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.head.len == 0
    }

    /// Number of characters: constant time for ASCII.
    pub fn chars_len(&self) -> usize {
        if self.is_ascii() { self.len() } else { self.chars().count() }
    }

    /// Byte offset of a character's position, at most the length: constant time for ASCII.
    pub fn offset(&self, position: usize) -> usize {
        if self.is_ascii() {
            return position.min(self.len());
        }
        self.char_indices().nth(position).map_or(self.len(), |(offset, _)| offset)
    }

    /// Whether both are one text in memory; then they are equal.
    #[inline]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A part of it, from one byte offset to another; panics where they are not between characters.
    pub fn part(&self, range: Range<usize>) -> Self {
        let text = &self.as_str()[range];
        // A part of what is ASCII is not looked at again.
        Self::new(text, self.is_ascii() || text.is_ascii())
    }

    /// Looks at its words in order: what lies between white space.
    pub fn for_words(&self, mut f: impl FnMut(Self)) {
        if !self.is_ascii() {
            return self.split_whitespace().for_each(|word| f(Self::from(word)));
        }
        // Where a word begins, as long as it has not ended.
        let mut begin = None;
        for (at, turns, _) in blanks::turns(self.as_bytes()) {
            let mut turns = turns;
            while turns != 0 {
                let turn = at + turns.trailing_zeros() as usize / 8;
                turns &= turns - 1;
                begin = match begin {
                    None => Some(turn),
                    Some(begin) => {
                        f(self.part(begin..turn));
                        None
                    }
                };
            }
        }
        if let Some(begin) = begin {
            f(self.part(begin..self.len()));
        }
    }

    /// Number of its words.
    pub fn words_len(&self) -> usize {
        if !self.is_ascii() {
            return self.split_whitespace().count();
        }
        let begins = |(_, turns, blanks): (usize, u64, u64)| blanks::count(turns & !blanks);
        blanks::turns(self.as_bytes()).map(begins).sum()
    }

    /// Appends in place if this is the only holder, else on a copy.
    pub fn push_str(&mut self, more: &str) {
        self.append(more, more.is_ascii());
    }

    /// The same with a text.
    pub fn push_text(&mut self, more: &Self) {
        self.append(more, more.is_ascii());
    }

    #[inline]
    fn append(&mut self, more: &str, ascii: bool) {
        if !Arc::is_unique(&self.0) {
            let mut text = CompactString::with_capacity(self.len() + more.len());
            text.push_str(self);
            *self = Self(Arc::new(Inner { text, head: self.0.head }));
        }
        let inner = Arc::make_mut(&mut self.0);
        inner.text.push_str(more);
        let ascii = inner.head.ascii & ascii;
        if inner.head.len == LONG {
            inner.head.ascii = ascii;
        } else {
            inner.head = Head::new(&inner.text, ascii);
        }
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
        Self::new(text, text.is_ascii())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        let head = Head::new(&text, text.is_ascii());
        Self(Arc::new(Inner { text: CompactString::from(text), head }))
    }
}

impl PartialEq for Text {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // The heads of up to four bytes say it all.
        self.is_same(other)
            || self.0.head == other.0.head
                && (self.0.head.len <= 4 || self.as_str() == other.as_str())
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    #[inline]
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        let fronts = self.0.head.front.cmp(&other.0.head.front);
        fronts.then_with(|| self.as_str().cmp(other.as_str()))
    }
}

impl core::hash::Hash for Text {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec::Vec};

    use proptest::prelude::*;

    use super::Text;

    proptest! {
        /// Over the border of short and long ones, alone and shared.
        #[test]
        fn texts_grow_and_know_themselves(
            parts in prop::collection::vec("[ab \t\u{b}\u{1c}é\u{2003}]{0,20}(\\PC{250})?", 0..8),
            ascii in any::<bool>(),
        ) {
            let (mut text, mut model, mut before) = (Text::from(""), String::new(), Vec::new());
            for (at, part) in parts.iter().enumerate() {
                let part: String = part.chars().filter(|c| !ascii || c.is_ascii()).collect();
                if at % 3 == 0 {
                    before.push((text.clone(), model.clone()));
                }
                if at % 2 == 0 { text.push_str(&part) } else { text.push_text(&Text::from(part.as_str())) }
                model.push_str(&part);
            }
            before.push((text, model));
            for (x, a) in &before {
                for (y, b) in &before {
                    prop_assert_eq!((x == y, x.cmp(y)), (a == b, a.cmp(b)));
                }
            }
            for (text, model) in before {
                prop_assert_eq!(text.as_str(), &model);
                prop_assert_eq!((text.is_ascii(), text.len()), (model.is_ascii(), model.len()));
                prop_assert_eq!(&text, &Text::from(model.as_str()));
                prop_assert_eq!(text.words_len(), model.split_whitespace().count());
                let mut words = Vec::new();
                text.for_words(|word| words.push(word));
                prop_assert!(words.iter().eq(&model.split_whitespace().map(Text::from).collect::<Vec<_>>()));
            }
        }
    }
}
