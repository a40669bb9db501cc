//! What a journal is about, without reading all of it: its first record, the heads of the others, and
//! how the run came to rest. Contents are skipped, so a large answer costs nothing; what is skipped is
//! not checked either, only reading or playing does that.

use avm_ir::wire::Reader;

use super::{
    FORMAT, JournalError, Kind, Link, Start,
    frame::{HEAD, PLACED, heads, link},
    read::read_start,
};
use crate::{meter::Meter, trap::TrapCode};

/// What is seen of a journal at a glance.
#[derive(Clone, Debug)]
pub struct Skim {
    /// How the run began.
    pub start: Start,
    /// Link of the first record.
    pub first: Link,
    /// Link of the last record, as it stands there.
    pub last: Link,
    /// Records, the first one included.
    pub records: u64,
    /// Executed instructions when the last of them was written.
    pub steps: u64,
    /// How the run came to rest and the nanogas used then, if nothing but signatures came behind.
    pub rest: Option<(Rest, u64)>,
    /// Whether the file ends behind a whole record.
    pub whole: bool,
}

/// How a run came to rest, without values and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It halted.
    Halted,
    /// It used up a meter.
    Exhausted(Meter),
    /// It was stopped for its own fault.
    Trapped(TrapCode),
}

/// Bytes behind them that say how a run came to rest: nanogas, state, how, and which meter or trap.
const REST: usize = 8 + 32 + 1 + 2;

/// Skims a journal of `size` bytes; `read` fills a buffer from a place in it. Tells `seen` of the link
/// of every record with its steps.
pub fn skim<E: From<JournalError>>(
    size: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    mut seen: impl FnMut(&Link, u64),
) -> Result<Skim, E> {
    let mut skim: Option<Skim> = None;
    let whole = heads(size, &FORMAT, &mut read, |head, read| {
        let Some(skim) = &mut skim else {
            let content = head.content(read)?;
            skim = Some(begin(&content, head.link, head.at as usize)?);
            seen(&head.link, 0);
            return Ok(());
        };
        (skim.steps, skim.last) = (head.placed, head.link);
        skim.records += 1;
        if head.kind == Kind::Rested as u8 && head.length >= 8 + REST as u64 - 1 {
            let mut rest = [0; REST];
            read(head.at + PLACED as u64, &mut rest)?;
            skim.rest = rested(&rest);
        } else if head.kind != Kind::Signed as u8 {
            skim.rest = None;
        }
        seen(&head.link, skim.steps);
        Ok(())
    })?;
    skim.map(|skim| Skim { whole, ..skim }).ok_or_else(|| JournalError::NoStart.into())
}

fn begin(content: &[u8], foot: Link, offset: usize) -> Result<Skim, JournalError> {
    let first = link(&FORMAT.first_link(), content);
    if foot != first {
        return Err(JournalError::Damaged { record: 0, offset });
    }
    let mut input = Reader::new(&content[HEAD..]);
    let wrong = |error| JournalError::Record { record: 0, offset, error };
    if content[HEAD - 1] != Kind::Start as u8 {
        return Err(wrong(input.error("the first record does not say how the run began")));
    }
    let start = read_start(&mut input).map_err(wrong)?;
    Ok(Skim { start, first, last: first, records: 1, steps: 0, rest: None, whole: true })
}

/// Of a record of a run at rest what stands behind its steps; bytes of the record's link may follow.
fn rested(bytes: &[u8; REST]) -> Option<(Rest, u64)> {
    let mut input = Reader::new(bytes);
    let gas = input.u64().ok()?;
    input.hash().ok()?;
    let rest = match input.u8().ok()? {
        1 => Rest::Halted,
        2 => Rest::Exhausted(Meter::from_number(input.u8().ok()?)?),
        3 => Rest::Trapped(TrapCode::from_number(input.u16().ok()?)?),
        _ => return None,
    };
    Some((rest, gas))
}
