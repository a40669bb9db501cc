//! What lets messages into a world: each once, from whom it says it is.

use alloc::collections::BTreeMap;
use core::fmt;

use avm_ir::wire::{Reader, WireError, Writer};

use super::{
    Envelope, Id, Key, Registry,
    envelope::{EnvelopeError, Sealed},
    registry::{Missing, Refused},
};

/// What a gate lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of an envelope.
    pub bytes: u64,
    /// How far in the future one may have been sent, in nanoseconds: how far clocks may differ.
    pub ahead: u64,
    /// How long ago one may have been sent, in nanoseconds. A sender that was silent for longer can be
    /// forgotten, for what it sent is too old to come again.
    pub age: u64,
    /// Most senders that are remembered.
    pub senders: u32,
}

impl Default for Limits {
    fn default() -> Self {
        const MINUTE: u64 = 60_000_000_000;
        Self { bytes: 2 << 20, ahead: MINUTE, age: 24 * 60 * MINUTE, senders: 1 << 16 }
    }
}

/// What was let in last from a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Last {
    sequence: u64,
    /// The latest time that any of its envelopes had.
    time: u64,
}

/// The door of a world. Of each sender it knows the number of the last envelope, and lets in only larger
/// ones: what comes again was let in before, and what comes out of order is refused with it. So its memory
/// is bounded, and messages of one sender arrive in the order in which they were sent, as within a world.
/// Numbers may leave gaps, for a sender counts what it sends to anybody.
#[derive(Clone, Debug)]
pub struct Gate {
    limits: Limits,
    /// Time never goes back here, whatever the host's clock does.
    now: u64,
    last: BTreeMap<Id, Last>,
}

impl Gate {
    /// A gate that let nothing in.
    pub const fn new(limits: Limits) -> Self {
        Self { limits, now: 0, last: BTreeMap::new() }
    }

    /// Lets an envelope in at a time, in nanoseconds since 1970. A refusal changes nothing but the time.
    /// Whether the receiver is there is not looked at.
    pub fn admit(
        &mut self,
        bytes: &[u8],
        registry: &Registry,
        now: u64,
    ) -> Result<Envelope, Refusal> {
        self.now = self.now.max(now);
        if bytes.len() as u64 > self.limits.bytes {
            return Err(Refusal::TooLarge { most: self.limits.bytes });
        }
        let sealed = Sealed::read(bytes).map_err(Refusal::Format)?;
        let Envelope { from, sequence, time, .. } = sealed.envelope;
        self.in_time(time)?;
        let before = self.last.get(&from).copied();
        if let Some(last) = before.filter(|last| sequence <= last.sequence) {
            return Err(Refusal::Replayed { sequence, last: last.sequence });
        }
        // Signatures are looked at last, for they take longest.
        is_from(&sealed, registry)?;
        if before.is_none() && !self.has_room() {
            return Err(Refusal::Crowded);
        }
        let time = before.map_or(time, |last| last.time.max(time));
        self.last.insert(from, Last { sequence, time });
        Ok(sealed.envelope)
    }

    fn in_time(&self, time: u64) -> Result<(), Refusal> {
        if time > self.now.saturating_add(self.limits.ahead) {
            return Err(Refusal::Future { time });
        }
        if time < self.now.saturating_sub(self.limits.age) {
            return Err(Refusal::TooOld { time });
        }
        Ok(())
    }

    /// Whether one more sender can be remembered, after those are forgotten whose envelopes are all too
    /// old to come again.
    fn has_room(&mut self) -> bool {
        let full = |last: &BTreeMap<_, _>| last.len() >= self.limits.senders as usize;
        if full(&self.last) {
            let oldest = self.now.saturating_sub(self.limits.age);
            self.last.retain(|_, last| last.time >= oldest);
        }
        !full(&self.last)
    }

