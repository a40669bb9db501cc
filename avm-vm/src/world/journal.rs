//! The journal of a world: its rules, and what came to it from outside.
//!
//! Messages, money and the runs of its agents follow from that ([`Replay`](super::Replay)).
//! `spec/world-journal.md` has the format byte by byte; records are framed and linked as those of a
//! run's journal are.

use alloc::{string::String, vec::Vec};

use avm_ir::wire::{Reader, WireError, Writer as Bytes};

use super::{AgentId, Event, Rate, Rules, StallRule, World, event::Kind as EventKind};
use crate::{
    effect::EffectRequest,
    identity::{Key, SeenHead},
    journal::{
        JournalError, Link, Tail, flag,
        frame::{self, Format, Framed, Frames},
        request_hash,
    },
};

/// First bytes of a world's journal, extension `.avmw`.
pub const MAGIC: &[u8; 4] = b"AVMW";
/// Version of the format.
pub const VERSION: u16 = 1;

/// What its bytes begin with.
pub(super) const FORMAT: Format =
    Format { magic: MAGIC, version: VERSION, context: "aither avm world journal v1" };

/// How time passes in a world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Time {
    /// To the next timer, as soon as nobody can run and no answer is missing.
    #[default]
    Simulated = 0,
    /// When somebody outside says so ([`Event::Passed`]).
    Given = 1,
}

/// How a world began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// What holds for it.
    pub rules: Rules,
    /// How time passes.
    pub time: Time,
    /// Hash of the schedule by which its agents are priced.
    pub schedule: [u8; 32],
}

/// What stands in a record.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A text that a program was made from.
    Source {
        /// As it was named.
        path: String,
        /// All of it.
        text: String,
    },
    /// A program of agents, as bytecode with its debug data.
    Code(Vec<u8>),
    /// An effect whose loss would matter is about to be asked. Without an answer behind it nobody
    /// knows whether it happened.
    Asked {
        /// Who asks.
        agent: AgentId,
        /// Number of the effect, of those of the agent.
        id: u64,
        /// [`request_hash`].
        request: [u8; 32],
    },
    /// How the world stood.
    Mark(Mark),
    /// The world came to rest, or was left; it stood so.
    Rested(Mark),
    /// Somebody vouches for everything before.
    Signed {
        /// Public key (ed25519).
        key: [u8; 32],
        /// Signature of the link before.
        signature: [u8; 64],
    },
    /// Keys and names of agents were looked up in a registry, as it was then. The world knows nothing of
    /// it.
    Registry {
        /// Who keeps it.
        keeper: Key,
        /// What there was of it.
        seen: SeenHead,
    },
    /// The world was kept beside the journal, from which it can go on; it stood so.
    Snapshot {
        /// How it stood.
        mark: Mark,
        /// BLAKE3 of [`World::to_bytes`].
        world: [u8; 32],
        /// BLAKE3 of what the host keeps beside that: what its providers remember.
        host: [u8; 32],
    },
    /// Something came from outside.
    Event(Event),
}

/// How a world stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// [`World::hash`].
    pub hash: [u8; 32],
    /// The first bytes of each agent's state hash, so that the one that differs can be named.
    pub agents: Vec<[u8; 8]>,
}

impl Mark {
    /// How a world stands now.
    pub fn of(world: &World) -> Self {
        let agents = (0..world.len() as u32).map(|agent| {
            let hash = world.machine(AgentId(agent)).map(crate::Machine::state_hash);
            let mut short = [0; 8];
            short.copy_from_slice(&hash.unwrap_or_default()[..8]);
            short
        });
        Self { hash: world.hash(), agents: agents.collect() }
    }

    fn write(&self, out: &mut Bytes) {
        out.raw(&self.hash);
        out.u32(self.agents.len() as u32);
        self.agents.iter().for_each(|agent| out.raw(agent));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let hash = input.hash()?;
        let mut agents = Vec::new();
        for _ in 0..input.count(8)? {
            agents.push(input.u64()?.to_le_bytes());
        }
        Ok(Self { hash, agents })
    }
}

/// A record: when, and what.
#[derive(Clone, Debug)]
pub struct Record {
    /// [`World::ticks`] then.
    pub tick: u64,
    /// What.
    pub entry: Entry,
    /// Where it begins in the file, in bytes.
    pub offset: usize,
    /// Hash of it and of all before it.
    pub link: Link,
}

/// The byte of a kind of record; from 16 on they are those of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Start = 1,
    Source = 2,
    Code = 3,
    Asked = 4,
    Mark = 5,
    Rested = 6,
    Signed = 7,
    Registry = 8,
    Snapshot = 9,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Start,
        Self::Source,
        Self::Code,
        Self::Asked,
        Self::Mark,
        Self::Rested,
        Self::Signed,
        Self::Registry,
        Self::Snapshot,
    ];
}

