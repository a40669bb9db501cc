//! The runs that are kept in a folder, at a glance: of each journal its first record and the heads of
//! the others are read, and how the run came to rest. Answers and texts are skipped, so a long list
//! costs little; nothing is checked but that, which is what `avm replay` is for.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::SystemTime,
};

use avm_vm::{
    Meter, OnExhausted,
    journal::{Link, Parent, Rest, Skim, skim},
};
use serde::Deserialize;

use crate::{
    exit::{Exit, Failure, Outcome},
    files,
    run_dir::{self, MAX_RECORD, PROGRAM, RECORD},
    swarm::glance::{self, Glance, Sums},
};

/// Bytes of a journal that are read at a time.
const BUFFER: usize = 8 << 10;

/// A run that is kept.
#[derive(Debug)]
pub(crate) struct Run {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// The program, or the file of the swarm, as it was named.
    pub(crate) program: PathBuf,
    /// When it was written to last.
    pub(crate) written: SystemTime,
    /// How it stands.
    pub(crate) stands: Stands,
    /// Executed instructions, as far as they were written down.
    pub(crate) steps: Option<u64>,
    /// Nanogas, of a run at rest.
    pub(crate) gas: Option<u64>,
    /// Ticks that were written down, and what the world came to, of a run of a swarm.
    pub(crate) swarm: Option<(u64, Option<Sums>)>,
    /// The run that it was forked from.
    pub(crate) parent: Option<Parent>,
    /// Folder of that one, if it is among the runs.
    pub(crate) parent_folder: Option<PathBuf>,
    /// Its journal, which may lie elsewhere.
    journal: Option<PathBuf>,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    /// A command goes on with it.
    Running,
    /// It waits for more of a budget, and of which where a journal says so.
    Suspended(Option<Meter>),
    /// It came to its end.
    Over(Rest),
    /// Every agent of the swarm came to its end, and the command exited so.
    All(Exit),
    /// It was cut off, and can go on.
    Cut,
    /// It cannot be read, and why.
    Broken(String),
}

impl Stands {
    /// In a word or two.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Running => "running".to_owned(),
            Self::Suspended(None) => "suspended".to_owned(),
            Self::Suspended(Some(meter)) => format!("suspended, {}", meter.name()),
            Self::Over(Rest::Halted) => "halted".to_owned(),
            Self::Over(Rest::Exhausted(meter)) => format!("exhausted, {}", meter.name()),
            Self::Over(Rest::Trapped(code)) => format!("trapped, {code}"),
            Self::All(Exit::Trap) => "trapped".to_owned(),
            Self::All(Exit::Exhausted) => "exhausted".to_owned(),
            Self::All(_) => "halted".to_owned(),
            Self::Cut => "cut off".to_owned(),
            Self::Broken(_) => "broken".to_owned(),
        }
    }

    /// Whether nobody will go on with it.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self, Self::Over(_) | Self::All(_))
    }
}

/// What of `run.toml` is of interest.
#[derive(Deserialize)]
struct About {
    program: PathBuf,
    rest: u32,
}

/// The runs in a folder, those first that were written to last.
pub(crate) fn list(folder: &Path) -> Outcome<Vec<Run>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(files::about(folder, error)),
    };
    let mut runs = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| files::about(folder, error))?.path();
        // A link may lead to a folder that is somebody else's.
        if path.is_symlink() {
            continue;
        }
        if path.join(RECORD).is_file() {
            runs.push(look(path));
        } else if let Some(glance) = glance::look(&path) {
            runs.push(of_swarm(path, glance));
        }
    }
    runs.sort_by(|a, b| b.written.cmp(&a.written).then_with(|| a.folder.cmp(&b.folder)));
    find_parents(&mut runs);
    Ok(runs)
}

/// The run that the latest one was forked from.
pub(crate) fn parent_of_latest() -> Outcome<PathBuf> {
    let runs = list(Path::new(run_dir::RUNS))?;
    let mut runs = runs
        .into_iter()
        .filter(|run| run.swarm.is_none() && !matches!(run.stands, Stands::Broken(_)));
    let latest = runs.next();
    let Some(Run { folder, parent_folder, .. }) = latest else {
        return Err(Failure::files("there are no runs here to compare; name two"));
    };
    parent_folder.ok_or_else(|| {
        let folder = folder.display();
        Failure::usage(format!(
            "{folder} was forked from no run here; name the one to compare it with"
        ))
    })
}

fn look(folder: PathBuf) -> Run {
    let text = files::read_text(&folder.join(RECORD), MAX_RECORD).map_err(|failure| failure.error);
    let about = text.and_then(|text| Ok(toml::from_str::<About>(&text)?));
    let journal = run_dir::journal_of(Some(&folder)).ok();
    let newest = journal.as_deref().and_then(written).max(written(&folder.join(RECORD)));
    let mut run = Run::of(folder, newest, journal);
    let about = match about {
        Ok(about) => about,
        Err(error) => {
            // The first line says it, the others show the place.
            let why = error.to_string().lines().next().unwrap_or_default().to_owned();
            run.stands = Stands::Broken(format!("{RECORD}: {why}"));
            return run;
        }
    };
    run.program = about.program;
    let skimmed = run.journal.as_deref().map(|journal| skim_file(journal, |_| {}));
    match skimmed {
        // Without a journal only runs are kept that were suspended.
        None if about.rest > 0 => run.stands = Stands::Suspended(None),
        None => run.stands = Stands::Broken("has no journal".to_owned()),
        Some(Err(error)) => run.stands = Stands::Broken(error.to_string()),
        Some(Ok(Skim { start, steps, rest, .. })) => {
            (run.steps, run.parent) = (Some(steps), start.parent);
            run.gas = rest.map(|(_, gas)| gas);
            run.stands = match rest {
                Some((Rest::Exhausted(meter), _))
                    if start.config.on_exhausted == OnExhausted::Suspend =>
                {
                    Stands::Suspended(Some(meter))
                }
                Some((rest, _)) => Stands::Over(rest),
                None => Stands::Cut,
            };
        }
    }
    if run.is_locked() {
        run.stands = Stands::Running;
    }
    run
}

