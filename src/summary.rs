//! What a run was, for people, after it.

use std::fmt::Write;

use avm_ir::{Gas, NameKind, Opcode};
use avm_plugins::registry::Registry;
use avm_vm::{End, Machine, Meter};

use crate::{library::Indexed, meter::Totals};

/// Rows of the profile as people see it.
const TOP: usize = 8;

/// What there is to tell.
pub(crate) struct Summary<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) end: &'a End,
    pub(crate) totals: &'a Totals,
    pub(crate) registry: &'a Registry,
    pub(crate) indexed: &'a [Indexed],
}

/// Writes the summary.
pub(crate) fn write(out: &mut String, summary: &Summary<'_>) {
    let Summary { machine, end, totals, registry, indexed } = summary;
    out.push_str("---\n");
    let end = match end {
        End::Halted(_) => "halted".to_owned(),
        _ if machine.is_suspended() => "suspended".to_owned(),
        End::Exhausted(_) | End::Unapproved(_) => "exhausted".to_owned(),
        End::Trapped(trap) => format!("trapped, {}", trap.code),
    };
    let (gas_used, limit) = (machine.gas_used(), machine.gas_limit());
    row(out, "end", &end);
    row(out, "gas", &format!("{} of {}", Gas(gas_used), Gas(limit)));
    row(out, "steps", &machine.steps().to_string());
    for (meter, used, limit) in used(machine) {
        let (name, used) = (meter.name(), meter.show(used));
        let limit = limit.map(|limit| format!(" of {}", meter.show(limit)));
        row(out, name, &format!("{used}{}", limit.unwrap_or_default()));
    }
    for indexed in *indexed {
        let text = format!(
            "{} -> {}: {} passages of {} files",
            indexed.folder, indexed.collection, indexed.passages, indexed.files
        );
        row(out, "documents", &text);
    }
    models(out, machine, totals, registry);
    effects(out, totals);
}

/// The meters beside gas and memory that were used or are limited: how much, and of how much.
pub(crate) fn used(machine: &Machine) -> impl Iterator<Item = (Meter, u64, Option<u64>)> {
    let metered = [Meter::Tokens, Meter::Credits, Meter::Gpu, Meter::Wall, Meter::Effects];
    metered.into_iter().filter_map(|meter| {
        let (used, limit) = (machine.used(meter), machine.limit(meter));
        let limit = (limit != u64::MAX).then_some(limit);
        // Effects have rows of their own.
        let plain = used == 0 || meter == Meter::Effects;
        (!plain || limit.is_some()).then_some((meter, used, limit))
    })
}

fn row(out: &mut String, name: &str, text: &str) {
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "{name:<11}{text}");
}

/// The models that the program names or used, and who answers to them.
fn models(out: &mut String, machine: &Machine, totals: &Totals, registry: &Registry) {
    let manifest = &machine.image().program().manifest;
    let mut names: Vec<&str> = manifest.names_of(NameKind::Model).collect();
    names.extend(totals.models.iter().map(String::as_str));
    names.sort_unstable();
    names.dedup();
    for name in names {
        let text = match registry.binding(NameKind::Model, name) {
            Some((provider, what, origin)) if provider == name => {
                format!("{name} ({}): {}", origin.words(), what.about)
            }
            Some((provider, what, origin)) => {
                format!("{name} -> {provider} ({}): {}", origin.words(), what.about)
            }
            None => format!("{name} -> nobody"),
        };
        row(out, "model", &text);
    }
}

fn effects(out: &mut String, totals: &Totals) {
    for ((mnemonic, provider), effects) in &totals.effects {
        let provider = if provider.is_empty() { "refused" } else { provider };
        let mut text = format!(
            "{mnemonic} by {provider}: {} in {:.1} ms for {} gas",
            effects.count,
            effects.time.as_secs_f64() * 1e3,
            Gas(effects.gas)
        );
        if let Some(failure) = &effects.failure {
            let _ = write!(text, ", {} failed: {failure}", effects.failed);
        }
        row(out, "effect", &text);
    }
}

/// Region, instruction and nanogas, most first; empty where nobody watched the steps.
pub(crate) fn places<'a>(machine: &'a Machine, totals: &Totals) -> Vec<(&'a str, Opcode, u64)> {
    let regions = &machine.image().program().regions;
    let name = |region: usize| regions.get(region).map_or("?", |region| region.name.as_str());
    let places = totals.by_place().into_iter();
    places.map(|(region, opcode, gas)| (name(region), opcode, gas)).collect()
}

/// Writes region and instruction by their share of the gas.
pub(crate) fn profile(out: &mut String, machine: &Machine, totals: &Totals) {
    let places = places(machine, totals);
    let all: u64 = places.iter().map(|(_, _, gas)| gas).sum();
    let share = |gas: u64| gas as f64 * 100.0 / all as f64;
    // What rounds to nothing says nothing.
    let shown = places.iter().take(TOP).take_while(|(_, _, gas)| share(*gas) >= 0.05).count();
    for (region, opcode, gas) in &places[..shown] {
        let (share, mnemonic) = (share(*gas), opcode.mnemonic());
        row(out, "gas", &format!("{share:>5.1} %  {mnemonic} in {region}, {}", Gas(*gas)));
    }
    if shown < places.len() {
        let rest: u64 = places[shown..].iter().map(|(_, _, gas)| gas).sum();
        row(out, "gas", &format!("{:>5.1} %  all others, {}", share(rest), Gas(rest)));
    }
}