/// Makes the bytes of a world's journal, record by record. Whoever has it appends them to a file.
#[derive(Clone, Debug)]
pub struct Writer {
    link: Link,
}

impl Writer {
    /// A new journal, and its first bytes.
    pub fn new(start: &Start) -> (Self, Vec<u8>) {
        let mut writer = Self { link: FORMAT.first_link() };
        let mut bytes = FORMAT.header().to_vec();
        bytes.extend(frame::record(&mut writer.link, Kind::Start as u8, |out| {
            write_rules(&start.rules, out);
            out.u8(start.time as u8);
            out.raw(&start.schedule);
        }));
        (writer, bytes)
    }

    /// Goes on behind a record.
    pub const fn behind(link: Link) -> Self {
        Self { link }
    }

    /// Hash of everything written so far.
    pub const fn link(&self) -> Link {
        self.link
    }

    /// The bytes of the next record, at so many ticks.
    pub fn record(&mut self, tick: u64, entry: &Entry) -> Vec<u8> {
        match entry {
            Entry::Source { path, text } => self.at(Kind::Source, tick, |out| {
                out.text(path);
                out.text(text);
            }),
            Entry::Code(bytecode) => self.at(Kind::Code, tick, |out| out.bytes(bytecode)),
            Entry::Asked { agent, id, request } => self.at(Kind::Asked, tick, |out| {
                out.u32(agent.0);
                out.u64(*id);
                out.raw(request);
            }),
            Entry::Mark(mark) => self.at(Kind::Mark, tick, |out| mark.write(out)),
            Entry::Rested(mark) => self.at(Kind::Rested, tick, |out| mark.write(out)),
            Entry::Signed { key, signature } => self.at(Kind::Signed, tick, |out| {
                out.raw(key);
                out.raw(signature);
            }),
            Entry::Registry { keeper, seen } => self.at(Kind::Registry, tick, |out| {
                out.raw(keeper);
                out.u64(seen.count);
                out.raw(&seen.head);
            }),
            Entry::Snapshot { mark, world, host } => self.at(Kind::Snapshot, tick, |out| {
                mark.write(out);
                out.raw(world);
                out.raw(host);
            }),
            Entry::Event(event) => self.event(tick, event),
        }
    }

    /// The bytes of what came from outside.
    pub fn event(&mut self, tick: u64, event: &Event) -> Vec<u8> {
        frame::record(&mut self.link, event.kind() as u8, |out| {
            out.u64(tick);
            event.write(out);
        })
    }

    /// The bytes of a note that an effect is about to be asked; `None` if its loss would not matter.
    /// They have to be safe before it is asked.
    pub fn asks(
        &mut self,
        world: &World,
        agent: AgentId,
        request: &EffectRequest,
    ) -> Option<Vec<u8>> {
        request.reach.is_lasting().then(|| {
            let entry = Entry::Asked { agent, id: request.id, request: request_hash(request) };
            self.record(world.ticks(), &entry)
        })
    }

    fn at(&mut self, kind: Kind, tick: u64, body: impl FnOnce(&mut Bytes)) -> Vec<u8> {
        frame::record(&mut self.link, kind as u8, |out| {
            out.u64(tick);
            body(out);
        })
    }
}

/// A world's journal that was read.
#[derive(Clone, Debug)]
pub struct Journal {
    /// How the world began.
    pub start: Start,
    /// Link of the first record, which is `start`.
    pub first: Link,
    /// Everything after it, in order.
    pub records: Vec<Record>,
    /// How the file ends.
    pub tail: Tail,
}

const ONE_START: &str = "the first record, and no other, says how the world began";

impl Journal {
    /// Reads a journal up to its last whole record.
    ///
    /// # Errors
    /// A record that is whole and not the one that was written, or one that a writer would not have
    /// written.
    pub fn read(bytes: &[u8]) -> Result<Self, JournalError> {
        let mut frames = Frames::of(bytes, &FORMAT)?;
        let (mut start, mut records) = (None, Vec::<Record>::new());
        let tail = loop {
            let Framed { record, offset, kind, body, link } = match frames.next()? {
                Ok(framed) => framed,
                Err(tail) => break tail,
            };
            let wrong = |error| JournalError::Record { record, offset, error };
            let mut input = Reader::new(body);
            if (kind == Kind::Start as u8) != start.is_none() {
                return Err(wrong(input.error(ONE_START)));
            }
            if start.is_none() {
                let read = read_start(&mut input).and_then(|read| input.end().map(|()| read));
                start = Some((read.map_err(wrong)?, link));
                continue;
            }
            let read = read_entry(kind, &mut input);
            let (tick, entry) = read.and_then(|read| input.end().map(|()| read)).map_err(wrong)?;
            if records.last().is_some_and(|last| last.tick > tick) {
                return Err(wrong(input.error("it is older than the one before it")));
            }
            records.push(Record { tick, entry, offset, link });
        };
        let (start, first) = start.ok_or(JournalError::NoStart)?;
        Ok(Self { start, first, records, tail })
    }

