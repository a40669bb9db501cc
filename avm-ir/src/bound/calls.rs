//! Functions in the order in which their bounds can be known, and those that call themselves.

use alloc::vec::Vec;

use crate::{
    flow,
    verify::{CodePlace, FuncPlace, Verified},
};

/// No number yet.
const NONE: u32 = u32::MAX;

/// The functions of a program, callees before their callers.
pub(super) struct Calls {
    pub(super) order: Vec<FuncPlace>,
    /// For each region and function, whether it calls itself, maybe by way of others.
    pub(super) recursive: Vec<Vec<bool>>,
}

impl Calls {
    pub(super) fn new(program: &Verified) -> Self {
        let regions = &program.program().regions;
        let mut numbers: Vec<Vec<u32>> = Vec::with_capacity(regions.len());
        let mut places = Vec::new();
        for (region, of) in regions.iter().enumerate() {
            let first = places.len() as u32;
            let count = of.functions.len() as u32;
            numbers.push((first..first + count).collect());
            let region = region as u32;
            places.extend((0..count).map(|function| FuncPlace { region, function }));
        }
        let callees: Vec<Vec<u32>> = places
            .iter()
            .map(|place| {
                let function = &regions[place.region as usize].functions[place.function as usize];
                let mut callees: Vec<u32> = (function.entry..function.end)
                    .filter_map(|pc| flow::callee(program, CodePlace { region: place.region, pc }))
                    .map(|callee| numbers[callee.region as usize][callee.function as usize])
                    .collect();
                callees.sort_unstable();
                callees.dedup();
                callees
            })
            .collect();
        let (order, recursive) = components(&callees);
        let mut flags: Vec<Vec<bool>> =
            regions.iter().map(|region| alloc::vec![false; region.functions.len()]).collect();
        for (number, place) in places.iter().enumerate() {
            flags[place.region as usize][place.function as usize] = recursive[number];
        }
        let order = order.into_iter().map(|number| places[number as usize]).collect();
        Self { order, recursive: flags }
    }
}

/// The nodes of a graph, each behind what it leads to, and whether each lies on a circle (R. E.
/// Tarjan, Depth-first search and linear graph algorithms, 1972), without recursion.
fn components(edges: &[Vec<u32>]) -> (Vec<u32>, Vec<bool>) {
    let count = edges.len();
    let mut order = Vec::with_capacity(count);
    let mut circular = alloc::vec![false; count];
    let mut index = alloc::vec![NONE; count];
    let mut low = alloc::vec![NONE; count];
    let mut stacked = alloc::vec![false; count];
    let mut stack: Vec<u32> = Vec::new();
    let mut next_index = 0;
    for root in 0..count as u32 {
        if index[root as usize] != NONE {
            continue;
        }
        let mut open: Vec<(u32, usize)> = alloc::vec![(root, 0)];
        while let Some((node, next)) = open.last_mut() {
            let at = *node as usize;
            if *next == 0 && index[at] == NONE {
                (index[at], low[at]) = (next_index, next_index);
                next_index += 1;
                stack.push(*node);
                stacked[at] = true;
            }
            if let Some(to) = edges[at].get(*next).copied() {
                *next += 1;
                if index[to as usize] == NONE {
                    open.push((to, 0));
                } else if stacked[to as usize] {
                    low[at] = low[at].min(index[to as usize]);
                    circular[at] |= to as usize == at;
                }
                continue;
            }
            open.pop();
            if let Some((parent, _)) = open.last() {
                let parent = *parent as usize;
                low[parent] = low[parent].min(low[at]);
            }
            if low[at] == index[at] {
                let from = stack.iter().rposition(|node| *node as usize == at).unwrap_or(0);
                let several = stack.len() - from > 1;
                for node in stack.drain(from..) {
                    stacked[node as usize] = false;
                    circular[node as usize] |= several;
                    order.push(node);
                }
            }
        }
    }
    (order, circular)
}
