//! `avm check --grants`: what a program names, who allows it, who answers.

use avm_ir::{NameKind, Opcode, Program, Reach, wire::hex};
use avm_plugins::{
    provider::Manifest,
    registry::{Origin, Registry, way_out},
};

use crate::{
    config::{Config, Provider, Stated},
    modules::Modules,
    output::Out,
};

/// What a program can reach without naming it, because a run has one of each at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Nameless {
    /// The database of SQL.
    Sql,
    /// Roles and security rules.
    Policy,
    /// The model that proposes patches.
    Advisor,
    /// The time.
    Clock,
    /// The agent's own code.
    Code,
}

impl Nameless {
    const ALL: [Self; 5] = [Self::Sql, Self::Policy, Self::Advisor, Self::Clock, Self::Code];

    /// Its word, for most the section of the configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Policy => "policy",
            Self::Advisor => "advisor",
            Self::Clock => "clock",
            Self::Code => "code",
        }
    }

    fn of(op: Opcode) -> Option<Self> {
        match (op.info().reach?, op) {
            (Reach::Sql, _) => Some(Self::Sql),
            // A signature is checked by arithmetic.
            (Reach::Policy, op) if op != Opcode::CHECK_SIG => Some(Self::Policy),
            (Reach::Model, Opcode::SEPARATE_PROMPT) => Some(Self::Advisor),
            (Reach::Time, _) => Some(Self::Clock),
            (Reach::Code, Opcode::SELF_MODIFY | Opcode::SELF_MODIFY_SANDBOX) => Some(Self::Code),
            _ => None,
        }
    }

    /// What of it a program's code uses.
    pub(crate) fn used(program: &Program) -> impl Iterator<Item = Self> {
        let code = program.regions.iter().flat_map(|region| &region.code);
        let mut used: Vec<Self> = code.filter_map(|instr| Self::of(instr.op)).collect();
        used.sort_unstable();
        used.dedup();
        Self::ALL.into_iter().filter(move |nameless| used.contains(nameless))
    }

    /// Who answers, or what to write so that somebody does.
    fn answer(self, config: &Config, modules: &Modules, registry: &Registry) -> String {
        let bound = |provider: &Option<Provider>| match provider.as_ref().map(|it| &it.stated) {
            Some(Stated::Name(name)) => format!("{name} (avm.toml)"),
            Some(Stated::Table(table)) => {
                let name = table.get("use").and_then(|name| name.as_str()).unwrap_or("?");
                format!("{name} (avm.toml)")
            }
            None => format!("nobody answers; write [{}] in avm.toml", self.name()),
        };
        match self {
            Self::Sql => bound(&config.sql),
            Self::Policy => bound(&config.policy),
            Self::Advisor => match registry.advisor() {
                Some((provider, manifest, origin)) => described(provider, manifest, origin),
                None => bound(&config.advisor),
            },
            Self::Clock => "the computer's clock".to_owned(),
            Self::Code if modules.is_empty() => "the assembler; the code store is empty".to_owned(),
            Self::Code => "the assembler, with the modules of the code store".to_owned(),
        }
    }
}

/// Shows the names of a program, one a line, and what it reaches without a name; tells how many
/// names nobody allows.
pub(crate) fn show(
    name: &str,
    program: &Program,
    (config, modules): (&Config, &Modules),
    registry: &Registry,
    out: &mut Out,
) -> usize {
    let manifest = &program.manifest;
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
    for nameless in Nameless::used(program) {
        let word = nameless.name();
        out.line(&format!(
            "  {word:<10} {:<width$}  {}",
            "",
            nameless.answer(config, modules, registry)
        ));
        let modules = (nameless == Nameless::Code).then_some(modules);
        for (name, module) in modules.into_iter().flat_map(Modules::iter) {
            let (path, hash) = (module.path.display(), hex(&module.hash));
            out.line(&format!("  {:<10} {name:<width$}  {path}, BLAKE3 {hash}", "module"));
        }
    }
    missing
}

/// Who allows a name and who answers to it; `None` if nobody allows it.
fn answer(kind: NameKind, name: &str, registry: &Registry) -> Option<String> {
    let origin = registry.granted(kind, name)?;
    Some(match registry.binding(kind, name) {
        Some((provider, manifest, _)) => described(provider, manifest, origin),
        None => format!("granted ({})", origin.words()),
    })
}

/// A provider, who bound it, and what it is.
fn described(provider: &str, manifest: &Manifest, origin: Origin) -> String {
    format!(
        "{provider} ({}), {}, reaches {}: {}",
        origin.words(),
        manifest.determinism.name(),
        manifest.reaches.name(),
        manifest.about
    )
}
