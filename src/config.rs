//! `avm.toml`: what an operator wants every time, beside the program or in a folder above it.
//!
//! ```toml
//! [models]
//! LLama = "builtin:extractive"
//! DecisionModel = { use = "builtin:decision", rules = "decision.toml" }
//!
//! [tools.TwitterAPI]         # likewise plugins, chains, subnets; and [sql], [gpu], [policy], [advisor]
//! use = "fixture"
//! file = "tweets.toml"       # paths are relative to this file
//! timeout = "2s"
//!
//! [docs]                     # folders of documents, by the collection that they become
//! KnowledgeDocs = "docs"
//!
//! [grants]                   # names that no provider stands behind
//! channel = ["TradingSwarm"]
//! agent = ["HPCBot"]
//!
//! [code]                     # what agents may not do with their own code though their programs let them
//! policy = "policy.toml"
//!
//! [code.modules]             # code that agents may take into their regions by name
//! SwarmDetectionModule = "modules/swarm_detection.avm"
//!
//! [wallet]
//! AVM_CREDITS = 500
//!
//! [run]
//! gas = "250"                # text, so that 0.001 is exact; a whole number will do
//! memory = "64MiB"
//! on_exhausted = "halt"      # or "suspend", "deny"
//! dialect = "standard"       # or "paper"
//!
//! [budget]
//! tokens = 10000
//! credits = "2.5"
//!
//! [test]                     # fields of notes and results that golden runs do not compare
//! redact = ["took_ms", "quote.id"]
//! ```
//!
//! `base = "../avm.toml"` starts from another file; what this one says wins, name by name.
//!
//! The command line wins over both. A key that nobody knows is an error: a misspelt limit must not be
//! no limit.

use std::{
    collections::BTreeMap,
    fmt::Display,
    path::{Path, PathBuf},
    str::FromStr,
};

use avm_ir::gas::Gas;
use clap::ValueEnum;
use serde::{Deserialize, Deserializer, de};

use crate::{
    cli::{Dialect, OnExhausted},
    exit::{Failure, Outcome},
    files,
    redact::Rules,
    swarm::{file as swarm, snapshots::When, tables},
};

/// Name of the file.
pub(crate) const NAME: &str = "avm.toml";
/// Largest file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where the file is; `None` if there is none.
    #[serde(skip)]
    pub(crate) path: Option<PathBuf>,
    /// The file that this one starts from, relative to this one.
    base: Option<PathBuf>,
    /// Providers of models by name.
    pub(crate) models: BTreeMap<String, Provider>,
    /// … of tools.
    pub(crate) tools: BTreeMap<String, Provider>,
    /// … of plugins.
    pub(crate) plugins: BTreeMap<String, Provider>,
    /// … of chains.
    pub(crate) chains: BTreeMap<String, Provider>,
    /// … of HPC subnets.
    pub(crate) subnets: BTreeMap<String, Provider>,
    /// The database.
    pub(crate) sql: Option<Provider>,
    /// The GPUs.
    pub(crate) gpu: Option<Provider>,
    /// Roles and security rules.
    pub(crate) policy: Option<Provider>,
    /// The model that `SEPARATE_PROMPT` asks.
    pub(crate) advisor: Option<Provider>,
    /// Folders of documents by collection.
    pub(crate) docs: BTreeMap<String, PathBuf>,
    /// What agents may do with their code.
    pub(crate) code: Code,
    /// Balances by token.
    pub(crate) wallet: BTreeMap<String, Written>,
    /// Names allowed by kind; `"*"` allows all of a kind.
    pub(crate) grants: BTreeMap<String, Vec<String>>,
    /// Limits of a run.
    pub(crate) run: Run,
    /// Limits on meters, by name.
    pub(crate) budget: BTreeMap<String, Written>,
    /// How golden runs are compared.
    pub(crate) test: Test,
    /// What holds for a world of agents; this and what follows only in the file of a swarm.
    pub(crate) world: Option<swarm::World>,
    /// Its agents.
    pub(crate) agent: Vec<swarm::Agent>,
    /// Programs of its agents by name.
    pub(crate) programs: BTreeMap<String, PathBuf>,
    /// What holds in its channels, by name.
    pub(crate) channel: BTreeMap<String, tables::Channel>,
    /// Wallets that its agents share, by name.
    pub(crate) pool: BTreeMap<String, tables::Pool>,
    /// What should come of it.
    pub(crate) expect: Vec<swarm::Expect>,
}

