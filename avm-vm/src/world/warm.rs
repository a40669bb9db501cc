//! Which machines have room to run. One that runs has room for every register that an instruction can
//! name, four kilobytes; a world of many agents has that for those that ran lately, and puts the others
//! to rest. Nothing of their state changes, so no agent sees it, and neither does the world's hash.

use alloc::collections::VecDeque;

use super::{AgentId, World, actor::State};

/// Machines that keep room where nobody says otherwise: 64 MiB in all.
const MOST: usize = 1 << 14;

/// Who has room.
#[derive(Debug)]
pub(super) struct Warm {
    /// In the order in which their machines got it; some may have been put to rest since.
    agents: VecDeque<AgentId>,
    most: usize,
}

impl Default for Warm {
    fn default() -> Self {
        Self { agents: VecDeque::new(), most: MOST }
    }
}

impl Warm {
    /// Whether a round of so many agents is too large for all of them to keep room.
    pub(super) const fn is_short_for(&self, agents: usize) -> bool {
        agents > self.most
    }

    /// An agent's machine gets room.
    pub(super) fn push(&mut self, agent: AgentId) {
        self.agents.push_back(agent);
    }
}

impl World {
    /// How many machines keep room to run, some 4 KiB each, while they wait; 16384 if nobody says so.
    /// More of them cost memory, fewer time, and nothing else changes.
    pub fn keep_warm(&mut self, most: usize) {
        self.warm.most = most;
    }

    /// An agent's machine got room between rounds: others give theirs back, or else this one does.
    pub(super) fn warm(&mut self, agent: AgentId) {
        self.cool();
        match self.warm.agents.len() < self.warm.most {
            true => self.warm.push(agent),
            false => self.put_to_rest(agent),
        }
    }

    /// Puts machines to rest that got room long ago and wait. Two at a time, as one comes at a time:
    /// so nobody waits for many.
    pub(super) fn cool(&mut self) {
        for _ in 0..2 {
            if self.warm.agents.len() < self.warm.most {
                return;
            }
            let Some(oldest) = self.warm.agents.pop_front() else { return };
            match self.actor(oldest).map(|actor| &actor.state) {
                Some(State::Ready) => self.warm.push(oldest),
                _ => self.put_to_rest(oldest),
            }
        }
    }

    fn put_to_rest(&mut self, agent: AgentId) {
        if let Some(machine) = self.actor_mut(agent).and_then(|actor| actor.machine.as_deref_mut())
        {
            machine.rest();
        }
    }
}
