//! The file of a journal: written as the run goes, so that a crash loses nothing that was answered.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use avm_asm::SourceFile;
use avm_ir::{
    Program, Reach, Verified,
    program::{Domain, Signature},
};
use avm_vm::{
    Answer, EffectRequest, Machine, Meter, Observer,
    journal::{Event, Journal, Link, Record, Recorder, Start, Tail, Writer},
    policy::Vote,
};

use crate::{
    exit::{Failure, Outcome},
    files,
};

/// Its name in the folder of a run.
pub(crate) const FILE: &str = "journal.avmj";
/// Largest journal that is read, in bytes.
const MAX_JOURNAL: u64 = 4 << 30;

/// Where everything that comes to a run from outside passes, and is written down if it is to be.
#[derive(Debug)]
pub(crate) struct Tape(Option<Open>);

#[derive(Debug)]
struct Open {
    kept: Kept,
    recorder: Recorder,
}

/// The file of a journal that is being written.
#[derive(Debug)]
pub(crate) struct Kept {
    path: PathBuf,
    /// Locked: nobody else goes on with the run meanwhile.
    file: File,
    /// Whether its folder is known to have it after a power cut.
    placed: bool,
}

impl Tape {
    /// Nothing is written.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// A new journal in a file that must not exist yet.
    pub(crate) fn create(path: &Path, start: &Start, sources: &[SourceFile]) -> Outcome<Self> {
        let kept = Kept::create(path)?;
        let (writer, bytes) = Writer::new(start);
        let mut recorder = Recorder::new(writer, bytes);
        for SourceFile { path, text } in sources {
            let (path, text) = (path.clone(), text.clone());
            recorder.note(0, &Event::Source { path, text });
        }
        let mut open = Open { kept, recorder };
        open.write()?;
        Ok(Self(Some(open)))
    }

    /// Goes on with a journal; what a crash left of a record behind the last whole one goes.
    pub(crate) fn go_on(path: &Path, mut file: File, journal: &Journal) -> Outcome<Self> {
        let about = |error| files::about(path, error);
        if let Tail::Torn { whole, .. } = journal.tail {
            file.set_len(whole as u64).map_err(about)?;
        }
        file.seek(SeekFrom::End(0)).map_err(about)?;
        let recorder = Recorder::new(Writer::behind(journal.link()), Vec::new());
        let kept = Kept { path: path.to_owned(), file, placed: false };
        Ok(Self(Some(Open { kept, recorder })))
    }

    /// Notes that an effect is about to be asked, where its loss would matter. What led to one that
    /// outlives the command is on the disk then.
    pub(crate) fn ask(
        &mut self,
        machine: &Machine,
        request: &EffectRequest,
        outlives: bool,
    ) -> Outcome<()> {
        let Some(open) = &mut self.0 else { return Ok(()) };
        if !open.recorder.ask(machine, request) {
            return Ok(());
        }
        open.write()?;
        if outlives { open.kept.sync() } else { Ok(()) }
    }

    /// Answers the effect that waits; written before the machine runs on.
    pub(crate) fn answer<O: Observer>(
        &mut self,
        machine: &mut Machine,
        answer: Answer,
        observer: &mut O,
    ) -> Outcome<()> {
        let Some((id, reach)) = machine.pending().map(|request| (request.id, request.reach)) else {
            return Ok(());
        };
        let Some(open) = &mut self.0 else {
            // It is the one that waits.
            let _ = machine.answer(id, answer, observer);
            return Ok(());
        };
        let _ = open.recorder.answer(machine, answer, observer);
        open.write()?;
        if moves_money(reach) { open.kept.sync() } else { Ok(()) }
    }

    /// Charges time that passed outside.
    pub(crate) fn spend_wall(&mut self, machine: &mut Machine, milliseconds: u64) -> Outcome<()> {
        let Some(open) = &mut self.0 else {
            machine.spend_wall(milliseconds);
            return Ok(());
        };
        open.recorder.spend_wall(machine, milliseconds);
        open.write()
    }

    /// Raises a limit.
    pub(crate) fn top_up(
        &mut self,
        machine: &mut Machine,
        meter: Meter,
        amount: u64,
    ) -> Outcome<()> {
        let Some(open) = &mut self.0 else {
            machine.top_up(meter, amount);
            return Ok(());
        };
        open.recorder.top_up(machine, meter, amount);
        open.write()
    }

    /// Counts a vote on the patch that the run waits with.
    pub(crate) fn vote(&mut self, machine: &mut Machine, vote: &Vote) -> Outcome<()> {
        let refused = |error| Failure::usage(format!("the vote does not count: {error}"));
        let Some(open) = &mut self.0 else { return machine.vote(vote).map_err(refused) };
        open.recorder.vote(machine, vote).map_err(refused)?;
        open.write()?;
        open.kept.sync()
    }

    /// Notes how the run came to rest.
    pub(crate) fn rest(&mut self, machine: &Machine) -> Outcome<()> {
        let Some(open) = &mut self.0 else { return Ok(()) };
        open.recorder.rest(machine);
        open.write()
    }

    /// Signs everything written so far.
    pub(crate) fn sign(&mut self, machine: &Machine, secret: &[u8; 32]) -> Outcome<()> {
        let Some(open) = &mut self.0 else { return Ok(()) };
        let signed = signed(secret, &open.recorder.link());
        open.recorder.note(machine.steps(), &signed);
        open.write()?;
        open.kept.sync()
    }

    /// Hash of everything written so far.
    pub(crate) fn link(&self) -> Option<Link> {
        self.0.as_ref().map(|open| open.recorder.link())
    }

    /// The file, for people.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.0.as_ref().map(|open| open.kept.path())
    }
}