/// What stands around agents that change their code.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Code {
    /// The file of the policy on what they may do with it.
    pub(crate) policy: Option<PathBuf>,
    /// Files of the code store by the name of the module.
    pub(crate) modules: BTreeMap<String, PathBuf>,
    /// A folder whose `.avm` and `.avmb` files are modules too, under their names.
    pub(crate) folder: Option<PathBuf>,
}

/// How golden runs are compared.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Test {
    /// Fields that are not.
    pub(crate) redact: Rules,
}

/// A provider as a file states it.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Stated")]
pub(crate) struct Provider {
    pub(crate) stated: Stated,
    /// The folder of the file, to which paths in it are relative.
    pub(crate) folder: PathBuf,
}

impl From<Stated> for Provider {
    fn from(stated: Stated) -> Self {
        Self { stated, folder: PathBuf::new() }
    }
}

/// A provider: its name, or a table with `use` and its keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Stated {
    /// `"builtin:extractive"`
    Name(String),
    /// `{ use = "…", … }`
    Table(toml::Table),
}

/// Limits of a run.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    /// Nanogas granted.
    #[serde(default, deserialize_with = "gas")]
    pub(crate) gas: Option<Gas>,
    /// Memory in bytes.
    #[serde(default, deserialize_with = "memory")]
    pub(crate) memory: Option<u64>,
    /// What happens when a budget is used up.
    #[serde(default, deserialize_with = "policy")]
    pub(crate) on_exhausted: Option<OnExhausted>,
    /// Which texts are accepted; not only for runs.
    #[serde(default, deserialize_with = "dialect")]
    pub(crate) dialect: Option<Dialect>,
}

impl Config {
    /// The file's name for messages.
    pub(crate) fn name(&self) -> String {
        self.path.as_deref().map_or_else(|| NAME.to_owned(), |path| path.display().to_string())
    }

    /// Which texts are accepted: what the command line says wins.
    pub(crate) fn dialect(&self, named: Option<Dialect>) -> Dialect {
        named.or(self.run.dialect).unwrap_or(Dialect::Standard)
    }

    /// The folder to which its paths are relative; the program's if there is no file.
    pub(crate) fn folder(&self, program: &Path) -> PathBuf {
        let file = self.path.as_deref().unwrap_or(program);
        files::folder_of(file).to_path_buf()
    }
}

impl Config {
    /// Every provider that the file states.
    fn providers_mut(&mut self) -> impl Iterator<Item = &mut Provider> {
        let names = [
            &mut self.models,
            &mut self.tools,
            &mut self.plugins,
            &mut self.chains,
            &mut self.subnets,
        ];
        let slots = [&mut self.sql, &mut self.gpu, &mut self.policy, &mut self.advisor];
        let named = names.into_iter().flat_map(BTreeMap::values_mut);
        named.chain(slots.into_iter().filter_map(Option::as_mut))
    }

    /// What this file says over what another says.
    fn over(self, base: Self) -> Self {
        fn both<T>(mut base: BTreeMap<String, T>, own: BTreeMap<String, T>) -> BTreeMap<String, T> {
            base.extend(own);
            base
        }
        Self {
            path: self.path,
            base: None,
            models: both(base.models, self.models),
            tools: both(base.tools, self.tools),
            plugins: both(base.plugins, self.plugins),
            chains: both(base.chains, self.chains),
            subnets: both(base.subnets, self.subnets),
            sql: self.sql.or(base.sql),
            gpu: self.gpu.or(base.gpu),
            policy: self.policy.or(base.policy),
            advisor: self.advisor.or(base.advisor),
            docs: both(base.docs, self.docs),
            code: Code {
                policy: self.code.policy.or(base.code.policy),
                modules: both(base.code.modules, self.code.modules),
                folder: self.code.folder.or(base.code.folder),
            },
            wallet: both(base.wallet, self.wallet),
            grants: both(base.grants, self.grants),
            run: Run {
                gas: self.run.gas.or(base.run.gas),
                memory: self.run.memory.or(base.run.memory),
                on_exhausted: self.run.on_exhausted.or(base.run.on_exhausted),
                dialect: self.run.dialect.or(base.run.dialect),
            },
            budget: both(base.budget, self.budget),
            test: Test { redact: base.test.redact.and(self.test.redact) },
            world: self.world,
            agent: self.agent,
            programs: self.programs,
            channel: self.channel,
            pool: self.pool,
            expect: self.expect,
        }
    }
}

