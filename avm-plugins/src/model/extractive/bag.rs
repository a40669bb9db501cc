//! The words of a text as the ranking sees them.

use crate::model::words::{is_stop_word, stem, words};
use std::collections::BTreeMap;

/// Stems and, with `=` before them, whole identifiers and compounds, with counts.
#[derive(Debug, Default)]
pub(super) struct Bag {
    pub(super) counts: BTreeMap<String, u32>,
    /// Pairs of stems that stand next to each other, words of grammar left out; sorted.
    pairs: Vec<(String, String)>,
    /// Number of words.
    pub(super) len: u32,
}

impl Bag {
    pub(super) fn new(text: &str) -> Bag {
        let mut bag = Bag::default();
        let mut before: Option<String> = None;
        for word in words(text) {
            let compound = word.identifier || word.parts.len() > 1;
            for part in &word.parts {
                *bag.counts.entry(stem(part)).or_default() += 1;
            }
            if compound {
                *bag.counts.entry(format!("={}", word.whole)).or_default() += 1;
            }
            // The parts of one name stand together by themselves.
            let mut parts = word.parts.iter().filter(|part| !is_stop_word(part)).map(|p| stem(p));
            if let Some(first) = parts.next() {
                let last = parts.next_back().unwrap_or_else(|| first.clone());
                if let Some(before) = before.replace(last) {
                    bag.pairs.push((before, first));
                }
            }
            bag.len += 1;
        }
        bag.pairs.sort_unstable();
        bag
    }

    pub(super) fn count(&self, key: &str) -> f64 {
        f64::from(self.counts.get(key).copied().unwrap_or(0))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.counts.contains_key(key)
    }

    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// True where the two stems stand next to each other, in this order.
    pub(super) fn has_pair(&self, pair: &(String, String)) -> bool {
        self.pairs.binary_search(pair).is_ok()
    }

    /// True where one text says little that the other does not: most of its words are shared.
    pub(super) fn repeats(&self, other: &Bag) -> bool {
        let shared = self.counts.keys().filter(|k| other.has(k)).count();
        10 * shared >= 7 * self.counts.len().min(other.counts.len()).max(1)
    }
}
