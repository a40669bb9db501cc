//! Bytes that were changed and look whole: what is accepted of them must do no harm.

use crate::Entropy;

/// A journal with a byte of one of its first records changed, so many at most, and links that fit again.
pub(crate) fn relinked(
    bytes: &[u8],
    context: &str,
    first: usize,
    entropy: &mut Entropy<'_>,
) -> Vec<u8> {
    let mut forged = bytes[..6].to_vec();
    let mut link = blake3::derive_key(context, &forged);
    let mut rest = &bytes[6..];
    let mut victim = entropy.below(first);
    while rest.len() > 37 {
        let length = u32::from_le_bytes(rest[..4].try_into().expect("four bytes")) as usize;
        let (record, behind) = rest.split_at(5 + length);
        let mut record = record.to_vec();
        if victim == 0 && length > 0 {
            let at = 4 + entropy.below(length + 1);
            match entropy.below(3) {
                0 => record[at] ^= 1 << entropy.below(8),
                1 => record[at] = entropy.u8(),
                _ => record[at] = *entropy.pick(&[0, 1, 0x7F, 0xFF]),
            }
        }
        victim = victim.wrapping_sub(1);
        link = *blake3::keyed_hash(&link, &record).as_bytes();
        forged.extend_from_slice(&record);
        forged.extend_from_slice(&link);
        rest = &behind[32..];
    }
    if victim <= usize::MAX / 2 {
        assert_eq!(forged, bytes, "links are as the specification says");
    }
    forged
}

/// A snapshot with a few bytes changed, put in or left out behind its header, and a hash that fits again.
pub(crate) fn rehashed(mut bytes: Vec<u8>, context: &str, entropy: &mut Entropy<'_>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 32);
    for _ in 0..=entropy.below(3) {
        // Magic and version are left alone: they are compared, not read.
        let at = 6 + entropy.below(bytes.len() - 6);
        match entropy.below(5) {
            0 => bytes[at] ^= 1 << entropy.below(8),
            1 => bytes[at] = entropy.u8(),
            2 => bytes[at] = *entropy.pick(&[0, 1, 0x7F, 0xFF]),
            3 => drop(bytes.remove(at)),
            _ => bytes.insert(at, entropy.u8()),
        }
    }
    let hash = blake3::derive_key(context, &bytes[6..]);
    bytes.extend_from_slice(&hash);
    bytes
}
