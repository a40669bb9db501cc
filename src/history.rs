//! What became of a program's code in a run that changed it: versions, changes, named points.

pub(crate) mod draw;

use std::{collections::BTreeSet, sync::Arc};

use avm_ir::Opcode;
use avm_vm::{
    Answer, EffectRequest, Image, Machine, Observer,
    journal::{Event, Journal, Player},
    observer::Rewritten,
};

use crate::report::hex;

/// The lineage of a run's code. Regions are named by their names, versions by their numbers.
#[derive(Debug)]
pub(crate) struct History {
    /// Hash of the program that the run began with.
    pub(crate) program: String,
    /// Executed instructions in all.
    pub(crate) steps: u64,
    pub(crate) versions: Vec<Version>,
    pub(crate) changes: Vec<Change>,
    pub(crate) points: Vec<Point>,
    pub(crate) refused: Vec<Refused>,
}

/// A code that a region had, or was to have.
#[derive(Debug)]
pub(crate) struct Version {
    /// Number, from 1: the `snapshot_id` that the agent goes back to it by.
    pub(crate) number: u32,
    pub(crate) region: String,
    pub(crate) hash: String,
    /// What brought it; nothing did for the code that the program came with.
    pub(crate) made: Option<Made>,
    /// Whether its region has it at the end.
    pub(crate) in_place: bool,
}

/// How a version came to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    /// Executed instructions, `SELF_MODIFY` included.
    pub(crate) step: u64,
    /// The version that it replaces.
    pub(crate) replaced: u32,
    /// Number of the effect that asked for it.
    pub(crate) effect: Option<u64>,
}

/// A region that got another code.
#[derive(Debug)]
pub(crate) struct Change {
    /// Executed instructions before.
    pub(crate) step: u64,
    pub(crate) region: String,
    pub(crate) before: u32,
    pub(crate) after: u32,
    /// Whether the region goes back to a code that it had.
    pub(crate) reverts: bool,
}

/// A point that the agent named.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) number: usize,
    pub(crate) label: String,
    /// Executed instructions, `CREATE_SYSTEM_CHECKPOINT` not included.
    pub(crate) step: u64,
    /// What regions had then, those that were ever replaced: region and version.
    pub(crate) code: Vec<(String, u32)>,
}

/// Code that was asked for and that the agent did not get.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) effect: u64,
    /// Executed instructions before, where somebody was asked.
    pub(crate) step: Option<u64>,
    pub(crate) why: String,
}

/// Sees what happens to the code.
#[derive(Default)]
struct Watch {
    /// Effects that brought code, in order.
    brought: Vec<u64>,
    refused: Vec<(u64, String)>,
    changes: Vec<(u64, Rewritten)>,
}

impl Observer for Watch {
    const STEPS: bool = false;

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, _: u64) {
        if request.opcode != Opcode::SELF_MODIFY {
            return;
        }
        match &answer.result {
            Ok(_) => self.brought.push(request.id),
            Err(failure) => self.refused.push((request.id, failure.to_string())),
        }
    }

    fn rewritten(&mut self, machine: &Machine, change: &Rewritten) {
        self.changes.push((machine.steps(), *change));
    }
}

impl History {
    /// Runs it again as it was recorded. An error says why that cannot be.
    pub(crate) fn of(journal: &Journal, image: Arc<Image>) -> Result<Self, String> {
        let mut player = Player::new(journal, image).map_err(|error| error.to_string())?;
        let mut watch = Watch::default();
        player.run(journal, &mut watch).map_err(|error| error.to_string())?;
        let machine = player.machine();
        let regions = &machine.image().program().regions;
        let name = |region: u32| {
            regions.get(region as usize).map_or_else(String::new, |region| region.name.clone())
        };
        // The agent numbers what it gets in the order in which it gets it.
        let mut brought = watch.brought.into_iter();
        let mut versions = Vec::new();
        for (number, version) in (1..).zip(machine.versions()) {
            let made = (version.before != 0).then(|| Made {
                step: version.step,
                replaced: version.before,
                effect: brought.next(),
            });
            versions.push(Version {
                number,
                region: name(version.region),
                hash: hex(&version.hash),
                made,
                in_place: machine.current_versions().contains(&(version.region, number)),
            });
        }
        let mut had = BTreeSet::new();
        let mut changes = Vec::new();
        for (step, change) in watch.changes {
            had.insert(change.before);
            changes.push(Change {
                step,
                region: name(change.region),
                before: change.before,
                after: change.after,
                reverts: !had.insert(change.after),
            });
        }
        let points = machine.checkpoints().iter().zip(1..).map(|(point, number)| Point {
            number,
            label: point.label.as_str().to_owned(),
            step: point.step,
            code: point.code.iter().map(|(region, version)| (name(*region), *version)).collect(),
        });
        let asked = |effect: u64| {
            let answers = journal.records.iter();
            let mut answers = answers.filter(
                |record| matches!(record.event, Event::Answered { id, .. } if id == effect),
            );
            answers.next().map(|record| record.steps)
        };
        let refused = watch.refused.into_iter();
        let refused = refused.map(|(effect, why)| Refused { effect, step: asked(effect), why });
        Ok(Self {
            program: hex(&machine.image().origin()),
            steps: machine.steps(),
            versions,
            changes,
            points: points.collect(),
            refused: refused.collect(),
        })
    }

    /// Names of the regions whose code changed, in the order in which it first did.
    pub(crate) fn regions(&self) -> Vec<&str> {
        let mut regions: Vec<&str> = Vec::new();
        for version in &self.versions {
            if !regions.contains(&version.region.as_str()) {
                regions.push(&version.region);
            }
        }
        regions
    }
}
