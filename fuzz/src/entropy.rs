//! Decisions from bytes. When the bytes run out, decisions go on from a hash of them, so that short
//! inputs still make whole programs.

/// A source of decisions.
#[derive(Clone, Debug)]
pub struct Entropy<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl<'a> Entropy<'a> {
    /// Decisions from these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        // FNV-1a: any spread will do.
        let state = bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        Self { bytes, state }
    }

    /// Eight bytes of anything (splitmix64 once the input is used up).
    pub fn u64(&mut self) -> u64 {
        if let Some((chunk, rest)) = self.bytes.split_first_chunk::<8>() {
            self.bytes = rest;
            return u64::from_le_bytes(*chunk);
        }
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A byte of anything.
    pub fn u8(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((byte, rest)) => {
                self.bytes = rest;
                *byte
            }
            None => self.u64().to_le_bytes()[0],
        }
    }

    /// A number below `count`; 0 if there is none.
    pub fn below(&mut self, count: usize) -> usize {
        let byte = usize::from(self.u8());
        if count <= 1 {
            0
        } else if count <= 256 {
            byte % count
        } else {
            (self.u64() % count as u64) as usize
        }
    }

    /// True once in `n`.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of the items.
    pub fn pick<'b, T>(&mut self, items: &'b [T]) -> &'b T {
        &items[self.below(items.len())]
    }
}
