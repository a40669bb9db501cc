//! Records: fields sorted by name, so that equal records have equal bytes and no chosen key can
//! make a lookup slow.

use alloc::{collections::BTreeMap, sync::Arc};

use super::{Text, Value, sums::Sums};

/// Memory counted for an empty record, in bytes: pointer block, header and one tree node.
const RECORD_OVERHEAD: u64 = 400;
/// Memory counted for a field besides its name's bytes and its value's memory, in bytes.
const FIELD: u64 = 150;

/// A record: one pointer, cloned in constant time, written in place while nobody else holds it.
#[derive(Clone)]
pub struct Record(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    fields: BTreeMap<Text, Value>,
    sums: Sums,
}

impl Record {
    /// A record without fields.
    pub fn new() -> Self {
        Self(Arc::new(Inner { fields: BTreeMap::new(), sums: Sums::new() }))
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.0.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.0.fields.is_empty()
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.fields.get(name)
    }

    /// Names and values, by name.
    pub fn iter(&self) -> alloc::collections::btree_map::Iter<'_, Text, Value> {
        self.0.fields.iter()
    }

    /// Length of the canonical encoding, in bytes.
    pub fn encoded_len(&self) -> u64 {
        5 + self.0.sums.encoded
    }

    /// Memory as the limit counts it, in bytes.
    pub fn heap(&self) -> u64 {
        RECORD_OVERHEAD + self.0.sums.heap
    }

    /// Levels of lists and records, 1 for a record of scalars.
    pub fn nesting(&self) -> u32 {
        self.0.sums.nesting(self.0.fields.values())
    }

    pub(super) fn exact_nesting(&self) -> u32 {
        self.0.sums.exact_nesting(self.0.fields.values())
    }

    /// Memory that a new field of this name adds besides its value's, in bytes.
    pub fn field_heap(name: &str) -> u64 {
        FIELD + name.len() as u64
    }

    /// Sets a field and returns what it was.
    pub fn insert(&mut self, name: Text, value: Value) -> Option<Value> {
        let inner = Arc::make_mut(&mut self.0);
        inner.sums.add(&value);
        if let Some(slot) = inner.fields.get_mut(name.as_str()) {
            let old = core::mem::replace(slot, value);
            inner.sums.subtract(&old);
            return Some(old);
        }
        inner.sums.encoded += 4 + name.len() as u64;
        inner.sums.heap += Self::field_heap(&name);
        inner.fields.insert(name, value);
        None
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        if !self.0.fields.contains_key(name) {
            return None;
        }
        let inner = Arc::make_mut(&mut self.0);
        let old = inner.fields.remove(name)?;
        inner.sums.subtract(&old);
        inner.sums.encoded -= 4 + name.len() as u64;
        inner.sums.heap -= Self::field_heap(name);
        Some(old)
    }
}

impl Default for Record {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Into<Text>> FromIterator<(K, Value)> for Record {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(fields: I) -> Self {
        let mut record = Self::new();
        for (name, value) in fields {
            record.insert(name.into(), value);
        }
        record
    }
}

impl core::fmt::Debug for Record {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
