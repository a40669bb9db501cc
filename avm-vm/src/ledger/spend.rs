//! Whether something may be spent: by the payer's policy, by that of who acts for it, and by those of
//! all their ancestors; and what each of them counts then.

use alloc::{boxed::Box, string::String};

use super::{
    ClauseKind, Error, Key, Kind, Ledger, MAX_COUNTED, Money, Order, Owner, Policy, Refusal,
    Wanted,
    guard::{Ask, Guard, Says},
    terms::digest,
    undo::Undo,
};

/// What is to be spent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spending<'a> {
    pub kind: Kind,
    pub from: Owner,
    pub to: Owner,
    pub money: Money<'a>,
}

impl Spending<'_> {
    /// What an approval is bound to, beside the key.
    fn digest(&self, order: &Order<'_>) -> [u8; 16] {
        approval(self.kind, self.from, self.to, self.money, order.purpose)
    }
}

fn approval(kind: Kind, from: Owner, to: Owner, money: Money<'_>, purpose: &str) -> [u8; 16] {
    digest(|bytes| {
        let mut out = avm_ir::wire::Writer::new();
        out.u8(kind as u8);
        super::codec::write_owner(&mut out, from);
        super::codec::write_owner(&mut out, to);
        out.text(money.token);
        out.u64(money.amount);
        out.text(purpose);
        *bytes = out.finish();
    })
}

impl Ledger {
    /// Sets what an owner may spend; `None` takes the policy away. What windows of the same token
    /// and length counted under the policy before goes on to count, and an open breaker stays open.
    /// Policies of ancestors hold besides, so a policy never allows more than they do.
    ///
    /// # Errors
    /// A policy that cannot be one, or an owner that no program can name.
    pub fn set_policy(&mut self, owner: Owner, policy: Option<Policy>) -> Result<(), Error> {
        if !owner.is_wallet() {
            return Err(Error::Owner(owner));
        }
        if let Some(policy) = &policy {
            policy.check()?;
        }
        let owner = self.open_owner(owner)?;
        self.note(|ledger| Undo::Guard(owner, ledger.guards.get(&owner).cloned().map(Box::new)));
        match policy {
            Some(policy) => {
                let guard = Guard::new(policy, self.guards.get(&owner));
                self.guards.insert(owner, guard);
            }
            None => {
                self.guards.remove(&owner);
            }
        }
        Ok(())
    }

    /// The policy of an owner, without those of its ancestors.
    pub fn policy(&self, owner: Owner) -> Option<&Policy> {
        Some(&self.guards.get(&self.names.owner(owner)?)?.policy)
    }

    /// Whether the circuit breaker of an owner is open.
    pub fn is_open(&self, owner: Owner) -> bool {
        let guard = self.names.owner(owner).and_then(|owner| self.guards.get(&owner));
        guard.is_some_and(|guard| guard.open)
    }

    /// Closes the circuit breaker of an owner, and forgets the refusals that it counted. For
    /// whoever runs the world; no effect of an agent may reach it.
    pub fn reset_breaker(&mut self, owner: Owner) {
        let Some(owner) = self.names.owner(owner) else { return };
        self.note_refused(owner);
        if let Some(guard) = self.guards.get_mut(&owner) {
            guard.open = false;
            guard.refused.clear();
        }
    }

    /// Allows once what was refused with [`Error::NeedsApproval`], for the order with the same key.
    /// For whoever runs the world; no effect of an agent may reach it.
    ///
    /// # Errors
    /// [`Error::Policy`] if too many wait.
    pub fn approve(&mut self, wanted: &Wanted) -> Result<(), Error> {
        if self.approved.len() >= MAX_COUNTED as usize {
            return Err(Error::Policy);
        }
        let money = Money { token: &wanted.token, amount: wanted.amount };
        let what = approval(wanted.kind, wanted.from, wanted.to, money, &wanted.purpose);
        self.put_approval(wanted.key, Some(what));
        Ok(())
    }

    /// Takes back what [`Self::approve`] allowed and nobody used.
    pub fn disapprove(&mut self, key: &Key) {
        self.put_approval(*key, None);
    }

    fn put_approval(&mut self, key: Key, what: Option<[u8; 16]>) {
        self.note(|ledger| Undo::Approved(key, ledger.approved.get(&key).copied()));
        match what {
            Some(what) => self.approved.insert(key, what),
            None => self.approved.remove(&key),
        };
    }

    /// Owners whose policies hold where one acts with the wallet of another: each once.
    fn holding(&self, order: &Order<'_>, from: Owner) -> impl Iterator<Item = u32> {
        let actor = order.cause.agent.map(Owner::Agent).filter(|actor| *actor != from);
        let starts = [Some(from), actor].into_iter().flatten();
        starts
            .filter_map(|start| self.names.owner(start))
            .flat_map(|start| self.names.line(Some(start)))
            .filter(|owner| self.guards.contains_key(owner))
    }

