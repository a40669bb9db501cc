//! Agents that wait for each other.
//!
//! When nobody can run, no answer from outside is missing and time would have to go on, every agent
//! that is left waits. One that waits for a time will go on by itself; one that waits for an answer or
//! for a certain sender can be helped by those it waits for. Whoever nobody can help, not even by way
//! of others, is in a deadlock, and its timeout is all that is left.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{
    AgentId, World,
    actor::{State, What},
};

impl World {
    /// Looks for agents that nobody can help, and notes each circle of them that was not noted before.
    /// Only those are looked at that began to wait, or lost somebody who could help, since it was
    /// looked last: whoever waits for one of them is in no other circle.
    pub(super) fn find_deadlock(&mut self) {
        let (mut free, mut stuck) = (BTreeSet::new(), BTreeSet::new());
        for agent in core::mem::take(&mut self.suspects) {
            if self.is_free(agent) || self.reaches_free(agent, &mut free, &mut stuck) {
                continue;
            }
            if let Some(circle) = self.circle(&stuck, agent)
                && !self.deadlocks.contains(&circle)
            {
                self.deadlocks.push(circle);
            }
        }
    }

    /// Whether an agent will do something, or anybody may make it do something.
    fn is_free(&self, agent: AgentId) -> bool {
        match self.waits_for(agent) {
            // A task of its own can help it, and others.
            Some(What::Request(_) | What::From(_)) => !self.tasks(agent).is_empty(),
            // Any agent could send it, and one that waits for a time may.
            Some(What::Message(_) | What::Time) | None => self.acts(agent),
        }
    }

    /// Whether somebody can help an agent, maybe by way of others; takes note of whoever is found out
    /// about.
    fn reaches_free(
        &self,
        agent: AgentId,
        free: &mut BTreeSet<AgentId>,
        stuck: &mut BTreeSet<AgentId>,
    ) -> bool {
        // Who was come to, and from whom.
        let mut seen = BTreeMap::from([(agent, agent)]);
        let mut open = alloc::vec![agent];
        while let Some(at) = open.pop() {
            if free.contains(&at) || self.is_free(at) {
                // So are all that it can help, as far as they led here.
                let mut helped = at;
                while let Some(before) = seen.get(&helped) {
                    free.insert(helped);
                    if *before == helped {
                        break;
                    }
                    helped = *before;
                }
                return true;
            }
            for helper in self.helpers(at) {
                if !stuck.contains(&helper) && !seen.contains_key(&helper) {
                    seen.insert(helper, at);
                    open.push(helper);
                }
            }
        }
        stuck.extend(seen.into_keys());
        false
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

    /// A circle among agents that an agent waits for, beginning with the one of the lowest number.
    fn circle(&self, stuck: &BTreeSet<AgentId>, first: AgentId) -> Option<Vec<AgentId>> {
        let mut path = alloc::vec![first];
        let mut places = BTreeMap::from([(first, 0)]);
        let mut seen = BTreeSet::from([first]);
        let mut open = alloc::vec![self.helpers(first).into_iter()];
        while let Some(helpers) = open.last_mut() {
            let Some(next) = helpers.next() else {
                open.pop();
                path.pop().and_then(|agent| places.remove(&agent));
                continue;
            };
            if let Some(begin) = places.get(&next) {
                let mut circle = path.split_off(*begin);
                let lowest = { circle.iter().enumerate() }.min_by_key(|(_, agent)| **agent);
                let turn = lowest.map_or(0, |(at, _)| at);
                circle.rotate_left(turn);
                return Some(circle);
            }
            if stuck.contains(&next) && seen.insert(next) {
                places.insert(next, path.len());
                path.push(next);
                open.push(self.helpers(next).into_iter());
            }
        }
        None
    }
}
