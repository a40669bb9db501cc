//! Fuzz targets: functions from bytes to nothing that panic when a promise is broken.
//!
//! | target | promise |
//! |---|---|
//! | [`text`] | the assembler takes any text without panic or hang; what it accepts, verifies, and formatting is idempotent |
//! | [`bytes`] | decoder and validator take any bytes; what they accept has exactly one encoding |
//! | [`machine`] | a verified program under any limits ends within its gas and memory, whatever is answered; slices and snapshots do not matter |
//! | [`fast`] | fast code and canonical code do the same, to the byte of the state |
//! | [`snapshot`] | a forged snapshot is refused, or runs within its limits |
//! | [`journal`] | a run plays again from its journal to the same state; a changed byte is noticed, a torn end is not in the way |
//! | [`world`] | a world of agents plays again from its journal to the same hash, also where it went through bytes on its way; a changed byte is noticed, a torn end is not in the way |
//! | [`world_snapshot`] | forged bytes of a world are refused, or have one form and go on within their limits |
//! | [`trace`] | a trace is the same, live or from the journal, and says what the program does; a changed byte is noticed; also where the program changes its own code |
//! | [`rewrite`] | whatever is given as a patch, nothing changes but regions that may, as far as program and policy allow; such runs play again, and go on from snapshots |
//! | [`round_trip`] | disassembled text assembles to the same code |
//! | [`patch`] | a patch of one region, text or diff or bytecode, is refused with a reason, or changes that region alone |
//! | [`names`] | a registry of names takes what its rules allow and nothing else, and a changed byte, a cut or an older one is noticed; a message comes in once, from whom it is |
//!
//! Each takes its decisions from the bytes by [`Entropy`], so that a coverage-guided fuzzer can
//! steer it and a failing input is a short file. [`drive`] runs a target from a seed, and
//! counts how many instructions [`fast`] compared and how many patches [`rewrite`] gave.

pub mod bytes;
pub mod drive;
pub mod entropy;
pub mod fast;
mod forge;
pub mod generate;
pub mod journal;
pub mod machine;
pub mod names;
pub mod patch;
mod policies;
pub mod rewrite;
mod rewriting;
pub mod round_trip;
pub mod snapshot;
pub mod text;
pub mod trace;
pub mod world;
pub mod world_snapshot;

pub use entropy::Entropy;

/// A target: a name and a function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("text", text::run),
    ("bytes", bytes::run),
    ("machine", machine::run),
    ("round_trip", round_trip::run),
    ("fast", fast::run),
    ("snapshot", snapshot::run),
    ("journal", journal::run),
    ("world", world::run),
    ("world_snapshot", world_snapshot::run),
    ("trace", trace::run),
    ("patch", patch::run),
    ("rewrite", rewrite::run),
    ("names", names::run),
];
