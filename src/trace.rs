//! The step trace of a recorded run: made from its journal as it is read, or the file of a trace.

use std::{
    fs::File,
    io::{Read, Seek},
    path::{Path, PathBuf},
    sync::Arc,
};

use avm_ir::Schedule;
use avm_trace::ViewError;
use avm_vm::{
    Image,
    journal::{Journal, Player, Stop},
    trace::{MAGIC, Reader, Source, Tracer},
};

use crate::{
    cli::Dialect,
    exit::{Failure, Outcome},
    files, journal,
    output::Out,
    program, run_dir,
};

/// Most bytes of memory that the run of a trace may take to be read.
const MEMORY: u64 = 1 << 30;
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

/// Where the bytes of a trace come from.
pub(crate) enum Origin {
    /// A journal.
    Derived(Box<Derived>),
    /// A file that holds them.
    File(File),
}

impl Source for Origin {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, String> {
        match self {
            Self::Derived(derived) => derived.read(into),
            Self::File(file) => {
                let mut read = 0;
                while read < into.len() {
                    match file.read(&mut into[read..]) {
                        Ok(0) => break,
                        Ok(count) => read += count,
                        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error.to_string()),
                    }
                }
                Ok(read)
            }
        }
    }
}

/// A recorded run and its program.
pub(crate) struct Traced {
    pub(crate) path: PathBuf,
    pub(crate) image: Arc<Image>,
    pub(crate) origin: Origin,
    /// Bytes of memory that the run may take.
    memory: u64,
}

/// The run that is named by its folder, journal or trace, or the latest. A trace does not hold its
/// program.
pub(crate) fn open(named: Option<&Path>, program: Option<&Path>) -> Outcome<Traced> {
    if let Some(path) = named
        && let Some(file) = written(path)?
    {
        let Some(program) = program else {
            let path = path.display();
            return Err(Failure::usage(format!(
                "{path}: a trace is read with its program; name it with --program FILE"
            )));
        };
        let program = program::load(program, None::<Dialect>)?.program;
        let image = Arc::new(Image::new(program, &Schedule::v1()));
        let (path, origin) = (path.to_owned(), Origin::File(file));
        return Ok(Traced { path, image, origin, memory: MEMORY });
    }
    if program.is_some() {
        return Err(Failure::usage(
            "--program is for the file of a trace (.avmt), which this is not; a journal has its own",
        ));
    }
    let path = run_dir::journal_of(named)?;
    let journal = journal::read(&path)?;
    let image = Arc::new(Image::new(journal::program(&path, &journal)?, &Schedule::v1()));
    let player = Player::new(&journal, Arc::clone(&image))
        .map_err(|error| Failure::files(format!("{}: {error}", path.display())))?;
    let tracer = Some(Tracer::new(player.machine(), Some(journal.first)));
    // The run took no more when it was recorded.
    let memory = journal.start.config.limits.memory;
    let derived = Box::new(Derived { journal, player, tracer, bytes: Vec::new(), read: 0 });
    Ok(Traced { path, image, origin: Origin::Derived(derived), memory })
}

/// The file of a trace, if that is what it is.
fn written(path: &Path) -> Outcome<Option<File>> {
    // What cannot be opened is said where journals are.
    let Ok(mut file) = File::open(path) else { return Ok(None) };
    let mut begin = [0; MAGIC.len()];
    if path.is_dir() || file.read_exact(&mut begin).is_err() || begin != *MAGIC {
        return Ok(None);
    }
    file.rewind().map_err(|error| files::about(path, error))?;
    Ok(Some(file))
}

impl Traced {
    /// Goes through the trace.
    pub(crate) fn read<T>(
        self,
        view: impl FnOnce(&mut Reader<Origin>) -> Result<T, ViewError>,
    ) -> Outcome<T> {
        let wrong =
            |why: &dyn std::fmt::Display| Failure::files(format!("{}: {why}", self.path.display()));
        let reader = Reader::within(self.image, self.origin, self.memory);
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
