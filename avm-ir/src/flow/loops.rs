//! Which blocks are loops, and how loops nest.
//!
//! Tarjan's way: a depth-first walk finds the edges that lead back, and a union of sets gathers what
//! lies between, inner loops first (R. E. Tarjan, Testing flow graph reducibility, 1974; P. Havlak,
//! Nesting of reducible and irreducible loops, 1997). Dominators, which give the same loops, would
//! need a second structure of that kind.

use alloc::vec::Vec;

use super::{BlockId, Flow};

/// No block, no loop.
const NONE: u32 = u32::MAX;

/// A loop: blocks that control can pass through again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loop {
    /// The block that each round begins with.
    pub head: BlockId,
    /// Index of the loop around it.
    pub parent: Option<u32>,
    /// Loops around it; 0 for an outermost one.
    pub depth: u32,
    /// The blocks with an edge back to the head, in ascending order.
    pub backs: Vec<BlockId>,
    /// Whether control can also come in elsewhere than at the head.
    pub irreducible: bool,
    /// A loop further out, so that searching outwards takes few steps.
    jump: u32,
}

/// The loops of a graph, and the order in which its blocks can be worked through.
#[derive(Clone, Debug, Default)]
pub struct Loops {
    loops: Vec<Loop>,
    /// Innermost loop of each block.
    loop_of: Vec<u32>,
    /// Blocks in the order in which the walk left them.
    postorder: Vec<BlockId>,
    /// When the walk entered each block, and the last block it entered before it left it.
    span: Vec<(u32, u32)>,
    tangled: bool,
}

impl Loops {
    /// The loops of what is reachable from `entries` over the edges that `keep` lets pass.
    pub fn new(flow: &Flow, entries: &[BlockId], keep: impl Fn(BlockId, BlockId) -> bool) -> Self {
        let count = flow.blocks().len();
        let mut nest = Self {
            loops: Vec::new(),
            loop_of: alloc::vec![NONE; count],
            postorder: Vec::with_capacity(count),
            span: alloc::vec![(NONE, NONE); count],
            tangled: false,
        };
        let preorder = nest.walk(flow, entries, &keep);
        nest.gather(flow, &preorder, &keep);
        nest.order();
        nest
    }

    fn walk(
        &mut self,
        flow: &Flow,
        entries: &[BlockId],
        keep: &impl Fn(BlockId, BlockId) -> bool,
    ) -> Vec<BlockId> {
        let mut preorder: Vec<BlockId> = Vec::new();
        let mut open: Vec<(BlockId, usize)> = Vec::new();
        for entry in entries {
            if self.span[*entry as usize].0 != NONE {
                continue;
            }
            self.span[*entry as usize].0 = preorder.len() as u32;
            preorder.push(*entry);
            open.push((*entry, 0));
            while let Some((block, next)) = open.last_mut() {
                let block = *block;
                let Some(to) = flow.successors(block).get(*next).copied() else {
                    self.span[block as usize].1 = preorder.len() as u32 - 1;
                    self.postorder.push(block);
                    open.pop();
                    continue;
                };
                *next += 1;
                if self.span[to as usize].0 == NONE && keep(block, to) {
                    self.span[to as usize].0 = preorder.len() as u32;
                    preorder.push(to);
                    open.push((to, 0));
                }
            }
        }
        preorder
    }

    /// Whether the walk came to `inner` while it was in `outer`.
    fn under(&self, outer: BlockId, inner: BlockId) -> bool {
        let (first, last) = self.span[outer as usize];
        (first..=last).contains(&self.span[inner as usize].0)
    }

