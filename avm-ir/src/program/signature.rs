//! Signatures: ed25519 over a hash in a domain of its own, a developer's over a program, somebody's
//! over a run, a vote, a name or a message.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

use super::Program;

/// What a signature is of. Each has a domain of its own, so that a signature of one thing is never one
/// of another that has the same hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// A program, by its hash.
    Program,
    /// A journal, by the link of its last record.
    Journal,
    /// A vote on a patch.
    Vote,
    /// An entry of a registry of names.
    Name,
    /// The head of a registry of names.
    Head,
    /// A message that leaves its world.
    Envelope,
    /// Every message that an agent sent.
    Outbox,
}

impl Domain {
    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Program => b"aither avm program signature v1",
            Self::Journal => b"aither avm journal signature v1",
            Self::Vote => b"aither avm vote signature v1",
            Self::Name => b"aither avm name signature v1",
            Self::Head => b"aither avm registry head signature v1",
            Self::Envelope => b"aither avm envelope signature v1",
            Self::Outbox => b"aither avm outbox signature v1",
        }
    }
}

/// Who signed something, and the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The signer's public key.
    pub key: [u8; 32],
    /// The signature over the domain and the hash.
    pub bytes: [u8; 64],
}

/// The public key of a secret one.
pub fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(secret).verifying_key().to_bytes()
}

impl Signature {
    /// Signs with an ed25519 secret key of 32 bytes.
    pub fn of(domain: Domain, secret: &[u8; 32], hash: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(secret);
        let bytes = key.sign(&[domain.prefix(), hash].concat()).to_bytes();
        Self { key: key.verifying_key().to_bytes(), bytes }
    }

    /// Checks strictly whether it is one of this hash in this domain.
    pub fn is_of(&self, domain: Domain, hash: &[u8; 32]) -> Result<(), SignatureError> {
        let key = VerifyingKey::from_bytes(&self.key).map_err(|_| SignatureError::BadKey)?;
        let bytes = ed25519_dalek::Signature::from_bytes(&self.bytes);
        let message = [domain.prefix(), hash].concat();
        key.verify_strict(&message, &bytes).map_err(|_| SignatureError::Mismatch)
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
        self.signature = Some(Signature::of(Domain::Program, secret, &self.hash()));
    }

    /// Checks the signature strictly and returns the signer's public key.
    pub fn verify_signature(&self) -> Result<[u8; 32], SignatureError> {
        let signature = self.signature.ok_or(SignatureError::Missing)?;
        signature.is_of(Domain::Program, &self.hash())?;
        Ok(signature.key)
    }
}
