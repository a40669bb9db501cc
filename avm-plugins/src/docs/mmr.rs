//! Maximal marginal relevance: results that are relevant and differ from one another.
//!
//! After Carbonell and Goldstein (SIGIR 1998): the next result is the candidate `d` with the highest
//! `lambda * sim(query, d) - (1 - lambda) * max sim(d, s)` over the results `s` chosen so far; with
//! none chosen, the second term is 0. The similarity is the cosine. Ties go to the candidate closer
//! to the query, then to the smaller id.

use super::DocsError;
use super::search::{Candidate, Hit, check_top_k, scored, take_best};
use super::vector::{self, cosine_with_norms};

/// Balance of relevance (1) and diversity (0) where a program gives none. With the built-in embedder
/// it found more of the right passages than 0.5, which gave places to documents off the subject.
pub const DEFAULT_LAMBDA: f32 = 0.7;

/// Candidates that enter the choice where a program gives no number: the closest to the query.
/// More would let documents compete that differ from the rest because they are off the subject.
pub const DEFAULT_FETCH_K: usize = 20;

/// Most comparisons between documents in one call: results times candidates.
pub const MAX_COMPARISONS: u64 = 20_000_000;

/// How to choose diverse results.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mmr {
    /// 1 is plain search, 0 looks only for difference.
    pub lambda: f32,
    /// How many documents closest to the query compete; `None` for all. At least `top_k` do.
    pub fetch_k: Option<usize>,
}

impl Default for Mmr {
    fn default() -> Mmr {
        Mmr { lambda: DEFAULT_LAMBDA, fetch_k: Some(DEFAULT_FETCH_K) }
    }
}

/// Chooses `top_k` of the candidates for `query`, in the order of choice.
///
/// # Errors
/// As [`super::search::search`]; also [`DocsError::BadLambda`] and
/// [`DocsError::TooManyComparisons`].
pub fn search_mmr<'a>(
    candidates: impl IntoIterator<Item = Candidate<'a>>,
    query: &[f32],
    top_k: usize,
    mmr: Mmr,
) -> Result<Vec<Hit>, DocsError> {
    check_top_k(top_k)?;
    vector::check(query, None)?;
    if !(0.0..=1.0).contains(&mmr.lambda) {
        return Err(DocsError::BadLambda);
    }
    let mut pool = scored(candidates, query);
    let fetch_k = mmr.fetch_k.map_or(pool.len(), |n| n.max(top_k));
    let comparisons = (fetch_k.min(pool.len()) as u64).saturating_mul(top_k as u64);
    if comparisons > MAX_COMPARISONS {
        return Err(DocsError::TooManyComparisons { comparisons, limit: MAX_COMPARISONS });
    }
    // Sorted best first, so the first of equals is the one that the tie rule wants.
    pool = take_best(pool, fetch_k);
    Ok(choose(pool, top_k, mmr.lambda))
}

