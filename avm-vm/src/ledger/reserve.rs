//! Holds and escrows: what is set aside before it is known who gets it, or how much.
//!
//! What is set aside counts as spent when it is set aside; what goes back gives no room in a window.

use super::{
    Cause, Error, Kind, Ledger, Money, Order, Owner, Receipt, Reserve, Settle, Use,
    codec::write_use, pay::receipt, post::Move, records::Stored, spend::Spending, terms::digest,
    undo::Undo,
};

impl Ledger {
    /// Sets money aside for one payee, until it is captured or released, or its time is over. The
    /// number of the hold is [`Receipt::first`].
    ///
    /// # Errors
    /// As for [`Self::pay`].
    pub fn hold(
        &mut self,
        order: &Order<'_>,
        from: Owner,
        payee: Owner,
        money: Money<'_>,
        expires: u64,
    ) -> Result<Receipt, Error> {
        let what = Spending { kind: Kind::Hold, from, to: payee, money };
        self.set_aside(order, &what, expires, Use::Hold { payee })
    }

    /// Sets money aside for whoever the terms will name (P-83, X-19, X-32), until it is settled or
    /// its time is over. The number of the escrow is [`Receipt::first`].
    ///
    /// # Errors
    /// As for [`Self::pay`]; payees are looked at when it is settled.
    pub fn escrow(
        &mut self,
        order: &Order<'_>,
        from: Owner,
        money: Money<'_>,
        settle: Settle,
        expires: u64,
    ) -> Result<Receipt, Error> {
        let what = Spending { kind: Kind::Escrow, from, to: Owner::Escrows, money };
        self.set_aside(order, &what, expires, Use::Escrow(settle))
    }

    fn set_aside(
        &mut self,
        order: &Order<'_>,
        what: &Spending<'_>,
        expires: u64,
        purpose: Use,
    ) -> Result<Receipt, Error> {
        let Spending { kind, from, to, money } = *what;
        let terms = digest(|bytes| {
            let mut out = avm_ir::wire::Writer::new();
            super::codec::write_owner(&mut out, from);
            out.text(money.token);
            out.u64(money.amount);
            out.u64(expires);
            write_use(&mut out, purpose);
            *bytes = out.finish();
        });
        let same = |record: &Stored| (record.kind, record.terms) == (kind, terms);
        if let Some(receipt) = self.seen(order, same)? {
            return Ok(receipt);
        }
        let aside = match purpose {
            Use::Hold { .. } => {
                self.check_payee(from, to)?;
                Owner::Holds
            }
            Use::Escrow(_) => Owner::Escrows,
        };
        let number = self.records.end();
        if expires <= order.time {
            return Err(Error::Expired(number));
        }
        let (token, from) = self.check_spending(order, what)?;
        let around = self.begin(order)?;
        let to = self.open_owner(aside)?;
        let to = self.open_account(to, token)?;
        self.count(order, what);
        let amount = money.amount;
        self.post(&around, Move { kind, from, to, amount, reserve: number, terms });
        self.set_reserve(number, Some(Reserve { from, left: amount, expires, purpose }));
        Ok(receipt(number, 1))
    }

    /// Pays a hold's payee out of it, all or a part; the rest stays held. The payee may, and whoever
    /// runs the world.
    ///
    /// # Errors
    /// Whatever is wrong with the order; [`Error::Insufficient`] for more than is held.
    pub fn capture(&mut self, order: &Order<'_>, hold: u64, amount: u64) -> Result<Receipt, Error> {
        let same = |record: &Stored| {
            (record.kind, record.reserve, record.amount) == (Kind::Capture, hold, amount)
        };
        if let Some(receipt) = self.seen(order, same)? {
            return Ok(receipt);
        }
        let (reserve, payee) = self.open_hold(order, hold)?;
        self.check_time(order, hold, &reserve)?;
        if amount == 0 {
            return Err(Error::Zero);
        }
        if amount > reserve.left {
            return Err(Error::Insufficient { balance: reserve.left, wanted: amount });
        }
        self.pay_out(order, hold, Kind::Capture, &[(payee, amount)], [0; 16])
    }

    /// Gives back what is left of a hold. The payee may, and whoever runs the world.
    ///
    /// # Errors
    /// Whatever is wrong with the order.
    pub fn release(&mut self, order: &Order<'_>, hold: u64) -> Result<Receipt, Error> {
        let same = |record: &Stored| (record.kind, record.reserve) == (Kind::Release, hold);
        if let Some(receipt) = self.seen(order, same)? {
            return Ok(receipt);
        }
        let (reserve, _) = self.open_hold(order, hold)?;
        let back = [(self.payer(&reserve), reserve.left)];
        self.pay_out(order, hold, Kind::Release, &back, [0; 16])
    }

