//! `avm profile`: where the gas of a recorded run went.

use std::path::Path;

use avm_trace::{Profile as Table, Stacks, flame};

use crate::{
    cli::Profile,
    exit::{Exit, Outcome},
    files,
    output::Out,
    trace,
};

/// Shows the tables, or writes the same as a picture or for another tool.
pub(crate) fn run(args: &Profile) -> Outcome {
    let traced = trace::open(args.run.as_deref(), args.program.as_deref())?;
    let title = traced.path.display().to_string();
    let mut out = Out::new();
    if args.svg.is_none() && args.speedscope.is_none() && !args.folded {
        let table = traced.read(Table::read)?;
        out.text(&table.to_text(args.rows));
        return Ok(Exit::Done);
    }
    let stacks = traced.read(Stacks::read)?;
    let write = |path: &Path, text: String| files::write(path, text.as_bytes());
    if let Some(path) = &args.svg {
        write(path, flame::svg(&stacks, &title))?;
    }
    if let Some(path) = &args.speedscope {
        write(path, stacks.speedscope(&title))?;
    }
    if args.folded {
        out.text(&stacks.folded());
    }
    Ok(Exit::Done)
}
