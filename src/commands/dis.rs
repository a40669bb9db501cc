//! `avm dis`: bytecode to text that assembles to the same bytecode.

use crate::{
    cli::{Dialect, Dis},
    exit::{Exit, Failure, Outcome},
    output::Out,
    program,
};

/// Shows a program as text.
pub(crate) fn run(args: &Dis) -> Outcome {
    let loaded = program::load(&args.file, None::<Dialect>)?;
    let text = avm_asm::disassemble(loaded.program.program()).map_err(|error| {
        Failure::new(Exit::Program, format!("{}: {error}", args.file.display()))
    })?;
    Out::new().text(&text);
    Ok(Exit::Done)
}
