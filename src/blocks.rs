//! The `.test` blocks of programs: tests of regions, which `avm test` runs as a sandbox does.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use avm_ir::{
    Program, Schedule, Value,
    program::{MAGIC, MAX_PROGRAM},
};
use avm_vm::{Config, Image, Machine};

use crate::{
    cli::Dialect,
    exit::{Exit, Failure, Outcome},
    files, golden, program,
};

/// What became of the tests of one program.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    pub(crate) passed: usize,
    /// Those that failed: where, which, why.
    pub(crate) failed: Vec<String>,
}

/// The programs of these paths that may have tests, each once: those that are named, and those of
/// folders and below whose own text has some. A golden run is no program.
pub(crate) fn find(paths: &[PathBuf]) -> Outcome<Vec<PathBuf>> {
    let mut programs = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut found = Vec::new();
            golden::below(path, "avm", &mut found, 0)?;
            for program in found {
                if says(&program, &[".test"])? {
                    programs.push(program);
                }
            }
        } else if path.extension().is_none_or(|extension| extension != golden::EXTENSION)
            && says(path, &[".test", ".include"])?
        {
            programs.push(path.clone());
        }
    }
    programs.sort();
    programs.dedup();
    Ok(programs)
}

/// Whether a file is bytecode, or a line of its text begins with one of these words, perhaps behind
/// its number.
fn says(program: &Path, directives: &[&str]) -> Outcome<bool> {
    let bytes = files::read(program, MAX_PROGRAM as u64)?;
    let text = String::from_utf8_lossy(&bytes);
    let is_one = |word: &str| directives.iter().any(|one| word.eq_ignore_ascii_case(one));
    let mut lines = text.lines();
    Ok(bytes.starts_with(&MAGIC) || lines.any(|line| line.split_whitespace().take(2).any(is_one)))
}

/// Runs all tests of a program, each on a copy of an agent before its first step; inputs without a
/// default are `NULL`.
pub(crate) fn run(path: &Path, dialect: Option<Dialect>) -> Outcome<Blocks> {
    let source = program::read(path, dialect)?;
    let Some(verified) = source.program else {
        let path = path.display();
        let why = source.refused.unwrap_or_else(|| format!("has errors; see avm check {path}"));
        return Err(Failure::new(Exit::Program, format!("{path}: the program {why}")));
    };
    let mut blocks = Blocks::default();
    if verified.program().tests.is_empty() {
        return Ok(blocks);
    }
    let image = Arc::new(Image::new(verified, &Schedule::v1()));
    let program = image.program();
    let needed = program.inputs.iter().filter(|input| input.default.is_none());
    let inputs = needed
        .filter_map(|input| program.registers.get(usize::from(input.register)))
        .map(|name| (name.clone(), Value::Null));
    let config = Config { inputs: inputs.collect(), ..Config::default() };
    let wrong = |why: String| Failure::new(Exit::Program, format!("{}: {why}", path.display()));
    let machine = Machine::new(Arc::clone(&image), config);
    let machine = machine.map_err(|error| wrong(error.to_string()))?;
    let tested = program.regions.iter().map(|region| region.name.as_str());
    let tested = tested.filter(|name| program.tests.iter().any(|test| test.region == *name));
    let mut failed: Vec<(usize, String)> = Vec::new();
    for region in tested {
        let verdict = machine.test_region(region, usize::MAX, u64::MAX);
        let verdict = verdict.map_err(|failure| wrong(format!("region {region}: {failure}")))?;
        blocks.passed += verdict.passed();
        for test in verdict.tests {
            if let Some(why) = test.failed {
                let place = place(program, test.test).unwrap_or_else(|| path.display().to_string());
                failed.push((test.test, format!("{place}: {}: {why}", test.name)));
            }
        }
    }
    failed.sort_by_key(|(at, _)| *at);
    blocks.failed = failed.into_iter().map(|(_, line)| line).collect();
    Ok(blocks)
}

/// File and line of a test, where debug data says so.
fn place(program: &Program, test: usize) -> Option<String> {
    let debug = program.debug.as_ref()?;
    let place = debug.tests.get(test).filter(|place| place.line > 0)?;
    let file = debug.files.get(usize::from(place.file))?;
    Some(format!("{file}:{}", place.line))
}
