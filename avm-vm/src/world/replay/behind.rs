//! A replay that begins in the middle: with a snapshot of the world, behind the record that names it.

use alloc::{collections::BTreeMap, string::String, sync::Arc};
use core::fmt;

use avm_ir::Schedule;

use super::{Replay, image};
use crate::world::{
    World, WorldError,
    journal::{Entry, Journal, Record},
};

/// Why a snapshot is not the one that a journal names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The world was priced by another schedule.
    Schedule,
    /// The record names no snapshot.
    Record,
    /// The bytes are not those that were written.
    Bytes,
    /// A program of the journal, and what is wrong with it.
    Code(String),
    /// They are no world that goes on.
    World(WorldError),
    /// They are another world than the record says, or one of another time.
    Stands,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schedule => {
                f.write_str("the world was priced by a schedule that is not known here")
            }
            Self::Record => f.write_str("the record names no snapshot"),
            Self::Bytes => f.write_str("damaged: it is not the one that was written"),
            Self::Code(why) => f.write_str(why),
            Self::World(error) => write!(f, "{error}"),
            Self::Stands => f.write_str("it is another world than the journal says"),
        }
    }
}

impl core::error::Error for Unfit {}

impl<'a> Replay<'a> {
    /// A world as a snapshot of it has it, behind the record of a journal that names the snapshot, counted
    /// as [`Journal::records`] are. What came before is not looked at, but for programs.
    ///
    /// # Errors
    /// It is not the world that the record is about.
    pub fn behind(
        journal: &'a Journal,
        record: usize,
        snapshot: &[u8],
        schedule: Schedule,
    ) -> Result<Self, Unfit> {
        if schedule.hash() != journal.start.schedule {
            return Err(Unfit::Schedule);
        }
        let Some((Record { tick, entry: Entry::Snapshot { mark, world: hash, .. }, .. }, before)) =
            journal.records.get(..=record).and_then(<[Record]>::split_last)
        else {
            return Err(Unfit::Record);
        };
        if blake3::hash(snapshot) != *hash {
            return Err(Unfit::Bytes);
        }
        let mut codes = BTreeMap::new();
        for record in before {
            if let Entry::Code(bytecode) = &record.entry {
                let image = image(bytecode, &schedule).map_err(Unfit::Code)?;
                codes.insert(image.program_hash(), Arc::new(image));
            }
        }
        let world = World::from_bytes(snapshot, &codes).map_err(Unfit::World)?;
        let same = world.hash() == mark.hash && world.ticks() == *tick;
        if !same || *world.rules() != journal.start.rules {
            return Err(Unfit::Stands);
        }
        Ok(Self { world, journal, schedule, next: record + 1, fitted: Some(*tick) })
    }
}
