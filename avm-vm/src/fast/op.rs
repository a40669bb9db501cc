//! The instructions of fast code.

use core::{
    cmp::Ordering,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
};

use avm_ir::Slot;

/// One instruction of fast code: what to do from a position of canonical code on.
///
/// Registers are named as in canonical code: `a` is written, `b`, `c` and `d` are read. `k` is a
/// constant, `to` a position that is jumped to.
#[rustfmt::skip] // A table: one line each.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    /// There is no fast form: canonical code takes one step.
    Leave,

    Null { a: u8 },
    Bool { a: u8, k: bool },
    Int { a: u8, k: i64 },
    Float { a: u8, k: f64 },
    Move { a: u8, b: u8 },

    /// Each byte of a text costs `price`.
    AddRR { a: u8, b: u8, c: u8, price: u16 },
    AddRI { a: u8, b: u8, k: i64 },
    AddRF { a: u8, b: u8, k: f64 },
    /// `a = a + k`, which loops are full of.
    Step { a: u8, k: i64 },
    SubRR { a: u8, b: u8, c: u8 },
    SubRI { a: u8, b: u8, k: i64 },
    SubRF { a: u8, b: u8, k: f64 },
    SubIR { a: u8, k: i64, c: u8 },
    SubFR { a: u8, k: f64, c: u8 },
    MulRR { a: u8, b: u8, c: u8 },
    MulRI { a: u8, b: u8, k: i64 },
    MulRF { a: u8, b: u8, k: f64 },
    DivRR { a: u8, b: u8, c: u8 },
    DivRI { a: u8, b: u8, k: i64 },
    DivRF { a: u8, b: u8, k: f64 },
    DivIR { a: u8, k: i64, c: u8 },
    DivFR { a: u8, k: f64, c: u8 },
    ModRR { a: u8, b: u8, c: u8 },
    ModRI { a: u8, b: u8, k: i64 },
    AndRR { a: u8, b: u8, c: u8 },
    AndRI { a: u8, b: u8, k: i64 },
    XorRR { a: u8, b: u8, c: u8 },
    XorRI { a: u8, b: u8, k: i64 },
    /// Adds where one operand is a constant that is no number; each byte of a text costs `price`.
    AddRK { a: u8, b: u8, price: u16, k: u32 },
    AddKR { a: u8, c: u8, price: u16, k: u32 },
    BitsRR { bits: Bits, a: u8, b: u8, c: u8 },
    BitsRI { bits: Bits, a: u8, b: u8, k: i64 },
    Sqrt { a: u8, b: u8 },
    Unary { unary: Unary, a: u8, b: u8 },

    CompareRR { how: Compare, a: u8, b: u8, c: u8 },
    CompareRI { how: Compare, a: u8, b: u8, k: i64 },
    CompareRF { how: Compare, a: u8, b: u8, k: f64 },
    /// `EQ` or `NE` with a constant that is no number; each byte of a text costs `price`.
    EqualRK { a: u8, b: u8, not: bool, price: u16, k: u32 },
    /// `NOT`, or `TEST` where nothing is to be turned round.
    Truth { a: u8, b: u8, not: bool },
    And { a: u8, b: u8, c: u8 },
    Or { a: u8, b: u8, c: u8 },

    Jump { to: u32 },
    JumpIf { b: u8, is: bool, to: u32 },
    JumpIfLast { is: bool, to: u32 },

    // Two numbers into one: `a = b * c`, then `d = e + a` or `d = e - a`.
    MulAdd { a: u8, b: u8, c: u8, d: u8, e: u8 },
    MulSub { a: u8, b: u8, c: u8, d: u8, e: u8 },
    /// `a = (b + c) % k`: two instructions.
    AddMod { a: u8, b: u8, c: u8, k: i64 },
    /// `a = (b * k) ^ c`: two instructions.
    MulXor { a: u8, b: u8, c: u8, k: i64 },
    /// `a = b * k + l`: two instructions.
    Linear { a: u8, b: u8, k: i32, l: i64 },

    // A comparison and a jump on its result: two instructions.
    JumpLtRR { a: u8, b: u8, c: u8, is: bool, to: u32 },
    JumpLeRR { a: u8, b: u8, c: u8, is: bool, to: u32 },
    JumpEqRR { a: u8, b: u8, c: u8, is: bool, to: u32 },
    JumpLtRI { a: u8, b: u8, is: bool, to: u32, k: i64 },
    JumpLeRI { a: u8, b: u8, is: bool, to: u32, k: i64 },
    JumpGtRI { a: u8, b: u8, is: bool, to: u32, k: i64 },
    JumpGeRI { a: u8, b: u8, is: bool, to: u32, k: i64 },
    JumpEqualRK { a: u8, b: u8, not: bool, is: bool, price: u16, to: u32, k: u32 },
    /// The constant is the character of code `k`.
    JumpLetter { a: u8, b: u8, k: u8, not: bool, is: bool, price: u16, to: u32 },
    JumpEqRI { a: u8, b: u8, is: bool, to: u32, k: i64 },

    // A jump back to a loop's condition, the condition, and the jump on it: three instructions.
    // `done` is where the loop ends, `to` its body.
    WhileLtRR { a: u8, b: u8, c: u8, to: u32, done: u32 },
    WhileLeRR { a: u8, b: u8, c: u8, to: u32, done: u32 },
    WhileLtRI { a: u8, b: u8, to: u32, done: u32, k: i32 },
    WhileLeRI { a: u8, b: u8, to: u32, done: u32, k: i32 },

    /// `a = a + k` and a jump: two instructions.
    StepJump { a: u8, to: u32, k: i64 },
    // The same before the three above, on the register that is compared: four instructions.
    StepWhileLt { a: u8, b: u8, c: u8, k: i16, to: u32, done: u32 },
    StepWhileLe { a: u8, b: u8, c: u8, k: i16, to: u32, done: u32 },
    /// `b = b + d` before them.
    AddWhileLt { a: u8, b: u8, c: u8, d: u8, to: u32, done: u32 },

    Next { a: u8, b: u8, c: u8, done: u32 },
    NextI { a: u8, b: u8, done: u32, k: i64 },
    // A jump back to a `NEXT`, and that: two instructions.
    Again { a: u8, b: u8, c: u8, to: u32, done: u32 },
    AgainI { a: u8, b: u8, to: u32, done: u32, k: i32 },

    GetRR { a: u8, b: u8, c: u8 },
    GetRI { a: u8, b: u8, k: i64 },
    GetField { a: u8, b: u8, place: Place, k: u32 },
    /// `GET b, c -> a` and `GET a, d -> a`: two instructions, and nothing in between is copied.
    GetGet { a: u8, b: u8, c: u8, d: u8 },
    /// The same with a position that is constant first.
    GetIGet { a: u8, b: u8, d: u8, k: i64 },
    /// `GET b, c -> a` and `GET a, "k" -> a`.
    GetGetField { a: u8, b: u8, c: u8, place: Place, k: u32 },
    /// The same with a position that is constant first.
    GetIGetField { a: u8, b: u8, place: Place, i: i32, k: u32 },
    /// `GET b, c -> a` and a jump on it: two instructions.
    GetJump { a: u8, b: u8, c: u8, is: bool, to: u32 },
    // `GET b, c -> a`, whether that is below or above `d`, and a jump on that: three instructions.
    GetLtJump { a: u8, b: u8, c: u8, d: u8, is: bool, to: u32 },
    GetGtJump { a: u8, b: u8, c: u8, d: u8, is: bool, to: u32 },
    /// `GET b, c -> a`, whether that is (`not`: is not) the character of code `k`, and a jump on
    /// that: three instructions. The character costs `price`.
    LetterJump { a: u8, b: u8, c: u8, k: u8, not: bool, is: bool, price: u16, to: u32 },
    // `c = c + k` and a jump back to one of the last two: five instructions. `next` is where flow goes
    // without its jump.
    StepGetLtJump { a: u8, b: u8, c: u8, d: u8, is: bool, k: i8, to: u32, next: u32 },
    StepGetGtJump { a: u8, b: u8, c: u8, d: u8, is: bool, k: i8, to: u32, next: u32 },
    /// `c = c + 1` and a jump back to a `LetterJump`: five instructions.
    NextLetterJump { a: u8, b: u8, c: u8, k: u8, not: bool, is: bool, price: u8, to: u32, next: u32 },
    /// `GET b, c -> a` and `ORD a -> a`: two instructions.
    LetterCode { a: u8, b: u8, c: u8 },
    PutRR { a: u8, b: u8, c: u8 },
    /// The value is constant `k`.
    PutRK { a: u8, b: u8, k: u32 },
    PutIR { a: u8, k: i64, c: u8 },
    PutField { a: u8, c: u8, place: Place, k: u32 },
    /// The field's value is constant `v`.
    PutFieldK { a: u8, k: u32, v: u32 },
    TakeRR { a: u8, b: u8, c: u8 },
    TakeRI { a: u8, b: u8, k: i64 },
    PutIn { a: u8, b: u8, c: u8, d: u8 },
    /// The part's field is constant `k`.
    PutInField { a: u8, b: u8, d: u8, place: Place, k: u32 },
    /// Any other operands.
    PutInAny { a: u8, b: Slot, c: Slot, d: Slot },
    Push { a: u8, b: u8 },
    Pop { a: u8, b: u8 },
    GetOr { a: u8, b: u8, c: u8, d: u8 },
    /// What it is otherwise is constant `k`.
    GetOrK { a: u8, b: u8, c: u8, k: u32 },
    /// `GET_OR b, c, k -> a`, `ADD a, l -> a` and `PUT b, c, a`: three instructions, and how one
    /// counts.
    Tally { a: u8, b: u8, c: u8, k: i32, l: i32 },
    /// A record of names and values that lie at `pool`, `count` slots; it costs `price`.
    Record { a: u8, count: u8, pool: u32, price: u32 },
    /// A part of a text, each byte of which costs `price`.
    Slice { a: u8, b: u8, c: u8, d: u8, price: u16 },
    Len { a: u8, b: u8 },
    Ord { a: u8, b: u8 },
    /// A constant that is no scalar.
    Const { a: u8, k: u32 },

    /// `pool` is where the operands lie, the function first. One argument, in register `b`.
    Call1 { a: u8, b: u8, registers: u8, entry: u32, pool: u32 },
    /// Any number of arguments.
    Call { a: u8, count: u8, registers: u8, entry: u32, pool: u32 },
    Return { b: u8 },
    ReturnK { k: u32 },
}