    fn open_hold(&self, order: &Order<'_>, number: u64) -> Result<(Reserve, Owner), Error> {
        let reserve = *self.reserves.get(&number).ok_or(Error::Closed(number))?;
        let Use::Hold { payee } = reserve.purpose else { return Err(Error::Use(number)) };
        match order.cause.agent.is_none() || self.acts_for(order, payee) {
            true => Ok((reserve, payee)),
            false => Err(Error::Authority),
        }
    }

    pub(crate) const fn check_time(
        &self,
        order: &Order<'_>,
        number: u64,
        reserve: &Reserve,
    ) -> Result<(), Error> {
        if order.time < reserve.expires { Ok(()) } else { Err(Error::Expired(number)) }
    }

    /// Whose money it was.
    pub(crate) fn payer(&self, reserve: &Reserve) -> Owner {
        self.names.of_account(reserve.from).0
    }

    /// Who gets what is due to an owner: itself, or its nearest ancestor that has not ended.
    pub(crate) fn heir(&self, owner: Owner) -> Owner {
        let mut line = self.names.line(self.names.owner(owner));
        let alive = line.find_map(|owner| {
            self.names.entry(owner).filter(|entry| !entry.ended).map(|entry| entry.owner)
        });
        alive.unwrap_or(owner)
    }

    /// Moves parts of what is set aside to owners or their heirs. The parts are at most what is left.
    pub(crate) fn pay_out(
        &mut self,
        order: &Order<'_>,
        number: u64,
        kind: Kind,
        parts: &[(Owner, u64)],
        terms: [u8; 16],
    ) -> Result<Receipt, Error> {
        let reserve = *self.reserves.get(&number).ok_or(Error::Closed(number))?;
        let aside = match reserve.purpose {
            Use::Hold { .. } => Owner::Holds,
            Use::Escrow(_) => Owner::Escrows,
        };
        let token = self.names.of_account(reserve.from).1;
        let from = self.names.owner(aside).and_then(|owner| self.names.account(owner, token));
        let from = from.ok_or(Error::Closed(number))?;
        let around = self.begin(order)?;
        // Names first: they alone can fail, and nothing has moved then.
        let mut accounts = alloc::vec::Vec::new();
        for (to, amount) in parts.iter().filter(|(_, amount)| *amount > 0) {
            let to = self.open_owner(self.heir(*to))?;
            accounts.push((self.open_account(to, token)?, *amount));
        }
        let first = self.records.end();
        let mut left = reserve.left;
        for (to, amount) in &accounts {
            let amount = *amount;
            left = left.saturating_sub(amount);
            self.post(&around, Move { kind, from, to: *to, amount, reserve: number, terms });
        }
        self.set_reserve(number, (left > 0).then_some(Reserve { left, ..reserve }));
        Ok(receipt(first, accounts.len() as u64))
    }

    /// Moves virtual time on and gives back whatever is held for nobody any more, in the order of
    /// the times at which it expired. Says how many holds and escrows that were.
    ///
    /// # Errors
    /// [`Error::Time`] for a time before that of an order.
    pub fn expire(&mut self, time: u64) -> Result<u64, Error> {
        if time < self.time {
            return Err(Error::Time { asked: time, now: self.time });
        }
        self.time = time;
        let cause = Cause { agent: None, step: 0, effect: 0 };
        let order = Order { cause, key: [0; 32], purpose: "expiry", time };
        let mut count = 0;
        while let Some((expires, number)) = self.expiring.first().copied() {
            let Some(reserve) = self.reserves.get(&number).filter(|_| expires <= time) else {
                break;
            };
            let back = [(self.payer(reserve), reserve.left)];
            self.pay_out(&order, number, Kind::Expire, &back, [0; 16])?;
            count += 1;
        }
        Ok(count)
    }

    /// The virtual time at which the next hold or escrow expires, in nanoseconds.
    pub fn next_expiry(&self) -> Option<u64> {
        self.expiring.first().map(|(expires, _)| *expires)
    }

    /// An open hold or escrow.
    pub fn reserve(&self, number: u64) -> Option<&Reserve> {
        self.reserves.get(&number)
    }

    pub(crate) fn set_reserve(&mut self, number: u64, reserve: Option<Reserve>) {
        self.note(|ledger| Undo::Reserve(number, ledger.reserves.get(&number).copied()));
        self.put_reserve(number, reserve);
    }

    pub(crate) fn put_reserve(&mut self, number: u64, reserve: Option<Reserve>) {
        if let Some(before) = self.reserves.remove(&number) {
            self.expiring.remove(&(before.expires, number));
        }
        if let Some(reserve) = reserve {
            self.expiring.insert((reserve.expires, number));
            self.reserves.insert(number, reserve);
        }
    }
}
