//! `avm run`: load, bind, drive the machine to its end, tell.

use avm_vm::journal::Writer;

use crate::{
    begin::{self, Begun},
    cli,
    commands::check,
    config,
    exit::{Exit, Outcome},
    journal::Tape,
    live,
    output::Out,
    program,
    report::Detail,
    session::Session,
};

/// Runs a program.
pub(crate) fn run(args: &cli::Run) -> Outcome {
    let cli::Run { file, begin, .. } = args;
    let config = config::load(file, begin.setup.config.as_deref())?;
    let mut source = program::read(file, config.dialect(begin.dialect))?;
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
    let Begun { start, machine, registry, indexed, files, mut kept, signer } =
        begin::begin(file, loaded, begin, &config)?;

    // A journal of the same name is refused.
    let trace = args.trace.as_deref().map(live::Opened::create).transpose()?;
    let tape = match &begin.journal {
        _ if args.no_journal => Tape::none(),
        Some(file) => {
            kept.journal_in(file);
            Tape::create(file, &start, &files)?
        }
        None => Tape::create(&kept.begin()?, &start, &files)?,
    };
    let detail = Detail {
        json: args.json,
        registers: args.registers,
        quiet: args.quiet,
        profile: args.profile,
    };
    let state = begin.state.clone();
    let trace = trace.map(|trace| {
        let first = (!args.no_journal).then(|| Writer::new(&start).0.link());
        trace.begin(&machine, first)
    });
    let files = &files;
    let session = Session { machine, registry, indexed, files, state, kept, tape, signer };
    session.run_traced(&mut out, detail, trace)
}
