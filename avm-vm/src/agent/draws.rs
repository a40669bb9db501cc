//! An agent's random numbers: they follow from its seed and from how many it has drawn.

use alloc::boxed::Box;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// The random numbers of a seed, from one of them on. The generator is large and many agents never
/// draw, so it is made at the first draw.
#[derive(Debug)]
pub(crate) struct Draws {
    seed: u64,
    drawn: u64,
    generator: Option<Box<ChaCha8Rng>>,
}

impl Draws {
    /// Goes on behind so many draws of the seed.
    pub(crate) const fn new(seed: u64, drawn: u64) -> Self {
        Self { seed, drawn, generator: None }
    }

    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    /// How many were drawn.
    pub(crate) const fn drawn(&self) -> u64 {
        self.drawn
    }

    /// A uniform int between two bounds, by rejection, so that every value is equally likely.
    pub(crate) fn int(&mut self, low: i64, high: i64) -> i64 {
        let (seed, drawn) = (self.seed, self.drawn);
        let generator = self.generator.get_or_insert_with(|| {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            // A draw is two words of 32 bits.
            generator.set_word_pos(2 * u128::from(drawn));
            Box::new(generator)
        });
        let span = high.wrapping_sub(low).cast_unsigned();
        loop {
            let draw = generator.next_u64();
            self.drawn += 1;
            let Some(count) = span.checked_add(1) else { return draw.cast_signed() };
            let zone = u64::MAX - (u64::MAX % count + 1) % count;
            if draw <= zone {
                return low.wrapping_add((draw % count).cast_signed());
            }
        }
    }

    /// Gives the generator's memory back; the next draw makes it again.
    pub(crate) fn rest(&mut self) {
        self.generator = None;
    }
}

impl Clone for Draws {
    fn clone(&self) -> Self {
        Self::new(self.seed, self.drawn)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn a_copy_and_a_rested_one_draw_what_the_first_draws() {
        let mut draws = Draws::new(7, 0);
        let all: Vec<i64> = (0..40).map(|_| draws.int(i64::MIN, i64::MAX)).collect();
        for drawn in [0, 1, 7, 31] {
            let mut first = Draws::new(7, 0);
            (0..drawn).for_each(|_| _ = first.int(i64::MIN, i64::MAX));
            let mut copy = first.clone();
            first.rest();
            let rest = &all[drawn..];
            assert!(rest.iter().all(|n| first.int(i64::MIN, i64::MAX) == *n));
            assert!(rest.iter().all(|n| copy.int(i64::MIN, i64::MAX) == *n));
            assert_eq!((first.drawn(), copy.drawn()), (40, 40));
        }
    }

    #[test]
    fn the_numbers_of_a_seed_stay_the_same() {
        let mut generator = ChaCha8Rng::seed_from_u64(3);
        let mut draws = Draws::new(3, 0);
        for _ in 0..20 {
            assert_eq!(draws.int(i64::MIN, i64::MAX), generator.next_u64().cast_signed());
        }
        assert!((0..100).all(|_| (1..=6).contains(&draws.int(1, 6))));
    }
}
