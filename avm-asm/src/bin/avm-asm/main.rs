//! `avm-asm`: Aither IR to bytecode and back.
//!
//! Ends with 0 if all is well, 1 if an input has errors, 2 for a wrong command line, 3 if a file
//! cannot be read or written.

#![allow(clippy::print_stderr, reason = "this is the program that talks to people")]

use std::{
    fs,
    io::{self, IsTerminal as _, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use avm_asm::{
    Options, SourceFile, assemble, disassemble, files::Files, parse::MAX_SOURCE, render,
};
use avm_ir::{Diagnostic, Program, Severity, program::MAX_PROGRAM};
use clap::Parser as _;

mod cli;
mod explain;

use cli::Cli;

/// Why the program ends early; its number is the exit code.
enum Failure {
    /// An input has errors, which were shown.
    Input,
    /// A wrong command line.
    Usage(String),
    /// A file cannot be read or written.
    File(PathBuf, io::Error),
}

type Outcome = Result<(), Failure>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let code = match run(&cli) {
        Ok(()) => 0,
        Err(Failure::Input) => 1,
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}");
            2
        }
        // Nobody reads on: not our trouble.
        Err(Failure::File(path, error))
            if is_stdio(&path) && error.kind() == io::ErrorKind::BrokenPipe =>
        {
            0
        }
        Err(Failure::File(path, error)) => {
            eprintln!("error: {}: {error}", path.display());
            3
        }
    };
    ExitCode::from(code)
}

fn run(cli: &Cli) -> Outcome {
    if let Some(word) = &cli.explain {
        let text = explain::explain(word).ok_or_else(|| {
            let near = avm_asm::bind::nearest_mnemonic(word);
            let near = near.map_or_else(String::new, |near| format!(", did you mean {near}?"));
            Failure::Usage(format!("there is no instruction and no message {word}{near}"))
        })?;
        return print(text.as_bytes());
    }
    if cli.output.is_some() && cli.files.len() > 1 {
        return Err(Failure::Usage(String::from("-o takes one input file")));
    }
    let mut failed = false;
    for path in &cli.files {
        let outcome = if cli.dis || cli.dump {
            read_program(cli, path)
        } else if cli.fmt {
            format(cli, path)
        } else {
            compile(cli, path)
        };
        match outcome {
            Err(Failure::Input) => failed = true,
            other => other?,
        }
    }
    if failed { Err(Failure::Input) } else { Ok(()) }
}

fn is_stdio(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn print(bytes: &[u8]) -> Outcome {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|e| Failure::File("-".into(), e))
}

fn write(path: &Path, bytes: &[u8]) -> Outcome {
    if is_stdio(path) {
        return print(bytes);
    }
    fs::write(path, bytes).map_err(|error| Failure::File(path.to_path_buf(), error))
}

/// Reads a whole file of limited size.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let fail = |error| Failure::File(path.to_path_buf(), error);
    let input: Box<dyn io::Read> = if is_stdio(path) {
        Box::new(io::stdin())
    } else {
        Box::new(fs::File::open(path).map_err(fail)?)
    };
    let mut bytes = Vec::new();
    input.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() > limit {
        eprintln!("error: {}: larger than {} MiB", path.display(), limit >> 20);
        return Err(Failure::Input);
    }
    Ok(bytes)
}

fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path, MAX_SOURCE)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        eprintln!("error: {}: byte {at} is not UTF-8", path.display());
        Failure::Input
    })
}

/// Shows diagnostics; fails if one is an error.
fn show(cli: &Cli, reports: &[Diagnostic], files: &[SourceFile]) -> Outcome {
    if cli.json {
        for record in render::records(reports, files) {
            print(format!("{}\n", render::json(record)).as_bytes())?;
        }
    } else if !reports.is_empty() {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = !plain && io::stderr().is_terminal();
        eprintln!("{}\n", render::render(reports, files, colour));
    }
    let errors = reports.iter().any(|report| report.severity == Severity::Error);
    if errors { Err(Failure::Input) } else { Ok(()) }
}

fn compile(cli: &Cli, path: &Path) -> Outcome {
    let text = read_text(path)?;
    let options = Options { dialect: cli.dialect.into(), lints: cli.check };
    let fail = |error| Failure::File(path.to_path_buf(), error);
    let assembly = if is_stdio(path) {
        let folder = Path::new(".");
        let mut files = Files::around(folder).map_err(fail)?;
        let folder = files.name(folder).map_err(fail)?;
        let name = if folder.is_empty() { String::from("stdin") } else { folder + "/stdin" };
        assemble(&name, &text, &mut files, &options)
    } else {
        let mut files = Files::of_project(path).map_err(fail)?;
        let name = files.name(path).map_err(fail)?;
        assemble(&name, &text, &mut files, &options)
    };
    show(cli, &assembly.diagnostics, &assembly.files)?;
    let Some(mut program) = assembly.program else { return Err(Failure::Input) };
    if cli.strip {
        program.debug = None;
    }
    if cli.check {
        return Ok(());
    }
    let output = match &cli.output {
        Some(output) => output.clone(),
        None if is_stdio(path) => PathBuf::from("-"),
        None => path.with_extension("avmb"),
    };
    write(&output, &program.to_bytes())
}

fn format(cli: &Cli, path: &Path) -> Outcome {
    let text = read_text(path)?;
    let formatted = match avm_asm::format(&text) {
        Ok(formatted) => formatted,
        Err(reports) => {
            let file = SourceFile { path: path.display().to_string(), text };
            show(cli, &reports, &[file])?;
            return Err(Failure::Input);
        }
    };
    if cli.check {
        if formatted != text {
            eprintln!("{}: not in canonical form", path.display());
            return Err(Failure::Input);
        }
        return Ok(());
    }
    match (cli.write, &cli.output) {
        (true, _) if formatted == text => Ok(()),
        (true, _) => write(path, formatted.as_bytes()),
        (false, Some(output)) => write(output, formatted.as_bytes()),
        (false, None) => print(formatted.as_bytes()),
    }
}

fn read_program(cli: &Cli, path: &Path) -> Outcome {
    let bytes = read(path, MAX_PROGRAM)?;
    let program = Program::from_bytes(&bytes).map_err(|error| {
        eprintln!("error: {}: {error}", path.display());
        Failure::Input
    })?;
    let output = cli.output.clone().unwrap_or_else(|| PathBuf::from("-"));
    if cli.dump {
        return write(&output, explain::dump(&program, bytes.len()).as_bytes());
    }
    match disassemble(&program) {
        Ok(text) => write(&output, text.as_bytes()),
        Err(error) => {
            write(&output, error.text.as_bytes())?;
            eprintln!("error: {}: {error}", path.display());
            Err(Failure::Input)
        }
    }
}
