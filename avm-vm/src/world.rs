//! Many agents in one deterministic world: messages, channels, requests, time (whitepaper §10, §11.1,
//! §11.2).
//!
//! A world goes on in rounds. In a round every agent that can run runs a slice of its own, and nothing
//! that one does is seen by another: so a host may run the slices on as many threads as it likes
//! ([`World::turns`], [`Turn::run`]). Then the world takes what they asked, one after the other, in an
//! order drawn from its seed ([`World::commit`]). The same seed, agents and answers give the same
//! world, message by message, whatever the number of threads; another seed gives another interleaving.
//!
//! Time is virtual: it stands still while anybody can run, and then goes on to the next timer. What the
//! world does not answer itself (models, tools, documents, …) it hands to the host ([`World::asks`]).
//!
//! `spec/world.md` has the rules.

mod actor;
mod channel;
mod clock;
mod codec;
mod deadlock;
mod domain;
mod event;
mod fork;
mod inbox;
pub mod journal;
mod look;
mod money;
mod outbox;
mod replay;
mod request;
mod restart;
mod reward;
mod round;
mod schedule;
mod skim;
mod stall;
mod swarm;
mod swift;
mod wait;
mod warm;
mod witness;

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    string::String,
    sync::Arc,
    vec::Vec,
};

use avm_ir::{Value, value::Text, wire::Writer};

pub use channel::{ChannelRules, Payout, Price, Rate, Role};
pub use codec::WorldError;
pub use event::{Event, Joined, Misfit};
pub use inbox::Message;
pub use look::{Doing, Happened, Origin, Sent, Wanted};
pub use money::{CREDITS, pool_id};
pub use replay::{Differs, Next, Replay, Stop, Unfit};
pub use restart::Supervision;
pub use round::{Keep, Turn};
pub use schedule::Task;
pub use skim::{Rest, Skim, skim};
pub use stall::{Stale, Stall, StallRule, Then};
pub use witness::{Found, Other, Witness};

use crate::{
    agent::Draws,
    effect::{Answer, EffectRequest},
    identity::{Id, Outbox},
    ledger::Ledger,
    machine::{End, Image, Machine},
};
use actor::{Actor, State};
use channel::Channel;
use clock::Clock;
use codec::write_agents;
use inbox::Labels;
use request::Request;
use round::Room;
use warm::Warm;

/// Nanoseconds of a second.
pub const SECOND: u64 = 1_000_000_000;

/// What a round takes where time does not stand still, in nanoseconds.
pub const ROUND: u64 = 100_000;

/// An agent of a world: its number, from 0 in the order in which they came; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(pub u32);

/// What holds for a whole world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Decides in which order agents' doings take place.
    pub seed: u64,
    /// Most instructions of an agent in a round.
    pub slice: u64,
    /// Whether the instructions of an agent in a round are drawn, between 1 and the slice: then seeds
    /// differ in how far agents come, too.
    pub jitter: bool,
    /// Virtual time at the beginning, in nanoseconds since 1970.
    pub epoch: u64,
    /// How long a wait without a timeout of its own lasts, in nanoseconds.
    pub patience: u64,
    /// Most messages of one sender that an agent has not taken yet.
    pub inbox_share: u32,
    /// Most requests of an agent whose answers it has not taken.
    pub requests: u32,
    /// Most bytes of what a message carries ([`Value::size`]).
    pub message_bytes: u64,
    /// Most tasks of an agent.
    pub tasks: u32,
    /// Most agents that are there at a time, where agents start others.
    pub agents: u32,
    /// Most children of an agent that are there at a time.
    pub children: u32,
    /// How often an agent may start others; any number without it.
    pub forks: Option<Rate>,
    /// Nanogas that a child gets of its parent's unless that says otherwise, but never more than half of
    /// it.
    pub child_gas: u64,
    /// Rounds for which time stands still because somebody can run; then it goes on by as many times
    /// [`ROUND`]. 0 is any number. So nobody who computes for ever keeps the time of others from going
    /// on.
    pub standstill: u32,
    /// What is done about conversations that come to nothing, where a channel does not say.
    pub stall: StallRule,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            seed: 0,
            slice: 10_000,
            jitter: false,
            epoch: 0,
            patience: 60 * SECOND,
            inbox_share: 64,
            requests: 1 << 10,
            message_bytes: 1 << 20,
            tasks: 64,
            agents: 100_000,
            children: 1 << 10,
            forks: None,
            child_gas: 100 * avm_ir::gas::GAS,
            standstill: 1000,
            stall: StallRule::default(),
        }
    }
}

