//! An agent that looks at its own code and changes it (whitepaper §8.3, §8.5).
//!
//! What may be done to a region follows from three things: whether the agent is in observer mode, the
//! region's permission bits, and what the region is. `spec/rewriting.md` has the table.
//!
//! A patch comes from outside as an answer ([`Patch`]), since the machine has no assembler, and is
//! believed in nothing: it has one region and no more, it has to fit that region's interface and the
//! program's manifest, and the program with it has to pass the validator. Whatever fails leaves the old
//! code, sets the rewrite word and is in the trace like any failed effect.
//!
//! *Code is swapped between steps, and a region as a whole.* It is replaced at once if nothing runs in
//! it; else as soon as no call is inside it and control has left it. So what runs in a region finishes
//! the code it began, and whoever comes into the region next runs the new one.

use alloc::{sync::Arc, vec::Vec};

use avm_ir::{DefaultValue, Opcode, Value, program::Patch, value::Record, wire::hex};

use super::{Image, Machine, pending::Inputs};
use crate::{
    agent::{Checkpoint, Version},
    effect::{Answer, Args, Failure, FailureCode, OwnCode},
    observer::Rewritten,
    rewrite::{self, MAX_VERSIONS, failure},
};

/// Most tests that one instruction runs.
pub(super) const MAX_TESTS: usize = 1000;

/// A patch that was looked at and fits.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) patch: Arc<Patch>,
    pub(super) image: Arc<Image>,
    pub(super) region: u32,
}

impl Machine {
    /// Why an instruction about the agent's own code is refused before anybody is asked.
    pub(super) fn forbidden(&self, op: Opcode, args: &Inputs<'_>) -> Option<Failure> {
        let region = args.first().copied().flatten();
        rewrite::forbidden(self.image.program(), &self.agent, op, region)
    }

    /// Looks at the patch that an answer brings; what is wrong with it becomes the answer.
    pub(super) fn prepare(&self, op: Opcode, args: &Args, answer: &mut Answer) -> Option<Prepared> {
        if !matches!(op, Opcode::SELF_MODIFY | Opcode::SELF_MODIFY_SANDBOX) {
            return None;
        }
        // Whoever answers does not say what it costs.
        (answer.units, answer.cost) = (0, 0);
        let Ok(outputs) = &answer.result else { return None };
        let looked = match (outputs.first(), args.first()) {
            (Some(Value::Bytes(bytes)), Some(Some(Value::Text(name)))) => self.fits(bytes, name),
            _ => Err(failure(FailureCode::Internal, "the answer is no patch")),
        };
        match looked {
            Ok(prepared) => {
                answer.units = prepared.patch.region.code.len() as u64;
                Some(prepared)
            }
            Err(failure) => {
                answer.result = Err(failure);
                None
            }
        }
    }

    /// Tries a patch out instead of taking it, within so much gas, and makes what came of it the answer.
    pub(super) fn try_patch(
        &self,
        prepared: &Prepared,
        args: &Args,
        gas: u64,
        answer: &mut Answer,
    ) {
        let row = Opcode::SELF_MODIFY_SANDBOX.info().inputs[2].default;
        let most = match (args.get(2), row) {
            (Some(Some(Value::Int(most))), _) => *most,
            (_, DefaultValue::Int(most)) => most,
            _ => 0,
        };
        let most = usize::try_from(most).unwrap_or(0).min(MAX_TESTS);
        match self.try_out(&prepared.image, prepared.region, most, gas) {
            Ok(verdict) => {
                answer.cost = verdict.gas();
                answer.result = Ok(alloc::vec![verdict.record()]);
            }
            Err(failure) => answer.result = Err(failure),
        }
    }

    pub(super) fn fits(&self, bytes: &[u8], name: &str) -> Result<Prepared, Failure> {
        let patch = Patch::from_bytes(bytes).map_err(|error| {
            failure(FailureCode::InvalidArgument, alloc::format!("the patch: {error}"))
        })?;
        if patch.region.name != name {
            let message = alloc::format!("the patch is one of region {}", patch.region.name);
            return Err(failure(FailureCode::InvalidArgument, message));
        }
        if self.agent.rewrites.versions.len() + 2 > MAX_VERSIONS {
            let message =
                alloc::format!("the agent has {MAX_VERSIONS} versions of its code already");
            return Err(failure(FailureCode::TooLarge, message));
        }
        if let Some(failure) = rewrite::crowded(&self.agent.rewrites) {
            return Err(failure);
        }
        // Registers that a waiting patch brings keep their numbers.
        let latest = self.image.latest(&self.agent.rewrites)?;
        let image = latest.as_ref().unwrap_or(&self.image).patched(&patch)?;
        let region = self.image.region_number(name)?;
        Ok(Prepared { patch: Arc::new(patch), image: Arc::new(image), region })
    }

