//! What can be seen of a machine besides its agent's registers: calls, store, failures.

use avm_ir::{Value, value::Text, verify::CodePlace};

use super::Machine;
use crate::effect::Failure;

/// The registers of one call, or of the agent outside functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The next instruction; where a call waits in it, the one behind the call.
    pub at: CodePlace,
    /// Whether what runs above it was called by nobody in it: it was interrupted before the
    /// instruction ([`Machine::interrupt`]).
    pub interrupted: bool,
    /// How many registers it has.
    pub registers: usize,
    base: usize,
}

impl Machine {
    /// How many calls are open.
    pub const fn depth(&self) -> usize {
        self.frames.len()
    }

    /// The window that so many calls led to; the agent's own is number 0.
    pub fn window(&self, depth: usize) -> Option<Window> {
        if depth == self.frames.len() {
            let (at, registers, base) = (self.at(), self.live, self.base);
            return Some(Window { at, interrupted: false, registers, base });
        }
        let frame = self.frames.get(depth)?;
        let (at, interrupted) = (frame.at(), frame.is_interrupt());
        Some(Window { at, interrupted, registers: frame.live, base: frame.base })
    }

    /// A register of a window of this machine.
    pub fn value(&self, window: &Window, register: u8) -> Option<&Value> {
        let number = usize::from(register);
        (number < window.registers).then(|| self.slot(window.base + number))
    }

    /// The agent's private store, by key.
    pub fn store(&self) -> impl Iterator<Item = (&Text, &Value)> {
        self.agent.kv.iter()
    }

    /// What `SAVE_EXECUTION_STATE` kept last.
    pub const fn saved(&self) -> &Value {
        &self.agent.saved
    }

    /// Instructions that failed in their class.
    pub const fn failures(&self) -> u64 {
        self.agent.failures
    }

    /// How the last of them failed.
    pub const fn last_failure(&self) -> Option<&Failure> {
        self.agent.last_failure.as_ref()
    }
}
