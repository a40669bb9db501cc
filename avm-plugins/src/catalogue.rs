//! Every provider that this version has, one line each.
//!
//! A configuration names one with `use = "builtin:sentiment"`, the command line with
//! `--model sentimentModel_v2=builtin:sentiment`.

use std::sync::Arc;

use avm_ir::NameKind;

use crate::{
    builtin::{Critic, Decision, Extractive, HashEmbed, RulePolicy, Sentiment, Summary, Tuner},
    chain::Simulated,
    gpu::Devices,
    hpc::Pool,
    provider::{Chain, Cluster, Gpus, Model, Plugin, Policy, Sql, Tool},
    settings::{BadSettings, Settings},
    sql::Sqlite,
    tool::{self, Fixture},
};

/// Makes a provider of a kind as configured.
pub(crate) type Make<P> = fn(&Settings) -> Result<Arc<P>, BadSettings>;

/// A provider under its name.
pub(crate) type Entry<P> = (&'static str, Make<P>);

/// A provider without keys of its own; one that is written all the same is a mistake.
fn keyless<P>(settings: &Settings, provider: P) -> Result<Arc<P>, BadSettings> {
    match settings.table.keys().next() {
        None => Ok(Arc::new(provider)),
        Some(key) => Err(BadSettings(format!("unknown key {key:?}; this provider has no keys"))),
    }
}

/// Models.
pub(crate) const MODELS: &[Entry<dyn Model>] = &[
    ("builtin:decision", |settings| Ok(Arc::new(Decision::new(settings)?))),
    ("builtin:extractive", |settings| Ok(keyless(settings, Extractive)?)),
    ("builtin:hash-embed", |settings| Ok(keyless(settings, HashEmbed)?)),
    ("builtin:sentiment", |settings| Ok(keyless(settings, Sentiment)?)),
    ("builtin:summary", |settings| Ok(keyless(settings, Summary)?)),
    ("builtin:tuner", |settings| Ok(Arc::new(Tuner::new(settings)?))),
    ("fixture", |settings| Ok(Arc::new(Fixture::model(settings)?))),
];

/// Tools.
pub(crate) const TOOLS: &[Entry<dyn Tool>] = &[
    #[cfg(unix)]
    ("command", |settings| Ok(Arc::new(tool::Command::tool(settings)?))),
    ("fixture", |settings| Ok(Arc::new(Fixture::tool(settings)?))),
    #[cfg(feature = "http")]
    ("http", |settings| Ok(Arc::new(tool::Http::tool(settings)?))),
];

/// Plugins.
pub(crate) const PLUGINS: &[Entry<dyn Plugin>] = &[
    ("builtin:critic", |settings| Ok(Arc::new(Critic::new(settings)?))),
    #[cfg(unix)]
    ("command", |settings| Ok(Arc::new(tool::Command::plugin(settings)?))),
    ("fixture", |settings| Ok(Arc::new(Fixture::plugin(settings)?))),
    #[cfg(feature = "http")]
    ("http", |settings| Ok(Arc::new(tool::Http::plugin(settings)?))),
];

/// Chains.
pub(crate) const CHAINS: &[Entry<dyn Chain>] = &[
    ("builtin:chain", |settings| Ok(Arc::new(Simulated::new(settings)?))),
    ("fixture", |settings| Ok(Arc::new(Fixture::chain(settings)?))),
];

/// HPC clusters.
pub(crate) const CLUSTERS: &[Entry<dyn Cluster>] =
    &[("builtin:pool", |settings| Ok(Arc::new(Pool::new(settings)?)))];

/// GPUs. There is one provider for all GPUs of a machine.
pub(crate) const GPUS: &[Entry<dyn Gpus>] =
    &[("builtin:devices", |settings| Ok(Arc::new(Devices::new(settings)?)))];

/// SQL databases.
pub(crate) const SQL: &[Entry<dyn Sql>] =
    &[("builtin:sqlite", |settings| Ok(Arc::new(Sqlite::new(settings)?)))];

/// Policies.
pub(crate) const POLICIES: &[Entry<dyn Policy>] =
    &[("builtin:policy", |settings| Ok(Arc::new(RulePolicy::new(settings)?)))];

/// What answers to names that nobody binds, so that the whitepaper's programs run on a fresh
/// machine. A default says what it is; it does not pretend to be what its name says.
pub const DEFAULTS: &[(NameKind, &str, &str)] = &[
    (NameKind::Model, "LLama", "builtin:extractive"),
    (NameKind::Model, "text-embedding-3-small", "builtin:hash-embed"),
    (NameKind::Model, "sentimentModel_v2", "builtin:sentiment"),
    (NameKind::Model, "DecisionModel", "builtin:decision"),
    (NameKind::Plugin, "CriticModule", "builtin:critic"),
    (NameKind::Subnet, "TAO_DeepTrain", "builtin:pool"),
];

/// Names of the entries of a table, sorted and joined, for messages.
pub(crate) fn names<P: ?Sized>(entries: &[Entry<P>]) -> String {
    let mut names: Vec<&str> = entries.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.join(", ")
}
