//! Frames of records: what a journal of a run and a journal of a world have in common.
//!
//! A record is its length, its kind, its body, and a link: the hash of all of that and of the record
//! before. What stands in the bodies is the matter of whoever has the journal.

use alloc::{vec, vec::Vec};

use avm_ir::wire::Writer as Bytes;

use super::{JournalError, Link, Tail};

/// Bytes of a record before its body: length of the body, kind.
pub(crate) const HEAD: usize = 5;
/// Bytes of a record behind its body: its link.
pub(crate) const FOOT: usize = 32;
/// Bytes of a record up to where in the run it stands: a u64 at the beginning of every body but the first.
pub(crate) const PLACED: usize = HEAD + 8;
/// Bytes before the first record: magic and version.
pub(crate) const HEADER: usize = 6;

/// What tells one kind of journal from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) magic: &'static [u8; 4],
    pub(crate) version: u16,
    /// Context of the hash that is the link before the first record.
    pub(crate) context: &'static str,
}

impl Format {
    /// The bytes before the first record.
    pub(crate) fn header(&self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(self.magic);
        header[4..].copy_from_slice(&self.version.to_le_bytes());
        header
    }

    /// The link before the first record.
    pub(crate) fn first_link(&self) -> Link {
        blake3::derive_key(self.context, &self.header())
    }

    /// Checks that bytes begin as such a journal does.
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<(), JournalError> {
        let Some((magic, version)) =
            bytes.get(..HEADER).and_then(|header| header.split_at_checked(4))
        else {
            return Err(JournalError::Magic);
        };
        if magic != self.magic {
            return Err(JournalError::Magic);
        }
        match u16::from_le_bytes([version[0], version[1]]) {
            version if version == self.version => Ok(()),
            version => Err(JournalError::Version(version)),
        }
    }
}

/// The link of a record, of its head and body and the link before.
pub(crate) fn link(before: &Link, record: &[u8]) -> Link {
    let mut hasher = blake3::Hasher::new_keyed(before);
    hasher.update(record);
    *hasher.finalize().as_bytes()
}

/// The bytes of a record behind a link, which is that of the record then.
pub(crate) fn record(before: &mut Link, kind: u8, body: impl FnOnce(&mut Bytes)) -> Vec<u8> {
    let mut out = Bytes::new();
    out.u32(0);
    out.u8(kind);
    body(&mut out);
    let mut bytes = out.finish();
    // What does not fit in its length could not be read back; values are far smaller than that.
    let length = u32::try_from(bytes.len() - HEAD).unwrap_or(u32::MAX);
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    *before = link(before, &bytes);
    bytes.extend_from_slice(before);
    bytes
}

/// A whole record whose link fits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framed<'a> {
    /// Its number, from 0.
    pub(crate) record: usize,
    /// Where it begins, in bytes.
    pub(crate) offset: usize,
    pub(crate) kind: u8,
    pub(crate) body: &'a [u8],
    pub(crate) link: Link,
}

/// The records of a journal, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    offset: usize,
    record: usize,
    before: Link,
}

impl<'a> Frames<'a> {
    /// Of bytes that begin as the format says.
    pub(crate) fn of(bytes: &'a [u8], format: &Format) -> Result<Self, JournalError> {
        format.check(bytes)?;
        Ok(Self { bytes, offset: HEADER, record: 0, before: format.first_link() })
    }

    /// The next record, or how the file ends.
    pub(crate) fn next(&mut self) -> Result<Result<Framed<'a>, Tail>, JournalError> {
        let Self { offset, record, .. } = *self;
        let rest = self.bytes.get(offset..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(Err(Tail::Whole));
        }
        let damaged = JournalError::Damaged { record, offset };
        let Some(framed) = frame(rest) else {
            if has_other_length(&self.before, rest) {
                return Err(damaged);
            }
            return Ok(Err(Tail::Torn { whole: offset, rest: rest.len() }));
        };
        let (content, foot) = framed.split_at(framed.len() - FOOT);
        let link = link(&self.before, content);
        if foot != link {
            return Err(damaged);
        }
        self.before = link;
        self.offset += framed.len();
        self.record += 1;
        Ok(Ok(Framed { record, offset, kind: content[HEAD - 1], body: &content[HEAD..], link }))
    }
}

/// The bytes of the first record, if it is whole.
fn frame(rest: &[u8]) -> Option<&[u8]> {
    let length = u32::from_le_bytes(rest.get(..4)?.try_into().ok()?) as usize;
    rest.get(..HEAD.checked_add(length)?.checked_add(FOOT)?)
}

/// What is seen of a record whose body is skipped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    /// Where it begins, in bytes.
    pub(crate) at: u64,
    pub(crate) kind: u8,
    /// Bytes of its body.
    pub(crate) length: u64,
    /// The u64 that its body begins with.
    pub(crate) placed: u64,
    /// Its link, as it stands there.
    pub(crate) link: Link,
}

impl Head {
    /// The record without its link.
    pub(crate) fn content<E>(
        &self,
        read: &mut impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<Vec<u8>, E> {
        let mut content = vec![0; HEAD + self.length as usize];
        read(self.at, &mut content)?;
        Ok(content)
    }
}

/// The heads of all whole records of a journal of so many bytes, of which `read` fills a buffer from a
/// place; whether it ends behind one.
pub(crate) fn heads<E: From<JournalError>, R: FnMut(u64, &mut [u8]) -> Result<(), E>>(
    size: u64,
    format: &Format,
    read: &mut R,
    mut seen: impl FnMut(&Head, &mut R) -> Result<(), E>,
) -> Result<bool, E> {
    let mut header = [0; HEADER];
    if size < header.len() as u64 {
        return Err(JournalError::Magic.into());
    }
    read(0, &mut header)?;
    format.check(&header)?;
    let mut at = header.len() as u64;
    // A record is longer than the head that is read of it.
    while size - at >= (HEAD + FOOT) as u64 {
        let mut head = [0; PLACED];
        read(at, &mut head)?;
        let [a, b, c, d, kind, placed @ ..] = head;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        let foot = at + HEAD as u64 + length;
        if size < foot + FOOT as u64 {
            break;
        }
        let mut link = Link::default();
        read(foot, &mut link)?;
        seen(&Head { at, kind, length, placed: u64::from_le_bytes(placed), link }, read)?;
        at = foot + FOOT as u64;
    }
    Ok(at == size)
}

/// Most bytes that are hashed to tell a changed length from what a crash leaves.
const MAX_HASHED: usize = 64 << 20;

/// Whether a record that seems to go on behind the end of the file is whole, and a byte of its length
/// was changed: with another one its link fits. Who took that for a crash would cut off the rest.
fn has_other_length(before: &Link, rest: &[u8]) -> bool {
    let Some(length) = rest.get(..4).and_then(|length| length.try_into().ok()) else {
        return false;
    };
    let length = u32::from_le_bytes(length);
    let mut hashed = 0;
    // Short ones first: as many as can be are tried.
    for byte in 0..4 {
        for value in 0..=0xFF_u32 {
            let other = length & !(0xFF << (8 * byte)) | value << (8 * byte);
            let end = HEAD.saturating_add(other as usize);
            let Some(foot) = end.checked_add(FOOT).and_then(|all| rest.get(end..all)) else {
                break;
            };
            hashed += end;
            if hashed > MAX_HASHED {
                return false;
            }
            let mut hasher = blake3::Hasher::new_keyed(before);
            hasher.update(&other.to_le_bytes()).update(&rest[4..end]);
            if foot == hasher.finalize().as_bytes() {
                return true;
            }
        }
    }
    false
}
