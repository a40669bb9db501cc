//! Signatures: ed25519 over a hash in a domain of its own, a developer's over a program, somebody's
//! over the journal of a run or over a vote on a patch.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

use super::Program;

/// Separates signatures of programs from all others made with the same key.
const PROGRAM: &[u8] = b"aither avm program signature v1";
/// The same for those of journals.
const JOURNAL: &[u8] = b"aither avm journal signature v1";
/// … and of votes on patches.
const VOTE: &[u8] = b"aither avm vote signature v1";

/// Who signed a program, and the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The signer's public key.
    pub key: [u8; 32],
    /// The signature over the domain and the program's hash.
    pub bytes: [u8; 64],
}

impl Signature {
    fn of(secret: &[u8; 32], domain: &[u8], hash: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(secret);
        let bytes = key.sign(&[domain, hash].concat()).to_bytes();
        Self { key: key.verifying_key().to_bytes(), bytes }
    }

    fn is_of(&self, domain: &[u8], hash: &[u8; 32]) -> Result<(), SignatureError> {
        let key = VerifyingKey::from_bytes(&self.key).map_err(|_| SignatureError::BadKey)?;
        let bytes = ed25519_dalek::Signature::from_bytes(&self.bytes);
        let message = [domain, hash].concat();
        key.verify_strict(&message, &bytes).map_err(|_| SignatureError::Mismatch)
    }

    /// Signs a journal up to the record with this link.
    pub fn of_journal(secret: &[u8; 32], link: &[u8; 32]) -> Self {
        Self::of(secret, JOURNAL, link)
    }

    /// Checks strictly whether it is one of a journal up to the record with this link.
    pub fn is_of_journal(&self, link: &[u8; 32]) -> Result<(), SignatureError> {
        self.is_of(JOURNAL, link)
    }

    /// Signs a vote with this hash.
    pub fn of_vote(secret: &[u8; 32], hash: &[u8; 32]) -> Self {
        Self::of(secret, VOTE, hash)
    }

    /// Checks strictly whether it is one of a vote with this hash.
    pub fn is_of_vote(&self, hash: &[u8; 32]) -> Result<(), SignatureError> {
        self.is_of(VOTE, hash)
    }
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// The program carries none.
    Missing,
    /// The public key is not a valid point.
    BadKey,
    /// The program is not what was signed, or another key signed it.
    Mismatch,
}

impl core::fmt::Display for SignatureError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Missing => "the program is not signed",
            Self::BadKey => "the signer's public key is not valid",
            Self::Mismatch => "the signature does not match what was signed",
        })
    }
}

impl core::error::Error for SignatureError {}

impl Program {
    /// Signs the program with an ed25519 secret key of 32 bytes.
    pub fn sign(&mut self, secret: &[u8; 32]) {
        self.signature = Some(Signature::of(secret, PROGRAM, &self.hash()));
    }

    /// Checks the signature strictly and returns the signer's public key.
    pub fn verify_signature(&self) -> Result<[u8; 32], SignatureError> {
        let signature = self.signature.ok_or(SignatureError::Missing)?;
        signature.is_of(PROGRAM, &self.hash())?;
        Ok(signature.key)
    }
}
