//! A small ordered key-value store with named trees, durable when flushed.
//!
//! Two implementations obey the same tests: [`MemoryStore`] for runs that leave nothing behind, and
//! [`SledStore`] on disk. The trait is small on purpose, so that a third is easy to write.

mod blobs;
mod memory;
mod sled_store;

pub use memory::MemoryStore;
pub use sled_store::SledStore;

use std::ops::ControlFlow;
use std::path::PathBuf;

/// Largest value, in bytes (64 MiB).
pub const MAX_VALUE_BYTES: usize = 64 << 20;
/// Largest key, in bytes.
pub const MAX_KEY_BYTES: usize = 1024;
/// Largest tree name, in bytes.
pub const MAX_TREE_BYTES: usize = 256;

/// Receives one entry of a scan: key, then value. Must not call the store that is being scanned.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Named trees of byte keys and byte values, ordered by key.
///
/// A write is seen by every later read of the same store. It survives a power cut once
/// [`Store::flush`] has returned. A tree exists while it has an entry.
pub trait Store: Send + Sync {
    /// The value of a key.
    ///
    /// # Errors
    /// A name out of bounds, a failing disk, or a damaged value.
    fn get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Sets the value of a key.
    ///
    /// # Errors
    /// A name out of bounds, a value over [`MAX_VALUE_BYTES`], or a failing disk.
    fn put(&self, tree: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    /// Removes a key; tells whether it was there.
    ///
    /// # Errors
    /// A name out of bounds or a failing disk.
    fn delete(&self, tree: &str, key: &[u8]) -> Result<bool, StoreError>;

    /// Visits the entries whose key starts with `prefix`, by ascending key, until told to stop.
    ///
    /// # Errors
    /// As [`Store::get`]; the entries before the damaged one have been visited.
    fn scan(&self, tree: &str, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError>;

    /// Whether it outlives the process.
    fn is_durable(&self) -> bool {
        true
    }

    /// Removes a tree with all its entries; tells whether it had any.
    ///
    /// # Errors
    /// A name out of bounds or a failing disk.
    fn drop_tree(&self, tree: &str) -> Result<bool, StoreError>;

    /// Returns when everything written before is on stable storage.
    ///
    /// # Errors
    /// A failing disk: then nothing is known about writes since the flush before.
    fn flush(&self) -> Result<(), StoreError>;
}

/// Why a store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A tree name is empty or longer than [`MAX_TREE_BYTES`].
    #[error("a tree name must have 1 to {MAX_TREE_BYTES} bytes, not {len}")]
    BadTree {
        /// Length given, in bytes.
        len: usize,
    },
    /// A key is longer than [`MAX_KEY_BYTES`].
    #[error("a key must have at most {MAX_KEY_BYTES} bytes, not {len}")]
    KeyTooLarge {
        /// Length given, in bytes.
        len: usize,
    },
    /// A value is longer than [`MAX_VALUE_BYTES`].
    #[error("a value must have at most {MAX_VALUE_BYTES} bytes, not {len}")]
    ValueTooLarge {
        /// Length given, in bytes.
        len: usize,
    },
    /// What is on disk is not what was written.
    #[error("damaged entry in `{tree}`: {why}")]
    Corrupt {
        /// Tree of the entry.
        tree: String,
        /// What does not fit.
        why: String,
    },
    /// A file operation failed.
    #[error("{path}: {source}")]
    Io {
        /// File or folder concerned.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] sled::Error),
}

fn check_tree(tree: &str) -> Result<(), StoreError> {
    match tree.len() {
        1..=MAX_TREE_BYTES => Ok(()),
        len => Err(StoreError::BadTree { len }),
    }
}

fn check_key(tree: &str, key: &[u8]) -> Result<(), StoreError> {
    check_tree(tree)?;
    match key.len() {
        0..=MAX_KEY_BYTES => Ok(()),
        len => Err(StoreError::KeyTooLarge { len }),
    }
}

fn check_entry(tree: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    check_key(tree, key)?;
    match value.len() {
        0..=MAX_VALUE_BYTES => Ok(()),
        len => Err(StoreError::ValueTooLarge { len }),
    }
}

#[cfg(test)]
mod tests;
