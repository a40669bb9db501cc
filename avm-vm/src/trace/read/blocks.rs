//! A stream of bytes to blocks whose hash fits.

use alloc::{string::String, vec::Vec};

use avm_ir::wire::{Reader as Bytes, WireError};

use crate::{
    journal::Link,
    trace::{Block, HEAD, Header, MAGIC, TraceError, VERSION, first_link, link},
};

/// Where the bytes of a trace come from.
pub trait Source {
    /// Fills a buffer from its start as far as it goes and tells how many bytes that were; 0 at the
    /// end. An error is why nothing can be read on.
    fn read(&mut self, into: &mut [u8]) -> Result<usize, String>;
}

impl Source for &[u8] {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, String> {
        let count = into.len().min(self.len());
        let (now, later) = self.split_at(count);
        into[..count].copy_from_slice(now);
        *self = later;
        Ok(count)
    }
}

/// Bytes that are asked for at a time: a forged length takes no more than that.
const CHUNK: usize = 64 << 10;
/// A block may be longer than what the run holds by this much.
const SLACK: u64 = 1 << 20;

/// The blocks of a trace, one at a time.
#[derive(Debug)]
pub(super) struct Blocks<S> {
    source: S,
    pub(super) link: Link,
    /// The block at hand, head included, and how much of it was read.
    block: Vec<u8>,
    at: usize,
    number: u64,
    offset: u64,
    next_offset: u64,
    memory: u64,
    ended: bool,
}

impl<S: Source> Blocks<S> {
    /// Reads what a trace begins with: what it is of, and the state as a snapshot.
    pub(super) fn open(mut source: S, memory: u64) -> Result<(Self, Header, Vec<u8>), TraceError> {
        let mut begin = Vec::new();
        if fill(&mut source, &mut begin, MAGIC.len() + 2)? < MAGIC.len() + 2
            || !begin.starts_with(MAGIC)
        {
            return Err(TraceError::Magic);
        }
        let version = u16::from_le_bytes([begin[4], begin[5]]);
        if version != VERSION {
            return Err(TraceError::Version(version));
        }
        let offset = begin.len() as u64;
        let mut blocks = Self {
            source,
            link: first_link(),
            block: Vec::new(),
            at: 0,
            number: 0,
            offset,
            next_offset: offset,
            memory,
            ended: false,
        };
        let kind = blocks.load()?;
        let (header, state) = blocks.read(|input| {
            if kind != Some(Block::Start) {
                return Err(input.error("the first block, and no other, says how the run began"));
            }
            let (program, schedule) = (input.hash()?, input.hash()?);
            let (flag, journal) = (input.u8()?, input.hash()?);
            if flag > 1 || flag == 0 && journal != Link::default() {
                return Err(input.error("neither a journal nor none"));
            }
            let journal = (flag == 1).then_some(journal);
            let steps = input.u64()?;
            let state = input.bytes()?.to_vec();
            input.end()?;
            Ok((Header { program, schedule, journal, steps }, state))
        })?;
        Ok((blocks, header, state))
    }

    /// The first byte of the next record; `None` behind the last one, if so many steps were read.
    pub(super) fn first(&mut self, steps: u64) -> Result<Option<u8>, TraceError> {
        while self.at >= self.block.len() {
            if self.ended {
                return Ok(None);
            }
            self.number += 1;
            self.offset = self.next_offset;
            let number = self.number;
            match self.load()? {
                Some(Block::Records) => {}
                Some(Block::End) => {
                    self.read(|input| {
                        if input.u64()? != steps {
                            return Err(input.error("another number of steps than there are"));
                        }
                        if input.u64()? != number {
                            return Err(input.error("another number of blocks than there are"));
                        }
                        input.end()
                    })?;
                    self.ended = true;
                    let mut more = Vec::new();
                    if fill(&mut self.source, &mut more, 1)? > 0 {
                        return Err(TraceError::Record {
                            block: number,
                            offset: self.next_offset,
                            error: WireError { offset: 0, cause: "bytes behind the end" },
                        });
                    }
                }
                _ => {
                    return self.read(|input| {
                        Err(input.error("the first block, and no other, says how the run began"))
                    });
                }
            }
        }
        self.read(|input| input.u8()).map(Some)
    }

    /// Reads from the block at hand.
    pub(super) fn read<T>(
        &mut self,
        read: impl FnOnce(&mut Bytes<'_>) -> Result<T, WireError>,
    ) -> Result<T, TraceError> {
        let mut input = Bytes::new(&self.block[self.at..]);
        let read = read(&mut input);
        let at = self.at - HEAD;
        self.at += input.offset();
        read.map_err(|error| TraceError::Record {
            block: self.number,
            offset: self.offset,
            error: WireError { offset: at + error.offset, cause: error.cause },
        })
    }

    /// Reads the next block and checks its hash.
    fn load(&mut self) -> Result<Option<Block>, TraceError> {
        let torn = TraceError::Torn { blocks: self.number, whole: self.offset };
        self.block.clear();
        if fill(&mut self.source, &mut self.block, HEAD)? < HEAD {
            return Err(torn);
        }
        let [a, b, c, d, kind] = [0, 1, 2, 3, 4].map(|at| self.block[at]);
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length as u64 > self.memory.saturating_add(SLACK) {
            return Err(TraceError::Memory(length as u64));
        }
        let wanted = length + self.link.len();
        if fill(&mut self.source, &mut self.block, wanted)? < wanted {
            return Err(torn);
        }
        self.next_offset = self.offset + self.block.len() as u64;
        let (content, foot) = self.block.split_at(HEAD + length);
        let link = link(&self.link, content);
        if foot != link {
            return Err(TraceError::Damaged { block: self.number, offset: self.offset });
        }
        self.link = link;
        self.block.truncate(HEAD + length);
        self.at = HEAD;
        let kinds = [Block::Start, Block::Records, Block::End];
        Ok(kinds.into_iter().find(|known| *known as u8 == kind))
    }
}

/// Appends so many bytes, or as many as there are.
fn fill(source: &mut impl Source, into: &mut Vec<u8>, wanted: usize) -> Result<usize, TraceError> {
    let start = into.len();
    while into.len() - start < wanted {
        let at = into.len();
        let chunk = CHUNK.min(wanted - (at - start));
        into.resize(at + chunk, 0);
        let count = source.read(&mut into[at..]).map_err(TraceError::Source)?;
        into.truncate(at + count.min(chunk));
        if count == 0 {
            break;
        }
    }
    Ok(into.len() - start)
}
