//! `avm check --grants`: what a program names, who allows it, who answers.

use avm_ir::{NameKind, program::Manifest};
use avm_plugins::registry::{Registry, way_out};

use crate::output::Out;

/// Shows the names of a program, one a line; tells how many of them nobody allows.
pub(crate) fn show(name: &str, manifest: &Manifest, registry: &Registry, out: &mut Out) -> usize {
    let names = manifest.names.len();
    let s = if names == 1 { "" } else { "s" };
    out.line(&format!("{name}: {names} name{s}"));
    let width = manifest.names.iter().map(|(_, name)| name.len()).max().unwrap_or(0);
    let mut missing = 0;
    for (kind, name) in &manifest.names {
        let word = kind.name();
        let text = answer(*kind, name, registry).unwrap_or_else(|| {
            missing += 1;
            way_out(*kind, name)
        });
        out.line(&format!("  {word:<10} {name:<width$}  {text}"));
    }
    if !manifest.computed.is_empty() {
        let kinds: Vec<&str> = manifest.computed.iter().map(|kind| kind.name()).collect();
        let kinds = kinds.join(", ");
        out.line(&format!("  computed:  {kinds} names; each is looked at when it is used"));
    }
    missing
}

/// Who allows a name and who answers to it; `None` if nobody allows it.
fn answer(kind: NameKind, name: &str, registry: &Registry) -> Option<String> {
    let origin = registry.granted(kind, name)?.words();
    Some(match registry.binding(kind, name) {
        Some((provider, manifest, _)) => format!(
            "{provider} ({origin}), {}, reaches {}: {}",
            manifest.determinism.name(),
            manifest.reaches.name(),
            manifest.about
        ),
        None => format!("granted ({origin})"),
    })
}
