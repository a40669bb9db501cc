//! A run that is ready to go: drives it, keeps what outlives it, tells how it came to rest.

use std::path::PathBuf;

use avm_asm::SourceFile;
use avm_plugins::registry::Registry;
use avm_vm::Machine;

use crate::{
    driver::drive,
    exit::{Failure, Outcome},
    journal::Tape,
    library::Indexed,
    live::{Live, Nobody},
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
    /// Where the run is kept.
    pub(crate) kept: RunDir,
    /// Its journal.
    pub(crate) tape: Tape,
    /// Who signs the journal.
    pub(crate) signer: Option<[u8; 32]>,
}

impl Session<'_> {
    /// Runs to rest and tells everything there is to tell.
    pub(crate) fn run(self, out: &mut Out, detail: Detail) -> Outcome {
        self.run_traced(out, detail, None)
    }

    /// The same, with a trace.
    pub(crate) fn run_traced(
        mut self,
        out: &mut Out,
        detail: Detail,
        mut trace: Option<Live>,
    ) -> Outcome {
        if detail.json {
            report::start(out, &self.machine);
        }
        let (machine, registry, tape) = (&mut self.machine, &mut self.registry, &mut self.tape);
        let output = (&mut *out, detail.json);
        let driven = match (&mut trace, detail.profile) {
            (None, false) => {
                drive::<false, _>(machine, registry, tape, output, &mut Nobody::default())
            }
            (None, true) => {
                drive::<true, _>(machine, registry, tape, output, &mut Nobody::default())
            }
            (Some(trace), false) => drive::<false, _>(machine, registry, tape, output, trace),
            (Some(trace), true) => drive::<true, _>(machine, registry, tape, output, trace),
        };
        let traced = trace.map_or(Ok(()), |trace| trace.finish(driven.is_ok()));
        let flushed = self.flush();
        let (end, totals) = driven?;
        if let Some(secret) = &self.signer {
            self.tape.sign(&self.machine, secret)?;
        }
        let suspended = self.machine.is_suspended();
        let kept = self.kept.keep(&self.machine, &self.registry, self.tape.link(), suspended);
        let rested = Rested {
            machine: &self.machine,
            end: &end,
            totals,
            registry: &self.registry,
            indexed: &self.indexed,
            files: self.files,
            resume: kept.as_ref().ok().and_then(Option::as_ref),
            journal: self.tape.path(),
            name: self.tape.path().map(|journal| self.kept.name_of(journal)),
        };
        let exit = rested.exit();
        rested.tell(out, detail);
        flushed?;
        kept?;
        traced?;
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
