//! The operator's policy on what an agent may do with its own code (P-39, P-62, P-72).
//!
//! What can be known before a patch is there is looked at before anybody is asked: regions, bits, how
//! often. Then comes what the code is, then its tests and what has to hold in a copy, and last the
//! approval of others: nobody is asked to read a patch that would be refused anyway. A patch that
//! lacks approval is put back like an effect that a meter does not cover: the run comes to rest
//! before the effect, and asks again when enough agreed.

use alloc::{format, string::String, sync::Arc};

use avm_ir::{
    Opcode, Value,
    program::{Perms, Region},
};

use super::{End, Image, Machine, rewrite::Prepared};
use crate::{
    agent::Agent,
    effect::{Failure, FailureCode},
    policy::{
        Approval, Ballot, Clause, ClauseKind, Judged, Policy, Standing, Vote, VoteError, Votes,
        Wanted, ballot_hash,
    },
    rewrite::{failure, forbidden},
};

/// What the policy says to a patch.
pub(super) enum Judgement {
    /// It may be taken, after tests that used so many nanogas.
    Passes(u64),
    /// It may not.
    Fails(Failure, u64),
    /// Not until enough agreed to it.
    Waits(Wanted),
    /// Nobody knows: too little gas is left to run the tests.
    Short,
}

/// A refusal that names its clause.
pub(crate) fn refused(clause: &Clause, why: &str) -> Failure {
    failure(FailureCode::Denied, format!("policy clause {clause}: {why}"))
}

fn clause(kind: ClauseKind) -> Clause {
    Clause { region: None, kind }
}

/// The bits that a region has under a policy.
pub(crate) fn perms(policy: Option<&Policy>, region: &Region) -> Perms {
    policy.map_or(region.perms, |policy| policy.perms(&region.name, region.perms))
}

/// What a policy refuses before there is a patch: how often, and which regions.
pub(crate) fn forbids(agent: &Agent, op: Opcode, region: &Region) -> Option<Failure> {
    let policy = agent.policy.as_deref()?;
    let name = &region.name;
    if let Some(regions) = &policy.regions
        && !regions.contains(name)
    {
        return Some(refused(&clause(ClauseKind::Regions), &format!("{name} is none of them")));
    }
    if op != Opcode::SELF_MODIFY {
        return None;
    }
    // Codes that the program came with are versions too, without one before them.
    let rewrites = || agent.rewrites.versions.iter().filter(|version| version.before > 0);
    if let Some(most) = policy.rewrites
        && rewrites().count() >= most as usize
    {
        let why = format!("the run had its {most} rewrites");
        return Some(refused(&clause(ClauseKind::Rewrites), &why));
    }
    let rate = policy.rate?;
    let since = agent.steps.saturating_sub(rate.steps);
    let lately = rewrites().rev().take_while(|version| version.step >= since).count();
    let why = || format!("{lately} rewrites within the last {} steps", rate.steps);
    (lately >= rate.rewrites as usize).then(|| refused(&clause(ClauseKind::Rate), &why()))
}

impl Machine {
    /// What the operator allows the agent to do with its code, if that is less than the program does.
    pub fn policy(&self) -> Option<&Policy> {
        self.agent.policy.as_deref()
    }

    /// The same, to be shared.
    pub(crate) fn policy_of(&self) -> Option<Arc<Policy>> {
        self.agent.policy.clone()
    }

    /// The bits that a region has: the program's, as far as the operator leaves them.
    pub fn perms(&self, region: u32) -> Perms {
        let regions = &self.image.program().regions;
        let region = regions.get(region as usize);
        region.map_or_else(Perms::default, |region| perms(self.policy(), region))
    }

