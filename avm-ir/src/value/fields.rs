//! The fields of a record, sorted by name: few in a row, many in leaves, and few that have their names in
//! common with other records.
//!
//! Nearly all records have few fields, and a look along a row of them beats every other search. A
//! row of many would make each new field cost time in their number, so from some number on they
//! lie in [`leaves`], and stay there. A hash table would be faster still, until somebody chooses
//! names that meet in it.

mod alike;
mod leaves;

use alloc::{boxed::Box, collections::BTreeSet, vec::Vec};
use core::cmp::Ordering;

use super::{Text, Value};
use alike::Alike;
pub use alike::Names;
use leaves::Leaves;

/// Where a field is: in which leaf, 0 in a row, and where in it. Until the fields change.
pub(super) type Place = (usize, usize);

/// Most fields in a row.
const FEW: usize = 24;

#[derive(Clone)]
pub(super) enum Fields {
    Few(Vec<(Text, Value)>),
    Alike(Alike),
    Many(Leaves),
}

/// Names and values, by name.
#[derive(Clone, Debug)]
pub struct Iter<'a>(Shape<'a>);

#[derive(Clone, Debug)]
enum Shape<'a> {
    Few(core::slice::Iter<'a, (Text, Value)>),
    Alike(core::slice::Iter<'a, Text>, core::slice::Iter<'a, Value>),
    Many(leaves::Iter<'a>),
}

impl Fields {
    pub(super) const fn new() -> Self {
        Self::Few(Vec::new())
    }

    /// Of few fields with different names, in any order; otherwise gives them back.
    pub(super) fn of(mut row: Vec<(Text, Value)>) -> Result<Self, Vec<(Text, Value)>> {
        if row.len() > FEW {
            return Err(row);
        }
        for end in 1..row.len() {
            // What is before the end is in order already.
            for at in (1..=end).rev() {
                match row[at - 1].0.cmp(&row[at].0) {
                    Ordering::Less => break,
                    Ordering::Equal => return Err(row),
                    Ordering::Greater => row.swap(at - 1, at),
                }
            }
        }
        Ok(Self::Few(row))
    }

    /// A value for each of some names.
    pub(super) fn alike(names: &Names, values: impl Into<Box<[Value]>>) -> Self {
        Self::Alike(Alike::new(names, values))
    }

    /// Makes sure that fields can come and go.
    fn own_names(&mut self) {
        if let Self::Alike(alike) = self {
            *self = Self::Few(alike.row());
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(row) => row.len(),
            Self::Alike(alike) => alike.values().len(),
            Self::Many(leaves) => leaves.len(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Few(row) => Some(&row[find(row, |other| other.as_str().cmp(name)).ok()?].1),
            Self::Alike(alike) => alike.get(name),
            Self::Many(leaves) => leaves.get(name),
        }
    }

    /// The same by a text, which is mostly the very one that the field was made with.
    #[inline]
    pub(super) fn field(&self, name: &Text) -> Option<&Value> {
        match self {
            Self::Few(row) => {
                let at = same(row, name).or_else(|| find(row, |other| other.cmp(name)).ok())?;
                Some(&row[at].1)
            }
            Self::Alike(alike) => alike.values().get(alike.find(name).ok()?),
            Self::Many(leaves) => leaves.get(name),
        }
    }

    /// The field at a place in the row, if it was made with this very text.
    #[inline]
    pub(super) fn at(&self, place: usize, name: &Text) -> Option<&Value> {
        let Self::Few(row) = self else { return self.alike_at(place, |other| other.is_same(name)) };
        let (other, value) = row.get(place)?;
        other.is_same(name).then_some(value)
    }

    #[inline]
    pub(super) fn at_mut(&mut self, place: usize, name: &Text) -> Option<&mut Value> {
        let Self::Few(row) = self else { return self.alike_at_mut(place, name) };
        let (other, value) = row.get_mut(place)?;
        other.is_same(name).then_some(value)
    }

    /// The field at a place in the row, if it has this name.
    pub(super) fn like(&self, place: usize, name: &Text) -> Option<&Value> {
        let Self::Few(row) = self else { return self.alike_at(place, |other| other == name) };
        let (other, value) = row.get(place)?;
        (other == name).then_some(value)
    }

    /// What programs make themselves has names of its own, so this is apart.
    #[cold]
    #[inline(never)]
    fn alike_at(&self, place: usize, is_it: impl Fn(&Text) -> bool) -> Option<&Value> {
        let Self::Alike(alike) = self else { return None };
        let (other, value) = alike.at(place)?;
        is_it(other).then_some(value)
    }

    #[cold]
    #[inline(never)]
    fn alike_at_mut(&mut self, place: usize, name: &Text) -> Option<&mut Value> {
        let Self::Alike(alike) = self else { return None };
        let (other, _) = alike.at(place)?;
        if other.is_same(name) { Some(alike.value_mut(place)) } else { None }
    }

    /// The place in the row of a field.
    pub(super) fn place(&self, name: &Text) -> Option<usize> {
        if matches!(self, Self::Many(_)) {
            return None;
        }
        self.find(name).ok().map(|(_, at)| at)
    }

    /// Where a field is, or has to be put.
    #[inline]
    pub(super) fn find(&self, name: &Text) -> Result<Place, Place> {
        match self {
            Self::Few(row) => {
                let found = same(row, name).map_or_else(|| find(row, |other| other.cmp(name)), Ok);
                found.map(|at| (0, at)).map_err(|at| (0, at))
            }
            Self::Alike(alike) => alike.find(name).map(|at| (0, at)).map_err(|at| (0, at)),
            Self::Many(leaves) => leaves.find(name),
        }
    }

    /// The value at a place where a field is.
    #[inline]
    pub(super) fn value_mut(&mut self, (branch, at): Place) -> &mut Value {
        match self {
            Self::Few(row) => &mut row[at].1,
            Self::Many(leaves) => leaves.value_mut((branch, at)),
            Self::Alike(alike) => alike.value_mut(at),
        }
    }

    /// Puts a field where it has to be put.
    #[inline]
    pub(super) fn put(&mut self, (branch, at): Place, name: Text, value: Value) {
        self.own_names();
        match self {
            // Its names are its own now.
            Self::Alike(_) => {}
            Self::Few(row) if row.len() < FEW => row.insert(at, (name, value)),
            Self::Few(row) => {
                row.insert(at, (name, value));
                *self = Self::Many(Leaves::new(core::mem::take(row).into_iter()));
            }
            Self::Many(leaves) => leaves.put((branch, at), name, value),
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Value> {
        self.own_names();
        match self {
            Self::Alike(_) => None,
            Self::Few(row) => {
                let at = find(row, |other| other.as_str().cmp(name)).ok()?;
                Some(row.remove(at).1)
            }
            Self::Many(leaves) => leaves.remove(name),
        }
    }

    /// Makes names that are in a pool the pool's own.
    pub(super) fn share(&mut self, pool: &mut Pool) {
        self.own_names();
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
            Self::Alike(alike) => Iter(Shape::Alike(alike.names().iter(), alike.values().iter())),
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

/// Where a field is, or has to be put, by the order of a name to the one that is looked for.
#[inline]
fn find(row: &[(Text, Value)], order: impl Fn(&Text) -> Ordering) -> Result<usize, usize> {
    row.binary_search_by(|(other, _)| order(other))
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
            Shape::Alike(names, values) => Some((names.next()?, values.next()?)),
            Shape::Many(leaves) => leaves.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Shape::Few(row) => row.size_hint(),
            Shape::Alike(_, values) => values.size_hint(),
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
                } else {
                    let found = fields.find(&text);
                    prop_assert_eq!(found.is_ok(), model.insert(name, number).is_some());
                    match found {
                        Ok(place) => *fields.value_mut(place) = Value::Int(number),
                        Err(place) => fields.put(place, text, Value::Int(number)),
                    }
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
