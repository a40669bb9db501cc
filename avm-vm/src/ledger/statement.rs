//! What an account went through, newest first.

use alloc::vec::Vec;

use super::{
    Cause, Kind, Ledger, Money, Owner, Record,
    records::{NONE, Stored},
};

/// A line of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The record.
    pub record: Record<'a>,
    /// Whether the account has more after it than before.
    pub gains: bool,
    /// What it has after it, in billionths.
    pub balance: u64,
}

/// Where a statement goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    number: u64,
    balance: u64,
}

impl Ledger {
    /// A record that was not dropped.
    pub fn record(&self, number: u64) -> Option<Record<'_>> {
        self.records.get(number).map(|record| self.show(number, record))
    }

    /// Lines of an account, newest first, at most so many; and where it goes on, unless that was
    /// all, or the next record was dropped. Costs as much as the lines that it gives.
    pub fn statement(
        &self,
        owner: Owner,
        token: &str,
        from: Option<Cursor>,
        most: usize,
    ) -> (Vec<Row<'_>>, Option<Cursor>) {
        let mut rows = Vec::new();
        let Some(account) = self.account(owner, token) else { return (rows, None) };
        let Some(newest) = self.accounts.get(account as usize) else { return (rows, None) };
        let newest = Cursor { number: newest.last, balance: newest.balance };
        let mut at = from.unwrap_or(newest);
        while let Some(record) = self.records.get(at.number) {
            if record.from != account && record.to != account {
                return (rows, None);
            }
            if rows.len() >= most {
                return (rows, Some(at));
            }
            let gains = match record.from == account {
                true => record.kind == Kind::Mint,
                false => record.kind != Kind::Burn,
            };
            let record_shown = self.show(at.number, record);
            rows.push(Row { record: record_shown, gains, balance: at.balance });
            at.balance = match gains {
                true => at.balance.saturating_sub(record.amount),
                false => at.balance.saturating_add(record.amount),
            };
            at.number = match record.from == account {
                true => record.before_from,
                false => record.before_to,
            };
        }
        (rows, None)
    }

    fn show(&self, number: u64, record: &Stored) -> Record<'_> {
        let (from, token) = self.names.of_account(record.from);
        let agent = record.actor.checked_sub(1).and_then(|owner| self.names.entry(owner));
        let agent = agent.and_then(|entry| match entry.owner {
            Owner::Agent(id) => Some(id),
            _ => None,
        });
        Record {
            number,
            kind: record.kind,
            from,
            to: self.names.of_account(record.to).0,
            money: Money {
                token: self.names.tokens.get(token).map_or("", |token| token),
                amount: record.amount,
            },
            purpose: self.names.purposes.get(record.purpose).map_or("", |purpose| purpose),
            reserve: (record.reserve != NONE).then_some(record.reserve),
            cause: Cause { agent, step: record.step, effect: record.effect },
            key: record.key,
            time: record.time,
            link: record.link,
        }
    }
}
