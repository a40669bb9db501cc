//! Policies for agents that are given patches, those who vote on them, and what has to be true of a
//! run under one, looked at without the code that judges patches.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use avm_asm::patch::condition;
use avm_ir::{
    NameKind, Opcode, Program,
    program::{Patch, Perm, Perms, Region, public_key},
};
use avm_vm::{
    Machine, Meter,
    policy::{Approval, Invariant, OpSet, Policy, Rate, Rules, Vote, VoteError},
};

use crate::Entropy;

/// Secret keys of those who vote; the last one is of nobody whom a policy lists.
const SECRETS: [[u8; 32]; 4] = [[1; 32], [2; 32], [3; 32], [9; 32]];

/// What some forbid, and what some keep.
const FORBIDDEN: [&[&str]; 4] =
    [&["SELF_MODIFY"], &["outside"], &["state", "REVERT_CODE"], &["MUL"]];
const KEPT: [&[&str]; 3] = [&["LOG"], &["RETURN"], &["NEG", "ADD"]];

/// A random policy for a program, made of clauses that are each right by themselves.
pub(crate) fn policy(entropy: &mut Entropy<'_>, program: &Program, holds: &[&str]) -> Policy {
    let mut policy = Policy::default();
    let regions: Vec<&str> = program.regions.iter().map(|region| region.name.as_str()).collect();
    let some = |entropy: &mut Entropy<'_>| -> String { (*entropy.pick(&regions)).into() };
    if entropy.once_in(6) {
        let few = (0..3).map(|_| some(entropy));
        policy.regions = Some(few.collect());
    }
    if entropy.once_in(4) {
        let left = Perms(entropy.u8() & 0x7F).with(Perm::Execute);
        policy.perms.insert(some(entropy), left);
    }
    if entropy.once_in(4) {
        policy.names.insert((*entropy.pick(&NameKind::ALL), "Further".into()));
    }
    policy.rewrites = entropy.once_in(4).then(|| entropy.below(8) as u32);
    if entropy.once_in(4) {
        let steps = entropy.below(200) as u64;
        policy.rate = Some(Rate { rewrites: entropy.below(4) as u32, steps });
    }
    policy.patch = rules(entropy, program, holds);
    if entropy.once_in(2) {
        policy.region.insert(some(entropy), rules(entropy, program, holds));
    }
    if entropy.once_in(6) {
        policy.approval = Some(approval(entropy));
    }
    policy
}

fn rules(entropy: &mut Entropy<'_>, program: &Program, holds: &[&str]) -> Rules {
    let ops = |words: &[&str]| {
        let mut all = OpSet::NONE;
        words.iter().filter_map(|word| OpSet::of(word)).for_each(|ops| all.extend(&ops));
        all
    };
    let mut rules = Rules::default();
    if entropy.once_in(8) {
        rules.allow = Some(ops(&["control", "data", "arith", "compare", "list", "LOG", "code"]));
    }
    if entropy.once_in(3) {
        rules.forbid = ops(FORBIDDEN[entropy.below(FORBIDDEN.len())]);
    }
    if entropy.once_in(6) {
        rules.keep = ops(KEPT[entropy.below(KEPT.len())]);
    }
    if entropy.once_in(6) {
        let listed: &[&str] = if entropy.once_in(2) { &[] } else { &["alpha"] };
        let listed = listed.iter().map(|name| (*name).to_owned());
        rules.names.insert(*entropy.pick(&NameKind::ALL), listed.collect());
    }
    rules.max_instructions = entropy.once_in(5).then(|| entropy.below(30) as u32);
    rules.max_gas = entropy.once_in(12).then(|| entropy.below(100_000) as u64);
    rules.bound = entropy.once_in(12);
    rules.tests = entropy.once_in(8);
    if entropy.once_in(6) {
        let text = *entropy.pick(holds);
        let check = Arc::new(condition(program, text).expect("it fits the program"));
        rules.invariants.push(Invariant { text: text.into(), check });
    }
    rules
}

