//! What tells one effect from every other, so that work asked for twice is done once.

/// The key of an effect. Most providers never look at it, so a machine says what it is made of, and
/// [`Self::bytes`] makes it.
#[derive(Clone, Copy, Debug)]
pub enum IdempotencyKey {
    /// That of an effect of a run.
    Effect {
        /// Hash of the program.
        program: [u8; 32],
        /// What tells the run from every other one.
        run: [u8; 32],
        /// Number of the effect in the run.
        number: u64,
    },
    /// One that somebody made in another way.
    Given([u8; 32]),
}

impl IdempotencyKey {
    /// The key.
    pub fn bytes(&self) -> [u8; 32] {
        match self {
            Self::Effect { program, run, number } => {
                let mut hasher = blake3::Hasher::new_derive_key("aither avm effect v1");
                hasher.update(program);
                hasher.update(run);
                hasher.update(&number.to_le_bytes());
                *hasher.finalize().as_bytes()
            }
            Self::Given(key) => *key,
        }
    }
}

impl PartialEq for IdempotencyKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for IdempotencyKey {}

impl From<[u8; 32]> for IdempotencyKey {
    fn from(key: [u8; 32]) -> Self {
        Self::Given(key)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn the_key_is_as_the_specification_says() {
        let (program, run) = ([9; 32], [7; 32]);
        let key = IdempotencyKey::Effect { program, run, number: 300 };
        let parts: [&[u8]; 3] = [&program, &run, &300_u64.to_le_bytes()];
        let bytes: Vec<u8> = parts.concat();
        assert_eq!(key.bytes(), blake3::derive_key("aither avm effect v1", &bytes));
        assert_eq!(key, IdempotencyKey::from(key.bytes()));
        assert_ne!(key, IdempotencyKey::Effect { program, run, number: 301 });
    }
}
