//! Little-endian bytes with limits: the one way bytes are written and read by hand.
//!
//! Everything that is hashed, signed or public goes through here, so that one value has exactly
//! one encoding on every host.

use alloc::{boxed::Box, string::String, vec::Vec};

/// Bytes after which a writer that hashes hands them on.
const CHUNK: usize = 64 << 10;

/// Appends to a growing buffer, or hashes what is written.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    /// Bytes after which they are hashed and dropped.
    limit: usize,
    hasher: Option<Box<blake3::Hasher>>,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// An empty buffer.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), limit: usize::MAX, hasher: None }
    }

    /// An empty buffer in memory that was used before.
    pub fn reusing(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self { bytes, ..Self::new() }
    }

    /// One that keeps nothing and ends with [`Self::hash`]; the context is that of BLAKE3.
    pub fn hashing(context: &'static str) -> Self {
        let hasher = Some(Box::new(blake3::Hasher::new_derive_key(context)));
        Self { bytes: Vec::with_capacity(2 * CHUNK), limit: CHUNK, hasher }
    }

    /// Hash of what was written, of a writer that hashes.
    pub fn hash(self) -> [u8; 32] {
        let Some(mut hasher) = self.hasher else { return [0; 32] };
        *hasher.update(&self.bytes).finalize().as_bytes()
    }

    /// Hands on what waits, if it is enough: for whoever writes many things.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if self.bytes.len() >= self.limit {
            self.hand_on();
        }
    }

    #[cold]
    fn hand_on(&mut self) {
        if let Some(hasher) = &mut self.hasher {
            // In whole chunks, which are hashed side by side; what begins within one is not.
            let whole = self.bytes.len() - self.bytes.len() % CHUNK;
            hasher.update(&self.bytes[..whole]);
            self.bytes.drain(..whole);
        }
    }

    /// A byte and eight more.
    #[inline]
    pub(crate) fn tagged(&mut self, tag: u8, value: u64) {
        let mut bytes = [tag; 9];
        bytes[1..].copy_from_slice(&value.to_le_bytes());
        self.bytes.extend_from_slice(&bytes);
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Bytes as they are, without a length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A length of four bytes, then the bytes. Lengths above `u32::MAX` cannot arise: every
    /// container that is written here is limited far below.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.raw(bytes);
    }

    /// A length of four bytes, then UTF-8.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }
}

/// Why bytes could not be read: a place and a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireError {
    /// Offset in the input, in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub cause: &'static str,
}

impl core::fmt::Display for WireError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} at byte {}", self.cause, self.offset)
    }
}

impl core::error::Error for WireError {}

/// Reads a buffer from front to back; every read is checked.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from the start.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Offset of the next byte.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes left.
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.offset)
    }

    /// An error at the current place.
    pub const fn error(&self, cause: &'static str) -> WireError {
        WireError { offset: self.offset, cause }
    }

    /// Fails unless everything was read.
    pub fn end(&self) -> Result<(), WireError> {
        if self.remaining() == 0 { Ok(()) } else { Err(self.error("trailing bytes")) }
    }

    /// So many bytes as they are.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let end = self.offset.checked_add(count).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else { return Err(self.error("unexpected end")) };
        let slice = &self.bytes[self.offset..end];
        self.offset = end;
        Ok(slice)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let mut array = [0; N];
        array.copy_from_slice(self.raw(N)?);
        Ok(array)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        Ok(self.array::<1>()?[0])
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, WireError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, WireError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, WireError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// 32 bytes.
    pub fn hash(&mut self) -> Result<[u8; 32], WireError> {
        self.array()
    }

    /// A count of items of at least `item` bytes each, checked against what is left, so that a
    /// forged count cannot make the reader allocate.
    pub fn count(&mut self, item: usize) -> Result<usize, WireError> {
        let at = self.offset;
        let count = self.u32()? as usize;
        if count.saturating_mul(item.max(1)) > self.remaining() {
            return Err(WireError { offset: at, cause: "count larger than the input" });
        }
        Ok(count)
    }

    /// A length of four bytes, then so many bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let count = self.count(1)?;
        self.raw(count)
    }

    /// A length of four bytes, then UTF-8.
    pub fn text(&mut self) -> Result<String, WireError> {
        let at = self.offset;
        let bytes = self.bytes()?;
        let text = core::str::from_utf8(bytes);
        text.map(String::from).map_err(|_| WireError { offset: at, cause: "text is not UTF-8" })
    }
}

/// Bytes as hexadecimal digits, as hashes and keys are written everywhere.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