fn approval(entropy: &mut Entropy<'_>) -> Approval {
    let of = OpSet::of(["outside", "LOG", "arith"][entropy.below(3)]);
    let of = if entropy.once_in(2) { of } else { None };
    if entropy.once_in(2) {
        return Approval { of, needed: 1, keys: Vec::new() };
    }
    let keys = SECRETS[..3].iter().map(public_key);
    Approval { of, needed: 1 + entropy.below(3) as u32, keys: keys.collect() }
}

/// Somebody says something to the patch that waits; what has to become of it is known beforehand.
pub(crate) fn vote(
    entropy: &mut Entropy<'_>,
    machine: &mut Machine,
    say: impl FnOnce(&mut Machine, &Vote) -> Result<(), VoteError>,
) {
    let (Some(ballot), Some(wanted)) = (machine.ballot(), machine.unapproved_patch()) else {
        return;
    };
    let hash = wanted.hash();
    let before =
        if machine.votes().patch == hash { machine.votes().clone() } else { <_>::default() };
    let approval = machine.policy().and_then(|policy| policy.approval.clone());
    let approval = approval.expect("it waits for approval");
    let (secret, agrees) = (*entropy.pick(&SECRETS), !entropy.once_in(3));
    let mut vote = ballot.sign(&secret, agrees, "so I say".into());
    let kind = entropy.below(10);
    match kind {
        0 => vote.signature = None,
        // Another effect, another run, another patch, or the opposite.
        1 => {
            vote = avm_vm::policy::Ballot { effect: ballot.effect + 1, ..ballot }.sign(
                &secret,
                agrees,
                String::new(),
            )
        }
        2 => vote.agrees = !agrees,
        3 => vote.note = "no".repeat(600),
        4 => drop(vote.signature.as_mut().map(|signature| signature.bytes[entropy.below(64)] ^= 4)),
        _ => {}
    }
    let voter = vote.signature.filter(|_| !approval.keys.is_empty()).map_or([0; 32], |s| s.key);
    let wanted = match (kind, approval.keys.is_empty()) {
        (3, _) => Err(VoteError::TooLong),
        (0, false) => Err(VoteError::Unsigned),
        (_, false) if secret == SECRETS[3] => Err(VoteError::Stranger),
        (1 | 2 | 4, false) => Err(VoteError::Forged),
        _ if before.yes.contains(&voter) || before.no.contains(&voter) => Err(VoteError::Twice),
        _ => Ok(()),
    };
    let state = machine.state_hash();
    assert_eq!(say(machine, &vote), wanted, "{kind}");
    if wanted.is_err() {
        assert_eq!(machine.state_hash(), state, "a vote that does not count changes nothing");
        return;
    }
    let yes = before.yes.len() + usize::from(vote.agrees);
    let no = before.no.len() + usize::from(!vote.agrees);
    let (needed, voters) = (approval.needed as usize, approval.keys.len().max(1));
    assert_eq!(machine.end().is_none(), yes >= needed || voters - no < needed);
}

/// What has to stay true of one run, from its first step on.
pub(crate) struct Guard {
    policy: Option<Policy>,
    /// The program as it was.
    before: Program,
    limits: Vec<u64>,
    /// Nanogas used, and versions that were looked at.
    used: u64,
    looked: usize,
}

impl Guard {
    pub(crate) fn of(machine: &Machine) -> Self {
        Self {
            policy: machine.policy().cloned(),
            before: machine.image().program().clone(),
            limits: Meter::ALL.iter().map(|meter| machine.limit(*meter)).collect(),
            used: 0,
            looked: 0,
        }
    }

