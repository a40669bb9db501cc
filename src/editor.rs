//! The debugger for editors: the Debug Adapter Protocol on standard input and output.

use std::{
    env, fs,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use avm_dbg::{
    Session,
    dap::{Launch, Opened, serve},
};
use clap::Parser;

use crate::{
    cli::{Cli, Command},
    commands::debug,
    exit::{Exit, Failure, Outcome},
    files, run_dir,
};

/// Largest source that is looked at, in bytes.
const MAX_SOURCE: u64 = 16 << 20;

/// Speaks with an editor until it leaves.
pub(crate) fn run() -> Outcome {
    let input = BufReader::new(io::stdin());
    let open = |launch: &Launch| open(launch).map_err(|failure| format!("{:#}", failure.error));
    serve(input, io::stdout().lock(), open).map_err(Failure::files)?;
    Ok(Exit::Done)
}

/// What the editor asks for: a recorded run, or a program, which is run and recorded.
fn open(launch: &Launch) -> Outcome<Opened> {
    if let Some(folder) = &launch.cwd {
        env::set_current_dir(folder).map_err(|error| files::about(Path::new(folder), error))?;
    }
    // Sources keep their places, wherever the run was started.
    let here = env::current_dir().map_err(|error| files::about(Path::new("."), error))?;
    let (mut session, near) = match (&launch.run, &launch.program) {
        (Some(named), _) => {
            let found = run_dir::find(Some(Path::new(named)))?;
            let near = found.program.parent().map(Path::to_owned);
            (debug::open(&found, None)?, near)
        }
        (None, Some(program)) => {
            let near = Path::new(program).parent().map(Path::to_owned);
            (program_of(launch, program)?, near)
        }
        (None, None) => {
            return Err(Failure::usage(
                "what is to be debugged? Give \"program\", or \"run\" for one that is recorded",
            ));
        }
    };
    // Who attaches to a run wants to see how it stands.
    if !launch.attach {
        session.seek(0);
    }
    let near = near.map_or_else(PathBuf::new, |near| here.join(near));
    Ok(Opened::from(session).with_files(move |name| {
        let last = Path::new(name).file_name()?;
        let places = [here.join(name), near.join(name), near.join(last)];
        places.into_iter().find_map(|path| {
            let text = files::read_text(&path, MAX_SOURCE).ok()?;
            Some((fs::canonicalize(path).ok()?.to_str()?.to_owned(), text))
        })
    }))
}

/// A program with the options of `avm debug` in `args`.
fn program_of(launch: &Launch, program: &str) -> Outcome<Session> {
    let wrong = |why: String| Failure::usage(format!("args: {why}"));
    let more = match launch.arguments.get("args") {
        None => Vec::new(),
        Some(args) => {
            let args = args.as_array().and_then(|args| {
                args.iter().map(|arg| arg.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            });
            args.ok_or_else(|| wrong("wants a list of texts".into()))?
        }
    };
    let line = ["avm", "debug", program].into_iter().map(str::to_owned).chain(more);
    let read = Cli::try_parse_from(line).map_err(|error| wrong(error.to_string()))?;
    match read.command {
        Command::Debug(args) => debug::live(Path::new(program), &args),
        _ => Err(wrong("wants the options of avm debug".into())),
    }
}
