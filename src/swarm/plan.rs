//! A world before its first tick: its programs, its agents, and who answers them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use avm_asm::SourceFile;
use avm_ir::{NameKind, Schedule, Value, gas::Gas, program::Manifest, value::Record};
use avm_plugins::{
    docs::persist::Library,
    provider::Determinism,
    registry::{Origin, Registry},
    settings::value,
};
use avm_vm::{
    Config as Given, Image, OnExhausted, Policy, World,
    identity::{Name, Registry as NameRegistry},
    world::{
        Event, Joined, Rules,
        journal::{Start, Time},
    },
};

use super::{
    asks::Asks,
    drive::Watch,
    file::{Agent, Expect, MAX_COPIES},
    names::Who,
    snapshots::When,
    tables::{Means, Tables, amount},
    tape::Tape,
};
use crate::{
    begin,
    cli::{Dialect, Setup},
    code_policy,
    config::{self, Config},
    exit::{Failure, Outcome},
    library,
    name_file::NameFile,
    program, providers,
    random::random,
};

/// Everything that a swarm begins with. Worlds of many seeds come out of one plan.
pub(crate) struct Plan {
    config: Config,
    /// What holds for the world, with the file's seed.
    pub(crate) rules: Rules,
    /// How many threads the file wants.
    pub(crate) threads: Option<usize>,
    /// When the file wants the world to be kept.
    pub(crate) snapshots: Option<When>,
    programs: Vec<Arc<Image>>,
    sources: Vec<SourceFile>,
    agents: Vec<Planned>,
    /// The registry in which keys and names are looked up.
    registry: Option<NameFile>,
    /// Code by name, from which agents can start others.
    named: Vec<(String, Arc<Image>)>,
    /// All that the programs name.
    manifest: Manifest,
    /// What should come of it.
    pub(crate) expect: Vec<Expect>,
}

/// An agent that is going to join.
struct Planned {
    joined: Joined,
    /// The name of the registry that it goes by.
    domain: Option<Name>,
    /// Whether its random numbers follow from the world's seed.
    drawn: bool,
    means: Arc<Means>,
}

impl Plan {
    /// Reads the file of a swarm and the programs that it names.
    pub(crate) fn read(file: &Path) -> Outcome<Self> {
        Self::of(file, false)
    }

    /// The same, for a world that exists already: who its agents are is not looked up again.
    pub(crate) fn again(file: &Path) -> Outcome<Self> {
        Self::of(file, true)
    }

    fn of(file: &Path, again: bool) -> Outcome<Self> {
        let config = config::swarm(file)?;
        let world = config.world.clone().unwrap_or_default();
        let registry = world.registry.as_deref();
        let registry = registry.map(|file| NameFile::look(file, world.seen.as_deref()));
        let rules = world
            .rules()
            .map_err(|why| Failure::files(format!("{}: world.{why}", config.name())))?;
        let mut plan = Self {
            rules,
            threads: world.threads,
            snapshots: world.snapshots,
            programs: Vec::new(),
            sources: Vec::new(),
            agents: Vec::new(),
            registry: registry.transpose()?,
            named: Vec::new(),
            manifest: Manifest::default(),
            expect: config.expect.clone(),
            config,
        };
        if !plan.config.wallet.is_empty() {
            let file = plan.config.name();
            let why = "wallet: every agent of a swarm has its own; it is a key of [[agent]]";
            return Err(Failure::files(format!("{file}: {why}")));
        }
        let mut known: BTreeMap<PathBuf, Arc<Image>> = BTreeMap::new();
        let mut keys = BTreeMap::new();
        for agent in plan.config.agent.clone() {
            let nobody = Agent { key: None, domain: None, ..agent.clone() };
            let who = match again {
                true => Who::of(&nobody, None),
                false => Who::of(&agent, plan.registry()).and_then(|who| {
                    match keys.insert(who.key, agent.name.clone()) {
                        Some(other) if who.signs => Err(Failure::files(format!(
                            "key: agent \"{other}\" has it; several agents with one key are \
                             copies of one, with count"
                        ))),
                        _ => Ok(who),
                    }
                }),
            };
            who.and_then(|who| plan.add(&agent, &who, &mut known))
                .map_err(|failure| plan.about(&format!("agent \"{}\"", agent.name), failure))?;
        }
        for (name, path) in plan.config.programs.clone() {
            let image = plan
                .load(&path, plan.config.dialect(None), &mut known)
                .map_err(|failure| plan.about(&format!("programs.{name}"), failure))?;
            plan.reach(&image, plan.policy(&image)?.as_ref());
            plan.named.push((name, image));
        }
        let mut expect = core::mem::take(&mut plan.expect);
        for name in expect.iter_mut().filter_map(|expect| expect.agent.as_mut()) {
            *name = plan.called(name).to_owned();
        }
        plan.expect = expect;
        plan.check_expectations()?;
        Ok(plan)
    }

