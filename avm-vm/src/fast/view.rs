//! What fast code works on, and which of its loops takes the next instructions.

use alloc::vec::Vec;

use avm_ir::{Value, program::Region};

use super::{op::Op, run::stretch};
use crate::{agent::Memory, machine::Frame};

/// What fast code sees of a machine.
pub(crate) struct View<'m> {
    pub(crate) code: &'m [Op],
    /// The same with every instruction by itself.
    pub(crate) single: &'m [Op],
    pub(crate) apart: bool,
    pub(crate) region: &'m Region,
    pub(crate) number: u32,
    pub(crate) stack: &'m mut [Value],
    pub(crate) frames: &'m mut Vec<Frame>,
    pub(crate) sums: &'m mut Vec<u64>,
    pub(crate) memory: &'m mut Memory,
    pub(crate) last_bool: &'m mut bool,
    /// The texts of one ASCII character.
    pub(crate) letters: &'m [Value],
    /// Nanogas for what steps cost beyond the minimum.
    pub(crate) slack: u64,
    pub(crate) call_depth: usize,
    pub(crate) base: usize,
    pub(crate) live: usize,
    pub(crate) pc: usize,
}

/// Why a stretch of fast code ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Canonical code has to take a step, or the fuel is low.
    Step,
    /// The instruction at hand needs more than scalars.
    Heap,
    /// Perhaps scalars are enough from here on.
    Scalars,
    /// What was joined is of no use here: each instruction by itself.
    Apart,
}

/// Runs until canonical code has to take a step, or until fewer than [`MOST`](super::MOST) of so many
/// steps are left. Gives how many are left.
pub(crate) fn run(view: &mut View<'_>, mut fuel: u64) -> u64 {
    let mut why = Why::Scalars;
    loop {
        view.apart = why == Why::Apart;
        (fuel, why) = match why {
            Why::Scalars => stretch::<false>(view, fuel),
            Why::Heap | Why::Apart => stretch::<true>(view, fuel),
            Why::Step => return fuel,
        };
    }
}
