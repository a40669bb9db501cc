//! The file of `--state`: what an agent keeps from one run to the next.
//!
//! ```text
//! "AVMK"   u16 version, 1   32 bytes blake3 of the value   canonical value {kv, saved}
//! ```
//!
//! Little-endian; nothing may follow the value.

use std::path::Path;

use avm_ir::{
    Value,
    value::{decode, encode},
    wire::{Reader, Writer},
};

use crate::{
    exit::{Failure, Outcome},
    files,
};

const MAGIC: &[u8; 4] = b"AVMK";
const VERSION: u16 = 1;

/// The value in a file; `None` if there is no file yet. `memory` is the agent's limit in bytes.
pub(crate) fn load(path: &Path, memory: u64) -> Outcome<Option<Value>> {
    if !path.try_exists().map_err(|error| files::about(path, error))? {
        return Ok(None);
    }
    // A value's bytes are never more than the memory it takes.
    let bytes = files::read(path, memory.saturating_add(64))?;
    let value = parse(&bytes);
    value.map(Some).map_err(|why| Failure::files(format!("{}: {why}", path.display())))
}

fn parse(bytes: &[u8]) -> Result<Value, String> {
    let body = bytes.strip_prefix(MAGIC).ok_or("not a state file")?;
    let (version, body) = body.split_first_chunk::<2>().ok_or("cut short")?;
    let version = u16::from_le_bytes(*version);
    if version != VERSION {
        return Err(format!("version {version} is not known to this avm"));
    }
    let (hash, body) = body.split_first_chunk::<32>().ok_or("cut short")?;
    if checksum(body) != *hash {
        return Err("damaged: the checksum does not match".to_owned());
    }
    let mut reader = Reader::new(body);
    let value = decode(&mut reader).map_err(|error| format!("damaged: {error}"))?;
    reader.end().map_err(|error| format!("damaged: {error}"))?;
    Ok(value)
}

/// Replaces the file.
pub(crate) fn save(path: &Path, value: &Value) -> Outcome<()> {
    let body = encode(value);
    let mut writer = Writer::new();
    writer.raw(MAGIC);
    writer.u16(VERSION);
    writer.raw(&checksum(&body));
    writer.raw(&body);
    files::write(path, &writer.finish())
}

fn checksum(body: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new_derive_key("aither avm state file v1").update(body).finalize().as_bytes()
}
