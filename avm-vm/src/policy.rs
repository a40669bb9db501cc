//! What an operator allows agents to do with their own code (P-39, P-62, P-72).
//!
//! A program says which of its regions may change; a policy of the operator takes from that and never
//! adds to it, but for names that patches may reach beyond the program's manifest. It belongs to a run
//! like its budget: the journal has it, the state has it, and nothing that an agent does can change it.
//! `spec/policy.md` has every clause and the file that people write.

mod codec;
mod judge;
mod ops;
mod vote;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};
use core::fmt;

use avm_ir::{
    operand::NameKind,
    program::{Patch, Perms},
};

pub use ops::OpSet;
pub use vote::{Ballot, MAX_NOTE, Vote, VoteError, Votes, Wanted};

pub(crate) use codec::{read_vote, read_votes, read_wanted, write_vote, write_votes, write_wanted};
pub(crate) use judge::Judged;
pub(crate) use vote::{Standing, ballot_hash};

/// Most regions, names, invariants and keys that a policy lists of each.
pub const MAX_LISTED: usize = 1 << 12;

/// A policy. The default one takes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The only regions that may be replaced; all that their bits allow if absent.
    pub regions: Option<BTreeSet<String>>,
    /// The bits that the operator leaves a region, of those that the program gave it. `lock` needs
    /// not be left: what is locked stays so.
    pub perms: BTreeMap<String, Perms>,
    /// Names that patches may reach though the program's manifest does not have them.
    pub names: BTreeSet<(NameKind, String)>,
    /// Most rewrites in a run.
    pub rewrites: Option<u32>,
    /// Most rewrites in so many steps.
    pub rate: Option<Rate>,
    /// What holds for patches of every region.
    pub patch: Rules,
    /// What holds for those of one region besides.
    pub region: BTreeMap<String, Rules>,
    /// Which patches people or other programs have to approve.
    pub approval: Option<Approval>,
}

/// At most so many rewrites within so many executed instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub rewrites: u32,
    /// Within how many steps.
    pub steps: u64,
}

/// What holds for the new code of a region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// The only instructions that it may have.
    pub allow: Option<OpSet>,
    /// Instructions that it may not have.
    pub forbid: OpSet,
    /// Instructions of which it may not have fewer than the code that it takes the place of.
    pub keep: OpSet,
    /// For some kinds, the only names that it may reach.
    pub names: BTreeMap<NameKind, BTreeSet<String>>,
    /// Most instructions, functions included.
    pub max_instructions: Option<u32>,
    /// Most nanogas that its body, and one call of each function, may be bound to cost, as far as
    /// that is known without running it; what has no bound is refused.
    pub max_gas: Option<u64>,
    /// Whether those bounds may not be larger than those of the code that it takes the place of.
    pub bound: bool,
    /// Whether the region has to have tests, and all of them have to pass.
    pub tests: bool,
    /// What has to hold in a copy of the agent that has the code: as it is, and after each test.
    pub invariants: Vec<Invariant>,
}

/// An expression that has to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Invariant {
    /// As it is written.
    pub text: String,
    /// A block that asserts it, with the program's registers.
    pub check: Arc<Patch>,
}

/// Who has to agree to a patch before it is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// Which patches: those that have one of these instructions; all if absent.
    pub of: Option<OpSet>,
    /// How many have to agree; at least 1.
    pub needed: u32,
    /// Public keys (ed25519) of those who may. Without any, whoever runs the agent does, unsigned.
    pub keys: Vec<[u8; 32]>,
}

/// The part of a policy that refuses something, as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clause {
    /// The region, where the clause is one of its own.
    pub region: Option<String>,
    /// Which.
    pub kind: ClauseKind,
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.kind.name();
        match (&self.region, self.kind.place()) {
            (Some(region), Place::Rules) => write!(f, "region.{region}.{name}"),
            (None, Place::Rules) => write!(f, "patch.{name}"),
            (Some(region), Place::Region) => write!(f, "{name}.{region}"),
            _ => f.write_str(name),
        }
    }
}

/// Where a clause stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Top,
    /// A table with an entry for each region.
    Region,
    /// `[patch]`, or the table of a region.
    Rules,
}

