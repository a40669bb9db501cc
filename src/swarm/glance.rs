//! A run of a swarm at a glance, for the list of runs: of its journal the first record and the heads of the
//! others are read, and what its summary says, if that is of the same world.

use std::path::{Path, PathBuf};

use avm_vm::world::{Rest, Skim, skim};
use serde::Deserialize;

use super::{folder, tape};
use crate::{exit::Exit, files, report::hex, runs::Pieces};

/// Largest summary that is read, in bytes.
const MAX_SUMMARY: u64 = 256 << 20;

/// What is seen of it.
#[derive(Debug)]
pub(crate) struct Glance {
    /// Its journal.
    pub(crate) journal: PathBuf,
    /// The file of the swarm as it was named.
    pub(crate) file: PathBuf,
    pub(crate) stands: Stands,
    /// Ticks that were written down.
    pub(crate) ticks: u64,
    /// Agents, messages and nanogas, of a run at rest.
    pub(crate) sums: Option<Sums>,
}

/// How it stands.
#[derive(Debug)]
pub(crate) enum Stands {
    /// It came to its end, as the command exited.
    Over(Exit),
    /// It waits, or was stopped.
    Suspended,
    /// It was cut off.
    Cut,
    /// It cannot be read, and why.
    Broken(String),
}

/// What it came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    pub(crate) agents: u32,
    pub(crate) messages: u64,
    pub(crate) gas: u64,
}

/// What of `summary.json` is of interest.
#[derive(Deserialize)]
struct Summary {
    world: String,
    exit: i32,
    over: bool,
    messages: u64,
    gas: u64,
}

/// Looks at a folder; `None` if it is none of a swarm's run.
pub(crate) fn look(at: &Path) -> Option<Glance> {
    if !folder::is_one(at) {
        return None;
    }
    let begun = at.join(tape::FILE);
    let is_begun = begun.is_file();
    let journal = if is_begun { begun } else { at.join(tape::NEW) };
    let (file, wrong) = match folder::file_of(at) {
        Ok(file) => (file, None),
        Err(failure) => (PathBuf::new(), Some(format!("{:#}", failure.error))),
    };
    let mut glance = Glance { journal, file, stands: Stands::Cut, ticks: 0, sums: None };
    let pieces = Pieces::open(&glance.journal);
    let skimmed = pieces.and_then(|mut file| skim(file.size, |at, into| file.read(at, into)));
    match skimmed {
        _ if !is_begun => glance.stands = Stands::Broken("it was cut off before it began".into()),
        Err(error) => glance.stands = Stands::Broken(error.to_string()),
        Ok(Skim { ticks, rest, .. }) => {
            glance.ticks = ticks;
            if let Some(rest) = rest {
                glance.rested(at, rest);
            }
        }
    }
    if let Some(why) = wrong {
        glance.stands = Stands::Broken(why);
    }
    Some(glance)
}

impl Glance {
    /// A summary of another world is of an earlier rest: then nobody was told of this one.
    fn rested(&mut self, at: &Path, rest: Rest) {
        let text = files::read_text(&at.join(folder::SUMMARY), MAX_SUMMARY).ok();
        let summary: Option<Summary> = text.and_then(|text| serde_json::from_str(&text).ok());
        let Some(Summary { world, exit, over, messages, gas }) = summary else { return };
        if world != hex(&rest.hash) {
            return;
        }
        let ends = [Exit::Done, Exit::Trap, Exit::Exhausted];
        self.stands = match ends.into_iter().find(|known| *known as i32 == exit) {
            Some(exit) if over => Stands::Over(exit),
            _ => Stands::Suspended,
        };
        self.sums = Some(Sums { agents: rest.agents, messages, gas });
    }
}
