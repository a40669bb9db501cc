//! The dearest path: one pass over the blocks from the ends to the starts.
//!
//! A loop becomes one node of the level around it once everything in it is known: so often as it can
//! go round, one round at its dearest. What is left on each level has no circle, so each node is
//! its own cost and the dearest of what it leads to.

use alloc::vec::Vec;

use super::amount::{Bound, Cause};
use crate::flow::{BlockId, Flow, Loops};

/// How often a loop can go round each time it is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounds {
    /// The least, if nothing but its head leaves it.
    pub least: u64,
    /// The most.
    pub most: u64,
}

/// What a pass needs to know of the program.
pub(super) trait Costs {
    /// What a block costs, calls included, and whether there are calls in it.
    fn block(&self, block: BlockId) -> (Bound, bool);
    /// How often the loop of a head goes round, if that is known.
    fn rounds(&self, head: BlockId) -> Option<Rounds>;
    /// Whether control ends behind the block, so that callers do not go on either.
    fn ends_run(&self, block: BlockId) -> bool;
    /// Is told the cost from an entry on, in the order of the entries.
    fn entered(&mut self, block: BlockId, bound: Bound);
}

/// What was found.
pub(super) struct Paths {
    nest: Loops,
    /// From each block to the end of the round of its innermost loop.
    blocks: Vec<Option<Bound>>,
    /// From the start of each loop to the end of the round of the loop around it.
    loops: Vec<Option<Bound>>,
    /// All rounds of each loop.
    totals: Vec<Option<Bound>>,
    /// From the start of each loop to the end, loops around it included.
    ways_out: Vec<Option<Bound>>,
    most: usize,
}

impl Paths {
    pub(super) fn new(
        flow: &Flow,
        costs: &mut impl Costs,
        entries: &[BlockId],
        most: usize,
        keep: impl Fn(BlockId, BlockId) -> bool,
    ) -> Self {
        let nest = Loops::new(flow, entries, &keep);
        let (blocks, loops) = (flow.blocks().len(), nest.all().len());
        let mut paths = Self {
            nest,
            blocks: alloc::vec![None; blocks],
            loops: alloc::vec![None; loops],
            totals: alloc::vec![None; loops],
            ways_out: Vec::with_capacity(loops),
            most,
        };
        paths.walk(flow, costs, entries, &keep);
        // Outer loops stand before those inside them.
        for number in 0..loops {
            let mut way = paths.loops[number].clone();
            let around = paths.nest.all()[number].parent;
            if let (Some(way), Some(around)) = (&mut way, around)
                && let Some(Some(further)) = paths.ways_out.get(around as usize)
            {
                way.add(further, false, most);
                way.inexact();
            }
            paths.ways_out.push(way);
        }
        paths
    }

    fn walk(
        &mut self,
        flow: &Flow,
        costs: &mut impl Costs,
        entries: &[BlockId],
        keep: &impl Fn(BlockId, BlockId) -> bool,
    ) {
        let mut ahead: Vec<Option<Bound>> = alloc::vec![None; self.loops.len()];
        // Whether a loop is left by its head alone.
        let mut clean = alloc::vec![true; self.loops.len()];
        // Whether functions are called in a loop: then what is in it may also be behind it.
        let mut calling = alloc::vec![false; self.loops.len()];
        let mut is_entry = alloc::vec![false; self.blocks.len()];
        for entry in entries {
            is_entry[*entry as usize] = true;
        }
        for at in 0..self.nest.postorder().len() {
            let block = self.nest.postorder()[at];
            let own = self.nest.innermost(block);
            let head_of = own.filter(|l| self.nest.all()[*l as usize].head == block);
            let counted = head_of.is_some() && costs.rounds(block).is_some();
            let mut next: Option<Bound> = None;
            let successors = flow.successors(block);
            if successors.is_empty() {
                put(&mut next, &Bound::ZERO, self.most);
                soil(&mut clean, own);
            }
            for to in successors {
                if !keep(block, *to) {
                    put(&mut next, &Bound::ZERO, self.most);
                    soil(&mut clean, own);
                    continue;
                }
                let level = self.common(own, self.nest.innermost(*to));
                if level != own {
                    // It leaves the loop, and with it the round.
                    if !counted {
                        put(&mut next, &Bound::ZERO, self.most);
                        soil(&mut clean, own);
                    }
                    let around = own.and_then(|own| self.nest.all()[own as usize].parent);
                    if around != level {
                        soil(&mut clean, around);
                    }
                }
                let back = level.is_some_and(|l| self.nest.all()[l as usize].head == *to);
                let behind = if back {
                    Bound::ZERO
                } else {
                    let known = match self.child(level, self.nest.innermost(*to)) {
                        None => self.blocks[*to as usize].clone(),
                        Some(inner) => self.loops[inner as usize].clone(),
                    };
                    known.unwrap_or(Bound::Unbounded(Cause::Tangle))
                };
                match self.child(level, own) {
                    None => put(&mut next, &behind, self.most),
                    Some(inner) => put(&mut ahead[inner as usize], &behind, self.most),
                }
            }
            let (mut bound, calls) = costs.block(block);
            let cost = head_of.map(|_| bound.clone());
            bound.add(&next.unwrap_or(Bound::ZERO), !calls, self.most);
            if let Some(number) = own {
                calling[number as usize] |= calls;
            }
            if costs.ends_run(block) {
                bound.inexact();
            }
            self.blocks[block as usize] = Some(bound);
            if let (Some(number), Some(cost)) = (head_of, cost) {
                let rounds = costs.rounds(block);
                let total = self.rounds(number, &cost, rounds, clean[number as usize], flow);
                let mut whole = total.clone();
                self.totals[number as usize] = Some(total);
                let ahead = ahead[number as usize].take().unwrap_or(Bound::ZERO);
                whole.add(&ahead, !calling[number as usize], self.most);
                if let Some(around) = self.nest.all()[number as usize].parent {
                    calling[around as usize] |= calling[number as usize];
                }
                self.loops[number as usize] = Some(whole);
            }
            if is_entry[block as usize]
                && let Some(bound) = self.entered(block)
            {
                costs.entered(block, bound);
            }
        }
    }

