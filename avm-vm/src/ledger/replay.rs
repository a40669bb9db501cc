//! Records added up again, from nothing or from where old ones were dropped. Reading bytes, dropping
//! records and the audit all do it here.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{
    Kind, Owner,
    names::Names,
    records::{NONE, Stored},
};

/// What is left of a hold or escrow, as records say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub from: u32,
    pub left: u64,
    pub hold: bool,
}

/// What records add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// By account.
    pub balances: Vec<u64>,
    pub reserves: BTreeMap<u64, Left>,
    pub time: u64,
}

impl Sums {
    /// Adds a record; what is wrong with it if it could not have been written. All accounts have to
    /// be there.
    pub(crate) fn add(
        &mut self,
        names: &Names,
        number: u64,
        record: &Stored,
    ) -> Result<(), &'static str> {
        shape(names, number, record)?;
        if record.time < self.time {
            return Err("a record earlier than the one before");
        }
        self.time = record.time;
        let (from, to) = (record.from as usize, record.to as usize);
        let of = |account: usize| self.balances.get(account).copied().ok_or("no such account");
        let (mut lost, mut got) = (of(from)?, of(to)?);
        lost = match record.kind {
            Kind::Mint => lost.checked_add(record.amount).ok_or("too much of a token")?,
            _ => lost.checked_sub(record.amount).ok_or("a balance below 0")?,
        };
        got = match record.kind {
            Kind::Burn => got.checked_sub(record.amount).ok_or("more burnt than made")?,
            _ => got.checked_add(record.amount).ok_or("too much of a token")?,
        };
        match record.kind {
            Kind::Hold | Kind::Escrow => {
                let hold = record.kind == Kind::Hold;
                let left = Left { from: record.from, left: record.amount, hold };
                self.reserves.insert(number, left);
            }
            Kind::Capture | Kind::Release | Kind::Settle | Kind::Refund | Kind::Expire => {
                self.take(names, record)?;
            }
            Kind::Mint | Kind::Burn | Kind::Pay | Kind::Fund | Kind::Return => {}
        }
        self.balances[from] = lost;
        self.balances[to] = got;
        Ok(())
    }

    fn take(&mut self, names: &Names, record: &Stored) -> Result<(), &'static str> {
        let open = self.reserves.get_mut(&record.reserve).ok_or("a hold that is not open")?;
        let hold = names.of_account(record.from).0 == Owner::Holds;
        if open.hold != hold || names.of_account(open.from).1 != names.of_account(record.from).1 {
            return Err("a hold of another kind");
        }
        open.left = open.left.checked_sub(record.amount).ok_or("more than was held")?;
        if open.left == 0 {
            self.reserves.remove(&record.reserve);
        }
        Ok(())
    }

    /// Whether of each token there is what was made, and aside what holds and escrows have; the
    /// token if not.
    pub(crate) fn check(&self, names: &Names) -> Result<(), u32> {
        // What genesis gave less what others have; what is aside less what it is for.
        let mut made: BTreeMap<u32, [i128; 3]> = BTreeMap::new();
        for (account, balance) in (0..).zip(&self.balances) {
            let (owner, token) = names.of_account(account);
            let sums = made.entry(token).or_default();
            let balance = i128::from(*balance);
            match owner {
                Owner::Genesis => sums[0] -= balance,
                Owner::Holds => (sums[0], sums[1]) = (sums[0] + balance, sums[1] + balance),
                Owner::Escrows => (sums[0], sums[2]) = (sums[0] + balance, sums[2] + balance),
                Owner::Fees | Owner::Agent(_) | Owner::Pool(_) => sums[0] += balance,
            }
        }
        for open in self.reserves.values() {
            let token = names.of_account(open.from).1;
            let place = if open.hold { 1 } else { 2 };
            made.entry(token).or_default()[place] -= i128::from(open.left);
        }
        match made.iter().find(|(_, sums)| **sums != [0; 3]) {
            Some((token, _)) => Err(*token),
            None => Ok(()),
        }
    }
}

/// Whether a record of its kind looks like that.
fn shape(names: &Names, number: u64, record: &Stored) -> Result<(), &'static str> {
    let known = |account: u32| (account as usize) < names.accounts.len();
    if !known(record.from) || !known(record.to) {
        return Err("no such account");
    }
    if names.purposes.get(record.purpose).is_none() {
        return Err("no such purpose");
    }
    if let Some(actor) = record.actor.checked_sub(1)
        && !names.entry(actor).is_some_and(|entry| matches!(entry.owner, Owner::Agent(_)))
    {
        return Err("no such agent");
    }
    let ((from, token), (to, same)) = (names.of_account(record.from), names.of_account(record.to));
    if token != same || record.from == record.to || record.amount == 0 {
        return Err("a movement that moves nothing");
    }
    let agents = matches!((from, to), (Owner::Agent(_), Owner::Agent(_)));
    let (payer, payee) = (from.is_wallet(), to.is_wallet());
    let fits = match record.kind {
        Kind::Mint => from == Owner::Genesis && payee,
        Kind::Burn => payer && to == Owner::Genesis,
        Kind::Pay => payer && payee,
        Kind::Hold => payer && to == Owner::Holds,
        Kind::Escrow => payer && to == Owner::Escrows,
        Kind::Capture | Kind::Release => from == Owner::Holds && payee,
        Kind::Settle | Kind::Refund => from == Owner::Escrows && payee,
        Kind::Expire => matches!(from, Owner::Holds | Owner::Escrows) && payee,
        Kind::Fund | Kind::Return => agents,
    };
    let reserve = match record.kind {
        Kind::Mint | Kind::Burn | Kind::Pay | Kind::Fund | Kind::Return => record.reserve == NONE,
        Kind::Hold | Kind::Escrow => record.reserve == number,
        _ => record.reserve < number,
    };
    match fits && reserve {
        true => Ok(()),
        false => Err("a record that its kind does not have"),
    }
}
