//! `avm fmt`: programs in canonical form.

use std::path::Path;

use avm_asm::{SourceFile, parse::MAX_SOURCE};

use crate::{
    cli::Fmt,
    exit::{Exit, Failure, Outcome},
    files::{self, name_of},
    output::{Out, note, note_styled},
    render,
};

/// Formats files; those with errors stay as they are.
pub(crate) fn run(args: &Fmt) -> Outcome {
    let mut worst = Exit::Done;
    for path in &args.files {
        let exit = match one(path, args.check) {
            Ok(exit) => exit,
            Err(failure) => {
                note(&format!("error: {:#}", failure.error));
                failure.exit
            }
        };
        // Files that cannot be read weigh more than files that are not in form.
        if exit as u8 > worst as u8 {
            worst = exit;
        }
    }
    Ok(worst)
}

fn one(path: &Path, check: bool) -> Outcome {
    let text = files::read_text(path, MAX_SOURCE as u64)?;
    let formatted = match avm_asm::format(&text) {
        Ok(formatted) => formatted,
        Err(diagnostics) => {
            let name = name_of(path);
            let file = SourceFile { path: name.clone(), text };
            note_styled(&render::diagnostics(&diagnostics, &[file]));
            return Err(Failure::new(Exit::Program, format!("{name}: not formatted")));
        }
    };
    if check {
        if formatted == text {
            return Ok(Exit::Done);
        }
        Out::new().line(&format!("{}: not in canonical form", name_of(path)));
        return Ok(Exit::Program);
    }
    if files::is_dash(path) {
        Out::new().bytes(formatted.as_bytes());
    } else if formatted != text {
        files::write(path, formatted.as_bytes())?;
    }
    Ok(Exit::Done)
}
