//! What a run was, for people, after it.

use std::fmt::Write;

use avm_ir::{Gas, NameKind};
use avm_plugins::registry::Registry;
use avm_vm::{End, Machine, OnExhausted};

use crate::{library::Indexed, meter::Totals};

/// Rows of the table of where the gas went.
const TOP: usize = 8;

/// What there is to tell.
pub(crate) struct Summary<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) end: &'a End,
    pub(crate) totals: Totals,
    pub(crate) registry: &'a Registry,
    pub(crate) indexed: &'a [Indexed],
}

/// The summary, without a line break at its end.
pub(crate) fn text(summary: &Summary<'_>, on_exhausted: OnExhausted) -> String {
    let Summary { machine, end, totals, registry, indexed } = summary;
    let mut out = String::from("---\n");
    let end = match end {
        End::Halted(_) => "halted".to_owned(),
        End::Exhausted(_) if on_exhausted == OnExhausted::Suspend => "suspended".to_owned(),
        End::Exhausted(_) => "exhausted".to_owned(),
        End::Trapped(trap) => format!("trapped, {}", trap.code),
    };
    let (used, limit) = (machine.gas_used(), machine.gas_limit());
    row(&mut out, "end", &end);
    row(&mut out, "gas", &format!("{} of {}", Gas(used), Gas(limit)));
    row(&mut out, "steps", &machine.steps().to_string());
    for indexed in *indexed {
        let text = format!(
            "{} -> {}: {} passages of {} files",
            indexed.folder, indexed.collection, indexed.passages, indexed.files
        );
        row(&mut out, "documents", &text);
    }
    models(&mut out, machine, totals, registry);
    effects(&mut out, totals);
    gas(&mut out, machine, totals);
    out.truncate(out.trim_end().len());
    out
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
        let text = match registry.model(name) {
            Some((provider, what, origin)) if provider == name => {
                format!("{name} ({}): {what}", origin.words())
            }
            Some((provider, what, origin)) => {
                format!("{name} -> {provider} ({}): {what}", origin.words())
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

/// Region and instruction by their share of the gas.
fn gas(out: &mut String, machine: &Machine, totals: &Totals) {
    let places = totals.by_place();
    let all: u64 = places.iter().map(|(_, _, gas)| gas).sum();
    let regions = &machine.image().program().regions;
    let share = |gas: u64| gas as f64 * 100.0 / all as f64;
    // What rounds to nothing says nothing.
    let shown = places.iter().take(TOP).take_while(|(_, _, gas)| share(*gas) >= 0.05).count();
    for (region, opcode, gas) in &places[..shown] {
        let region = regions.get(*region).map_or("?", |region| &region.name);
        let (share, mnemonic) = (share(*gas), opcode.mnemonic());
        row(out, "gas", &format!("{share:>5.1} %  {mnemonic} in {region}, {}", Gas(*gas)));
    }
    if shown < places.len() {
        let rest: u64 = places[shown..].iter().map(|(_, _, gas)| gas).sum();
        row(out, "gas", &format!("{:>5.1} %  all others, {}", share(rest), Gas(rest)));
    }
}
