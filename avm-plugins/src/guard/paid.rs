//! What tries that failed have used up already.

use avm_vm::Spend;

use crate::provider::{Call, Refusal, Reply};

/// Units and amounts of earlier tries of the same call.
#[derive(Clone, Copy, Default)]
pub(super) struct Paid {
    units: u64,
    spent: Spend,
    refund: Spend,
}

impl Paid {
    /// Counts a failed try, with everything before it: what [`Self::with`] gave.
    pub(super) fn add(&mut self, refusal: &Refusal) {
        *self = Self { units: refusal.units, spent: refusal.spent, refund: refusal.refund };
    }

    /// What the next try may use.
    pub(super) fn rest(&self, call: &Call) -> Call {
        let max_units = call.max_units.saturating_sub(self.units);
        Call { max_units, max_spend: call.max_spend.minus(&self.spent), ..*call }
    }

    /// A failure that pays for earlier tries as well.
    pub(super) fn with(&self, refusal: Refusal) -> Refusal {
        Refusal {
            units: refusal.units.saturating_add(self.units),
            spent: refusal.spent.plus(&self.spent),
            refund: refusal.refund.plus(&self.refund),
            ..refusal
        }
    }

    /// A reply that pays for earlier tries as well.
    pub(super) fn with_reply(&self, reply: Reply) -> Reply {
        Reply {
            units: reply.units.saturating_add(self.units),
            spent: reply.spent.plus(&self.spent),
            refund: reply.refund.plus(&self.refund),
            ..reply
        }
    }
}
