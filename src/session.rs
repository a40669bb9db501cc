//! A run that is ready to go: drives it, keeps what outlives it, tells how it came to rest.

use std::path::PathBuf;

use avm_asm::SourceFile;
use avm_plugins::registry::Registry;
use avm_vm::{End, Machine, OnExhausted};

use crate::{
    driver::drive,
    exit::{Failure, Outcome},
    library::Indexed,
    output::Out,
    report::{self, Detail, Rested},
    run_dir::RunDir,
    state_file,
};

/// A machine with everything around it, new or taken up again.
pub(crate) struct Session<'a> {
    pub(crate) machine: Machine,
    pub(crate) registry: Registry,
    pub(crate) indexed: Vec<Indexed>,
    pub(crate) files: &'a [SourceFile],
    /// File of `--state`.
    pub(crate) state: Option<PathBuf>,
    /// Where the run is kept if it is suspended.
    pub(crate) kept: RunDir,
}

impl Session<'_> {
    /// Runs to rest and tells everything there is to tell.
    pub(crate) fn run(mut self, out: &mut Out, detail: Detail) -> Outcome {
        if detail.json {
            report::start(out, &self.machine);
        }
        let (machine, registry) = (&mut self.machine, &mut self.registry);
        let (end, totals) = if detail.profile {
            drive::<true>(machine, registry, out, detail.json)
        } else {
            drive::<false>(machine, registry, out, detail.json)
        };
        let flushed = self.flush();
        let suspended =
            matches!(end, End::Exhausted(_)) && self.machine.on_exhausted() == OnExhausted::Suspend;
        let kept = self.kept.keep(&self.machine, &self.registry, suspended);
        let rested = Rested {
            machine: &self.machine,
            end: &end,
            on_exhausted: self.machine.on_exhausted(),
            totals,
            registry: &self.registry,
            indexed: &self.indexed,
            files: self.files,
            resume: kept.as_ref().ok().and_then(Option::as_ref),
        };
        let exit = rested.exit();
        rested.tell(out, detail);
        flushed?;
        kept?;
        Ok(exit)
    }

    /// Saves what outlives the run, however it ended.
    fn flush(&mut self) -> Outcome<()> {
        let flushed = self.registry.flush();
        if let Some(path) = &self.state {
            state_file::save(path, &self.machine.keepsake())?;
        }
        flushed.map_err(|failure| Failure::files(format!("store: {failure}")))
    }
}
