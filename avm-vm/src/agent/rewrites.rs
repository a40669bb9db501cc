//! What an agent changed of its own code.

use alloc::{string::String, sync::Arc, vec::Vec};

use avm_ir::{
    Value,
    program::{Patch, Region},
    value::Text,
};

use super::shared::Empty;
use crate::{
    effect::{Failure, FailureCode},
    policy::Votes,
    rewrite::failure,
};

/// A code that a region has or had.
#[derive(Clone, Debug)]
pub struct Version {
    /// Index of the region.
    pub region: u32,
    /// The code.
    pub patch: Arc<Patch>,
    /// Its hash, which is asked for more often than it is made.
    pub hash: [u8; 32],
    /// The version that it took the place of, from 1; 0 for the code that the program came with.
    pub before: u32,
    /// Executed instructions when the agent had it.
    pub step: u64,
    /// Whether the region ever had it; else it still waits.
    pub installed: bool,
}

/// A point of the run that the agent gave a name.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Its name.
    pub label: Text,
    /// Executed instructions then.
    pub step: u64,
    /// The version that each replaced region had.
    pub code: Vec<(u32, u32)>,
    /// What the agent's registers held, by name.
    pub state: Value,
}

/// Everything that an agent did with its code. Versions have numbers from 1, in the order in which
/// they came: first the code that the program came with, when it is replaced for the first time.
#[derive(Clone, Debug)]
pub(crate) struct Rewrites {
    /// Whether the agent looks at itself: only then it may read and change its code.
    pub(crate) observer: bool,
    pub(crate) versions: Vec<Version>,
    /// The version that each replaced region has now, by region.
    pub(crate) current: Vec<(u32, u32)>,
    /// Versions that come as soon as nothing runs in their regions.
    pub(crate) waiting: Vec<u32>,
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// Votes on the patch that waits for approval.
    pub(crate) votes: Votes,
    /// Memory of all of it, in bytes.
    pub(crate) heap: u64,
}

impl Default for Rewrites {
    fn default() -> Self {
        Self::EMPTY.clone()
    }
}

impl Empty for Rewrites {
    const EMPTY: &'static Self = &Self {
        observer: false,
        versions: Vec::new(),
        current: Vec::new(),
        waiting: Vec::new(),
        checkpoints: Vec::new(),
        votes: Votes { patch: [0; 32], yes: Vec::new(), no: Vec::new(), note: String::new() },
        heap: 0,
    };
}

/// Memory counted for a version or checkpoint besides what it holds, in bytes.
const ENTRY: u64 = 128;

/// Memory of a region's code, in bytes.
pub(crate) fn weight(region: &Region) -> u64 {
    let consts: u64 = region.consts.iter().map(|value| 16 + value.heap()).sum();
    let labels: u64 = region.labels.iter().map(|label| 32 + label.name.len() as u64).sum();
    let functions: u64 = region.functions.iter().map(|func| 48 + func.name.len() as u64).sum();
    ENTRY
        + 8 * region.code.len() as u64
        + 2 * region.pool.len() as u64
        + consts
        + labels
        + functions
}

impl Rewrites {
    /// A version by its number.
    pub(crate) fn version(&self, number: u32) -> Option<&Version> {
        self.versions.get((number as usize).checked_sub(1)?)
    }

    /// The version that a region has now, or gets as soon as it may; `None` for one that never was
    /// replaced.
    pub(crate) fn latest(&self, region: u32) -> Option<u32> {
        let waiting = self.waiting.iter().rev().copied();
        let mut waiting =
            waiting.filter(|number| self.version(*number).is_some_and(|v| v.region == region));
        waiting.next().or_else(|| self.current_of(region))
    }

    /// The version that a region has now; `None` for one that never was replaced.
    pub(crate) fn current_of(&self, region: u32) -> Option<u32> {
        self.current.iter().find(|(known, _)| *known == region).map(|(_, number)| *number)
    }

    /// Keeps a version, and gives its number.
    pub(crate) fn keep(
        &mut self,
        region: u32,
        patch: Arc<Patch>,
        before: u32,
        step: u64,
        installed: bool,
    ) -> u32 {
        self.heap += weight(&patch.region);
        let hash = patch.hash();
        self.versions.push(Version { region, patch, hash, before, step, installed });
        self.versions.len() as u32
    }

    /// Notes that a region has a version now.
    pub(crate) fn set(&mut self, region: u32, number: u32) {
        let version = (number as usize).checked_sub(1).and_then(|at| self.versions.get_mut(at));
        if let Some(version) = version {
            version.installed = true;
        }
        match self.current.iter_mut().find(|(known, _)| *known == region) {
            Some((_, current)) => *current = number,
            None => {
                let at = self.current.partition_point(|(known, _)| *known < region);
                self.current.insert(at, (region, number));
            }
        }
    }

    /// The checkpoint with a number, or the latest with a label.
    pub(crate) fn checkpoint(&self, name: &Value) -> Result<&Checkpoint, Failure> {
        let found = match name {
            Value::Int(number) => usize::try_from(*number)
                .ok()
                .and_then(|number| self.checkpoints.get(number.checked_sub(1)?)),
            Value::Text(label) => self.checkpoints.iter().rev().find(|point| point.label == *label),
            _ => {
                let message = "a checkpoint is its number, or its label";
                return Err(failure(FailureCode::InvalidArgument, message));
            }
        };
        found.ok_or_else(|| failure(FailureCode::NotFound, "there is no such checkpoint"))
    }

    /// Keeps a checkpoint, and gives its number, from 1.
    pub(crate) fn mark(&mut self, checkpoint: Checkpoint) -> u32 {
        self.heap += ENTRY + checkpoint.label.len() as u64 + checkpoint.state.heap();
        self.checkpoints.push(checkpoint);
        self.checkpoints.len() as u32
    }
}
