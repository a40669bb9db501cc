//! Lists: a shared vector of values that knows its canonical length, memory and depth.

use alloc::vec::Vec;

use triomphe::Arc;

use super::{Scalar, Text, Value, fields::Pool, sums::Sums};

/// Memory counted for an empty list, in bytes: pointer block, header and the smallest allocation.
const LIST_OVERHEAD: u64 = 160;

/// A list: one pointer, cloned in constant time, written in place while nobody else holds it.
#[derive(Clone)]
pub struct List(Arc<Inner>);

struct Inner {
    items: Vec<Value>,
    sums: Sums,
}

impl Inner {
    /// Whether nothing in it has memory of its own: every container counts some.
    const fn is_flat(&self) -> bool {
        self.sums.heap == 0
    }
}

impl Clone for Inner {
    /// A list that is written to while somebody else holds it is copied whole. Long ones are mostly
    /// of numbers; where it is known that a few in a row are, those take a fifth of the time.
    fn clone(&self) -> Self {
        let mut items = Vec::with_capacity(self.items.len());
        for row in self.items.chunks(32) {
            if row.iter().all(|item| matches!(item, Value::Int(_))) {
                items.extend(row.iter().map(|item| Value::Int(int(item))));
            } else if row.iter().all(|item| matches!(item, Value::Float(_))) {
                items.extend(row.iter().map(|item| Value::Float(float(item))));
            } else {
                items.extend_from_slice(row);
            }
        }
        Self { items, sums: self.sums.clone() }
    }
}

const fn int(value: &Value) -> i64 {
    if let Value::Int(int) = value { *int } else { 0 }
}

const fn float(value: &Value) -> f64 {
    if let Value::Float(float) = value { *float } else { 0.0 }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.is_flat() {
            // Nothing to be freed but the list itself.
            core::mem::take(&mut self.items).into_iter().for_each(core::mem::forget);
        }
    }
}

/// An item of a list, in place: numbers and bools in it may be written, nothing else.
#[derive(Debug)]
pub struct Item<'a>(&'a mut Value);

impl Item<'_> {
    /// Writes a scalar over another of its kind in an item of this item.
    #[inline]
    pub fn set_item(self, index: usize, value: Scalar) -> bool {
        let Value::List(list) = self.0 else { return false };
        list.set_own(index, value)
    }

    /// Writes a scalar over another of its kind in a field of this item.
    #[inline]
    pub fn set_field_at(self, place: usize, name: &Text, value: Scalar) -> bool {
        let Value::Record(record) = self.0 else { return false };
        record.set_own_at(place, name, value)
    }
}

impl List {
    /// Memory counted for an item's slot, in bytes.
    pub const ITEM: u64 = 16;

    /// An empty list.
    pub fn new() -> Self {
        Self::from(Vec::new())
    }

    /// Number of items.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.items.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.0.items.is_empty()
    }

    /// The items.
    #[inline]
    pub fn as_slice(&self) -> &[Value] {
        &self.0.items
    }

    /// The item at a position.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.0.items.get(index)
    }

    /// The items in order.
    pub fn iter(&self) -> core::slice::Iter<'_, Value> {
        self.0.items.iter()
    }

    pub(super) fn share(&mut self, pool: &mut Pool) {
        for item in &mut Arc::make_mut(&mut self.0).items {
            item.share(pool);
        }
    }

    /// Length of the canonical encoding, in bytes.
    pub fn encoded_len(&self) -> u64 {
        5 + self.0.sums.encoded
    }

    /// Memory as the limit counts it, in bytes.
    #[inline]
    pub fn heap(&self) -> u64 {
        LIST_OVERHEAD + Self::ITEM * self.len() as u64 + self.0.sums.heap
    }

    /// Levels of lists and records, 1 for a list of scalars.
    pub fn nesting(&self) -> u32 {
        self.0.sums.nesting(self.iter())
    }

    pub(super) fn exact_nesting(&self) -> u32 {
        self.0.sums.exact_nesting(self.iter())
    }

    /// Replaces the item at a position that exists, and returns the old one.
    pub fn replace(&mut self, index: usize, value: Value) -> Option<Value> {
        let inner = Arc::make_mut(&mut self.0);
        if index >= inner.items.len() {
            return None;
        }
        let old = core::mem::replace(&mut inner.items[index], value);
        inner.sums.exchange(&old, &inner.items[index]);
        Some(old)
    }

    /// Replaces a scalar by another of the same kind in a list that nobody else holds; `false`, and
    /// nothing is done, where there is something else.
    #[inline]
    pub fn set_own(&mut self, index: usize, value: Scalar) -> bool {
        let Some(inner) = Arc::get_mut(&mut self.0) else { return false };
        let Some(slot) = inner.items.get_mut(index) else { return false };
        slot.set_alike(value)
    }

    /// The item at a position in a list that nobody else holds, to be written by somebody who keeps
    /// the sums: a scalar over another of its kind changes none.
    #[inline]
    pub fn own_item(&mut self, index: usize) -> Option<Item<'_>> {
        let inner = Arc::get_mut(&mut self.0)?;
        inner.items.get_mut(index).map(Item)
    }

    /// Appends an item.
    #[inline]
    pub fn push(&mut self, item: Value) {
        let inner = Arc::make_mut(&mut self.0);
        inner.sums.add(&item);
        inner.items.push(item);
    }

    /// Takes the last item off.
    pub fn pop(&mut self) -> Option<Value> {
        let inner = Arc::make_mut(&mut self.0);
        let item = inner.items.pop()?;
        inner.sums.subtract(&item);
        Some(item)
    }

    /// Puts an item before a position; `false` if there is no such position.
    pub fn insert(&mut self, index: usize, item: Value) -> bool {
        if index > self.len() {
            return false;
        }
        let inner = Arc::make_mut(&mut self.0);
        inner.sums.add(&item);
        inner.items.insert(index, item);
        true
    }

    /// Takes the item at a position out.
    pub fn remove(&mut self, index: usize) -> Option<Value> {
        if index >= self.len() {
            return None;
        }
        let inner = Arc::make_mut(&mut self.0);
        let item = inner.items.remove(index);
        inner.sums.subtract(&item);
        Some(item)
    }
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> Self {
        let mut sums = Sums::new();
        for item in &items {
            sums.add(item);
        }
        Self(Arc::new(Inner { items, sums }))
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::from(items.into_iter().collect::<Vec<_>>())
    }
}

impl core::fmt::Debug for List {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
