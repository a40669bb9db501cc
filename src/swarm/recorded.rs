//! A world again, from its journal, on as many threads as there are.

use std::path::{Path, PathBuf};

use avm_ir::{
    Schedule,
    program::{Domain, Signature},
};
use avm_vm::{
    journal::Tail,
    world::{
        Keep, Next, Replay, Stop, World,
        journal::{Entry, Journal},
    },
};

use super::{interrupt::Interrupt, pool::Pool, tape};
use crate::{
    exit::{Failure, Outcome},
    files,
    journal::Kept,
    run_dir::RUNS,
};

/// Largest journal that is read, in bytes.
const MAX_JOURNAL: u64 = 4 << 30;

/// The journal of a world, and where it is.
pub(crate) struct Recorded {
    pub(crate) path: PathBuf,
    /// What people call the run.
    pub(crate) name: String,
    pub(crate) journal: Journal,
}

impl Recorded {
    /// Opens the run that is named by its folder or its journal; the latest one without a name.
    pub(crate) fn open(named: Option<&Path>) -> Outcome<Self> {
        let named = match named {
            Some(named) => named.to_owned(),
            None => latest()?,
        };
        let path = if named.is_dir() { named.join(tape::FILE) } else { named.clone() };
        if named.is_dir() && !path.is_file() {
            let (named, file) = (named.display(), tape::FILE);
            return Err(Failure::files(format!("{named}: not a run of a swarm, it has no {file}")));
        }
        let bytes = files::read(&path, MAX_JOURNAL)?;
        let journal = Journal::read(&bytes)
            .map_err(|error| Failure::files(format!("{}: {error}", path.display())))?;
        Ok(Self { path, name: named.display().to_string(), journal })
    }

    /// Opens the journal of a run that goes on: from now on nobody else does.
    pub(crate) fn hold(folder: &Path) -> Outcome<(Self, Kept)> {
        // Before it is read: what somebody else still wrote would be cut off.
        let kept = Kept::hold(&folder.join(tape::FILE))?;
        Ok((Self::open(Some(folder))?, kept))
    }

    /// Plays it to where nothing more was written; whoever looks on sees everything.
    pub(crate) fn play(
        &self,
        threads: usize,
        interrupt: &Interrupt,
        keep: &mut impl Keep,
    ) -> Outcome<(World, Stop)> {
        self.play_on(self.beginning()?, threads, interrupt, keep)
    }

    /// Its world before the first tick.
    pub(crate) fn beginning(&self) -> Outcome<Replay<'_>> {
        Replay::new(&self.journal, Schedule::v1()).map_err(|differs| self.wrong(&differs))
    }

    fn wrong(&self, why: &dyn std::fmt::Display) -> Failure {
        Failure::files(format!("{}: {why}", self.path.display()))
    }

    /// The same of a world that was played up to somewhere, or is a snapshot.
    pub(crate) fn play_on(
        &self,
        mut replay: Replay<'_>,
        threads: usize,
        interrupt: &Interrupt,
        keep: &mut impl Keep,
    ) -> Outcome<(World, Stop)> {
        let stop = Pool::with(threads, |pool| {
            loop {
                match replay.next(keep).map_err(|differs| self.wrong(&differs))? {
                    Next::Turns(turns) => {
                        let turns = pool.run(turns);
                        replay.commit(turns, keep);
                    }
                    Next::Passed => {}
                    Next::Stop(stop) => return Ok(stop),
                }
                if interrupt.came() {
                    return Err(self.wrong(&"stopped"));
                }
            }
        })?;
        Ok((replay.into_world(), stop))
    }

    /// Why it is not whole, if it is not.
    pub(crate) fn torn(&self, world: &World, stop: Stop) -> Option<String> {
        if let Tail::Torn { whole, rest } = self.journal.tail {
            return Some(format!("{rest} bytes behind byte {whole} are no whole record"));
        }
        let tick = world.ticks();
        (stop == Stop::Cut).then(|| {
            format!("the run was cut off: it is replayed up to tick {tick}, where nothing more was written")
        })
    }

    /// Whose signatures it carries, each of everything before it.
    pub(crate) fn signers(&self) -> Outcome<Vec<[u8; 32]>> {
        let mut signers = Vec::new();
        let mut before = self.journal.first;
        for record in &self.journal.records {
            if let Entry::Signed { key, signature } = &record.entry {
                let signature = Signature { key: *key, bytes: *signature };
                signature.is_of(Domain::Journal, &before).map_err(|error| {
                    let (path, offset) = (self.path.display(), record.offset);
                    Failure::files(format!("{path}: signature at byte {offset}: {error}"))
                })?;
                signers.push(*key);
            }
            before = record.link;
        }
        Ok(signers)
    }

    /// How many marks it has.
    pub(crate) fn marks(&self) -> usize {
        self.count(|entry| matches!(entry, Entry::Mark(_) | Entry::Rested(_)))
    }

    /// How many snapshots it names.
    pub(crate) fn snapshots(&self) -> usize {
        self.count(|entry| matches!(entry, Entry::Snapshot { .. }))
    }

    fn count(&self, what: impl Fn(&Entry) -> bool) -> usize {
        self.journal.records.iter().filter(|record| what(&record.entry)).count()
    }
}

/// The run of a swarm that was written to last.
pub(crate) fn latest() -> Outcome<PathBuf> {
    let none = || Failure::files(format!("{RUNS}: there is no run of a swarm; name one"));
    let entries = std::fs::read_dir(RUNS).map_err(|_| none())?;
    let written = |folder: PathBuf| {
        let journal = std::fs::metadata(folder.join(tape::FILE)).ok()?;
        Some((journal.modified().ok()?, folder))
    };
    let folders = entries.filter_map(|entry| written(entry.ok()?.path()));
    folders.max().map(|(_, folder)| folder).ok_or_else(none)
}
