use super::{Store, StoreError, Visit, check_entry, check_key, check_tree};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A store in memory: gone when dropped; `flush` does nothing.
#[derive(Debug, Default)]
pub struct MemoryStore {
    trees: Mutex<Trees>,
}

type Tree = BTreeMap<Vec<u8>, Vec<u8>>;
type Trees = BTreeMap<String, Tree>;

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    fn trees(&self) -> MutexGuard<'_, Trees> {
        // No operation leaves the map half-changed, so a panic elsewhere does not spoil it.
        self.trees.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn is_durable(&self) -> bool {
        false
    }

    fn get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        check_key(tree, key)?;
        Ok(self.trees().get(tree).and_then(|t| t.get(key)).cloned())
    }

    fn put(&self, tree: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        check_entry(tree, key, value)?;
        self.trees().entry(tree.to_owned()).or_default().insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn delete(&self, tree: &str, key: &[u8]) -> Result<bool, StoreError> {
        check_key(tree, key)?;
        let mut trees = self.trees();
        let Some(entries) = trees.get_mut(tree) else { return Ok(false) };
        let was = entries.remove(key).is_some();
        if entries.is_empty() {
            trees.remove(tree);
        }
        Ok(was)
    }

    fn scan(&self, tree: &str, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        check_key(tree, prefix)?;
        let trees = self.trees();
        let Some(entries) = trees.get(tree) else { return Ok(()) };
        let range = entries.range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded));
        for (key, value) in range.take_while(|(key, _)| key.starts_with(prefix)) {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn drop_tree(&self, tree: &str) -> Result<bool, StoreError> {
        check_tree(tree)?;
        Ok(self.trees().remove(tree).is_some())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
