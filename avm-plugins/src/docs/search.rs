//! Exact search: every document is compared with the query.
//!
//! Large collections are read by several threads, block by block as each gets done. Every score is
//! computed as in [`vector`] says, and scores and ids order the documents completely, so the result
//! depends neither on the number of threads nor on which of them read what.

use super::DocsError;
use super::table::Table;
use super::vector::{self, cosine_with_norms, norm};
use std::cmp::Ordering;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{Builder, available_parallelism, scope};

/// Largest number of results of one search.
pub const MAX_TOP_K: usize = 1_000;

/// Bytes of vectors that a thread takes at once.
const BLOCK: usize = 1 << 18;

/// Bytes of vectors for each thread at least: starting one takes as long as reading so many.
const SHARE: usize = 1 << 21;

/// Most threads of a search; a few read as fast as memory gives.
pub const MAX_THREADS: usize = 8;

/// A document found, with its score.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Document id.
    pub id: String,
    /// Cosine of query and document, in [-1, 1]. Also for MMR, whose own score depends on order.
    pub score: f32,
}

impl Hit {
    pub(super) fn new(table: &Table, (score, row): Scored) -> Hit {
        Hit { id: table.id(row).to_owned(), score }
    }
}

/// A row with its cosine.
pub(super) type Scored = (f32, usize);

/// The `top_k` rows of highest cosine with `query`, best first, ties by ascending id.
///
/// Takes one comparison per row, and memory for some results.
///
/// # Errors
/// [`DocsError::TopKTooLarge`], or what [`vector::check`] finds wrong with the query, which has to
/// have the dimension of the rows.
pub fn search(table: &Table, query: &[f32], top_k: usize) -> Result<Vec<Hit>, DocsError> {
    check_top_k(top_k)?;
    vector::check(query, table.dimension())?;
    let best = nearest(table, query, top_k, threads(table));
    Ok(best.into_iter().map(|scored| Hit::new(table, scored)).collect())
}

pub(super) fn check_top_k(top_k: usize) -> Result<(), DocsError> {
    if top_k > MAX_TOP_K {
        return Err(DocsError::TopKTooLarge { asked: top_k, limit: MAX_TOP_K });
    }
    Ok(())
}

/// How many threads are worth their while.
pub(super) fn threads(table: &Table) -> usize {
    let bytes = table.len() * table.dimension().unwrap_or(0) * size_of::<f32>();
    match bytes / SHARE {
        0 | 1 => 1,
        shares => available_parallelism().map_or(1, |n| n.get().min(shares).min(MAX_THREADS)),
    }
}

/// The `n` rows nearest to the query, best first, read by so many threads.
pub(super) fn nearest(table: &Table, query: &[f32], n: usize, threads: usize) -> Vec<Scored> {
    if n == 0 || table.is_empty() {
        return Vec::new();
    }
    let most = (BLOCK / size_of_val(query)).max(1);
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut best, length) = (Best::new(table, n), norm(query));
        loop {
            let from = next.fetch_add(most, Relaxed);
            if from >= table.len() {
                return best.kept;
            }
            for (row, vector, norm) in table.rows(from, most) {
                best.offer(cosine_with_norms(query, length, vector, norm), row);
            }
        }
    };
    let mut best = Best::new(table, n);
    best.kept = scope(|scope| {
        // Without another thread this one does it all.
        let helpers: Vec<_> =
            (1..threads).filter_map(|_| Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut kept = work();
        for helper in helpers {
            kept.extend(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        kept
    });
    best.finish()
}

/// The best rows so far, and some that may have been overtaken: choosing among many at once keeps
/// the time for each row constant.
struct Best<'a> {
    table: &'a Table,
    n: usize,
    kept: Vec<Scored>,
    /// Whether `n` rows are known that score so much or more.
    bar: f32,
}

impl<'a> Best<'a> {
    fn new(table: &'a Table, n: usize) -> Best<'a> {
        Best { table, n, kept: Vec::new(), bar: f32::NEG_INFINITY }
    }

    #[inline]
    fn offer(&mut self, score: f32, row: usize) {
        if score >= self.bar {
            self.take((score, row));
        }
    }

    fn take(&mut self, scored: Scored) {
        self.kept.push(scored);
        if self.kept.len() >= self.n.saturating_mul(2).saturating_add(64) {
            self.select();
        }
    }

    fn select(&mut self) {
        if self.n < self.kept.len() {
            let table = self.table;
            self.kept.select_nth_unstable_by(self.n - 1, |a, b| by_rank(table, a, b));
            self.kept.truncate(self.n);
            self.bar = self.kept[self.n - 1].0;
        }
    }

    fn finish(mut self) -> Vec<Scored> {
        self.select();
        self.kept.sort_unstable_by(|a, b| by_rank(self.table, a, b));
        self.kept
    }
}

fn by_rank(table: &Table, a: &Scored, b: &Scored) -> Ordering {
    b.0.total_cmp(&a.0).then_with(|| table.id(a.1).cmp(table.id(b.1)))
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

    pub(in crate::docs) fn table(vectors: &[Vec<f32>]) -> Table {
        let mut table = Table::default();
        for (index, vector) in vectors.iter().enumerate() {
            // Reversed, so that the order of rows is not the order of ids.
            table.push(format!("d{}", vectors.len() - index).into(), vector);
        }
        table
    }

    fn naive(table: &Table, query: &[f32], k: usize) -> Vec<Hit> {
        let score = |row| (vector::cosine(query, table.vector(row)), row);
        let mut all: Vec<Scored> = (0..table.len()).map(score).collect();
        all.sort_by(|a, b| by_rank(table, a, b));
        all.into_iter().take(k).map(|scored| Hit::new(table, scored)).collect()
    }

    proptest! {
        #[test]
        fn search_is_the_naive_sort((vectors, query) in corpus(), k in 0usize..50) {
            let table = table(&vectors);
            prop_assert_eq!(search(&table, &query, k).unwrap(), naive(&table, &query, k));
        }
    }

    #[test]
    fn threads_do_not_matter() {
        // Rows of few different scores: seventeen blocks, ties at every place.
        let row = |i: usize| (0..256).map(|j| ((i * 7 + j) % 11) as f32 - 4.0).collect();
        let vectors: Vec<Vec<f32>> = (0..4_200).map(row).collect();
        let table = table(&vectors);
        assert!(table.len() * 256 * 4 > 2 * SHARE, "worth a second thread");
        let query = &vectors[17];
        let expected = naive(&table, query, 700);
        for (k, threads) in [(10, 1), (10, 2), (700, 3), (1, 8)] {
            let best = nearest(&table, query, k, threads);
            let hits: Vec<Hit> = best.into_iter().map(|s| Hit::new(&table, s)).collect();
            assert_eq!(hits, expected[..k], "{k} best by {threads} threads");
        }
        assert_eq!(search(&table, query, 10).unwrap(), expected[..10]);
    }

    #[test]
    fn limits() {
        let none = Table::default();
        assert!(matches!(search(&none, &[1.0], 1001), Err(DocsError::TopKTooLarge { .. })));
        assert!(matches!(search(&none, &[f32::NAN], 1), Err(DocsError::BadComponent { .. })));
        assert_eq!(search(&none, &[1.0], 5).unwrap(), []);
        let one = table(&[vec![1.0, 0.0]]);
        assert!(matches!(search(&one, &[1.0], 5), Err(DocsError::DimensionMismatch { .. })));
    }
}
