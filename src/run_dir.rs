//! The folder of a run: everything that `avm resume` needs to go on, and `avm replay` to run it again.
//!
//! ```text
//! run.toml          what stands around the run, and which files are valid
//! journal.avmj      what came to it from outside; the program is in it
//! program.avmb      the program, where there is no journal
//! machine-N.avms    the machine when it came to rest for the Nth time
//! providers-N.avmv  what its providers have to remember, a canonical value
//! ```
//!
//! A run that was never suspended has the first two alone. One that comes to rest again writes new files beside the old ones and then replaces `run.toml`,
//! which alone says what is valid: a crash at any time leaves a run that can go on.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use avm_ir::{
    Value,
    program::MAX_PROGRAM,
    value::{decode, encode},
    wire::Reader,
};
use avm_plugins::registry::Registry;
use avm_vm::{
    End, Machine, Meter,
    journal::{Journal, Link},
};
use serde::{Deserialize, Serialize};

use crate::{
    budget,
    cli::Setup,
    exit::{Failure, Outcome},
    files, journal,
    report::{hex, unhex},
};

/// Folder of all runs, below the current one.
pub(crate) const RUNS: &str = ".avm/runs";
pub(crate) const RECORD: &str = "run.toml";
pub(crate) const PROGRAM: &str = "program.avmb";
const VERSION: u32 = 1;
/// Largest `run.toml`, and largest file of a machine or of providers, in bytes.
pub(crate) const MAX_RECORD: u64 = 1 << 20;
const MAX_STATE: u64 = 4 << 30;
/// Most runs of one name in a folder.
const MAX_RUNS: u32 = 100_000;

/// What `run.toml` says.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    /// How often the run came to rest.
    rest: u32,
    /// The program as it was named; its folder may hold the configuration.
    program: PathBuf,
    /// The folder in which the run was started, to which all paths are relative: itself relative to
    /// the folder of the run if that lies in it, so that both can be moved together.
    started_in: PathBuf,
    /// File of `--state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<PathBuf>,
    /// Its journal: relative to the folder of the run if it is the name alone, else to `started_in`.
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<PathBuf>,
    #[serde(default)]
    hashes: Hashes,
    setup: Setup,
}

/// Hashes of the files that are valid, in hexadecimal.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Hashes {
    program: String,
    machine: String,
    providers: String,
    /// The journal when the machine was written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    journal: String,
}

/// The folder of a run, or where it will be.
#[derive(Debug)]
pub(crate) struct RunDir {
    record: Record,
    /// As it is named to people; none where it is still to be chosen.
    named: Option<PathBuf>,
    /// The folder itself; none where it is not there yet.
    folder: Option<PathBuf>,
    /// Held while the run goes on, so that nobody else goes on with it.
    _lock: Option<File>,
    /// Whether somebody goes on with it: then it is kept in any case.
    taken_up: bool,
}

/// A suspended run and how to go on with it.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Its folder.
    pub(crate) folder: String,
    /// The command, in words.
    pub(crate) next: String,
}

/// A run taken up again.
pub(crate) struct Opened {
    pub(crate) dir: RunDir,
    /// How it came to rest last, if it ever did.
    pub(crate) rest: Option<Rest>,
    /// Its journal and the file, if it has one.
    pub(crate) journal: Option<(PathBuf, File, Journal)>,
}

/// A run at rest.
pub(crate) struct Rest {
    pub(crate) machine: Vec<u8>,
    pub(crate) providers: Value,
    /// Link of its journal then.
    pub(crate) link: Option<Link>,
}

impl RunDir {
    /// Plans where a run is kept if it is suspended: in the folder named, which must be new or
    /// empty, or in one of its own.
    pub(crate) fn plan(
        named: Option<&Path>,
        program: &Path,
        state: Option<&Path>,
        setup: &Setup,
    ) -> Outcome<Self> {
        if let Some(folder) = named
            && fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
        {
            let folder = folder.display();
            return Err(Failure::files(format!("{folder}: is not empty; name a new folder")));
        }
        let record = Record {
            version: VERSION,
            rest: 0,
            program: program.to_owned(),
            started_in: PathBuf::new(),
            state: state.map(Path::to_owned),
            journal: None,
            hashes: Hashes::default(),
            setup: setup.clone(),
        };
        let named = named.map(Path::to_owned);
        Ok(Self { record, named, folder: None, _lock: None, taken_up: false })
    }

