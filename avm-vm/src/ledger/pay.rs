//! Payments, genesis, and who may act with which wallet.

use super::{
    Error, Kind, Ledger, Money, Order, Owner, Receipt,
    names::{Name, check_name},
    post::Move,
    records::{NONE, Stored},
    spend::Spending,
};

impl Ledger {
    /// Pays from one wallet to another (O-38). The agent that acts owns the wallet, or is a member of
    /// the pool that may pay; whoever runs the world pays out of fees.
    ///
    /// # Errors
    /// Whatever is wrong with the order, and what policies refuse. Nothing has moved then.
    pub fn pay(
        &mut self,
        order: &Order<'_>,
        from: Owner,
        to: Owner,
        money: Money<'_>,
    ) -> Result<Receipt, Error> {
        let what = Spending { kind: Kind::Pay, from, to, money };
        let same = |record: &Stored| self.is_same(record, &what);
        if let Some(receipt) = self.seen(order, same)? {
            return Ok(receipt);
        }
        self.check_payee(from, to)?;
        let (token, from_account) = self.check_spending(order, &what)?;
        let around = self.begin(order)?;
        let to = self.open_owner(to)?;
        let to = self.open_account(to, token)?;
        self.count(order, &what);
        let terms = [0; 16];
        let amount = money.amount;
        let what = Move { kind: Kind::Pay, from: from_account, to, amount, reserve: NONE, terms };
        Ok(receipt(self.post(&around, what), 1))
    }

    /// Makes tokens and gives them to a wallet. Only whoever runs the world can.
    ///
    /// # Errors
    /// Whatever is wrong with the order; [`Error::Overflow`] for more than 2^64 - 1 billionths.
    pub fn mint(
        &mut self,
        order: &Order<'_>,
        to: Owner,
        money: Money<'_>,
    ) -> Result<Receipt, Error> {
        let what = Spending { kind: Kind::Mint, from: Owner::Genesis, to, money };
        if let Some(receipt) = self.seen(order, |record| self.is_same(record, &what))? {
            return Ok(receipt);
        }
        self.check_operator(order, to, money)?;
        check_name(money.token, 1)?;
        self.check_alive(to)?;
        self.supply(money.token).checked_add(money.amount).ok_or(Error::Overflow)?;
        let around = self.begin(order)?;
        let token = match self.names.tokens.find(money.token) {
            Some(token) => token,
            None => self.name(Name::Token(money.token.into()))?,
        };
        let from = self.open_owner(Owner::Genesis)?;
        let to = self.open_owner(to)?;
        let (from, to) = (self.open_account(from, token)?, self.open_account(to, token)?);
        let (amount, terms) = (money.amount, [0; 16]);
        let what = Move { kind: Kind::Mint, from, to, amount, reserve: NONE, terms };
        Ok(receipt(self.post(&around, what), 1))
    }

    /// Takes tokens out of a wallet and out of the world. Only whoever runs the world can.
    ///
    /// # Errors
    /// Whatever is wrong with the order.
    pub fn burn(
        &mut self,
        order: &Order<'_>,
        from: Owner,
        money: Money<'_>,
    ) -> Result<Receipt, Error> {
        let what = Spending { kind: Kind::Burn, from, to: Owner::Genesis, money };
        if let Some(receipt) = self.seen(order, |record| self.is_same(record, &what))? {
            return Ok(receipt);
        }
        self.check_operator(order, from, money)?;
        let (token, from) = self.check_balance(from, money)?;
        let around = self.begin(order)?;
        let to = self.open_owner(Owner::Genesis)?;
        let to = self.open_account(to, token)?;
        let (amount, terms) = (money.amount, [0; 16]);
        let what = Move { kind: Kind::Burn, from, to, amount, reserve: NONE, terms };
        Ok(receipt(self.post(&around, what), 1))
    }

    fn check_operator(&self, order: &Order<'_>, of: Owner, money: Money<'_>) -> Result<(), Error> {
        match () {
            () if order.cause.agent.is_some() => Err(Error::Authority),
            () if !of.is_wallet() => Err(Error::Owner(of)),
            () if money.amount == 0 => Err(Error::Zero),
            () => Ok(()),
        }
    }

    fn is_same(&self, record: &Stored, what: &Spending<'_>) -> bool {
        let ((from, token), (to, _)) =
            (self.names.of_account(record.from), self.names.of_account(record.to));
        (record.kind, from, to, record.amount) == (what.kind, what.from, what.to, what.money.amount)
            && self.names.tokens.find(what.money.token) == Some(token)
    }

    /// Whether one wallet can pay the other.
    pub(crate) fn check_payee(&self, from: Owner, to: Owner) -> Result<(), Error> {
        if !to.is_wallet() {
            return Err(Error::Owner(to));
        }
        if from == to {
            return Err(Error::SameWallet);
        }
        self.check_alive(to)
    }

    pub(crate) fn check_alive(&self, owner: Owner) -> Result<(), Error> {
        let entry = self.names.owner(owner).and_then(|owner| self.names.entry(owner));
        match entry.is_some_and(|entry| entry.ended) {
            true => Err(Error::Ended(owner)),
            false => Ok(()),
        }
    }

    /// Whether all of it may be spent; its token and the payer's account.
    pub(crate) fn check_spending(
        &mut self,
        order: &Order<'_>,
        what: &Spending<'_>,
    ) -> Result<(u32, u32), Error> {
        if !what.from.is_wallet() {
            return Err(Error::Owner(what.from));
        }
        if what.money.amount == 0 {
            return Err(Error::Zero);
        }
        let operator = what.from == Owner::Fees && order.cause.agent.is_none();
        if !operator && !self.acts_for(order, what.from) {
            return Err(Error::Authority);
        }
        self.check_alive(what.from)?;
        let actor = order.cause.agent.map(Owner::Agent).filter(|actor| *actor != what.from);
        actor.map_or(Ok(()), |actor| self.check_alive(actor))?;
        // Nobody is asked to approve what could not be paid.
        let (allowed, found) = (self.allow(order, what), self.check_balance(what.from, what.money));
        match allowed {
            Err(Error::NeedsApproval(wanted)) => found.and(Err(Error::NeedsApproval(wanted))),
            Err(error) => Err(error),
            Ok(()) => found,
        }
    }

    /// Token and account of a wallet that has so much.
    pub(crate) fn check_balance(&self, from: Owner, money: Money<'_>) -> Result<(u32, u32), Error> {
        let token = self.names.tokens.find(money.token).ok_or(Error::Token)?;
        let owner = self.names.owner(from);
        let account = owner.and_then(|owner| self.names.account(owner, token));
        let balance = account.map_or(0, |account| self.has(account));
        match account.filter(|_| balance >= money.amount) {
            Some(account) => Ok((token, account)),
            None => Err(Error::Insufficient { balance, wanted: money.amount }),
        }
    }

    /// Whether the agent that asks owns a wallet, or is one of those who may pay out of it.
    pub(crate) fn acts_for(&self, order: &Order<'_>, wallet: Owner) -> bool {
        let Some(actor) = order.cause.agent else { return false };
        match wallet {
            Owner::Agent(id) => actor == id,
            Owner::Pool(_) => {
                let pool = self.names.owner(wallet).and_then(|pool| self.pools.get(&pool));
                pool.and_then(|pool| pool.get(&actor)).is_some_and(|pays| *pays)
            }
            _ => false,
        }
    }
}

pub(crate) const fn receipt(first: u64, count: u64) -> Receipt {
    Receipt { first, count, again: false }
}
