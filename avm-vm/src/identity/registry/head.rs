//! Heads of registries: what a reader remembers, and what a keeper vouches for.

use avm_ir::{
    program::{Domain, Signature, SignatureError},
    wire::Writer,
};

use super::{HeadError, Link, Registry};
use crate::identity::Key;

/// A state of a registry that somebody saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenHead {
    /// Number of entries.
    pub count: u64,
    /// What stands for them.
    pub head: Link,
}

impl SeenHead {
    fn hash(&self) -> [u8; 32] {
        let mut out = Writer::new();
        out.u64(self.count);
        out.raw(&self.head);
        blake3::derive_key("aither avm registry head v1", &out.finish())
    }
}

/// A head that its keeper signed. Two of one keeper with the same count and different heads prove
/// that it showed different lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// The head.
    pub seen: SeenHead,
    /// The keeper's signature.
    pub signature: Signature,
}

impl SignedHead {
    /// Checks the signature, not whose the key is.
    pub fn check(&self) -> Result<(), SignatureError> {
        self.signature.is_of(Domain::Head, &self.seen.hash())
    }

    /// Whether this and another head prove that their keeper showed different lists. Both have to be
    /// [checked](Self::check) first.
    pub fn contradicts(&self, other: &Self) -> bool {
        self.signature.key == other.signature.key
            && self.seen.count == other.seen.count
            && self.seen.head != other.seen.head
    }
}

impl Registry {
    /// Vouches for the registry as it is, with the keeper's secret key.
    pub fn sign_head(&self, secret: &[u8; 32]) -> Result<SignedHead, HeadError> {
        let seen = self.head();
        let signature = Signature::of(Domain::Head, secret, &seen.hash());
        self.kept_by(&signature.key)?;
        Ok(SignedHead { seen, signature })
    }

    /// Whether all that was seen is part of it, and in its place.
    pub fn extends(&self, seen: &SeenHead) -> Result<(), HeadError> {
        match self.at(seen.count) {
            None => Err(HeadError::Rollback { count: self.head().count, seen: seen.count }),
            Some(head) if head != seen.head => Err(HeadError::Fork { count: seen.count }),
            Some(_) => Ok(()),
        }
    }

    /// Whether all that its keeper vouched for is part of it.
    pub fn extends_signed(&self, signed: &SignedHead) -> Result<(), HeadError> {
        self.kept_by(&signed.signature.key)?;
        signed.check().map_err(|_| HeadError::Forged)?;
        self.extends(&signed.seen)
    }

    fn kept_by(&self, key: &Key) -> Result<(), HeadError> {
        if self.keeper == *key { Ok(()) } else { Err(HeadError::Keeper { key: *key }) }
    }
}