    /// What the policy says to a patch that fits, with so much gas for tests.
    pub(super) fn judge(&self, op: Opcode, prepared: &Prepared, gas: u64) -> Judgement {
        let Some(policy) = self.policy() else { return Judgement::Passes(0) };
        let latest = match self.image.latest(&self.agent.rewrites) {
            Ok(latest) => latest,
            Err(failure) => return Judgement::Fails(failure, 0),
        };
        let judged = Judged {
            old: latest.as_ref().unwrap_or(&self.image).verified(),
            new: prepared.image.verified(),
            region: prepared.region,
            patch: &prepared.patch,
            schedule: &self.image.schedule,
        };
        if let Some((clause, why)) = policy.refusal(&judged) {
            return Judgement::Fails(refused(&clause, &why), 0);
        }
        if op != Opcode::SELF_MODIFY {
            return Judgement::Passes(0);
        }
        let used = match self.tested(policy, prepared, gas) {
            Ok(used) => used,
            Err(judgement) => return judgement,
        };
        match policy.approval.as_ref().and_then(|approval| self.unapproved(approval, prepared)) {
            None => Judgement::Passes(used),
            Some(Ok(wanted)) => Judgement::Waits(wanted),
            Some(Err(failure)) => Judgement::Fails(failure, used),
        }
    }

    /// Runs the region's tests if the policy wants to see them pass.
    fn tested(&self, policy: &Policy, prepared: &Prepared, gas: u64) -> Result<u64, Judgement> {
        let name = prepared.patch.region.name.as_str();
        let strict = policy.rules(name).find(|(_, rules)| rules.tests);
        let held = policy.rules(name).find(|(_, rules)| !rules.invariants.is_empty());
        if strict.is_none() && held.is_none() {
            return Ok(0);
        }
        let most = if strict.is_some() { super::rewrite::MAX_TESTS } else { 0 };
        let verdict = self.try_out(&prepared.image, prepared.region, most, gas);
        let verdict = verdict.map_err(|failure| Judgement::Fails(failure, 0))?;
        if verdict.short {
            return Err(Judgement::Short);
        }
        let no = |own: Option<&str>, kind, why: &str| {
            let clause = Clause { region: own.map(String::from), kind };
            Judgement::Fails(refused(&clause, why), verdict.gas())
        };
        if let Some((clause, why)) = &verdict.broken {
            return Err(Judgement::Fails(refused(clause, why), verdict.gas()));
        }
        if let Some((own, _)) = strict {
            if verdict.tests.is_empty() {
                return Err(no(own, ClauseKind::Tests, &format!("region {name} has no test")));
            }
            if let Some(test) = verdict.tests.iter().find(|test| test.failed.is_some()) {
                let why = test.failed.as_deref().unwrap_or_default();
                return Err(no(own, ClauseKind::Tests, &format!("{}: {why}", test.name)));
            }
        }
        Ok(verdict.gas())
    }

    /// Whether a patch lacks approval: what is wanted, or why it will not get it.
    fn unapproved(
        &self,
        approval: &Approval,
        prepared: &Prepared,
    ) -> Option<Result<Wanted, Failure>> {
        let region = &prepared.patch.region;
        let risky = match &approval.of {
            None => None,
            // Without such an instruction nobody need be asked.
            Some(ops) => Some(region.code.iter().find(|instr| ops.has(instr.op))?.op),
        };
        let patch = ballot_hash(&prepared.patch);
        let votes = &self.agent.rewrites.votes;
        let standing = if votes.patch == patch { votes.standing(approval) } else { Standing::Open };
        match standing {
            Standing::Granted => None,
            Standing::Refused => {
                let why = match votes.note.as_str() {
                    "" => "it was refused",
                    note => note,
                };
                Some(Err(refused(&clause(ClauseKind::Approval), why)))
            }
            Standing::Open => {
                let needed = approval.needed.max(1);
                let of = match approval.keys.len() {
                    0 => String::new(),
                    keys => format!("{needed} of {keys} have to agree"),
                };
                let why = match (risky, of.is_empty()) {
                    (None, true) => String::from("every patch has to be approved"),
                    (None, false) => of,
                    (Some(op), true) => format!("it has {}", op.mnemonic()),
                    (Some(op), false) => format!("it has {}; {of}", op.mnemonic()),
                };
                Some(Ok(Wanted { patch: prepared.patch.clone(), why }))
            }
        }
    }

    /// The patch that waits for approval, if the run does.
    pub fn unapproved_patch(&self) -> Option<&Wanted> {
        match &self.end {
            Some(End::Unapproved(wanted)) => Some(wanted),
            _ => None,
        }
    }

