//! What an agent knows of itself: its notes, its meters, its code and how that came to be.
//!
//! Each thing has a name that the program's manifest grants. All of it follows from the run:
//! time, which does not, is left out.

use alloc::{string::ToString, vec::Vec};

use avm_ir::{
    Instr, NameKind, Value,
    gas::Gas,
    program::Region,
    value::{Record, Text, to_text},
    wire::hex,
};

use super::{Cpu, Done, state::key};
use crate::{
    agent::Rewrites,
    effect::{Failure, FailureCode},
    machine::undeclared,
    meter::Meter,
};

/// What gives one thing.
type Look = fn(&mut Cpu<'_>) -> Value;

/// Every name there is.
const NAMES: [(&str, Look); 11] = [
    // The notes are the agent's log and its chain of thought alike (whitepaper 8.2).
    ("logs", notes),
    ("agent_logs", notes),
    ("chain_of_thought", notes),
    ("gas", gas),
    ("budget", budget),
    ("memory", memory),
    ("performance", performance),
    ("last_failure", last_failure),
    ("regions", regions),
    ("versions", versions),
    ("checkpoints", checkpoints),
];

pub(super) fn introspect(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let name = key(cpu, i, i.b)?;
    match look(cpu, i, &name) {
        Ok(look) => cpu.result = look(cpu),
        Err(failure) => {
            cpu.result = Value::Null;
            cpu.failure = Some(failure);
        }
    }
    Ok(())
}

fn look(cpu: &Cpu<'_>, i: Instr, name: &Text) -> Result<Look, Failure> {
    // Literal names are in the manifest, or the program is not verified.
    let manifest = &cpu.image.program().manifest;
    if i.b.as_reg().is_some() && !manifest.lists(NameKind::Introspect, name) {
        return Err(undeclared(NameKind::Introspect, name));
    }
    let known = NAMES.iter().find(|(known, _)| *known == name.as_str());
    known.map(|(_, look)| *look).ok_or_else(|| {
        let names = NAMES.map(|(name, _)| name).join(", ");
        let message =
            alloc::format!("SELF_INTROSPECT \"{name}\" is not granted; there are {names}");
        Failure { code: FailureCode::NotGranted, message }
    })
}

fn number(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn decimal(nano: u64) -> Value {
    Value::from(Gas(nano).to_string())
}

fn notes(cpu: &mut Cpu<'_>) -> Value {
    let notes = cpu.agent.log.iter().map(|entry| Value::from(to_text(&entry.note)));
    notes.collect::<Vec<_>>().into()
}

fn gas(cpu: &mut Cpu<'_>) -> Value {
    let (limit, left) = (cpu.agent.gas_limit, cpu.agent.gas);
    Record::from_iter([("limit", decimal(limit)), ("used_before", decimal(limit - left))]).into()
}

/// Limit and rest of every meter but time; `NULL` where there is no limit.
fn budget(cpu: &mut Cpu<'_>) -> Value {
    let memory = cpu.reachable();
    let agent = &*cpu.agent;
    let meters = Meter::ALL.iter().filter(|meter| **meter != Meter::Wall).map(|meter| {
        let (limit, used) = match meter {
            Meter::Gas => (agent.gas_limit, agent.gas_limit - agent.gas),
            Meter::Memory => (agent.memory.limit, memory),
            meter => {
                let amount = |budget: &crate::meter::Budget| budget.amount(*meter).unwrap_or(0);
                (amount(&agent.budget), amount(&agent.spent))
            }
        };
        let value = |amount: u64| match meter {
            _ if limit == u64::MAX => Value::Null,
            Meter::Gas | Meter::Credits => decimal(amount),
            _ => number(amount),
        };
        let left = value(limit.saturating_sub(used));
        (meter.name(), Record::from_iter([("left", left), ("limit", value(limit))]).into())
    });
    Record::from_iter(meters).into()
}

fn memory(cpu: &mut Cpu<'_>) -> Value {
    let used = number(cpu.reachable());
    Record::from_iter([("limit", number(cpu.agent.memory.limit)), ("used", used)]).into()
}

fn performance(cpu: &mut Cpu<'_>) -> Value {
    let agent = &*cpu.agent;
    Record::from_iter([
        ("effects", number(agent.effects)),
        ("failures", number(agent.failures)),
        ("log_entries", number(agent.log.len() as u64)),
        ("steps", number(agent.steps)),
    ])
    .into()
}

fn last_failure(cpu: &mut Cpu<'_>) -> Value {
    cpu.agent.last_failure_text().map_or(Value::Null, Value::from)
}

fn name_of(regions: &[Region], region: u32) -> &str {
    regions.get(region as usize).map_or("", |region| region.name.as_str())
}

fn regions(cpu: &mut Cpu<'_>) -> Value {
    let rewrites: &Rewrites = &cpu.agent.rewrites;
    let regions = (0..).zip(&cpu.image.program().regions).map(|(at, region)| {
        let perms: Vec<Value> = region.perms.iter().map(|perm| Value::text(perm.name())).collect();
        let version = rewrites.current_of(at).unwrap_or(0);
        // What was replaced has its hash already.
        let hash = rewrites.version(version).map_or_else(|| region.hash(), |known| known.hash);
        Value::Record(Record::from_iter([
            ("hash", Value::from(hex(&hash))),
            ("name", Value::text(&region.name)),
            ("perms", perms.into()),
            ("version", number(version.into())),
        ]))
    });
    regions.collect::<Vec<_>>().into()
}

fn versions(cpu: &mut Cpu<'_>) -> Value {
    let regions = &cpu.image.program().regions;
    let versions = (1..).zip(&cpu.agent.rewrites.versions).map(|(at, version)| {
        Value::Record(Record::from_iter([
            ("before", number(version.before.into())),
            ("hash", Value::from(hex(&version.hash))),
            ("number", Value::Int(at)),
            ("region", Value::text(name_of(regions, version.region))),
            ("step", number(version.step)),
            ("waits", Value::Bool(!version.installed)),
        ]))
    });
    versions.collect::<Vec<_>>().into()
}

fn checkpoints(cpu: &mut Cpu<'_>) -> Value {
    let regions = &cpu.image.program().regions;
    let points = (1..).zip(&cpu.agent.rewrites.checkpoints).map(|(at, point)| {
        let code = point.code.iter();
        let code: Vec<(Text, Value)> = code
            .map(|(region, version)| {
                (Text::from(name_of(regions, *region)), number((*version).into()))
            })
            .collect();
        Value::Record(Record::from_iter([
            ("code", Record::from_iter(code).into()),
            ("label", Value::Text(point.label.clone())),
            ("number", Value::Int(at)),
            ("step", number(point.step)),
        ]))
    });
    points.collect::<Vec<_>>().into()
}
