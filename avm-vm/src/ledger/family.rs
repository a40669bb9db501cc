//! Parents that fund children, and pools that agents share (P-84).

use alloc::{collections::BTreeMap, vec::Vec};

use super::{
    Error, Kind, Ledger, MAX_COUNTED, Money, Order, Owner, Pool, Receipt,
    codec::write_owner,
    names::Name,
    pay::receipt,
    post::Move,
    records::{NONE, Stored},
    terms::digest,
    undo::Undo,
};

/// Most tokens that a child is funded with at once.
pub const MAX_FUNDS: usize = 64;

impl Ledger {
    /// Makes one agent the child of another and funds it. Funding is not spending: what the child
    /// spends counts for all its ancestors. The parent may, and whoever runs the world.
    ///
    /// # Errors
    /// [`Error::Lineage`] for an agent that has a family already, and whatever is wrong with the
    /// order; one token may not be there twice.
    pub fn fork(
        &mut self,
        order: &Order<'_>,
        parent: [u8; 32],
        child: [u8; 32],
        funds: &[Money<'_>],
    ) -> Result<Receipt, Error> {
        let (parent, child) = (Owner::Agent(parent), Owner::Agent(child));
        let terms = digest(|bytes| {
            let mut out = avm_ir::wire::Writer::new();
            write_owner(&mut out, parent);
            write_owner(&mut out, child);
            for money in funds.iter().take(MAX_FUNDS + 1) {
                out.text(money.token);
                out.u64(money.amount);
            }
            *bytes = out.finish();
        });
        let same = |record: &Stored| (record.kind, record.terms) == (Kind::Fund, terms);
        if let Some(receipt) = self.seen(order, same)? {
            return Ok(receipt);
        }
        if order.cause.agent.is_some() && !self.acts_for(order, parent) {
            return Err(Error::Authority);
        }
        let known = (self.names.owner(parent), self.names.owner(child));
        let adopted = known.1.and_then(|child| self.names.entry(child)?.parent);
        if funds.is_empty() && adopted.is_some() && adopted == known.0 {
            return Ok(Receipt { first: self.records.end(), count: 0, again: true });
        }
        self.check_alive(parent)?;
        self.check_breakers(order, parent)?;
        let mut from = Vec::new();
        for (index, money) in funds.iter().enumerate() {
            let twice = funds.iter().take(index).any(|other| other.token == money.token);
            match () {
                () if index >= MAX_FUNDS || twice => return Err(Error::Shares),
                () if money.amount == 0 => return Err(Error::Zero),
                () => from.push((self.check_balance(parent, *money)?, money.amount)),
            }
        }
        let around = self.begin(order)?;
        let (parent, child) = (self.open_owner(parent)?, self.open_owner(child)?);
        if !self.names.can_adopt(child, parent) {
            return Err(Error::Lineage);
        }
        let mut moves = Vec::new();
        for ((token, from), amount) in from {
            let to = self.open_account(child, token)?;
            moves.push(Move { kind: Kind::Fund, from, to, amount, reserve: NONE, terms });
        }
        self.name(Name::Parent { child, parent })?;
        let first = self.records.end();
        for funding in &moves {
            self.post(&around, *funding);
        }
        Ok(receipt(first, moves.len() as u64))
    }

    /// Ends an agent: what it has goes to its nearest ancestor that has not ended, and so does
    /// whatever comes back to it later. What an agent without one has stays with it, and nobody can
    /// spend it. The agent may, and whoever runs the world.
    ///
    /// # Errors
    /// Whatever is wrong with the order.
    pub fn end(&mut self, order: &Order<'_>, agent: [u8; 32]) -> Result<Receipt, Error> {
        let owner = Owner::Agent(agent);
        let of = |record: &Stored| self.names.of_account(record.from).0;
        let same = |record: &Stored| (record.kind, of(record)) == (Kind::Return, owner);
        if let Some(receipt) = self.seen(order, same)? {
            return Ok(receipt);
        }
        if order.cause.agent.is_some() && !self.acts_for(order, owner) {
            return Err(Error::Authority);
        }
        if self.check_alive(owner).is_err() {
            return Ok(Receipt { first: self.records.end(), count: 0, again: true });
        }
        let around = self.begin(order)?;
        let number = self.open_owner(owner)?;
        let parent = self.names.entry(number).and_then(|entry| entry.parent);
        let line = self.names.line(parent);
        let heir = { line }.find(|heir| self.names.entry(*heir).is_some_and(|heir| !heir.ended));
        let accounts = self.names.entry(number).map_or(Vec::new(), |entry| entry.accounts.clone());
        let mut moves = Vec::new();
        for (token, from) in accounts {
            let amount = self.has(from);
            if let Some(heir) = heir.filter(|_| amount > 0) {
                let (to, terms) = (self.open_account(heir, token)?, [0; 16]);
                moves.push(Move { kind: Kind::Return, from, to, amount, reserve: NONE, terms });
            }
        }
        self.name(Name::Ended { owner: number })?;
        let first = self.records.end();
        for back in &moves {
            self.post(&around, *back);
        }
        Ok(receipt(first, moves.len() as u64))
    }

    /// The parent of an agent.
    pub fn parent(&self, agent: [u8; 32]) -> Option<Owner> {
        let parent = self.names.entry(self.names.owner(Owner::Agent(agent))?)?.parent?;
        self.names.entry(parent).map(|entry| entry.owner)
    }

    /// Says who belongs to a pool, and which of them may pay out of it. For whoever runs the world.
    ///
    /// # Errors
    /// [`Error::Policy`] for more than 65536 members.
    pub fn set_pool(
        &mut self,
        pool: [u8; 32],
        members: BTreeMap<[u8; 32], bool>,
    ) -> Result<(), Error> {
        if members.len() > MAX_COUNTED as usize {
            return Err(Error::Policy);
        }
        let pool = self.open_owner(Owner::Pool(pool))?;
        self.note(|ledger| Undo::Pool(pool, ledger.pools.get(&pool).cloned()));
        self.pools.insert(pool, members);
        Ok(())
    }

    /// Members of a pool, with whether they may pay.
    pub fn pool(&self, pool: [u8; 32]) -> Option<&Pool> {
        self.pools.get(&self.names.owner(Owner::Pool(pool))?)
    }
}
