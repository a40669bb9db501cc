//! What a container knows of its values without looking at them again.

use core::sync::atomic::{AtomicU32, Ordering};

use super::{MAX_NESTING, Value};

/// Sums over the values of a list or record, kept up to date with every change.
pub(super) struct Sums {
    /// Sum of the canonical lengths, in bytes.
    pub(super) encoded: u64,
    /// Sum of the memory, in bytes.
    pub(super) heap: u64,
    /// Never below the container's nesting; exact once it has been asked for at the limit.
    nesting: AtomicU32,
}

impl Clone for Sums {
    fn clone(&self) -> Self {
        Self {
            encoded: self.encoded,
            heap: self.heap,
            nesting: AtomicU32::new(self.nesting.load(Ordering::Relaxed)),
        }
    }
}

impl Sums {
    /// Of no values.
    pub(super) const fn new() -> Self {
        Self { encoded: 0, heap: 0, nesting: AtomicU32::new(1) }
    }

    #[inline]
    pub(super) fn add(&mut self, value: &Value) {
        self.encoded += value.encoded_len();
        // Scalars take no memory and nest nothing.
        if value.is_heap() {
            self.heap += value.heap();
            let nesting = self.nesting.get_mut();
            *nesting = (*nesting).max(value.nesting().saturating_add(1));
        }
    }

    /// One value in place of another.
    #[inline]
    pub(super) fn exchange(&mut self, old: &Value, new: &Value) {
        // What is most often written into lists: another scalar of the same kind.
        if core::mem::discriminant(old) != core::mem::discriminant(new) || old.is_heap() {
            self.add(new);
            self.subtract(old);
        }
    }

    #[inline]
    pub(super) fn subtract(&mut self, value: &Value) {
        self.encoded -= value.encoded_len();
        self.heap -= value.heap();
    }

    /// Levels of lists and records, 1 for a container of scalars. The kept bound is made exact only
    /// where it reaches the limit, so that whether a program is refused depends on its values
    /// alone, not on how they came about.
    pub(super) fn nesting<'a>(&self, values: impl Iterator<Item = &'a Value>) -> u32 {
        let bound = self.nesting.load(Ordering::Relaxed);
        if bound < MAX_NESTING {
            return bound;
        }
        self.exact_nesting(values)
    }

    /// The same, looked up in the values themselves and those below, whose bounds may be too high.
    pub(super) fn exact_nesting<'a>(&self, values: impl Iterator<Item = &'a Value>) -> u32 {
        let exact = 1 + values.map(Value::exact_nesting).max().unwrap_or(0);
        self.nesting.store(exact, Ordering::Relaxed);
        exact
    }
}
