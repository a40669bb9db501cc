//! `avm test`: programs repeat their golden runs, and pass their own tests.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use avm_ir::Schedule;
use avm_vm::{Image, Machine, journal::Start};

use crate::{
    blocks,
    cli::{Setup, Test},
    config::{self, Config},
    driver::drive,
    exit::{Exit, Failure, Outcome},
    files,
    gas_table::Table,
    golden::{self, Case, Verdict},
    journal::{self, Tape},
    library,
    live::Nobody,
    output::{Out, note},
    program, providers,
};

/// Runs the golden runs and tests of what is named, or makes golden runs.
pub(crate) fn run(args: &Test) -> Outcome {
    let here = [PathBuf::from(".")];
    let paths = if args.paths.is_empty() { &here[..] } else { &args.paths };
    if args.bless {
        let exit = bless_all(args, paths)?;
        return if exit == Exit::Done { bless_gas(args, paths) } else { Ok(exit) };
    }
    if args.bless_gas.is_some() {
        return bless_gas(args, paths);
    }
    let cases = if args.blocks { Vec::new() } else { find(paths)? };
    let mut out = Out::new();
    let golden = golden_runs(&cases, args, &mut out)?;
    let blocks = test_blocks(paths, args, &mut out)?;
    if cases.is_empty() && (blocks.is_none() || args.gas.is_some()) {
        return Err(Failure::usage(match args.blocks {
            true => "there are no programs with `.test` blocks there",
            false => {
                "there are no golden runs there, nor programs with `.test` blocks; make a golden \
                 run with: avm test --bless PROGRAM.avm"
            }
        }));
    }
    if golden && blocks != Some(false) {
        return Ok(Exit::Done);
    }
    out.flush();
    if !golden {
        let gas = args.gas.as_ref().map(|table| format!(" --bless-gas {}", table.display()));
        let gas = gas.unwrap_or_default();
        note(&format!(
            "to accept what is different now: avm test --bless{gas} with the same paths"
        ));
    }
    Ok(Exit::Program)
}

/// Repeats golden runs; whether all of them are the same.
fn golden_runs(cases: &[Case], args: &Test, out: &mut Out) -> Outcome<bool> {
    if cases.is_empty() {
        return Ok(true);
    }
    let table = args.gas.as_deref().map(Table::read).transpose()?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let verdicts = check_all(cases, args, table.as_ref(), workers);
    let mut failed = 0;
    for (case, verdict) in cases.iter().zip(verdicts) {
        match verdict {
            Ok((Verdict::Same, lines)) if lines.is_empty() => continue,
            Ok((verdict, lines)) => {
                let whole = match verdict {
                    Verdict::Same => None,
                    Verdict::Differs(what) => Some(what),
                };
                let all: Vec<String> = whole.into_iter().chain(lines).collect();
                out.line(&format!("{}: {}", case.journal.display(), all.join("\n  ")));
            }
            Err(failure) => out.line(&format!("{:#}", failure.error)),
        }
        failed += 1;
    }
    let stale = table.as_ref().map(Table::stale).unwrap_or_default();
    for name in &stale {
        let table = args.gas.as_deref().unwrap_or(Path::new("")).display();
        out.line(&format!("{table}: {name} is in the table, and there is no such golden run"));
    }
    let (all, same) = (cases.len(), cases.len() - failed);
    let s = if all == 1 { "" } else { "s" };
    out.line(&format!("{same} of {all} golden run{s} the same"));
    Ok(failed == 0 && stale.is_empty())
}

/// Runs the `.test` blocks of programs; whether all of them passed, `None` where there are none.
fn test_blocks(paths: &[PathBuf], args: &Test, out: &mut Out) -> Outcome<Option<bool>> {
    let (mut passed, mut failed, mut broken) = (0, 0, 0);
    for program in blocks::find(paths)? {
        match blocks::run(&program, args.dialect) {
            Ok(blocks) => {
                passed += blocks.passed;
                failed += blocks.failed.len();
                blocks.failed.iter().for_each(|line| out.line(line));
            }
            Err(failure) => {
                out.line(&format!("{:#}", failure.error));
                broken += 1;
            }
        }
    }
    let all = passed + failed;
    if all + broken == 0 {
        return Ok(None);
    }
    let s = if all == 1 { "" } else { "s" };
    out.line(&format!("{passed} of {all} test{s} passed"));
    Ok(Some(failed + broken == 0))
}

fn find(paths: &[PathBuf]) -> Outcome<Vec<Case>> {
    let mut cases = Vec::new();
    for path in paths {
        cases.extend(golden::find(path)?);
    }
    Ok(cases)
}

/// What became of a case, and where it does not cost what the gas table says.
type Checked = Outcome<(Verdict, Vec<String>)>;

