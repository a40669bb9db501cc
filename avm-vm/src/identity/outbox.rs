//! All that an agent sent, as one hash, and a signature of all of it at once (P-46, P-80).

use avm_ir::{
    program::{Domain, Signature},
    wire::Writer,
};

use super::{Id, Lineage, Refusal, Registry};

/// The chain of what an agent sent. A message costs one keyed hash; no secret is needed, so a world that
/// is replayed makes the same chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outbox {
    /// Messages so far.
    pub count: u64,
    /// What stands for them and their sender.
    pub head: [u8; 32],
}

impl Outbox {
    /// That of an agent that sent nothing.
    pub fn new(sender: &Id) -> Self {
        Self { count: 0, head: blake3::derive_key("aither avm outbox v1", sender) }
    }

    /// Adds a message by its bytes.
    pub fn add(&mut self, message: &[u8]) {
        self.count += 1;
        self.head = *blake3::keyed_hash(&self.head, message).as_bytes();
    }

    /// Signs everything that was sent so far, with the secret key of the sender's root.
    pub fn seal(&self, sender: Lineage, secret: &[u8; 32]) -> Seal {
        let signature = Signature::of(Domain::Outbox, secret, &self.hash(&sender.id()));
        Seal { sender, outbox: *self, signature }
    }

    fn hash(&self, sender: &Id) -> [u8; 32] {
        let mut out = Writer::new();
        out.raw(sender);
        out.u64(self.count);
        out.raw(&self.head);
        blake3::derive_key("aither avm outbox seal v1", &out.finish())
    }
}

/// One signature of everything that an agent sent. Whoever has the messages adds them to an outbox of
/// its own, from the beginning or from an earlier seal on, and compares: then each of them, its place and
/// that none is missing are vouched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Who sent them.
    pub sender: Lineage,
    /// What stands for them.
    pub outbox: Outbox,
    /// The signature of the sender's root.
    pub signature: Signature,
}

impl Seal {
    /// Whether the sender's root vouches for it, by a registry: today's, or one
    /// [as it was](Registry::as_of) when it was sealed. Fails with [`Refusal::Key`], [`Refusal::Signer`]
    /// and [`Refusal::Forged`].
    pub fn check(&self, registry: &Registry) -> Result<(), Refusal> {
        let signer = registry.signer(self.sender.key()).map_err(Refusal::Key)?;
        if self.signature.key != signer {
            return Err(Refusal::Signer { key: self.signature.key });
        }
        let hash = self.outbox.hash(&self.sender.id());
        self.signature.is_of(Domain::Outbox, &hash).map_err(|_| Refusal::Forged)
    }
}