/// The configuration that the operator names; else, for a program, the nearest file in its folder or
/// above; the empty one if there is none. A program from standard input belongs to the current folder.
pub(crate) fn load(program: &Path, named: Option<&Path>) -> Outcome<Config> {
    if let Some(path) = named {
        return alone(parse(path, 0)?);
    }
    let folder = files::folder_of(program);
    // A folder that cannot be resolved has no program either; its own error is the better one.
    let Ok(folder) = std::fs::canonicalize(folder) else { return Ok(Config::default()) };
    for folder in folder.ancestors() {
        let path = folder.join(NAME);
        if path.is_file() {
            return alone(parse(&path, 0)?);
        }
    }
    Ok(Config::default())
}

/// The file of a swarm.
pub(crate) fn swarm(path: &Path) -> Outcome<Config> {
    let config = parse(path, 0)?;
    if config.agent.is_empty() {
        let path = path.display();
        return Err(Failure::files(format!("{path}: a swarm wants at least one [[agent]]")));
    }
    Ok(config)
}

/// Refuses the file of a swarm where one agent is meant.
fn alone(config: Config) -> Outcome<Config> {
    let Config { world, agent, programs, channel, pool, expect, .. } = &config;
    let tables = channel.is_empty() && pool.is_empty() && expect.is_empty();
    if world.is_none() && agent.is_empty() && programs.is_empty() && tables {
        return Ok(config);
    }
    let path = config.name();
    Err(Failure::files(format!("{path}: describes a swarm; run it with: avm swarm run {path}")))
}

/// Most files that start from one another.
const MAX_BASES: usize = 8;

fn parse(path: &Path, depth: usize) -> Outcome<Config> {
    let text = files::read_text(path, MAX_BYTES)?;
    let mut config: Config = toml::from_str(&text)
        .map_err(|error| Failure::files(format!("{}: {error}", path.display())))?;
    config.path = Some(path.to_path_buf());
    let folder = files::folder_of(path);
    config.providers_mut().for_each(|provider| provider.folder = folder.to_path_buf());
    let paths = config.docs.values_mut().chain(config.code.modules.values_mut());
    let code = config.code.folder.iter_mut().chain(&mut config.code.policy);
    let paths = paths.chain(config.programs.values_mut());
    let paths = paths.chain(config.agent.iter_mut().filter_map(swarm::Agent::path_mut));
    let world =
        config.world.iter_mut().flat_map(|world| world.registry.iter_mut().chain(&mut world.seen));
    paths.chain(code).chain(world).for_each(|path| *path = folder.join(&*path));
    let Some(base) = config.base.take() else { return Ok(config) };
    if depth == MAX_BASES {
        let why =
            format!("base: more than {MAX_BASES} files start from one another, or in a circle");
        return Err(Failure::files(format!("{}: {why}", path.display())));
    }
    Ok(config.over(parse(&folder.join(base), depth + 1)?))
}

/// A number, or a text that reads as an amount.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Written {
    /// `500`
    Number(u64),
    /// `"2.5"`
    Text(String),
}

impl Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// A time, in nanoseconds.
pub(crate) fn time<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    written(input, |text| {
        let time = crate::budget::duration(text)?;
        u64::try_from(time.as_nanos()).map_err(|_| "that is too long".to_owned())
    })
}

fn written<'de, T, D: Deserializer<'de>, E: Display>(
    input: D,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, D::Error> {
    let text = Written::deserialize(input)
        .map_err(|_| de::Error::custom("expected a text or a whole number"))?
        .to_string();
    read(&text).map(Some).map_err(de::Error::custom)
}

pub(crate) fn gas<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Gas>, D::Error> {
    written(input, Gas::from_str)
}

pub(crate) fn snapshots<'de, D: Deserializer<'de>>(input: D) -> Result<Option<When>, D::Error> {
    written(input, When::from_str)
}

pub(crate) fn memory<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    written(input, crate::bytes::parse)
}

pub(crate) fn policy<'de, D: Deserializer<'de>>(input: D) -> Result<Option<OnExhausted>, D::Error> {
    written(input, |text| {
        OnExhausted::from_str(text, false).map_err(|_| "expected \"halt\", \"suspend\" or \"deny\"")
    })
}

pub(crate) fn dialect<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Dialect>, D::Error> {
    written(input, |text| {
        Dialect::from_str(text, false).map_err(|_| "expected \"standard\" or \"paper\"")
    })
}
