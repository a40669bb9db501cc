//! The names of one window, by number.

/// Slots of the table: more than twice as many as a window has names.
const SLOTS: usize = 512;

/// A hash table of at most 254 names, which lie elsewhere. Every operand is looked up in one; it is
/// too small for names that were chosen to collide to do harm.
#[derive(Debug)]
pub(super) struct Few(Box<[u8; SLOTS]>);

impl Default for Few {
    fn default() -> Self {
        Self(Box::new([0; SLOTS]))
    }
}

impl Few {
    /// The number of a name, or the slot that is free for it. `name_of` gives the name of a number.
    #[inline]
    pub(super) fn find<'n>(
        &self,
        name: &str,
        name_of: impl Fn(u8) -> &'n str,
    ) -> Result<u8, usize> {
        // FNV-1a.
        let hash = name
            .bytes()
            .fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let mut slot = (hash ^ hash >> 16) as usize % SLOTS;
        while let Some(number) = self.0[slot].checked_sub(1) {
            if name_of(number) == name {
                return Ok(number);
            }
            slot = (slot + 1) % SLOTS;
        }
        Err(slot)
    }

    /// Puts a number below 254 into a slot that was free.
    pub(super) fn fill(&mut self, slot: usize, number: u8) {
        if let Some(entry) = self.0.get_mut(slot) {
            *entry = number + 1;
        }
    }
}