    /// Makes the folder before the run, for its journal; gives where the journal is to be.
    pub(crate) fn begin(&mut self) -> Outcome<PathBuf> {
        let folder = self.create().map_err(|failure| {
            let error = failure.error;
            Failure::files(format!("{error:#}; --no-journal runs without keeping anything"))
        })?;
        self.record.journal = Some(journal::FILE.into());
        // Before the run there is nothing that a crash could lose.
        let text = self.record_text(&folder)?;
        let file = folder.join(RECORD);
        fs::write(&file, text).map_err(|error| files::about(&file, error))?;
        self.folder = Some(folder);
        Ok(self.named.as_deref().unwrap_or(Path::new("")).join(journal::FILE))
    }

    /// Notes that the journal is in a file of its own.
    pub(crate) fn journal_in(&mut self, file: &Path) {
        self.record.journal = Some(file.to_owned());
    }

    /// Takes up a run: reads its folder, and enters the folder in which it was started.
    pub(crate) fn open(named: &Path) -> Outcome<Opened> {
        let folder = fs::canonicalize(named).map_err(|error| files::about(named, error))?;
        let wrong = |file: &str, why: &dyn std::fmt::Display| {
            Failure::files(format!("{}: {why}", named.join(file).display()))
        };
        if !folder.join(RECORD).is_file() {
            let named = named.display();
            return Err(Failure::files(format!("{named}: not a run, it has no {RECORD}")));
        }
        let text = files::read_text(&folder.join(RECORD), MAX_RECORD)?;
        let record: Record = toml::from_str(&text).map_err(|error| wrong(RECORD, &error))?;
        if record.version != VERSION {
            return Err(wrong(RECORD, &format!("version {} is not known here", record.version)));
        }
        let read = |file: &str, limit: u64, hash: &str| {
            let bytes = files::read(&folder.join(file), limit)?;
            if hash_of(&bytes) == hash {
                return Ok(bytes);
            }
            Err(wrong(file, &"damaged: not the file that was written when the run came to rest"))
        };
        let started_in = folder.join(&record.started_in);
        // Where it is, and as it is named to people.
        let journal = record.journal.as_ref().map(|journal| {
            if journal == Path::new(journal::FILE) {
                (folder.join(journal), named.join(journal))
            } else {
                (started_in.join(journal), journal.clone())
            }
        });
        // What is never replaced is the run's lock.
        let (locked, path) = match &journal {
            Some((path, named)) => {
                (File::options().read(true).write(true).open(path), named.clone())
            }
            None => (File::open(folder.join(PROGRAM)), named.join(PROGRAM)),
        };
        let lock = locked.map_err(|error| files::about(&path, error))?;
        journal::lock(&lock, named)?;
        let rest = if record.rest == 0 {
            None
        } else {
            if journal.is_none() {
                read(PROGRAM, MAX_PROGRAM as u64, &record.hashes.program)?;
            }
            let machine = read(&machine_of(record.rest), MAX_STATE, &record.hashes.machine)?;
            let file = providers_of(record.rest);
            let providers = read(&file, MAX_STATE, &record.hashes.providers)?;
            let mut reader = Reader::new(&providers);
            let value = decode(&mut reader).and_then(|value| reader.end().map(|()| value));
            let providers = value.map_err(|error| wrong(&file, &error))?;
            Some(Rest { machine, providers, link: unhex(&record.hashes.journal) })
        };
        let (journal, lock) = match journal {
            Some((path, named)) => {
                let journal = journal::read_as(&path, &named)?;
                (Some((named, lock, journal)), None)
            }
            None => (None, Some(lock)),
        };
        env::set_current_dir(&started_in).map_err(|error| {
            let why = format!("started_in: {}", files::about(&record.started_in, error).error);
            wrong(RECORD, &why)
        })?;
        let named = Some(named.to_owned());
        let dir = Self { record, named, folder: Some(folder), _lock: lock, taken_up: true };
        Ok(Opened { dir, rest, journal })
    }

    /// What stands around the run.
    pub(crate) const fn setup(&self) -> &Setup {
        &self.record.setup
    }

    /// The program as it was named.
    pub(crate) fn program(&self) -> &Path {
        &self.record.program
    }

    /// The program of a run that came to rest.
    pub(crate) fn program_file(&self) -> PathBuf {
        self.folder.as_deref().unwrap_or(Path::new("")).join(PROGRAM)
    }

    /// File of `--state`.
    pub(crate) fn state(&self) -> Option<&Path> {
        self.record.state.as_deref()
    }

