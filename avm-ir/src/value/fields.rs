//! The fields of a record, sorted by name: few in a row, many in a tree.
//!
//! Nearly all records have few fields, and a look along a row of them beats every other search. A
//! row of many would make each new field cost time in their number, so from some number on they
//! are a tree, and stay one.

use alloc::{
    collections::{BTreeMap, BTreeSet, btree_map},
    vec::Vec,
};

use super::{Text, Value};

/// Most fields in a row.
const FEW: usize = 24;

#[derive(Clone)]
pub(super) enum Fields {
    Few(Vec<(Text, Value)>),
    Many(BTreeMap<Text, Value>),
}

/// Names and values, by name.
#[derive(Clone, Debug)]
pub enum Iter<'a> {
    /// Of a row.
    Few(core::slice::Iter<'a, (Text, Value)>),
    /// Of a tree.
    Many(btree_map::Iter<'a, Text, Value>),
}

impl Fields {
    pub(super) const fn new() -> Self {
        Self::Few(Vec::new())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(row) => row.len(),
            Self::Many(tree) => tree.len(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Few(row) => Some(&row[find(row, name).ok()?].1),
            Self::Many(tree) => tree.get(name),
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
            Self::Many(tree) => tree.get(name.as_str()),
        }
    }

    #[inline]
    pub(super) fn field_mut(&mut self, name: &Text) -> Option<&mut Value> {
        match self {
            Self::Few(row) => {
                let at = same(row, name).or_else(|| find(row, name).ok())?;
                Some(&mut row[at].1)
            }
            Self::Many(tree) => tree.get_mut(name.as_str()),
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
                let mut tree: BTreeMap<Text, Value> = row.drain(..).collect();
                tree.insert(name, value);
                *self = Self::Many(tree);
            }
            Self::Many(tree) => {
                tree.insert(name, value);
            }
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Value> {
        match self {
            Self::Few(row) => {
                let at = find(row, name).ok()?;
                Some(row.remove(at).1)
            }
            Self::Many(tree) => tree.remove(name),
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
            Self::Few(row) => Iter::Few(row.iter()),
            Self::Many(tree) => Iter::Many(tree.iter()),
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
        match self {
            Self::Few(row) => row.next().map(|(name, value)| (name, value)),
            Self::Many(tree) => tree.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Few(row) => row.size_hint(),
            Self::Many(tree) => tree.size_hint(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}
