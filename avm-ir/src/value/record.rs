//! Records: fields sorted by name, so that equal records have equal bytes and no chosen key can
//! make a lookup slow.

use alloc::vec::Vec;

use triomphe::Arc;

use super::{
    Scalar, Text, Value,
    fields::{Fields, Names, Place, Pool},
    sums::Sums,
};

/// Memory counted for an empty record, in bytes: pointer block, header and what many fields
/// take once.
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

impl Inner {
    /// Writes the field at a place and gives what was there.
    #[inline]
    fn exchange(&mut self, place: Place, value: Value) -> Value {
        let slot = self.fields.value_mut(place);
        let old = core::mem::replace(slot, value);
        self.sums.exchange(&old, slot);
        old
    }
}

/// Adds a field to the sums.
#[inline]
fn count(sums: &mut Sums, name: &Text, value: &Value) {
    sums.add(value);
    sums.encoded += 4 + name.len() as u64;
    sums.heap += Record::field_heap(name);
}

impl Record {
    /// A record without fields.
    pub fn new() -> Self {
        Self(Arc::new(Inner { fields: Fields::new(), sums: Sums::new() }))
    }

    /// Of fields in any order; of those with the same name the last counts.
    pub fn of(fields: Vec<(Text, Value)>) -> Self {
        let fields = match Fields::of(fields) {
            Ok(fields) => fields,
            Err(fields) => return fields.into_iter().collect(),
        };
        let mut sums = Sums::new();
        for (name, value) in fields.iter() {
            count(&mut sums, name, value);
        }
        Self(Arc::new(Inner { fields, sums }))
    }

    /// Of a value for each of some names; where there are more of the ones than of the others, these are
    /// left out.
    pub fn alike<const N: usize>(names: &Names, values: [Value; N]) -> Self {
        if !names.fit(N) {
            return names.as_slice().iter().cloned().zip(values).collect();
        }
        let mut sums = Sums::new();
        values.iter().for_each(|value| sums.add(value));
        let (encoded, heap) = names.sizes();
        sums.encoded += encoded;
        sums.heap += heap;
        Self(Arc::new(Inner { fields: Fields::alike(names, values), sums }))
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

    /// The same by a text that need not be the very one.
    pub fn field_like(&self, place: usize, name: &Text) -> Option<&Value> {
        self.0.fields.like(place, name)
    }

    /// Where [`Self::field_like`] finds a field, in a record of few.
    pub fn place(&self, name: &Text) -> Option<usize> {
        self.0.fields.place(name)
    }

    /// Writes a scalar over another of its kind, in the field at a place, in a record that nobody
    /// else holds; `false`, and nothing is done, where there is something else.
    #[inline]
    pub fn set_own_at(&mut self, place: usize, name: &Text, value: Scalar) -> bool {
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
    #[inline]
    pub fn field_heap(name: &str) -> u64 {
        FIELD + name.len() as u64
    }

    /// Sets a field and returns what it was.
    #[inline]
    pub fn insert(&mut self, name: Text, value: Value) -> Option<Value> {
        self.put(&name, value)
    }

    /// The same by a name that is kept elsewhere.
    pub fn put(&mut self, name: &Text, value: Value) -> Option<Value> {
        let inner = Arc::make_mut(&mut self.0);
        match inner.fields.find(name) {
            Ok(place) => Some(inner.exchange(place, value)),
            Err(place) => {
                count(&mut inner.sums, name, &value);
                inner.fields.put(place, name.clone(), value);
                None
            }
        }
    }

    /// Sets a field that is there and returns what it was; gives the value back if it is not.
    #[inline]
    pub fn replace(&mut self, name: &Text, value: Value) -> Result<Value, Value> {
        let inner = Arc::make_mut(&mut self.0);
        match inner.fields.find(name) {
            Ok(place) => Ok(inner.exchange(place, value)),
            Err(_) => Err(value),
        }
    }

    /// Adds to the int of a field and gives the sum; to another int where there is no such field.
    /// `None`, and nothing is changed, where there is something else or the sum is no int.
    pub fn add_to(&mut self, name: &Text, otherwise: i64, step: i64) -> Option<i64> {
        let inner = Arc::make_mut(&mut self.0);
        match inner.fields.find(name) {
            Ok(place) => {
                let Value::Int(int) = inner.fields.value_mut(place) else { return None };
                *int = int.checked_add(step)?;
                Some(*int)
            }
            Err(place) => {
                let sum = otherwise.checked_add(step)?;
                let value = Value::Int(sum);
                count(&mut inner.sums, name, &value);
                inner.fields.put(place, name.clone(), value);
                Some(sum)
            }
        }
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

impl Names {
    /// Names for records that are made again and again: it helps where they are few, in order, and each
    /// comes once.
    pub fn of(names: &[&str]) -> Self {
        Self::new(names, |name| (4 + name.len() as u64, Record::field_heap(name)))
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

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec::Vec};

    use proptest::prelude::*;

    use super::{Names, Record, Text, Value};

    fn sizes(record: &Record) -> (u64, u64, u32) {
        (record.encoded_len(), record.heap(), record.nesting())
    }

    proptest! {
        /// Over the borders: none, in order or not, with names that come twice, many.
        #[test]
        fn a_record_of_fields_is_what_inserting_them_makes(
            names in prop::collection::vec("[ab]{0,3}|[a-z]{6}", 0..40),
        ) {
            let fields: Vec<(Text, Value)> = (0..)
                .zip(&names)
                .map(|(n, name)| (Text::from(name.as_str()), Value::Int(n)))
                .collect();
            let (of, inserted) = (Record::of(fields.clone()), Record::from_iter(fields));
            prop_assert!(of.iter().eq(inserted.iter()));
            prop_assert_eq!(sizes(&of), sizes(&inserted));
        }

        /// Whatever is done to it afterwards.
        #[test]
        fn names_in_common_do_not_show(
            names in prop::array::uniform4("[a-f]"),
            doings in prop::collection::vec((0_u8..4, "[a-h]"), 0..12),
        ) {
            let values = [1, 2, 3, 4].map(Value::Int);
            let common = Names::of(&names.each_ref().map(String::as_str));
            let mut alike = Record::alike(&common, values.clone());
            let mut plain: Record = names.into_iter().zip(values).collect();
            for (what, name) in doings {
                let text = Text::from(name.as_str());
                match what {
                    0 => prop_assert_eq!(alike.remove(&name), plain.remove(&name)),
                    1 => prop_assert_eq!(alike.put(&text, Value::Null), plain.put(&text, Value::Null)),
                    2 => prop_assert_eq!(alike.add_to(&text, 0, 1), plain.add_to(&text, 0, 1)),
                    _ => prop_assert_eq!(alike.replace(&text, Value::Null), plain.replace(&text, Value::Null)),
                }
                prop_assert_eq!(alike.get(&name), plain.get(&name));
                prop_assert_eq!(alike.field(&text), plain.field(&text));
                prop_assert!(alike.iter().eq(plain.iter()));
                prop_assert_eq!(sizes(&alike), sizes(&plain));
            }
        }
    }
}
