//! Snapshots of a world beside its journal: a run that goes on begins with the latest one, and plays only
//! what came behind it.
//!
//! ```text
//! world-TICK.avmo       the world
//! providers-TICK.avmv   what its providers remember, a canonical value
//! ```
//!
//! The journal alone says what counts: a snapshot that no record names, or that is not to the byte what its
//! record says, is none. So a crash at any time leaves a run that goes on from an earlier one.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
    time::{Duration, Instant},
};

use avm_ir::{
    Schedule, Value,
    value::{decode, encode},
    wire::Reader,
};
use avm_vm::{
    World,
    world::{
        Replay,
        journal::{Entry, Journal, Mark, Record},
    },
};

use super::{asks::Asks, tape::Tape};
use crate::{exit::Outcome, files, output::note};

/// How many are kept.
const KEPT: usize = 2;
/// Largest one, in bytes.
const MAX_SNAPSHOT: u64 = 4 << 30;
/// How many times as long as the last one took a run goes on before the next: they cost 2 % of it.
const WORTH: u32 = 50;
/// Shortest time between two.
const SHORTEST: Duration = Duration::from_secs(1);
/// What the first one is taken to cost for each agent, before anybody knows.
const EACH: Duration = Duration::from_micros(10);
/// Ticks between two looks at the clock where nobody was asked anything.
const LOOK: u64 = 64;

/// When snapshots are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum When {
    /// Never; and a run goes on from the beginning of its journal.
    Off,
    /// Where they save more time than they cost.
    #[default]
    Auto,
    /// After so many ticks.
    Every(u64),
}

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "auto" => Ok(Self::Auto),
            ticks => match ticks.parse() {
                Ok(ticks @ 1..) => Ok(Self::Every(ticks)),
                _ => Err("expected auto, off, or a number of ticks"),
            },
        }
    }
}

/// Takes snapshots of a run.
#[derive(Debug)]
pub(crate) struct Snapshots {
    folder: PathBuf,
    when: When,
    /// When the last one was there, or the run began.
    since: Instant,
    /// How long that one took, if there was one.
    took: Option<Duration>,
    /// Ticks of those that are kept, the latest last.
    kept: Vec<u64>,
    /// Ticks when somebody looked at the clock.
    looked: u64,
}

impl Snapshots {
    /// Of a run that began, or began to be played again, at a moment, with a snapshot or without.
    pub(crate) fn of(folder: &Path, when: When, since: Instant, base: Option<u64>) -> Self {
        let kept = base.into_iter().collect();
        Self { folder: folder.to_owned(), when, since, took: None, kept, looked: 0 }
    }

    /// Takes one if it is time, between two ticks. Whether somebody was asked says that time passed.
    pub(crate) fn look(
        &mut self,
        world: &World,
        asked: bool,
        (asks, tape): (&Asks, &mut Tape),
    ) -> Outcome<()> {
        let (ticks, last) = (world.ticks(), self.last());
        let due = match self.when {
            When::Off => false,
            When::Every(every) => ticks >= last.saturating_add(every),
            When::Auto if ticks < self.looked.saturating_add(LOOK) && !asked => false,
            When::Auto => {
                self.looked = ticks;
                ticks > last && self.since.elapsed() >= (self.cost(world) * WORTH).max(SHORTEST)
            }
        };
        if due { self.take(world, asks, tape) } else { Ok(()) }
    }

    /// Takes one of a world that is left to go on later, if playing it again would take longer.
    pub(crate) fn leave(&mut self, world: &World, asks: &Asks, tape: &mut Tape) -> Outcome<()> {
        let worth = self.since.elapsed() >= self.cost(world).max(SHORTEST);
        if self.when == When::Auto && world.ticks() > self.last() && worth {
            self.take(world, asks, tape)?;
        }
        Ok(())
    }

    fn last(&self) -> u64 {
        self.kept.last().copied().unwrap_or(0)
    }

    fn cost(&self, world: &World) -> Duration {
        let agents = u32::try_from(world.len()).unwrap_or(u32::MAX);
        self.took.unwrap_or_else(|| EACH.saturating_mul(agents))
    }

    fn take(&mut self, world: &World, asks: &Asks, tape: &mut Tape) -> Outcome<()> {
        let begin = Instant::now();
        let Some(bytes) = world.to_bytes() else { return Ok(()) };
        let (tick, host) = (world.ticks(), encode(&asks.save()));
        if let Err(why) = self.write(tick, &bytes, &host) {
            note(&format!("warning: {why}; the run goes on, and takes no more snapshots"));
            self.when = When::Off;
            return Ok(());
        }
        let [world_hash, host] = [&bytes, &host].map(|bytes| *blake3::hash(bytes).as_bytes());
        let mark = Mark::of(world);
        tape.snapshot(tick, &Entry::Snapshot { mark, world: world_hash, host })?;
        self.kept.push(tick);
        self.kept.drain(..self.kept.len().saturating_sub(KEPT));
        self.clear();
        (self.since, self.took) = (Instant::now(), Some(begin.elapsed()));
        Ok(())
    }

