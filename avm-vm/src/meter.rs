//! Meters beside gas: what an effect can use up of the outside, and how much of it a run may.

use alloc::{
    format,
    string::{String, ToString},
};

use avm_ir::gas::Gas;

/// Nanocredits in a credit; amounts of HPC credits are whole nanocredits.
pub const CREDIT: u64 = 1_000_000_000;

macro_rules! meters {
    ($($(#[doc = $doc:literal])+ $number:literal $name:ident $word:literal $unit:literal;)*) => {
        /// What a run can be limited in. Numbers are stable and never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Meter {
            $($(#[doc = $doc])+ $name = $number,)*
        }

        impl Meter {
            /// Every meter, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The one with a number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its word on the command line, in configuration and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// Unit of its amounts.
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$name => $unit,)* }
            }

            /// What it measures, for `spec/gas.md` and help.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

meters! {
    /// Work of the run, priced by the schedule.
    1 Gas "gas" "nanogas";
    /// Tokens that models read and write.
    2 Tokens "tokens" "tokens";
    /// Credits that HPC tasks spend.
    3 Credits "credits" "nanocredits";
    /// Time for which GPUs are leased.
    4 Gpu "gpu" "milliseconds";
    /// Time that passes outside while the run computes or waits.
    5 Wall "wall" "milliseconds";
    /// Effects asked.
    6 Effects "effects" "effects";
    /// What registers, store and log hold.
    7 Memory "memory" "bytes";
}

impl Meter {
    /// An amount for people: gas and credits with decimals, time in seconds.
    pub fn show(self, amount: u64) -> String {
        match self {
            Self::Gas | Self::Credits => Gas(amount).to_string(),
            Self::Tokens | Self::Effects => amount.to_string(),
            Self::Gpu | Self::Wall => format!("{} s", Gas(amount.saturating_mul(1_000_000))),
            Self::Memory => format!("{amount} bytes"),
        }
    }
}

/// Amounts on the meters that providers use up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spend {
    /// Model tokens.
    pub tokens: u64,
    /// HPC credits, in nanocredits ([`CREDIT`]).
    pub credits: u64,
    /// GPU time, in milliseconds.
    pub gpu: u64,
    /// Time outside, in milliseconds.
    pub wall: u64,
}

impl Spend {
    /// Nothing.
    pub const NONE: Self = Self { tokens: 0, credits: 0, gpu: 0, wall: 0 };
    /// No limit on any meter.
    pub const UNLIMITED: Self =
        Self { tokens: u64::MAX, credits: u64::MAX, gpu: u64::MAX, wall: u64::MAX };
    /// The meters that it has amounts of, in the order of its fields.
    pub const METERS: [Meter; 4] = [Meter::Tokens, Meter::Credits, Meter::Gpu, Meter::Wall];

    /// Its amounts in the order of [`Self::METERS`].
    pub const fn amounts(&self) -> [u64; 4] {
        [self.tokens, self.credits, self.gpu, self.wall]
    }

    /// Amounts in the order of [`Self::METERS`].
    pub const fn of(amounts: [u64; 4]) -> Self {
        let [tokens, credits, gpu, wall] = amounts;
        Self { tokens, credits, gpu, wall }
    }

    /// Both, meter by meter; stays at the largest number.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.zip(other, u64::saturating_add)
    }

    /// What is left of it after the other, meter by meter, at least nothing.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.zip(other, u64::saturating_sub)
    }

    /// The smaller of both, meter by meter.
    #[must_use]
    pub fn at_most(&self, other: &Self) -> Self {
        self.zip(other, u64::min)
    }

    /// The first meter on which it is more than `limit`.
    pub fn over(&self, limit: &Self) -> Option<Meter> {
        let pairs = self.amounts().into_iter().zip(limit.amounts());
        let index = { pairs }.position(|(amount, limit)| amount > limit)?;
        Some(Self::METERS[index])
    }

    const fn amount(&self, meter: Meter) -> Option<u64> {
        Some(match meter {
            Meter::Tokens => self.tokens,
            Meter::Credits => self.credits,
            Meter::Gpu => self.gpu,
            Meter::Wall => self.wall,
            Meter::Gas | Meter::Effects | Meter::Memory => return None,
        })
    }

    const fn amount_mut(&mut self, meter: Meter) -> Option<&mut u64> {
        Some(match meter {
            Meter::Tokens => &mut self.tokens,
            Meter::Credits => &mut self.credits,
            Meter::Gpu => &mut self.gpu,
            Meter::Wall => &mut self.wall,
            Meter::Gas | Meter::Effects | Meter::Memory => return None,
        })
    }

    fn zip(&self, other: &Self, f: impl Fn(u64, u64) -> u64) -> Self {
        let (a, b) = (self.amounts(), other.amounts());
        Self::of([f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])])
    }
}

/// Amounts on every meter but gas and memory, which the machine counts by itself: the limits of a
/// run, or what it has used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What providers use up.
    pub spend: Spend,
    /// Effects asked.
    pub effects: u64,
}

impl Budget {
    /// Nothing.
    pub const NONE: Self = Self { spend: Spend::NONE, effects: 0 };
    /// No limit on any meter.
    pub const UNLIMITED: Self = Self { spend: Spend::UNLIMITED, effects: u64::MAX };

    /// Both, meter by meter; stays at the largest number.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let effects = self.effects.saturating_add(other.effects);
        Self { spend: self.spend.plus(&other.spend), effects }
    }

    /// What is left of it after the other, meter by meter, at least nothing.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let effects = self.effects.saturating_sub(other.effects);
        Self { spend: self.spend.minus(&other.spend), effects }
    }

    /// The smaller of both, meter by meter.
    #[must_use]
    pub fn at_most(&self, other: &Self) -> Self {
        let effects = self.effects.min(other.effects);
        Self { spend: self.spend.at_most(&other.spend), effects }
    }

    /// The amount on a meter; `None` for gas and memory.
    pub const fn amount(&self, meter: Meter) -> Option<u64> {
        match meter {
            Meter::Effects => Some(self.effects),
            _ => self.spend.amount(meter),
        }
    }

    /// The same, to be changed.
    pub const fn amount_mut(&mut self, meter: Meter) -> Option<&mut u64> {
        match meter {
            Meter::Effects => Some(&mut self.effects),
            _ => self.spend.amount_mut(meter),
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::UNLIMITED
    }
}
