//! Pools of two tokens whose product never falls (constant product, with a fee on what is paid).

use avm_vm::FailureCode;

use crate::provider::Refusal;

const WHOLE: u128 = 10_000;

/// A pool; what it holds stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pool {
    pub(super) pair: String,
    /// What is bought and sold.
    pub(super) base: String,
    /// What it is paid in.
    pub(super) quote: String,
    /// Fee in hundredths of a percent of what is paid in.
    pub(super) fee: u64,
}

/// What a trade pays into the pool and gets out of it, in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trade {
    pub(super) pay: u64,
    pub(super) get: u64,
    /// The part of what is paid that is the fee.
    pub(super) fee: u64,
}

impl Pool {
    /// Its name in the ledger.
    pub(super) fn holder(&self) -> String {
        format!("pool:{}", self.pair)
    }

    /// What paying so much into one side, of which there is `into`, gets out of the other.
    ///
    /// # Errors
    /// It gets nothing, or the amounts are too large.
    pub(super) fn sell(&self, pay: u64, into: u64, out_of: u64) -> Result<Trade, Refusal> {
        let paid = u128::from(pay) * self.share();
        let above = paid.checked_mul(u128::from(out_of)).ok_or_else(too_large)?;
        let below = u128::from(into) * WHOLE + paid;
        let get = above.checked_div(below).and_then(|get| u64::try_from(get).ok());
        let get = get.filter(|get| *get > 0).ok_or_else(|| {
            refused(format!("{pay} billionths are too little to get anything from {}", self.pair))
        })?;
        Ok(self.trade(pay, get))
    }

    /// What has to be paid into one side to get so much out of the other.
    ///
    /// # Errors
    /// The pool has no more than that, or the amounts are too large.
    pub(super) fn buy(&self, get: u64, into: u64, out_of: u64) -> Result<Trade, Refusal> {
        let left = out_of.checked_sub(get).filter(|left| *left > 0).ok_or_else(|| {
            refused(format!("the pool {} has {out_of} billionths, not more than {get}", self.pair))
        })?;
        let above = u128::from(into) * u128::from(get);
        let above = above.checked_mul(WHOLE).ok_or_else(too_large)?;
        let pay = above.div_ceil(u128::from(left) * self.share());
        let pay = u64::try_from(pay).ok().filter(|pay| i64::try_from(*pay).is_ok());
        Ok(self.trade(pay.ok_or_else(too_large)?.max(1), get))
    }

    /// Of ten thousand paid, what is traded.
    fn share(&self) -> u128 {
        WHOLE - u128::from(self.fee)
    }

    fn trade(&self, pay: u64, get: u64) -> Trade {
        let fee = (u128::from(pay) * u128::from(self.fee)).div_ceil(WHOLE);
        Trade { pay, get, fee: u64::try_from(fee).unwrap_or(pay) }
    }
}

fn too_large() -> Refusal {
    refused("the amounts are too large for the pool".to_owned())
}

fn refused(message: String) -> Refusal {
    Refusal::new(FailureCode::Denied, message)
}
