//! What is wrong with a world that came to rest, in words that are the same for every seed that shows it.

use std::collections::{BTreeMap, BTreeSet};

use avm_ir::{Gas, Value, value::to_json};
use avm_plugins::settings::value;
use avm_vm::{
    Answer, End, Machine, World,
    ledger::{Kind, Owner},
    world::{AgentId, Happened, Keep, Stale, Wanted},
};

use super::{
    drive::{Left, Watch},
    file::Expect,
    plan::Plan,
    summary::{agents, word},
    tables::amount,
};
use crate::end;

/// Something published on a channel.
struct Published {
    from: AgentId,
    channel: String,
    name: String,
    /// Its place among everything that was seen.
    at: u64,
}

/// Looks for waits that run out.
#[derive(Default)]
pub(crate) struct Waits {
    seen: u64,
    published: Vec<Published>,
    /// When an agent connected to a channel first.
    connected: BTreeMap<(String, AgentId), u64>,
    /// Waits that ended with nothing.
    ran_out: Vec<InVain>,
}

/// A wait that ended with nothing.
struct InVain {
    agent: AgentId,
    what: RanOut,
    /// Whether the program said how long it waits: then it reckons with that.
    foreseen: bool,
}

enum RanOut {
    Message(Option<String>),
    From(AgentId),
    Answer(String),
}

impl Keep for Waits {
    const SEES_PLAIN: bool = false;

    fn answer(&mut self, agent: AgentId, machine: &mut Machine, answer: Answer) {
        // A wait that ran out is told just before its answer.
        if let Some(last) = self.ran_out.last_mut().filter(|last| last.agent == agent)
            && answer.result.is_err()
            && let Some(request) = machine.pending()
        {
            let timeout = request.arg("timeout");
            last.foreseen |= timeout.is_some_and(|timeout| *timeout != Value::Null);
        }
        ().answer(agent, machine, answer);
    }

    fn saw(&mut self, _: u64, happened: &Happened<'_>) {
        /// What is published beyond that is not looked at: a finding shows early or not at all.
        const MOST: usize = 10_000;
        self.seen += 1;
        match happened {
            Happened::Published { from, channel, name, .. } if self.published.len() < MOST => {
                let (channel, name) = (channel.as_str().to_owned(), name.as_str().to_owned());
                self.published.push(Published { from: *from, channel, name, at: self.seen });
            }
            Happened::Connected { agent, channel } => {
                let key = (channel.as_str().to_owned(), *agent);
                self.connected.entry(key).or_insert(self.seen);
            }
            Happened::RanOut { agent, wanted, .. } if self.ran_out.len() < MOST => {
                let ran_out = match wanted {
                    Wanted::Message(name) => {
                        RanOut::Message(name.map(|name| name.as_str().to_owned()))
                    }
                    Wanted::From(from) => RanOut::From(*from),
                    Wanted::Answer(name) => RanOut::Answer(name.as_str().to_owned()),
                };
                let (agent, what) = (*agent, ran_out);
                self.ran_out.push(InVain { agent, what, foreseen: false });
            }
            _ => {}
        }
    }
}

impl Watch for Waits {}

