//! What a fork shares with the agent it was made from, until one of the two writes to it.

use alloc::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    vec::Vec,
};
use core::ops::Deref;

use avm_ir::{Value, value::Text};

use super::LogEntry;

/// A container that costs nothing while it is empty and little to copy.
#[derive(Debug)]
pub(crate) struct Shared<T>(Option<Arc<T>>);

/// A container with nothing in it.
pub(crate) trait Empty: Clone + Default + 'static {
    const EMPTY: &'static Self;
}

impl Empty for BTreeMap<Text, Value> {
    const EMPTY: &'static Self = &Self::new();
}

impl Empty for VecDeque<LogEntry> {
    const EMPTY: &'static Self = &Self::new();
}

impl Empty for Vec<(u8, Value)> {
    const EMPTY: &'static Self = &Self::new();
}

impl<T: Empty> Shared<T> {
    pub(crate) const NONE: Self = Self(None);

    /// The container to write to: this agent's own from now on.
    pub(crate) fn own(&mut self) -> &mut T {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl<T: Empty> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::EMPTY)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_its_own_when_one_of_the_two_writes() {
        let mut first: Shared<Vec<(u8, Value)>> = Shared::NONE;
        assert!(first.is_empty());
        first.own().push((1, Value::Null));
        let mut second = first.clone();
        second.own().push((2, Value::Null));
        first.own().clear();
        assert_eq!((first.len(), second.len()), (0, 2));
    }
}
