//! Effects: what the machine asks of the outside, and what may come back. Plain data.

mod args;
mod key;

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

use avm_ir::{Opcode, Program, Reach, Value, verify::CodePlace};

use crate::{
    machine::Image,
    meter::{Budget, Meter, Spend},
};
pub use args::Args;
pub(crate) use args::MOST as MOST_ARGS;
pub use key::IdempotencyKey;

/// A request to the outside. The machine stands still until it is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectRequest {
    /// Number of the effect in this run, from 0.
    pub id: u64,
    /// The instruction.
    pub opcode: Opcode,
    /// The kind of provider that is asked.
    pub reach: Reach,
    /// The operands in the order of the instruction's row; `None` where one was left out.
    pub args: Args,
    /// Where the instruction stands.
    pub at: CodePlace,
    /// Most nanogas that the answer may cost, after what was already charged.
    pub max_gas: u64,
    /// Most bytes ([`Value::size`]) of all outputs together that `max_gas` and the agent's memory
    /// limit have room for.
    pub max_bytes: u64,
    /// Most units of work that `max_gas` has room for.
    pub max_units: u64,
    /// Most that the call may use up on the meters beside gas.
    pub max_spend: Spend,
    /// The agent's program as it is now, where the effect is about that.
    pub code: Option<OwnCode>,
    /// The same for the same effect of the same run, however often it is asked again; different
    /// for every other.
    pub idempotency_key: IdempotencyKey,
}

impl EffectRequest {
    /// An operand by its canonical name; `None` if it was left out or the row has no such operand.
    pub fn arg(&self, name: &str) -> Option<&Value> {
        let index = self.opcode.info().inputs.iter().position(|operand| operand.name == name)?;
        self.args.get(index)?.as_ref()
    }

    /// A text operand by its canonical name.
    pub fn text_arg(&self, name: &str) -> Option<&str> {
        match self.arg(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// The program of an agent that asks about it. Two are equal if their content addresses are.
#[derive(Clone, Debug)]
pub struct OwnCode(pub(crate) Arc<Image>);

impl OwnCode {
    /// The program.
    pub fn program(&self) -> &Program {
        self.0.program()
    }
}

impl PartialEq for OwnCode {
    fn eq(&self, other: &Self) -> bool {
        self.0.program_hash() == other.0.program_hash()
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The outputs in the order of the instruction's row (missing ones are `NULL`), or why there
    /// are none.
    pub result: Result<Vec<Value>, Failure>,
    /// Units of work done, priced by the schedule where the instruction's formula counts them.
    pub units: u64,
    /// Nanogas that the provider charges on top of the formula.
    pub cost: u64,
    /// What the call used up on the meters beside gas.
    pub spent: Spend,
    /// What earlier calls held on those meters and did not use up after all.
    pub refund: Spend,
    /// The meter of which too little was left to do the work; the result is then a failure. Under
    /// the policies halt and suspend the run ends before the effect, so that a top-up asks again.
    pub short: Option<Meter>,
    /// What passes between the agent and others of its world.
    pub handover: Option<Box<Handover>>,
}

/// What passes between an agent and others of its world beside what a call costs: a child is
/// given a part of what its parent may use up, and what it leaves comes back. It takes place however
/// the effect ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    /// Nanogas that comes back.
    pub gas: u64,
    /// What comes back on the other meters.
    pub back: Budget,
    /// What is taken on the other meters.
    pub taken: Budget,
}

impl Default for Handover {
    fn default() -> Self {
        Self { gas: 0, back: Budget::NONE, taken: Budget::NONE }
    }
}

impl Answer {
    /// Outputs that cost nothing beyond the formula.
    pub const fn outputs(outputs: Vec<Value>) -> Self {
        let (spent, refund) = (Spend::NONE, Spend::NONE);
        let (short, handover) = (None, None);
        Self { result: Ok(outputs), units: 0, cost: 0, spent, refund, short, handover }
    }

    /// One output after so many units of work.
    pub fn output(value: Value, units: u64) -> Self {
        Self { units, ..Self::outputs(alloc::vec![value]) }
    }

    /// A failure that costs nothing beyond what was charged.
    pub fn failed(code: FailureCode, message: impl Into<String>) -> Self {
        let result = Err(Failure { code, message: message.into() });
        Self { result, ..Self::outputs(Vec::new()) }
    }

    /// The provider did nothing, because too little is left on a meter.
    pub fn short(meter: Meter, message: impl Into<String>) -> Self {
        Self { short: Some(meter), ..Self::failed(FailureCode::over(meter), message) }
    }
}

/// A typed failure: the status word of the instruction's class shows it, the program goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which kind.
    pub code: FailureCode,
    /// What exactly happened.
    pub message: String,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

macro_rules! failures {
    ($($(#[doc = $doc:literal])+ $number:literal $name:ident $word:literal;)*) => {
        /// Why an effect failed. Numbers are stable and never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum FailureCode {
            $($(#[doc = $doc])+ $name = $number,)*
        }

        impl FailureCode {
            /// Every kind, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The one with a number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its word, as printed and journaled.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it means, for `avm explain` and `spec/effects.md`.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

impl FailureCode {
    /// The failure of a call that a meter does not cover.
    pub const fn over(meter: Meter) -> Self {
        match meter {
            Meter::Gas => Self::GasLimit,
            Meter::Memory => Self::TooLarge,
            _ => Self::OverBudget,
        }
    }
}

failures! {
    /// No provider is bound for the name or kind.
    1 NoProvider "no-provider";
    /// The operator or the manifest does not allow it.
    2 NotGranted "not-granted";
    /// The provider knows nothing of that name or id.
    3 NotFound "not-found";
    /// An operand is missing, `NULL`, or of a type or value that the provider cannot use.
    4 InvalidArgument "invalid-argument";
    /// The call would cost more than its gas limit, or more than is left under `deny`.
    5 GasLimit "gas-limit";
    /// The answer is larger than the call may return.
    6 TooLarge "too-large";
    /// No answer in time.
    7 Timeout "timeout";
    /// The provider is busy or out of reach; trying again may help.
    8 Unavailable "unavailable";
    /// The provider refused.
    9 Denied "denied";
    /// The provider broke down.
    10 Internal "internal";
    /// A meter other than gas does not cover the call.
    11 OverBudget "over-budget";
    /// The task that was waited for failed.
    12 TaskFailed "task-failed";
    /// Nothing came of the conversation for too long: say something new, do something, or wait.
    13 Stalled "stalled";
}
