//! Values that came from outside, each of the large ones once.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use avm_ir::{
    Value,
    value::{decode, encode_to},
    wire::{Reader, WireError, Writer},
};

use super::SMALL;

/// Bytes of values that are kept to be pointed at.
const ROOM: usize = 16 << 20;

/// The large values that were written last, as writer and reader both know them.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// Hashes and lengths, oldest first.
    kept: VecDeque<([u8; 32], usize)>,
    /// Their values, for who reads.
    values: BTreeMap<[u8; 32], Value>,
    bytes: usize,
}

const HERE: u8 = 0;
const KNOWN: u8 = 1;
const NEW: u8 = 2;

impl Table {
    /// Writes a value: itself, or its hash where it is known.
    pub(super) fn write(&mut self, value: &Value, out: &mut Writer) {
        if value.encoded_len() < SMALL {
            out.u8(HERE);
            encode_to(value, out);
            return;
        }
        let mut bytes = Writer::new();
        encode_to(value, &mut bytes);
        let bytes = bytes.finish();
        let hash = *blake3::hash(&bytes).as_bytes();
        if self.values.contains_key(&hash) {
            out.u8(KNOWN);
            out.raw(&hash);
            return;
        }
        out.u8(NEW);
        out.raw(&bytes);
        // Only its hash is of use here.
        self.keep(hash, bytes.len(), Value::Null);
    }

    /// Reads a value.
    pub(super) fn read(&mut self, input: &mut Reader<'_>) -> Result<Value, WireError> {
        let form = input.error("no such form of a value");
        match input.u8()? {
            HERE => {
                let large = input.error("a large value outside the table");
                let value = decode(input)?;
                if value.encoded_len() < SMALL { Ok(value) } else { Err(large) }
            }
            KNOWN => {
                let unknown = input.error("a value that was not written before");
                let hash = input.hash()?;
                self.values.get(&hash).cloned().ok_or(unknown)
            }
            NEW => {
                let (before, wrong) =
                    (input.remaining(), input.error("a value twice, or too small"));
                let value = decode(input)?;
                let mut bytes = Writer::new();
                encode_to(&value, &mut bytes);
                let bytes = bytes.finish();
                let hash = *blake3::hash(&bytes).as_bytes();
                let len = before - input.remaining();
                if (len as u64) < SMALL || self.values.contains_key(&hash) {
                    return Err(wrong);
                }
                self.keep(hash, len, value.clone());
                Ok(value)
            }
            _ => Err(form),
        }
    }

    /// Keeps a value; the oldest give way.
    fn keep(&mut self, hash: [u8; 32], len: usize, value: Value) {
        if len > ROOM {
            return;
        }
        let mut gone: Vec<[u8; 32]> = Vec::new();
        while self.bytes + len > ROOM
            && let Some((old, bytes)) = self.kept.pop_front()
        {
            self.bytes -= bytes;
            gone.push(old);
        }
        for old in gone {
            self.values.remove(&old);
        }
        self.bytes += len;
        self.kept.push_back((hash, len));
        self.values.insert(hash, value);
    }
}