    fn write(&self, tick: u64, world: &[u8], host: &[u8]) -> Result<(), String> {
        for (path, bytes) in [(world_of(tick), world), (host_of(tick), host)] {
            if bytes.len() as u64 > MAX_SNAPSHOT {
                return Err(format!("{path}: larger than {MAX_SNAPSHOT} bytes"));
            }
            let written = files::write(&self.folder.join(path), bytes);
            written.map_err(|failure| format!("{:#}", failure.error))?;
        }
        Ok(())
    }

    /// Takes away those that nobody needs any more, and what a crash left of others. What cannot be taken
    /// away does no harm.
    fn clear(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(tick) = name.to_str().and_then(tick_of) else { continue };
            if !tick.is_some_and(|tick| self.kept.contains(&tick)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn world_of(tick: u64) -> String {
    format!("world-{tick}.avmo")
}

fn host_of(tick: u64) -> String {
    format!("providers-{tick}.avmv")
}

/// The ticks of a file that is part of a snapshot, none where it is half of one; `None` for other files.
fn tick_of(name: &str) -> Option<Option<u64>> {
    let half = name.strip_prefix('.');
    let begins = |name: &str| name.starts_with("world-") || name.starts_with("providers-");
    if let Some(half) = half {
        return (begins(half) && half.ends_with(".tmp")).then_some(None);
    }
    let (_, tick) = name.split_once('-').filter(|_| begins(name))?;
    let (tick, _) = tick.split_once('.').filter(|(_, kind)| ["avmo", "avmv"].contains(kind))?;
    tick.parse().ok().map(Some)
}

/// The snapshots that a journal names and that may still be there, the latest first: number of the record
/// and ticks.
pub(crate) fn named(journal: &Journal) -> impl Iterator<Item = (usize, u64)> {
    let records = journal.records.iter().enumerate().rev();
    let named = records.filter(|(_, record)| matches!(record.entry, Entry::Snapshot { .. }));
    named.map(|(number, record)| (number, record.tick)).take(KEPT)
}

/// The world behind a record that names a snapshot, and what its providers remember.
pub(crate) fn load<'a>(
    folder: &Path,
    journal: &'a Journal,
    record: usize,
) -> Result<(Replay<'a>, Value), String> {
    let Some(Record { tick, entry: Entry::Snapshot { host, .. }, .. }) =
        journal.records.get(record)
    else {
        return Err("the journal names none".to_owned());
    };
    let read = |name: &str| {
        let bytes = files::read(&folder.join(name), MAX_SNAPSHOT);
        bytes.map_err(|failure| format!("{:#}", failure.error))
    };
    let name = world_of(*tick);
    let replay = Replay::behind(journal, record, &read(&name)?, Schedule::v1());
    let replay = replay.map_err(|unfit| format!("{name}: {unfit}"))?;
    let name = host_of(*tick);
    let bytes = read(&name)?;
    if blake3::hash(&bytes) != *host {
        return Err(format!("{name}: damaged: it is not the one that was written"));
    }
    let mut reader = Reader::new(&bytes);
    let value = decode(&mut reader).and_then(|value| reader.end().map(|()| value));
    Ok((replay, value.map_err(|error| format!("{name}: {error}"))?))
}

#[cfg(test)]
mod tests {
    use super::{When, tick_of};

    #[test]
    fn files_of_snapshots_are_told_from_others() {
        for (name, tick) in [
            ("world-12.avmo", Some(Some(12))),
            ("providers-12.avmv", Some(Some(12))),
            (".world-12.avmo.77-0.tmp", Some(None)),
            (".providers-12.avmv.77-0.tmp", Some(None)),
            ("world.avmw", None),
            ("world-12.svg", None),
            ("world-x.avmo", None),
            (".summary.json.77-0.tmp", None),
            ("swarm.toml", None),
        ] {
            assert_eq!(tick_of(name), tick, "{name}");
        }
    }

    #[test]
    fn when_is_one_of_three() {
        let when = |text: &str| text.parse::<When>().ok();
        assert_eq!(when("auto"), Some(When::Auto));
        assert_eq!(when("off"), Some(When::Off));
        assert_eq!(when("7"), Some(When::Every(7)));
        assert_eq!([when("0"), when("-1"), when("on"), when("")], [None; 4]);
    }
}
