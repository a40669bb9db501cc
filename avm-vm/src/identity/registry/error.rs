//! What is wrong with a registry, an entry or a head.

use core::fmt;

use avm_ir::wire::{WireError, hex};

use crate::identity::Key;

/// Why a name is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nobody ever claimed it.
    Unknown,
    /// It was revoked.
    Revoked,
    /// Its holder was retired.
    Retired,
}

/// Why an entry is not one that can come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Somebody has the name.
    Taken,
    /// Somebody had the name, and nobody can have it again.
    Revoked,
    /// The name is nobody's.
    Name(Missing),
    /// The name above is nobody's.
    Parent(Missing),
    /// The key was rotated away.
    Rotated,
    /// The identity of the key was retired.
    Retired,
    /// The key is, or was, that of another identity.
    KeyUsed,
    /// The one whose signature should stand there did not sign.
    Signer {
        /// Whose should.
        wanted: Key,
    },
    /// A signature is not one of this entry in this place.
    Forged {
        /// Whose it claims to be.
        key: Key,
    },
    /// More signatures than are wanted.
    Signatures,
}

/// Why bytes are not a registry. Entries are numbered from 0, and bytes are where one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryError {
    /// It does not begin as a registry does.
    Magic,
    /// A version that is not known here.
    Version(u16),
    /// What stands before the first entry is not what was written, or not whole.
    Header,
    /// The file ends within an entry. What is before is whole.
    Torn {
        /// Its number.
        entry: u64,
        /// Where it begins.
        byte: usize,
    },
    /// An entry is not the one that was written, or what was written before it is missing.
    Damaged {
        /// Its number.
        entry: u64,
        /// Where it begins.
        byte: usize,
    },
    /// An entry stands where another one belongs.
    Moved {
        /// The number that belongs there.
        entry: u64,
        /// Where it begins.
        byte: usize,
        /// The number that it has.
        number: u64,
    },
    /// An entry is not what the format says.
    Format {
        /// Its number.
        entry: u64,
        /// Where it begins.
        byte: usize,
        /// What is wrong in it, placed from where its body begins.
        error: WireError,
    },
    /// An entry that nobody could make.
    Refused {
        /// Its number.
        entry: u64,
        /// Where it begins.
        byte: usize,
        /// Why.
        why: Refused,
    },
}

/// Why a registry is not what was seen, or vouched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadError {
    /// It has fewer entries than were seen.
    Rollback {
        /// Entries that it has.
        count: u64,
        /// Entries that were seen.
        seen: u64,
    },
    /// Entries that were seen are not those that it has.
    Fork {
        /// How many were seen.
        count: u64,
    },
    /// The key is not its keeper's.
    Keeper {
        /// The key.
        key: Key,
    },
    /// The signature is not one of this head.
    Forged,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "nobody claimed it",
            Self::Revoked => "it was revoked",
            Self::Retired => "its holder was retired",
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("the name is taken"),
            Self::Revoked => f.write_str("the name was revoked, nobody can claim it again"),
            Self::Name(missing) => write!(f, "the name is nobody's: {missing}"),
            Self::Parent(missing) => write!(f, "the name above is nobody's: {missing}"),
            Self::Rotated => f.write_str("the key was rotated, another one stands for it"),
            Self::Retired => f.write_str("the identity of the key was retired"),
            Self::KeyUsed => f.write_str("the key is or was that of another identity"),
            Self::Signer { wanted } => write!(f, "it needs the signature of {}", hex(wanted)),
            Self::Forged { key } => {
                write!(f, "forged: {} did not sign this entry in this place", hex(key))
            }
            Self::Signatures => f.write_str("more signatures than are wanted"),
        }
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("not a registry of names"),
            Self::Version(version) => write!(f, "registry version {version} is not known here"),
            Self::Header => f.write_str("damaged: its first 70 bytes are not those written"),
            Self::Torn { entry, byte } => {
                write!(f, "torn: it ends within entry {entry}, which begins at byte {byte}")
            }
            Self::Damaged { entry, byte } => {
                write!(f, "damaged: entry {entry}, at byte {byte}, is not the one written")
            }
            Self::Moved { entry, byte, number } => {
                write!(f, "entry {number} stands at byte {byte}, where entry {entry} belongs")
            }
            Self::Format { entry, byte, error } => {
                write!(f, "entry {entry}, at byte {byte}: {error}")
            }
            Self::Refused { entry, byte, why } => write!(f, "entry {entry}, at byte {byte}: {why}"),
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rollback { count, seen } => {
                write!(f, "rolled back: it has {count} entries, and {seen} have been seen")
            }
            Self::Fork { count } => {
                write!(f, "forked: its first {count} entries are not those that have been seen")
            }
            Self::Keeper { key } => write!(f, "{} is not the registry's keeper", hex(key)),
            Self::Forged => f.write_str("forged: the keeper did not sign this head"),
        }
    }
}

impl core::error::Error for Refused {}
impl core::error::Error for RegistryError {}
impl core::error::Error for HeadError {}
