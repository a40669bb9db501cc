//! Lists that still grow, in one heap.

use crate::ast::Arena;

/// Lists one behind another: an inner one ends before the one around it goes on. A list is known
/// by where it begins.
#[derive(Debug)]
pub(crate) struct Pile<T>(Vec<T>);

impl<T> Default for Pile<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy> Pile<T> {
    /// Begins a list.
    pub(crate) fn begin(&mut self, first: T) -> u32 {
        self.0.push(first);
        self.0.len() as u32 - 1
    }

    /// Adds to the innermost list, which begins at `start`.
    pub(crate) fn more(&mut self, start: u32, next: T) -> u32 {
        self.0.push(next);
        start
    }

    /// The innermost list, which begins at `start`; an empty one without.
    pub(super) fn end<'a>(&mut self, start: Option<u32>, arena: &'a Arena) -> &'a [T] {
        let Some(start) = start else { return &[] };
        let list = arena.list(self.from(start));
        self.cut(start);
        list
    }

    /// The items from `start` on.
    pub(super) fn from(&self, start: u32) -> &[T] {
        self.0.get(start as usize..).unwrap_or_default()
    }

    /// Takes the items from `start` on away.
    pub(super) fn cut(&mut self, start: u32) {
        self.0.truncate(start as usize);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