    /// The program as whoever is asked about it sees it: with what waits to be replaced.
    pub(super) fn own_code(&self) -> Option<OwnCode> {
        let latest = self.image.latest(&self.agent.rewrites).ok()?;
        Some(OwnCode(latest.map_or_else(|| self.image.clone(), Arc::new)))
    }

    /// The number of the code that a region has; the one the program came with gets its number now.
    fn number_of(&mut self, region: u32) -> u32 {
        if let Some(number) = self.agent.rewrites.latest(region) {
            return number;
        }
        let name = &self.image.program().regions[region as usize].name;
        // Every region has a code.
        let Some(patch) = Patch::of(self.image.program(), name) else { return 0 };
        let rewrites = self.agent.rewrites.own();
        let number = rewrites.keep(region, Arc::new(patch), 0, 0, true);
        rewrites.set(region, number);
        number
    }

    /// Gives a region the code that was prepared; gives what SELF_MODIFY says of it, and what was
    /// replaced.
    pub(super) fn rewrite(&mut self, prepared: Prepared) -> (Value, Vec<Rewritten>) {
        let Prepared { patch, image, region } = prepared;
        let before = self.number_of(region);
        let step = self.agent.steps;
        let number = self.agent.rewrites.own().keep(region, patch, before, step, false);
        let hash = self.agent.rewrites.version(number).map_or([0; 32], |version| version.hash);
        let (status, replaced) = self.replace(region, number, image);
        let said = Record::from_iter([
            ("status", Value::text(status)),
            ("snapshot_id", Value::Int(i64::from(before))),
            ("version", Value::Int(i64::from(number))),
            ("hash", Value::from(hex(&hash))),
        ]);
        (Value::Record(said), replaced)
    }

    /// Lets a region have a version, now or as soon as nothing runs in it.
    fn replace(
        &mut self,
        region: u32,
        number: u32,
        image: Arc<Image>,
    ) -> (&'static str, Vec<Rewritten>) {
        if !self.runs_in(region) && !self.waits_to_rewrite() {
            return ("OK", alloc::vec![self.swap(region, number, image)]);
        }
        self.agent.rewrites.own().waiting.push(number);
        let replaced = self.catch_up();
        let waits = self.agent.rewrites.waiting.contains(&number);
        (if waits { "WAITING" } else { "OK" }, replaced)
    }

    fn swap(&mut self, region: u32, after: u32, image: Arc<Image>) -> Rewritten {
        self.open();
        self.image = image;
        // A region has a version by the time it gets another one.
        let before = self.agent.rewrites.current_of(region).unwrap_or(0);
        self.agent.rewrites.own().set(region, after);
        Rewritten { region, before, after }
    }

    /// Puts a version that is kept into its region.
    fn install(&mut self, number: u32) -> Option<Rewritten> {
        let version = self.agent.rewrites.version(number).cloned()?;
        // It fitted when it was kept, and since then names were only added.
        let image = self.image.patched(&version.patch).ok()?;
        Some(self.swap(version.region, number, Arc::new(image)))
    }

    /// Whether control or a call is inside a region.
    fn runs_in(&self, region: u32) -> bool {
        self.region == region || self.frames.iter().any(|frame| frame.at().region == region)
    }

    /// Whether code waits until it may be replaced.
    pub(super) fn waits_to_rewrite(&self) -> bool {
        !self.agent.rewrites.waiting.is_empty()
    }

    /// Replaces regions in which nothing runs any more, in the order in which the patches came: a
    /// later one may rely on an earlier one. Gives what was replaced.
    #[cold]
    pub(super) fn catch_up(&mut self) -> Vec<Rewritten> {
        let mut replaced = Vec::new();
        while let Some(number) = self.agent.rewrites.waiting.first().copied() {
            let region = self.agent.rewrites.version(number).map_or(0, |version| version.region);
            if self.runs_in(region) {
                break;
            }
            self.agent.rewrites.own().waiting.remove(0);
            replaced.extend(self.install(number));
        }
        replaced
    }

    /// Every code that the agent's regions have had, in the order in which they came.
    pub fn versions(&self) -> &[Version] {
        &self.agent.rewrites.versions
    }

    /// One of them by its number, from 1.
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.agent.rewrites.version(number)
    }

    /// The points that the agent named.
    pub fn checkpoints(&self) -> &[Checkpoint] {
        &self.agent.rewrites.checkpoints
    }

    /// The version of each region that was ever replaced: index of the region and number, from 1.
    pub fn current_versions(&self) -> &[(u32, u32)] {
        &self.agent.rewrites.current
    }

    /// Whether the agent is in observer mode.
    pub fn observes(&self) -> bool {
        self.agent.rewrites.observer
    }
}
