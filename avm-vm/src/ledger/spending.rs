//! What an operator lets an owner spend (P-54). A policy only takes: without one an owner may spend
//! what it has. Policies of ancestors hold for their descendants too and count what these spend, so
//! that no child can spend what its parent could not.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use super::{Error, Owner, names::check_name};

/// Most entries in a list, and most tokens with limits.
pub const MAX_LISTED: usize = 1 << 12;
/// Most windows of a token.
pub const MAX_WINDOWS: usize = 8;
/// Most payments that a window can be asked to count, and most refusals that a breaker can.
pub const MAX_COUNTED: u32 = 1 << 16;

/// What an owner may spend. The default one takes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Which tokens it may spend.
    pub tokens: List<String>,
    /// Whom it may pay.
    pub payees: List<Owner>,
    /// What for.
    pub purposes: List<String>,
    /// How much of each token; tokens that are not here have no limit.
    pub limits: BTreeMap<String, Limits>,
    /// After how many refusals nothing is allowed any more.
    pub breaker: Option<Breaker>,
}

/// What is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T> {
    /// The only ones; any if absent.
    pub only: Option<BTreeSet<T>>,
    /// Never these.
    pub never: BTreeSet<T>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { only: None, never: BTreeSet::new() }
    }
}

/// How much of a token may be spent, in billionths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most at once.
    pub per_call: Option<u64>,
    /// What is more than this at once needs approval.
    pub approval: Option<u64>,
    /// Most in any stretch of time of a length; at most [`MAX_WINDOWS`].
    pub windows: Vec<Window>,
}

/// In any stretch of virtual time so long, at most so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Nanoseconds, more than 0. What was spent at `t` counts before `t + length`.
    pub length: u64,
    /// Most billionths.
    pub amount: u64,
    /// Most payments, 1 to [`MAX_COUNTED`]; the memory that the window needs is bound by it.
    pub payments: u32,
    /// Whether one payment too much opens the circuit breaker.
    pub trips: bool,
}

/// So many refusals in a stretch of virtual time open the circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// How many, 1 to [`MAX_COUNTED`].
    pub refusals: u32,
    /// Within how many nanoseconds.
    pub within: u64,
}

macro_rules! clauses {
    ($($(#[doc = $doc:literal])+ $name:ident $word:literal;)*) => {
        /// Parts of a policy that refuse.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ClauseKind {
            $($(#[doc = $doc])+ $name,)*
        }

        impl ClauseKind {
            /// Every kind, in the order in which they are looked at.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its word.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it refuses, for people.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

clauses! {
    /// Everything, once the circuit breaker is open, until the operator resets it.
    Breaker "breaker";
    /// A token that is not listed, or is listed as never.
    Tokens "tokens";
    /// A payee that is not listed, or is listed as never.
    Payees "payees";
    /// A purpose that is not listed, or is listed as never.
    Purposes "purposes";
    /// More at once.
    PerCall "per_call";
    /// More within a window, or more payments.
    Window "window";
    /// More at once than goes without approval.
    Approval "approval";
}

impl<T: Ord> List<T> {
    /// Whether it allows one.
    pub fn allows<Q: Ord + ?Sized>(&self, one: &Q) -> bool
    where
        T: core::borrow::Borrow<Q>,
    {
        self.only.as_ref().is_none_or(|only| only.contains(one)) && !self.never.contains(one)
    }

    fn is_small(&self) -> bool {
        let only = self.only.as_ref().map_or(0, BTreeSet::len);
        only.max(self.never.len()) <= MAX_LISTED
    }
}

impl Policy {
    /// Whether it can be one.
    ///
    /// # Errors
    /// [`Error::Policy`], or [`Error::Name`] for what is listed.
    pub fn check(&self) -> Result<(), Error> {
        let counted = 1..=MAX_COUNTED;
        let window = |window: &Window| window.length > 0 && counted.contains(&window.payments);
        let limits = |limits: &Limits| {
            limits.windows.len() <= MAX_WINDOWS && limits.windows.iter().all(window)
        };
        let fits = self.tokens.is_small()
            && self.payees.is_small()
            && self.purposes.is_small()
            && self.limits.len() <= MAX_LISTED
            && self.limits.values().all(limits)
            && self.breaker.is_none_or(|breaker| counted.contains(&breaker.refusals));
        if !fits {
            return Err(Error::Policy);
        }
        let listed = |list: &List<String>, least| {
            let mut all = list.only.iter().flatten().chain(&list.never);
            all.try_for_each(|name| check_name(name, least))
        };
        listed(&self.tokens, 1)?;
        listed(&self.purposes, 0)?;
        self.limits.keys().try_for_each(|token| check_name(token, 1))
    }
}
