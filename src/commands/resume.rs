//! `avm resume`: goes on with a run that was suspended or cut off, from the very state.

use std::sync::Arc;

use avm_ir::{Schedule, Value, Verified};
use avm_vm::{
    EffectRequest, End, Image, Machine, Meter, OnExhausted,
    journal::{Event, Journal, Player},
};

use crate::{
    cli::{Dialect, Resume},
    code_policy, config,
    exit::{Exit, Failure, Outcome},
    journal::{self, Answered, Tape},
    library,
    output::{Out, note},
    program, providers,
    report::{Detail, hex},
    run_dir::{self, Opened, Rest, RunDir},
    session::Session,
};

/// What becomes of a run that was opened.
pub(crate) enum Next {
    /// It goes on.
    Runs,
    /// It was changed and still waits.
    Waits,
    /// It stays as it was.
    Stays,
}

/// Goes on with a run.
pub(crate) fn run(args: &Resume) -> Outcome {
    open(args, |machine, tape| {
        top_up(args, machine, tape)?;
        Ok(Next::Runs)
    })
}

/// Opens a run, lets somebody change what it waits for, and goes on with it.
pub(crate) fn open(
    args: &Resume,
    change: impl FnOnce(&mut Machine, &mut Tape) -> Outcome<Next>,
) -> Outcome {
    let Opened { mut dir, rest, journal } = RunDir::open(&args.run)?;
    let name = dir.name();
    let wrong = |why: &dyn std::fmt::Display| Failure::files(format!("{name}: {why}"));
    let (verified, files) = match &journal {
        Some((path, _, journal)) => (journal::program(path, journal)?, journal::sources(journal)),
        None => {
            let loaded = program::load(&dir.program_file(), Dialect::Standard)?;
            (loaded.program, loaded.files)
        }
    };
    let state = Resumed::of(verified, rest, journal.as_ref().map(|(_, _, journal)| journal))
        .map_err(|why| wrong(&why))?;
    let Resumed { mut machine, providers, again } = state;
    if let Some(how) = run_dir::over(&machine) {
        return Err(wrong(&format!("the run is over, {how}; there is nothing to go on with")));
    }
    let mut tape = match journal {
        Some((path, file, journal)) => Tape::go_on(&path, file, &journal)?,
        None => Tape::none(),
    };
    let next = change(&mut machine, &mut tape)?;
    if matches!(next, Next::Stays) {
        return Ok(Exit::Done);
    }

    let manifest = code_policy::reach(&machine.image().program().manifest, machine.policy());
    let config = config::load(dir.program(), dir.setup().config.as_deref())?;
    let mut library = library::open(dir.setup().store.as_deref())?;
    // Documents in memory come back with the providers of a run that came to rest.
    if providers.is_none() {
        library::index(&mut library, &config.docs, &dir.setup().docs, &manifest)?;
    }
    let mut registry = providers::bind(dir.setup(), &config, dir.program(), library)?;
    providers::check_grants(&registry, &manifest)?;
    if let Some(providers) = providers {
        registry.restore(&providers).map_err(|refusal| wrong(&refusal.failure.message))?;
    }
    again.iter().for_each(|request| registry.rehearse(request));
    if matches!(next, Next::Waits) {
        dir.keep(&machine, &registry, tape.link(), true)?;
        return Ok(Exit::Suspended);
    }

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
        files: &files,
        state: dir.state().map(ToOwned::to_owned),
        kept: dir,
        tape,
        signer: None,
    };
    session.run(&mut Out::new(), detail)
}

/// A run as it was left.
struct Resumed {
    machine: Machine,
    /// What its providers had to remember when it came to rest last.
    providers: Option<Value>,
    /// What was answered since then.
    again: Vec<EffectRequest>,
}

impl Resumed {
    /// The machine as it came to rest last, or at its beginning, and what the journal has of it since.
    fn of(
        verified: Verified,
        rest: Option<Rest>,
        journal: Option<&Journal>,
    ) -> Result<Self, String> {
        let image = Arc::new(Image::new(verified, &Schedule::v1()));
        let (mut player, providers) = match (rest, journal) {
            (Some(Rest { machine, providers, .. }), None) => {
                let machine =
                    Machine::restore(image, &machine).map_err(|error| error.to_string())?;
                return Ok(Self { machine, providers: Some(providers), again: Vec::new() });
            }
            (Some(Rest { machine, providers, link }), Some(journal)) => {
                let machine =
                    Machine::restore(image, &machine).map_err(|error| error.to_string())?;
                let player = link.and_then(|link| Player::behind(journal, &link, machine));
                let player = player.ok_or("the journal is not the one of this run")?;
                (player, Some(providers))
            }
            (None, Some(journal)) => {
                let player = Player::new(journal, image).map_err(|error| error.to_string())?;
                (player, None)
            }
            (None, None) => return Err("there is nothing to go on from".to_owned()),
        };
        let mut seen = Answered::default();
        if let Some(journal) = journal {
            let fed = player.feed_all(journal, &mut seen);
            fed.map_err(|diverged| format!("the journal does not fit: {diverged}"))?;
            unknown(journal, &mut player);
        }
        Ok(Self { machine: player.into_machine(), providers, again: seen.0 })
    }
}

/// Says that an effect was asked when the run was cut off: nobody knows whether it was done.
fn unknown(journal: &Journal, player: &mut Player) {
    let Some(last) = journal.records.last() else { return };
    let Event::Asked { id, .. } = last.event else { return };
    // Up to the question itself; what the run noted on the way was told before it was asked.
    let _ = player.run_to(journal, last.steps + 1, &mut ());
    let Some(asked) = player.machine().pending().filter(|asked| asked.id == id) else { return };
    let (mnemonic, key) = (asked.opcode.mnemonic(), hex(&asked.idempotency_key.bytes()));
    note(&format!(
        "{mnemonic} was asked when the run was cut off, and nobody knows whether it was done; it is \
         asked again under the same key, {}",
        &key[..16]
    ));
}

/// Raises limits; refuses where the one that the run waits for stays as it is, since it would only
/// come to rest at the same place again.
fn top_up(args: &Resume, machine: &mut Machine, tape: &mut Tape) -> Outcome<()> {
    let waits_for = match machine.end() {
        Some(End::Exhausted(meter)) if machine.on_exhausted() == OnExhausted::Suspend => {
            Some(*meter)
        }
        Some(End::Unapproved(wanted)) => {
            return Err(Failure::usage(format!(
                "{wanted}; look at it with: avm approve {} --show",
                args.run.display()
            )));
        }
        Some(_) => return Err(Failure::files("the run was not suspended")),
        // It was cut off.
        None => None,
    };
    for (meter, amount) in args.gas.map(|gas| (Meter::Gas, gas)).iter().chain(&args.budget) {
        if waits_for.is_none() {
            return Err(Failure::usage(
                "the run was cut off and waits for nothing; its limits can be raised when it does",
            ));
        }
        if *amount > 0 {
            tape.top_up(machine, *meter, *amount)?;
        }
    }
    let Some(waits_for) = waits_for.filter(|_| machine.end().is_some()) else { return Ok(()) };
    let option = match waits_for {
        Meter::Gas => "--gas +AMOUNT".to_owned(),
        meter => format!("--budget {}=+AMOUNT", meter.name()),
    };
    let name = waits_for.name();
    Err(Failure::usage(format!("the run waits for more of its budget {name}; add {option}")))
}
