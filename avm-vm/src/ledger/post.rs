//! Double entry: the one place where balances change, and where a key is looked up.

use alloc::sync::Arc;

use super::{
    Error, Kind, Ledger, Order, Owner, Receipt,
    names::{Name, check_name},
    records::{NONE, Stored},
    undo::Undo,
};

/// A movement that all checks have allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
    pub kind: Kind,
    pub from: u32,
    pub to: u32,
    pub amount: u64,
    pub reserve: u64,
    pub terms: [u8; 16],
}

/// Purpose and actor of an order, by number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    pub order: &'a Order<'a>,
    pub actor: u32,
    pub purpose: u32,
}

/// What an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// In billionths; for genesis, what came from it and did not go back.
    pub balance: u64,
    /// Its newest record, or `NONE`.
    pub last: u64,
}

impl Ledger {
    /// What was done for the order's key: `None` if nothing was, an error if it was something else.
    pub(crate) fn seen(
        &self,
        order: &Order<'_>,
        same: impl FnOnce(&Stored) -> bool,
    ) -> Result<Option<Receipt>, Error> {
        let Some(first) = self.keys.get(&order.key) else {
            let old = |actor| self.forgotten.get(&actor).is_some_and(|at| order.cause.effect < *at);
            if !self.forgotten.is_empty() && self.actor(order).is_some_and(old) {
                return Err(Error::Forgotten);
            }
            if order.time < self.time {
                return Err(Error::Time { asked: order.time, now: self.time });
            }
            check_name(order.purpose, 0)?;
            return Ok(None);
        };
        let known = |record: &&Stored| {
            self.actor(order) == Some(record.actor)
                && self.names.purposes.find(order.purpose) == Some(record.purpose)
                && same(record)
        };
        self.records.get(first).filter(known).ok_or(Error::Key { first })?;
        let more = (first..).take_while(|number| {
            let record = self.records.get(*number);
            record.is_some_and(|record| record.key == order.key && record.kind != Kind::Expire)
        });
        Ok(Some(Receipt { first, count: more.count() as u64, again: true }))
    }

    /// Number of who acts, as records have it; `None` for an agent that is not known.
    fn actor(&self, order: &Order<'_>) -> Option<u32> {
        match order.cause.agent {
            None => Some(0),
            Some(id) => self.names.owner(Owner::Agent(id)).map(|owner| owner + 1),
        }
    }

    /// Gives numbers to who acts and what for. From here on nothing may fail but for want of names.
    pub(crate) fn begin<'a>(&mut self, order: &'a Order<'a>) -> Result<Circumstances<'a>, Error> {
        let actor = match order.cause.agent {
            None => 0,
            Some(id) => self.open_owner(Owner::Agent(id))? + 1,
        };
        let purpose = match self.names.purposes.find(order.purpose) {
            Some(number) => number,
            None => self.name(Name::Purpose(Arc::from(order.purpose)))?,
        };
        self.time = order.time;
        Ok(Circumstances { order, actor, purpose })
    }

    pub(crate) fn open_owner(&mut self, owner: Owner) -> Result<u32, Error> {
        match self.names.owner(owner) {
            Some(number) => Ok(number),
            None => self.name(Name::Owner(owner)),
        }
    }

    /// The account of an owner, opened if need be.
    pub(crate) fn open_account(&mut self, owner: u32, token: u32) -> Result<u32, Error> {
        match self.names.account(owner, token) {
            Some(account) => Ok(account),
            None => self.name(Name::Account { owner, token }),
        }
    }

    /// Adds an entry to the log of names and gives its number.
    pub(crate) fn name(&mut self, name: Name) -> Result<u32, Error> {
        let head = chain_name(&self.head, &name);
        let account = matches!(name, Name::Account { .. });
        let number = self.names.next(&name);
        self.names.apply(self.records.end(), name)?;
        self.head = head;
        if account {
            self.accounts.push(Account { balance: 0, last: NONE });
        }
        Ok(number)
    }

    /// Moves, and writes the record. The amount is there and the sum fits: both were checked.
    pub(crate) fn post(&mut self, around: &Circumstances<'_>, what: Move) -> u64 {
        let Circumstances { order, actor, purpose } = *around;
        let number = self.records.end();
        let mut record = Stored {
            from: what.from,
            to: what.to,
            amount: what.amount,
            time: order.time,
            step: order.cause.step,
            effect: order.cause.effect,
            actor,
            purpose,
            reserve: what.reserve,
            kind: what.kind,
            key: order.key,
            terms: what.terms,
            link: [0; 32],
            before_from: NONE,
            before_to: NONE,
        };
        let moved = self.shift(&record, number);
        debug_assert!(moved.is_some(), "checked before");
        (record.before_from, record.before_to) = moved.unwrap_or((NONE, NONE));
        record.link = record.chain(&self.head);
        self.head = record.link;
        if record.kind != Kind::Expire {
            self.keys.insert(record.key, number);
        }
        self.records.push(record);
        number
    }

    /// Takes from one account and gives to the other; `None`, and nothing, if that cannot be.
    /// Hands back the newest records of both before this one.
    pub(crate) fn shift(&mut self, record: &Stored, number: u64) -> Option<(u64, u64)> {
        let of = |account: u32| self.accounts.get(account as usize).copied();
        let (mut from, mut to) = (of(record.from)?, of(record.to)?);
        // What genesis gives counts up there, too.
        from.balance = match record.kind {
            Kind::Mint => from.balance.checked_add(record.amount)?,
            _ => from.balance.checked_sub(record.amount)?,
        };
        to.balance = match record.kind {
            Kind::Burn => to.balance.checked_sub(record.amount)?,
            _ => to.balance.checked_add(record.amount)?,
        };
        let before = (from.last, to.last);
        (from.last, to.last) = (number, number);
        *self.accounts.get_mut(record.from as usize)? = from;
        *self.accounts.get_mut(record.to as usize)? = to;
        Some(before)
    }

    /// Takes the newest record back.
    pub(crate) fn unpost(&mut self) {
        let Some(record) = self.records.pop() else { return };
        if let Some(from) = self.accounts.get_mut(record.from as usize) {
            from.last = record.before_from;
            from.balance = match record.kind {
                Kind::Mint => from.balance - record.amount,
                _ => from.balance + record.amount,
            };
        }
        if let Some(to) = self.accounts.get_mut(record.to as usize) {
            to.last = record.before_to;
            to.balance = match record.kind {
                Kind::Burn => to.balance + record.amount,
                _ => to.balance - record.amount,
            };
        }
        if record.kind != Kind::Expire && self.keys.get(&record.key) == Some(self.records.end()) {
            self.keys.remove(&record.key);
        }
    }

    /// Notes how something was, for whoever goes back to a checkpoint.
    pub(crate) fn note(&mut self, undo: impl FnOnce(&Self) -> Undo) {
        if !self.marks.is_empty() {
            let undo = undo(self);
            self.undo.push(undo);
        }
    }
}

/// The head of the chain after a name.
pub(crate) fn chain_name(head: &[u8; 32], name: &Name) -> [u8; 32] {
    let mut out = avm_ir::wire::Writer::new();
    // No record begins with this byte.
    out.u8(0xFF);
    super::codec::write_name(&mut out, name);
    *blake3::keyed_hash(head, &out.finish()).as_bytes()
}
