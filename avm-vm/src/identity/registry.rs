//! The registry of names: a list of signed entries that only grows.
//!
//! Each entry is signed over the chain before it and itself by everybody whom it concerns, so whoever
//! keeps a registry can neither make, change nor move one. What a keeper can do is to show an old part of
//! it, or one list to some and another to others: so whoever reads one remembers its head
//! ([`SeenHead`]) and looks whether the next one [extends](Registry::extends) it.
//!
//! Rotating a key keeps the identity: the id stays that of the first key, and with it names, children and
//! wallets. Transferring gives a name to another identity.

pub(crate) mod codec;
mod error;
mod head;

use alloc::{collections::BTreeMap, vec::Vec};

use avm_ir::{
    program::{Domain, Signature, public_key},
    wire::Writer,
};

pub use codec::MAGIC;
pub use error::{HeadError, Missing, Refused, RegistryError};
pub use head::{SeenHead, SignedHead};

use super::{Id, Key, Name, id_of};

/// Version of the format.
pub const VERSION: u16 = 1;

/// Hash of an entry and of all before it.
pub type Link = [u8; 32];

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Gives a name that nobody had to the identity of a key. Signed by the key, and by the holder of
    /// the name above if there is one.
    Claim {
        /// The name.
        name: Name,
        /// The key.
        key: Key,
    },
    /// Puts another key in place of one; the identity stays. Signed by both.
    Rotate {
        /// The key so far.
        old: Key,
        /// One that no identity ever had.
        new: Key,
    },
    /// Gives a name to the identity of another key. Signed by the holder and that key.
    Transfer {
        /// The name.
        name: Name,
        /// The key.
        key: Key,
    },
    /// Takes a name away for good. Signed by its holder.
    Revoke {
        /// The name.
        name: Name,
    },
    /// Ends an identity: nothing is signed for it any more, and its names are nobody's for good. Signed
    /// by its key.
    Retire {
        /// The key.
        key: Key,
    },
}

impl Change {
    /// The name that it is about.
    pub const fn name(&self) -> Option<&Name> {
        match self {
            Self::Claim { name, .. } | Self::Transfer { name, .. } | Self::Revoke { name } => {
                Some(name)
            }
            Self::Rotate { .. } | Self::Retire { .. } => None,
        }
    }
}

/// A signed change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it does.
    pub change: Change,
    /// Signatures of [`Registry::signers`], in their order.
    pub signatures: Vec<Signature>,
}

/// Whose a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its id, that of its first key.
    pub id: Id,
    /// The key that signs for it.
    pub key: Key,
}

/// A registry whose entries were all checked. Memory is a small multiple of its bytes.
#[derive(Clone, Debug)]
pub struct Registry {
    keeper: Key,
    entries: Vec<Entry>,
    /// Heads by the number of entries before, from 0 on.
    heads: Vec<Link>,
    /// Every name that there ever was; `None` for one that was revoked.
    names: BTreeMap<Name, Option<Id>>,
    /// Every identity, with its key; `None` for one that was retired.
    keys: BTreeMap<Id, Option<Key>>,
    /// Every key that ever was an identity's.
    owners: BTreeMap<Key, Id>,
}

impl Registry {
    /// An empty one. Its keeper is who signs its heads; entries of registries with other keepers do
    /// not fit.
    pub fn new(keeper: Key) -> Self {
        Self {
            keeper,
            entries: Vec::new(),
            heads: alloc::vec![codec::first_head(&keeper)],
            names: BTreeMap::new(),
            keys: BTreeMap::new(),
            owners: BTreeMap::new(),
        }
    }

    /// Who signs its heads.
    pub const fn keeper(&self) -> &Key {
        &self.keeper
    }

    /// Its entries, the oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many entries there are, and what stands for all of them.
    pub fn head(&self) -> SeenHead {
        let head = self.heads.last().copied().unwrap_or_default();
        SeenHead { count: self.entries.len() as u64, head }
    }

    /// The head when there were so many entries; `None` if there never were.
    pub fn at(&self, count: u64) -> Option<Link> {
        self.heads.get(usize::try_from(count).ok()?).copied()
    }

    /// The registry when there were so many entries; `None` if there never were.
    pub fn as_of(&self, count: u64) -> Option<Self> {
        let mut past = Self::new(self.keeper);
        for entry in self.entries.get(..usize::try_from(count).ok()?)? {
            past.apply(entry.clone());
        }
        Some(past)
    }

    /// Whose a name is.
    pub fn resolve(&self, name: &Name) -> Result<Holder, Missing> {
        let id = self.names.get(name).ok_or(Missing::Unknown)?.ok_or(Missing::Revoked)?;
        let key = self.keys.get(&id).copied().flatten().ok_or(Missing::Retired)?;
        Ok(Holder { id, key })
    }

    /// Every name that somebody has, in their order.
    pub fn names(&self) -> impl Iterator<Item = (&Name, Result<Holder, Missing>)> {
        self.names.keys().map(|name| (name, self.resolve(name)))
    }

    /// The identity that a key signs for, or once did.
    pub fn owner(&self, key: &Key) -> Option<Id> {
        self.owners.get(key).copied()
    }

    /// The key that the identity began with for which a key signs now. That is the key itself, unless an
    /// entry says otherwise.
    pub fn root_of(&self, key: &Key) -> Result<Key, Refused> {
        let Some(root) = self.owner(key).and_then(|id| self.root(&id)) else { return Ok(*key) };
        if self.signer(&root)? == *key { Ok(root) } else { Err(Refused::Rotated) }
    }

