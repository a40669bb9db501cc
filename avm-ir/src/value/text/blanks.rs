//! Where words begin and end in ASCII, eight characters at a time.

/// The high bits of eight bytes.
const HIGH: u64 = ones(0x80);

/// Eight times the same byte.
const fn ones(byte: u8) -> u64 {
    byte as u64 * (u64::MAX / 0xFF)
}

/// The high bits of those of eight ASCII characters, the first one lowest, that are white space:
/// the blank and what Unicode has from tab to carriage return.
#[inline]
const fn blanks(eight: u64) -> u64 {
    // No byte is over 0x7F, so none of these goes over into the next one.
    let from_tab = eight + ones(0x80 - b'\t');
    let behind_return = eight + ones(0x80 - (b'\r' + 1));
    let blank = HIGH - (eight ^ ones(b' '));
    (from_tab & !behind_return | blank) & HIGH
}

/// How many of the high bits are set.
#[inline]
pub(super) const fn count(high: u64) -> usize {
    // Byte by byte into the highest one.
    ((high >> 7).wrapping_mul(ones(1)) >> 56) as usize
}

/// For every eight characters, as bits like those of [`blanks`]: where they are, where white space
/// begins or ends, and where it is. There is white space in front of the text and behind it, as it
/// were; at its very end only if the last eight are fewer.
pub(super) fn turns(ascii: &[u8]) -> impl Iterator<Item = (usize, u64, u64)> {
    let (eights, rest) = ascii.as_chunks();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let rest = (!rest.is_empty()).then_some(last);
    let mut before = HIGH >> 56;
    eights.iter().copied().chain(rest).enumerate().map(move |(n, eight)| {
        let blanks = blanks(u64::from_le_bytes(eight));
        let turns = blanks ^ (blanks << 8 | before);
        before = blanks >> 56;
        (8 * n, turns, blanks)
    })
}
