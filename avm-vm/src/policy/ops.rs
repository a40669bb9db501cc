//! Sets of instructions.

use core::fmt;

use avm_ir::{Opcode, opcode::OPS};

/// A set of instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpSet(pub(super) [u64; 4]);

impl OpSet {
    /// No instruction.
    pub const NONE: Self = Self([0; 4]);

    /// Whether an instruction is in it.
    pub const fn has(&self, op: Opcode) -> bool {
        self.0[op as usize / 64] >> (op as usize % 64) & 1 == 1
    }

    /// Adds an instruction.
    pub const fn add(&mut self, op: Opcode) {
        self.0[op as usize / 64] |= 1 << (op as usize % 64);
    }

    /// Adds those of another set.
    pub fn extend(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(own, more)| *own |= more);
    }

    /// Whether it has no instruction.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// The instructions, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = Opcode> + '_ {
        OPS.iter().map(|info| info.opcode).filter(|op| self.has(*op))
    }

    /// What a word stands for: an instruction in any case, a family of the instruction table, the
    /// kind of provider that is asked, or `outside`, which is every instruction that asks one.
    pub fn of(word: &str) -> Option<Self> {
        let mut set = Self::NONE;
        if let Some(op) = Opcode::by_mnemonic(word) {
            set.add(op);
            return Some(set);
        }
        for info in OPS {
            let asks = info.reach.is_some_and(|reach| word == "outside" || reach.name() == word);
            if info.family == word || asks {
                set.add(info.opcode);
            }
        }
        (!set.is_empty()).then_some(set)
    }
}

impl fmt::Display for OpSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, op) in self.iter().enumerate() {
            f.write_str(if nth > 0 { ", " } else { "" })?;
            f.write_str(op.mnemonic())?;
        }
        Ok(())
    }
}