    /// The key that an identity began with, if somebody here has it.
    pub fn root(&self, id: &Id) -> Option<Key> {
        let keys = self.owners.iter().filter(|(_, owner)| *owner == id);
        keys.map(|(key, _)| *key).find(|key| id_of(key) == *id)
    }

    /// The key that signs for the identity that began with a key. That is the key itself, unless an
    /// entry says otherwise.
    pub fn signer(&self, root: &Key) -> Result<Key, Refused> {
        match self.owners.get(root) {
            None => Ok(*root),
            Some(id) if *id == id_of(root) => {
                self.keys.get(id).copied().flatten().ok_or(Refused::Retired)
            }
            Some(_) => Err(Refused::KeyUsed),
        }
    }

    /// The keys that have to sign a change, each once; or why it cannot be made.
    pub fn signers(&self, change: &Change) -> Result<Vec<Key>, Refused> {
        let mut signers = Vec::new();
        match change {
            Change::Claim { name, key } => {
                match self.resolve(name) {
                    Err(Missing::Unknown) => {}
                    Err(_) => return Err(Refused::Revoked),
                    Ok(_) => return Err(Refused::Taken),
                }
                self.identity(key)?;
                signers.push(*key);
                if let Some(parent) = name.parent() {
                    signers.push(self.resolve(&parent).map_err(Refused::Parent)?.key);
                }
            }
            Change::Rotate { old, new } => {
                self.identity(old)?;
                if old == new || self.owners.contains_key(new) {
                    return Err(Refused::KeyUsed);
                }
                signers.extend([*old, *new]);
            }
            Change::Transfer { name, key } => {
                let holder = self.resolve(name).map_err(Refused::Name)?;
                if self.identity(key)? == holder.id {
                    return Err(Refused::Taken);
                }
                signers.extend([holder.key, *key]);
            }
            Change::Revoke { name } => {
                signers.push(self.resolve(name).map_err(Refused::Name)?.key);
            }
            Change::Retire { key } => {
                self.identity(key)?;
                signers.push(*key);
            }
        }
        signers.dedup();
        Ok(signers)
    }

    /// What those who make a change sign, as the next entry and no other.
    pub fn to_sign(&self, change: &Change) -> [u8; 32] {
        let mut out = Writer::new();
        out.raw(&self.head().head);
        codec::write_change(&mut out, self.head().count, change);
        blake3::derive_key("aither avm name entry v1", &out.finish())
    }

    /// Makes a change with the secret keys of those whom it concerns, and adds it.
    pub fn sign(&mut self, change: Change, secrets: &[[u8; 32]]) -> Result<(), Refused> {
        let hash = self.to_sign(&change);
        let mut signatures = Vec::new();
        for key in self.signers(&change)? {
            let secret = secrets.iter().find(|secret| public_key(secret) == key);
            let secret = secret.ok_or(Refused::Signer { wanted: key })?;
            signatures.push(Signature::of(Domain::Name, secret, &hash));
        }
        self.apply(Entry { change, signatures });
        Ok(())
    }

    /// Adds an entry as the next one, if the right ones signed it. Else nothing changes.
    pub fn append(&mut self, entry: Entry) -> Result<(), Refused> {
        let signers = self.signers(&entry.change)?;
        let hash = self.to_sign(&entry.change);
        for (place, wanted) in signers.iter().enumerate() {
            let signature = entry.signatures.get(place).filter(|by| by.key == *wanted);
            let signature = signature.ok_or(Refused::Signer { wanted: *wanted })?;
            let valid = signature.is_of(Domain::Name, &hash);
            valid.map_err(|_| Refused::Forged { key: *wanted })?;
        }
        if entry.signatures.len() > signers.len() {
            return Err(Refused::Signatures);
        }
        self.apply(entry);
        Ok(())
    }

    /// The identity that a key signs for. A key that is nobody's yet begins one.
    fn identity(&self, key: &Key) -> Result<Id, Refused> {
        let Some(id) = self.owners.get(key) else { return Ok(id_of(key)) };
        match self.keys.get(id).copied().flatten() {
            None => Err(Refused::Retired),
            Some(current) if current == *key => Ok(*id),
            Some(_) => Err(Refused::Rotated),
        }
    }

    /// An entry that was checked, or is our own.
    fn apply(&mut self, entry: Entry) {
        let record = codec::record(&self.head(), &entry);
        self.heads.push(codec::link(&self.head().head, &record));
        match &entry.change {
            Change::Claim { name, key } | Change::Transfer { name, key } => {
                let id = self.enter(key);
                self.names.insert(name.clone(), Some(id));
            }
            Change::Rotate { old, new } => {
                let id = self.enter(old);
                self.keys.insert(id, Some(*new));
                self.owners.insert(*new, id);
            }
            Change::Revoke { name } => drop(self.names.insert(name.clone(), None)),
            Change::Retire { key } => {
                let id = self.enter(key);
                self.keys.insert(id, None);
            }
        }
        self.entries.push(entry);
    }

    /// The identity of a key, which is known from now on.
    fn enter(&mut self, key: &Key) -> Id {
        let id = *self.owners.entry(*key).or_insert_with(|| id_of(key));
        self.keys.entry(id).or_insert(Some(*key));
        id
    }
}
