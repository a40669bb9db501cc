//! The programs of `programs/` that have a `.stdout` next to them do what it says, to the nanogas.
//!
//! A `.stdout` holds the notes of `LOG`, the result unless it is `NULL` (as `avm run` prints them),
//! and as last line the gas used. No provider is bound, so effects fail as they do offline.
//! `BLESS=1` writes the files anew; a header line `;; RUN: skip` leaves a program out.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use avm_ir::{Program, Schedule, Value, gas::Gas, value::to_text, verify};
use avm_vm::{Answer, Config, End, FailureCode, Image, Machine, Pause};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All programs below a folder of `programs/`, by path.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "avm") {
            found.push(path);
        }
    }
}

/// The programs to check: path below the root, and text.
fn programs() -> Vec<(PathBuf, String)> {
    let bless = std::env::var_os("BLESS").is_some();
    let mut found = Vec::new();
    for folder in ["basics", "algorithms", "text", "simulation", "agents"] {
        sources(&root().join("programs").join(folder), &mut found);
    }
    found.retain(|path| bless || path.with_extension("stdout").exists());
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(path).expect("UTF-8 text"));
    let mut programs: Vec<(PathBuf, String)> = found.into_iter().map(read).collect();
    programs.retain(|(_, text)| {
        !text.lines().take_while(|line| line.starts_with(';')).any(|line| line == ";; RUN: skip")
    });
    programs
}

fn assemble(path: &Path, text: &str) -> Result<Program, String> {
    let options = avm_asm::Options::default();
    let name = path.strip_prefix(root()).expect("below the root").display().to_string();
    let assembly = avm_asm::assemble(&name, text, &mut avm_asm::NoSources, &options);
    let said: Vec<String> = assembly
        .diagnostics
        .iter()
        .map(|report| {
            let line =
                1 + text.bytes().take(report.span.start as usize).filter(|b| *b == b'\n').count();
            format!("{name}:{line}: {} {}", report.code, report.message)
        })
        .collect();
    // Teaching material has no warnings either.
    match assembly.program {
        Some(program) if said.is_empty() => Ok(program),
        _ => Err(said.join("\n")),
    }
}

/// What an offline run prints, and what it keeps for the next one.
fn run(program: Program, keepsake: Option<Value>) -> Result<(String, Value), String> {
    let image = Image::new(verify(program).map_err(|error| error.to_string())?, &Schedule::v1());
    let config = Config { keepsake, ..Config::default() };
    let mut machine = Machine::new(Arc::new(image), config).map_err(|error| error.to_string())?;
    let end = loop {
        match machine.run(u64::MAX, &mut ()) {
            Pause::Slice => {}
            Pause::Effect(request) => {
                let answer = Answer::failed(FailureCode::NoProvider, "nothing is bound");
                machine.answer(request.id, answer, &mut ()).map_err(|error| error.to_string())?;
            }
            Pause::End(end) => break end,
        }
    };
    let mut out = String::new();
    for entry in machine.log() {
        out += &to_text(&entry.note);
        out.push('\n');
    }
    match end {
        End::Halted(Value::Null) => {}
        End::Halted(result) => {
            out += &to_text(&result);
            out.push('\n');
        }
        other => return Err(format!("{out}{other:?}")),
    }
    out += &format!("gas {}\n", Gas(machine.gas_used()));
    Ok((out, machine.keepsake()))
}

#[test]
fn programs_print_what_their_stdout_files_say() {
    let mut wrong = Vec::new();
    let programs = programs();
    for (path, text) in &programs {
        let expected = path.with_extension("stdout");
        match assemble(path, text).and_then(|program| run(program, None)) {
            Err(why) => wrong.push(format!("{}\n{why}", path.display())),
            Ok((out, _)) if std::env::var_os("BLESS").is_some() => {
                fs::write(&expected, out).expect("written");
            }
            Ok((out, _)) => {
                let expected = fs::read_to_string(&expected).expect("UTF-8 text");
                if out != expected {
                    wrong.push(format!(
                        "{}\n--- is\n{out}--- should be\n{expected}",
                        path.display()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), programs.len(), wrong.join("\n"));
    assert!(programs.len() >= 30, "the programs are found");
}

#[test]
fn programs_are_in_canonical_form() {
    for (path, text) in programs() {
        let formatted = avm_asm::format(&text).expect("no syntax errors");
        assert!(formatted == text, "run `avm fmt` on {}", path.display());
    }
}

#[test]
fn the_notebook_goes_on_where_the_last_run_ended() {
    let path = root().join("programs/agents/notebook.avm");
    let text = fs::read_to_string(&path).expect("UTF-8 text");
    let mut keepsake = None;
    for number in 1..=3 {
        let program = assemble(&path, &text).expect("it assembles");
        let (out, kept) = run(program, keepsake).expect("it runs");
        assert!(out.starts_with(&format!("run number {number}\n")), "{out}");
        keepsake = Some(kept);
    }
}

#[test]
fn every_program_is_in_the_index() {
    let index = fs::read_to_string(root().join("programs/README.md")).expect("the index");
    for (path, _) in programs() {
        let name = path.strip_prefix(root().join("programs")).expect("below").display().to_string();
        assert!(index.contains(&format!("({name})")), "{name} is missing in programs/README.md");
    }
}
