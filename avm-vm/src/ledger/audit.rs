//! Everything added up again, and old records dropped.

use alloc::{collections::BTreeMap, string::String};
use core::fmt;

use super::{
    Error, Kind, Ledger, Owner,
    names::{Name, Names},
    post::chain_name,
    records::Records,
    replay::Sums,
};

/// Where records begin that are kept, and what those before it added up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Base {
    pub number: u64,
    /// Head of the chain after the last record that was dropped.
    pub link: [u8; 32],
    pub sums: Sums,
}

/// What an audit added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Number of the first record that is kept.
    pub first: u64,
    /// How many were added up.
    pub records: u64,
    /// Head of the chain: the last record's link, and names after it.
    pub head: [u8; 32],
    /// Billionths of each token that there are.
    pub supply: BTreeMap<String, u64>,
}

/// Where records and what the ledger says differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A record that does not follow from those before it: changed, moved, missing or added.
    Link(u64),
    /// A record that no rule allows.
    Record(u64, &'static str),
    /// Names after the last record.
    Head,
    /// A record whose key is not known, or known for a later one.
    Key(u64),
    /// A balance.
    Balance(Owner, String),
    /// A hold or an escrow.
    Reserve(u64),
    /// Tokens of which there are more or fewer than were made.
    Supply(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(number) => write!(f, "record {number} is not what its link says"),
            Self::Record(number, why) => write!(f, "record {number}: {why}"),
            Self::Head => f.write_str("the head of the chain is not that of records and names"),
            Self::Key(number) => write!(f, "the key of record {number} is not known"),
            Self::Balance(owner, token) => {
                write!(f, "{owner} has another balance of {token} than its records add up to")
            }
            Self::Reserve(number) => write!(f, "hold or escrow {number} is not as records say"),
            Self::Supply(token) => write!(f, "not as many {token} as were made"),
        }
    }
}

impl core::error::Error for Fault {}

/// Where old records were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Number of the first record that is kept.
    pub first: u64,
    /// Hash of all that is known of those before: the chain, balances, holds and escrows.
    pub hash: [u8; 32],
}

/// Goes along records and the names between them. Gives the head at the end.
pub(crate) fn walk(
    base: &Base,
    names: &Names,
    records: &Records,
    mut each: impl FnMut(u64, &super::records::Stored, [u8; 32]) -> Result<(), Fault>,
) -> Result<[u8; 32], Fault> {
    let old = names.log.partition_point(|(since, _)| *since < base.number);
    let mut log = names.log.iter().skip(old).peekable();
    let mut head = base.link;
    let mut accounts = accounts_before(names, base.number);
    for (number, record) in records.iter() {
        while let Some((_, name)) = log.next_if(|(since, _)| *since <= number) {
            head = chain_name(&head, name);
            accounts += u32::from(matches!(name, Name::Account { .. }));
        }
        if record.from >= accounts || record.to >= accounts {
            return Err(Fault::Record(number, "an account that was opened later"));
        }
        head = record.chain(&head);
        each(number, record, head)?;
    }
    for (_, name) in log {
        head = chain_name(&head, name);
    }
    Ok(head)
}

/// Accounts that were opened before the record with a number.
pub(crate) fn accounts_before(names: &Names, number: u64) -> u32 {
    let old = names.log.iter().take_while(|(since, _)| *since < number);
    old.filter(|(_, name)| matches!(name, Name::Account { .. })).count() as u32
}

impl Ledger {
    /// Adds everything up again from the records that are kept, and compares: links, balances, holds,
    /// escrows, keys, and that of each token there is what was made.
    ///
    /// # Errors
    /// The first difference.
    pub fn audit(&self) -> Result<Audit, Fault> {
        let mut sums = self.base.sums.clone();
        sums.balances.resize(self.names.accounts.len(), 0);
        let (mut end, names) = (self.base.number, &self.names);
        let head = walk(&self.base, names, &self.records, |number, record, head| {
            if number != end || record.link != head {
                return Err(Fault::Link(number));
            }
            end += 1;
            sums.add(names, number, record).map_err(|why| Fault::Record(number, why))?;
            let first = self.keys.get(&record.key);
            match record.kind == Kind::Expire || first.is_some_and(|first| first <= number) {
                true => Ok(()),
                false => Err(Fault::Key(number)),
            }
        })?;
        if head != self.head || end != self.records.end() {
            return Err(Fault::Head);
        }
        let token = |token| self.names.tokens.get(token).map_or("", |token| token).into();
        for (account, (sum, live)) in (0..).zip(sums.balances.iter().zip(&self.accounts)) {
            if *sum != live.balance {
                let (owner, of) = self.names.of_account(account);
                return Err(Fault::Balance(owner, token(of)));
            }
        }
        for number in sums.reserves.keys().chain(self.reserves.keys()) {
            let (sum, live) = (sums.reserves.get(number), self.reserves.get(number));
            let same = sum.zip(live).is_some_and(|(sum, live)| *sum == live.as_left());
            if !same {
                return Err(Fault::Reserve(*number));
            }
        }
        sums.check(&self.names).map_err(|of| Fault::Supply(token(of)))?;
        let tokens = (0..).map_while(|number| self.names.tokens.get(number));
        Ok(Audit {
            first: self.records.first,
            records: self.records.end() - self.records.first,
            head,
            supply: tokens.map(|token| (String::from(&**token), self.supply(token))).collect(),
        })
    }

    /// Whether a record belongs to the same order as the one before it.
    fn is_inside(&self, number: u64) -> bool {
        let key = |number| {
            let record = self.records.get(number)?;
            (record.kind != Kind::Expire).then_some(record.key)
        };
        number.checked_sub(1).and_then(key).is_some_and(|before| key(number) == Some(before))
    }

    /// Drops records before a number, and keeps what they added up to. Their keys go with them: an
    /// agent that asks again for an effect that old, or any older one, is refused, not paid twice.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] while a checkpoint is open.
    pub fn drop_before(&mut self, number: u64) -> Result<Dropped, Error> {
        if !self.marks.is_empty() {
            return Err(Error::Checkpoint);
        }
        let mut number = number.clamp(self.base.number, self.records.end());
        // An order is kept as a whole.
        while self.is_inside(number) {
            number -= 1;
        }
        let mut base = core::mem::take(&mut self.base);
        base.sums.balances.resize(self.names.accounts.len(), 0);
        for (at, record) in self.records.iter().take_while(|(at, _)| *at < number) {
            // Every record was checked when it was written or read.
            let added = base.sums.add(&self.names, at, record);
            debug_assert_eq!(added, Ok(()));
            base.link = record.link;
            let least = self.forgotten.entry(record.actor).or_default();
            *least = (*least).max(record.effect.saturating_add(1));
            if self.keys.get(&record.key) == Some(at) {
                self.keys.remove(&record.key);
            }
        }
        base.number = number;
        base.sums.balances.truncate(accounts_before(&self.names, number) as usize);
        self.records.drop_before(number);
        self.base = base;
        Ok(Dropped { first: number, hash: self.base_hash() })
    }
}
