//! The step debugger's command: `avm-dbg RUN.avmj [-x SCRIPT] [--json]`, or `avm-dbg --dap` for
//! editors.

use std::{
    env, fs,
    io::{self, BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use avm_dbg::{Session, repl};

const USAGE: &str = "\
usage: avm-dbg RUN [-x SCRIPT] [--json]
       avm-dbg --dap

RUN is a journal (.avmj), or a folder with a journal.avmj. With -x the commands come from a file,
one a line; without a terminal they come from standard input. `help` lists them.
--json answers every command with one line of JSON.
--dap speaks the Debug Adapter Protocol on standard input and output; the client names the run.";

/// Errors of usage and files; a session that was opened ends with 0, or 1 where a command of a
/// script could not be done.
const FAILED: u8 = 2;

struct Options {
    run: PathBuf,
    script: Option<PathBuf>,
    json: bool,
}

enum Parsed {
    Run(Options),
    Dap,
    Help,
}

#[expect(clippy::disallowed_methods, reason = "a command, not the library")]
fn options() -> Result<Parsed, String> {
    let mut args = env::args().skip(1);
    let (mut run, mut script, mut json) = (None, None, false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-h" | "--help" => return Ok(Parsed::Help),
            "--dap" => return Ok(Parsed::Dap),
            "--json" => json = true,
            "-x" => script = Some(PathBuf::from(args.next().ok_or("-x wants a file")?)),
            option if option.starts_with('-') => {
                return Err(format!("there is no option {option}"));
            }
            _ if run.is_none() => run = Some(PathBuf::from(arg)),
            more => return Err(format!("what is {more}? One run is looked at")),
        }
    }
    let run = run.ok_or("which run?")?;
    Ok(Parsed::Run(Options { run, script, json }))
}

#[expect(clippy::disallowed_methods, reason = "a command, not the library")]
fn open(path: &Path) -> Result<Session, String> {
    let path = if path.is_dir() { path.join("journal.avmj") } else { path.to_owned() };
    let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Session::open(&bytes).map_err(|error| format!("{}: {error}", path.display()))
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
        Ok(Parsed::Help) => {
            // Nobody is left to be told that standard output is closed.
            let _ = writeln!(io::stdout(), "{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(Parsed::Dap) => return dap(),
        Err(message) => return fail(&format!("{message}\n\n{USAGE}")),
    };
    let session = match open(&options.run) {
        Ok(session) => session,
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
        return repl::talk(session, options.json).map(|()| true);
    }
    let lines = io::stdin().lock().lines().map_while(Result::ok);
    Ok(repl::script(&mut session, lines, options.json))
}

fn fail(message: &str) -> ExitCode {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::from(FAILED)
}
