//! `avm run`: load, bind, drive the machine to its end, tell.

use std::sync::Arc;

use avm_ir::{Schedule, gas::GAS};
use avm_vm::{
    Budget, Config, Image, InputError, Limits, Machine, Meter, OnExhausted,
    journal::{Start, Writer},
    machine::STATE_REGISTER,
};

use crate::{
    budget, cli,
    commands::{check, key},
    config,
    exit::{Exit, Failure, Outcome},
    inputs,
    journal::Tape,
    library, live,
    output::Out,
    program, providers,
    report::Detail,
    run_dir::RunDir,
    session::Session,
    state_file,
};

/// Gas granted where nobody says otherwise.
const DEFAULT_GAS: u64 = 1_000 * GAS;

/// Runs a program.
pub(crate) fn run(args: &cli::Run) -> Outcome {
    let config = config::load(&args.file, args.setup.config.as_deref())?;
    let mut source = program::read(&args.file, args.dialect)?;
    if args.quiet {
        source.hush();
    }
    let mut out = Out::new();
    if args.json {
        check::json_lines(&source, &mut out);
        if source.program.is_none() {
            return Ok(Exit::Program);
        }
    }
    let loaded = source.accept(args.json)?;
    let manifest = loaded.program.program().manifest.clone();
    let settings = settings(args, &config)?;
    let signer = args.sign.as_deref().map(key::read).transpose()?;
    let mut kept =
        RunDir::plan(args.run.as_deref(), &args.file, args.state.as_deref(), &args.setup)?;
    let image = Arc::new(Image::new(loaded.program, &Schedule::v1()));
    let start = Start::of(&image, settings.clone());
    let machine = Machine::new(image, settings).map_err(|error| refused(args, &error))?;

    let mut library = library::open(args.setup.store.as_deref())?;
    let indexed = library::index(&mut library, &config.docs, &args.setup.docs, &manifest)?;
    let registry = providers::bind(&args.setup, &config, &args.file, library)?;
    providers::check_grants(&registry, &manifest)?;

    // A journal of the same name is refused.
    let trace = args.trace.as_deref().map(live::Opened::create).transpose()?;
    let tape = match &args.journal {
        _ if args.no_journal => Tape::none(),
        Some(file) => {
            kept.journal_in(file);
            Tape::create(file, &start, &loaded.files)?
        }
        None => Tape::create(&kept.begin()?, &start, &loaded.files)?,
    };
    let detail = Detail {
        json: args.json,
        registers: args.registers,
        quiet: args.quiet,
        profile: args.profile,
    };
    let files = &loaded.files;
    let state = args.state.clone();
    let trace = trace.map(|trace| {
        let first = (!args.no_journal).then(|| Writer::new(&start).0.link());
        trace.begin(&machine, first)
    });
    let session = Session { machine, registry, indexed, files, state, kept, tape, signer };
    session.run_traced(&mut out, detail, trace)
}

/// What the machine is given: limits of the command line, else of the configuration, else ours.
fn settings(args: &cli::Run, config: &config::Config) -> Outcome<Config> {
    let mut limits = Limits::default();
    let mut budget = Budget::UNLIMITED;
    let mut gas = config.run.gas.map_or(DEFAULT_GAS, |gas| gas.0);
    limits.memory = config.run.memory.unwrap_or(limits.memory);
    let mut limit = |meter: Meter, amount: u64| match meter {
        Meter::Gas => gas = amount,
        Meter::Memory => limits.memory = amount,
        meter => budget::limit(&mut budget, meter, amount),
    };
    for (name, amount) in &config.budget {
        let read = budget::parse(&format!("{name}={amount}"));
        let (meter, amount) =
            read.map_err(|why| Failure::files(format!("{}: budget: {why}", config.name())))?;
        limit(meter, amount);
    }
    for (meter, amount) in &args.budget {
        limit(*meter, *amount);
    }
    if let Some(amount) = args.gas {
        gas = amount.0;
    }
    limits.memory = args.memory.unwrap_or(limits.memory);
    let policy = args.on_exhausted.or(config.run.on_exhausted);
    Ok(Config {
        gas,
        budget,
        on_exhausted: policy.map_or(OnExhausted::Halt, OnExhausted::from),
        limits,
        seed: args.seed,
        inputs: inputs::collect(&args.input, args.ask.as_deref(), limits.memory)?,
        keepsake: match &args.state {
            Some(path) => state_file::load(path, limits.memory)?,
            None => None,
        },
    })
}

/// Why the machine does not start, as a matter of the command line or of the state file.
fn refused(args: &cli::Run, error: &InputError) -> Failure {
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
