//! The state of one owner's policy: what was spent and refused lately, and whether the breaker is open.

use alloc::{
    collections::{BTreeMap, VecDeque},
    format,
    string::String,
    vec::Vec,
};

use super::{ClauseKind, Owner, Policy, Window, error::Tokens};

/// A policy at work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guard {
    pub policy: Policy,
    /// Whether the breaker is open.
    pub open: bool,
    /// Times of refusals that the breaker still counts.
    pub refused: VecDeque<u64>,
    /// What each window of each token counts, in the order of the policy.
    pub spent: BTreeMap<String, Vec<Spent>>,
}

/// What a window counts. Payments that it does not count any more go when something is added, and
/// not before: looking changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    /// Time and amount, oldest first.
    pub payments: VecDeque<(u64, u64)>,
    /// Of all that are in `payments`; at most the window's amount when it was written.
    pub sum: u64,
}

/// What is asked of a guard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub payee: Option<Owner>,
    pub token: &'a str,
    pub amount: u64,
    pub purpose: &'a str,
    pub time: u64,
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Yes,
    /// More than this much goes only with approval.
    Asks(u64),
    /// The clause, why, and whether the breaker opens at once.
    No(ClauseKind, String, bool),
}

impl Spent {
    /// Forgets what is too old, and counts one more. What was forgotten is handed back.
    pub(crate) fn add(&mut self, window: &Window, time: u64, amount: u64) -> Vec<(u64, u64)> {
        let mut gone = Vec::new();
        while let Some((at, old)) = self.payments.front().copied() {
            if time.saturating_sub(at) < window.length {
                break;
            }
            self.payments.pop_front();
            self.sum -= old;
            gone.push((at, old));
        }
        self.payments.push_back((time, amount));
        self.sum = self.sum.saturating_add(amount);
        gone
    }

    /// Undoes [`Self::add`].
    pub(crate) fn take_back(&mut self, gone: &[(u64, u64)]) {
        if let Some((_, amount)) = self.payments.pop_back() {
            self.sum -= amount;
        }
        for payment in gone.iter().rev() {
            self.payments.push_front(*payment);
            self.sum = self.sum.saturating_add(payment.1);
        }
    }

    /// Sum and number of what a window counts at a time.
    fn at(&self, window: &Window, time: u64) -> (u64, usize) {
        let old = |(at, _): &&(u64, u64)| time.saturating_sub(*at) >= window.length;
        let (gone, sum) = { self.payments.iter().take_while(old) }
            .fold((0, self.sum), |(count, sum), (_, amount)| (count + 1, sum - amount));
        (sum, self.payments.len() - gone)
    }
}

impl Guard {
    /// A policy that nothing was counted for; what another one counted in windows of the same
    /// token and length goes on to count.
    pub(crate) fn new(policy: Policy, before: Option<&Self>) -> Self {
        let mut guard = Self { policy, ..Self::default() };
        if let Some(before) = before {
            guard.open = before.open;
        }
        for (token, limits) in &guard.policy.limits {
            let spent = limits.windows.iter().map(|window| {
                let old = before.and_then(|before| before.same(token, window));
                old.cloned().unwrap_or_default()
            });
            guard.spent.insert(token.clone(), spent.collect());
        }
        guard
    }

    fn same(&self, token: &str, window: &Window) -> Option<&Spent> {
        let windows = &self.policy.limits.get(token)?.windows;
        let index = windows.iter().position(|known| known.length == window.length)?;
        self.spent.get(token)?.get(index)
    }

    /// Looks at every clause, in their order.
    pub(crate) fn judge(&self, ask: &Ask<'_>) -> Says {
        let Ask { payee, token, amount, purpose, time } = *ask;
        let no = |clause, why| Says::No(clause, why, false);
        if self.open {
            return no(ClauseKind::Breaker, String::from("it is open until it is reset"));
        }
        if !self.policy.tokens.allows(token) {
            return no(ClauseKind::Tokens, format!("no {token}"));
        }
        if let Some(payee) = payee.filter(|payee| !self.policy.payees.allows(payee)) {
            return no(ClauseKind::Payees, format!("not to {payee}"));
        }
        if !self.policy.purposes.allows(purpose) {
            return no(ClauseKind::Purposes, format!("not for {purpose:?}"));
        }
        let Some(limits) = self.policy.limits.get(token) else { return Says::Yes };
        if let Some(most) = limits.per_call.filter(|most| amount > *most) {
            let why = format!("{} {token} is more than {} at once", Tokens(amount), Tokens(most));
            return no(ClauseKind::PerCall, why);
        }
        let spent = self.spent.get(token).map_or(&[] as &[Spent], |spent| spent);
        for (window, spent) in limits.windows.iter().zip(spent) {
            let (sum, count) = spent.at(window, time);
            let fits = sum.checked_add(amount).is_some_and(|sum| sum <= window.amount);
            if !fits || count >= window.payments as usize {
                let (sum, most) = (Tokens(sum), Tokens(window.amount));
                let why = format!(
                    "{} {token} more than {sum} in {count} payments within {} ns, of {most} in {}",
                    Tokens(amount),
                    window.length,
                    window.payments
                );
                return Says::No(ClauseKind::Window, why, window.trips);
            }
        }
        match limits.approval.filter(|over| amount > *over) {
            Some(over) => Says::Asks(over),
            None => Says::Yes,
        }
    }

    /// Counts a refusal.
    pub(crate) fn refuse(&mut self, time: u64, trips: bool) {
        self.open |= trips;
        let Some(breaker) = self.policy.breaker else { return };
        while self.refused.front().is_some_and(|at| time.saturating_sub(*at) >= breaker.within) {
            self.refused.pop_front();
        }
        self.refused.push_back(time);
        // An open breaker does not go on to count.
        if self.refused.len() > breaker.refusals as usize {
            self.refused.pop_front();
        }
        if self.refused.len() >= breaker.refusals as usize {
            self.open = true;
        }
    }
}
