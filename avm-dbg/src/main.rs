//! The step debugger's command: `avm-dbg RUN.avmj [-x SCRIPT] [--json]`, or `avm-dbg --dap` for
//! editors.

mod beside;

use std::{
    env, fs,
    io::{self, BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use avm_dbg::{Session, repl};

const USAGE: &str = "\
Steps through a recorded run of an agent, forwards and backwards.

usage: avm-dbg RUN [-x SCRIPT] [--json] [--color WHEN]
       avm-dbg --dap

RUN              a journal (.avmj), or a folder with a journal.avmj
-x SCRIPT        takes commands from a file, one a line; `#` begins a comment
--json           answers every command with one line of JSON
--dap            speaks the Debug Adapter Protocol on standard input and output; the client names
                 the run
--color WHEN     auto, always or never; NO_COLOR counts with auto
-h, --help       this text
-V, --version    the version

At a terminal one talks with it: Tab completes, Ctrl-C stops a command, Ctrl-D leaves, and an empty
line repeats. Without a terminal commands come from standard input. `help` lists them.

A run that ended badly is opened at its end, any other at its start. Runs that leave this one (`set`,
`answer`, `input`, `fork`) are kept beside it as fork-1.avmj and so on, and get the answers that were
recorded; `avm debug` has providers that give new ones.

Lines are remembered in $XDG_STATE_HOME/aither-avm/debugger-history (~/.local/state without it).

Ends with 0; with 1 where a command of a script could not be done; with 2 where the run or the script
could not be read.";

/// Errors of usage and files.
const FAILED: u8 = 2;

struct Options {
    run: PathBuf,
    script: Option<PathBuf>,
    json: bool,
    /// `None` finds out.
    colour: Option<bool>,
}

enum Parsed {
    Run(Options),
    Dap,
    Say(String),
}

fn options() -> Result<Parsed, String> {
    let mut args = env::args_os().skip(1);
    let (mut run, mut script, mut json, mut colour) = (None, None, false, None);
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("-h" | "--help") => return Ok(Parsed::Say(USAGE.to_owned())),
            Some("-V" | "--version") => {
                return Ok(Parsed::Say(format!("avm-dbg {}", env!("CARGO_PKG_VERSION"))));
            }
            Some("--dap") => return Ok(Parsed::Dap),
            Some("--json") => json = true,
            Some("-x") => script = Some(PathBuf::from(args.next().ok_or("-x wants a file")?)),
            Some("--color") => {
                colour = match args.next().as_deref().and_then(|when| when.to_str()) {
                    Some("auto") => None,
                    Some("always") => Some(true),
                    Some("never") => Some(false),
                    _ => return Err("--color wants auto, always or never".into()),
                };
            }
            Some(option) if option.starts_with('-') => {
                return Err(format!("there is no option {option}"));
            }
            _ if run.is_none() => run = Some(PathBuf::from(arg)),
            _ => return Err(format!("what is {}? One run is looked at", arg.display())),
        }
    }
    let run = run.ok_or("which run?")?;
    Ok(Parsed::Run(Options { run, script, json, colour }))
}

/// The folder with the run, and the run.
#[expect(clippy::disallowed_methods, reason = "a command, not the library")]
fn open(path: &Path) -> Result<Session, String> {
    let file = if path.is_dir() { path.join("journal.avmj") } else { path.to_owned() };
    let bytes = fs::read(&file).map_err(|error| match path.is_dir() {
        true => format!("{}: no journal of a run: {error}", file.display()),
        false => format!("{}: {error}", file.display()),
    })?;
    let session = Session::open(&bytes).map_err(|error| format!("{}: {error}", file.display()))?;
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    Ok(session.at_home(name, Box::new(beside::Beside { folder })))
}

#[cfg(not(feature = "dap"))]
fn dap() -> ExitCode {
    fail("this avm-dbg was built without the Debug Adapter Protocol")
}

#[cfg(feature = "dap")]
fn dap() -> ExitCode {
    let input = io::BufReader::new(io::stdin());
    match avm_dbg::dap::serve(input, io::stdout().lock(), open_for_editor) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

/// The run that an editor asks for; beside a program, the one recorded next to it.
#[cfg(feature = "dap")]
fn open_for_editor(launch: &avm_dbg::dap::Launch) -> Result<avm_dbg::dap::Opened, String> {
    let beside = || Some(Path::new(launch.program.as_ref()?).with_extension("avmj"));
    let run = launch.run.as_ref().map(PathBuf::from).or_else(beside);
    let run = run.ok_or("what to look at? Give \"run\": the path of a recorded run")?;
    let cwd = launch.cwd.as_ref().map(PathBuf::from).unwrap_or_default();
    let run = cwd.join(run);
    let opened = avm_dbg::dap::Opened::from(open(&run)?);
    let near = run.parent().map(Path::to_owned).unwrap_or_default();
    Ok(opened.with_files(|name| {
        let last = Path::new(name).file_name()?;
        let mut places =
            [cwd.join(name), PathBuf::from(name), near.join(name), near.join(last)].into_iter();
        places.find_map(|path| {
            #[expect(clippy::disallowed_methods, reason = "a command, not the library")]
            let text = fs::read_to_string(&path).ok()?;
            Some((std::path::absolute(path).ok()?.to_str()?.to_owned(), text))
        })
    }))
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(Parsed::Run(options)) => options,
        Ok(Parsed::Say(text)) => {
            // Nobody is left to be told that standard output is closed.
            let _ = writeln!(io::stdout(), "{text}");
            return ExitCode::SUCCESS;
        }
        Ok(Parsed::Dap) => return dap(),
        Err(message) => return fail(&format!("{message}\n`avm-dbg --help` says what there is")),
    };
    let session = match open(&options.run) {
        Ok(mut session) => {
            session.to_interesting();
            session
        }
        Err(message) => return fail(&message),
    };
    match look(session, &options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(message) => fail(&message),
    }
}

/// Whether every command of a script could be done.
fn look(mut session: Session, options: &Options) -> Result<bool, String> {
    if let Some(path) = &options.script {
        #[expect(clippy::disallowed_methods, reason = "a command, not the library")]
        let script = fs::read_to_string(path);
        let script = script.map_err(|error| format!("{}: {error}", path.display()))?;
        return Ok(repl::script(&mut session, script.lines().map(str::to_owned), options.json));
    }
    if io::stdin().is_terminal() {
        let colour = options.colour.unwrap_or_else(in_colour);
        let talk = repl::Options { json: options.json, colour, history: repl::history() };
        return repl::talk(session, &talk).map(|()| true);
    }
    let lines = io::stdin().lock().lines().map_while(Result::ok);
    Ok(repl::script(&mut session, lines, options.json))
}

/// Whether standard output shows colours, and nobody minds them.
#[expect(clippy::disallowed_methods, reason = "a command, not the library")]
fn in_colour() -> bool {
    let minds = env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !minds && !dumb
}

fn fail(message: &str) -> ExitCode {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::from(FAILED)
}