    /// Its name for people.
    pub(crate) fn name(&self) -> String {
        self.named.as_deref().unwrap_or(Path::new(RUNS)).display().to_string()
    }

    /// What people call a run whose journal is in a file: its folder, or else that file.
    pub(crate) fn name_of(&self, journal: &Path) -> String {
        let inside = self.record.journal.as_deref() == Some(Path::new(journal::FILE));
        if inside { self.name() } else { journal.display().to_string() }
    }

    /// Keeps a run that came to rest: always if it was taken up from a folder, so that nobody goes
    /// on with it twice, else if it is suspended. Says how to go on with a suspended one.
    pub(crate) fn keep(
        &mut self,
        machine: &Machine,
        registry: &Registry,
        journal: Option<Link>,
        suspended: bool,
    ) -> Outcome<Option<Kept>> {
        self.record.hashes.journal = journal.map_or_else(String::new, |link| hex(&link));
        match self.folder.clone() {
            Some(folder) if suspended || self.taken_up => self.write(&folder, machine, registry)?,
            None if suspended => {
                let folder = self.create()?;
                let written = self.write(&folder, machine, registry);
                if written.is_err() {
                    // Half a run is of no use; there is nothing better to do if it stays.
                    let _ = fs::remove_dir_all(&folder);
                }
                written?;
            }
            Some(_) | None => {}
        }
        Ok(suspended.then(|| {
            let folder = self.name();
            let next = match machine.unapproved_patch() {
                Some(_) => format!("look at it with: avm approve {} --show", quoted(&folder)),
                None => format!("go on with: avm resume {} {}", quoted(&folder), more(machine)),
            };
            Kept { folder, next }
        }))
    }

    /// Makes the folder and gives it.
    fn create(&mut self) -> Outcome<PathBuf> {
        let named = match &self.named {
            Some(named) => {
                fs::create_dir_all(named).map_err(|error| files::about(named, error))?;
                named.clone()
            }
            None => new_folder(&self.record.program)?,
        };
        let about = |error| files::about(&named, error);
        let folder = fs::canonicalize(&named).map_err(about)?;
        let here = env::current_dir().and_then(fs::canonicalize).map_err(about)?;
        self.record.started_in = match folder.strip_prefix(&here) {
            Ok(inside) => inside.components().map(|_| "..").collect(),
            Err(_) => here,
        };
        self.named = Some(named);
        Ok(folder)
    }

    fn write(&mut self, folder: &Path, machine: &Machine, registry: &Registry) -> Outcome<()> {
        let mut record = self.record.clone();
        record.rest += 1;
        if self.record.rest == 0 && self.record.journal.is_none() {
            let program = machine.image().program().to_bytes();
            record.hashes.program = hash_of(&program);
            files::write(&folder.join(PROGRAM), &program)?;
        }
        let snapshot = machine.snapshot();
        record.hashes.machine = hash_of(&snapshot);
        files::write(&folder.join(machine_of(record.rest)), &snapshot)?;
        let providers = encode(&registry.save());
        record.hashes.providers = hash_of(&providers);
        files::write(&folder.join(providers_of(record.rest)), &providers)?;
        let rest = self.record.rest;
        self.record = record;
        self.write_record(folder)?;
        // From here on the old files are nobody's; one that cannot be removed does no harm.
        for old in [machine_of(rest), providers_of(rest)] {
            let _ = fs::remove_file(folder.join(old));
        }
        Ok(())
    }

    fn write_record(&self, folder: &Path) -> Outcome<()> {
        files::write(&folder.join(RECORD), self.record_text(folder)?.as_bytes())
    }

    fn record_text(&self, folder: &Path) -> Outcome<String> {
        let text = toml::to_string(&self.record);
        text.map_err(|error| Failure::files(format!("{}: {error}", folder.join(RECORD).display())))
    }
}

/// A recorded run, and what it was started with.
#[derive(Debug)]
pub(crate) struct Found {
    /// What people call it.
    pub(crate) name: String,
    pub(crate) journal: PathBuf,
    /// The program as it was named; its folder may hold the configuration.
    pub(crate) program: PathBuf,
    pub(crate) setup: Setup,
}

