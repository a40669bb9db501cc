//! A registry as bytes, extension `.avmn`.

use alloc::{string::String, vec::Vec};

use avm_ir::{
    program::Signature,
    wire::{Reader, WireError, Writer},
};

use super::{Change, Entry, Link, Registry, RegistryError, SeenHead, VERSION};
use crate::identity::{Key, Name};

/// First bytes of a registry.
pub const MAGIC: &[u8; 4] = b"AVMN";

/// Bytes before the first entry: magic, version, keeper, first head.
const HEADER: usize = 70;
/// Most bytes of an entry between its length and its link: a name, a key and two signatures fit.
const MAX_BODY: usize = 1024;
/// Bytes of a link.
const LINK: usize = 32;
/// Most signatures that any change wants.
const MAX_SIGNATURES: usize = 2;

fn header(keeper: &Key) -> Writer {
    let mut out = Writer::new();
    out.raw(MAGIC);
    out.u16(VERSION);
    out.raw(keeper);
    out
}

/// The head of a registry without entries.
pub(super) fn first_head(keeper: &Key) -> Link {
    blake3::derive_key("aither avm names v1", &header(keeper).finish())
}

/// The head after an entry.
pub(super) fn link(before: &Link, record: &[u8]) -> Link {
    *blake3::keyed_hash(before, record).as_bytes()
}

/// An entry without its link.
pub(super) fn record(before: &SeenHead, entry: &Entry) -> Vec<u8> {
    let mut body = Writer::new();
    write_change(&mut body, before.count, &entry.change);
    body.u8(entry.signatures.len() as u8);
    for signature in &entry.signatures {
        body.raw(&signature.key);
        body.raw(&signature.bytes);
    }
    let mut out = Writer::new();
    out.bytes(&body.finish());
    out.finish()
}

pub(super) fn write_change(out: &mut Writer, number: u64, change: &Change) {
    out.u64(number);
    match change {
        Change::Claim { name, key } => {
            out.u8(1);
            out.text(name.as_str());
            out.raw(key);
        }
        Change::Rotate { old, new } => {
            out.u8(2);
            out.raw(old);
            out.raw(new);
        }
        Change::Transfer { name, key } => {
            out.u8(3);
            out.text(name.as_str());
            out.raw(key);
        }
        Change::Revoke { name } => {
            out.u8(4);
            out.text(name.as_str());
        }
        Change::Retire { key } => {
            out.u8(5);
            out.raw(key);
        }
    }
}

/// The change and signatures of a body behind its number.
fn read_entry(input: &mut Reader<'_>) -> Result<Entry, WireError> {
    let at = input.offset();
    let change = match input.u8()? {
        1 => Change::Claim { name: read_name(input)?, key: input.hash()? },
        2 => Change::Rotate { old: input.hash()?, new: input.hash()? },
        3 => Change::Transfer { name: read_name(input)?, key: input.hash()? },
        4 => Change::Revoke { name: read_name(input)? },
        5 => Change::Retire { key: input.hash()? },
        _ => return Err(WireError { offset: at, cause: "unknown kind of entry" }),
    };
    let at = input.offset();
    let count = usize::from(input.u8()?);
    if count > MAX_SIGNATURES {
        return Err(WireError { offset: at, cause: "too many signatures" });
    }
    let signatures = (0..count).map(|_| read_signature(input)).collect::<Result<_, _>>()?;
    input.end()?;
    Ok(Entry { change, signatures })
}

pub(crate) fn read_name(input: &mut Reader<'_>) -> Result<Name, WireError> {
    let at = input.offset();
    let text: String = input.text()?;
    Name::parse(&text).map_err(|_| WireError { offset: at, cause: "not a name" })
}

pub(in crate::identity) fn read_signature(input: &mut Reader<'_>) -> Result<Signature, WireError> {
    let key = input.hash()?;
    let mut bytes = [0; 64];
    bytes.copy_from_slice(input.raw(64)?);
    Ok(Signature { key, bytes })
}

impl Registry {
    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = header(&self.keeper);
        out.raw(&first_head(&self.keeper));
        for ((count, entry), links) in (0..).zip(&self.entries).zip(self.heads.windows(2)) {
            let [head, link] = links else { continue };
            out.raw(&record(&SeenHead { count, head: *head }, entry));
            out.raw(link);
        }
        out.finish()
    }

    /// Reads one and checks everything: links, numbers, rules and signatures. Takes one or two checks of
    /// a signature for each entry.
    pub fn read(bytes: &[u8]) -> Result<Self, RegistryError> {
        let keeper = read_header(bytes)?;
        let mut registry = Self::new(keeper);
        let mut rest = bytes.get(HEADER..).unwrap_or_default();
        while !rest.is_empty() {
            rest = registry.read_next(rest, bytes.len() - rest.len())?;
        }
        Ok(registry)
    }

    /// Reads the entry that begins at a byte, and gives what is behind it.
    fn read_next<'a>(&mut self, bytes: &'a [u8], byte: usize) -> Result<&'a [u8], RegistryError> {
        let SeenHead { count: entry, head } = self.head();
        let torn = RegistryError::Torn { entry, byte };
        let damaged = RegistryError::Damaged { entry, byte };
        let mut input = Reader::new(bytes);
        let len = input.u32().map_err(|_| torn)? as usize;
        if len > MAX_BODY {
            return Err(damaged);
        }
        let body = input.raw(len).map_err(|_| torn)?;
        let end = input.offset();
        let written = input.raw(LINK).map_err(|_| torn)?;
        let mut body = Reader::new(body);
        let format = |error| RegistryError::Format { entry, byte, error };
        let number = body.u64().map_err(|_| damaged)?;
        if number != entry {
            return Err(RegistryError::Moved { entry, byte, number });
        }
        let (record, rest) = bytes.split_at(end);
        if link(&head, record) != *written {
            return Err(damaged);
        }
        let next = read_entry(&mut body).map_err(format)?;
        self.append(next).map_err(|why| RegistryError::Refused { entry, byte, why })?;
        Ok(rest.get(LINK..).unwrap_or_default())
    }
}

fn read_header(bytes: &[u8]) -> Result<Key, RegistryError> {
    let mut input = Reader::new(bytes);
    if input.raw(MAGIC.len()) != Ok(MAGIC) {
        return Err(RegistryError::Magic);
    }
    match input.u16() {
        Ok(VERSION) => {}
        Ok(version) => return Err(RegistryError::Version(version)),
        Err(_) => return Err(RegistryError::Header),
    }
    let keeper = input.hash().map_err(|_| RegistryError::Header)?;
    if input.hash() != Ok(first_head(&keeper)) {
        return Err(RegistryError::Header);
    }
    Ok(keeper)
}
