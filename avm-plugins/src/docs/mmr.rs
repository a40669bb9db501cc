//! Maximal marginal relevance: results that are relevant and differ from one another.
//!
//! After Carbonell and Goldstein (SIGIR 1998): the next result is the candidate `d` with the highest
//! `lambda * sim(query, d) - (1 - lambda) * max sim(d, s)` over the results `s` chosen so far; with
//! none chosen, the second term is 0. The similarity is the cosine. Ties go to the candidate closer
//! to the query, then to the smaller id.

use super::DocsError;
use super::search::{Hit, Scored, check_top_k, nearest, threads};
use super::table::Table;
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

/// Chooses `top_k` of the rows for `query`, in the order of choice.
///
/// # Errors
/// As [`super::search::search`]; also [`DocsError::BadLambda`] and
/// [`DocsError::TooManyComparisons`].
pub fn search_mmr(
    table: &Table,
    query: &[f32],
    top_k: usize,
    mmr: Mmr,
) -> Result<Vec<Hit>, DocsError> {
    check_top_k(top_k)?;
    vector::check(query, table.dimension())?;
    if !(0.0..=1.0).contains(&mmr.lambda) {
        return Err(DocsError::BadLambda);
    }
    let fetch_k = mmr.fetch_k.map_or(table.len(), |n| n.max(top_k));
    let comparisons = (fetch_k.min(table.len()) as u64).saturating_mul(top_k as u64);
    if comparisons > MAX_COMPARISONS {
        return Err(DocsError::TooManyComparisons { comparisons, limit: MAX_COMPARISONS });
    }
    // Sorted best first, so the first of equals is the one that the tie rule wants.
    let pool = nearest(table, query, fetch_k, threads(table));
    Ok(choose(table, pool, top_k, mmr.lambda))
}

/// Keeps for each candidate the highest similarity to a chosen one: one pass per choice.
fn choose(table: &Table, mut pool: Vec<Scored>, top_k: usize, lambda: f32) -> Vec<Hit> {
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
        let chosen = pool.remove(pick);
        nearest.remove(pick);
        let (vector, norm) = (table.vector(chosen.1), table.norm(chosen.1));
        for ((_, row), nearest) in pool.iter().zip(&mut nearest) {
            let s = cosine_with_norms(vector, norm, table.vector(*row), table.norm(*row));
            *nearest = Some(nearest.map_or(s, |n| n.max(s)));
        }
        out.push(Hit::new(table, chosen));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::search::search;
    use crate::docs::search::tests::{corpus, table};
    use proptest::prelude::*;

    /// The definition, word for word: all maxima recomputed at every step.
    fn reference(
        table: &Table,
        mut rest: Vec<usize>,
        query: &[f32],
        k: usize,
        lambda: f32,
    ) -> Vec<String> {
        let sim = |a: &[f32], b: &[f32]| vector::cosine(a, b);
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < k && !rest.is_empty() {
            let relevance = |d: &usize| sim(query, table.vector(*d));
            let value = |d: &usize| {
                let redundant = chosen
                    .iter()
                    .map(|s| sim(table.vector(*d), table.vector(*s)))
                    .max_by(f32::total_cmp);
                lambda * relevance(d) - (1.0 - lambda) * redundant.unwrap_or(0.0)
            };
            rest.sort_by(|a, b| {
                (value(b) + 0.0)
                    .total_cmp(&(value(a) + 0.0))
                    .then(relevance(b).total_cmp(&relevance(a)))
                    .then(table.id(*a).cmp(table.id(*b)))
            });
            chosen.push(rest.remove(0));
        }
        chosen.iter().map(|row| table.id(*row).to_owned()).collect()
    }

    fn ids(hits: Result<Vec<Hit>, DocsError>) -> Vec<String> {
        hits.unwrap().into_iter().map(|hit| hit.id).collect()
    }

    proptest! {
        #[test]
        fn mmr_is_the_reference((vectors, query) in corpus(), k in 0usize..12, l in 0u8..=4) {
            let table = table(&vectors);
            let lambda = f32::from(l) / 4.0;
            let got = search_mmr(&table, &query, k, Mmr { lambda, fetch_k: None });
            let all = (0..table.len()).collect();
            prop_assert_eq!(ids(got), reference(&table, all, &query, k, lambda));
        }

        #[test]
        fn fetch_k_is_mmr_over_the_closest((vectors, query) in corpus(), f in 0usize..20) {
            let table = table(&vectors);
            let closest = ids(search(&table, &query, f.max(5)));
            let pool = (0..table.len()).filter(|row| closest.iter().any(|id| id == table.id(*row)));
            let pool = pool.collect();
            let got = search_mmr(&table, &query, 5, Mmr { lambda: 0.5, fetch_k: Some(f) });
            prop_assert_eq!(ids(got), reference(&table, pool, &query, 5, 0.5));
        }

        #[test]
        fn lambda_one_is_plain_search((vectors, query) in corpus()) {
            let table = table(&vectors);
            let plain = search(&table, &query, 10).unwrap();
            let mmr = search_mmr(&table, &query, 10, Mmr { lambda: 1.0, fetch_k: None }).unwrap();
            prop_assert_eq!(plain, mmr);
        }
    }

    #[test]
    fn a_duplicate_gives_way() {
        let mut table = Table::default();
        for (id, vector) in [("a", [1.0, 0.1]), ("b", [1.0, 0.1]), ("c", [0.5, -1.0])] {
            table.push(id.into(), &vector);
        }
        let mmr = Mmr { lambda: 0.5, ..Mmr::default() };
        assert_eq!(ids(search_mmr(&table, &[1.0, 0.0], 2, mmr)), ["a", "c"]);
    }

    #[test]
    fn limits() {
        let none = Table::default();
        let bad = |lambda| search_mmr(&none, &[1.0], 1, Mmr { lambda, fetch_k: None });
        assert!(matches!(bad(f32::NAN), Err(DocsError::BadLambda)));
        assert!(matches!(bad(1.5), Err(DocsError::BadLambda)));
        let many = table(&vec![vec![1.0]; 20_001]);
        let got = search_mmr(&many, &[1.0], 1000, Mmr { lambda: 0.5, fetch_k: None });
        assert!(matches!(got, Err(DocsError::TooManyComparisons { .. })));
    }
}