    /// All rounds of a loop whose head costs `cost`.
    fn rounds(
        &self,
        number: u32,
        cost: &Bound,
        rounds: Option<Rounds>,
        clean: bool,
        flow: &Flow,
    ) -> Bound {
        let this = &self.nest.all()[number as usize];
        let unbounded = Bound::Unbounded(Cause::Loop(flow.blocks()[this.head as usize].place()));
        if self.nest.is_tangled() {
            return Bound::Unbounded(Cause::Tangle);
        }
        let Some(rounds) = rounds.filter(|_| !this.irreducible) else { return unbounded };
        let mut total = self.blocks[this.head as usize].clone().unwrap_or(unbounded);
        total.multiply(rounds.most);
        // The head once more, which then leaves.
        total.add(cost, false, self.most);
        if !clean || rounds.least != rounds.most {
            total.inexact();
        }
        total
    }

    /// The innermost loop that is around (or is) both.
    fn common(&self, a: Option<u32>, b: Option<u32>) -> Option<u32> {
        if a == b {
            return a;
        }
        let (a, b) = (a?, b?);
        let depth = |number: u32| self.nest.all()[number as usize].depth;
        // Depths below `low` have a loop in common, those from `high` on have none.
        let (mut low, mut high) = (0, depth(a).min(depth(b)) + 1);
        while low < high {
            let middle = low.midpoint(high);
            if self.nest.outwards(a, middle) == self.nest.outwards(b, middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1).and_then(|depth| self.nest.outwards(a, depth))
    }

    /// The loop directly inside `level` that is around (or is) `inner`; `None` if `inner` is the
    /// level.
    fn child(&self, level: Option<u32>, inner: Option<u32>) -> Option<u32> {
        if level == inner {
            return None;
        }
        let depth = level.map_or(0, |level| self.nest.all()[level as usize].depth + 1);
        self.nest.outwards(inner?, depth)
    }

    /// From an outermost block, or the head of an outermost loop, to the end.
    fn entered(&self, block: BlockId) -> Option<Bound> {
        match self.nest.innermost(block) {
            None => self.blocks[block as usize].clone(),
            Some(number) => {
                let outer = self.nest.outwards(number, 0)?;
                self.loops[outer as usize].clone()
            }
        }
    }

    /// From the start of a block to the end, loops around it included; `None` if no entry leads
    /// to it.
    pub(super) fn from(&self, block: BlockId) -> Option<Bound> {
        let around = self.nest.innermost(block).map(|number| number as usize);
        let Some(number) = around else { return self.blocks[block as usize].clone() };
        if self.nest.all()[number].head == block {
            return self.ways_out[number].clone();
        }
        let mut bound = self.blocks[block as usize].clone()?;
        bound.add(self.ways_out[number].as_ref()?, false, self.most);
        bound.inexact();
        Some(bound)
    }

    /// One round of a loop: from its head until control is back there or leaves.
    pub(super) fn round(&self, number: u32) -> Option<Bound> {
        let this = self.nest.all().get(number as usize)?;
        if this.irreducible {
            return Some(Bound::Unbounded(Cause::Tangle));
        }
        self.blocks[this.head as usize].clone()
    }

    /// All rounds of a loop.
    pub(super) fn total(&self, number: u32) -> Option<&Bound> {
        self.totals.get(number as usize)?.as_ref()
    }

    pub(super) const fn nest(&self) -> &Loops {
        &self.nest
    }
}

fn put(to: &mut Option<Bound>, bound: &Bound, most: usize) {
    match to {
        None => *to = Some(bound.clone()),
        Some(joined) => joined.join(bound, most),
    }
}

fn soil(clean: &mut [bool], number: Option<u32>) {
    if let Some(number) = number {
        clean[number as usize] = false;
    }
}