/// Why an agent cannot join a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinError {
    /// Another agent has the name.
    Taken,
    /// Another agent has the identity.
    Known,
    /// The world has as many agents as it can number.
    Full,
}

impl core::fmt::Display for JoinError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Taken => "another agent of the world has this name",
            Self::Known => "another agent of the world has this identity",
            Self::Full => "the world has 4294967295 agents, which is all it can number",
        })
    }
}

impl core::error::Error for JoinError {}

/// What a world waits for when no agent can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Some can run.
    Not,
    /// For answers from outside ([`World::asks`]), or for approvals ([`World::approvals`]).
    Asks,
    /// For a time, in nanoseconds since 1970; [`World::pass`] goes there.
    Until(u64),
    /// For nothing: every agent came to its end, or stands still for good.
    Over,
}

/// A world.
#[derive(Debug)]
pub struct World {
    rules: Rules,
    draws: Draws,
    actors: Vec<Actor>,
    by_name: BTreeMap<Text, AgentId>,
    by_id: BTreeMap<[u8; 32], AgentId>,
    /// Names of a registry; they are in `by_name`, too.
    domains: BTreeMap<Text, AgentId>,
    /// Agents that did not come to their end.
    living: u32,
    ledger: Ledger,
    /// Names of pool wallets.
    pools: BTreeSet<Text>,
    /// Orders of whoever runs the world so far.
    orders: u64,
    /// Agents that wait for an approval.
    waiting: u32,
    /// Names of code from which agents can start others.
    code_names: BTreeMap<Text, [u8; 32]>,
    channels: BTreeMap<Text, Channel>,
    requests: BTreeMap<u64, Request>,
    clock: Clock,
    /// Agents that can run, in the order in which they became able to.
    ready: Vec<AgentId>,
    /// Questions that the world does not answer itself.
    asks: VecDeque<AgentId>,
    /// Messages and requests sent so far: the number of the next one.
    sent: u64,
    rounds: u64,
    ticks: u64,
    /// Rounds since time went on.
    still: u32,
    /// Programs that agents run, by their hash.
    codes: BTreeMap<[u8; 32], Arc<Image>>,
    /// Those of them that agents made by rewriting themselves.
    made: BTreeSet<[u8; 32]>,
    /// The outbox of every agent that signs and said nothing yet.
    silent: Arc<Outbox>,
    /// Memory for the bytes of messages of those who sign.
    room_of_post: Vec<u8>,
    /// Messages that did not fit into an inbox.
    dropped: u64,
    deadlocks: Vec<Vec<AgentId>>,
    stalls: Vec<Stall>,
    /// Whether any rule wants conversations looked at; follows from the rules.
    looks: bool,
    /// Agents that may be in a deadlock that was not there before; follows from the rest.
    suspects: BTreeSet<AgentId>,
    labels: Labels,
    warm: Warm,
    room: Room,
}

