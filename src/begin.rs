//! How a run begins: the program, what the machine is given, who answers it, where it is kept.

use std::{path::Path, sync::Arc};

use avm_asm::SourceFile;
use avm_ir::{Program, Schedule, gas::GAS};
use avm_plugins::registry::Registry;
use avm_vm::{
    Budget, Config, Image, InputError, Limits, Machine, Meter, OnExhausted, Policy, journal::Start,
    machine::STATE_REGISTER,
};

use crate::{
    budget,
    cli::Begin,
    code_policy,
    commands::key,
    config,
    exit::{Failure, Outcome},
    inputs,
    library::{self, Indexed},
    program::Loaded,
    providers,
    random::random,
    run_dir::RunDir,
    state_file,
};

/// Gas granted where nobody says otherwise.
const DEFAULT_GAS: u64 = 1_000 * GAS;

/// A run before its first instruction.
pub(crate) struct Begun {
    pub(crate) start: Start,
    pub(crate) machine: Machine,
    pub(crate) registry: Registry,
    pub(crate) indexed: Vec<Indexed>,
    pub(crate) files: Vec<SourceFile>,
    /// Where it is kept; nothing is written yet.
    pub(crate) kept: RunDir,
    /// Who signs its journal.
    pub(crate) signer: Option<[u8; 32]>,
}

/// Brings together what a run needs.
pub(crate) fn begin(
    file: &Path,
    loaded: Loaded,
    args: &Begin,
    config: &config::Config,
) -> Outcome<Begun> {
    let policy = code_policy(args, config, loaded.program.program())?;
    let settings = Config { policy, ..settings(args, config)? };
    let manifest =
        code_policy::reach(&loaded.program.program().manifest, settings.policy.as_deref());
    let signer = args.sign.as_deref().map(key::read).transpose()?;
    let kept = RunDir::plan(args.run.as_deref(), file, args.state.as_deref(), &args.setup)?;
    let image = Arc::new(Image::new(loaded.program, &Schedule::v1()));
    let start = Start::of(&image, settings.clone());
    let machine = Machine::new(image, settings).map_err(|error| refused(args, &error))?;

    let mut library = library::open(args.setup.store.as_deref())?;
    let indexed = library::index(&mut library, &config.docs, &args.setup.docs, &manifest)?;
    let registry = providers::bind(&args.setup, config, file, library)?;
    providers::check_grants(&registry, &manifest)?;
    Ok(Begun { start, machine, registry, indexed, files: loaded.files, kept, signer })
}

/// What the operator allows the agent to do with its own code.
fn code_policy(
    args: &Begin,
    config: &config::Config,
    program: &Program,
) -> Outcome<Option<Arc<Policy>>> {
    let file = args.code_policy.as_ref().or(config.code.policy.as_ref());
    let policy = file.map(|file| code_policy::load(file, Some(program)));
    Ok(policy.transpose()?.map(Arc::new))
}

/// What the machine is given: limits of the command line, else of the configuration, else ours.
fn settings(args: &Begin, config: &config::Config) -> Outcome<Config> {
    let mut settings = configured(config)?;
    for (meter, amount) in &args.budget {
        limit(&mut settings, *meter, *amount);
    }
    if let Some(amount) = args.gas {
        settings.gas = amount.0;
    }
    settings.limits.memory = args.memory.unwrap_or(settings.limits.memory);
    if let Some(policy) = args.on_exhausted {
        settings.on_exhausted = OnExhausted::from(policy);
    }
    let memory = settings.limits.memory;
    Ok(Config {
        run: random()?,
        seed: args.seed,
        inputs: inputs::collect(&args.input, args.ask.as_deref(), memory)?,
        keepsake: match &args.state {
            Some(path) => state_file::load(path, memory)?,
            None => None,
        },
        ..settings
    })
}

/// What a machine is given by the configuration alone.
pub(crate) fn configured(config: &config::Config) -> Outcome<Config> {
    let limits = Limits::default();
    let limits = Limits { memory: config.run.memory.unwrap_or(limits.memory), ..limits };
    let mut settings = Config {
        gas: config.run.gas.map_or(DEFAULT_GAS, |gas| gas.0),
        budget: Budget::UNLIMITED,
        on_exhausted: config.run.on_exhausted.map_or(OnExhausted::Halt, OnExhausted::from),
        limits,
        ..Config::default()
    };
    for (name, amount) in &config.budget {
        let read = budget::parse(&format!("{name}={amount}"));
        let (meter, amount) =
            read.map_err(|why| Failure::files(format!("{}: budget: {why}", config.name())))?;
        limit(&mut settings, meter, amount);
    }
    Ok(settings)
}

fn limit(settings: &mut Config, meter: Meter, amount: u64) {
    match meter {
        Meter::Gas => settings.gas = amount,
        Meter::Memory => settings.limits.memory = amount,
        meter => budget::limit(&mut settings.budget, meter, amount),
    }
}

/// Why the machine does not start, as a matter of the command line or of the state file.
fn refused(args: &Begin, error: &InputError) -> Failure {
    match (error, &args.state) {
        (InputError::Keepsake, Some(path)) => {
            Failure::files(format!("{}: {error}", path.display()))
        }
        (InputError::Unknown(name), _) if name == STATE_REGISTER && args.ask.is_some() => {
            Failure::usage("--ask: the program does not use R_state, so it hears no question")
        }
        (InputError::Missing(name), _) => {
            Failure::usage(format!("{error}; give it with --input {name}=VALUE"))
        }
        _ => Failure::usage(error),
    }
}
