//! `avm debug`: a run under the debugger, a recorded one or one that is recorded while it is looked at.

use std::{
    io::{self, BufRead, IsTerminal},
    path::{Path, PathBuf},
};

use avm_asm::SourceFile;
use avm_dbg::{Message, Session, live::Live, repl};
use avm_vm::journal::Event;

use crate::{
    begin::{self, Begun},
    cli::{Debug, Setup},
    commands::swarm::threads,
    config, editor,
    exit::{Exit, Failure, Outcome},
    files, journal,
    outside::{Forks, Watched},
    program, render,
    run_dir::{self, quoted},
    swarm::{agent::OfAgent, messages::Row, recorded::Recorded},
};

/// Largest script, in bytes.
const MAX_SCRIPT: u64 = 16 << 20;

/// Opens the debugger.
pub(crate) fn run(args: &Debug) -> Outcome {
    if args.dap {
        return editor::run();
    }
    // Its path is relative to where the command is given, not to where the run was started.
    let script =
        args.script.as_deref().map(|path| files::read_text(path, MAX_SCRIPT)).transpose()?;
    let mut session = match &args.what {
        named if args.agent.is_some() => of_world(named.as_deref(), args)?,
        Some(file) if is_program(file) => live(file, args)?,
        named => {
            if args.begins() {
                return Err(Failure::usage(
                    "options of how a run begins are for a program; this run has begun already",
                ));
            }
            recorded(named.as_deref())?
        }
    };
    if let Some(script) = script {
        return Ok(exit(repl::script(&mut session, script.lines().map(str::to_owned), args.json)));
    }
    if io::stdin().is_terminal() {
        let colour = render::in_colour(io::stdout().is_terminal());
        let talk = repl::Options { json: args.json, colour, history: repl::history() };
        return repl::talk(session, &talk).map(|()| Exit::Done).map_err(Failure::files);
    }
    let lines = io::stdin().lock().lines().map_while(Result::ok);
    Ok(exit(repl::script(&mut session, lines, args.json)))
}

/// Whether a file is a program, as its name or its first bytes say, and no run.
fn is_program(file: &Path) -> bool {
    if file.is_dir() {
        return false;
    }
    file.extension().is_none_or(|extension| extension != "avmj")
}

const fn exit(done: bool) -> Exit {
    if done { Exit::Done } else { Exit::Program }
}

/// A run of a program, before its first instruction.
pub(crate) fn live(file: &Path, args: &Debug) -> Outcome<Session> {
    let options = &args.begin;
    let config = config::load(file, options.setup.config.as_deref())?;
    let loaded = program::read(file, config.dialect(options.dialect))?.accept(false)?;
    let manifest = loaded.program.program().manifest.clone();
    let begun = begin::begin(file, loaded, options, &config)?;
    let Begun { start, machine, registry, files, kept, signer, .. } = begun;
    let image = machine.image().clone();
    let (state, journal) = (options.state.clone(), options.journal.as_deref());
    let watched = Watched::begin(registry, kept, journal, state, signer)?;
    let source = |SourceFile { path, text }: SourceFile| (0, Event::Source { path, text });
    let sources = files.into_iter().map(source).collect();
    let (live, journal) = Live::begin(Box::new(watched), start, sources).map_err(Failure::files)?;
    let name = live.name();
    let session = Session::new(journal, image, Some(live)).map_err(Failure::files)?;
    Ok(session.at_home(name, Box::new(Forks::of(file, &options.setup, &manifest))))
}

/// A recorded run: at its start if it halted, else where it ended.
fn recorded(named: Option<&Path>) -> Outcome<Session> {
    let found = run_dir::find(named)?;
    open(&found, None)
}

/// One agent of a recorded world, with what others sent to it.
fn of_world(named: Option<&Path>, args: &Debug) -> Outcome<Session> {
    let recorded = Recorded::open(named)?;
    let name = args.agent.as_deref().unwrap_or_default();
    let of = OfAgent::of(&recorded, name, threads(None, None))?;
    let run = quoted(&recorded.name);
    let message = |row: &Row| {
        let sent = row.from == of.agent;
        let to_step = row.taken.map(|(step, _)| step);
        let from_step = Some(row.from_step);
        let (step, other, other_step) = match sent {
            true => (from_step, row.to, to_step),
            false => (to_step, row.from, from_step),
        };
        let other = of.world.name(other).unwrap_or("?").to_owned();
        let open = other_step
            .map(|step| format!("avm debug {run} --agent {} --at {step}", quoted(&other)));
        let (number, name, channel) = (row.number, row.label(), row.channel.clone());
        Message { number, step, sent, other, other_step, name, channel, bytes: row.bytes, open }
    };
    let messages = of.messages.iter().map(message).collect();
    let session = Session::of(of.journal()?).map_err(Failure::files)?;
    let manifest = session.code().program().manifest.clone();
    let home = Forks::of(Path::new(name), &Setup::default(), &manifest);
    let title = format!("{}, agent {name}", recorded.name);
    let mut session = session.at_home(title, Box::new(home)).with_messages(messages);
    match args.at {
        Some(step) => session.seek(step),
        None => session.to_interesting(),
    }
    Ok(session)
}

/// Opens a recorded run; the first run that is forked from it goes into a folder, if one is named.
pub(crate) fn open(found: &run_dir::Found, into: Option<PathBuf>) -> Outcome<Session> {
    let journal = journal::read(&found.journal)?;
    let path = found.journal.display();
    let session = Session::of(journal);
    let session = session.map_err(|error| Failure::files(format!("{path}: {error}")))?;
    let manifest = session.code().program().manifest.clone();
    let home = Forks::of(&found.program, &found.setup, &manifest).into(into);
    let mut session = session.at_home(found.name.clone(), Box::new(home));
    session.to_interesting();
    Ok(session)
}