    /// What those who vote on it sign.
    pub fn ballot(&self) -> Option<Ballot> {
        Some(Ballot {
            run: self.agent.run,
            program: self.image.origin(),
            effect: self.agent.effects,
            patch: self.unapproved_patch()?.hash(),
            policy: self.policy()?.hash(),
        })
    }

    /// Who agreed to the patch that waits, and who did not.
    pub fn votes(&self) -> &Votes {
        &self.agent.rewrites.votes
    }

    /// Counts a vote on the patch that waits. If it decides, the run goes on: the machine asks for the
    /// patch again, and takes it only if it is the one that was voted on.
    ///
    /// # Errors
    /// The vote does not count, and everything stays as it was.
    pub fn vote(&mut self, vote: &Vote) -> Result<(), VoteError> {
        let (Some(wanted), Some(ballot)) = (self.unapproved_patch(), self.ballot()) else {
            return Err(VoteError::NotWaiting);
        };
        let approval = self.policy().and_then(|policy| policy.approval.clone());
        let Some(approval) = approval else { return Err(VoteError::NotWaiting) };
        let (old, patch) = (&self.agent.rewrites.votes, wanted.hash());
        let mut votes = if old.patch == patch { old.clone() } else { Votes::on(patch) };
        votes.count(vote, &approval, &ballot)?;
        let decided = votes.standing(&approval) != Standing::Open;
        self.agent.rewrites.own().votes = votes;
        if decided {
            self.end = None;
        }
        Ok(())
    }

    /// What would become of a patch of a region if the agent, in observer mode, wanted to take it now.
    /// Nothing changes.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn consider(&self, region: &str, patch: &[u8]) -> Result<Option<Wanted>, Failure> {
        let mut copy = self.clone();
        copy.agent.rewrites.own().observer = true;
        let (op, name) = (Opcode::SELF_MODIFY, Value::text(region));
        let program = copy.image.program();
        if let Some(failure) = forbidden(program, &copy.agent, op, Some(&name)) {
            return Err(failure);
        }
        let prepared = copy.fits(patch, region)?;
        match copy.judge(op, &prepared, copy.agent.gas) {
            Judgement::Passes(_) => Ok(None),
            Judgement::Waits(wanted) => Ok(Some(wanted)),
            Judgement::Fails(failure, _) => Err(failure),
            Judgement::Short => {
                let message = "the gas left does not cover the tests that the policy wants";
                Err(failure(FailureCode::GasLimit, message))
            }
        }
    }

    /// Puts the machine back before the effect just fetched, whose patch lacks approval.
    pub(super) fn wait_for_approval(&mut self, charged: u64, wanted: Wanted) {
        self.agent.gas += charged;
        self.pc -= 1;
        self.end = Some(End::Unapproved(Arc::new(wanted)));
    }

    /// Forgets the votes: the effect that they were about is over.
    pub(super) fn close_votes(&mut self) {
        if !self.agent.rewrites.votes.is_none() {
            self.agent.rewrites.own().votes = Votes::default();
        }
    }

    /// Whether the run stands still and can go on: with more on a meter, or with the votes of others.
    pub fn is_suspended(&self) -> bool {
        match &self.end {
            Some(End::Exhausted(_)) => self.on_exhausted == super::OnExhausted::Suspend,
            Some(End::Unapproved(_)) => true,
            _ => false,
        }
    }
}

impl Image {
    /// The image as a policy has it: names that patches may reach are in the manifest from the start,
    /// so that the program is the same whatever was patched first.
    pub(crate) fn under(self: Arc<Self>, policy: Option<&Policy>) -> Arc<Self> {
        let Some(policy) = policy.filter(|policy| !policy.names.is_empty()) else { return self };
        if self.program().manifest.names.is_superset(&policy.names) {
            return self;
        }
        let mut program = self.program().clone();
        program.manifest.names.extend(policy.names.iter().cloned());
        program.signature = None;
        match avm_ir::verify(program) {
            Ok(verified) => Arc::new(self.with(verified, &[false; crate::exec::WINDOW])),
            // More names make no program worse; too many of them may.
            Err(_) => self,
        }
    }
}
