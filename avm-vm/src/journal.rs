//! The journal of a run: what came from outside, and nothing else.
//!
//! A machine is a function of its program, its inputs and what it is answered. So a run is kept by
//! writing those down, and every instruction of it comes back when they are fed to a machine again
//! ([`Player`]). `spec/journal.md` has the format byte by byte.
//!
//! Every record carries the hash of all before it and of itself, so a changed byte is found at its
//! record, and what was written before a crash is readable up to the last whole record.

pub(crate) mod frame;
mod play;
mod read;
mod record;
mod skim;
mod write;

use alloc::{string::String, vec::Vec};
use core::fmt;

use avm_ir::{
    Value,
    value::encode_to,
    wire::{WireError, Writer as Bytes},
};

pub use play::{Diverged, Player, Stop};
pub use read::{Journal, Tail};
pub use record::Recorder;
pub use skim::{Rest, Skim, skim};
pub use write::Writer;

pub(crate) use read::{flag, meter, read_answer, read_config, read_end};
pub(crate) use write::{write_answer, write_config, write_end};

use crate::{
    effect::{Answer, EffectRequest},
    machine::{Config, End, Image},
    meter::Meter,
    policy::Vote,
};

/// First bytes of a journal, extension `.avmj`.
pub const MAGIC: &[u8; 4] = b"AVMJ";
/// Version of the format.
pub const VERSION: u16 = 1;

/// What its bytes begin with.
const FORMAT: frame::Format =
    frame::Format { magic: MAGIC, version: VERSION, context: "aither avm journal v1" };

/// Hash of a record and of all before it.
pub type Link = [u8; 32];

/// How a run began.
#[derive(Clone, Debug)]
pub struct Start {
    /// The program, with its debug data.
    pub program: Vec<u8>,
    /// Hash of the schedule it was priced by.
    pub schedule: [u8; 32],
    /// What the machine was given.
    pub config: Config,
    /// The run that this one was forked from.
    pub parent: Option<Parent>,
}

impl Start {
    /// The beginning of a run of its own.
    pub fn of(image: &Image, config: Config) -> Self {
        let program = image.program().to_bytes();
        Self { program, schedule: image.schedule_hash(), config, parent: None }
    }
}

/// Where a run left another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The other journal's last link up to there.
    pub link: Link,
    /// Executed instructions up to there.
    pub steps: u64,
}

/// What came from outside, or how the run stood.
#[derive(Clone, Debug)]
pub enum Event {
    /// A text that the program was made from.
    Source {
        /// As it was named.
        path: String,
        /// All of it.
        text: String,
    },
    /// An effect whose loss would matter is about to be asked. Without an answer behind it nobody
    /// knows whether it happened.
    Asked {
        /// Number of the effect.
        id: u64,
        /// [`request_hash`].
        request: [u8; 32],
    },
    /// An effect was answered.
    Answered {
        /// Number of the effect.
        id: u64,
        /// [`request_hash`].
        request: [u8; 32],
        /// What the provider said.
        answer: Answer,
    },
    /// A limit was raised while the run was at rest.
    ToppedUp {
        /// Which.
        meter: Meter,
        /// By how much.
        amount: u64,
    },
    /// Somebody voted on the patch that the run waited with.
    Voted(Vote),
    /// Time that passed outside was charged.
    Waited {
        /// Whole milliseconds.
        milliseconds: u64,
        /// Whether an effect waited for its answer then.
        asking: bool,
    },
    /// A register of the agent was written by somebody who looked at the run.
    Edited {
        /// Its number.
        register: u8,
        /// What it holds from then on.
        value: Value,
    },
    /// A function was called while an effect waited, which was taken back
    /// ([`Machine::interrupt`](crate::Machine::interrupt)).
    Called {
        /// The function's name.
        function: String,
    },
    /// The run came to rest.
    Rested {
        /// How.
        end: End,
        /// Nanogas used.
        gas: u64,
        /// Hash of the machine's state.
        state: [u8; 32],
    },
    /// Somebody vouches for everything before.
    Signed {
        /// Public key (ed25519).
        key: [u8; 32],
        /// Signature of the link before.
        signature: [u8; 64],
    },
}

/// A record: when something came from outside, and what.
#[derive(Clone, Debug)]
pub struct Record {
    /// Executed instructions when it did.
    pub steps: u64,
    /// What.
    pub event: Event,
    /// Where it begins in the file, in bytes.
    pub offset: usize,
    /// Hash of it and of all before it.
    pub link: Link,
}

/// Why bytes are not a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalError {
    /// It does not begin as a journal does.
    Magic,
    /// A version that is not known here.
    Version(u16),
    /// The first record is not there or not whole: there is nothing to begin from.
    NoStart,
    /// A record is not the one that was written.
    Damaged {
        /// Its number, from 0.
        record: usize,
        /// Where it begins, in bytes.
        offset: usize,
    },
    /// A record is not what the format says.
    Record {
        /// Its number, from 0.
        record: usize,
        /// Where it begins, in bytes.
        offset: usize,
        /// What is wrong in it, placed from where its body begins.
        error: WireError,
    },
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("not a journal"),
            Self::Version(version) => write!(f, "journal version {version} is not known here"),
            Self::NoStart => f.write_str("the journal breaks off before its first record is whole"),
            Self::Damaged { record, offset } => {
                write!(f, "damaged: record {record}, at byte {offset}, is not the one written")
            }
            Self::Record { record, offset, error } => {
                write!(f, "record {record}, at byte {offset}: {error}")
            }
        }
    }
}

impl core::error::Error for JournalError {}

/// What a request asks, as a hash: the instruction and its operands. Not where it stands, so code
/// that was only rearranged asks the same.
pub fn request_hash(request: &EffectRequest) -> [u8; 32] {
    let mut out = Bytes::new();
    out.u8(request.opcode as u8);
    for arg in &request.args {
        out.u8(u8::from(arg.is_some()));
        if let Some(value) = arg {
            encode_to(value, &mut out);
        }
    }
    blake3::derive_key("aither avm request v1", &out.finish())
}

/// The byte of a kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Start = 1,
    Source = 2,
    Asked = 3,
    Answered = 4,
    ToppedUp = 5,
    Waited = 6,
    Edited = 7,
    Rested = 8,
    Signed = 9,
    Voted = 10,
    Called = 11,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Start,
        Self::Source,
        Self::Asked,
        Self::Answered,
        Self::ToppedUp,
        Self::Waited,
        Self::Edited,
        Self::Rested,
        Self::Signed,
        Self::Voted,
        Self::Called,
    ];
}
