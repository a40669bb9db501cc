//! Where records are kept: in chunks that clones share, from the first that was not dropped.

use alloc::{collections::VecDeque, sync::Arc, vec::Vec};

use super::{Key, Kind};

/// Records in a chunk.
const CHUNK: usize = 1024;
/// No record, no hold.
pub(crate) const NONE: u64 = u64::MAX;
/// Bytes of a record in the canonical encoding, and in what its link is the hash of.
pub(crate) const BYTES: usize = 105;

/// A record, by numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub from: u32,
    pub to: u32,
    pub amount: u64,
    pub time: u64,
    pub step: u64,
    pub effect: u64,
    /// 0 is whoever runs the world, else the owner's number and 1.
    pub actor: u32,
    pub purpose: u32,
    /// The hold or escrow, or [`NONE`].
    pub reserve: u64,
    pub kind: Kind,
    pub key: Key,
    /// What the order asked for beside that.
    pub terms: [u8; 16],
    pub link: [u8; 32],
    /// The records of both accounts before this one, or [`NONE`]; they follow from the others.
    pub before_from: u64,
    pub before_to: u64,
}

impl Stored {
    /// All that is not derived.
    pub(crate) fn to_bytes(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let mut at = 0;
        let mut put = |part: &[u8]| {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        };
        put(&[self.kind as u8]);
        put(&self.from.to_le_bytes());
        put(&self.to.to_le_bytes());
        put(&self.amount.to_le_bytes());
        put(&self.time.to_le_bytes());
        put(&self.actor.to_le_bytes());
        put(&self.step.to_le_bytes());
        put(&self.effect.to_le_bytes());
        put(&self.purpose.to_le_bytes());
        put(&self.reserve.to_le_bytes());
        put(&self.key);
        put(&self.terms);
        bytes
    }

    /// Its link, after what came before.
    pub(crate) fn chain(&self, head: &[u8; 32]) -> [u8; 32] {
        *blake3::keyed_hash(head, &self.to_bytes()).as_bytes()
    }
}

/// The records that are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    /// Number of the first one kept.
    pub first: u64,
    /// How many records of the first chunk were dropped.
    skip: usize,
    chunks: VecDeque<Arc<Vec<Stored>>>,
    len: usize,
}

impl Records {
    /// Numbers given so far.
    pub(crate) const fn end(&self) -> u64 {
        self.first + self.len as u64
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Stored> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        if index >= self.len {
            return None;
        }
        let index = index + self.skip;
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    pub(crate) fn push(&mut self, record: Stored) {
        self.len += 1;
        match self.chunks.back_mut().filter(|chunk| chunk.len() < CHUNK) {
            Some(chunk) => Arc::make_mut(chunk).push(record),
            None => {
                let mut chunk = Vec::with_capacity(if self.chunks.is_empty() { 0 } else { CHUNK });
                chunk.push(record);
                self.chunks.push_back(Arc::new(chunk));
            }
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Stored> {
        if self.len == 0 {
            return None;
        }
        let chunk = self.chunks.back_mut()?;
        let record = Arc::make_mut(chunk).pop();
        if chunk.is_empty() {
            self.chunks.pop_back();
        }
        self.len -= 1;
        record
    }

    /// Drops those before a number that is at most [`Self::end`].
    pub(crate) fn drop_before(&mut self, number: u64) {
        let dropped = number.saturating_sub(self.first).min(self.len as u64);
        self.first += dropped;
        self.len -= dropped as usize;
        self.skip += dropped as usize;
        while self.skip >= CHUNK {
            self.chunks.pop_front();
            self.skip -= CHUNK;
        }
        if self.len == 0 {
            self.chunks.clear();
            self.skip = 0;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Stored)> {
        let all = self.chunks.iter().flat_map(|chunk| chunk.iter());
        (self.first..).zip(all.skip(self.skip))
    }
}
