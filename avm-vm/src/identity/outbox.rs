//! All that an agent sent, as one hash, and a signature of all of it at once (P-46, P-80).

use alloc::vec::Vec;

use avm_ir::{
    program::{Domain, Signature},
    wire::{Reader, WireError, Writer},
};

use super::{Id, Lineage, Refusal, Registry, registry::codec::read_signature};

/// Most marks of a trail.
pub const MAX_MARKS: u64 = 4096;

/// The chain of what an agent sent. A message costs one keyed hash; no secret is needed, so a world that
/// is replayed makes the same chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
}

/// The way of an outbox: the first bytes of its head after every message, or after every second, fourth
/// and so on, so that there are at most [`MAX_MARKS`]. By it the first message is found that is another
/// one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail(Vec<[u8; 8]>);

impl Trail {
    /// Messages between two marks of an outbox of so many.
    pub const fn stride(count: u64) -> u64 {
        let mut shift = 0;
        while count >> shift > MAX_MARKS {
            shift += 1;
        }
        1 << shift
    }

    /// The outbox has one more message.
    pub fn add(&mut self, outbox: &Outbox) {
        let stride = Self::stride(outbox.count);
        if stride > Self::stride(outbox.count - 1) {
            let mut keep = true;
            self.0.retain(|_| {
                keep = !keep;
                keep
            });
        }
        if outbox.count.is_multiple_of(stride) {
            self.0.push(mark(&outbox.head));
        }
    }

    /// The marks.
    pub fn marks(&self) -> &[[u8; 8]] {
        &self.0
    }
}

/// The mark of a head.
pub(crate) fn mark(head: &[u8; 32]) -> [u8; 8] {
    let mut mark = [0; 8];
    mark.copy_from_slice(&head[..8]);
    mark
}

/// One signature of everything that an agent sent in a world. Whoever has the messages adds them to an
/// outbox of its own and compares: then each of them, its place and that none is missing are vouched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// What stands for the world.
    pub world: [u8; 32],
    /// Who sent them.
    pub sender: Lineage,
    /// What stands for them.
    pub outbox: Outbox,
    /// How it came to that.
    pub trail: Trail,
    /// The signature of the sender's root.
    pub signature: Signature,
}

impl Seal {
    /// Signs everything that an agent sent in a world so far, with the secret key of its root.
    pub fn new(
        world: [u8; 32],
        sender: Lineage,
        outbox: Outbox,
        trail: Trail,
        secret: &[u8; 32],
    ) -> Self {
        let signature = Signature { key: [0; 32], bytes: [0; 64] };
        let mut seal = Self { world, sender, outbox, trail, signature };
        seal.signature = Signature::of(Domain::Outbox, secret, &seal.hash());
        seal
    }

    /// What is signed.
    fn hash(&self) -> [u8; 32] {
        let mut out = Writer::new();
        out.raw(&self.world);
        out.raw(&self.sender.id());
        out.u64(self.outbox.count);
        out.raw(&self.outbox.head);
        self.trail.0.iter().for_each(|mark| out.raw(mark));
        blake3::derive_key("aither avm outbox seal v1", &out.finish())
    }

    /// Whether the sender's root vouches for it, by a registry: today's, or one
    /// [as it was](Registry::as_of) when it was sealed. Fails with [`Refusal::Key`], [`Refusal::Signer`]
    /// and [`Refusal::Forged`].
    pub fn check(&self, registry: &Registry) -> Result<(), Refusal> {
        let signer = registry.signer(self.sender.key()).map_err(Refusal::Key)?;
        if self.signature.key != signer {
            return Err(Refusal::Signer { key: self.signature.key });
        }
        self.signature.is_of(Domain::Outbox, &self.hash()).map_err(|_| Refusal::Forged)
    }

    /// Whether this and another seal prove that somebody vouched for two stories of one world. Both have
    /// to be [checked](Self::check) first.
    pub fn contradicts(&self, other: &Self) -> bool {
        (self.world, self.sender.id(), self.outbox.count)
            == (other.world, other.sender.id(), other.outbox.count)
            && self.outbox.head != other.outbox.head
    }
}

/// First bytes of seals, extension `.avms`.
pub const MAGIC: &[u8; 4] = b"AVMS";
/// Version of the format.
pub const VERSION: u16 = 1;

/// Seals of agents of one world, as bytes: at most one for each agent, in the order of ids.
pub fn write_seals(world: &[u8; 32], seals: &[Seal]) -> Vec<u8> {
    let mut out = Writer::new();
    out.raw(MAGIC);
    out.u16(VERSION);
    out.raw(world);
    out.u32(seals.len() as u32);
    for Seal { sender, outbox, trail, signature, .. } in seals {
        sender.write(&mut out);
        out.u64(outbox.count);
        out.raw(&outbox.head);
        trail.0.iter().for_each(|mark| out.raw(mark));
        out.raw(&signature.key);
        out.raw(&signature.bytes);
    }
    out.finish()
}

/// Reads what [`write_seals`] wrote, of which nothing is believed yet. Memory is a small multiple of the
/// bytes.
///
/// # Errors
/// Bytes that it did not write.
pub fn read_seals(bytes: &[u8]) -> Result<([u8; 32], Vec<Seal>), WireError> {
    let mut input = Reader::new(bytes);
    if input.raw(MAGIC.len())? != MAGIC {
        return Err(WireError { offset: 0, cause: "not seals of a world" });
    }
    if input.u16()? != VERSION {
        return Err(WireError { offset: MAGIC.len(), cause: "a version that is not known here" });
    }
    let (world, mut seals, mut last) = (input.hash()?, Vec::new(), None);
    // The shortest has a root, an empty outbox and a signature.
    for _ in 0..input.count(170)? {
        let at = input.offset();
        let sender = Lineage::read(&mut input)?;
        let id = Some(sender.id());
        if last >= id {
            return Err(WireError { offset: at, cause: "seals are not in order" });
        }
        last = id;
        let outbox = Outbox { count: input.u64()?, head: input.hash()? };
        let marks = outbox.count / Trail::stride(outbox.count);
        let read = |_| Ok(input.u64()?.to_le_bytes());
        let trail = Trail((0..marks).map(read).collect::<Result<_, WireError>>()?);
        let signature = read_signature(&mut input)?;
        seals.push(Seal { world, sender, outbox, trail, signature });
    }
    input.end()?;
    Ok((world, seals))
}
