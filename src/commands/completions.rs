//! `avm completions`: scripts for shells.

use clap::CommandFactory;

use crate::{
    cli::{Cli, Completions},
    exit::{Exit, Outcome},
    output::Out,
};

/// Prints the script.
pub(crate) fn run(args: &Completions) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "avm", &mut script);
    Out::new().bytes(&script);
    Ok(Exit::Done)
}