    fn gather(
        &mut self,
        flow: &Flow,
        preorder: &[BlockId],
        keep: &impl Fn(BlockId, BlockId) -> bool,
    ) {
        // Each block's set is named by the head of the outermost loop found around it so far.
        let mut sets: Vec<u32> = (0..self.span.len() as u32).collect();
        let mut added = alloc::vec![NONE; self.span.len()];
        // Entries from outside into loops that were gathered already, by the head of the loop. They
        // are looked at once for every loop around, which must not become a square.
        let mut sideways: Vec<Vec<BlockId>> = Vec::new();
        let mut patience = 16 * self.span.len() + 1024;
        let mut sideways_of = alloc::vec![NONE; self.span.len()];
        for head in preorder.iter().rev().copied() {
            let comes_from =
                |from: &&BlockId| self.span[**from as usize].0 != NONE && keep(**from, head);
            let backs: Vec<BlockId> = flow
                .predecessors(head)
                .iter()
                .filter(comes_from)
                .filter(|from| self.under(head, **from))
                .copied()
                .collect();
            if backs.is_empty() {
                continue;
            }
            let number = self.loops.len() as u32;
            let mut irreducible = false;
            let mut body: Vec<BlockId> = Vec::new();
            let mut outside: Vec<BlockId> = Vec::new();
            for back in &backs {
                let set = find(&mut sets, *back);
                if set != head && added[set as usize] != number {
                    added[set as usize] = number;
                    body.push(set);
                }
            }
            let mut next = 0;
            while let Some(member) = body.get(next).copied() {
                next += 1;
                let also = sideways_of[member as usize];
                let also = sideways.get_mut(also as usize).map(core::mem::take).unwrap_or_default();
                let direct = flow.predecessors(member).iter().copied();
                let direct = direct.filter(|from| keep(*from, member));
                for from in direct.chain(also) {
                    if self.span[from as usize].0 == NONE {
                        continue;
                    }
                    let set = find(&mut sets, from);
                    if !self.under(head, set) {
                        irreducible = true;
                        outside.push(set);
                    } else if set != head && added[set as usize] != number {
                        added[set as usize] = number;
                        body.push(set);
                    }
                }
            }
            for member in body {
                sets[member as usize] = head;
                let inner = self.loop_of[member as usize];
                match self.loops.get_mut(inner as usize) {
                    // The head of an inner loop stands for all of it.
                    Some(inner) if inner.head == member => inner.parent = Some(number),
                    _ => self.loop_of[member as usize] = number,
                }
            }
            self.loop_of[head as usize] = number;
            match patience.checked_sub(outside.len()) {
                Some(left) => patience = left,
                None => {
                    self.tangled = true;
                    outside.clear();
                }
            }
            if !outside.is_empty() {
                sideways_of[head as usize] = sideways.len() as u32;
                sideways.push(outside);
            }
            self.loops.push(Loop { head, parent: None, depth: 0, backs, irreducible, jump: NONE });
        }
    }

    /// Puts outer loops first and measures depths.
    fn order(&mut self) {
        // They were found inner ones first.
        let last = self.loops.len() as u32;
        self.loops.reverse();
        for number in &mut self.loop_of {
            if *number != NONE {
                *number = last - 1 - *number;
            }
        }
        for at in 0..self.loops.len() {
            let parent = self.loops[at].parent.map(|parent| last - 1 - parent);
            self.loops[at].parent = parent;
            let Some(parent) = parent else { continue };
            // A jump pointer doubles its parent's where two of equal length meet (E. W. Myers).
            let depth = |of: u32| self.loops.get(of as usize).map_or(-1, |l| i64::from(l.depth));
            let far = self.loops[parent as usize].jump;
            let further = self.loops.get(far as usize).map_or(NONE, |far| far.jump);
            let equal = depth(parent) - depth(far) == depth(far) - depth(further);
            let jump = if far != NONE && equal { further } else { parent };
            let depth = self.loops[parent as usize].depth + 1;
            self.loops[at].depth = depth;
            self.loops[at].jump = jump;
        }
    }

    /// The loops, outer ones before those inside them.
    pub fn all(&self) -> &[Loop] {
        &self.loops
    }

    /// Whether so many jumps lead into the middle of so many loops that not every loop was told
    /// apart: some blocks may be in loops that are not listed. No structured program is like that.
    pub const fn is_tangled(&self) -> bool {
        self.tangled
    }

    /// The innermost loop of a block.
    pub fn innermost(&self, block: BlockId) -> Option<u32> {
        self.loop_of.get(block as usize).copied().filter(|number| *number != NONE)
    }

    /// Whether the walk came to the block.
    pub fn is_reachable(&self, block: BlockId) -> bool {
        self.span.get(block as usize).is_some_and(|span| span.0 != NONE)
    }

    /// The reachable blocks, each behind what it leads to, but for the heads of loops around it.
    pub fn postorder(&self) -> &[BlockId] {
        &self.postorder
    }

    /// Whether a block lies in a loop, or in one inside it.
    pub fn contains(&self, number: u32, block: BlockId) -> bool {
        let Some(depth) = self.loops.get(number as usize).map(|l| l.depth) else { return false };
        let inner = self.innermost(block);
        inner.and_then(|inner| self.outwards(inner, depth)) == Some(number)
    }

    /// The loop at a depth around (or at) a loop; takes time logarithmic in the depth.
    pub fn outwards(&self, number: u32, depth: u32) -> Option<u32> {
        let mut at = number;
        loop {
            let here = self.loops.get(at as usize)?;
            if here.depth <= depth {
                return (here.depth == depth).then_some(at);
            }
            at = match self.loops.get(here.jump as usize) {
                Some(far) if far.depth >= depth => here.jump,
                _ => here.parent?,
            };
        }
    }
}

fn find(sets: &mut [u32], of: u32) -> u32 {
    let mut root = of;
    while sets[root as usize] != root {
        root = sets[root as usize];
    }
    let mut at = of;
    while sets[at as usize] != root {
        at = core::mem::replace(&mut sets[at as usize], root);
    }
    root
}