    /// Link of its last record: the hash of all of it.
    pub fn link(&self) -> Link {
        self.records.last().map_or(self.first, |record| record.link)
    }

    /// What stands for the world, and for no other: the link of the record of the first agent, which has
    /// the key of its effects in it. `None` of a world without agents.
    pub fn world(&self) -> Option<Link> {
        let joined = |entry: &Entry| matches!(entry, Entry::Event(Event::Joined(_)));
        self.records.iter().find(|record| joined(&record.entry)).map(|record| record.link)
    }

    /// The registry in which keys and names of agents were looked up.
    pub fn registry(&self) -> Option<(Key, SeenHead)> {
        self.records.iter().find_map(|record| match record.entry {
            Entry::Registry { keeper, seen } => Some((keeper, seen)),
            _ => None,
        })
    }

    /// How the world stood when it came to rest, if nothing came behind that but signatures.
    pub fn rest(&self) -> Option<(&Record, &Mark)> {
        let mut records = self.records.iter().rev();
        let last = records.find(|record| !matches!(record.entry, Entry::Signed { .. }))?;
        match &last.entry {
            Entry::Rested(mark) => Some((last, mark)),
            _ => None,
        }
    }
}

pub(super) fn read_start(input: &mut Reader<'_>) -> Result<Start, WireError> {
    let rules = read_rules(input)?;
    let time = match input.u8()? {
        0 => Time::Simulated,
        1 => Time::Given,
        _ => return Err(input.error("no such way for time to pass")),
    };
    Ok(Start { rules, time, schedule: input.hash()? })
}

fn read_entry(kind: u8, input: &mut Reader<'_>) -> Result<(u64, Entry), WireError> {
    let tick = input.u64()?;
    if let Some(kind) = EventKind::ALL.into_iter().find(|known| *known as u8 == kind) {
        return Ok((tick, Entry::Event(Event::read(kind, input)?)));
    }
    let entry = match Kind::ALL.into_iter().find(|known| *known as u8 == kind) {
        None => return Err(input.error("no such kind of record")),
        Some(Kind::Start) => return Err(input.error(ONE_START)),
        Some(Kind::Source) => Entry::Source { path: input.text()?, text: input.text()? },
        Some(Kind::Code) => Entry::Code(input.bytes()?.to_vec()),
        Some(Kind::Asked) => {
            Entry::Asked { agent: AgentId(input.u32()?), id: input.u64()?, request: input.hash()? }
        }
        Some(Kind::Mark) => Entry::Mark(Mark::read(input)?),
        Some(Kind::Rested) => Entry::Rested(Mark::read(input)?),
        Some(Kind::Signed) => {
            let key = input.hash()?;
            let mut signature = [0; 64];
            signature.copy_from_slice(input.raw(64)?);
            Entry::Signed { key, signature }
        }
        Some(Kind::Registry) => Entry::Registry {
            keeper: input.hash()?,
            seen: SeenHead { count: input.u64()?, head: input.hash()? },
        },
        Some(Kind::Snapshot) => {
            Entry::Snapshot { mark: Mark::read(input)?, world: input.hash()?, host: input.hash()? }
        }
    };
    Ok((tick, entry))
}

pub(super) fn write_rules(rules: &Rules, out: &mut Bytes) {
    let Rules { seed, slice, jitter, epoch, patience, inbox_share, requests, .. } = rules;
    let Rules { message_bytes, tasks, agents, children, forks, child_gas, standstill, .. } = rules;
    out.u64(*seed);
    out.u64(*slice);
    out.u8(u8::from(*jitter));
    out.u64(*epoch);
    out.u64(*patience);
    out.u32(*inbox_share);
    out.u32(*requests);
    out.u64(*message_bytes);
    out.u32(*tasks);
    out.u32(*agents);
    out.u32(*children);
    out.u8(u8::from(forks.is_some()));
    if let Some(Rate { most, window }) = forks {
        out.u32(*most);
        out.u64(*window);
    }
    out.u64(*child_gas);
    out.u32(*standstill);
    rules.stall.write(out);
}

pub(super) fn read_rules(input: &mut Reader<'_>) -> Result<Rules, WireError> {
    Ok(Rules {
        seed: input.u64()?,
        slice: input.u64()?,
        jitter: flag(input)?,
        epoch: input.u64()?,
        patience: input.u64()?,
        inbox_share: input.u32()?,
        requests: input.u32()?,
        message_bytes: input.u64()?,
        tasks: input.u32()?,
        agents: input.u32()?,
        children: input.u32()?,
        forks: match flag(input)? {
            true => Some(Rate { most: input.u32()?, window: input.u64()? }),
            false => None,
        },
        child_gas: input.u64()?,
        standstill: input.u32()?,
        stall: StallRule::read(input)?,
    })
}
