//! One call: what it may use, what it gave, why it gave nothing.

use std::time::Duration;

use avm_ir::Value;
use avm_vm::{Answer, EffectRequest, Failure, FailureCode, IdempotencyKey, Meter, Spend};

/// What one call may use: the reservation.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Most bytes ([`Value::size`]) of the outputs together.
    pub max_bytes: u64,
    /// Most units of work; what a unit is depends on the instruction's gas formula.
    pub max_units: u64,
    /// Most nanogas that the call may cost after what was charged already.
    pub max_gas: u64,
    /// Most that the call may use up on the meters beside gas.
    pub max_spend: Spend,
    /// When the caller stops waiting, counted from the start of the call. A provider that waits
    /// for something must not wait longer.
    pub timeout: Duration,
    /// The same however often this very effect is asked again.
    pub idempotency_key: IdempotencyKey,
}

impl Call {
    /// The limits of a request. The time is that of the wall meter; a guard shortens it.
    pub const fn of(request: &EffectRequest) -> Self {
        Self {
            max_bytes: request.max_bytes,
            max_units: request.max_units,
            max_gas: request.max_gas,
            max_spend: request.max_spend,
            timeout: Duration::from_millis(request.max_spend.wall),
            idempotency_key: request.idempotency_key,
        }
    }

    /// Refuses outputs that are larger than the call may return.
    ///
    /// # Errors
    /// [`FailureCode::TooLarge`], for which the work done is still paid.
    pub fn fits(&self, reply: Reply) -> Outcome {
        let bytes: u64 = reply.outputs.iter().map(Value::size).sum();
        // The machine takes short answers whatever the limit, so that "OK" always fits.
        if bytes > self.max_bytes && bytes > 64 {
            let message = format!(
                "the answer has {bytes} bytes, and gas and memory have room for {}",
                self.max_bytes
            );
            let refusal = Refusal::new(FailureCode::TooLarge, message);
            return Err(refusal.after(reply.units).spending(reply.spent));
        }
        Ok(reply)
    }

    /// Refuses work that costs more than the call may, before it is done.
    ///
    /// # Errors
    /// [`FailureCode::GasLimit`] with the units asked for, so that the machine can price them: where
    /// the limit is the gas left, the run ends exhausted before the effect.
    pub fn affords(&self, units: u64) -> Result<(), Refusal> {
        if units <= self.max_units {
            return Ok(());
        }
        let message =
            format!("the call needs {units} units of work, and gas is left for {}", self.max_units);
        Err(Refusal::new(FailureCode::GasLimit, message).after(units))
    }

    /// Refuses a call that would use up more on a meter than it may, before it is done.
    ///
    /// # Errors
    /// [`FailureCode::OverBudget`] with the meter that is short: the run ends exhausted before the
    /// effect, unless the policy is to deny.
    pub fn reserves(&self, spend: &Spend) -> Result<(), Refusal> {
        let Some(meter) = spend.over(&self.max_spend) else { return Ok(()) };
        let index = Spend::METERS.iter().position(|m| *m == meter).unwrap_or(0);
        let (wants, left) = (spend.amounts()[index], self.max_spend.amounts()[index]);
        let (wants, left, name) = (meter.show(wants), meter.show(left), meter.name());
        let message =
            format!("the call needs {wants} from the budget {name}, which has {left} left");
        let refusal = Refusal::new(FailureCode::OverBudget, message);
        Err(Refusal { short: Some(meter), ..refusal })
    }
}

/// What a call gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The outputs in the order of the instruction's row.
    pub outputs: Vec<Value>,
    /// Units of work done.
    pub units: u64,
    /// Nanogas charged on top of the instruction's formula.
    pub cost: u64,
    /// What it used up, or holds, on the meters beside gas.
    pub spent: Spend,
    /// What earlier calls held there and did not use up after all.
    pub refund: Spend,
}

impl Reply {
    /// One output after so many units of work.
    pub fn new(output: Value, units: u64) -> Self {
        Self { outputs: vec![output], units, ..Self::default() }
    }

    /// `"OK"` after so many units of work.
    pub fn ok(units: u64) -> Self {
        Self::new(Value::text("OK"), units)
    }

    /// The same, having used up so much.
    #[must_use]
    pub fn spending(self, spent: Spend) -> Self {
        Self { spent, ..self }
    }
}

/// Why a call gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the program sees.
    pub failure: Failure,
    /// Units of work that are paid all the same.
    pub units: u64,
    /// What was used up all the same on the meters beside gas.
    pub spent: Spend,
    /// What earlier calls held there and did not use up after all.
    pub refund: Spend,
    /// The meter that has too little left for the call, if that is why.
    pub short: Option<Meter>,
}

impl Refusal {
    /// A refusal before any work.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        let failure = Failure { code, message: message.into() };
        Self { failure, units: 0, spent: Spend::NONE, refund: Spend::NONE, short: None }
    }

    /// An operand that the provider cannot use.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(FailureCode::InvalidArgument, message)
    }

    /// A name or id that the provider does not know.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(FailureCode::NotFound, message)
    }

    /// The same after so many units of work.
    #[must_use]
    pub fn after(self, units: u64) -> Self {
        Self { units, ..self }
    }

    /// The same, having used up so much.
    #[must_use]
    pub fn spending(self, spent: Spend) -> Self {
        Self { spent, ..self }
    }
}

/// What comes of a call.
pub type Outcome = Result<Reply, Refusal>;

/// The outcome as the machine takes it.
pub fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Ok(Reply { outputs, units, cost, spent, refund }) => {
            Answer { units, cost, spent, refund, ..Answer::outputs(outputs) }
        }
        Err(Refusal { failure, units, spent, refund, short }) => {
            let result = Err(failure);
            Answer { result, units, spent, refund, short, ..Answer::outputs(Vec::new()) }
        }
    }
}
