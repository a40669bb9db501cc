//! The developer's signature: ed25519 over the program's hash in a domain of its own.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

use super::Program;

/// Separates these signatures from all others made with the same key.
const DOMAIN: &[u8] = b"aither avm program signature v1";

/// Who signed a program, and the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The signer's public key.
    pub key: [u8; 32],
    /// The signature over the domain and the program's hash.
    pub bytes: [u8; 64],
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
            Self::Mismatch => "the signature does not match the program",
        })
    }
}

impl core::error::Error for SignatureError {}

impl Program {
    fn signed_message(&self) -> [u8; 63] {
        let mut message = [0; 63];
        let (domain, hash) = message.split_at_mut(DOMAIN.len());
        domain.copy_from_slice(DOMAIN);
        hash.copy_from_slice(&self.hash());
        message
    }

    /// Signs the program with an ed25519 secret key of 32 bytes.
    pub fn sign(&mut self, secret: &[u8; 32]) {
        let key = SigningKey::from_bytes(secret);
        let signature = key.sign(&self.signed_message());
        self.signature =
            Some(Signature { key: key.verifying_key().to_bytes(), bytes: signature.to_bytes() });
    }

    /// Checks the signature strictly and returns the signer's public key.
    pub fn verify_signature(&self) -> Result<[u8; 32], SignatureError> {
        let signature = self.signature.ok_or(SignatureError::Missing)?;
        let key = VerifyingKey::from_bytes(&signature.key).map_err(|_| SignatureError::BadKey)?;
        let bytes = ed25519_dalek::Signature::from_bytes(&signature.bytes);
        key.verify_strict(&self.signed_message(), &bytes).map_err(|_| SignatureError::Mismatch)?;
        Ok(signature.key)
    }
}