impl Waits {
    fn tell(&self, world: &World, plan: &Plan, found: &mut BTreeSet<String>) {
        for InVain { agent, what, foreseen } in &self.ran_out {
            let name = plan.group(world.name(*agent).unwrap_or("?"));
            let text = match what {
                RanOut::Message(wanted) => {
                    let what = wanted.as_ref().map_or_else(
                        || "any message".to_owned(),
                        |wanted| format!("a message \"{wanted}\""),
                    );
                    let missed = self.missed(*agent, wanted.as_deref());
                    let missed = missed.map(|published| {
                        let from = plan.group(world.name(published.from).unwrap_or("?"));
                        let Published { name, channel, .. } = published;
                        format!(
                            "; \"{from}\" published \"{name}\" on channel \"{channel}\" before it \
                             had connected: a lost wake-up"
                        )
                    });
                    format!("\"{name}\" waited for {what} in vain{}", missed.unwrap_or_default())
                }
                RanOut::From(from) => {
                    let from = plan.group(world.name(*from).unwrap_or("?"));
                    format!("\"{name}\" waited for a message of \"{from}\" in vain")
                }
                RanOut::Answer(request) => {
                    let late = self.late(*agent, request).map(|(channel, late)| {
                        let late = plan.group(world.name(late).unwrap_or("?"));
                        format!(
                            "; it asked on channel \"{channel}\" before \"{late}\" had connected: a \
                             lost wake-up"
                        )
                    });
                    let late = late.unwrap_or_default();
                    format!("\"{name}\" waited for an answer to \"{request}\" in vain{late}")
                }
            };
            if !foreseen || text.ends_with("a lost wake-up") {
                found.insert(format!("wait: {text}"));
            }
        }
    }

    /// A message that an agent waited for and that was published before it connected.
    fn missed(&self, agent: AgentId, wanted: Option<&str>) -> Option<&Published> {
        self.published.iter().find(|published| {
            let Published { from, channel, name, at } = published;
            let connected = self.connected.get(&(channel.clone(), agent));
            *from != agent
                && wanted.is_none_or(|wanted| wanted == name)
                && connected.is_some_and(|connected| connected > at)
        })
    }

    /// A channel on which an agent asked, and somebody who connected to it only then.
    fn late(&self, agent: AgentId, request: &str) -> Option<(&str, AgentId)> {
        let mut asked = self.published.iter();
        asked.find_map(|published| {
            if published.from != agent || published.name != request {
                return None;
            }
            let mut later = self.connected.iter();
            let (_, late) = later
                .find(|((channel, _), at)| *channel == published.channel && **at > published.at)?
                .0;
            Some((published.channel.as_str(), *late))
        })
    }
}

/// Everything that is wrong with a world.
pub(crate) fn of(world: &World, left: Left, waits: &Waits, plan: &Plan) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if left == Left::Limit {
        found.insert("endless: it does not come to rest within the ticks that it may take".into());
    }
    if left == Left::Waits {
        found.insert("approval: it waits for somebody outside".into());
    }
    for circle in world.deadlocks() {
        let names = circle.iter().chain(circle.first());
        let names: Vec<&str> =
            names.map(|agent| plan.group(world.name(*agent).unwrap_or("?"))).collect();
        found.insert(format!("deadlock: {}", names.join(" -> ")));
    }
    // Who says how many there may be expects some.
    let unexpected = plan.expect.iter().all(|expect| expect.stalls.is_none());
    for stall in world.stalls().iter().filter(|_| unexpected) {
        let names = stall.agents.iter().map(|agent| plan.group(world.name(*agent).unwrap_or("?")));
        let names: BTreeSet<&str> = names.collect();
        let names: Vec<&str> = names.into_iter().collect();
        found.insert(format!("stall: {}: the conversation {}", names.join(", "), stale(stall.how)));
    }
    if world.dropped() > 0 {
        found.insert("message: some found no room in an inbox".into());
    }
    for agent in agents(world) {
        let name = plan.group(world.name(agent).unwrap_or("?"));
        match world.end(agent) {
            Some(End::Trapped(trap)) => found.insert(format!("trap: \"{name}\": {trap}")),
            Some(End::Exhausted(meter)) => {
                found.insert(format!("budget: \"{name}\": out of {}", meter.name()))
            }
            Some(End::Unapproved(wanted)) => {
                found.insert(format!("approval: \"{name}\": {wanted}"))
            }
            Some(End::Halted(_)) | None => false,
        };
    }
    waits.tell(world, plan, &mut found);
    found.extend(broken(world, plan));
    found
}

/// In what way a conversation came to nothing.
pub(crate) const fn stale(how: Stale) -> &'static str {
    match how {
        Stale::Repeats => "repeats itself",
        Stale::Agrees => "says nothing new",
        Stale::Counts => "only counts",
    }
}

