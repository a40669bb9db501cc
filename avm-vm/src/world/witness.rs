//! Whoever looks on a world and notes what agents that sign send: to seal it, or to compare it with what
//! was sealed.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{AgentId, Happened, Keep, Origin, World};
use crate::{
    Answer, Machine,
    identity::{
        Id, Lineage, Outbox, Seal,
        outbox::{Trail, mark},
    },
};

/// What agents that sign sent.
#[derive(Debug, Default)]
pub struct Witness {
    agents: BTreeMap<AgentId, Sender>,
    /// What was sealed, by the sender's id.
    seals: BTreeMap<Id, Seal>,
}

/// An agent that signs.
#[derive(Debug)]
struct Sender {
    id: Id,
    lineage: Lineage,
    trail: Trail,
    /// The first message that is not what was sealed.
    other: Option<Other>,
    /// Whether it sent all that was sealed.
    is_whole: bool,
}

/// A message that is not what was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    /// The numbers in the outbox, from 0, of those of which one is it.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// The number in the world of the last of them.
    pub message: u64,
}

/// What a seal says of what an agent sent, apart from whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// All that the agent sent is what was sealed.
    Same,
    /// It is, and so many were sent since.
    More(u64),
    /// A message is another one than was sealed, or stands where another one stood.
    Other(Other),
    /// The last so many of those that were sealed are not there.
    Fewer(u64),
}

impl Witness {
    /// One that compares with what was sealed; at most one seal for each agent counts.
    pub fn of(seals: &[Seal]) -> Self {
        let seals = seals.iter().map(|seal| (seal.sender.id(), seal.clone())).collect();
        Self { agents: BTreeMap::new(), seals }
    }

    /// Agents that sign, in the order in which they came.
    pub fn agents(&self) -> impl Iterator<Item = (AgentId, &Lineage)> {
        self.agents.iter().map(|(agent, sender)| (*agent, &sender.lineage))
    }

    /// The seal of an agent that it compares with.
    pub fn seal_of(&self, agent: AgentId) -> Option<&Seal> {
        self.seals.get(&self.agents.get(&agent)?.id)
    }

    /// Seals that it compares with, of agents that did not come.
    pub fn strangers(&self) -> impl Iterator<Item = &Seal> {
        let came: BTreeSet<Id> = self.agents.values().map(|sender| sender.id).collect();
        self.seals.iter().filter(move |(id, _)| !came.contains(*id)).map(|(_, seal)| seal)
    }

    /// What an agent that was sealed sent; `None` if it was not.
    pub fn found(&self, agent: AgentId, world: &World) -> Option<Found> {
        let (seal, sender) = (self.seal_of(agent)?, self.agents.get(&agent)?);
        let sent = world.outbox(agent).map_or(0, |outbox| outbox.count);
        let sealed = seal.outbox.count;
        Some(match sender.other {
            Some(other) => Found::Other(other),
            None if sent < sealed => Found::Fewer(sealed - sent),
            None if !sender.is_whole => {
                Found::Other(Other { first: 0, last: sealed.saturating_sub(1), message: 0 })
            }
            None if sent > sealed => Found::More(sent - sealed),
            None => Found::Same,
        })
    }

    /// Seals everything that agents of a root sent in a world, in the order of their ids.
    pub fn seal(
        &self,
        id: [u8; 32],
        world: &World,
        root: &[u8; 32],
        secret: &[u8; 32],
    ) -> Vec<Seal> {
        let of_root = self.agents.iter().filter(|(_, sender)| sender.lineage.key() == root);
        let sealed = of_root.filter_map(|(agent, Sender { lineage, trail, .. })| {
            let outbox = world.outbox(*agent)?;
            Some(Seal::new(id, lineage.clone(), outbox, trail.clone(), secret))
        });
        let mut seals: Vec<Seal> = sealed.collect();
        seals.sort_by_cached_key(|seal| seal.sender.id());
        seals
    }

    fn joined(&mut self, agent: AgentId, origin: Origin<'_>) {
        let lineage = match origin {
            Origin::Root { key, copy, signs: true } => Some(Lineage::of_copy(*key, copy)),
            Origin::Root { .. } => None,
            Origin::Child { parent, number } => {
                self.agents.get(&parent).and_then(|parent| parent.lineage.child(number))
            }
        };
        let Some(lineage) = lineage else { return };
        let id = lineage.id();
        let sealed = self.seals.get(&id).map(|seal| seal.outbox);
        let is_whole = sealed.is_none_or(|sealed| sealed == Outbox::new(&id));
        let sender = Sender { id, lineage, trail: Trail::default(), other: None, is_whole };
        self.agents.insert(agent, sender);
    }

    fn posted(&mut self, from: AgentId, message: u64, outbox: &Outbox) {
        let Some(sender) = self.agents.get_mut(&from) else { return };
        sender.trail.add(outbox);
        let Some(seal) = self.seals.get(&sender.id) else { return };
        let (count, sealed) = (outbox.count, seal.outbox.count);
        if sender.other.is_some() || count > sealed {
            return;
        }
        let stride = Trail::stride(sealed);
        let expected = usize::try_from(count / stride).ok().and_then(|at| at.checked_sub(1));
        let at_mark = count.is_multiple_of(stride);
        let marked = expected.and_then(|at| seal.trail.marks().get(at));
        let differs = at_mark && marked != Some(&mark(&outbox.head));
        let is_last = count == sealed;
        if differs || is_last && *outbox != seal.outbox {
            let first = if at_mark { count - stride } else { count - count % stride };
            sender.other = Some(Other { first, last: count - 1, message });
        } else if is_last {
            sender.is_whole = true;
        }
    }
}

impl Keep for Witness {
    fn answer(&mut self, agent: AgentId, machine: &mut Machine, answer: Answer) {
        ().answer(agent, machine, answer);
    }

    fn saw(&mut self, _: u64, happened: &Happened<'_>) {
        match happened {
            Happened::Joined { agent, origin, .. } => self.joined(*agent, *origin),
            Happened::Posted { from, message, outbox } => self.posted(*from, *message, outbox),
            _ => {}
        }
    }
}
