//! The step trace of a run, written while it goes (`avm run --trace`).

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use avm_trace::{Filter, json};
use avm_vm::{
    Image, Machine, Meter, Observer,
    journal::{Event, Link},
    trace::{Reader, Source, Tracer},
};

use crate::{
    exit::{Failure, Outcome},
    files,
};

/// In lines of JSON, values of more bytes are named by type and length.
pub(crate) const LARGEST: u64 = 1 << 16;
/// Pieces of the trace that wait for whoever makes lines of them.
const WAITING: usize = 4;

/// Who else watches a run. What it writes down is handed on between two slices.
pub(crate) trait Beside {
    /// Watches the machine.
    type Watch: Observer;
    /// Most instructions between two looks at the outside.
    const SLICE: u64;

    /// What watches the machine.
    fn watch(&mut self) -> &mut Self::Watch;

    /// Hands on what was written down so far.
    fn hand_on(&mut self) {}

    /// The machine came to rest.
    fn rested(&mut self, machine: &Machine) {
        let _ = machine;
    }
}

/// Nobody. Notes of the program reach standard output that often.
#[derive(Default)]
pub(crate) struct Nobody(());

impl Beside for Nobody {
    type Watch = ();
    const SLICE: u64 = 1 << 18;

    fn watch(&mut self) -> &mut () {
        &mut self.0
    }
}

/// A trace in the making.
pub(crate) struct Live {
    path: PathBuf,
    tracer: Tracer,
    to: To,
    /// Why nothing more can be written. The run goes on: a trace can be made again.
    failed: Option<io::Error>,
}

/// Where a trace goes.
enum To {
    /// Into a file as it is.
    File(File),
    /// To somebody who makes lines of JSON.
    Lines(SyncSender<Vec<u8>>, JoinHandle<Result<(), String>>),
}

/// A file for a trace, before anything is run: `.avmt`, or `.jsonl` for lines of JSON.
pub(crate) struct Opened<'a> {
    path: &'a Path,
    file: File,
    lines: bool,
}

impl<'a> Opened<'a> {
    /// Makes the file, or empties it. A file of another kind is left alone: it is more likely a slip.
    pub(crate) fn create(path: &'a Path) -> Outcome<Self> {
        let lines = match path.extension().and_then(|extension| extension.to_str()) {
            Some("avmt") => false,
            Some("jsonl") => true,
            _ => {
                let path = path.display();
                return Err(Failure::usage(format!(
                    "--trace {path}: wants a file .avmt, or .jsonl for lines of JSON"
                )));
            }
        };
        let file = File::create(path).map_err(|error| files::about(path, error))?;
        Ok(Self { path, file, lines })
    }

    /// Begins the trace of a machine, with the first link of its journal.
    pub(crate) fn begin(self, machine: &Machine, journal: Option<Link>) -> Live {
        let to = if self.lines {
            let (sender, receiver) = sync_channel(WAITING);
            let (image, file) = (Arc::clone(machine.image()), self.file);
            let memory = machine.limit(Meter::Memory);
            To::Lines(sender, thread::spawn(move || lines(image, memory, receiver, file)))
        } else {
            To::File(self.file)
        };
        let tracer = Tracer::new(machine, journal);
        Live { path: self.path.to_owned(), tracer, to, failed: None }
    }
}

impl Beside for Live {
    type Watch = Tracer;
    // A step takes two bytes, and hardly one takes ten.
    const SLICE: u64 = 1 << 14;

    fn watch(&mut self) -> &mut Tracer {
        &mut self.tracer
    }

    fn hand_on(&mut self) {
        let bytes = self.tracer.take();
        self.put(bytes);
    }

    fn rested(&mut self, machine: &Machine) {
        self.tracer.rested(machine);
    }
}

impl Live {
    fn put(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() || self.failed.is_some() {
            return;
        }
        match &mut self.to {
            To::File(file) => self.failed = file.write_all(&bytes).err(),
            // Where nobody takes it any more, its own error tells why.
            To::Lines(sender, _) => drop(sender.send(bytes)),
        }
    }

    /// Writes what is left, and the end of the trace if the run came to rest.
    pub(crate) fn finish(self, rested: bool) -> Outcome<()> {
        let Self { path, mut tracer, to, failed } = self;
        let bytes = if rested { tracer.finish().0 } else { tracer.take() };
        let written = match (to, failed) {
            (_, Some(error)) => Err(error.to_string()),
            (To::File(mut file), None) => file.write_all(&bytes).map_err(|error| error.to_string()),
            (To::Lines(sender, lines), None) => {
                let _ = sender.send(bytes);
                drop(sender);
                lines.join().unwrap_or_else(|_| Err("the lines broke off".to_owned()))
            }
        };
        written.map_err(|why| {
            let path = path.display();
            Failure::files(format!("{path}: {why}; the run went on without its trace"))
        })
    }
}

/// Makes lines of JSON of a trace as it comes.
fn lines(
    image: Arc<Image>,
    memory: u64,
    trace: Receiver<Vec<u8>>,
    file: File,
) -> Result<(), String> {
    let pieces = Pieces { trace, piece: Vec::new(), read: 0 };
    let mut reader = Reader::within(image, pieces, memory).map_err(|error| error.to_string())?;
    let mut out = Text { file: BufWriter::new(file), failed: None };
    let made = json::write(&mut reader, &Filter::default(), LARGEST, &mut out);
    let flushed = out.file.flush().err();
    match out.failed.or(flushed) {
        Some(error) => Err(error.to_string()),
        None => made.map_err(|error| error.to_string()),
    }
}

/// A trace as it comes, piece by piece.
struct Pieces {
    trace: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    /// How much of the piece was read.
    read: usize,
}

impl Source for Pieces {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, String> {
        while self.read == self.piece.len() {
            let Ok(piece) = self.trace.recv() else { return Ok(0) };
            (self.piece, self.read) = (piece, 0);
        }
        let bytes = &self.piece[self.read..];
        let count = into.len().min(bytes.len());
        into[..count].copy_from_slice(&bytes[..count]);
        self.read += count;
        Ok(count)
    }
}

/// A file as views write to it.
struct Text {
    file: BufWriter<File>,
    failed: Option<io::Error>,
}

impl std::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.file.write_all(text.as_bytes()).map_err(|error| {
            self.failed = Some(error);
            std::fmt::Error
        })
    }
}

/// Time that passes outside, told to whoever watches as a journal notes it.
pub(crate) fn waited(machine: &Machine, milliseconds: u64, watch: &mut impl Observer) {
    if let Some(event) = Event::waited(machine, milliseconds) {
        watch.outside(&event);
    }
}
