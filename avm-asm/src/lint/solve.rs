//! Data flow against the direction of control: what holds in front of each block.

use std::collections::VecDeque;

use avm_ir::flow::{BlockId, Flow};

use super::set::Set;

/// What a block adds in front of it, and what it takes away of what holds behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    pub(super) adds: Set,
    pub(super) takes: Set,
}

/// Whether something has to hold on some way onward or on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ways {
    Some,
    All,
}

/// What holds behind a block, given what holds in front of all of them.
pub(super) fn behind(flow: &Flow, starts: &[Set], block: BlockId, exit: Set, ways: Ways) -> Set {
    let mut next = flow.successors(block).iter().map(|next| starts[*next as usize]);
    let Some(first) = next.next() else { return exit };
    next.fold(first, |a, b| if ways == Ways::Some { a.or(b) } else { a.and(b) })
}

/// What holds in front of each block. `exit` holds where control ends.
///
/// A set only grows (or, for all ways, only shrinks), so a block comes up at most once for each
/// member and way onward.
pub(super) fn backward(
    flow: &Flow,
    changes: &[Change],
    exit: impl Fn(BlockId) -> Set,
    ways: Ways,
) -> Vec<Set> {
    let initial = if ways == Ways::Some { Set::EMPTY } else { Set::FULL };
    let mut starts = vec![initial; flow.blocks().len()];
    let mut waits = vec![true; starts.len()];
    let mut open: VecDeque<BlockId> = flow.postorder().iter().copied().collect();
    while let Some(block) = open.pop_front() {
        waits[block as usize] = false;
        let end = behind(flow, &starts, block, exit(block), ways);
        let Change { adds, takes } = changes[block as usize];
        let start = end.without(takes).or(adds);
        if core::mem::replace(&mut starts[block as usize], start) == start {
            continue;
        }
        for from in flow.predecessors(block) {
            if flow.is_reachable(*from) && !core::mem::replace(&mut waits[*from as usize], true) {
                open.push_back(*from);
            }
        }
    }
    starts
}
