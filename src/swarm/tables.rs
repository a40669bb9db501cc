//! What the file of a swarm says of money, channels and supervision, and the events that it becomes.

use std::collections::{BTreeMap, BTreeSet};

use avm_ir::{gas::Gas, value::Text};
use avm_vm::{
    World,
    ledger::{self, Breaker, List, Owner, Policy},
    world::{self as vm, AgentId, ChannelRules, Event, StallRule, Supervision, pool_id},
};
use serde::Deserialize;

use crate::{
    budget,
    config::{self, Written},
};

/// Most in a stretch of virtual time.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rate {
    most: u32,
    #[serde(deserialize_with = "needed_time")]
    window: u64,
}

impl From<Rate> for vm::Rate {
    fn from(Rate { most, window }: Rate) -> Self {
        Self { most, window }
    }
}

impl From<Rate> for Supervision {
    fn from(rate: Rate) -> Self {
        Self { restarts: rate.into() }
    }
}

/// `[channel.NAME]`: who may say how much, and what it costs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Channel {
    /// Who hears and speaks.
    members: Option<Vec<String>>,
    /// Who hears and answers.
    listeners: Option<Vec<String>>,
    /// Who speaks.
    speakers: Option<Vec<String>>,
    quota: Option<Rate>,
    price: Option<Price>,
    payout: Option<Payout>,
    stall: Option<Stall>,
}

/// `stall`: what is done about conversations that come to nothing.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stall {
    /// Turns of which nothing comes.
    turns: Option<u32>,
    then: Option<Then>,
}

/// What is done.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Then {
    Off,
    Note,
    End,
}

impl Stall {
    /// The rule; what the file does not say is as in another one.
    pub(crate) fn rule(self, otherwise: StallRule) -> Result<StallRule, String> {
        let turns = self.turns.unwrap_or(otherwise.turns);
        if !(2..=1_000_000).contains(&turns) {
            return Err("stall.turns: wants a number from 2 to 1000000".to_owned());
        }
        let then = match self.then {
            None => otherwise.then,
            Some(Then::Off) => vm::Then::Off,
            Some(Then::Note) => vm::Then::Note,
            Some(Then::End) => vm::Then::End,
        };
        Ok(StallRule { turns, then })
    }
}

/// What messages cost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    #[serde(default)]
    free: u32,
    #[serde(deserialize_with = "needed_time")]
    window: u64,
    base: Written,
}

/// Who gets rewards.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Payout {
    First,
    Split,
    Accepted(String),
}

impl Channel {
    /// The rules; an error is what is wrong.
    fn rules(
        &self,
        group: &impl Fn(&str) -> Vec<String>,
        world: StallRule,
    ) -> Result<ChannelRules, String> {
        let named = [
            (&self.members, vm::Role::Member),
            (&self.listeners, vm::Role::Listener),
            (&self.speakers, vm::Role::Speaker),
        ];
        let mut roles = named.iter().any(|(names, _)| names.is_some()).then(BTreeMap::new);
        for (names, role) in named {
            for name in names.iter().flatten() {
                let all = group(name);
                if all.is_empty() {
                    return Err(format!("there is no agent {name}"));
                }
                for name in all {
                    if roles.get_or_insert_default().insert(Text::from(&*name), role).is_some() {
                        return Err(format!("{name} has two roles"));
                    }
                }
            }
        }
        let price = match &self.price {
            Some(Price { free, window, base }) => {
                let base = amount(base).map_err(|why| format!("price.base: {why}"))?;
                Some(vm::Price { free: *free, window: *window, base })
            }
            None => None,
        };
        let payout = match &self.payout {
            None | Some(Payout::First) => vm::Payout::First,
            Some(Payout::Split) => vm::Payout::Split,
            Some(Payout::Accepted(verifier)) => vm::Payout::Accepted(Text::from(&**verifier)),
        };
        let stall = self.stall.map(|stall| stall.rule(world)).transpose()?;
        Ok(ChannelRules { roles, quota: self.quota.map(vm::Rate::from), price, payout, stall })
    }
}

/// `[pool.NAME]`: a wallet that agents share.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pool {
    /// Who may look into it and pay into it.
    members: Vec<String>,
    /// Who may pay out of it, too.
    payers: Vec<String>,
    wallet: BTreeMap<String, Written>,
    spending: Option<Spending>,
}

/// `spending`: what an agent may pay. Without it, whatever it has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Spending {
    tokens: Option<BTreeSet<String>>,
    payees: Option<BTreeSet<String>>,
    purposes: Option<BTreeSet<String>>,
    never_tokens: BTreeSet<String>,
    never_payees: BTreeSet<String>,
    never_purposes: BTreeSet<String>,
    limits: BTreeMap<String, Limits>,
    breaker: Option<Refusals>,
}

/// How much of a token.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Limits {
    per_call: Option<Written>,
    approval: Option<Written>,
    windows: Vec<Window>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    #[serde(deserialize_with = "needed_time")]
    time: u64,
    amount: Written,
    #[serde(default = "most_payments")]
    payments: u32,
    #[serde(default)]
    trips: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusals {
    refusals: u32,
    #[serde(deserialize_with = "needed_time")]
    within: u64,
}

const fn most_payments() -> u32 {
    ledger::MAX_COUNTED
}

