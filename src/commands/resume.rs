//! `avm resume`: goes on with a suspended run, from the very state.

use std::sync::Arc;

use avm_ir::Schedule;
use avm_vm::{End, Image, Machine, Meter, OnExhausted};

use crate::{
    cli::{Dialect, Resume},
    config,
    exit::{Failure, Outcome},
    library,
    output::Out,
    program, providers,
    report::Detail,
    run_dir::{self, Opened, RunDir},
    session::Session,
};

/// Goes on with a run.
pub(crate) fn run(args: &Resume) -> Outcome {
    let Opened { dir, machine, providers } = RunDir::open(&args.run)?;
    let name = dir.name();
    let wrong = |why: &dyn std::fmt::Display| Failure::files(format!("{name}: {why}"));
    let loaded = program::load(&dir.program_file(), Dialect::Standard)?;
    let manifest = loaded.program.program().manifest.clone();
    let image = Arc::new(Image::new(loaded.program, &Schedule::v1()));
    let mut machine = Machine::restore(image, &machine).map_err(|error| wrong(&error))?;
    if let Some(how) = run_dir::over(&machine) {
        return Err(wrong(&format!("the run is over, {how}; there is nothing to go on with")));
    }
    top_up(args, &mut machine)?;

    let config = config::load(dir.program(), dir.setup().config.as_deref())?;
    // Documents in memory come back with the providers, those in a store are there.
    let library = library::open(dir.setup().store.as_deref())?;
    let mut registry = providers::bind(dir.setup(), &config, dir.program(), library)?;
    providers::check_grants(&registry, &manifest)?;
    registry.restore(&providers).map_err(|refusal| wrong(&refusal.failure.message))?;

    let detail = Detail {
        json: args.json,
        registers: args.registers,
        quiet: args.quiet,
        profile: args.profile,
    };
    let session = Session {
        machine,
        registry,
        indexed: Vec::new(),
        files: &loaded.files,
        state: dir.state().map(ToOwned::to_owned),
        kept: dir,
    };
    session.run(&mut Out::new(), detail)
}

/// Raises limits; refuses where the one that the run waits for stays as it is, since it would only
/// come to rest at the same place again.
fn top_up(args: &Resume, machine: &mut Machine) -> Outcome<()> {
    let waits_for = match machine.end() {
        Some(End::Exhausted(meter)) if machine.on_exhausted() == OnExhausted::Suspend => *meter,
        _ => return Err(Failure::files("the run was not suspended")),
    };
    for (meter, amount) in args.gas.map(|gas| (Meter::Gas, gas)).iter().chain(&args.budget) {
        if *amount > 0 {
            machine.top_up(*meter, *amount);
        }
    }
    if machine.end().is_none() {
        return Ok(());
    }
    let option = match waits_for {
        Meter::Gas => "--gas +AMOUNT".to_owned(),
        meter => format!("--budget {}=+AMOUNT", meter.name()),
    };
    let name = waits_for.name();
    Err(Failure::usage(format!("the run waits for more of its budget {name}; add {option}")))
}
