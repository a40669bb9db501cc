//! Sets of registers and status words.

use avm_ir::StatusWord;

/// Words of 64 bits: 256 for registers, the rest for status words.
const WORDS: usize = 5;
/// Bit of the first status word.
const STATUS: usize = 256;

/// Registers of one window and status words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set([u64; WORDS]);

impl Set {
    pub(super) const EMPTY: Self = Self([0; WORDS]);
    pub(super) const FULL: Self = Self([u64::MAX; WORDS]);
    /// All status words and no register.
    pub(super) const WORDS: Self = Self([0, 0, 0, 0, u64::MAX]);
    /// All registers and no status word.
    pub(super) const REGISTERS: Self = Self([u64::MAX, u64::MAX, u64::MAX, u64::MAX, 0]);

    /// The first so many registers.
    pub(super) fn first(count: usize) -> Self {
        (0..count.min(255)).map(|register| register as u8).collect()
    }

    fn put(&mut self, bit: usize) {
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    pub(super) fn insert(&mut self, register: u8) {
        self.put(usize::from(register));
    }

    pub(super) fn insert_word(&mut self, word: StatusWord) {
        self.put(STATUS + word as usize);
    }

    pub(super) fn has(self, register: u8) -> bool {
        self.0[usize::from(register) / 64] >> (register % 64) & 1 == 1
    }

    pub(super) fn has_word(self, word: StatusWord) -> bool {
        self.0[WORDS - 1] >> (word as usize) & 1 == 1
    }

    pub(super) fn remove_word(&mut self, word: StatusWord) {
        self.0[WORDS - 1] &= !(1 << word as usize);
    }

    pub(super) fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    fn zip(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self(core::array::from_fn(|at| with(self.0[at], other.0[at])))
    }

    pub(super) fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    pub(super) fn and(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    pub(super) fn without(self, other: Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    /// The registers in ascending order.
    pub(super) fn registers(self) -> impl Iterator<Item = u8> {
        (0..=254).filter(move |register| self.has(*register))
    }
}

impl FromIterator<u8> for Set {
    fn from_iter<I: IntoIterator<Item = u8>>(registers: I) -> Self {
        let mut set = Self::EMPTY;
        registers.into_iter().for_each(|register| set.insert(register));
        set
    }
}