    /// Its bytes: u64 time, u32 number of senders, and for each 32 bytes id, u64 sequence, u64 time.
    pub fn write(&self, out: &mut Writer) {
        out.u64(self.now);
        out.u32(self.last.len() as u32);
        for (id, last) in &self.last {
            out.raw(id);
            out.u64(last.sequence);
            out.u64(last.time);
        }
    }

    /// Reads one. A gate that forgot what it let in would let it in again.
    pub fn read(limits: Limits, input: &mut Reader<'_>) -> Result<Self, WireError> {
        let now = input.u64()?;
        let count = input.count(48)?;
        let mut last = BTreeMap::new();
        for _ in 0..count {
            let at = input.offset();
            let id = input.hash()?;
            if last.last_key_value().is_some_and(|(before, _)| *before >= id) {
                return Err(WireError { offset: at, cause: "senders are not in order" });
            }
            last.insert(id, Last { sequence: input.u64()?, time: input.u64()? });
        }
        Ok(Self { limits, now, last })
    }
}

/// Whether an envelope is from whom it says it is.
fn is_from(sealed: &Sealed, registry: &Registry) -> Result<(), Refusal> {
    let Envelope { from, lineage, domain, .. } = &sealed.envelope;
    if lineage.id() != *from {
        return Err(Refusal::Lineage);
    }
    let signer = registry.signer(lineage.key()).map_err(Refusal::Key)?;
    if sealed.signature.key != signer {
        return Err(Refusal::Signer { key: sealed.signature.key });
    }
    if let Some(name) = domain {
        let holder = registry.resolve(name).map_err(Refusal::Name)?;
        if holder.key != signer {
            return Err(Refusal::NotIts);
        }
    }
    if sealed.is_signed() { Ok(()) } else { Err(Refusal::Forged) }
}

/// Why a gate does not let something in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// More bytes than may be.
    TooLarge {
        /// How many may.
        most: u64,
    },
    /// It is no envelope.
    Format(EnvelopeError),
    /// It was sent further in the future than clocks may differ.
    Future {
        /// When, in nanoseconds since 1970.
        time: u64,
    },
    /// It was sent too long ago.
    TooOld {
        /// When, in nanoseconds since 1970.
        time: u64,
    },
    /// It was let in before, or one that was sent after it was.
    Replayed {
        /// Its number.
        sequence: u64,
        /// The last number of its sender.
        last: u64,
    },
    /// The sender is not the one whom its lineage leads to.
    Lineage,
    /// Nobody can sign for the sender's root.
    Key(Refused),
    /// It is signed by another key than the one that signs for the sender's root: a stranger's, or one
    /// that was rotated away.
    Signer {
        /// The key.
        key: Key,
    },
    /// The name that the sender uses is nobody's.
    Name(Missing),
    /// The name that the sender uses is somebody else's.
    NotIts,
    /// The signature is not one of this message.
    Forged,
    /// There are more senders than can be remembered.
    Crowded,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { most } => write!(f, "a message has at most {most} bytes"),
            Self::Format(error) => error.fmt(f),
            Self::Future { time } => write!(f, "it was sent at {time} ns, in the future"),
            Self::TooOld { time } => write!(f, "it was sent at {time} ns, too long ago"),
            Self::Replayed { sequence, last } => {
                write!(f, "replayed or out of order: number {sequence} comes after {last}")
            }
            Self::Lineage => f.write_str("the sender does not descend as it says"),
            Self::Key(refused) => write!(f, "nobody signs for the sender: {refused}"),
            Self::Signer { key } => {
                let key = avm_ir::wire::hex(key);
                write!(f, "{key} does not sign for the sender, or no longer")
            }
            Self::Name(missing) => write!(f, "the sender's name is nobody's: {missing}"),
            Self::NotIts => f.write_str("the sender's name is somebody else's"),
            Self::Forged => f.write_str("forged: the signature is not one of this message"),
            Self::Crowded => f.write_str("more senders than can be remembered"),
        }
    }
}

impl core::error::Error for Refusal {}
