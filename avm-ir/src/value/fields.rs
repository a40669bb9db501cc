//! The fields of a record, sorted by name: few in a row, many in leaves.
//!
//! Nearly all records have few fields, and a look along a row of them beats every other search. A
//! row of many would make each new field cost time in their number, so from some number on they
//! lie in [`leaves`], and stay there. A hash table would be faster still, until somebody chooses
//! names that meet in it.

mod leaves;

use alloc::{collections::BTreeSet, vec::Vec};

use super::{Text, Value};
use leaves::Leaves;

/// Most fields in a row.
const FEW: usize = 24;

#[derive(Clone)]
pub(super) enum Fields {
    Few(Vec<(Text, Value)>),
    Many(Leaves),
}

/// Names and values, by name.
#[derive(Clone, Debug)]
pub struct Iter<'a>(Shape<'a>);

#[derive(Clone, Debug)]
enum Shape<'a> {
    Few(core::slice::Iter<'a, (Text, Value)>),
    Many(leaves::Iter<'a>),
}

impl Fields {
    pub(super) const fn new() -> Self {
        Self::Few(Vec::new())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(row) => row.len(),
            Self::Many(leaves) => leaves.len(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Few(row) => Some(&row[find(row, name).ok()?].1),
            Self::Many(leaves) => leaves.get(name),
        }
    }

    /// The same by a text, which is mostly the very one that the field was made with.
    #[inline]
    pub(super) fn field(&self, name: &Text) -> Option<&Value> {
        match self {
            Self::Few(row) => match same(row, name) {
                Some(at) => Some(&row[at].1),
                None => self.get(name),
            },
            Self::Many(leaves) => leaves.get(name),
        }
    }

    /// The field at a place in the row, if it was made with this very text.
    #[inline]
    pub(super) fn at(&self, place: usize, name: &Text) -> Option<&Value> {
        let Self::Few(row) = self else { return None };
        let (other, value) = row.get(place)?;
        other.is_same(name).then_some(value)
    }

    #[inline]
    pub(super) fn at_mut(&mut self, place: usize, name: &Text) -> Option<&mut Value> {
        let Self::Few(row) = self else { return None };
        let (other, value) = row.get_mut(place)?;
        other.is_same(name).then_some(value)
    }

    /// The place in the row of the field that was made with this very text.
    pub(super) fn place(&self, name: &Text) -> Option<usize> {
        let Self::Few(row) = self else { return None };
        same(row, name)
    }

    #[inline]
    pub(super) fn field_mut(&mut self, name: &Text) -> Option<&mut Value> {
        match self {
            Self::Few(row) => {
                let at = same(row, name).or_else(|| find(row, name).ok())?;
                Some(&mut row[at].1)
            }
            Self::Many(leaves) => leaves.get_mut(name),
        }
    }

    /// Adds a field that is not there.
    pub(super) fn add(&mut self, name: Text, value: Value) {
        match self {
            Self::Few(row) if row.len() < FEW => {
                let at = find(row, &name).unwrap_or_else(|at| at);
                row.insert(at, (name, value));
            }
            Self::Few(row) => {
                let mut leaves = Leaves::new(core::mem::take(row).into_iter());
                leaves.add(name, value);
                *self = Self::Many(leaves);
            }
            Self::Many(leaves) => leaves.add(name, value),
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Value> {
        match self {
            Self::Few(row) => {
                let at = find(row, name).ok()?;
                Some(row.remove(at).1)
            }
            Self::Many(leaves) => leaves.remove(name),
        }
    }

    /// Makes names that are in a pool the pool's own.
    pub(super) fn share(&mut self, pool: &mut Pool) {
        if let Self::Few(row) = self {
            for (name, value) in row {
                pool.share(name);
                value.share(pool);
            }
        }
    }

    pub(super) fn iter(&self) -> Iter<'_> {
        match self {
            Self::Few(row) => Iter(Shape::Few(row.iter())),
            Self::Many(leaves) => Iter(Shape::Many(leaves.iter())),
        }
    }
}

/// Texts of which equal ones are one in memory, so that fields are found by looking at pointers.
#[derive(Debug, Default)]
pub struct Pool(BTreeSet<Text>);

impl Pool {
    pub(super) fn share(&mut self, text: &mut Text) {
        match self.0.get(text.as_str()) {
            Some(shared) => *text = shared.clone(),
            None => {
                self.0.insert(text.clone());
            }
        }
    }
}

/// Where a field is, or has to be put.
fn find(row: &[(Text, Value)], name: &str) -> Result<usize, usize> {
    row.binary_search_by(|(other, _)| other.as_str().cmp(name))
}

/// Where the field is that was made with this very text.
#[inline]
fn same(row: &[(Text, Value)], name: &Text) -> Option<usize> {
    row.iter().position(|(other, _)| other.is_same(name))
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Text, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Shape::Few(row) => row.next().map(|(name, value)| (name, value)),
            Shape::Many(leaves) => leaves.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Shape::Few(row) => row.size_hint(),
            Shape::Many(leaves) => leaves.size_hint(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeMap, string::String, vec::Vec};

    use proptest::prelude::*;

    use super::{Fields, Text, Value};

    proptest! {
        /// Against the map of the standard library, over the border of few and many.
        #[test]
        fn fields_are_a_sorted_map(
            changes in proptest::collection::vec(("[ab\0é]{0,10}", any::<bool>()), 0..120),
        ) {
            let (mut fields, mut model) = (Fields::new(), BTreeMap::<String, i64>::new());
            for (number, (name, put)) in (0_i64..).zip(changes) {
                let text = Text::from(name.as_str());
                if !put {
                    prop_assert_eq!(fields.remove(&name).is_some(), model.remove(&name).is_some());
                } else if let Some(value) = fields.field_mut(&text) {
                    *value = Value::Int(number);
                    prop_assert!(model.insert(name, number).is_some());
                } else {
                    fields.add(text, Value::Int(number));
                    prop_assert!(model.insert(name, number).is_none());
                }
                prop_assert_eq!(fields.len(), model.len());
            }
            let seen: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value)).collect();
            let expected: Vec<_> = model.iter().map(|(name, n)| (name.as_str(), Value::Int(*n))).collect();
            prop_assert!(seen.iter().map(|(n, v)| (*n, (*v).clone())).eq(expected.iter().cloned()));
            for (name, number) in &model {
                prop_assert_eq!(fields.get(name), Some(&Value::Int(*number)));
            }
        }
    }
}