impl World {
    /// A world without agents.
    pub fn new(rules: Rules) -> Self {
        Self {
            draws: Draws::new(rules.seed, 0),
            clock: Clock::at(rules.epoch),
            looks: rules.stall.then != Then::Off,
            rules,
            actors: Vec::new(),
            by_name: BTreeMap::new(),
            by_id: BTreeMap::new(),
            domains: BTreeMap::new(),
            living: 0,
            ledger: Ledger::new(),
            pools: BTreeSet::new(),
            orders: 0,
            waiting: 0,
            code_names: BTreeMap::new(),
            channels: BTreeMap::new(),
            requests: BTreeMap::new(),
            ready: Vec::new(),
            asks: VecDeque::new(),
            sent: 0,
            rounds: 0,
            ticks: 0,
            still: 0,
            codes: BTreeMap::new(),
            made: BTreeSet::new(),
            silent: Arc::default(),
            room_of_post: Vec::new(),
            dropped: 0,
            deadlocks: Vec::new(),
            stalls: Vec::new(),
            suspects: BTreeSet::new(),
            labels: Labels::new(),
            warm: Warm::default(),
            room: Room::default(),
        }
    }

    /// Takes an agent in, under a name by which others send to it and with an identity, the hash of its
    /// public key.
    ///
    /// # Errors
    /// A name or identity that another agent has; as many agents as a world can number.
    pub fn join(
        &mut self,
        name: &str,
        identity: [u8; 32],
        machine: Machine,
    ) -> Result<AgentId, JoinError> {
        let id = u32::try_from(self.actors.len()).map_err(|_| JoinError::Full)?;
        let (id, name) = (AgentId(id), Text::from(name));
        if self.by_name.contains_key(&name) {
            return Err(JoinError::Taken);
        }
        if self.by_id.contains_key(&identity) {
            return Err(JoinError::Known);
        }
        self.by_name.insert(name.clone(), id);
        self.by_id.insert(identity, id);
        self.actors.push(Actor::new(name, identity, machine));
        self.ready.push(id);
        self.living += 1;
        Ok(id)
    }

    /// What holds for it.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Virtual time, in nanoseconds since 1970.
    pub const fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Rounds so far.
    pub const fn rounds(&self) -> u64 {
        self.rounds
    }

    /// Messages sent so far, one for each receiver.
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Messages that were not delivered because their sender's share of an inbox was full.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Circles of agents that waited for each other, with nobody else who could have answered.
    pub fn deadlocks(&self) -> &[Vec<AgentId>] {
        &self.deadlocks
    }

    /// How many agents ever joined.
    pub const fn len(&self) -> usize {
        self.actors.len()
    }

    /// Whether nobody ever joined.
    pub const fn is_empty(&self) -> bool {
        self.actors.is_empty()
    }

    /// An agent by its name, or by one of a registry that it goes by.
    pub fn agent(&self, name: &str) -> Option<AgentId> {
        self.by_name.get(name).copied()
    }

    /// An agent by its identity.
    pub fn agent_of(&self, identity: &Id) -> Option<AgentId> {
        self.by_id.get(identity).copied()
    }

    /// An agent's name.
    pub fn name(&self, agent: AgentId) -> Option<&str> {
        self.actor(agent).map(|actor| actor.name.as_str())
    }

    /// An agent's machine, unless it is out on a turn.
    pub fn machine(&self, agent: AgentId) -> Option<&Machine> {
        self.actor(agent)?.machine.as_deref()
    }

    /// An agent's identity.
    pub fn identity(&self, agent: AgentId) -> Option<[u8; 32]> {
        self.actor(agent).map(|actor| actor.id)
    }

    /// The agent that started another one.
    pub fn parent(&self, agent: AgentId) -> Option<AgentId> {
        self.actor(agent)?.parent()
    }

    /// Agents that did not come to their end.
    pub const fn living(&self) -> u32 {
        self.living
    }

    /// How an agent's run ended, if it did.
    pub fn end(&self, agent: AgentId) -> Option<&End> {
        self.machine(agent)?.end()
    }

