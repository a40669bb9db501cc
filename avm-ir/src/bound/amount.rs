//! Bounds as sums that can be added, joined and multiplied without growing beyond a limit.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::verify::{CodePlace, FuncPlace};

/// The most gas that something can cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A sum of known and of measured costs.
    Finite(Sum),
    /// No number holds for every run.
    Unbounded(Cause),
}

/// Why there is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A loop of which nothing says how often it goes round; the first instruction of its head.
    Loop(CodePlace),
    /// A function that calls itself, maybe by way of others.
    Recursion(FuncPlace),
    /// A task that is scheduled: in a world its function is called as often as time goes on.
    Task(CodePlace),
    /// Jumps into the middle of so many loops that they could not be told apart.
    Tangle,
}

/// `nanogas` and so many times what each of some instructions costs by what it measures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// What is known, in nanogas.
    pub nanogas: u64,
    /// Whether a run that is not cut short by a trap costs just this, no less.
    pub exact: bool,
    /// Instructions whose price is known only when they run, by place.
    pub parts: Vec<Part>,
    /// Where there were too many parts: how often, at most, each instruction of the program counts
    /// besides. 0 where none was left out.
    pub others: u64,
    /// Whether a part that is listed may also be among those left out.
    mixed: bool,
}

/// An instruction whose price is known only when it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The instruction.
    pub at: CodePlace,
    /// How often it counts.
    pub times: u64,
}

impl Sum {
    /// Nothing, exactly.
    pub const ZERO: Self =
        Self { nanogas: 0, exact: true, parts: Vec::new(), others: 0, mixed: false };

    /// Nanogas that are known.
    pub const fn known(nanogas: u64, exact: bool) -> Self {
        Self { nanogas, exact, parts: Vec::new(), others: 0, mixed: false }
    }

    /// Whether the sum is a plain number.
    pub const fn is_number(&self) -> bool {
        self.parts.is_empty() && self.others == 0
    }

    /// The number, given how many nanogas each instruction cost at most on top of its
    /// [`Step::nanogas`](super::Step::nanogas), each time it ran.
    pub fn evaluate(&self, measured: &BTreeMap<CodePlace, u64>) -> u64 {
        let mut total = self.nanogas;
        for part in &self.parts {
            let cost = measured.get(&part.at).copied().unwrap_or(0);
            total = total.saturating_add(part.times.saturating_mul(cost));
        }
        if self.others > 0 {
            let all = measured.values().fold(0_u64, |all, cost| all.saturating_add(*cost));
            total = total.saturating_add(self.others.saturating_mul(all));
        }
        total
    }

    /// Adds a sum. `apart` says that no instruction is in both.
    fn add(&mut self, other: &Self, apart: bool, most: usize) {
        self.nanogas = self.nanogas.saturating_add(other.nanogas);
        self.exact &= other.exact;
        self.mixed |= other.mixed;
        if apart {
            self.others = self.others.max(other.others);
        } else {
            self.mixed |= self.others > 0 || other.others > 0;
            self.others = self.others.saturating_add(other.others);
        }
        self.merge(&other.parts, u64::saturating_add, most);
    }

    /// Becomes the larger of both, part by part.
    fn join(&mut self, other: &Self, most: usize) {
        self.exact &= other.exact && self.nanogas == other.nanogas && self.parts == other.parts;
        self.exact &= self.others == other.others;
        self.nanogas = self.nanogas.max(other.nanogas);
        self.mixed |= other.mixed;
        self.others = self.others.max(other.others);
        self.merge(&other.parts, u64::max, most);
    }

    fn merge(&mut self, other: &[Part], both: fn(u64, u64) -> u64, most: usize) {
        if other.is_empty() {
            return;
        }
        let mut merged = Vec::with_capacity(self.parts.len() + other.len());
        let (mut left, mut right) = (self.parts.iter().peekable(), other.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let part = match a.at.cmp(&b.at) {
                core::cmp::Ordering::Less => left.next().copied(),
                core::cmp::Ordering::Greater => right.next().copied(),
                core::cmp::Ordering::Equal => {
                    let part = Part { at: a.at, times: both(a.times, b.times) };
                    right.next();
                    left.next();
                    Some(part)
                }
            };
            merged.extend(part);
        }
        merged.extend(left);
        merged.extend(right);
        if merged.len() > most {
            let dropped = merged.drain(most..).map(|part| part.times).max().unwrap_or(0);
            // As long as what is listed is never among what was left out, each instruction that was
            // left out counts at most as often as the one that counts most.
            self.others = match self.mixed {
                false => self.others.max(dropped),
                true => self.others.saturating_add(dropped),
            };
            merged.shrink_to_fit();
        }
        self.parts = merged;
    }

    fn multiply(&mut self, times: u64) {
        self.nanogas = self.nanogas.saturating_mul(times);
        self.others = self.others.saturating_mul(times);
        if times == 0 {
            self.parts.clear();
        }
        for part in &mut self.parts {
            part.times = part.times.saturating_mul(times);
        }
    }
}

impl Bound {
    /// Nothing, exactly.
    pub(super) const ZERO: Self = Self::Finite(Sum::ZERO);

    /// The sum, where there is one.
    pub const fn sum(&self) -> Option<&Sum> {
        match self {
            Self::Finite(sum) => Some(sum),
            Self::Unbounded(_) => None,
        }
    }

    /// Whether it is a plain number that a run reaches unless a trap cuts it short.
    pub fn is_exact(&self) -> bool {
        self.sum().is_some_and(|sum| sum.is_number() && sum.exact)
    }

    /// See [`Sum::evaluate`]; `None` if there is no bound.
    pub fn evaluate(&self, measured: &BTreeMap<CodePlace, u64>) -> Option<u64> {
        self.sum().map(|sum| sum.evaluate(measured))
    }

    pub(super) fn inexact(&mut self) {
        if let Self::Finite(sum) = self {
            sum.exact = false;
        }
    }

    pub(super) fn add(&mut self, other: &Self, apart: bool, most: usize) {
        match (&mut *self, other) {
            (Self::Finite(sum), Self::Finite(other)) => sum.add(other, apart, most),
            (Self::Finite(_), Self::Unbounded(_)) => *self = other.clone(),
            (Self::Unbounded(_), _) => {}
        }
    }

    pub(super) fn join(&mut self, other: &Self, most: usize) {
        match (&mut *self, other) {
            (Self::Finite(sum), Self::Finite(other)) => sum.join(other, most),
            (Self::Finite(_), Self::Unbounded(_)) => *self = other.clone(),
            (Self::Unbounded(_), _) => {}
        }
    }

    pub(super) fn multiply(&mut self, times: u64) {
        match self {
            Self::Finite(sum) => sum.multiply(times),
            // What never runs costs nothing.
            Self::Unbounded(_) if times == 0 => *self = Self::ZERO,
            Self::Unbounded(_) => {}
        }
    }
}
