//! Exact search: every document is compared with the query.

use super::DocsError;
use super::vector::{self, cosine_with_norms, norm};
use std::cmp::Ordering;

/// Largest number of results of one search.
pub const MAX_TOP_K: usize = 1_000;

/// A document as a search sees it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Document id; breaks ties, smaller first.
    pub id: &'a str,
    /// The vector, of the dimension of the query.
    pub vector: &'a [f32],
    /// Its length, from [`vector::norm`].
    pub norm: f64,
}

/// A document found, with its score.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Document id.
    pub id: String,
    /// Cosine of query and document, in [-1, 1]. Also for MMR, whose own score depends on order.
    pub score: f32,
}

/// The `top_k` candidates of highest cosine with `query`, best first, ties by ascending id.
///
/// Takes one comparison per candidate and memory for one score per candidate.
///
/// # Errors
/// [`DocsError::TopKTooLarge`], or what [`vector::check`] finds wrong with the query.
pub fn search<'a>(
    candidates: impl IntoIterator<Item = Candidate<'a>>,
    query: &[f32],
    top_k: usize,
) -> Result<Vec<Hit>, DocsError> {
    check_top_k(top_k)?;
    vector::check(query, None)?;
    Ok(take_best(scored(candidates, query), top_k).into_iter().map(Hit::from).collect())
}

impl From<(f32, Candidate<'_>)> for Hit {
    fn from((score, candidate): (f32, Candidate<'_>)) -> Hit {
        Hit { id: candidate.id.to_owned(), score }
    }
}

pub(super) fn check_top_k(top_k: usize) -> Result<(), DocsError> {
    if top_k > MAX_TOP_K {
        return Err(DocsError::TopKTooLarge { asked: top_k, limit: MAX_TOP_K });
    }
    Ok(())
}

/// Every candidate with its cosine, in the order given.
pub(super) fn scored<'a>(
    candidates: impl IntoIterator<Item = Candidate<'a>>,
    query: &[f32],
) -> Vec<(f32, Candidate<'a>)> {
    let query_norm = norm(query);
    candidates
        .into_iter()
        .map(|c| (cosine_with_norms(query, query_norm, c.vector, c.norm), c))
        .collect()
}

/// The `n` best, sorted. Selecting before sorting keeps the cost linear in the candidates.
pub(super) fn take_best<'a>(
    mut scored: Vec<(f32, Candidate<'a>)>,
    n: usize,
) -> Vec<(f32, Candidate<'a>)> {
    if n == 0 {
        return Vec::new();
    }
    if n < scored.len() {
        scored.select_nth_unstable_by(n - 1, by_rank);
        scored.truncate(n);
    }
    scored.sort_unstable_by(by_rank);
    scored
}

fn by_rank(a: &(f32, Candidate<'_>), b: &(f32, Candidate<'_>)) -> Ordering {
    b.0.total_cmp(&a.0).then_with(|| a.1.id.cmp(b.1.id))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Few distinct small integers, so that ties are common.
    pub(in crate::docs) fn corpus() -> impl Strategy<Value = (Vec<Vec<f32>>, Vec<f32>)> {
        (1usize..20).prop_flat_map(|n| {
            let one = move || prop::collection::vec((-2i8..=2).prop_map(f32::from), n);
            (prop::collection::vec(one(), 0..40), one())
        })
    }

    pub(in crate::docs) fn candidates<'a>(
        ids: &'a [String],
        vectors: &'a [Vec<f32>],
    ) -> Vec<Candidate<'a>> {
        let one = |(id, v): (&'a String, &'a Vec<f32>)| Candidate { id, vector: v, norm: norm(v) };
        ids.iter().zip(vectors).map(one).collect()
    }

    pub(in crate::docs) fn ids(n: usize) -> Vec<String> {
        // Reversed, so that the order of input is not the order of ids.
        (0..n).rev().map(|i| format!("d{i}")).collect()
    }

    proptest! {
        #[test]
        fn search_is_the_naive_sort((vectors, query) in corpus(), k in 0usize..50) {
            let ids = ids(vectors.len());
            let mut naive: Vec<Hit> = ids.iter().zip(&vectors)
                .map(|(id, v)| Hit { id: id.clone(), score: vector::cosine(&query, v) })
                .collect();
            naive.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
            naive.truncate(k);
            prop_assert_eq!(search(candidates(&ids, &vectors), &query, k).unwrap(), naive);
        }
    }

    #[test]
    fn limits() {
        assert!(matches!(search([], &[1.0], 1001), Err(DocsError::TopKTooLarge { .. })));
        assert!(matches!(search([], &[f32::NAN], 1), Err(DocsError::BadComponent { .. })));
        assert_eq!(search([], &[1.0], 5).unwrap(), []);
    }
}
