//! Why the ledger does not do what was asked.

use alloc::{boxed::Box, string::String};
use core::fmt;

use super::{ClauseKind, Key, Kind, Owner};

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The wallet has less than was asked for.
    Insufficient {
        /// What it has, in billionths.
        balance: u64,
        /// What was asked for.
        wanted: u64,
    },
    /// More of a token than 2^64 - 1 billionths.
    Overflow,
    /// Nothing was to be moved.
    Zero,
    /// From a wallet to itself.
    SameWallet,
    /// An owner that this cannot be done with.
    Owner(Owner),
    /// A token that is not known.
    Token,
    /// A token or purpose that is empty or too long, or one more than there can be.
    Name,
    /// Time before that of an order before.
    Time {
        /// The order's.
        asked: u64,
        /// The ledger's.
        now: u64,
    },
    /// A key under which something else was done.
    Key {
        /// Number of the record of that.
        first: u64,
    },
    /// An effect so old that what was done for it is no longer known.
    Forgotten,
    /// No open hold or escrow has the number.
    Closed(u64),
    /// It is another use that the hold or escrow has.
    Use(u64),
    /// Its time is over.
    Expired(u64),
    /// Who asks may not.
    Authority,
    /// The agent has ended.
    Ended(Owner),
    /// An agent that cannot become a child of the other: it has a family, or there are too many
    /// generations.
    Lineage,
    /// Shares that say nothing: none, too many, one owner twice, or no weight.
    Shares,
    /// A policy with more in it than a policy can have, or a window without length.
    Policy,
    /// A clause of a policy refuses.
    Refused(Refusal),
    /// Somebody has to agree first; whoever asked may ask again when that has happened.
    NeedsApproval(Box<Wanted>),
    /// Checkpoints are open, or not the one that was named.
    Checkpoint,
}

/// The clause that refuses, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The owner whose policy it is: the payer, who acts for it, or an ancestor of one of them.
    pub owner: Owner,
    /// Which clause.
    pub clause: ClauseKind,
    /// What it says of this order.
    pub why: String,
}

/// A payment that waits for approval: give it to [`super::Ledger::approve`] to allow it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whose policy asks for it.
    pub owner: Owner,
    /// The amount over which it does, in billionths.
    pub over: u64,
    /// The order's key.
    pub key: Key,
    /// What was asked for.
    pub kind: Kind,
    /// Who pays.
    pub from: Owner,
    /// Who is paid; for an escrow all escrows.
    pub to: Owner,
    /// The token.
    pub token: String,
    /// Billionths of it.
    pub amount: u64,
    /// What for.
    pub purpose: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insufficient { balance, wanted } => {
                write!(f, "the wallet has {} and not {}", Tokens(*balance), Tokens(*wanted))
            }
            Self::Overflow => write!(f, "there can be at most {} of a token", Tokens(u64::MAX)),
            Self::Zero => f.write_str("an amount of 0 moves nothing"),
            Self::SameWallet => f.write_str("a wallet cannot pay itself"),
            Self::Owner(owner) => write!(f, "this cannot be done with {owner}"),
            Self::Token => f.write_str("nobody has had such a token"),
            Self::Name => f.write_str("a token has 1 to 64 bytes, a purpose at most 64"),
            Self::Time { asked, now } => write!(f, "it is {now} ns already, not {asked} ns"),
            Self::Key { first } => {
                write!(f, "the same key has been used for another order, in record {first}")
            }
            Self::Forgotten => f.write_str("records of that effect have been dropped"),
            Self::Closed(number) => write!(f, "no open hold or escrow has number {number}"),
            Self::Use(number) => write!(f, "{number} is not held for that"),
            Self::Expired(number) => write!(f, "the time of {number} is over"),
            Self::Authority => f.write_str("only who owns it, or whom its terms name, may do that"),
            Self::Ended(owner) => write!(f, "{owner} has ended"),
            Self::Lineage => f.write_str("the agent has a family already, or too many ancestors"),
            Self::Shares => {
                f.write_str("shares name 1 to 65536 owners, each once, and weigh more than 0")
            }
            Self::Policy => f.write_str("a policy lists too much, or a window has no length"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::NeedsApproval(wanted) => wanted.fmt(f),
            Self::Checkpoint => f.write_str("checkpoints are given back in their order"),
        }
    }
}

impl core::error::Error for Error {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spending clause {} of {}: {}", self.clause.name(), self.owner, self.why)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, over, to, token, amount, .. } = self;
        let (over, amount) = (Tokens(*over), Tokens(*amount));
        let clause = ClauseKind::Approval.name();
        write!(f, "spending clause {clause} of {owner}: {amount} {token} to {to} is over {over}")
    }
}

/// Billionths as people read them.
pub(crate) struct Tokens(pub u64);

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        avm_ir::gas::Gas(self.0).fmt(f)
    }
}