/// What was expected and is not so.
pub(crate) fn broken(world: &World, plan: &Plan) -> Vec<String> {
    let mut broken = Vec::new();
    if let Err(fault) = world.ledger().audit() {
        broken.push(format!("ledger: it does not add up: {fault}"));
    }
    for expect in &plan.expect {
        let Expect {
            agent, result, end: wanted, messages, stalls, balance, payments: most, ..
        } = expect;
        if let Some(most) = messages.filter(|most| world.sent() > *most) {
            broken.push(format!("expect: more than {most} messages"));
        }
        if let Some(most) = stalls.filter(|most| world.stalls().len() > *most) {
            let stalls = world.stalls().len();
            broken.push(format!("expect: {stalls} stalled conversations, not at most {most}"));
        }
        for number in agents(world) {
            let name = world.name(number).unwrap_or("?");
            let group = plan.group(name);
            let group = match agent.as_deref() {
                Some(agent) if agent == name => name,
                Some(agent) if agent != group => continue,
                _ => group,
            };
            if let Some(wanted) = wanted.as_deref().filter(|wanted| *wanted != word(world, number))
            {
                broken.push(format!("expect: \"{group}\" has not {wanted}"));
            }
            for (token, written) in balance {
                // It was looked at when the file was read.
                let wanted = amount(written).unwrap_or_default();
                let has = world.wallet(number).map_or(0, |of| world.ledger().balance(of, token));
                if has != wanted {
                    let (has, wanted) = (Gas(has), Gas(wanted));
                    broken.push(format!("expect: \"{group}\" has {has} {token}, not {wanted}"));
                }
            }
            let paid = || world.wallet(number).map_or(0, |of| payments(world, of));
            if let Some(most) = most.filter(|most| paid() > *most) {
                let paid = paid();
                broken.push(format!("expect: \"{group}\" paid {paid} times, not at most {most}"));
            }
            let Some(wanted) = result else { continue };
            let wanted = value(wanted).map(|wanted| to_json(&wanted)).unwrap_or_default();
            match world.end(number) {
                Some(End::Halted(value)) if to_json(value) == wanted => {}
                Some(End::Halted(value)) => {
                    let got = end::short(value);
                    broken
                        .push(format!("expect: the result of \"{group}\" is {got}, not {wanted}"));
                }
                _ => {
                    broken.push(format!("expect: \"{group}\" has no result, {wanted} is expected"))
                }
            }
        }
    }
    broken.sort_unstable();
    broken.dedup();
    broken
}

/// How often an owner paid somebody: rewards that were earned count, prices of messages do not.
fn payments(world: &World, wallet: Owner) -> usize {
    let ledger = world.ledger();
    // What is paid out of an escrow says by its number which record opened it.
    let own = |reserve: Option<u64>| {
        let opened = reserve.and_then(|number| ledger.record(number));
        opened.is_some_and(|record| record.from == wallet)
    };
    let all = ledger.numbers().filter_map(|number| ledger.record(number));
    let paid = all.filter(|record| match record.kind {
        Kind::Pay => record.from == wallet && record.to != Owner::Fees,
        Kind::Settle | Kind::Capture => own(record.reserve),
        _ => false,
    });
    paid.count()
}

/// Results by agent, of those that have to be the same for every seed.
pub(crate) fn results(world: &World, plan: &Plan) -> BTreeMap<String, String> {
    let same: Vec<&Expect> = plan.expect.iter().filter(|expect| expect.same_results).collect();
    let mut results = BTreeMap::new();
    for agent in agents(world) {
        let name = world.name(agent).unwrap_or("?");
        let wanted = |expect: &&Expect| {
            let of = expect.agent.as_deref();
            of.is_none_or(|of| of == name || of == plan.group(name))
        };
        if same.iter().any(wanted) {
            let result = match world.end(agent) {
                Some(End::Halted(value)) => end::short(value),
                _ => word(world, agent).to_owned(),
            };
            results.insert(name.to_owned(), result);
        }
    }
    results
}
