//! What came of a world, for people and as JSON.

use std::{collections::BTreeMap, fmt::Write};

use avm_ir::{
    Gas, Value,
    value::{Record, to_text},
};
use avm_vm::{
    End, Machine, Meter, World,
    world::{AgentId, Doing, SECOND, Stall},
};

use super::{drive::Left, findings::stale};
use crate::{end, exit::Exit, output::Out, report::hex, run_dir::quoted};

/// Most agents that are shown one by one.
const SHOWN: usize = 20;

/// A world at rest.
pub(crate) struct Summary<'a> {
    pub(crate) world: &'a World,
    pub(crate) left: Left,
    /// Folder of the run, if it is kept.
    pub(crate) run: Option<&'a str>,
}

/// How an agent stands, in a word.
pub(crate) fn word(world: &World, agent: AgentId) -> &'static str {
    let Some(machine) = world.machine(agent) else { return "?" };
    match (machine.end(), world.doing(agent)) {
        (Some(End::Halted(_)), _) => "halted",
        (Some(_), _) if machine.is_suspended() => "suspended",
        (Some(End::Trapped(_)), _) => "trapped",
        (Some(End::Exhausted(_) | End::Unapproved(_)), _) => "exhausted",
        (None, Some(Doing::Waits)) => "waits",
        (None, Some(Doing::Asks)) => "asks",
        (None, _) => "runs",
    }
}

/// Why an agent ended, where it did not halt.
fn why(machine: &Machine) -> Option<String> {
    match machine.end()? {
        End::Halted(_) => None,
        End::Trapped(trap) => Some(format!("{trap}")),
        End::Exhausted(meter) => Some(format!("out of {}", meter.name())),
        End::Unapproved(wanted) => Some(wanted.to_string()),
    }
}

/// All agents of a world.
pub(crate) fn agents(world: &World) -> impl Iterator<Item = AgentId> + use<> {
    (0..u32::try_from(world.len()).unwrap_or(u32::MAX)).map(AgentId)
}

