//! Control flow of a verified program: basic blocks, edges, loops, and what an instruction reads
//! and writes. What looks at programs without running them is built on it.
//!
//! The bodies of all regions are one graph, since jumps go from body to body; each function is a
//! graph of its own. A call goes on behind itself: what the callee does is for the caller of this
//! module to add. Everything here is linear in the size of the program and recurses nowhere.
//!
//! ```
//! # use avm_ir::{Instr, Opcode, Program, flow::Flow, program::{MAIN, Perms, Region}};
//! let main = Region {
//!     name: MAIN.into(),
//!     perms: Perms::MAIN,
//!     code: vec![Instr::bare(Opcode::NOP), Instr::bare(Opcode::HALT)],
//!     ..Region::default()
//! };
//! let program = avm_ir::verify(Program { regions: vec![main], ..Program::default() }).unwrap();
//! let flow = Flow::new(&program);
//! assert_eq!(flow.blocks().len(), 1);
//! assert!(flow.loops().is_empty());
//! ```

mod access;
mod graph;
mod loops;

use alloc::vec::Vec;

pub use access::{StatusRead, Window, operands, reads, sets_status, status_read, window, writes};
pub use loops::{Loop, Loops};

use crate::{
    instr::Role,
    opcode::Opcode,
    operand::Kind,
    verify::{CodePlace, FuncPlace, Verified},
};

/// Number of a basic block in [`Flow::blocks`].
pub type BlockId = u32;

/// Where control goes behind one instruction, failures and the callee of a `CALL` aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exits {
    /// It may go on at the next instruction.
    pub falls: bool,
    /// It may go on at this instruction, maybe of another region.
    pub jumps: Option<CodePlace>,
}

/// Instructions that run one behind the other: entered at the first, left at the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Index of the region.
    pub region: u32,
    /// Index of the function in the region; `None` in the body.
    pub function: Option<u32>,
    /// Its first instruction.
    pub start: u32,
    /// One past its last instruction.
    pub end: u32,
}

impl Block {
    /// Its first instruction.
    pub const fn place(&self) -> CodePlace {
        CodePlace { region: self.region, pc: self.start }
    }

    /// Its last instruction.
    pub const fn last(&self) -> CodePlace {
        CodePlace { region: self.region, pc: self.end - 1 }
    }
}

/// The control flow of a program.
#[derive(Clone, Debug)]
pub struct Flow {
    blocks: Vec<Block>,
    /// For each region the block of each instruction.
    block_of: Vec<Vec<BlockId>>,
    successors: graph::Edges,
    predecessors: graph::Edges,
    entries: Vec<BlockId>,
    loops: Loops,
}

impl Flow {
    /// The flow of a program.
    pub fn new(program: &Verified) -> Self {
        let (blocks, block_of) = graph::blocks(program);
        let successors = graph::successors(program, &blocks, &block_of);
        let predecessors = successors.reversed();
        let mut flow = Self {
            blocks,
            block_of,
            successors,
            predecessors,
            entries: Vec::new(),
            loops: Loops::default(),
        };
        flow.entries = flow.find_entries(program);
        flow.loops = Loops::new(&flow, &flow.entries, |_, _| true);
        flow
    }

    /// Functions, then the first instruction of `main`, then the first one of each region that no
    /// other code leads to.
    fn find_entries(&self, program: &Verified) -> Vec<BlockId> {
        let mut entries = Vec::new();
        for (region, functions) in
            program.program().regions.iter().map(|r| &r.functions).enumerate()
        {
            for function in functions {
                entries
                    .push(self.block_at(CodePlace { region: region as u32, pc: function.entry }));
            }
        }
        let mut seen = alloc::vec![false; self.blocks.len()];
        for region in 0..program.program().regions.len() as u32 {
            let entry = self.block_at(CodePlace { region, pc: 0 });
            if seen[entry as usize] {
                continue;
            }
            entries.push(entry);
            let mut open = alloc::vec![entry];
            seen[entry as usize] = true;
            while let Some(block) = open.pop() {
                for next in self.successors(block) {
                    if !core::mem::replace(&mut seen[*next as usize], true) {
                        open.push(*next);
                    }
                }
            }
        }
        entries
    }

    /// The basic blocks, by region and then by place.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The block that holds an instruction; the last block if the program has no such place.
    pub fn block_at(&self, place: CodePlace) -> BlockId {
        let block = self.block_of.get(place.region as usize);
        let block = block.and_then(|blocks| blocks.get(place.pc as usize));
        block.copied().unwrap_or(self.blocks.len() as u32 - 1)
    }

    /// The blocks that control may reach next, each once.
    pub fn successors(&self, block: BlockId) -> &[BlockId] {
        self.successors.of(block)
    }

    /// The blocks that control may come from, each once.
    pub fn predecessors(&self, block: BlockId) -> &[BlockId] {
        self.predecessors.of(block)
    }

    /// Where control comes in: the functions' entries, then that of `main`, then those of regions
    /// that nothing before leads to.
    pub fn entries(&self) -> &[BlockId] {
        &self.entries
    }

    /// Whether an entry leads to the block. Code that is not reachable never runs.
    pub fn is_reachable(&self, block: BlockId) -> bool {
        self.loops.is_reachable(block)
    }

    /// The reachable blocks in postorder: a block stands behind everything that it leads to, but
    /// for the heads of the loops around it.
    pub fn postorder(&self) -> &[BlockId] {
        self.loops.postorder()
    }

    /// The loops, outer ones before those inside them.
    pub fn loops(&self) -> &[Loop] {
        self.loops.all()
    }

    /// The loops with what is known of the blocks in them.
    pub const fn nest(&self) -> &Loops {
        &self.loops
    }
}

/// Where control goes behind an instruction.
pub fn exits(program: &Verified, at: CodePlace) -> Exits {
    let region = &program.program().regions[at.region as usize];
    let instr = region.code[at.pc as usize];
    let falls = !matches!(instr.op, Opcode::HALT | Opcode::JUMP | Opcode::RETURN | Opcode::RAISE);
    let info = instr.op.info();
    let label = info
        .slot_roles()
        .position(|role| matches!(role, Role::Input(n) if info.inputs[n].kind == Kind::Label));
    let links = &program.links()[at.region as usize].labels;
    let jumps = label
        .and_then(|slot| instr.slots(&region.pool)?.get(slot).copied())
        .and_then(|slot| links.get(usize::from(slot.0)).copied());
    Exits { falls, jumps }
}

/// The function that an instruction calls, if it is a `CALL`.
pub fn callee(program: &Verified, at: CodePlace) -> Option<FuncPlace> {
    let region = &program.program().regions[at.region as usize];
    let instr = region.code[at.pc as usize];
    if instr.op != Opcode::CALL {
        return None;
    }
    let function = *instr.slots(&region.pool)?.first()?;
    program.links()[at.region as usize].imports.get(usize::from(function.0)).copied()
}
