//! Basic blocks and the edges between them.

use alloc::vec::Vec;

use super::{Block, BlockId, exits};
use crate::verify::{CodePlace, Verified};

/// Lists of numbers, one behind the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    starts: Vec<u32>,
    to: Vec<BlockId>,
}

impl Edges {
    pub(super) fn of(&self, block: BlockId) -> &[BlockId] {
        let block = block as usize;
        match (self.starts.get(block), self.starts.get(block + 1)) {
            (Some(start), Some(end)) => &self.to[*start as usize..*end as usize],
            _ => &[],
        }
    }

    /// The same edges the other way round; those to one block in the order of where they start.
    pub(super) fn reversed(&self) -> Self {
        let blocks = self.starts.len().saturating_sub(1);
        let mut starts = alloc::vec![0_u32; blocks + 1];
        for to in &self.to {
            starts[*to as usize + 1] += 1;
        }
        for block in 0..blocks {
            starts[block + 1] += starts[block];
        }
        let mut next = starts.clone();
        let mut to = alloc::vec![0; self.to.len()];
        for from in 0..blocks as u32 {
            for target in self.of(from) {
                let at = &mut next[*target as usize];
                to[*at as usize] = from;
                *at += 1;
            }
        }
        Self { starts, to }
    }
}

/// The basic blocks of all regions, and for each region the block of each instruction.
pub(super) fn blocks(program: &Verified) -> (Vec<Block>, Vec<Vec<BlockId>>) {
    let regions = &program.program().regions;
    let mut starts: Vec<Vec<bool>> =
        regions.iter().map(|region| alloc::vec![false; region.code.len()]).collect();
    for (index, region) in regions.iter().enumerate() {
        starts[index][0] = true;
        for function in &region.functions {
            starts[index][function.entry as usize] = true;
        }
        // Named labels too, so that every place that others can name is the start of a block.
        for label in &program.links()[index].labels {
            if let Some(start) = starts[label.region as usize].get_mut(label.pc as usize) {
                *start = true;
            }
        }
        for pc in 0..region.code.len() {
            let exits = exits(program, CodePlace { region: index as u32, pc: pc as u32 });
            if (exits.jumps.is_some() || !exits.falls) && pc + 1 < region.code.len() {
                starts[index][pc + 1] = true;
            }
        }
    }
    let mut blocks = Vec::new();
    let mut block_of = Vec::with_capacity(regions.len());
    for (index, region) in regions.iter().enumerate() {
        let mut of = Vec::with_capacity(region.code.len());
        let mut functions = region.functions.iter().enumerate().peekable();
        let mut function = None;
        for (pc, starts) in starts[index].iter().enumerate() {
            if let Some((number, _)) = functions.next_if(|(_, f)| f.entry as usize == pc) {
                function = Some(number as u32);
            }
            let (region, start) = (index as u32, pc as u32);
            if *starts {
                blocks.push(Block { region, function, start, end: start });
            }
            if let Some(block) = blocks.last_mut() {
                block.end = start + 1;
            }
            of.push(blocks.len() as u32 - 1);
        }
        block_of.push(of);
    }
    (blocks, block_of)
}

pub(super) fn successors(program: &Verified, blocks: &[Block], block_of: &[Vec<BlockId>]) -> Edges {
    let mut edges = Edges { starts: Vec::with_capacity(blocks.len() + 1), to: Vec::new() };
    edges.starts.push(0);
    for block in blocks {
        let exits = exits(program, block.last());
        let from = edges.to.len();
        if exits.falls {
            edges.to.extend(block_of[block.region as usize].get(block.end as usize));
        }
        if let Some(place) = exits.jumps {
            let to = block_of[place.region as usize][place.pc as usize];
            if edges.to.get(from) != Some(&to) {
                edges.to.push(to);
            }
        }
        edges.starts.push(edges.to.len() as u32);
    }
    edges
}
