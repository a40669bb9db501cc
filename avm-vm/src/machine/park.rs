//! Agents that wait: the same state in less memory.

use alloc::vec::Vec;

use super::{End, Machine};
use crate::effect::EffectRequest;

/// An agent at rest. A running machine has room for every register of its window, most of which
/// hold nothing; a parked one has none behind the last that holds something, and none that its
/// program never uses. A host with many agents parks those that wait for an answer, a message or
/// their turn.
#[derive(Clone, Debug)]
pub struct Parked {
    machine: Machine,
}

impl Machine {
    /// Puts the agent to rest. Nothing of its state changes.
    pub fn park(mut self) -> Parked {
        self.rest();
        Parked { machine: self }
    }

    /// The same where it is.
    pub(crate) fn rest(&mut self) {
        self.fold();
        self.frames.shrink_to_fit();
        self.interrupts.shrink_to_fit();
        // They are made again where they are asked for.
        self.sums = Vec::new();
        self.agent.draws.rest();
    }
}

impl Parked {
    /// The agent as it was.
    pub fn wake(self) -> Machine {
        self.machine
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
