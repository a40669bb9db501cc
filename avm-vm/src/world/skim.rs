//! What the journal of a world is about, without reading all of it: its first record, the heads of the
//! others, and how the world came to rest. What is skipped is not checked.

use avm_ir::wire::Reader;

use super::journal::{FORMAT, Kind, Start, read_start};
use crate::journal::{
    JournalError, Link,
    frame::{HEAD, PLACED, heads, link},
};

/// What is seen of a world's journal at a glance.
#[derive(Clone, Debug)]
pub struct Skim {
    /// How the world began.
    pub start: Start,
    /// Link of the last record, as it stands there.
    pub last: Link,
    /// Records, the first one included.
    pub records: u64,
    /// Ticks when the last of them was written.
    pub ticks: u64,
    /// How the world stood when it came to rest or was left, if nothing but signatures came behind.
    pub rest: Option<Rest>,
    /// Whether the file ends behind a whole record.
    pub whole: bool,
}

/// How a world stood at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// [`World::hash`](super::World::hash).
    pub hash: [u8; 32],
    /// Agents that were ever there.
    pub agents: u32,
}

/// Skims a journal of `size` bytes; `read` fills a buffer from a place in it.
///
/// # Errors
/// No journal of a world, or one without its first record; what `read` says.
pub fn skim<E: From<JournalError>>(
    size: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
) -> Result<Skim, E> {
    let mut skim: Option<Skim> = None;
    let whole = heads(size, &FORMAT, &mut read, |head, read| {
        let Some(skim) = &mut skim else {
            let content = head.content(read)?;
            let (start, last) = (begin(&content, &head.link, head.at as usize)?, head.link);
            skim = Some(Skim { start, last, records: 1, ticks: 0, rest: None, whole: true });
            return Ok(());
        };
        (skim.ticks, skim.last) = (head.placed, head.link);
        skim.records += 1;
        let mut mark = [0; 36];
        if head.kind == Kind::Rested as u8 && head.length >= 8 + mark.len() as u64 {
            read(head.at + PLACED as u64, &mut mark)?;
            let [hash @ .., a, b, c, d] = mark;
            skim.rest = Some(Rest { hash, agents: u32::from_le_bytes([a, b, c, d]) });
        } else if head.kind != Kind::Signed as u8 {
            skim.rest = None;
        }
        Ok(())
    })?;
    skim.map(|skim| Skim { whole, ..skim }).ok_or_else(|| JournalError::NoStart.into())
}

fn begin(content: &[u8], foot: &Link, offset: usize) -> Result<Start, JournalError> {
    if *foot != link(&FORMAT.first_link(), content) {
        return Err(JournalError::Damaged { record: 0, offset });
    }
    let mut input = Reader::new(&content[HEAD..]);
    let wrong = |error| JournalError::Record { record: 0, offset, error };
    if content[HEAD - 1] != Kind::Start as u8 {
        return Err(wrong(input.error("the first record does not say how the world began")));
    }
    read_start(&mut input).map_err(wrong)
}
