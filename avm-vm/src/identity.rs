//! Who agents are, what they are called, and what they say outside of their world (P-44, P-45, P-46,
//!
//!
//! A top-level agent has an ed25519 public key, and the hash of it is its [`Id`]. A child's id follows
//! from its parent's and the number of the fork, so no secret is needed to run a world, and whoever has
//! the root's key signs for all below it. Names are entries of a [`Registry`], which only grows; what an
//! agent sends outside is an [`Envelope`] that a [`Gate`] lets in once; an [`Outbox`] stands for all that
//! an agent sent.
//!
//! `spec/names.md` has the rules and the bytes.

pub mod envelope;
pub mod gate;
pub mod name;
pub mod outbox;
pub mod registry;

use alloc::vec::Vec;

use avm_ir::wire::{Reader, WireError, Writer};

pub use envelope::{Envelope, To};
pub use gate::{Gate, Refusal};
pub use name::Name;
pub use outbox::{Outbox, Seal};
pub use registry::{Change, Registry, SeenHead, SignedHead};

/// An ed25519 public key.
pub type Key = [u8; 32];
/// What tells an agent from every other, in every world.
pub type Id = [u8; 32];

/// Most generations below a root.
pub const MAX_DEPTH: usize = 256;

/// Copies of a root are numbered from here on, and its children below: so no copy is ever a child.
pub const FIRST_COPY: u64 = 1 << 63;

/// The id of a top-level agent.
pub fn id_of(key: &Key) -> Id {
    blake3::derive_key("aither avm agent id v1", key)
}

/// The id of an agent's child by its number: that of the fork, or of the copy from [`FIRST_COPY`] on.
pub fn child_id(parent: &Id, number: u64) -> Id {
    let mut hasher = blake3::Hasher::new_derive_key("aither avm child id v1");
    *hasher.update(parent).update(&number.to_le_bytes()).finalize().as_bytes()
}

/// How an agent descends from a root. It is its own proof: anybody can compute the id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lineage {
    /// The key that the root began with. It names the root also when it signs no more.
    root: Key,
    /// The numbers of the children from the root down, at most [`MAX_DEPTH`].
    path: Vec<u64>,
}

impl Lineage {
    /// A top-level agent.
    pub const fn root(key: Key) -> Self {
        Self { root: key, path: Vec::new() }
    }

    /// A child; `None` where there are too many generations.
    pub fn child(&self, number: u64) -> Option<Self> {
        let mut child = self.clone();
        child.path.push(number);
        (child.path.len() <= MAX_DEPTH).then_some(child)
    }

    /// One of several agents with one key, from 0; without a number the only one.
    pub fn of_copy(key: Key, copy: Option<u64>) -> Self {
        let path = copy.map(|copy| FIRST_COPY | copy).into_iter().collect();
        Self { root: key, path }
    }

    /// The key that the root began with.
    pub const fn key(&self) -> &Key {
        &self.root
    }

    /// The numbers of the children from the root down.
    pub fn path(&self) -> &[u64] {
        &self.path
    }

    /// The agent's id. Takes a hash for each generation.
    pub fn id(&self) -> Id {
        self.path.iter().fold(id_of(&self.root), |id, number| child_id(&id, *number))
    }

    /// Appends it: the key, u16 number of generations, u64 each.
    pub fn write(&self, out: &mut Writer) {
        out.raw(&self.root);
        out.u16(self.path.len() as u16);
        self.path.iter().for_each(|number| out.u64(*number));
    }

    /// Reads one.
    pub fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let root = input.hash()?;
        let at = input.offset();
        let depth = usize::from(input.u16()?);
        if depth > MAX_DEPTH {
            return Err(WireError { offset: at, cause: "more than 256 generations" });
        }
        let path = (0..depth).map(|_| input.u64()).collect::<Result<_, _>>()?;
        Ok(Self { root, path })
    }
}
