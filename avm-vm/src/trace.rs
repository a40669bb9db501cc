//! The step trace of a run: every instruction with what it cost and what it gave (whitepaper 6.9,
//! 8.2; P-55, P-63), in about two bytes for a plain one. `spec/trace.md` has the format byte by byte.
//!
//! A trace is written by an observer, [`Tracer`], of a run as it happens or of one that is played
//! again from its journal: the bytes are the same. It says of every instruction what is not certain
//! from those before it: the number or bool that it gave, the length of anything larger, its gas
//! where that is not the usual, and whether it jumped. [`Reader`] has the program, so it knows which
//! instruction each one is; it carries them out again, holds the registers, and so knows the operands
//! too. Whatever comes out other than the trace says is an error with its step.
//!
//! Options weighed: every operand and result in every record (no machine needed to read it, and
//! fifty times the bytes; a list that grows by items is written over and over), the journal alone
//! (nothing to compare a step with), text lines (the reader makes them).

mod read;
mod step;
mod table;
mod write;

use alloc::string::String;
use core::fmt;

use avm_ir::{verify::CodePlace, wire::WireError};

pub use read::{Entry, Happened, Reader, Source};
pub use step::{Output, Said};
pub use write::Tracer;

use crate::{journal::Link, machine::SnapshotError};

/// First bytes of a trace, extension `.avmt`.
pub const MAGIC: &[u8; 4] = b"AVMT";
/// Version of the format.
pub const VERSION: u16 = 1;

/// Bytes of records in a block after which it is closed.
const BLOCK: usize = 32 << 10;
/// Values of fewer bytes than this (canonical encoding) are written where they come up.
const SMALL: u64 = 64;

/// What a trace is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Hash of the program.
    pub program: [u8; 32],
    /// Hash of the schedule it was priced by.
    pub schedule: [u8; 32],
    /// Link of the first record of the run's journal, where it has one.
    pub journal: Option<Link>,
    /// Executed instructions before the first one of the trace.
    pub steps: u64,
}

/// Why bytes are not the trace of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceError {
    /// It does not begin as a trace does.
    Magic,
    /// A version that is not known here.
    Version(u16),
    /// It is of the program with this hash and not of the one given.
    Program([u8; 32]),
    /// Its program was priced by the schedule with this hash and not by the one given.
    Schedule([u8; 32]),
    /// The state it begins with is no state of the program.
    Start(SnapshotError),
    /// The run may use more memory than whoever reads it allows, in bytes.
    Memory(u64),
    /// It could not be read on.
    Source(String),
    /// It breaks off inside a block, as a crash leaves it.
    Torn {
        /// Blocks that are whole.
        blocks: u64,
        /// Bytes up to there.
        whole: u64,
    },
    /// A block is not the one that was written.
    Damaged {
        /// Its number; 0 is the start.
        block: u64,
        /// Where it begins, in bytes.
        offset: u64,
    },
    /// A block is not what the format says.
    Record {
        /// Its number.
        block: u64,
        /// Where it begins, in bytes.
        offset: u64,
        /// What is wrong in it, placed from where its records begin.
        error: WireError,
    },
    /// The program does something else than the trace says.
    Differs {
        /// Instructions executed before.
        step: u64,
        /// Where the program is.
        at: CodePlace,
        /// What is different.
        what: String,
    },
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |f: &mut fmt::Formatter<'_>, hash: &[u8; 32]| {
            hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
        };
        match self {
            Self::Magic => f.write_str("not a trace"),
            Self::Version(version) => write!(f, "trace version {version} is not known here"),
            Self::Program(hash) => {
                f.write_str("a trace of another program, ")?;
                hex(f, hash)
            }
            Self::Schedule(hash) => {
                f.write_str("a trace under another gas schedule, ")?;
                hex(f, hash)
            }
            Self::Start(error) => write!(f, "the state the trace begins with: {error}"),
            Self::Memory(limit) => {
                write!(f, "the run may use {limit} bytes of memory, more than is allowed here")
            }
            Self::Source(cause) => f.write_str(cause),
            Self::Torn { blocks, whole } => {
                write!(f, "the trace breaks off behind {blocks} whole blocks, at byte {whole}")
            }
            Self::Damaged { block, offset } => {
                write!(f, "damaged: block {block}, at byte {offset}, is not the one written")
            }
            Self::Record { block, offset, error } => {
                write!(f, "block {block}, at byte {offset}: {error}")
            }
            Self::Differs { step, at, what } => {
                write!(f, "behind step {step}, region {} instruction {}: {what}", at.region, at.pc)
            }
        }
    }
}

impl core::error::Error for TraceError {}

/// The byte of a kind of record. Bytes below [`Kind::Answered`] are steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An answer came from outside.
    Answered = 0x80,
    /// A limit was raised.
    ToppedUp = 0x81,
    /// Time passed outside.
    Waited = 0x82,
    /// A register was written from outside.
    Edited = 0x83,
    /// The run came to rest.
    Rested = 0x84,
    /// Somebody voted on a patch.
    Voted = 0x85,
    /// A function was called while an effect waited.
    Called = 0x86,
    /// The code that a region had until it was replaced.
    Before = 0x88,
    /// The code that it has from then on; always right behind the other.
    After = 0x89,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Answered,
        Self::ToppedUp,
        Self::Waited,
        Self::Edited,
        Self::Rested,
        Self::Voted,
        Self::Called,
        Self::Before,
        Self::After,
    ];
}

/// The byte of a kind of block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Start = 1,
    Records = 2,
    End = 3,
}

/// Bytes of a block before its body: length of the body, kind.
const HEAD: usize = 5;

/// The link before the first block.
fn first_link() -> Link {
    let mut header = [0; 6];
    header[..4].copy_from_slice(MAGIC);
    header[4..].copy_from_slice(&VERSION.to_le_bytes());
    blake3::derive_key("aither avm trace v1", &header)
}

/// The link of a block, of its head and body and the link before.
fn link(before: &Link, block: &[u8]) -> Link {
    *blake3::keyed_hash(before, block).as_bytes()
}