macro_rules! clauses {
    ($($(#[doc = $doc:literal])+ $place:ident $name:ident $word:literal;)*) => {
        /// Kinds of clauses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ClauseKind {
            $($(#[doc = $doc])+ $name,)*
        }

        impl ClauseKind {
            /// Every kind, in the order in which they are looked at.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its key in the file.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it refuses, for people.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }

            const fn place(self) -> Place {
                match self { $(Self::$name => Place::$place,)* }
            }
        }
    };
}

clauses! {
    /// A region that is not listed.
    Top Regions "regions";
    /// What wants a bit that the operator does not leave.
    Region Perms "perms";
    /// One rewrite more than a run may have.
    Top Rewrites "rewrites";
    /// One rewrite more than so many steps may have.
    Top Rate "rate";
    /// An instruction that is not listed.
    Rules Allow "allow";
    /// An instruction that is listed.
    Rules Forbid "forbid";
    /// Fewer instructions of those listed than before.
    Rules Keep "keep";
    /// A name that is not listed, of a kind that is.
    Rules Names "names";
    /// More instructions.
    Rules MaxInstructions "max_instructions";
    /// A bound on the gas that is larger, or none.
    Rules MaxGas "max_gas";
    /// A bound on the gas that is larger than before.
    Rules Bound "not_dearer";
    /// A test of the region that fails, or a region without tests.
    Rules Tests "tests_pass";
    /// An expression that does not hold.
    Rules Invariants "invariants";
    /// Not enough of those who have to agree.
    Top Approval "approval";
}

impl Policy {
    /// The bits that a region has left, of those that the program gave it.
    pub fn perms(&self, region: &str, given: Perms) -> Perms {
        const LOCK: Perms = Perms(avm_ir::program::Perm::Lock as u8);
        self.perms.get(region).map_or(given, |left| Perms(given.0 & (left.0 | LOCK.0)))
    }

    /// The rules for a region's patches, each with the region whose own they are.
    pub fn rules<'a>(
        &'a self,
        region: &'a str,
    ) -> impl Iterator<Item = (Option<&'a str>, &'a Rules)> {
        let own = self.region.get(region).map(|rules| (Some(region), rules));
        core::iter::once((None, &self.patch)).chain(own)
    }

    /// The clauses that can refuse a patch of a region, in the order in which they are looked at.
    pub fn clauses(&self, region: &str) -> impl Iterator<Item = Clause> {
        let top = ClauseKind::ALL.iter().filter(|kind| match kind {
            ClauseKind::Regions => self.regions.is_some(),
            ClauseKind::Perms => self.perms.contains_key(region),
            ClauseKind::Rewrites => self.rewrites.is_some(),
            ClauseKind::Rate => self.rate.is_some(),
            ClauseKind::Approval => self.approval.is_some(),
            _ => false,
        });
        let mut all: Vec<Clause> = Vec::new();
        for kind in top {
            let of = (*kind == ClauseKind::Perms).then(|| String::from(region));
            all.push(Clause { region: of, kind: *kind });
        }
        for (own, rules) in self.rules(region) {
            let kinds = ClauseKind::ALL.iter().filter(|kind| rules.has(**kind));
            all.extend(kinds.map(|kind| Clause { region: own.map(String::from), kind: *kind }));
        }
        all.sort_by_key(|clause| clause.kind);
        all.into_iter()
    }

    /// What tells it from every other policy.
    pub fn hash(&self) -> [u8; 32] {
        blake3::derive_key("aither avm policy v1", &self.to_bytes())
    }
}

impl Rules {
    /// Whether a clause is written.
    fn has(&self, kind: ClauseKind) -> bool {
        match kind {
            ClauseKind::Allow => self.allow.is_some(),
            ClauseKind::Forbid => !self.forbid.is_empty(),
            ClauseKind::Keep => !self.keep.is_empty(),
            ClauseKind::Names => !self.names.is_empty(),
            ClauseKind::MaxInstructions => self.max_instructions.is_some(),
            ClauseKind::MaxGas => self.max_gas.is_some(),
            ClauseKind::Bound => self.bound,
            ClauseKind::Tests => self.tests,
            ClauseKind::Invariants => !self.invariants.is_empty(),
            ClauseKind::Regions
            | ClauseKind::Perms
            | ClauseKind::Rewrites
            | ClauseKind::Rate
            | ClauseKind::Approval => false,
        }
    }
}
