//! The ledger of a world: who has how much of what, and every movement that made it so (P-26).
//!
//! Double entry: a movement takes from one account what it gives to another, and is one record in a
//! chain of hashes. Tokens come from genesis alone, no other balance is ever below nothing, and what
//! an owner may spend is decided here, so that no program, plugin, patch or child gets around it.
//! Time is virtual and amounts are whole billionths of a token. `spec/ledger.md` has every rule.

mod amount;
mod audit;
mod codec;
mod error;
mod family;
mod guard;
mod keys;
mod names;
mod pay;
mod post;
mod records;
mod replay;
mod reserve;
mod settle;
mod spend;
mod spending;
mod statement;
mod terms;
mod undo;

#[cfg(test)]
mod tests;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

pub use amount::{AmountError, UNIT, amount};
pub use audit::{Audit, Dropped, Fault};
pub use codec::{LEDGER_VERSION, LedgerError};
pub(crate) use codec::{read_owner, read_policy, write_owner, write_policy};
pub use error::{Error, Refusal, Wanted};
pub use family::MAX_FUNDS;
pub use names::{MAX_LINEAGE, MAX_NAME, MAX_NAMES};
pub use settle::MAX_SHARES;
pub use spending::{
    Breaker, ClauseKind, Limits, List, MAX_COUNTED, MAX_LISTED, MAX_WINDOWS, Policy, Window,
};
pub use statement::{Cursor, Row};
pub use terms::{
    Cause, Key, Kind, Money, Order, Owner, Receipt, Record, Reserve, Settle, Share, Use,
};
pub use undo::Mark;

use audit::Base;
use guard::Guard;
use keys::Keys;
use names::Names;
use post::Account;
use records::Records;
use replay::Left;
use undo::{Marked, Undo};

/// Members of a pool, with whether they may pay out of it.
pub type Pool = BTreeMap<[u8; 32], bool>;

/// A ledger.
///
/// Every method that moves something either does all of it or fails and moves nothing. A clone
/// shares the records and copies the rest: accounts, keys, and what is open.
#[derive(Clone, Debug)]
pub struct Ledger {
    names: Names,
    accounts: Vec<Account>,
    records: Records,
    keys: Keys,
    reserves: BTreeMap<u64, Reserve>,
    /// When each of them expires.
    expiring: BTreeSet<(u64, u64)>,
    guards: BTreeMap<u32, Guard>,
    pools: BTreeMap<u32, Pool>,
    approved: BTreeMap<Key, [u8; 16]>,
    /// By who acts, the least effect that is not older than a dropped record.
    forgotten: BTreeMap<u32, u64>,
    base: Base,
    /// Hash of everything that was written.
    head: [u8; 32],
    /// Virtual time, in nanoseconds.
    time: u64,
    marks: Vec<Marked>,
    undo: Vec<Undo>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

impl Ledger {
    /// A ledger in which nobody has anything.
    pub fn new() -> Self {
        let head = blake3::derive_key("aither avm ledger chain v1", &[]);
        Self {
            names: Names::default(),
            accounts: Vec::new(),
            records: Records::default(),
            keys: Keys::default(),
            reserves: BTreeMap::new(),
            expiring: BTreeSet::new(),
            guards: BTreeMap::new(),
            pools: BTreeMap::new(),
            approved: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            base: Base { link: head, ..Base::default() },
            head,
            time: 0,
            marks: Vec::new(),
            undo: Vec::new(),
        }
    }

    /// What an owner has of a token and can spend, in billionths (O-37); for [`Owner::Genesis`] what
    /// came from it and did not go back, for holds and escrows what is aside.
    pub fn balance(&self, owner: Owner, token: &str) -> u64 {
        self.account(owner, token).map_or(0, |account| self.has(account))
    }

    /// All balances of an owner that are not 0, by token in the order in which tokens came up.
    pub fn balances(&self, owner: Owner) -> impl Iterator<Item = Money<'_>> {
        let entry = self.names.owner(owner).and_then(|owner| self.names.entry(owner));
        entry.into_iter().flat_map(|entry| &entry.accounts).filter_map(|(token, account)| {
            let token = self.names.tokens.get(*token)?;
            let amount = self.has(*account);
            (amount > 0).then_some(Money { token, amount })
        })
    }

    /// Billionths of a token that there are.
    pub fn supply(&self, token: &str) -> u64 {
        self.balance(Owner::Genesis, token)
    }

    /// Numbers of the records that are kept.
    pub const fn numbers(&self) -> core::ops::Range<u64> {
        self.records.first..self.records.end()
    }

    /// Virtual time of the last order, in nanoseconds.
    pub const fn time(&self) -> u64 {
        self.time
    }

    /// Hash of every movement since genesis, with the names that they use.
    pub const fn head(&self) -> [u8; 32] {
        self.head
    }

    fn account(&self, owner: Owner, token: &str) -> Option<u32> {
        let token = self.names.tokens.find(token)?;
        self.names.account(self.names.owner(owner)?, token)
    }

    fn has(&self, account: u32) -> u64 {
        self.accounts.get(account as usize).map_or(0, |account| account.balance)
    }
}

impl Reserve {
    /// What records know of it.
    const fn as_left(&self) -> Left {
        let hold = matches!(self.purpose, Use::Hold { .. });
        Left { from: self.from, left: self.left, hold }
    }
}
