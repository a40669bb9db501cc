//! Who agrees to a patch, and who does not.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::fmt;

use avm_ir::{
    program::{Domain, Patch, Signature},
    wire::Writer,
};

use super::Approval;

/// A patch that waits until enough agreed to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The patch.
    pub patch: Arc<Patch>,
    /// Why it is asked for, for people.
    pub why: String,
}

impl Wanted {
    /// What is voted on: BLAKE3 of all of the patch, names of registers included.
    pub fn hash(&self) -> [u8; 32] {
        ballot_hash(&self.patch)
    }
}

pub(crate) fn ballot_hash(patch: &Patch) -> [u8; 32] {
    blake3::derive_key("aither avm patch v1", &patch.to_bytes())
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a patch of region {} waits for approval: {}", self.patch.region.name, self.why)
    }
}

/// What somebody says to a patch that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Whether it may be taken.
    pub agrees: bool,
    /// Who says so, by a signature over [`Ballot::hash`]; nobody has to sign where the policy has no
    /// keys.
    pub signature: Option<Signature>,
    /// What the agent is told if it is refused.
    pub note: String,
}

/// Longest note, in bytes.
pub const MAX_NOTE: usize = 1000;

/// What a vote is about: one patch of one effect of one run, under one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// Identity of the run.
    pub run: [u8; 32],
    /// Hash of the program that the run began with.
    pub program: [u8; 32],
    /// Number of the effect.
    pub effect: u64,
    /// BLAKE3 hash of the patch's bytes, under the context `aither avm patch v1`.
    pub patch: [u8; 32],
    /// Hash of the policy.
    pub policy: [u8; 32],
}

impl Ballot {
    /// What is signed.
    pub fn hash(&self, agrees: bool) -> [u8; 32] {
        let mut out = Writer::new();
        for hash in [&self.run, &self.program, &self.patch, &self.policy] {
            out.raw(hash);
        }
        out.u64(self.effect);
        out.u8(u8::from(agrees));
        blake3::derive_key("aither avm approval v1", &out.finish())
    }

    /// A vote of whoever has a secret key.
    pub fn sign(&self, secret: &[u8; 32], agrees: bool, note: String) -> Vote {
        let signature = Some(Signature::of(Domain::Vote, secret, &self.hash(agrees)));
        Vote { agrees, signature, note }
    }
}

/// Why a vote does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteError {
    /// The run waits for no approval.
    NotWaiting,
    /// The policy has keys, and the vote is not signed.
    Unsigned,
    /// The key is none of the policy's.
    Stranger,
    /// The signature is not one of this patch in this run.
    Forged,
    /// The key has voted already.
    Twice,
    /// The note is too long.
    TooLong,
}

impl fmt::Display for VoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotWaiting => "the run waits for no approval",
            Self::Unsigned => "the policy wants signed votes",
            Self::Stranger => "the key is none of those that the policy lists",
            Self::Forged => "the signature is not one of this patch in this run",
            Self::Twice => "the key has voted already",
            Self::TooLong => "a note has at most 1000 bytes",
        })
    }
}

impl core::error::Error for VoteError {}

/// The votes on the patch that waits, or that is asked for again after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Votes {
    /// The patch.
    pub patch: [u8; 32],
    /// Who agreed; zeros for whoever runs the agent.
    pub yes: Vec<[u8; 32]>,
    /// Who did not.
    pub no: Vec<[u8; 32]>,
    /// What the first of those said.
    pub note: String,
}

/// How votes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// More are wanted.
    Open,
    Granted,
    /// Too many are against it for the others to be enough.
    Refused,
}

impl Votes {
    /// The votes on a patch before the first one.
    pub(crate) fn on(patch: [u8; 32]) -> Self {
        Self { patch, ..Self::default() }
    }

    /// Whether nobody voted.
    pub(crate) const fn is_none(&self) -> bool {
        self.yes.is_empty() && self.no.is_empty()
    }

    pub(crate) fn standing(&self, approval: &Approval) -> Standing {
        let voters = approval.keys.len().max(1);
        let needed = approval.needed.max(1) as usize;
        if self.yes.len() >= needed {
            Standing::Granted
        } else if voters.saturating_sub(self.no.len()) < needed {
            Standing::Refused
        } else {
            Standing::Open
        }
    }

    /// Counts a vote.
    pub(crate) fn count(
        &mut self,
        vote: &Vote,
        approval: &Approval,
        ballot: &Ballot,
    ) -> Result<(), VoteError> {
        if vote.note.len() > MAX_NOTE {
            return Err(VoteError::TooLong);
        }
        let voter = match &vote.signature {
            _ if approval.keys.is_empty() => [0; 32],
            None => return Err(VoteError::Unsigned),
            Some(signature) if !approval.keys.contains(&signature.key) => {
                return Err(VoteError::Stranger);
            }
            Some(signature) => {
                let hash = ballot.hash(vote.agrees);
                signature.is_of(Domain::Vote, &hash).map_err(|_| VoteError::Forged)?;
                signature.key
            }
        };
        if self.yes.contains(&voter) || self.no.contains(&voter) {
            return Err(VoteError::Twice);
        }
        if vote.agrees {
            self.yes.push(voter);
        } else {
            if self.no.is_empty() {
                self.note.clone_from(&vote.note);
            }
            self.no.push(voter);
        }
        Ok(())
    }
}
