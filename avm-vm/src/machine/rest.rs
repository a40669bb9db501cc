//! Stacks at rest. A running machine has room for every register that an instruction can name. One
//! that has not run yet, that was forked or parked, leaves out the registers that its program never
//! uses and those behind the last one that holds something.

use alloc::vec::Vec;
use core::ops::Range;

use avm_ir::{Program, Value, instr::NO_REGISTER, program::Region};

use super::Machine;
use crate::{exec::WINDOW, price::slots_of};

/// The registers that a program names or uses outside functions. All others of the agent's own
/// window are always `NULL`.
pub(super) fn used(program: &Program) -> [bool; WINDOW] {
    let mut used = [false; WINDOW];
    used[..program.registers.len().min(WINDOW)].fill(true);
    for region in &program.regions {
        uses(region, &mut used);
    }
    used
}

/// The same of a region by itself.
pub(super) fn uses(region: &Region, used: &mut [bool; WINDOW]) {
    for instr in region.code.iter().take(region.body_end()) {
        if instr.a != NO_REGISTER {
            used[usize::from(instr.a)] = true;
        }
        for register in slots_of(instr, &region.pool).iter().filter_map(|slot| slot.as_reg()) {
            used[usize::from(register)] = true;
        }
    }
}

/// The longest run of registers that are not used. Named registers are the first and scratch
/// registers the last, so it is most of the window.
pub(super) fn unused(used: &[bool; WINDOW]) -> Range<usize> {
    let (mut longest, mut start) = (0..0, 0);
    for (register, used) in used.iter().enumerate() {
        if *used {
            start = register + 1;
        } else if register + 1 - start > longest.len() {
            longest = start..register + 1;
        }
    }
    longest
}

impl Machine {
    /// Whether the stack is as a running machine's.
    pub(crate) const fn is_open(&self) -> bool {
        self.stack.len() >= self.base + WINDOW
    }

    /// Makes sure that there is a whole window from `base` on.
    #[inline]
    pub(super) fn open(&mut self) {
        if !self.is_open() {
            self.unfold();
        }
    }

    #[cold]
    fn unfold(&mut self) {
        let (room, held) = (self.base + WINDOW, self.stack.len());
        self.stack.reserve_exact(room - held);
        // Cheaper than clones of one.
        self.stack.resize_with(room, || Value::Null);
        let Range { start, end } = self.image.unused;
        for slot in (start..held).rev() {
            self.stack.swap(slot, slot + end - start);
        }
    }

    /// A copy of the stack at rest.
    pub(super) fn folded(&self) -> Vec<Value> {
        if !self.is_open() {
            return self.stack.clone();
        }
        let Range { start, end } = self.image.unused;
        [&self.stack[..start], &self.stack[end..self.base + self.live]].concat()
    }

    /// Gives back the memory of every register that holds nothing.
    pub(super) fn fold(&mut self) {
        if self.is_open() {
            self.stack.truncate(self.base + self.live);
            self.stack.drain(self.image.unused.clone());
        }
        let last = self.stack.iter().rposition(|value| *value != Value::Null);
        self.stack.truncate(last.map_or(0, |last| last + 1));
        self.stack.shrink_to_fit();
    }

    /// A register, counted from the first window's first.
    pub(super) fn slot(&self, slot: usize) -> &Value {
        let unused = &self.image.unused;
        let place = match slot {
            _ if self.is_open() || slot < unused.start => Some(slot),
            _ => slot.checked_sub(unused.end).map(|behind| unused.start + behind),
        };
        place.and_then(|place| self.stack.get(place)).unwrap_or(&Value::Null)
    }

    /// The registers of all windows.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Value> {
        (0..self.base + self.live).map(|slot| self.slot(slot))
    }
}

impl Clone for Machine {
    fn clone(&self) -> Self {
        Self {
            image: self.image.clone(),
            agent: self.agent.clone(),
            call_depth: self.call_depth,
            on_exhausted: self.on_exhausted,
            stack: self.folded(),
            frames: self.frames.clone(),
            interrupts: self.interrupts.clone(),
            // They are counted again where they are asked for.
            sums: Vec::new(),
            base: self.base,
            live: self.live,
            region: self.region,
            pc: self.pc,
            pending: self.pending.clone(),
            end: self.end.clone(),
        }
    }
}
