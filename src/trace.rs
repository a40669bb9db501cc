//! The step trace of a recorded run, made from its journal as it is read.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use avm_ir::Schedule;
use avm_trace::ViewError;
use avm_vm::{
    Image,
    journal::{Journal, Player, Stop},
    trace::{Reader, Source, Tracer},
};

use crate::{
    exit::{Failure, Outcome},
    journal,
    output::Out,
    run_dir,
};

/// Instructions that are run at a time.
const SLICE: u64 = 1 << 16;

/// A run that makes its trace while somebody reads it.
pub(crate) struct Derived {
    journal: Journal,
    player: Player,
    /// None once the trace has ended.
    tracer: Option<Tracer>,
    bytes: Vec<u8>,
    /// How many of them were read.
    read: usize,
}

impl Derived {
    /// Makes more of the trace, unless there are bytes that nobody read.
    fn make(&mut self) -> Result<(), String> {
        while self.read == self.bytes.len() {
            let Some(mut tracer) = self.tracer.take() else { return Ok(()) };
            let next = self.player.machine().steps() + SLICE;
            let stop = self.player.run_to(&self.journal, next, &mut tracer);
            let stop = stop.map_err(|error| error.to_string())?;
            self.read = 0;
            self.bytes = if stop == Stop::Reached {
                let bytes = tracer.take();
                self.tracer = Some(tracer);
                bytes
            } else {
                tracer.finish().0
            };
        }
        Ok(())
    }
}

impl Source for Derived {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, String> {
        self.make()?;
        let bytes = &self.bytes[self.read..];
        let count = into.len().min(bytes.len());
        into[..count].copy_from_slice(&bytes[..count]);
        self.read += count;
        Ok(count)
    }
}

/// A recorded run and its program.
pub(crate) struct Traced {
    pub(crate) path: PathBuf,
    pub(crate) image: Arc<Image>,
    pub(crate) derived: Derived,
}

/// The run that is named by its folder or journal, or the latest.
pub(crate) fn open(named: Option<&Path>) -> Outcome<Traced> {
    let path = run_dir::journal_of(named)?;
    let journal = journal::read(&path)?;
    let image = Arc::new(Image::new(journal::program(&path, &journal)?, &Schedule::v1()));
    let player = Player::new(&journal, Arc::clone(&image))
        .map_err(|error| Failure::files(format!("{}: {error}", path.display())))?;
    let tracer = Some(Tracer::new(player.machine(), Some(journal.first)));
    let derived = Derived { journal, player, tracer, bytes: Vec::new(), read: 0 };
    Ok(Traced { path, image, derived })
}

impl Traced {
    /// Goes through the trace.
    pub(crate) fn read<T>(
        self,
        view: impl FnOnce(&mut Reader<Derived>) -> Result<T, ViewError>,
    ) -> Outcome<T> {
        let wrong =
            |why: &dyn std::fmt::Display| Failure::files(format!("{}: {why}", self.path.display()));
        // The run took no more when it was recorded.
        let memory = self.derived.journal.start.config.limits.memory;
        let reader = Reader::within(self.image, self.derived, memory);
        let mut reader = reader.map_err(|error| wrong(&error))?;
        view(&mut reader).map_err(|error| wrong(&error))
    }
}

/// Standard output as views write to it.
pub(crate) struct Printed<'a>(pub(crate) &'a mut Out);

impl std::fmt::Write for Printed<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.text(text);
        Ok(())
    }
}
