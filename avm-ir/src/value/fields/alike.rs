//! Rows that have their names in common: a record that is made again and again costs one count of its
//! names and not one for each.

use alloc::{boxed::Box, vec::Vec};

use triomphe::Arc;

use super::{FEW, Text, Value};

/// Names of the fields of records that are made again and again.
#[derive(Clone, Debug)]
pub struct Names(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    names: Vec<Text>,
    /// Whether each comes once, they are few, and sorted.
    in_order: bool,
    /// Bytes of the canonical encoding, and of memory, that the names take.
    sizes: (u64, u64),
}

impl Names {
    pub(in crate::value) fn new(names: &[&str], size: impl Fn(&Text) -> (u64, u64)) -> Self {
        let in_order = names.is_sorted_by(|a, b| a < b) && names.len() <= FEW;
        let names: Vec<Text> = names.iter().copied().map(Text::from).collect();
        let sizes = names.iter().map(size).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        Self(Arc::new(Inner { names, in_order, sizes }))
    }

    /// Whether so many values can have them in common.
    pub(in crate::value) fn fit(&self, values: usize) -> bool {
        self.0.in_order && self.0.names.len() == values
    }

    pub(in crate::value) fn sizes(&self) -> (u64, u64) {
        self.0.sizes
    }

    pub(in crate::value) fn as_slice(&self) -> &[Text] {
        &self.0.names
    }
}

/// A value for each of the names.
#[derive(Clone)]
pub(in crate::value) struct Alike {
    names: Names,
    values: Box<[Value]>,
}

impl Alike {
    pub(super) fn new(names: &Names, values: impl Into<Box<[Value]>>) -> Self {
        Self { names: names.clone(), values: values.into() }
    }

    pub(super) fn names(&self) -> &[Text] {
        &self.names.0.names
    }

    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    pub(super) fn value_mut(&mut self, at: usize) -> &mut Value {
        &mut self.values[at]
    }

    /// Where a field is, or would have to be put.
    pub(super) fn find(&self, name: &Text) -> Result<usize, usize> {
        let same = self.names().iter().position(|other| other.is_same(name));
        same.map_or_else(|| self.names().binary_search(name), Ok)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let at = self.names().binary_search_by(|other| other.as_str().cmp(name)).ok()?;
        self.values.get(at)
    }

    /// The name and the value at a place.
    #[inline]
    pub(super) fn at(&self, place: usize) -> Option<(&Text, &Value)> {
        Some((self.names().get(place)?, self.values.get(place)?))
    }

    /// The same as a row with names of its own.
    pub(super) fn row(&mut self) -> Vec<(Text, Value)> {
        let values = core::mem::take(&mut self.values).into_vec();
        self.names().iter().cloned().zip(values).collect()
    }
}