fn check(case: &Case, args: &Test, table: Option<&Table>) -> Checked {
    let verdict = golden::check(case, args.dialect)?;
    let Some(table) = table else { return Ok((verdict, Vec::new())) };
    let lines = match golden::gas(case, args.dialect) {
        Ok(entry) => table.compare(&table.name_of(case)?, &entry),
        // Then it is not the same either, which says more.
        Err(_) => Vec::new(),
    };
    Ok((verdict, lines))
}

/// Writes what golden runs cost, if that was asked for.
fn bless_gas(args: &Test, paths: &[PathBuf]) -> Outcome {
    let Some(path) = &args.bless_gas else { return Ok(Exit::Done) };
    let mut table = Table::begin(path)?;
    let cases = find(paths)?;
    for case in &cases {
        table.set(table.name_of(case)?, golden::gas(case, args.dialect)?);
    }
    table.write()?;
    let s = if cases.len() == 1 { "" } else { "s" };
    Out::new().line(&format!("{}: {} golden run{s}", path.display(), cases.len()));
    Ok(Exit::Done)
}

/// Checks cases side by side; verdicts in the order of the cases.
fn check_all(cases: &[Case], args: &Test, table: Option<&Table>, workers: usize) -> Vec<Checked> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let shown = std::io::stderr().is_terminal() && !args.quiet;
    std::thread::scope(|scope| {
        for _ in 0..workers.min(cases.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { return };
                    let verdict = check(case, args, table);
                    let Ok(mut done) = done.lock() else { return };
                    done.push((at, verdict));
                    if shown && (done.len() % 16 == 0 || done.len() == cases.len()) {
                        // Nobody is left to be told that standard error is closed.
                        let _ = write!(std::io::stderr(), "\r{} of {} ", done.len(), cases.len());
                    }
                }
            });
        }
    });
    if shown {
        let _ = write!(std::io::stderr(), "\r                    \r");
    }
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, verdict)| verdict).collect()
}

/// Makes golden runs anew, and one for each program that is named and has none.
fn bless_all(args: &Test, paths: &[PathBuf]) -> Outcome {
    let mut out = Out::new();
    let mut worst = Exit::Done;
    for path in paths {
        let mut cases = golden::find(path)?;
        if cases.is_empty() && path.is_file() {
            let journal = path.with_extension("avmj");
            cases.push(Case { journal, program: path.clone() });
        }
        for case in cases {
            match bless(&case, args) {
                Ok(()) => out.line(&format!("recorded {}", case.journal.display())),
                Err(failure) => {
                    out.flush();
                    note(&format!("error: {:#}", failure.error));
                    if failure.exit as u8 > worst as u8 {
                        worst = failure.exit;
                    }
                }
            }
        }
    }
    Ok(worst)
}

/// Records a run with the providers of the program's configuration; with the inputs and limits of the
/// golden run that is there already.
fn bless(case: &Case, args: &Test) -> Outcome<()> {
    let settings = if case.journal.exists() {
        journal::read(&case.journal)?.start.config
    } else {
        avm_vm::Config::default()
    };
    let loaded = program::load(&case.program, args.dialect)?;
    let manifest = loaded.program.program().manifest.clone();
    let image = Arc::new(Image::new(loaded.program, &Schedule::v1()));
    let start = Start::of(&image, settings.clone());
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::usage(format!(
            "{}: {error}; record it with avm run --journal {}",
            case.program.display(),
            case.journal.display()
        ))
    };
    let mut machine = Machine::new(image, settings).map_err(|error| wrong(&error))?;
    let config = config::load(&case.program, None)?;
    let mut library = library::open(None)?;
    library::index(&mut library, &config.docs, &[], &manifest)?;
    let mut registry = providers::bind(&Setup::default(), &config, &case.program, library)?;
    let granted = providers::check_grants(&registry, &manifest);
    granted.map_err(|failure| needs_grants(case, &config, &failure))?;

    let new = beside(&case.journal);
    // One that an earlier command left behind.
    let _ = std::fs::remove_file(&new);
    let mut tape = Tape::create(&new, &start, &loaded.files)?;
    drive::<false, _>(
        &mut machine,
        &mut registry,
        &mut tape,
        (&mut Out::none(), false),
        &mut Nobody::default(),
    )?;
    drop(tape);
    std::fs::rename(&new, &case.journal).map_err(|error| files::about(&case.journal, error))
}

/// What to do where a program names what its configuration does not allow.
fn needs_grants(case: &Case, config: &Config, failure: &Failure) -> Failure {
    let (program, journal) = (case.program.display(), case.journal.display());
    let file = match &config.path {
        Some(path) => path.display().to_string(),
        None => files::folder_of(&case.program).join(config::NAME).display().to_string(),
    };
    let message = format!(
        "{program}: {:#}\n  its golden run is recorded with what {file} says, so that is where to write \
         it; or record it with: avm run {program} --journal {journal} and the options above",
        failure.error
    );
    Failure::new(failure.exit, message)
}

fn beside(journal: &Path) -> PathBuf {
    let name = journal.file_name().unwrap_or_default().to_string_lossy();
    journal.with_file_name(format!(".{name}.new"))
}