    /// Asks every policy. A refusal is counted by the policy that refuses.
    pub(crate) fn allow(&mut self, order: &Order<'_>, what: &Spending<'_>) -> Result<(), Error> {
        if self.guards.is_empty() {
            return Ok(());
        }
        let payee = (what.kind != Kind::Escrow).then_some(what.to);
        let Money { token, amount } = what.money;
        let ask = Ask { payee, token, amount, purpose: order.purpose, time: order.time };
        let mut asks = None;
        let mut refused = None;
        for owner in self.holding(order, what.from) {
            match self.guards.get(&owner).map(|guard| guard.judge(&ask)) {
                Some(Says::No(clause, why, trips)) => {
                    refused = Some((owner, clause, why, trips));
                    break;
                }
                Some(Says::Asks(over)) => asks = asks.or(Some((owner, over))),
                Some(Says::Yes) | None => {}
            }
        }
        if let Some((owner, clause, why, trips)) = refused {
            return Err(self.refuse(order.time, owner, clause, why, trips));
        }
        let Some((owner, over)) = asks else { return Ok(()) };
        if self.approved.get(&order.key) == Some(&what.digest(order)) {
            return Ok(());
        }
        Err(Error::NeedsApproval(Box::new(Wanted {
            owner: self.names.entry(owner).map_or(what.from, |entry| entry.owner),
            over,
            key: order.key,
            kind: what.kind,
            from: what.from,
            to: what.to,
            token: String::from(token),
            amount,
            purpose: String::from(order.purpose),
        })))
    }

    /// Asks the payer's policies whether whoever gets an escrow may be paid.
    pub(crate) fn allow_payee(&mut self, time: u64, from: Owner, to: Owner) -> Result<(), Error> {
        let forbids = |owner: &u32| {
            self.guards.get(owner).is_some_and(|guard| !guard.policy.payees.allows(&to))
        };
        let against = self.names.line(self.names.owner(from)).find(forbids);
        match against {
            None => Ok(()),
            Some(owner) => {
                let why = alloc::format!("not to {to}");
                Err(self.refuse(time, owner, ClauseKind::Payees, why, false))
            }
        }
    }

    /// Whether a breaker is open that stands above a wallet, or above who acts with it.
    pub(crate) fn check_breakers(&mut self, order: &Order<'_>, from: Owner) -> Result<(), Error> {
        let open = |owner: &u32| self.guards.get(owner).is_some_and(|guard| guard.open);
        let open = self.holding(order, from).find(open);
        match open {
            None => Ok(()),
            Some(owner) => {
                let why = String::from("it is open until it is reset");
                Err(self.refuse(order.time, owner, ClauseKind::Breaker, why, false))
            }
        }
    }

    fn refuse(
        &mut self,
        time: u64,
        owner: u32,
        clause: ClauseKind,
        why: String,
        trips: bool,
    ) -> Error {
        if clause != ClauseKind::Breaker {
            self.note_refused(owner);
            if let Some(guard) = self.guards.get_mut(&owner) {
                guard.refuse(time, trips);
            }
            self.time = self.time.max(time);
        }
        let owner = self.names.entry(owner).map_or(Owner::Genesis, |entry| entry.owner);
        Error::Refused(Refusal { owner, clause, why })
    }

    fn note_refused(&mut self, owner: u32) {
        if let Some(guard) = self.guards.get(&owner).filter(|_| !self.marks.is_empty()) {
            self.undo.push(Undo::Refused(owner, guard.open, guard.refused.clone()));
        }
    }

    /// Counts what was allowed, and uses up its approval.
    pub(crate) fn count(&mut self, order: &Order<'_>, what: &Spending<'_>) {
        if self.approved.contains_key(&order.key) {
            self.put_approval(order.key, None);
        }
        if self.guards.is_empty() {
            return;
        }
        let owners: alloc::vec::Vec<u32> = self.holding(order, what.from).collect();
        let Money { token, amount } = what.money;
        for owner in owners {
            let Some(guard) = self.guards.get_mut(&owner) else { continue };
            let Some(limits) = guard.policy.limits.get(token) else { continue };
            let Some(spent) = guard.spent.get_mut(token) else { continue };
            for (index, (window, spent)) in limits.windows.iter().zip(spent).enumerate() {
                let gone = spent.add(window, order.time, amount);
                if !self.marks.is_empty() {
                    let token = String::from(token);
                    self.undo.push(Undo::Spent { owner, token, window: index, gone });
                }
            }
        }
    }
}
