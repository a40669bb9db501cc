//! A purse for calls that run side by side: what they may use up together on all meters at once.
//!
//! A call reserves the most that it may use, runs, and settles what it did use. What is settled and
//! what is reserved never exceed the limit together, whatever the calls do at the same time. A call
//! that does not fit waits as long as others may still bring something back, so whoever reserves in
//! a fixed order gets the same answers as one call after the other would.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use avm_vm::{Meter, Spend};

/// Amounts on every meter that a call may use up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Nanogas.
    pub gas: u64,
    /// The meters beside gas.
    pub spend: Spend,
}

impl Amounts {
    /// Both, meter by meter; stays at the largest number.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let gas = self.gas.saturating_add(other.gas);
        Self { gas, spend: self.spend.plus(&other.spend) }
    }

    /// What is left of it after the other, meter by meter, at least nothing.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let gas = self.gas.saturating_sub(other.gas);
        Self { gas, spend: self.spend.minus(&other.spend) }
    }

    /// The first meter on which it is more than `limit`.
    pub fn over(&self, limit: &Self) -> Option<Meter> {
        match self.gas > limit.gas {
            true => Some(Meter::Gas),
            false => self.spend.over(&limit.spend),
        }
    }
}

/// What is left, and what calls under way have reserved of it.
pub struct Purse {
    state: Mutex<State>,
    settled: Condvar,
}

#[derive(Clone, Copy)]
struct State {
    /// Neither used up nor reserved.
    free: Amounts,
    /// Reservations that are not settled yet.
    open: usize,
}

/// A reservation. Dropped without being settled it has used nothing.
#[must_use]
pub struct Hold<'a> {
    purse: &'a Purse,
    amounts: Amounts,
}

impl Purse {
    /// A purse with so much in it.
    pub const fn new(limit: Amounts) -> Self {
        let state = State { free: limit, open: 0 };
        Self { state: Mutex::new(state), settled: Condvar::new() }
    }

    /// Reserves, after waiting as long as that may help. A caller that holds a reservation of its
    /// own would wait for itself; it uses [`Self::try_reserve`].
    ///
    /// # Errors
    /// The meter that has too little left although nobody holds anything.
    pub fn reserve(&self, amounts: Amounts) -> Result<Hold<'_>, Meter> {
        let mut state = self.lock();
        loop {
            match state.take(&amounts) {
                None => return Ok(Hold { purse: self, amounts }),
                Some(meter) if state.open == 0 => return Err(meter),
                Some(_) => {
                    let waited = self.settled.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// Reserves if that is possible at once.
    pub fn try_reserve(&self, amounts: Amounts) -> Option<Hold<'_>> {
        let short = self.lock().take(&amounts);
        short.is_none().then(|| Hold { purse: self, amounts })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the amounts; the meter that is short if they are not there.
    fn take(&mut self, amounts: &Amounts) -> Option<Meter> {
        let short = amounts.over(&self.free);
        if short.is_none() {
            self.free = self.free.minus(amounts);
            self.open += 1;
        }
        short
    }
}

impl Hold<'_> {
    /// Gives back what was not used. What was used beyond the reservation is taken from what is
    /// free, as far as it goes.
    pub fn settle(mut self, used: &Amounts) {
        let (back, more) = (self.amounts.minus(used), used.minus(&self.amounts));
        self.amounts = back;
        let mut state = self.purse.lock();
        state.free = state.free.minus(&more);
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut state = self.purse.lock();
        state.free = state.free.plus(&self.amounts);
        state.open -= 1;
        drop(state);
        self.purse.settled.notify_all();
    }
}

#[cfg(test)]
mod tests;
