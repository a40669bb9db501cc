//! Agents that wait: the same state in less memory.

use alloc::vec::Vec;

use avm_ir::Value;

use super::{End, Machine};
use crate::effect::EffectRequest;

/// An agent at rest. A running machine has room for every register of its window, most of which
/// hold nothing; a parked one keeps only those that hold something. A host with many agents parks
/// those that wait for an answer, a message or their turn.
#[derive(Clone, Debug)]
pub struct Parked {
    /// Without registers.
    machine: Machine,
    /// Number and value of each register that is not `NULL`, those of callers included.
    registers: Vec<(u32, Value)>,
    /// How many registers there were room for.
    room: usize,
}

impl Machine {
    /// Puts the agent to rest. Nothing of its state changes.
    pub fn park(mut self) -> Parked {
        let stack = core::mem::take(&mut self.stack);
        let room = self.base + super::WINDOW;
        let held =
            stack.into_iter().take(room).enumerate().filter(|(_, value)| *value != Value::Null);
        let mut registers: Vec<(u32, Value)> =
            held.map(|(number, value)| (number as u32, value)).collect();
        registers.shrink_to_fit();
        self.frames.shrink_to_fit();
        // They are counted again where they are asked for.
        self.sums = Vec::new();
        Parked { machine: self, registers, room }
    }
}

impl Parked {
    /// The agent as it was.
    pub fn wake(self) -> Machine {
        let Self { mut machine, registers, room } = self;
        machine.stack = alloc::vec![Value::Null; room];
        for (number, value) in registers {
            machine.stack[number as usize] = value;
        }
        machine
    }

    /// The effect that waits for an answer.
    pub fn pending(&self) -> Option<&EffectRequest> {
        self.machine.pending()
    }

    /// How the run ended, if it did.
    pub const fn end(&self) -> Option<&End> {
        self.machine.end()
    }
}