/// Seconds and nanoseconds as a number of seconds.
pub(crate) fn seconds(nanoseconds: u64) -> String {
    let (whole, rest) = (nanoseconds / SECOND, nanoseconds % SECOND);
    let text = format!("{whole}.{rest:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Summary<'_> {
    /// What the command exits with.
    pub(crate) fn exit(&self) -> Exit {
        if self.left != Left::Over {
            return Exit::Suspended;
        }
        let ends: Vec<&str> = agents(self.world).map(|agent| word(self.world, agent)).collect();
        let any = |word| ends.contains(&word);
        match () {
            () if any("trapped") => Exit::Trap,
            () if any("exhausted") => Exit::Exhausted,
            () if any("suspended") => Exit::Suspended,
            () => Exit::Done,
        }
    }

    fn sum(&self, meter: Meter) -> u64 {
        let machines = agents(self.world).filter_map(|agent| self.world.machine(agent));
        machines.fold(0, |sum: u64, machine| sum.saturating_add(machine.used(meter)))
    }

    /// The results of agents, one a line, for standard output.
    pub(crate) fn results(&self, out: &mut Out) {
        let mut left_out = 0;
        let mut shown = 0;
        for agent in agents(self.world) {
            let Some(value) = self.world.end(agent).and_then(end::value) else { continue };
            if shown == SHOWN {
                left_out += 1;
                continue;
            }
            shown += 1;
            let name = self.world.name(agent).unwrap_or_default();
            out.line(&format!("{name}: {}", to_text(value)));
        }
        if left_out > 0 {
            out.line(&format!("… {left_out} more results; --json has all"));
        }
    }

    /// The summary, for standard error.
    pub(crate) fn text(&self) -> String {
        let Self { world, .. } = self;
        let mut out = String::from("---\n");
        let mut row = |name: &str, text: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{name:<11}{text}");
        };
        row(
            "end",
            match self.left {
                Left::Over => "every agent came to its end",
                Left::Interrupted => "stopped; it can go on",
                Left::Waits => "waits for somebody outside; it can go on",
                Left::Limit => "stopped at the most ticks that were allowed",
            },
        );
        let mut by_end: BTreeMap<&str, usize> = BTreeMap::new();
        agents(world).for_each(|agent| *by_end.entry(word(world, agent)).or_default() += 1);
        let by_end: Vec<String> =
            by_end.iter().map(|(word, count)| format!("{count} {word}")).collect();
        row("agents", &format!("{}: {}", world.len(), by_end.join(", ")));
        let others = agents(world).filter_map(|agent| {
            let why = why(world.machine(agent)?)?;
            Some(format!("\"{}\" {}, {why}", world.name(agent)?, word(world, agent)))
        });
        let others: Vec<String> = others.collect();
        others.iter().take(SHOWN).for_each(|text| row("agent", text));
        if others.len() > SHOWN {
            row("agent", &format!("… {} more that did not halt", others.len() - SHOWN));
        }
        let dropped = match world.dropped() {
            0 => String::new(),
            dropped => format!(", {dropped} found no room"),
        };
        row("messages", &format!("{}{dropped}", world.sent()));
        for circle in self.deadlocks() {
            row("deadlock", &circle.join(" -> "));
        }
        for stall in world.stalls().iter().take(SHOWN) {
            row("stall", &self.stall(stall));
        }
        if world.stalls().len() > SHOWN {
            row("stall", &format!("… {} more", world.stalls().len() - SHOWN));
        }
        if let (Some(stall), Some(run)) = (world.stalls().first(), self.run) {
            let (run, name) = (quoted(run), world.name(stall.from).unwrap_or("?"));
            row("", &format!("avm swarm messages {run}, avm debug {run} --agent {}", quoted(name)));
        }
        for (agent, wanted) in world.approvals().take(SHOWN) {
            let (name, amount) = (world.name(agent).unwrap_or("?"), Gas(wanted.amount));
            let purpose = match &*wanted.purpose {
                "" => String::new(),
                purpose => format!(" for \"{purpose}\""),
            };
            let text = format!("\"{name}\" wants to pay {amount} {}{purpose}", wanted.token);
            row("approval", &text);
        }
        let wallets: Vec<String> = agents(world).filter_map(|agent| self.wallet(agent)).collect();
        wallets.iter().take(SHOWN).for_each(|text| row("wallet", text));
        if wallets.len() > SHOWN {
            row("wallet", &format!("… {} more", wallets.len() - SHOWN));
        }
        row("gas", &Gas(self.sum(Meter::Gas)).to_string());
        for meter in [Meter::Tokens, Meter::Credits, Meter::Gpu, Meter::Effects] {
            match self.sum(meter) {
                0 => {}
                used => row(meter.name(), &meter.show(used)),
            }
        }
        row("rounds", &format!("{}, {} ticks", world.rounds(), world.ticks()));
        row("time", &format!("{} s", seconds(world.now() - world.rules().epoch)));
        row("seed", &world.rules().seed.to_string());
        row("world", &hex(&world.hash()));
        if let Some(run) = self.run {
            row("run", run);
        }
        out
    }

    /// What an agent has, if that is anything.
    fn wallet(&self, agent: AgentId) -> Option<String> {
        let owner = self.world.wallet(agent)?;
        let tokens = self.world.ledger().balances(owner).filter(|money| money.amount > 0);
        let tokens: Vec<String> =
            tokens.map(|money| format!("{} {}", Gas(money.amount), money.token)).collect();
        let name = self.world.name(agent)?;
        (!tokens.is_empty()).then(|| format!("\"{name}\" {}", tokens.join(", ")))
    }

    /// Circles of agents that waited for each other, by name; the first stands at the end again.
    fn deadlocks(&self) -> impl Iterator<Item = Vec<&str>> {
        self.world.deadlocks().iter().map(|circle| {
            let names = circle.iter().chain(circle.first());
            names.map(|agent| self.world.name(*agent).unwrap_or_default()).collect()
        })
    }

    /// A conversation that came to nothing, and how to look at it.
    fn stall(&self, stall: &Stall) -> String {
        let name = |agent: &AgentId| self.world.name(*agent).unwrap_or("?");
        let names: Vec<&str> = stall.agents.iter().map(name).collect();
        let channel = stall.channel.as_ref().map_or(String::new(), |name| format!(" on {name}"));
        let ended = if stall.ended { "; it was ended" } else { "" };
        let from = name(&stall.from);
        format!(
            "{}{channel}: {} for {} turns since message #{} (\"{from}\", step {}){ended}",
            names.join(", "),
            stale(stall.how),
            stall.turns,
            stall.since,
            stall.step,
        )
    }

    /// The same as data.
    pub(crate) fn record(&self) -> Record {
        let Self { world, .. } = self;
        let int = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let all = agents(world).filter_map(|agent| {
            let machine = world.machine(agent)?;
            let mut fields = vec![
                ("name", Value::text(world.name(agent)?)),
                ("end", Value::text(word(world, agent))),
                ("gas", int(machine.gas_used())),
                ("steps", int(machine.steps())),
                ("state", Value::from(hex(&machine.state_hash()))),
            ];
            if let Some(owner) = world.wallet(agent) {
                let tokens = world.ledger().balances(owner).filter(|money| money.amount > 0);
                let tokens = tokens.map(|money| (money.token, int(money.amount)));
                let tokens = Record::from_iter(tokens);
                if !tokens.is_empty() {
                    fields.push(("wallet", Value::Record(tokens)));
                }
            }
            match machine.end() {
                Some(End::Halted(value)) => fields.push(("value", value.clone())),
                _ => fields.extend(why(machine).map(|why| ("why", Value::from(why)))),
            }
            Some(Value::Record(Record::from_iter(fields)))
        });
        let all: Vec<Value> = all.collect();
        let circle = |circle: Vec<&str>| {
            let names = &circle[..circle.len().saturating_sub(1)];
            Value::list(names.iter().map(|name| Value::text(name)).collect())
        };
        let deadlocks: Vec<Value> = self.deadlocks().map(circle).collect();
        let stall = |stall: &Stall| {
            let name = |agent: &AgentId| Value::text(world.name(*agent).unwrap_or("?"));
            Value::Record(Record::from_iter([
                ("agents", Value::list(stall.agents.iter().map(name).collect())),
                ("channel", stall.channel.clone().map_or(Value::Null, Value::Text)),
                ("how", Value::text(stale(stall.how))),
                ("since", int(stall.since)),
                ("from", name(&stall.from)),
                ("from_step", int(stall.step)),
                ("turns", int(stall.turns.into())),
                ("message", int(stall.message)),
                ("ended", Value::Bool(stall.ended)),
                ("time", int(stall.time)),
            ]))
        };
        let stalls: Vec<Value> = world.stalls().iter().map(stall).collect();
        let mut record = Record::from_iter([
            ("agents", Value::list(all)),
            ("messages", int(world.sent())),
            ("dropped", int(world.dropped())),
            ("deadlocks", Value::list(deadlocks)),
            ("stalls", Value::list(stalls)),
            ("gas", int(self.sum(Meter::Gas))),
            ("credits", int(self.sum(Meter::Credits))),
            ("rounds", int(world.rounds())),
            ("ticks", int(world.ticks())),
            ("time", int(world.now())),
            ("seed", int(world.rules().seed)),
            ("world", Value::from(hex(&world.hash()))),
            ("over", Value::Bool(self.left == Left::Over)),
            ("exit", Value::Int(self.exit() as i64)),
        ]);
        if let Some(run) = self.run {
            record.insert("run".into(), Value::text(run));
        }
        record
    }
}