impl Spending {
    fn policy(&self, owner: &impl Fn(&str) -> Vec<Owner>) -> Result<Policy, String> {
        let owners = |names: &BTreeSet<String>| {
            let found = names.iter().map(|name| match owner(name) {
                found if found.is_empty() => Err(format!("there is no wallet {name}")),
                found => Ok(found),
            });
            let found: Result<Vec<Vec<Owner>>, String> = found.collect();
            found.map(|found| found.into_iter().flatten().collect::<BTreeSet<Owner>>())
        };
        let payees = self.payees.as_ref().map(owners).transpose()?;
        let mut limits = BTreeMap::new();
        for (token, limit) in &self.limits {
            let read = |written: &Option<Written>| written.as_ref().map(amount).transpose();
            let mut windows = Vec::new();
            for Window { time, amount: written, payments, trips } in &limit.windows {
                let (length, payments, trips) = (*time, *payments, *trips);
                windows.push(ledger::Window { length, amount: amount(written)?, payments, trips });
            }
            let (per_call, approval) = (read(&limit.per_call)?, read(&limit.approval)?);
            limits.insert(token.clone(), ledger::Limits { per_call, approval, windows });
        }
        let list = |only: &Option<BTreeSet<String>>, never: &BTreeSet<String>| List {
            only: only.clone(),
            never: never.clone(),
        };
        let breaker =
            self.breaker.map(|Refusals { refusals, within }| Breaker { refusals, within });
        Ok(Policy {
            tokens: list(&self.tokens, &self.never_tokens),
            payees: List { only: payees, never: owners(&self.never_payees)? },
            purposes: list(&self.purposes, &self.never_purposes),
            limits,
            breaker,
        })
    }
}

/// What of an agent's table is about money and supervision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Means {
    pub(crate) wallet: BTreeMap<String, Written>,
    pub(crate) spending: Option<Spending>,
    pub(crate) restarts: Option<Rate>,
}

/// The tables of a file, to be done in a world whose agents have joined.
pub(crate) struct Tables<'a> {
    pub(crate) channels: &'a BTreeMap<String, Channel>,
    pub(crate) pools: &'a BTreeMap<String, Pool>,
    /// By the names of agents, in the order in which they joined.
    pub(crate) means: Vec<(&'a str, &'a Means)>,
    /// The names that a name stands for: of one agent, or of copies.
    pub(crate) group: &'a dyn Fn(&str) -> Vec<String>,
}

impl Tables<'_> {
    /// The events; an error is the key, and what is wrong.
    pub(crate) fn events(&self, world: &World) -> Result<Vec<Event>, String> {
        let owner_of = |agent: AgentId| world.identity(agent).map(Owner::Agent);
        let agent = |name: &str| world.agent(name);
        let group = |name: &str| (self.group)(name);
        let owners = |name: &str| -> Vec<Owner> {
            if self.pools.contains_key(name) {
                return vec![Owner::Pool(pool_id(name))];
            }
            let found = group(name).into_iter();
            found.filter_map(|name| owner_of(agent(&name)?)).collect()
        };
        let mut events = Vec::new();
        let mint = |to: Owner, wallet: &BTreeMap<String, Written>| {
            let minted = wallet.iter().map(|(token, written)| {
                let amount = amount(written).map_err(|why| format!("wallet.{token}: {why}"))?;
                Ok(Event::Minted { to, token: token.clone(), amount })
            });
            minted.collect::<Result<Vec<Event>, String>>()
        };
        for (name, pool) in self.pools {
            let at = |why| format!("pool.{name}: {why}");
            let mut members = ledger::Pool::new();
            for (names, pays) in [(&pool.members, false), (&pool.payers, true)] {
                for member in names {
                    let found: Vec<Owner> = owners(member);
                    if found.is_empty() {
                        return Err(at(format!("there is no agent {member}")));
                    }
                    members.extend(found.iter().filter_map(|owner| match owner {
                        Owner::Agent(id) => Some((*id, pays)),
                        _ => None,
                    }));
                }
            }
            events.push(Event::Pooled { name: name.clone(), members });
            let owner = Owner::Pool(pool_id(name));
            events.extend(mint(owner, &pool.wallet).map_err(at)?);
            if let Some(spending) = &pool.spending {
                let policy = Some(Box::new(spending.policy(&owners).map_err(at)?));
                events.push(Event::Spending { owner, policy });
            }
        }
        for (name, means) in &self.means {
            let at = |why| format!("agent \"{name}\": {why}");
            let Some(agent) = agent(name) else { continue };
            let Some(owner) = owner_of(agent) else { continue };
            events.extend(mint(owner, &means.wallet).map_err(at)?);
            if let Some(spending) = &means.spending {
                let policy =
                    spending.policy(&owners).map_err(|why| at(format!("spending: {why}")))?;
                events.push(Event::Spending { owner, policy: Some(Box::new(policy)) });
            }
            if let Some(restarts) = means.restarts {
                events.push(Event::Supervised { agent, rules: restarts.into() });
            }
        }
        for (name, channel) in self.channels {
            let rules = channel
                .rules(&group, world.rules().stall)
                .map_err(|why| format!("channel.{name}: {why}"))?;
            events.push(Event::Channel { name: name.clone(), rules });
        }
        Ok(events)
    }
}

/// An amount of a token in billionths.
pub(crate) fn amount(written: &Written) -> Result<u64, String> {
    let read = written.to_string().parse::<Gas>();
    read.map(|Gas(amount)| amount).map_err(|_| {
        format!("{written}: wants a decimal number with at most nine decimals, such as 2.5")
    })
}

fn needed_time<'de, D: serde::Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
    let time = config::time(input)?;
    time.filter(|time| *time > 0).ok_or_else(|| serde::de::Error::custom(budget::NO_TIME))
}