impl Open {
    fn write(&mut self) -> Outcome<()> {
        let bytes = self.recorder.take();
        self.kept.write(&bytes)
    }
}

impl Kept {
    /// A new file, which must not exist yet.
    pub(crate) fn create(path: &Path) -> Outcome<Self> {
        let about = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Failure::files(format!(
                "{}: exists already, journals are not overwritten",
                path.display()
            )),
            _ => files::about(path, error),
        };
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(about)?;
        lock(&file, path)?;
        Ok(Self { path: path.to_owned(), file, placed: false })
    }

    /// A file that is there, from now on for nobody else. It is read after that, so that what is read is
    /// all there is.
    pub(crate) fn hold(path: &Path) -> Outcome<Self> {
        let about = |error| files::about(path, error);
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(about)?;
        lock(&file, path)?;
        Ok(Self { path: path.to_owned(), file, placed: false })
    }

    /// Goes on behind what was read; what a crash left of a record behind the last whole one goes.
    pub(crate) fn behind(&mut self, tail: Tail) -> Outcome<()> {
        let about = |error| files::about(&self.path, error);
        if let Tail::Torn { whole, .. } = tail {
            self.file.set_len(whole as u64).map_err(about)?;
        }
        self.file.seek(SeekFrom::End(0)).map_err(about)?;
        Ok(())
    }

    /// Gives it another name in its folder, which is there after a power cut, too.
    pub(crate) fn rename(&mut self, name: &str) -> Outcome<()> {
        let path = self.path.with_file_name(name);
        fs::rename(&self.path, &path).map_err(|error| files::about(&path, error))?;
        self.path = path;
        self.place()
    }

    /// Brings its entry in its folder to the disk.
    fn place(&mut self) -> Outcome<()> {
        let placed = File::open(files::folder_of(&self.path)).and_then(|folder| folder.sync_all());
        placed.map_err(|error| files::about(&self.path, error))?;
        self.placed = true;
        Ok(())
    }

    /// For people.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends what comes next.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Outcome<()> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| self.stopped(&error))
    }

    /// Brings everything written so far to the disk.
    pub(crate) fn sync(&mut self) -> Outcome<()> {
        self.file.sync_data().map_err(|error| self.stopped(&error))?;
        if self.placed { Ok(()) } else { self.place() }
    }

    fn stopped(&self, error: &std::io::Error) -> Failure {
        let path = self.path.display();
        Failure::files(format!(
            "{path}: {error}; the run was stopped, because what is not written down cannot be \
             replayed. Up to here it can; --no-journal runs without a journal"
        ))
    }
}

/// A signature of everything up to a link.
pub(crate) fn signed(secret: &[u8; 32], link: &Link) -> Event {
    let Signature { key, bytes } = Signature::of(Domain::Journal, secret, link);
    Event::Signed { key, signature: bytes }
}

/// Whether an answer must be on the disk, and not only with the system, before the run goes on.
pub(crate) const fn moves_money(reach: Reach) -> bool {
    matches!(reach, Reach::Chain | Reach::Ledger)
}

/// Keeps everybody else from a journal as long as the file is open.
pub(crate) fn lock(file: &File, path: &Path) -> Outcome<()> {
    // A program that a killed run was just starting holds the lock until it is another one.
    for _ in 0..20 {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            Err(TryLockError::Error(error)) => return Err(files::about(path, error)),
        }
    }
    let path = path.display();
    Err(Failure::files(format!("{path}: another avm goes on with this run")))
}

/// The effects of a run, as they are answered.
#[derive(Default)]
pub(crate) struct Answered(pub(crate) Vec<EffectRequest>);

impl Observer for Answered {
    const STEPS: bool = false;

    fn effect(&mut self, request: &EffectRequest, _: &Answer, _: u64) {
        self.0.push(request.clone());
    }
}

/// The program of a journal, verified.
pub(crate) fn program(path: &Path, journal: &Journal) -> Outcome<Verified> {
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::files(format!("{}: the program in it: {why}", path.display()))
    };
    let program = Program::from_bytes(&journal.start.program).map_err(|error| wrong(&error))?;
    avm_ir::verify(program).map_err(|error| wrong(&error))
}

/// The texts in a journal.
pub(crate) fn sources(journal: &Journal) -> Vec<SourceFile> {
    let source = |record: &Record| match &record.event {
        Event::Source { path, text } => Some(SourceFile { path: path.clone(), text: text.clone() }),
        _ => None,
    };
    journal.records.iter().filter_map(source).collect()
}

/// Whose signatures a journal carries, each of everything before it.
pub(crate) fn signers(path: &Path, journal: &Journal) -> Outcome<Vec<[u8; 32]>> {
    let mut signers = Vec::new();
    let mut before = journal.first;
    for record in &journal.records {
        if let Event::Signed { key, signature } = &record.event {
            let signature = Signature { key: *key, bytes: *signature };
            signature.is_of(Domain::Journal, &before).map_err(|error| {
                let (path, offset) = (path.display(), record.offset);
                Failure::files(format!("{path}: signature at byte {offset}: {error}"))
            })?;
            signers.push(*key);
        }
        before = record.link;
    }
    Ok(signers)
}

/// Reads the journal in a file.
pub(crate) fn read(path: &Path) -> Outcome<Journal> {
    read_as(path, path)
}

/// The same of a file that is named in another way to people.
pub(crate) fn read_as(path: &Path, named: &Path) -> Outcome<Journal> {
    let bytes = files::read(path, MAX_JOURNAL)?;
    Journal::read(&bytes).map_err(|error| Failure::files(format!("{}: {error}", named.display())))
}
