//! Fast code: what is run where nobody watches single steps.
//!
//! Canonical code is what programs are: hashed, priced, traced, patched. Fast code is derived from
//! it when a program is loaded and does the same with less: operands resolved to registers or
//! constants, several instructions as one, calls without leaving the loop. It knows the common
//! cases of common instructions. For everything else, and wherever a step would be unusual (a
//! trap, a price, a measure of memory, the end of gas), it stops before the step and canonical
//! code takes it, from the same state. So nothing is defined twice but the common cases, and those
//! are compared by the fuzzer.
//!
//! Each instruction of fast code costs the intrinsic minimum for each canonical one that it stands
//! for, so gas and steps are one counter here. The few that cost more take it from what is left
//! beyond those steps.

mod calls;
mod compile;
mod op;
mod parts;
mod run;
mod scalar;
mod view;

use alloc::vec::Vec;

use avm_ir::{Value, Verified};

use crate::price::Prices;
pub(crate) use op::{MOST, Op};
pub(crate) use view::{View, run};

/// Most steps between two looks at the gas that is left.
pub(crate) const STRETCH: u64 = 1 << 16;

/// The fast code of all regions, and what it takes from.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// What is run, and the same with every instruction by itself.
    regions: Vec<(Vec<Op>, Vec<Op>)>,
    /// The texts of one ASCII character.
    pub(crate) letters: Vec<Value>,
}

impl Code {
    pub(crate) fn new(verified: &Verified, prices: &Prices) -> Self {
        let regions = &verified.program().regions;
        let codes = regions.iter().zip(verified.links()).enumerate();
        let regions = codes.map(|(number, (region, links))| {
            compile::compile(region, links, number as u32, regions, prices, &[])
        });
        let regions: Vec<(Vec<Op>, Vec<Op>)> = regions.collect();
        // What reads no part by its position reads no character.
        let reads = |op: &Op| matches!(op, Op::GetRR { .. } | Op::GetRI { .. });
        let has_letters = regions.iter().any(|(_, single)| single.iter().any(reads));
        let letters = if has_letters { parts::letters() } else { Vec::new() };
        Self { regions, letters }
    }

    /// The code of one region where it leaves before some instructions, and that with every
    /// instruction by itself; empty if there is no such region.
    pub(crate) fn marked(
        verified: &Verified,
        prices: &Prices,
        number: u32,
        marked: &[bool],
    ) -> (Vec<Op>, Vec<Op>) {
        let regions = &verified.program().regions;
        match (regions.get(number as usize), verified.links().get(number as usize)) {
            (Some(region), Some(links)) => {
                compile::compile(region, links, number, regions, prices, marked)
            }
            _ => (Vec::new(), Vec::new()),
        }
    }

    /// The code of a region, and that with every instruction by itself.
    pub(crate) fn region(&self, number: u32) -> (&[Op], &[Op]) {
        self.regions.get(number as usize).map_or((&[], &[]), |(code, single)| (code, single))
    }
}