/// Finds a recorded run as [`journal_of`] does, and enters the folder in which it was started, to
/// which everything about it is relative.
pub(crate) fn find(named: Option<&Path>) -> Outcome<Found> {
    let path = journal_of(named)?;
    let about = |error| files::about(&path, error);
    let journal = fs::canonicalize(&path).map_err(about)?;
    let folder = match named {
        Some(named) if named.is_dir() => named,
        _ => files::folder_of(&path),
    };
    let name = match path.file_name() {
        Some(file) if file == journal::FILE => folder.display().to_string(),
        _ => path.display().to_string(),
    };
    let folder = fs::canonicalize(folder).map_err(about)?;
    let record = folder.join(RECORD);
    if !record.is_file() {
        // A journal by itself lies beside its program, if anywhere.
        let setup = Setup::default();
        return Ok(Found { name, program: journal.clone(), journal, setup });
    }
    let text = files::read_text(&record, MAX_RECORD)?;
    let record: Record = toml::from_str(&text)
        .map_err(|error| Failure::files(format!("{}: {error}", record.display())))?;
    let here = env::current_dir().map_err(about)?;
    let started_in = fs::canonicalize(folder.join(&record.started_in)).map_err(about)?;
    env::set_current_dir(&started_in).map_err(|error| files::about(&started_in, error))?;
    // The name has to hold in that folder too.
    let name = if here == started_in { name } else { folder.display().to_string() };
    Ok(Found { name, journal, program: record.program, setup: record.setup })
}

/// The journal of a run that was named as its folder or as the journal itself; of the latest run in
/// the folder of all runs if it was not named.
pub(crate) fn journal_of(named: Option<&Path>) -> Outcome<PathBuf> {
    let path = match named {
        Some(named) => named.to_owned(),
        None => latest()?,
    };
    if !path.is_dir() {
        return Ok(path);
    }
    let inside = path.join(journal::FILE);
    if inside.is_file() {
        return Ok(inside);
    }
    let text = files::read_text(&path.join(RECORD), MAX_RECORD);
    let record: Option<Record> = text.ok().and_then(|text| toml::from_str(&text).ok());
    match record.and_then(|record| Some(path.join(record.started_in).join(record.journal?))) {
        Some(journal) => Ok(journal),
        None => Err(Failure::files(format!("{}: has no journal", path.display()))),
    }
}

/// The run that was written to last.
fn latest() -> Outcome<PathBuf> {
    let runs = Path::new(RUNS);
    let entries = fs::read_dir(runs).map_err(|_| {
        Failure::files(format!("{RUNS}: there are no runs here; name one, or run a program first"))
    })?;
    let written = |folder: &Path| {
        let journal = fs::metadata(folder.join(journal::FILE)).ok()?;
        Some((journal.modified().ok()?, folder.to_owned()))
    };
    let folders = entries.filter_map(|entry| written(&entry.ok()?.path()));
    let latest = folders.max().map(|(_, folder)| folder);
    latest.ok_or_else(|| Failure::files(format!("{RUNS}: there is no run with a journal")))
}

/// Why a machine that was kept does not go on, if it does not.
pub(crate) fn over(machine: &Machine) -> Option<String> {
    match machine.end() {
        Some(End::Halted(_)) => Some("it halted".to_owned()),
        Some(End::Trapped(trap)) => Some(format!("it trapped, {trap}")),
        Some(End::Exhausted(_) | End::Unapproved(_)) | None => None,
    }
}

fn machine_of(rest: u32) -> String {
    format!("machine-{rest}.avms")
}

fn providers_of(rest: u32) -> String {
    format!("providers-{rest}.avmv")
}

fn hash_of(bytes: &[u8]) -> String {
    hex(blake3::hash(bytes).as_bytes())
}

/// A folder of its own for a run of a program.
pub(crate) fn new_folder(program: &Path) -> Outcome<PathBuf> {
    let runs = Path::new(RUNS);
    fs::create_dir_all(runs).map_err(|error| files::about(runs, error))?;
    let stem = program.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let stem = stem.filter(|_| !files::is_dash(program)).unwrap_or_else(|| "stdin".to_owned());
    for number in 1..=MAX_RUNS {
        let folder = runs.join(format!("{stem}-{number}"));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(files::about(&folder, error)),
        }
    }
    Err(Failure::files(format!("{RUNS}: more than {MAX_RUNS} runs of {stem}")))
}

/// The options that would double what the run waits for.
fn more(machine: &Machine) -> String {
    let Some(End::Exhausted(meter)) = machine.end() else { return String::new() };
    let amount = budget::written(*meter, machine.limit(*meter).max(1));
    match meter {
        Meter::Gas => format!("--gas +{amount}"),
        meter => format!("--budget {}=+{amount}", meter.name()),
    }
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+=:@%".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}