    /// Whether nothing got further than program and policy allow.
    pub(crate) fn look(&mut self, machine: &Machine) {
        let limits = Meter::ALL.iter().map(|meter| machine.limit(*meter));
        assert!(limits.eq(self.limits.iter().copied()), "nobody raised a limit");
        if machine.pending().is_none() {
            assert!(machine.gas_used() >= self.used, "what was used is used");
            self.used = machine.gas_used();
        }
        assert_eq!(machine.policy().map(Policy::hash), self.policy.as_ref().map(Policy::hash));
        let Some(policy) = self.policy.take() else { return };
        self.bits(machine, &policy);
        self.versions(machine, &policy);
        self.policy = Some(policy);
    }

    /// No bit more than program and operator give, and nothing changed without one.
    fn bits(&self, machine: &Machine, policy: &Policy) {
        for (at, before) in (0..).zip(&self.before.regions) {
            let bits = machine.perms(at);
            assert_eq!(bits.0 & !before.perms.0, 0, "{bits:?}");
            if let Some(left) = policy.perms.get(&before.name) {
                assert_eq!(bits.without_lock() & !left.0, 0, "{bits:?}");
            }
            let listed = policy.regions.as_ref().is_none_or(|listed| listed.contains(&before.name));
            if !listed || !bits.has(Perm::Modify) && !bits.has(Perm::Append) {
                assert_eq!(&machine.image().program().regions[at as usize], before);
            }
        }
    }

    /// Every code that came since the last look keeps to what can be seen of it.
    fn versions(&mut self, machine: &Machine, policy: &Policy) {
        let all = machine.versions();
        let rewrites: Vec<u64> = all.iter().filter(|v| v.before > 0).map(|v| v.step).collect();
        assert!(policy.rewrites.is_none_or(|most| rewrites.len() <= most as usize));
        if let Some(rate) = policy.rate {
            let more = rate.rewrites as usize + 1;
            let close = |few: &[u64]| few[more - 1] - few[0] <= rate.steps;
            assert!(!rewrites.windows(more).any(close), "{rewrites:?}");
        }
        for version in all.iter().skip(self.looked).filter(|version| version.before > 0) {
            let region = &version.patch.region;
            let old = &machine.version(version.before).expect("it is there").patch.region;
            for rules in
                [Some(&policy.patch), policy.region.get(&region.name)].into_iter().flatten()
            {
                kept(rules, &self.before, old, &version.patch);
            }
        }
        self.looked = all.len();
    }
}

trait WithoutLock {
    fn without_lock(self) -> u8;
}

impl WithoutLock for Perms {
    fn without_lock(self) -> u8 {
        self.0 & !(Perm::Lock as u8)
    }
}

/// The clauses that are cheap to see.
fn kept(rules: &Rules, program: &Program, old: &Region, patch: &Patch) {
    let new = &patch.region;
    for instr in &new.code {
        assert!(!rules.forbid.has(instr.op), "{:?}", instr.op);
        assert!(rules.allow.is_none_or(|allowed| allowed.has(instr.op)), "{:?}", instr.op);
    }
    let count = |region: &Region| -> BTreeMap<Opcode, usize> {
        let kept = region.code.iter().filter(|instr| rules.keep.has(instr.op));
        kept.fold(BTreeMap::new(), |mut all, instr| {
            *all.entry(instr.op).or_default() += 1;
            all
        })
    };
    let now = count(new);
    for (op, before) in count(old) {
        assert!(now.get(&op).is_some_and(|now| *now >= before), "{op:?}");
    }
    assert!(rules.max_instructions.is_none_or(|most| new.code.len() <= most as usize));
    let tested: BTreeSet<&str> = program.tests.iter().map(|test| test.region.as_str()).collect();
    assert!(!rules.tests || tested.contains(new.name.as_str()));
    let (names, computed) = new.reached();
    for (kind, name) in names {
        let listed = rules.names.get(&kind);
        assert!(listed.is_none_or(|listed| listed.contains(name)), "{name}");
    }
    assert!(!computed.iter().any(|kind| rules.names.contains_key(kind)));
}
