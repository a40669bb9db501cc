//! What the file of a swarm says beside what `avm.toml` may say: its world, its agents, what should
//! come of it. `spec/swarm.md` explains every key.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use avm_ir::gas::Gas;
use avm_vm::world::{Rules, SECOND, StallRule, Then};
use serde::Deserialize;

use super::{
    snapshots::When,
    tables::{Rate, Spending, Stall},
};
use crate::{
    cli::{Dialect, OnExhausted},
    config::{self, Written},
};

/// Most copies of one agent.
pub(crate) const MAX_COPIES: u32 = 100_000;

/// `[world]`: what holds for all agents.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct World {
    /// Decides in which order agents' doings take place, and what they draw.
    pub(crate) seed: u64,
    /// Most instructions of an agent in a round.
    slice: Option<u64>,
    /// Whether slices are drawn.
    jitter: bool,
    /// How long a wait lasts that does not say.
    #[serde(deserialize_with = "config::time")]
    patience: Option<u64>,
    /// Virtual time at the beginning, in seconds since 1970.
    epoch: u64,
    /// Threads, if the command line does not say.
    pub(crate) threads: Option<usize>,
    /// When the world is kept beside its journal.
    #[serde(deserialize_with = "config::snapshots")]
    pub(crate) snapshots: Option<When>,
    /// Most messages of one sender that an agent has not taken.
    inbox: Option<u32>,
    /// Most requests of an agent that are open.
    requests: Option<u32>,
    /// Most tasks of an agent.
    tasks: Option<u32>,
    /// Most bytes of what a message carries.
    #[serde(deserialize_with = "config::memory")]
    message: Option<u64>,
    /// Most agents that are there at a time, where agents start others.
    agents: Option<u32>,
    /// Most children of an agent that are there at a time.
    children: Option<u32>,
    /// Gas of a child whose parent does not say.
    #[serde(deserialize_with = "config::gas")]
    child_gas: Option<Gas>,
    /// Rounds for which time stands still because somebody can run.
    standstill: Option<u32>,
    /// The registry in which keys and names of agents are looked up.
    pub(crate) registry: Option<PathBuf>,
    /// Where its last head is remembered.
    pub(crate) seen: Option<PathBuf>,
    /// What is done about conversations that come to nothing.
    stall: Option<Stall>,
}

impl World {
    /// The rules that it makes; an error is what is wrong.
    pub(crate) fn rules(&self) -> Result<Rules, String> {
        let rules = Rules::default();
        // A note costs little beside what agents say to each other, and stops nobody.
        let noted = StallRule { then: Then::Note, ..rules.stall };
        Ok(Rules {
            seed: self.seed,
            slice: self.slice.unwrap_or(rules.slice).max(1),
            jitter: self.jitter,
            epoch: self.epoch.saturating_mul(SECOND),
            patience: self.patience.unwrap_or(rules.patience),
            inbox_share: self.inbox.unwrap_or(rules.inbox_share),
            requests: self.requests.unwrap_or(rules.requests),
            message_bytes: self.message.unwrap_or(rules.message_bytes),
            tasks: self.tasks.unwrap_or(rules.tasks),
            agents: self.agents.unwrap_or(rules.agents),
            children: self.children.unwrap_or(rules.children),
            standstill: self.standstill.unwrap_or(rules.standstill),
            child_gas: self.child_gas.map_or(rules.child_gas, |Gas(gas)| gas),
            stall: self.stall.map_or(Ok(noted), |stall| stall.rule(noted))?,
            ..rules
        })
    }
}

/// `[[agent]]`: one agent, or several that run the same program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Agent {
    /// By which others send to it; copies are called NAME-0, NAME-1, …
    pub(crate) name: String,
    /// A name of `[programs]`, or a file.
    pub(crate) program: PathBuf,
    /// How many there are; without it there is one, called NAME.
    pub(crate) count: Option<u32>,
    /// Nanogas granted to each.
    #[serde(default, deserialize_with = "config::gas")]
    pub(crate) gas: Option<Gas>,
    /// Memory of each, in bytes.
    #[serde(default, deserialize_with = "config::memory")]
    pub(crate) memory: Option<u64>,
    /// What happens when a budget is used up.
    #[serde(default, deserialize_with = "config::policy")]
    pub(crate) on_exhausted: Option<OnExhausted>,
    /// Which texts are accepted.
    #[serde(default, deserialize_with = "config::dialect")]
    pub(crate) dialect: Option<Dialect>,
    /// Seed of its random numbers; without it, it follows from the world's and from its name.
    pub(crate) seed: Option<u64>,
    /// Its public key, 64 hexadecimal digits.
    pub(crate) key: Option<String>,
    /// The name of the registry that it goes by.
    pub(crate) domain: Option<String>,
    /// Values of its inputs.
    #[serde(default)]
    pub(crate) inputs: BTreeMap<String, toml::Value>,
    /// Values of inputs copy by copy; the list begins again where it ends.
    #[serde(default)]
    pub(crate) each: BTreeMap<String, Vec<toml::Value>>,
    /// The input that holds which copy it is, from 0.
    pub(crate) number: Option<String>,
    /// What its private store holds already.
    #[serde(default)]
    pub(crate) store: toml::Table,
    /// What it has of each token.
    #[serde(default)]
    pub(crate) wallet: BTreeMap<String, Written>,
    /// What it may pay; whatever it has, without that.
    pub(crate) spending: Option<Spending>,
    /// How often it is started again where it traps.
    pub(crate) restarts: Option<Rate>,
}

impl Agent {
    /// The file that it names, if its program is one.
    pub(crate) fn path_mut(&mut self) -> Option<&mut PathBuf> {
        self.is_file().then_some(&mut self.program)
    }

    /// Whether its program is a file and no name of `[programs]`.
    pub(crate) fn is_file(&self) -> bool {
        let program = &self.program;
        program.extension().is_some() || program.parent().is_some_and(|up| up != Path::new(""))
    }

    /// The names of its copies.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> + '_ {
        let count = self.count.unwrap_or(1);
        (0..count).map(|copy| match self.count {
            None => self.name.clone(),
            Some(_) => format!("{}-{copy}", self.name),
        })
    }
}

/// `[[expect]]`: what should come of the swarm, which `avm swarm explore` checks for every seed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// An agent, by name; several copies by the name without number.
    pub(crate) agent: Option<String>,
    /// The result of the agent.
    pub(crate) result: Option<toml::Value>,
    /// How the agent ends: halted, trapped or exhausted.
    pub(crate) end: Option<String>,
    /// Whether every seed has to give the same results, of this agent or of all.
    #[serde(default)]
    pub(crate) same_results: bool,
    /// Most messages in all.
    pub(crate) messages: Option<u64>,
    /// Most conversations that come to nothing.
    pub(crate) stalls: Option<usize>,
    /// What the agent has of tokens in the end.
    #[serde(default)]
    pub(crate) balance: BTreeMap<String, Written>,
    /// Most payments that the agent makes.
    pub(crate) payments: Option<usize>,
}
