//! Records: fields sorted by name, so that equal records have equal bytes and no chosen key can
//! make a lookup slow.

use triomphe::Arc;

use super::{
    Text, Value,
    fields::{Fields, Pool},
    sums::Sums,
};

/// Memory counted for an empty record, in bytes: pointer block, header and one tree node.
const RECORD_OVERHEAD: u64 = 400;
/// Memory counted for a field besides its name's bytes and its value's memory, in bytes.
const FIELD: u64 = 150;

/// A record: one pointer, cloned in constant time, written in place while nobody else holds it.
#[derive(Clone)]
pub struct Record(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    fields: Fields,
    sums: Sums,
}

impl Record {
    /// A record without fields.
    pub fn new() -> Self {
        Self(Arc::new(Inner { fields: Fields::new(), sums: Sums::new() }))
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.0.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.fields.get(name)
    }

    /// The value of a field whose name is held as a text.
    #[inline]
    pub fn field(&self, name: &Text) -> Option<&Value> {
        self.0.fields.field(name)
    }

    /// The value of the field at a place, if the field was made with this very text: what is read
    /// again and again is found without a search.
    #[inline]
    pub fn field_at(&self, place: usize, name: &Text) -> Option<&Value> {
        self.0.fields.at(place, name)
    }

    /// Where [`Self::field_at`] finds the field, if it was made with this very text.
    pub fn place(&self, name: &Text) -> Option<usize> {
        self.0.fields.place(name)
    }

    /// Writes a scalar over another of its kind, in the field at a place, in a record that nobody
    /// else holds; `false`, and nothing is done, where there is something else.
    #[inline]
    pub fn set_own_at(&mut self, place: usize, name: &Text, value: &Value) -> bool {
        let Some(inner) = Arc::get_mut(&mut self.0) else { return false };
        inner.fields.at_mut(place, name).is_some_and(|slot| slot.set_alike(value))
    }

    /// Names and values, by name.
    pub fn iter(&self) -> super::Fields<'_> {
        self.0.fields.iter()
    }

    pub(super) fn share(&mut self, pool: &mut Pool) {
        Arc::make_mut(&mut self.0).fields.share(pool);
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
        self.0.sums.nesting(self.0.fields.iter().map(|(_, value)| value))
    }

    pub(super) fn exact_nesting(&self) -> u32 {
        self.0.sums.exact_nesting(self.0.fields.iter().map(|(_, value)| value))
    }

    /// Memory that a new field of this name adds besides its value's, in bytes.
    pub fn field_heap(name: &str) -> u64 {
        FIELD + name.len() as u64
    }

    /// Sets a field and returns what it was.
    pub fn insert(&mut self, name: Text, value: Value) -> Option<Value> {
        let value = match self.replace(&name, value) {
            Ok(old) => return Some(old),
            Err(value) => value,
        };
        let inner = Arc::make_mut(&mut self.0);
        inner.sums.add(&value);
        inner.sums.encoded += 4 + name.len() as u64;
        inner.sums.heap += Self::field_heap(&name);
        inner.fields.add(name, value);
        None
    }

    /// Sets a field that is there and returns what it was; gives the value back if it is not.
    #[inline]
    pub fn replace(&mut self, name: &Text, value: Value) -> Result<Value, Value> {
        let inner = Arc::make_mut(&mut self.0);
        let Some(slot) = inner.fields.field_mut(name) else { return Err(value) };
        let old = core::mem::replace(slot, value);
        inner.sums.exchange(&old, slot);
        Ok(old)
    }

    /// Writes a scalar over another of its kind; `false`, and nothing is done, where there is
    /// something else.
    #[inline]
    pub fn set(&mut self, name: &Text, value: &Value) -> bool {
        // A copy would be for nothing where there is no such field.
        if !self.field(name).is_some_and(|old| old.is_alike(value)) {
            return false;
        }
        let fields = &mut Arc::make_mut(&mut self.0).fields;
        fields.field_mut(name).is_some_and(|slot| slot.set_alike(value))
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.get(name)?;
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
