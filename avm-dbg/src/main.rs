//! The step debugger's command: `avm-dbg RUN.avmj [-x SCRIPT] [--json]`.

use std::{
    env, fs,
    io::{self, BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use avm_dbg::{Reply, Session, commands::complete};
use rustyline::{
    Config, Context, Editor, Helper, completion::Completer, error::ReadlineError,
    highlight::Highlighter, hint::Hinter, history::MemHistory, validate::Validator,
};

const USAGE: &str = "\
usage: avm-dbg RUN [-x SCRIPT] [--json]

RUN is a journal (.avmj), or a folder with a journal.avmj. With -x the commands come from a file,
one a line; without a terminal they come from standard input. `help` lists them.
--json answers every command with one line of JSON.";

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
    Help,
}

#[expect(clippy::disallowed_methods, reason = "a command, not the library")]
fn options() -> Result<Parsed, String> {
    let mut args = env::args().skip(1);
    let (mut run, mut script, mut json) = (None, None, false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-h" | "--help" => return Ok(Parsed::Help),
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

fn main() -> ExitCode {
    let options = match options() {
        Ok(Parsed::Run(options)) => options,
        Ok(Parsed::Help) => {
            say(USAGE);
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(&format!("{message}\n\n{USAGE}")),
    };
    let session = match open(&options.run) {
        Ok(session) => session,
        Err(message) => return fail(&message),
    };
    let done = match &options.script {
        Some(path) => {
            #[expect(clippy::disallowed_methods, reason = "a command, not the library")]
            let script = fs::read_to_string(path);
            match script {
                Ok(script) => {
                    Ok(run_script(session, script.lines().map(str::to_owned), options.json))
                }
                Err(error) => Err(format!("{}: {error}", path.display())),
            }
        }
        None if io::stdin().is_terminal() => talk(session, options.json),
        None => {
            let lines = io::stdin().lock().lines().map_while(Result::ok);
            Ok(run_script(session, lines, options.json))
        }
    };
    match done {
        Ok(code) => code,
        Err(message) => fail(&message),
    }
}

/// Says a line; `false` if nobody listens any more.
fn say(text: &str) -> bool {
    text.is_empty() || writeln!(io::stdout(), "{text}").is_ok()
}

fn fail(message: &str) -> ExitCode {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::from(FAILED)
}

fn shown(reply: &Reply, json: bool) -> String {
    if json { reply.to_json() } else { reply.text.clone() }
}

/// Commands one a line; empty lines and those that begin with `#` are left out.
fn run_script(mut session: Session, lines: impl Iterator<Item = String>, json: bool) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for line in lines {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !json && !say(&format!("> {line}")) {
            return code;
        }
        let reply = session.command(line);
        if !reply.ok {
            code = ExitCode::from(1);
        }
        if !say(&shown(&reply, json)) || reply.quit {
            return code;
        }
    }
    code
}

/// Talks with somebody at a terminal.
fn talk(session: Session, json: bool) -> Result<ExitCode, String> {
    let config = Config::builder().auto_add_history(true).build();
    let failed = |error: ReadlineError| error.to_string();
    let mut editor: Editor<Assistant, MemHistory> =
        Editor::with_history(config, MemHistory::new()).map_err(failed)?;
    editor.set_helper(Some(Assistant { session }));
    let mut line = String::from("where");
    loop {
        if let Some(assistant) = editor.helper_mut() {
            let reply = assistant.session.command(&line);
            if !say(&shown(&reply, json)) || reply.quit {
                return Ok(ExitCode::SUCCESS);
            }
        }
        line = match editor.readline("(avm) ") {
            Ok(line) => line,
            // Takes back what was typed; the session goes on.
            Err(ReadlineError::Interrupted) => String::from("where"),
            Err(ReadlineError::Eof) => return Ok(ExitCode::SUCCESS),
            Err(error) => return Err(failed(error)),
        };
    }
}

/// Completes what is typed, from the table of commands and the names of the program.
struct Assistant {
    session: Session,
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(&self.session, line.get(..at).unwrap_or(line)))
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {}

impl Validator for Assistant {}

impl Helper for Assistant {}
