//! Which record was the first for a key. Keys are hashes, so a few of their bits divide them into
//! small sorted maps; whoever chooses them otherwise gets one larger map and nothing worse.

use alloc::{collections::BTreeMap, vec::Vec};

use super::Key;

/// Keys from which on there are as many maps as two bytes can tell apart.
const MANY: usize = 1 << 14;

/// Keys with the numbers of their first records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    maps: Vec<BTreeMap<Key, u64>>,
    len: usize,
}

impl Keys {
    fn place(&self, key: &Key) -> usize {
        if self.maps.len() <= 1 { 0 } else { usize::from(u16::from_le_bytes([key[0], key[1]])) }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<u64> {
        self.maps.get(self.place(key))?.get(key).copied()
    }

    /// Adds a key, unless it is there.
    pub(crate) fn insert(&mut self, key: Key, number: u64) {
        if self.maps.is_empty() {
            self.maps.push(BTreeMap::new());
        }
        if self.len == MANY && self.maps.len() == 1 {
            self.divide();
        }
        let place = self.place(&key);
        if let Some(map) = self.maps.get_mut(place) {
            let before = map.len();
            map.entry(key).or_insert(number);
            self.len += map.len() - before;
        }
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        let place = self.place(key);
        if self.maps.get_mut(place).and_then(|map| map.remove(key)).is_some() {
            self.len -= 1;
        }
    }

    fn divide(&mut self) {
        let all = self.maps.pop().unwrap_or_default();
        self.maps.resize_with(1 << 16, BTreeMap::new);
        for (key, number) in all {
            let place = self.place(&key);
            if let Some(map) = self.maps.get_mut(place) {
                map.insert(key, number);
            }
        }
    }
}
