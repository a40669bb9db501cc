//! The meters of a run: limits, what is used up, top-ups, time.

use super::{End, Machine};
use crate::meter::{Budget, Meter};

impl Machine {
    /// Nanogas used so far. What an unanswered effect may cost is not counted yet.
    pub fn gas_used(&self) -> u64 {
        let reserved = self.pending.as_ref().map_or(0, |pending| pending.charged);
        self.agent.gas_limit - self.agent.gas - reserved
    }

    /// Nanogas that are left; what an unanswered effect may cost counts as left.
    pub fn gas_left(&self) -> u64 {
        self.agent.gas_limit - self.gas_used()
    }

    /// What is left on the meters beside gas and memory; the largest number where there is no limit.
    pub fn left_of_budget(&self) -> Budget {
        let mut left = self.agent.budget.minus(&self.agent.spent);
        for meter in Meter::ALL {
            if self.agent.budget.amount(*meter) == Some(u64::MAX)
                && let Some(amount) = left.amount_mut(*meter)
            {
                *amount = u64::MAX;
            }
        }
        left
    }

    /// What tells this run from every other one of the program.
    pub(crate) const fn run_key(&self) -> [u8; 32] {
        self.agent.run
    }

    /// Makes effects of a machine that is used once more different from those of the time before.
    pub(crate) fn begin_again(&mut self, lives: u32) {
        self.put_request();
        let mut hasher = blake3::Hasher::new_derive_key("aither avm restart v1");
        hasher.update(&self.agent.run);
        hasher.update(&lives.to_le_bytes());
        self.agent.run = *hasher.finalize().as_bytes();
    }

    /// Nanogas granted in all.
    pub const fn gas_limit(&self) -> u64 {
        self.agent.gas_limit
    }

    /// Limits of the meters beside gas and memory.
    pub const fn budget(&self) -> &Budget {
        &self.agent.budget
    }

    /// What is used up of those meters; never more than their limits.
    pub const fn spent(&self) -> &Budget {
        &self.agent.spent
    }

    /// Limit of a meter, in its unit; the largest number where there is none.
    pub const fn limit(&self, meter: Meter) -> u64 {
        match (meter, self.agent.budget.amount(meter)) {
            (_, Some(limit)) => limit,
            (Meter::Memory, None) => self.agent.memory.limit,
            (_, None) => self.agent.gas_limit,
        }
    }

    /// What is used up of a meter, in its unit.
    pub fn used(&self, meter: Meter) -> u64 {
        match (meter, self.agent.spent.amount(meter)) {
            (_, Some(used)) => used,
            (Meter::Memory, None) => self.memory_used(),
            (_, None) => self.gas_used(),
        }
    }

    /// Raises the limit of a meter. A run that ended [`End::Exhausted`] on it goes on from the very
    /// state.
    pub fn top_up(&mut self, meter: Meter, amount: u64) {
        // An effect that waits keeps the limits with which it was asked.
        self.put_request();
        let agent = &mut self.agent;
        match (meter, agent.budget.amount_mut(meter)) {
            (_, Some(limit)) => *limit = limit.saturating_add(amount),
            (Meter::Memory, None) => {
                agent.memory.set_limit(agent.memory.limit.saturating_add(amount));
            }
            (_, None) => {
                let limit = agent.gas_limit.saturating_add(amount);
                agent.gas += limit - agent.gas_limit;
                agent.gas_limit = limit;
            }
        }
        if self.end == Some(End::Exhausted(meter)) {
            self.end = None;
        }
    }

    /// Charges time that passed outside, in milliseconds, and ends the run where its time is used
    /// up, whatever the policy: computing takes time too, so nothing could go on. An effect that
    /// waits is taken back.
    pub fn spend_wall(&mut self, milliseconds: u64) {
        let left = self.agent.left().wall;
        self.agent.spent.spend.wall += milliseconds.min(left);
        if milliseconds < left || self.end.is_some() {
            return;
        }
        match self.pending.take() {
            Some(pending) => self.undo(pending.charged, Meter::Wall),
            None => self.end = Some(End::Exhausted(Meter::Wall)),
        }
    }
}
