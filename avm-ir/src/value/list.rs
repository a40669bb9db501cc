//! Lists: a shared vector of values that knows its canonical length, memory and depth.

use alloc::{sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicU32, Ordering};

use super::{MAX_NESTING, Value};

/// Memory counted for an empty list, in bytes: pointer block, header and the smallest allocation.
const LIST_OVERHEAD: u64 = 160;
/// Memory counted for an item's slot, in bytes.
const ITEM: u64 = 16;

/// A list: one pointer, cloned in constant time, written in place while nobody else holds it.
#[derive(Clone)]
pub struct List(Arc<Inner>);

struct Inner {
    items: Vec<Value>,
    /// Sum of the items' canonical lengths.
    encoded: u64,
    /// Sum of the items' memory.
    heap: u64,
    /// Never below the list's nesting; exact once it has been asked for at the limit.
    nesting: AtomicU32,
}

impl Clone for Inner {
    fn clone(&self) -> Self {
        Self {
            items: self.items.clone(),
            encoded: self.encoded,
            heap: self.heap,
            nesting: AtomicU32::new(self.nesting.load(Ordering::Relaxed)),
        }
    }
}

impl Inner {
    fn add(&mut self, item: &Value) {
        self.encoded += item.encoded_len();
        if item.is_heap() {
            self.heap += item.heap();
            self.deepen(item);
        }
    }

    fn subtract(&mut self, item: &Value) {
        self.encoded -= item.encoded_len();
        self.heap -= item.heap();
    }

    fn deepen(&mut self, item: &Value) {
        let nesting = self.nesting.get_mut();
        *nesting = (*nesting).max(item.nesting().saturating_add(1));
    }
}

impl List {
    /// An empty list.
    pub fn new() -> Self {
        Self::from(Vec::new())
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.0.items.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.0.items.is_empty()
    }

    /// The items.
    pub fn as_slice(&self) -> &[Value] {
        &self.0.items
    }

    /// The item at a position.
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.0.items.get(index)
    }

    /// The items in order.
    pub fn iter(&self) -> core::slice::Iter<'_, Value> {
        self.0.items.iter()
    }

    /// Length of the canonical encoding, in bytes.
    pub fn encoded_len(&self) -> u64 {
        5 + self.0.encoded
    }

    /// Memory as the limit counts it, in bytes.
    pub fn heap(&self) -> u64 {
        LIST_OVERHEAD + ITEM * self.len() as u64 + self.0.heap
    }

    /// Levels of lists and records, 1 for a list of scalars. The kept bound is made exact only
    /// where it reaches the limit, so that whether a program is refused depends on its values
    /// alone, not on how they came about.
    pub fn nesting(&self) -> u32 {
        let bound = self.0.nesting.load(Ordering::Relaxed);
        if bound < MAX_NESTING {
            return bound;
        }
        let exact = 1 + self.iter().map(Value::nesting).max().unwrap_or(0);
        self.0.nesting.store(exact, Ordering::Relaxed);
        exact
    }

    /// Replaces the item at a position that exists, and returns the old one.
    pub fn replace(&mut self, index: usize, value: Value) -> Option<Value> {
        let inner = Arc::make_mut(&mut self.0);
        if index >= inner.items.len() {
            return None;
        }
        inner.add(&value);
        let old = core::mem::replace(&mut inner.items[index], value);
        inner.subtract(&old);
        Some(old)
    }

    /// Appends an item.
    pub fn push(&mut self, item: Value) {
        let inner = Arc::make_mut(&mut self.0);
        inner.add(&item);
        inner.items.push(item);
    }

    /// Takes the last item off.
    pub fn pop(&mut self) -> Option<Value> {
        let inner = Arc::make_mut(&mut self.0);
        let item = inner.items.pop()?;
        inner.subtract(&item);
        Some(item)
    }

    /// Puts an item before a position; `false` if there is no such position.
    pub fn insert(&mut self, index: usize, item: Value) -> bool {
        if index > self.len() {
            return false;
        }
        let inner = Arc::make_mut(&mut self.0);
        inner.add(&item);
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
        inner.subtract(&item);
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
        let mut inner =
            Inner { items: Vec::new(), encoded: 0, heap: 0, nesting: AtomicU32::new(1) };
        for item in &items {
            inner.add(item);
        }
        inner.items = items;
        Self(Arc::new(inner))
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
