//! Exact search for the nearest vectors.

use anyhow::Result;
use avm_plugins::docs::collection::{Collection, Document, Limits};

use super::{Cost, clocked, cost, each, shortest};

/// Components of a vector, as many small embedding models have.
const DIMENSION: usize = 384;
const TOP: usize = 10;

/// Fills a collection and searches it.
pub fn measure(count: usize, costs: &mut Vec<Cost>) -> Result<()> {
    let limits = Limits { documents: count, total_bytes: 8 << 30, ..Limits::default() };
    let mut collection = Collection::new(limits);
    let mut state = 1;
    for number in 0..count {
        collection.put(Document {
            id: format!("doc-{number}"),
            title: String::new(),
            text: String::new(),
            vector: vector(&mut state),
        })?;
    }
    let query = vector(&mut state);
    let search = || {
        let (hits, time) = clocked(|| collection.search(&query, TOP));
        hits?;
        Ok(time)
    };
    let took = each(1, shortest(search)?);
    let what = format!("exact search in {count} × {DIMENSION}");
    costs.push(cost(&what, took, "`Collection::search`, the best 10"));
    Ok(())
}

fn vector(state: &mut u64) -> Vec<f32> {
    let mut component = || {
        *state = (*state * 48_271 + 11) % 2_147_483_647;
        *state as f32 / 1_073_741_824.0 - 1.0
    };
    (0..DIMENSION).map(|_| component()).collect()
}
