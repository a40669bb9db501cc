//! Traps: the program's own faults. Not budgets (those are ends of their own), not bugs of ours.

use alloc::{borrow::ToOwned, string::String};

use avm_ir::{Opcode, verify::CodePlace};

macro_rules! traps {
    ($($(#[doc = $doc:literal])+ $number:literal $name:ident $word:literal;)*) => {
        /// Why a program was stopped for its own fault. Numbers are stable and never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum TrapCode {
            $($(#[doc = $doc])+ $name = $number,)*
        }

        impl TrapCode {
            /// Every trap, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The one with a number.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its word, as printed and journaled.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it means, for `avm explain` and `spec/errors.md`.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

traps! {
    /// An operand is not of a type the instruction can work with.
    1 TypeMismatch "type-mismatch";
    /// A result does not fit a 64-bit int.
    2 IntegerOverflow "integer-overflow";
    /// A division or remainder by zero.
    3 DivisionByZero "division-by-zero";
    /// A position lies outside the list, text, bytes or vector.
    4 IndexOutOfRange "index-out-of-range";
    /// A field or item of `NULL` was read or written.
    5 NullAccess "null-access";
    /// An operand has the right type and a value that makes no sense.
    6 InvalidArgument "invalid-argument";
    /// The agent's memory limit is exceeded.
    7 OutOfMemory "out-of-memory";
    /// Calls are nested deeper than the limit.
    8 CallDepth "call-depth";
    /// Lists and records are nested more than 64 levels deep.
    9 TooDeep "nesting-too-deep";
    /// `ASSERT` failed.
    10 AssertFailed "assert-failed";
    /// `RAISE` was executed.
    11 Raised "raised";
    /// An effect failed whose failure may not go unread.
    12 UnreadFailure "unread-failure";
    /// A region may not be executed.
    13 PermissionDenied "permission-denied";
}

impl core::fmt::Display for TrapCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "T{:02} {}", *self as u16, self.name())
    }
}

/// A trap with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// Which fault.
    pub code: TrapCode,
    /// Region and instruction.
    pub at: CodePlace,
    /// The instruction's opcode.
    pub opcode: Opcode,
    /// What exactly is wrong, with values and types.
    pub message: String,
}

impl core::fmt::Display for Trap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl core::error::Error for Trap {}

/// A trap that does not know its place yet; the loop adds it.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: TrapCode,
    pub(crate) message: String,
}

impl Fault {
    /// A fault with a fixed message.
    #[cold]
    pub(crate) fn new(code: TrapCode, message: &str) -> Self {
        Self { code, message: message.to_owned() }
    }
}