    /// What agents ask the host, in the order in which they asked.
    pub fn asks(&self) -> impl Iterator<Item = (AgentId, &EffectRequest)> {
        self.asks.iter().filter_map(|agent| Some((*agent, self.machine(*agent)?.pending()?)))
    }

    /// Answers what an agent asked the host. `false`, and nothing happens, if it asked nothing.
    pub fn answer(&mut self, agent: AgentId, answer: Answer, keep: &mut impl Keep) -> bool {
        let Some(place) = self.asks.iter().position(|asking| *asking == agent) else {
            return false;
        };
        self.asks.remove(place);
        self.learned(agent, &answer);
        self.reply(agent, answer, keep);
        true
    }

    /// What the world waits for.
    pub fn idle(&self) -> Idle {
        if !self.ready.is_empty() {
            Idle::Not
        } else if !self.asks.is_empty() || self.waiting > 0 {
            Idle::Asks
        } else {
            self.clock.next().map_or(Idle::Over, Idle::Until)
        }
    }

    /// Lets virtual time go on to a moment; what was due until then happens, in order. Earlier moments
    /// change nothing.
    pub fn pass(&mut self, until: u64, keep: &mut impl Keep) {
        self.ticks += 1;
        if matches!(self.idle(), Idle::Until(_)) {
            self.find_deadlock();
        }
        self.go_on(until, keep);
    }

    /// Time goes on to a moment; what was due until then happens, in order.
    fn go_on(&mut self, until: u64, keep: &mut impl Keep) {
        self.still = 0;
        while let Some(due) = self.clock.take(until) {
            match due.task {
                Some(task) => self.task_due(due.agent, task, keep),
                None => self.due(&due, keep),
            }
        }
        self.clock.go(until);
    }

    /// Hash of everything that decides how the world goes on.
    pub fn hash(&self) -> [u8; 32] {
        let mut out = Writer::hashing("aither avm world v1");
        let numbers = [self.rules.seed, self.draws.drawn(), self.now(), self.sent, self.rounds];
        numbers.into_iter().for_each(|number| out.u64(number));
        out.u32(self.actors.len() as u32);
        for actor in &self.actors {
            actor.write(&mut out);
        }
        self.write_open(&mut out);
        out.raw(&self.ledger.hash());
        out.u64(self.orders);
        out.u32(self.still);
        self.write_pools(&mut out);
        self.write_domains(&mut out);
        self.write_code_names(&mut out);
        self.write_stalls(&mut out);
        write_agents(&self.ready, &mut out);
        write_agents(&self.asks, &mut out);
        out.hash()
    }

    fn actor(&self, agent: AgentId) -> Option<&Actor> {
        self.actors.get(agent.0 as usize)
    }

    fn actor_mut(&mut self, agent: AgentId) -> Option<&mut Actor> {
        self.actors.get_mut(agent.0 as usize)
    }

    /// An agent that a program names by its name or by its handle.
    fn named(&self, value: &Value) -> Option<AgentId> {
        match value {
            Value::Text(name) => self.by_name.get(name).copied(),
            Value::Handle(avm_ir::value::HandleKind::Agent, number) => {
                let id = AgentId(u32::try_from(*number).ok()?);
                self.actor(id).map(|_| id)
            }
            _ => None,
        }
    }

    /// Answers an agent that waits, which can run again then.
    fn reply(&mut self, agent: AgentId, mut answer: Answer, keep: &mut impl Keep) {
        let Some(actor) = self.actors.get_mut(agent.0 as usize) else { return };
        let Some(machine) = &mut actor.machine else { return };
        if let Some(kin) = &mut actor.kin {
            kin.settle(machine, &mut answer);
        }
        let rested = !machine.is_open();
        keep.answer(agent, machine, answer);
        actor.state = State::Ready;
        self.ready.push(agent);
        if rested {
            self.warm(agent);
        }
    }
}

/// A text for a failure.
fn quoted(name: &str) -> String {
    alloc::format!("\"{name}\"")
}
