//! `avm check`: errors and warnings without a run.

use std::path::Path;

use avm_asm::render::records;
use avm_ir::{Program, Value, value::Record};

use crate::{
    cli::Check,
    config::{self, Config},
    exit::{Exit, Outcome},
    files::name_of,
    grants, library,
    modules::Modules,
    output::{Out, note, note_styled},
    program::{self, Source},
    providers, render,
};

/// Checks files, all of them.
pub(crate) fn run(args: &Check) -> Outcome {
    let mut out = Out::new();
    let mut worst = Exit::Done;
    let (mut errors, mut warnings) = (0, 0);
    for path in &args.files {
        // A run would read the configuration as well.
        let named = args.setup.config.as_deref();
        let read = config::load(path, named).and_then(|config| {
            let source = program::examine(path, config.dialect(args.dialect))?;
            Ok((config, source))
        });
        let exit = match read {
            Ok((config, source)) => {
                let (new_errors, new_warnings) = source.counts();
                errors += new_errors;
                warnings += new_warnings;
                show(&source, args.json, &mut out);
                match &source.program {
                    Some(program) if args.grants => {
                        names(args, &config, path, program.program(), &mut out)?
                    }
                    Some(_) => Exit::Done,
                    None => Exit::Program,
                }
            }
            Err(failure) => {
                errors += 1;
                note(&format!("error: {:#}", failure.error));
                failure.exit
            }
        };
        if exit as u8 > worst as u8 {
            worst = exit;
        }
    }
    if !args.json {
        let files = args.files.len();
        out.line(&format!(
            "{}, {}, {}",
            count(files, "file"),
            count(errors, "error"),
            count(warnings, "warning")
        ));
    }
    Ok(worst)
}

/// Shows what a program names and whether it may.
fn names(args: &Check, config: &Config, path: &Path, program: &Program, out: &mut Out) -> Outcome {
    let registry = providers::bind(&args.setup, config, path, library::open(None)?)?;
    let modules = Modules::load(config, &args.setup)?;
    let missing = grants::show(&name_of(path), program, (config, &modules), &registry, out);
    Ok(if missing == 0 { Exit::Done } else { Exit::Files })
}

fn count(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}

fn show(source: &Source, json: bool, out: &mut Out) {
    if !json {
        if !source.diagnostics.is_empty() {
            note_styled(&render::diagnostics(&source.diagnostics, &source.files));
            note("");
        }
        if let Some(why) = &source.refused {
            note(&format!("error: {}: {why}", source.name));
        }
        return;
    }
    json_lines(source, out);
}

/// What there is to say about a program as JSON, one event a line.
pub(crate) fn json_lines(source: &Source, out: &mut Out) {
    for record in records(&source.diagnostics, &source.files) {
        out.event("diagnostic", record);
    }
    if let Some(why) = &source.refused {
        let fields = Record::from_iter([
            ("severity", Value::text("error")),
            ("file", Value::text(&source.name)),
            ("message", Value::text(why)),
        ]);
        out.event("diagnostic", fields);
    }
}