/// When a file was written to last.
fn written(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}

fn of_swarm(folder: PathBuf, glance: Glance) -> Run {
    let Glance { journal, file, stands, ticks, sums } = glance;
    let mut run = Run::of(folder, written(&journal), Some(journal));
    run.program = file;
    run.gas = sums.map(|sums| sums.gas);
    run.swarm = Some((ticks, sums));
    run.stands = match stands {
        glance::Stands::Over(exit) => Stands::All(exit),
        glance::Stands::Suspended => Stands::Suspended(None),
        glance::Stands::Cut => Stands::Cut,
        glance::Stands::Broken(why) => Stands::Broken(why),
    };
    if run.is_locked() {
        run.stands = Stands::Running;
    }
    run
}

impl Run {
    /// One of which nothing else is known.
    fn of(folder: PathBuf, written: Option<SystemTime>, journal: Option<PathBuf>) -> Self {
        Self {
            written: written.unwrap_or(SystemTime::UNIX_EPOCH),
            program: PathBuf::new(),
            stands: Stands::Cut,
            steps: None,
            gas: None,
            swarm: None,
            parent: None,
            parent_folder: None,
            journal,
            folder,
        }
    }

    /// The file that a command holds while it goes on with the run.
    fn lock_file(&self) -> PathBuf {
        self.journal.clone().unwrap_or_else(|| self.folder.join(PROGRAM))
    }

    fn is_locked(&self) -> bool {
        let file = File::open(self.lock_file());
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Removes the folder, unless somebody goes on with the run; whether it did.
    pub(crate) fn remove(&self) -> Outcome<bool> {
        // Held until it is gone, so that nobody begins meanwhile.
        let lock = File::open(self.lock_file()).ok();
        if lock
            .as_ref()
            .is_some_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
        {
            return Ok(false);
        }
        fs::remove_dir_all(&self.folder).map_err(|error| files::about(&self.folder, error))?;
        Ok(true)
    }
}

/// Finds the runs that others were forked from; goes through all journals once more if there are any.
fn find_parents(runs: &mut [Run]) {
    let mut wanted: Vec<(Link, Option<PathBuf>)> =
        runs.iter().filter_map(|run| Some((run.parent?.link, None))).collect();
    if wanted.is_empty() {
        return;
    }
    wanted.sort_unstable();
    wanted.dedup();
    // A fork carries none of its parent's records, so a link is of one run, or of copies of it.
    for run in runs.iter().filter(|run| run.swarm.is_none()) {
        let Some(journal) = &run.journal else { continue };
        let _ = skim_file(journal, |link| {
            if let Ok(at) = wanted.binary_search_by(|(known, _)| known.cmp(link)) {
                wanted[at].1.get_or_insert_with(|| run.folder.clone());
            }
        });
    }
    for run in runs {
        let Some(Parent { link, .. }) = &run.parent else { continue };
        let found = wanted.binary_search_by(|(known, _)| known.cmp(link)).ok();
        run.parent_folder = found.and_then(|at| wanted[at].1.clone());
    }
}

/// Skims the journal in a file; tells of the link of every record.
fn skim_file(path: &Path, mut seen: impl FnMut(&Link)) -> anyhow::Result<Skim> {
    let mut file = Pieces::open(path)?;
    skim(file.size, |at, into| file.read(at, into), |link, _| seen(link))
}

/// A file that is read piece by piece: those that follow closely are read together, far ones are jumped to.
pub(crate) struct Pieces {
    path: PathBuf,
    file: File,
    /// In bytes.
    pub(crate) size: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    begin: u64,
}

impl Pieces {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let about = |error| files::about(path, error).error;
        let file = File::open(path).map_err(about)?;
        let size = file.metadata().map_err(about)?.len();
        Ok(Self { path: path.to_owned(), file, size, buffer: Vec::new(), begin: 0 })
    }

    /// Fills `into` from a place.
    pub(crate) fn read(&mut self, at: u64, into: &mut [u8]) -> anyhow::Result<()> {
        let about = |error| files::about(&self.path, error).error;
        let end = self.begin + self.buffer.len() as u64;
        if at < self.begin || at + into.len() as u64 > end {
            self.file.seek(SeekFrom::Start(at)).map_err(about)?;
            self.buffer.clear();
            let most = into.len().max(BUFFER) as u64;
            (&self.file).take(most).read_to_end(&mut self.buffer).map_err(about)?;
            self.begin = at;
        }
        let from = usize::try_from(at - self.begin)?;
        let bytes = self.buffer.get(from..from + into.len());
        into.copy_from_slice(bytes.ok_or_else(|| anyhow::anyhow!("the journal got shorter"))?);
        Ok(())
    }
}
