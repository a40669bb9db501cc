//! Views of a step trace ([`avm_vm::trace`]): what a run did, for people and for other tools.
//!
//! | module | what it makes |
//! |---|---|
//! | [`mod@walk`] | every step with names, operands and results; what the others are made of |
//! | [`code`] | a region's code as lines, and what differs where it was replaced |
//! | [`filter`] | which steps are of interest |
//! | [`json`] | a line of JSON for every record (`spec/trace.schema.json`) |
//! | [`text`] | a line for people for every record |
//! | [`profile`] | gas by region, line and opcode, to the nanogas |
//! | [`stacks`] | gas by call stack: folded stacks and speedscope |
//! | [`chrome`] | calls, notes and effects on a line of gas: Chrome's trace format (Perfetto) |
//! | [`flame`] | a flame graph as SVG |
//!
//! Gas is in nanogas unless a name says otherwise. Nothing here knows files or clocks.

#![no_std]
#![warn(clippy::disallowed_methods)]

extern crate alloc;

pub mod chrome;
pub mod code;
pub mod filter;
pub mod flame;
pub mod json;
pub mod profile;
pub mod stacks;
pub mod text;
pub mod walk;

use core::fmt;

use avm_vm::trace::TraceError;

pub use filter::Filter;
pub use profile::Profile;
pub use stacks::Stacks;
pub use walk::{Item, Step, walk};

/// Why a view was not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewError {
    /// The trace is not right, or breaks off. What was written up to there is.
    Trace(TraceError),
    /// Nothing more could be written.
    Write,
}

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trace(error) => error.fmt(f),
            Self::Write => f.write_str("nothing more could be written"),
        }
    }
}

impl core::error::Error for ViewError {}

impl From<TraceError> for ViewError {
    fn from(error: TraceError) -> Self {
        Self::Trace(error)
    }
}

impl From<fmt::Error> for ViewError {
    fn from(_: fmt::Error) -> Self {
        Self::Write
    }
}