const _: () = assert!(size_of::<Op>() == 16);

/// Where in a record a field was when it was last looked for. What is done does not depend on it,
/// only how soon: so machines that run the same code share it.
#[derive(Debug, Default)]
pub(crate) struct Place(AtomicU8);

impl Place {
    #[inline(always)]
    pub(super) fn get(&self) -> usize {
        usize::from(self.0.load(Relaxed))
    }

    #[inline(always)]
    pub(super) fn set(&self, place: usize) {
        self.0.store(place as u8, Relaxed);
    }
}

impl Clone for Place {
    fn clone(&self) -> Self {
        Self(AtomicU8::new(self.0.load(Relaxed)))
    }
}

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Most steps from one look at the fuel to the next: code without a jump that is taken is no longer
/// than this.
pub(crate) const MOST: u64 = 128;

/// Operations on the bits of ints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bits {
    Or,
    Left,
    Right,
    MulWrap,
    AddWrap,
}

/// Functions of one number that give a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Neg,
    Abs,
    Floor,
    Ceil,
    ToInt,
    ToFloat,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
}

impl Compare {
    /// The same with its operands exchanged.
    pub(crate) const fn exchanged(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            Self::Eq => Self::Eq,
            Self::Ne => Self::Ne,
        }
    }

    /// Whether it holds for operands of an order.
    #[inline(always)]
    pub(crate) const fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
        }
    }
}

impl Op {
    /// Whether flow never simply goes on behind it.
    pub(super) const fn ends(&self) -> bool {
        use Op::*;
        matches!(
            self,
            Leave | Jump { .. } | Call1 { .. } | Call { .. } | Return { .. } | ReturnK { .. }
        )
    }
}