/// Keeps for each candidate the highest similarity to a chosen one: one pass per choice.
fn choose(mut pool: Vec<(f32, Candidate<'_>)>, top_k: usize, lambda: f32) -> Vec<Hit> {
    let mut nearest: Vec<Option<f32>> = vec![None; pool.len()];
    let mut out = Vec::with_capacity(top_k.min(pool.len()));
    while out.len() < top_k && !pool.is_empty() {
        let mut pick = 0;
        let mut best = f32::NEG_INFINITY;
        for (at, ((relevance, _), nearest)) in pool.iter().zip(&nearest).enumerate() {
            let value = lambda * relevance - (1.0 - lambda) * nearest.unwrap_or(0.0);
            if value > best {
                (pick, best) = (at, value);
            }
        }
        let (score, chosen) = pool.remove(pick);
        nearest.remove(pick);
        for ((_, c), nearest) in pool.iter().zip(&mut nearest) {
            let s = cosine_with_norms(chosen.vector, chosen.norm, c.vector, c.norm);
            *nearest = Some(nearest.map_or(s, |n| n.max(s)));
        }
        out.push(Hit::from((score, chosen)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::search::search;
    use crate::docs::search::tests::{candidates, corpus, ids};
    use proptest::prelude::*;

    /// The definition, word for word: all maxima recomputed at every step.
    fn reference(pool: &[Candidate<'_>], query: &[f32], k: usize, lambda: f32) -> Vec<String> {
        let sim = |a: &[f32], b: &[f32]| vector::cosine(a, b);
        let mut rest = pool.to_vec();
        let mut chosen: Vec<Candidate<'_>> = Vec::new();
        while chosen.len() < k && !rest.is_empty() {
            let value = |d: &Candidate<'_>| {
                let redundant =
                    chosen.iter().map(|s| sim(d.vector, s.vector)).max_by(f32::total_cmp);
                lambda * sim(query, d.vector) - (1.0 - lambda) * redundant.unwrap_or(0.0)
            };
            rest.sort_by(|a, b| {
                let relevance = |d: &Candidate<'_>| sim(query, d.vector);
                (value(b) + 0.0)
                    .total_cmp(&(value(a) + 0.0))
                    .then(relevance(b).total_cmp(&relevance(a)))
                    .then(a.id.cmp(b.id))
            });
            chosen.push(rest.remove(0));
        }
        chosen.iter().map(|c| c.id.to_owned()).collect()
    }

    proptest! {
        #[test]
        fn mmr_is_the_reference((vectors, query) in corpus(), k in 0usize..12, l in 0u8..=4) {
            let ids = ids(vectors.len());
            let lambda = f32::from(l) / 4.0;
            let got = search_mmr(candidates(&ids, &vectors), &query, k, Mmr { lambda, fetch_k: None });
            let got: Vec<_> = got.unwrap().into_iter().map(|h| h.id).collect();
            prop_assert_eq!(got, reference(&candidates(&ids, &vectors), &query, k, lambda));
        }

        #[test]
        fn fetch_k_is_mmr_over_the_closest((vectors, query) in corpus(), f in 0usize..20) {
            let ids = ids(vectors.len());
            let all = candidates(&ids, &vectors);
            let closest = search(all.clone(), &query, f.max(5)).unwrap();
            let pool: Vec<_> = all.iter().copied()
                .filter(|c| closest.iter().any(|h| h.id == c.id)).collect();
            let got = search_mmr(all, &query, 5, Mmr { lambda: 0.5, fetch_k: Some(f) }).unwrap();
            let got: Vec<_> = got.into_iter().map(|h| h.id).collect();
            prop_assert_eq!(got, reference(&pool, &query, 5, 0.5));
        }

        #[test]
        fn lambda_one_is_plain_search((vectors, query) in corpus()) {
            let ids = ids(vectors.len());
            let all = candidates(&ids, &vectors);
            let plain = search(all.clone(), &query, 10).unwrap();
            let mmr = search_mmr(all, &query, 10, Mmr { lambda: 1.0, fetch_k: None }).unwrap();
            prop_assert_eq!(plain, mmr);
        }
    }

    #[test]
    fn a_duplicate_gives_way() {
        let vectors = [vec![1.0, 0.1], vec![1.0, 0.1], vec![0.5, -1.0]];
        let names = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let mmr = Mmr { lambda: 0.5, ..Mmr::default() };
        let hits = search_mmr(candidates(&names, &vectors), &[1.0, 0.0], 2, mmr).unwrap();
        assert_eq!(hits.iter().map(|h| h.id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    }

    #[test]
    fn limits() {
        let bad = |lambda| search_mmr([], &[1.0], 1, Mmr { lambda, fetch_k: None });
        assert!(matches!(bad(f32::NAN), Err(DocsError::BadLambda)));
        assert!(matches!(bad(1.5), Err(DocsError::BadLambda)));
        let one = Candidate { id: "x", vector: &[1.0], norm: 1.0 };
        let many = std::iter::repeat_n(one, 20_001);
        let got = search_mmr(many, &[1.0], 1000, Mmr { lambda: 0.5, fetch_k: None });
        assert!(matches!(got, Err(DocsError::TooManyComparisons { .. })));
    }
}