    fn about(&self, what: &str, failure: Failure) -> Failure {
        let error = failure.error.context(format!("{}: {what}", self.config.name()));
        Failure { error, ..failure }
    }

    fn add(
        &mut self,
        agent: &Agent,
        who: &Who,
        known: &mut BTreeMap<PathBuf, Arc<Image>>,
    ) -> Outcome<()> {
        let count = agent.count.unwrap_or(1);
        if count > MAX_COPIES {
            return Err(Failure::files(format!("count: at most {MAX_COPIES} copies")));
        }
        let path = match self.config.programs.get(&agent.program.to_string_lossy().into_owned()) {
            Some(path) => path.clone(),
            None if agent.is_file() => agent.program.clone(),
            None => {
                let name = agent.program.display();
                return Err(Failure::files(format!(
                    "program: [programs] has no {name}; a file is named with its extension"
                )));
            }
        };
        let image = self.load(&path, self.config.dialect(agent.dialect), known)?;
        let given = self.given(agent, &image)?;
        self.reach(&image, given.policy.as_deref());
        let Who { key, signs, domain } = who;
        let convert = |name: &str, from: &toml::Value| {
            value(from).map_err(|why| Failure::files(format!("{name}: {why}")))
        };
        let mut inputs = Vec::new();
        for (name, from) in &agent.inputs {
            inputs.push((name.clone(), convert(&format!("inputs.{name}"), from)?));
        }
        let mut each = Vec::new();
        for (name, from) in &agent.each {
            if from.is_empty() {
                return Err(Failure::files(format!("each.{name}: wants at least one value")));
            }
            let what = format!("each.{name}");
            let values = from.iter().map(|from| convert(&what, from));
            each.push((name.clone(), values.collect::<Outcome<Vec<Value>>>()?));
        }
        let means = Arc::new(Means {
            wallet: agent.wallet.clone(),
            spending: agent.spending.clone(),
            restarts: agent.restarts,
        });
        for (copy, name) in (0_u32..).zip(agent.names()) {
            let mut inputs = inputs.clone();
            for (name, values) in &each {
                inputs.push((name.clone(), values[copy as usize % values.len()].clone()));
            }
            if let Some(name) = &agent.number {
                inputs.push((name.clone(), Value::Int(i64::from(copy))));
            }
            let seed = agent.seed.map_or(0, |seed| seed.wrapping_add(u64::from(copy)));
            let config = Given { inputs, seed, ..given.clone() };
            let copy = agent.count.map(|_| u64::from(copy));
            let program = image.program_hash();
            let joined = Joined { name, key: *key, copy, signs: *signs, program, config };
            let drawn = agent.seed.is_none();
            let (domain, means) = (domain.clone(), means.clone());
            self.agents.push(Planned { joined, domain, drawn, means });
        }
        Ok(())
    }

    /// The program of a file, read once.
    fn load(
        &mut self,
        path: &Path,
        dialect: Dialect,
        known: &mut BTreeMap<PathBuf, Arc<Image>>,
    ) -> Outcome<Arc<Image>> {
        if let Some(image) = known.get(path) {
            return Ok(image.clone());
        }
        let loaded = program::read(path, dialect)?.accept(false)?;
        for file in loaded.files {
            if !self.sources.iter().any(|source| source.path == file.path) {
                self.sources.push(file);
            }
        }
        let image = Arc::new(Image::new(loaded.program, &Schedule::v1()));
        known.insert(path.to_owned(), image.clone());
        if !self.programs.iter().any(|known| known.program_hash() == image.program_hash()) {
            self.programs.push(image.clone());
        }
        Ok(image)
    }

    /// Notes what a program names.
    fn reach(&mut self, image: &Image, policy: Option<&Policy>) {
        let reach = code_policy::reach(&image.program().manifest, policy);
        self.manifest.names.extend(reach.names);
        self.manifest.computed.extend(reach.computed);
    }

