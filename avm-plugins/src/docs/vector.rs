//! Dot product and cosine with one fixed order of summation.
//!
//! Floating-point addition is not associative, so the order is part of the definition: component
//! `i` goes to accumulator `i % 16`, in ascending `i`; the sixteen are folded pairwise (0+8, 1+9, …,
//! then 0+4, …, 0+2, …, 0+1). Sixteen independent sums are what a compiler can keep in vector
//! registers of any width without reordering anything, and Rust never fuses `a * b + c` by itself.

use super::DocsError;

const LANES: usize = 16;

/// Largest number of components of a vector.
pub const MAX_DIMENSION: usize = 16_384;

/// Largest magnitude of a component: squares summed over [`MAX_DIMENSION`] stay finite in `f32`.
pub const MAX_COMPONENT: f32 = 1e15;

/// Sum of the products of the components; extra components of the longer vector do not count.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let len = a.len().min(b.len());
    let (a_blocks, a_rest) = a[..len].as_chunks::<LANES>();
    let (b_blocks, b_rest) = b[..len].as_chunks::<LANES>();
    let mut sums = products(a_blocks, b_blocks);
    for ((sum, x), y) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += x * y;
    }
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

/// The sixteen sums of whole blocks. By itself, because a compiler that sees how they are folded
/// arranges them for that, which costs more than all the rest.
#[inline(never)]
fn products(a: &[[f32; LANES]], b: &[[f32; LANES]]) -> [f32; LANES] {
    let mut sums = [0f32; LANES];
    for (x, y) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums
}

/// Euclidean length in `f64`. A vector whose squares vanish in `f32` has length 0.
pub fn norm(a: &[f32]) -> f64 {
    f64::from(dot(a, a)).sqrt()
}

/// Cosine of two vectors with known lengths (see [`norm`]), in [-1, 1]; 0 where a length is 0.
pub fn cosine_with_norms(a: &[f32], a_norm: f64, b: &[f32], b_norm: f64) -> f32 {
    let lengths = a_norm * b_norm;
    if lengths == 0.0 {
        return 0.0;
    }
    // Adding 0 turns -0 into 0, so that equal scores also have equal bits.
    ((f64::from(dot(a, b)) / lengths) as f32).clamp(-1.0, 1.0) + 0.0
}

/// Cosine of two vectors of usable components (see [`check`]), in [-1, 1]; 0 if either has length 0.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    cosine_with_norms(a, norm(a), b, norm(b))
}

/// Checks that a vector can be searched: right number of components, each finite and not huge.
///
/// # Errors
/// [`DocsError::BadDimension`], [`DocsError::DimensionMismatch`] or [`DocsError::BadComponent`].
pub fn check(vector: &[f32], dimension: Option<usize>) -> Result<(), DocsError> {
    let len = vector.len();
    if len == 0 || len > MAX_DIMENSION {
        return Err(DocsError::BadDimension { len, limit: MAX_DIMENSION });
    }
    if let Some(want) = dimension.filter(|&want| want != len) {
        return Err(DocsError::DimensionMismatch { got: len, want });
    }
    // Written so that NaN counts as unusable.
    match vector.iter().position(|x| !matches!(x.abs(), m if m <= MAX_COMPONENT)) {
        Some(index) => Err(DocsError::BadComponent { index }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The documented order, written the slow way.
    fn dot_by_the_book(a: &[f32], b: &[f32]) -> f32 {
        let mut s = [0f32; 16];
        for i in 0..a.len() {
            s[i % 16] += a[i] * b[i];
        }
        let e: Vec<f32> = (0..8).map(|i| s[i] + s[i + 8]).collect();
        let f: Vec<f32> = (0..4).map(|i| e[i] + e[i + 4]).collect();
        (f[0] + f[2]) + (f[1] + f[3])
    }

    fn pair() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
        (1usize..80).prop_flat_map(|n| {
            let part = || prop::collection::vec(-1e15f32..1e15, n);
            let small = || prop::collection::vec(-1f32..1.0, n);
            prop_oneof![(part(), part()), (small(), small()), (small(), part())]
        })
    }

    proptest! {
        #[test]
        fn dot_follows_the_documented_order((a, b) in pair()) {
            prop_assert_eq!(dot(&a, &b).to_bits(), dot_by_the_book(&a, &b).to_bits());
        }

        #[test]
        fn cosine_is_symmetric_and_bounded((a, b) in pair()) {
            let c = cosine(&a, &b);
            prop_assert!((-1.0..=1.0).contains(&c));
            prop_assert_eq!(c.to_bits(), cosine(&b, &a).to_bits());
            prop_assert!(cosine(&a, &a) > 0.999 || norm(&a) == 0.0);
        }
    }

    #[test]
    fn unusable_vectors_are_refused() {
        assert!(matches!(check(&[], None), Err(DocsError::BadDimension { len: 0, .. })));
        assert!(matches!(check(&[1.0], Some(2)), Err(DocsError::DimensionMismatch { .. })));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 2e15] {
            assert!(matches!(check(&[0.0, bad], None), Err(DocsError::BadComponent { index: 1 })));
        }
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), 0.0);
    }
}
