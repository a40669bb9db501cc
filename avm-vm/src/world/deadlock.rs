//! Agents that wait for each other.
//!
//! When nobody can run, no answer from outside is missing and time would have to go on, every agent
//! that is left waits. One that waits for a time will go on by itself; one that waits for an answer or
//! for a certain sender can be helped by those it waits for. Whoever nobody can help, not even by way
//! of others, is in a deadlock, and its timeout is all that is left.

use alloc::{collections::BTreeSet, vec::Vec};

use super::{
    AgentId, World,
    actor::{State, What},
};

impl World {
    /// Looks for agents that nobody can help, and notes a circle of them that was not noted before.
    pub(super) fn find_deadlock(&mut self) {
        let mut stuck: BTreeSet<AgentId> = BTreeSet::new();
        for number in 0..self.actors.len() as u32 {
            let agent = AgentId(number);
            match self.waits_for(agent) {
                Some(What::Request(_) | What::From(_)) => drop(stuck.insert(agent)),
                // Any agent could send it, and one that waits for a time may.
                Some(What::Message(_) | What::Time) | None => {}
            }
        }
        // Whoever can be helped by somebody who is not stuck is not either.
        loop {
            let free = stuck.iter().copied().find(|agent| {
                self.helpers(*agent)
                    .iter()
                    .any(|helper| !stuck.contains(helper) && self.acts(*helper))
            });
            match free {
                Some(agent) => stuck.remove(&agent),
                None => break,
            };
        }
        let Some(circle) = self.circle(&stuck) else { return };
        if !self.deadlocks.contains(&circle) {
            self.deadlocks.push(circle);
        }
    }

    /// Whether an agent may still do something.
    pub(super) fn acts(&self, agent: AgentId) -> bool {
        self.actor(agent).is_some_and(|actor| actor.state != State::Over)
    }

    /// Who can end an agent's wait.
    fn helpers(&self, agent: AgentId) -> Vec<AgentId> {
        match self.waits_for(agent) {
            Some(What::Request(number)) => {
                let Some(request) = self.requests.get(number) else { return Vec::new() };
                let judges = request.verifier.filter(|_| !request.judged.is_empty());
                request.open.iter().copied().chain(judges).collect()
            }
            Some(What::From(from)) => alloc::vec![*from],
            _ => Vec::new(),
        }
    }

    /// A circle among agents, beginning with the one of the lowest number.
    fn circle(&self, stuck: &BTreeSet<AgentId>) -> Option<Vec<AgentId>> {
        for first in stuck {
            let (mut path, mut at) = (alloc::vec![*first], *first);
            // Along the first helper that is stuck too; a path without an end comes back to itself.
            while let Some(next) = self.helpers(at).into_iter().find(|next| stuck.contains(next)) {
                if let Some(begin) = path.iter().position(|seen| *seen == next) {
                    let mut circle = path.split_off(begin);
                    let lowest = { circle.iter().enumerate() }.min_by_key(|(_, agent)| **agent);
                    let turn = lowest.map_or(0, |(at, _)| at);
                    circle.rotate_left(turn);
                    return Some(circle);
                }
                path.push(next);
                at = next;
            }
        }
        None
    }
}