    /// What the operator lets agents of a program do with their code.
    fn policy(&self, image: &Image) -> Outcome<Option<Policy>> {
        let policy = self.config.code.policy.as_ref();
        policy.map(|file| code_policy::load(file, Some(image.program()))).transpose()
    }

    /// What the machine of an agent is given, but for inputs and seed.
    fn given(&self, agent: &Agent, image: &Image) -> Outcome<Given> {
        let given = begin::configured(&self.config)?;
        if given.budget.spend.wall != u64::MAX {
            return Err(Failure::files("budget: wall time is not metered in a world"));
        }
        let policy = self.policy(image)?;
        let limits = given.limits;
        let memory = agent.memory.unwrap_or(limits.memory);
        let kept: Option<Outcome<Value>> = (!agent.store.is_empty()).then(|| {
            let kv = value(&toml::Value::Table(agent.store.clone()));
            let kv = kv.map_err(|why| Failure::files(format!("store: {why}")))?;
            Ok(Value::Record(Record::from_iter([("kv", kv), ("saved", Value::Null)])))
        });
        Ok(Given {
            gas: agent.gas.map_or(given.gas, |Gas(gas)| gas),
            on_exhausted: agent.on_exhausted.map_or(given.on_exhausted, OnExhausted::from),
            limits: avm_vm::Limits { memory, ..limits },
            keepsake: kept.transpose()?,
            policy: policy.map(Arc::new),
            ..given
        })
    }

