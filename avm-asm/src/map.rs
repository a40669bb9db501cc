//! The hash table for names and constants of a source.

use std::collections::HashMap;

/// A hash table that is never walked over: its order has no say in any result. The hash is fast and
/// seeded anew in every process, so a source cannot be made to collide.
pub(crate) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
