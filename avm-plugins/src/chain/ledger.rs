//! Who has how much of which token, and changes of it that are made whole or not at all.

use std::collections::BTreeMap;

use avm_ir::{Value, value::Record};
use avm_vm::FailureCode;

use crate::provider::Refusal;

/// A holder (an account, or `pool:` and its pair) and a token.
pub(super) type Slot = (String, String);

/// Balances in billionths of the tokens; who is not in it has nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger(pub(super) BTreeMap<Slot, u64>);

impl Ledger {
    pub(super) fn get(&self, holder: &str, token: &str) -> u64 {
        let slot = (holder.to_owned(), token.to_owned());
        self.0.get(&slot).copied().unwrap_or(0)
    }

    /// Tokens and amounts of a holder.
    pub(super) fn of<'a>(&'a self, holder: &'a str) -> impl Iterator<Item = (&'a str, u64)> {
        let first = (holder.to_owned(), String::new());
        let rest = self.0.range(first..).take_while(move |((name, _), _)| name == holder);
        rest.map(|((_, token), amount)| (token.as_str(), *amount))
    }

    /// Makes the changes of a draft.
    pub(super) fn commit(&mut self, changes: BTreeMap<Slot, u64>) {
        for (slot, amount) in changes {
            match amount {
                0 => self.0.remove(&slot),
                amount => self.0.insert(slot, amount),
            };
        }
    }
}

/// Changes of a ledger that are not made yet.
pub(super) struct Draft<'a> {
    ledger: &'a Ledger,
    changed: BTreeMap<Slot, u64>,
}

impl<'a> Draft<'a> {
    pub(super) const fn new(ledger: &'a Ledger) -> Self {
        Self { ledger, changed: BTreeMap::new() }
    }

    pub(super) fn get(&self, holder: &str, token: &str) -> u64 {
        let slot = (holder.to_owned(), token.to_owned());
        self.changed.get(&slot).copied().unwrap_or_else(|| self.ledger.get(holder, token))
    }

    /// Moves an amount.
    ///
    /// # Errors
    /// The holder has less.
    pub(super) fn pay(
        &mut self,
        from: &str,
        to: &str,
        token: &str,
        amount: u64,
    ) -> Result<(), Refusal> {
        let has = self.get(from, token);
        let left = has.checked_sub(amount).ok_or_else(|| {
            let message =
                format!("{from} has {has} billionths of {token}, and {amount} are needed");
            Refusal::new(FailureCode::Denied, message)
        })?;
        self.changed.insert((from.to_owned(), token.to_owned()), left);
        // No token has more in all than fits, which is checked where a chain begins.
        let more = self.get(to, token).saturating_add(amount);
        self.changed.insert((to.to_owned(), token.to_owned()), more);
        Ok(())
    }

    /// What it would change, by holder and token, for programs.
    pub(super) fn diff(&self) -> Value {
        let rows = self.changed.iter().filter_map(|((holder, token), after)| {
            let before = self.ledger.get(holder, token);
            (before != *after).then(|| {
                Value::Record(Record::from_iter([
                    ("holder", Value::text(holder)),
                    ("token", Value::text(token)),
                    ("before", Value::Int(before.cast_signed())),
                    ("after", Value::Int(after.cast_signed())),
                ]))
            })
        });
        Value::list(rows.collect())
    }

    pub(super) fn changes(self) -> BTreeMap<Slot, u64> {
        self.changed
    }
}