    /// Every agent's name, in the order in which they join.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.agents.iter().map(|planned| planned.joined.name.as_str())
    }

    /// The registry in which keys and names are looked up.
    pub(crate) fn registry(&self) -> Option<&NameRegistry> {
        self.registry.as_ref().map(|file| &file.registry)
    }

    /// What the file calls an agent that is named so, which may be by its name in the registry.
    fn called<'a>(&'a self, name: &'a str) -> &'a str {
        let mut agents = self.config.agent.iter();
        let named = agents.find(|agent| agent.domain.as_deref() == Some(name));
        named.map_or(name, |agent| agent.name.as_str())
    }

    /// What copies of an agent are called together.
    pub(crate) fn group<'a>(&'a self, name: &'a str) -> &'a str {
        let mut agents = self.config.agent.iter().filter(|agent| agent.count.is_some());
        let copies = agents.find(|agent| {
            let number = name.strip_prefix(&agent.name).and_then(|rest| rest.strip_prefix('-'));
            number.is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
        });
        copies.map_or(name, |agent| agent.name.as_str())
    }

    fn check_expectations(&self) -> Outcome<()> {
        for expect in &self.expect {
            let file = self.config.name();
            for written in expect.balance.values() {
                let wrong = |why| Failure::files(format!("{file}: expect.balance: {why}"));
                amount(written).map_err(wrong)?;
            }
            let Some(name) = &expect.agent else { continue };
            if !self.config.agent.iter().any(|agent| agent.name == *name)
                && !self.names().any(|known| known == name)
            {
                return Err(Failure::files(format!("{file}: expect: there is no agent {name}")));
            }
        }
        Ok(())
    }

    /// Binds the providers that answer the agents.
    pub(crate) fn providers(&self) -> Outcome<Registry> {
        let mut library = library::open(None)?;
        library::index(&mut library, &self.config.docs, &[], &self.manifest)?;
        self.bind(library)
    }

    fn bind(&self, library: Library) -> Outcome<Registry> {
        let setup = Setup::default();
        let file = self.config.path.as_deref().unwrap_or(Path::new(config::NAME));
        let mut registry = providers::bind(&setup, &self.config, file, library)?;
        // What is in the file is there to be used.
        let domains = self.config.agent.iter().filter_map(|agent| agent.domain.as_deref());
        for name in self.names().chain(domains) {
            for kind in [NameKind::Agent, NameKind::Channel] {
                registry.grants_mut().allow(kind, name, Origin::Config);
            }
        }
        for name in self.config.channel.keys() {
            registry.grants_mut().allow(NameKind::Channel, name, Origin::Config);
        }
        for (name, _) in &self.named {
            registry.grants_mut().allow(NameKind::Code, name, Origin::Config);
        }
        // What an agent may start from its own code, the code's permissions say.
        registry.grants_mut().allow(NameKind::Code, "self", Origin::Config);
        let wallets = self.config.agent.iter().flat_map(|agent| agent.wallet.keys());
        for token in wallets {
            registry.grants_mut().allow(NameKind::Token, token, Origin::Config);
        }
        providers::check_grants(&registry, &self.manifest)
            .map_err(|failure| self.about("[grants]", failure))?;
        Ok(registry)
    }

    /// Providers of the swarm that may answer otherwise in every run, by name.
    pub(crate) fn outside(&self, registry: &Registry) -> Vec<String> {
        let mut outside = Vec::new();
        for kind in NameKind::ALL {
            for (name, provider, manifest, _) in registry.bindings(kind) {
                let named = self.manifest.computed.contains(&kind)
                    || self.manifest.names.contains(&(kind, name.to_owned()));
                if named && manifest.determinism == Determinism::Outside {
                    outside.push(format!("{} \"{name}\" ({provider})", kind.name()));
                }
            }
        }
        outside
    }

    /// How a world of it begins.
    pub(crate) fn start(&self, rules: &Rules, time: Time) -> Start {
        Start { rules: rules.clone(), time, schedule: Schedule::v1().hash() }
    }

    /// A world with all agents, before its first tick, and who answers them. What comes into it is
    /// written down.
    pub(crate) fn world(
        &self,
        rules: &Rules,
        tape: &mut Tape,
        watch: &mut impl Watch,
    ) -> Outcome<World> {
        let run = random()?;
        let mut world = World::new(rules.clone());
        if let Some(registry) = self.registry() {
            tape.registry(registry)?;
        }
        for source in &self.sources {
            tape.source(source)?;
        }
        for image in &self.programs {
            tape.code(0, image)?;
            world.learn(image.clone());
        }
        for Planned { joined, drawn, .. } in &self.agents {
            let mut joined = joined.clone();
            // Each effect of each run has an idempotency key of its own.
            joined.config.run = *blake3::keyed_hash(&run, joined.name.as_bytes()).as_bytes();
            if *drawn {
                joined.config.seed = seed(rules.seed, &joined.name);
            }
            let name = joined.name.clone();
            let event = Event::Joined(Box::new(joined));
            tape.event(0, &event)?;
            world.apply(&event, watch).map_err(|misfit| {
                Failure::files(format!("{}: agent \"{name}\": {misfit}", self.config.name()))
            })?;
        }
        let group = |name: &str| self.copies(name);
        let tables = Tables {
            channels: &self.config.channel,
            pools: &self.config.pool,
            means: { self.agents.iter() }
                .map(|planned| (planned.joined.name.as_str(), &*planned.means))
                .collect(),
            group: &group,
        };
        let wrong =
            |why: &dyn std::fmt::Display| Failure::files(format!("{}: {why}", self.config.name()));
        let named = self.named.iter().map(|(name, image)| {
            let (name, program) = (name.clone(), image.program_hash());
            Event::Named { name, program }
        });
        let domains = { self.agents.iter() }.filter_map(|planned| {
            let agent = world.agent(&planned.joined.name)?;
            Some(Event::Domain { agent, name: planned.domain.clone()? })
        });
        let domains: Vec<Event> = domains.collect();
        let orders = tables.events(&world).map_err(|why| wrong(&why))?;
        for event in domains.into_iter().chain(named).chain(orders) {
            tape.event(0, &event)?;
            world.apply(&event, watch).map_err(|misfit| match &event {
                Event::Domain { agent, name } => {
                    let agent = world.name(*agent).unwrap_or("?");
                    wrong(&format_args!("agent \"{agent}\": domain: {name}: {misfit}"))
                }
                _ => wrong(&misfit),
            })?;
        }
        Ok(world)
    }

    /// The agents that a name stands for: one, or copies.
    fn copies(&self, name: &str) -> Vec<String> {
        let name = self.called(name);
        let found = self.names().filter(|known| *known == name || self.group(known) == name);
        found.map(str::to_owned).collect()
    }

    /// Who answers the agents.
    pub(crate) fn asks(&self) -> Outcome<Asks> {
        self.providers().map(Asks::of)
    }

    /// Who answers the agents, as a snapshot has them: documents come back with it.
    pub(crate) fn asks_again(&self, saved: &Value) -> Result<Asks, String> {
        let bound = library::open(None).and_then(|library| self.bind(library));
        let mut asks = Asks::of(bound.map_err(|failure| format!("{:#}", failure.error))?);
        asks.restore(saved).map(|()| asks)
    }
}

/// The seed of an agent's random numbers.
fn seed(world: u64, name: &str) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("aither avm seed of an agent v1");
    hasher.update(&world.to_le_bytes()).update(name.as_bytes());
    let mut seed = [0; 8];
    seed.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(seed)
}
