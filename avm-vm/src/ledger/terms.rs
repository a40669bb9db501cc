//! What orders, records and statements are made of.

use alloc::vec::Vec;
use core::fmt;

use avm_ir::wire::hex;

/// Whose an account is. An account is an owner and a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Where tokens come from. The only one whose balance is below nothing.
    Genesis,
    /// Where fees go.
    Fees,
    /// What holds have set aside, all together.
    Holds,
    /// What escrows have set aside, all together.
    Escrows,
    /// An agent, by the hash of its public key.
    Agent([u8; 32]),
    /// A wallet that agents share (P-84).
    Pool([u8; 32]),
}

impl Owner {
    /// Whether programs can name it.
    pub(crate) const fn is_wallet(self) -> bool {
        matches!(self, Self::Fees | Self::Agent(_) | Self::Pool(_))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genesis => f.write_str("genesis"),
            Self::Fees => f.write_str("fees"),
            Self::Holds => f.write_str("holds"),
            Self::Escrows => f.write_str("escrows"),
            Self::Agent(id) => write!(f, "agent {}", hex(&id[..6])),
            Self::Pool(id) => write!(f, "pool {}", hex(&id[..6])),
        }
    }
}

/// What tells an order from every other: the same for the same effect, however often it is asked.
pub type Key = [u8; 32];

/// What made a movement happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The agent that acted; `None` is whoever runs the world.
    pub agent: Option<[u8; 32]>,
    /// Instructions that it had executed.
    pub step: u64,
    /// Number of its effect; may not fall from one order of an agent to the next once old records
    /// are dropped.
    pub effect: u64,
}

/// The circumstances of what is asked of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<'a> {
    /// Who asks, and at which place.
    pub cause: Cause,
    /// What is done once for it.
    pub key: Key,
    /// What it is for, at most 64 bytes; policies can name it.
    pub purpose: &'a str,
    /// Virtual time in nanoseconds. Never earlier than that of an order before.
    pub time: u64,
}

/// So much of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money<'a> {
    /// The token, 1 to 64 bytes.
    pub token: &'a str,
    /// In billionths of it.
    pub amount: u64,
}

/// What was done for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Number of the first record; also the number of the hold or escrow that was opened.
    pub first: u64,
    /// How many records belong to it.
    pub count: u64,
    /// Whether it had been done before, and nothing was done now.
    pub again: bool,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $number:literal $name:ident $word:literal;)*) => {
        /// What a movement is. Numbers are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[doc = $doc])+ $name = $number,)*
        }

        impl Kind {
            /// The one with a number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its word.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

kinds! {
    /// Tokens come into being.
    0 Mint "mint";
    /// Tokens cease to be.
    1 Burn "burn";
    /// From one wallet to another.
    2 Pay "pay";
    /// A hold is opened.
    3 Hold "hold";
    /// A hold pays.
    4 Capture "capture";
    /// What is left of a hold goes back.
    5 Release "release";
    /// An escrow is opened.
    6 Escrow "escrow";
    /// An escrow pays.
    7 Settle "settle";
    /// What is left of an escrow goes back.
    8 Refund "refund";
    /// What is left of a hold or escrow goes back because its time is over.
    9 Expire "expire";
    /// A parent funds a child.
    10 Fund "fund";
    /// What an agent leaves goes to its parent.
    11 Return "return";
}

/// Who gets what is in an escrow (P-83, X-32).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Settle {
    /// Whoever claims it first.
    First,
    /// The first whom the verifier accepts.
    Accepted {
        /// Who accepts.
        verifier: Owner,
    },
    /// Several, by shares that the arbiter names.
    Split {
        /// Who names them.
        arbiter: Owner,
    },
}

/// One of those among whom an escrow is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Who gets it.
    pub to: Owner,
    /// Its part of the sum of all weights; all the same to split equally.
    pub weight: u64,
}

/// What a hold or an escrow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Kept for one payee.
    Hold {
        /// Who can capture it.
        payee: Owner,
    },
    /// Kept for whom the terms name.
    Escrow(Settle),
}

/// What a hold or an escrow has set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// Account that it came from.
    pub(crate) from: u32,
    /// What is left of it, in billionths of the token.
    pub left: u64,
    /// Virtual time, in nanoseconds, from which it can only go back.
    pub expires: u64,
    /// What it is for.
    pub purpose: Use,
}

/// A record, as people and programs see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// From 0, without gaps.
    pub number: u64,
    /// What it is.
    pub kind: Kind,
    /// Whose account lost it.
    pub from: Owner,
    /// Whose account got it.
    pub to: Owner,
    /// Which token, and how many billionths of it.
    pub money: Money<'a>,
    /// What it was for.
    pub purpose: &'a str,
    /// The hold or escrow that it belongs to.
    pub reserve: Option<u64>,
    /// Who asked for it, and at which place.
    pub cause: Cause,
    /// The order's key; zeros where time alone was the cause.
    pub key: Key,
    /// Virtual time in nanoseconds.
    pub time: u64,
    /// Hash of this record and of everything before it.
    pub link: [u8; 32],
}

/// Bytes of what an order asks for beside what its first record says; what is not equal is another
/// order.
pub(crate) fn digest(parts: impl FnOnce(&mut Vec<u8>)) -> [u8; 16] {
    let mut bytes = Vec::new();
    parts(&mut bytes);
    let hash = blake3::derive_key("aither avm order v1", &bytes);
    let mut short = [0; 16];
    short.copy_from_slice(&hash[..16]);
    short
}
