//! `avm asm`: text to bytecode.

use std::{io::IsTerminal, path::PathBuf};

use crate::{
    cli::Asm,
    commands::key,
    exit::{Exit, Failure, Outcome},
    files,
    output::{Out, note},
    program,
    report::hex,
};

/// Assembles a file.
pub(crate) fn run(args: &Asm) -> Outcome {
    let output = output(args)?;
    let mut program = program::load(&args.file, args.dialect)?.program.into_program();
    if args.strip {
        program.debug = None;
    }
    if let Some(path) = &args.sign {
        program.sign(&key::read(path)?);
    }
    let bytes = program.to_bytes();
    let hash = hex(&program.hash());
    if files::is_dash(&output) {
        let mut out = Out::new();
        out.bytes(&bytes);
    } else {
        files::write(&output, &bytes)?;
        note(&format!("{}: {} bytes, program {hash}", output.display(), bytes.len()));
    }
    Ok(Exit::Done)
}

fn output(args: &Asm) -> Outcome<PathBuf> {
    let output = match &args.output {
        Some(output) => output.clone(),
        None if files::is_dash(&args.file) => {
            return Err(Failure::usage("a program from standard input wants --output FILE"));
        }
        None => args.file.with_extension("avmb"),
    };
    if output == args.file && !files::is_dash(&output) {
        return Err(Failure::usage("--output would overwrite the program text"));
    }
    if files::is_dash(&output) && std::io::stdout().is_terminal() {
        return Err(Failure::usage("bytecode is not for terminals; name a file with --output"));
    }
    Ok(output)
}
