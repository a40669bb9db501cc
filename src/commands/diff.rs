//! `avm diff`: what is different in two recorded runs.

use std::{path::Path, sync::Arc};

use avm_dbg::diff;
use avm_ir::{Schedule, value::to_json};
use avm_vm::{Image, journal::Journal};

use crate::{
    cli::Diff,
    exit::{Exit, Failure, Outcome},
    journal,
    output::Out,
    run_dir, runs,
};

/// Compares them.
pub(crate) fn run(args: &Diff) -> Outcome {
    let old = match &args.old {
        Some(old) => old.clone(),
        None => runs::parent_of_latest()?,
    };
    let (old, old_image) = open(Some(&old))?;
    let (new, new_image) = open(args.new.as_deref())?;
    let diff = diff::compare((&old, old_image), (&new, new_image)).map_err(Failure::files)?;
    let reply = diff.reply();
    let mut out = Out::new();
    match args.json {
        true => out.line(&to_json(&reply.data)),
        false => out.line(&reply.text),
    }
    Ok(if diff.is_none() { Exit::Done } else { Exit::Program })
}

/// The run that is named, or the latest, and its program.
pub(super) fn open(named: Option<&Path>) -> Outcome<(Journal, Arc<Image>)> {
    let path = run_dir::journal_of(named)?;
    let journal = journal::read(&path)?;
    let image = Arc::new(Image::new(journal::program(&path, &journal)?, &Schedule::v1()));
    if image.schedule_hash() != journal.start.schedule {
        let path = path.display();
        return Err(Failure::files(format!(
            "{path}: it was recorded under a gas schedule that is not known here"
        )));
    }
    Ok((journal, image))
}
