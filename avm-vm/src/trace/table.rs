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

#[cfg(test)]
mod tests {
    use super::*;

    fn round(out: &mut Table, back: &mut Table, value: &Value) -> usize {
        let mut writer = Writer::new();
        out.write(value, &mut writer);
        let bytes = writer.finish();
        let mut input = Reader::new(&bytes);
        assert_eq!(back.read(&mut input).as_ref(), Ok(value));
        assert!(input.end().is_ok());
        bytes.len()
    }

    #[test]
    fn a_large_value_is_written_once() {
        let (mut out, mut back) = (Table::default(), Table::default());
        let large = Value::from("x".repeat(1000));
        assert_eq!(round(&mut out, &mut back, &Value::Int(7)), 1 + 9);
        assert_eq!(round(&mut out, &mut back, &large), 1 + 1005);
        assert_eq!(round(&mut out, &mut back, &large), 1 + 32);
    }

    #[test]
    fn the_oldest_give_way_on_both_sides() {
        let (mut out, mut back) = (Table::default(), Table::default());
        let values: Vec<Value> =
            (0..20).map(|n| Value::from(alloc::format!("{n:02}").repeat(ROOM / 32))).collect();
        for value in &values {
            assert!(round(&mut out, &mut back, value) > 100);
        }
        assert!(out.bytes <= ROOM && out.bytes == back.bytes);
        assert_eq!(round(&mut out, &mut back, &values[19]), 33);
        assert!(round(&mut out, &mut back, &values[0]) > 100, "it gave way");
        let beyond = Value::from("y".repeat(ROOM));
        assert!(round(&mut out, &mut back, &beyond) > ROOM);
        assert!(round(&mut out, &mut back, &beyond) > ROOM, "never remembered");
        assert_eq!(out.values.len(), back.values.len());
    }

    #[test]
    fn only_what_a_writer_writes_is_read() {
        let small_as_new = [NEW, 0];
        let unknown = [KNOWN; 33];
        let mut large_here = alloc::vec![HERE];
        large_here.extend(avm_ir::value::encode(&Value::from("x".repeat(100))));
        for bytes in [&small_as_new[..], &unknown, &large_here, &[3], &[]] {
            assert!(Table::default().read(&mut Reader::new(bytes)).is_err());
        }
    }
}
