//! Exact search for the nearest vectors, beside the time that memory takes to give so many bytes.

use std::{thread::available_parallelism, time::Duration};

use anyhow::{Result, ensure};
use avm_plugins::docs::{
    collection::{Collection, Document, Limits},
    search::{Hit, MAX_THREADS},
    vector::cosine,
};

use super::{Cost, RUNS, clocked, cost, each};

/// Components of a vector, as many small embedding models have.
const DIMENSION: usize = 384;
const TOP: usize = 10;

/// Fills a collection and searches it, in turns with a plain sum over as many bytes.
pub fn measure(count: usize, costs: &mut Vec<Cost>) -> Result<()> {
    let limits = Limits { documents: count, total_bytes: 8 << 30, ..Limits::default() };
    let mut collection = Collection::new(limits);
    let (mut state, mut numbers) = (1, Vec::new());
    for number in 0..count {
        let vector = vector(&mut state);
        numbers.extend_from_slice(&vector);
        let (id, title, text) = (format!("doc-{number}"), String::new(), String::new());
        collection.put(Document { id, title, text, vector })?;
    }
    let query = vector(&mut state);
    let expected = naive(&numbers, &query);
    let threads = available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let (mut search, mut read) = (Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        let (hits, time) = clocked(|| collection.search(&query, TOP));
        ensure!(hits? == expected, "the search missed a document, or found others than before");
        search = search.min(time);
        read = read.min(clocked(|| sum(&numbers, threads)).1);
    }
    let how = format!("`Collection::search`, the best {TOP}, recall 100 %, {threads} threads");
    costs.push(cost(&format!("exact search in {count} × {DIMENSION}"), each(1, search), &how));
    let speed = size_of_val(numbers.as_slice()) as f64 / read.as_secs_f64() / 1e9;
    let how = format!("a plain sum, {threads} threads: {speed:.1} GB/s");
    costs.push(cost("reading as many bytes", each(1, read), &how));
    let ratio = format!("{:.2}", search.as_secs_f64() / read.as_secs_f64());
    costs.push(cost("search through reading", ratio, "the aim is 1.50 at most"));
    Ok(())
}

/// What has to be found: all documents, sorted.
fn naive(numbers: &[f32], query: &[f32]) -> Vec<Hit> {
    let hit = |(number, vector)| Hit { id: format!("doc-{number}"), score: cosine(query, vector) };
    let mut all: Vec<Hit> = numbers.chunks(DIMENSION).enumerate().map(hit).collect();
    all.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    all.truncate(TOP);
    all
}

/// Reads everything and adds it up, as fast as the threads get it.
fn sum(numbers: &[f32], threads: usize) -> f32 {
    let part = |part: &[f32]| {
        let mut sums = [0f32; 64];
        for block in part.as_chunks::<64>().0 {
            for (sum, number) in sums.iter_mut().zip(block) {
                *sum += number;
            }
        }
        sums.iter().sum::<f32>()
    };
    std::thread::scope(|scope| {
        let parts = numbers.chunks(numbers.len().div_ceil(threads));
        let started: Vec<_> = parts.map(|numbers| scope.spawn(move || part(numbers))).collect();
        let sums = started.into_iter().map(|thread| thread.join().unwrap_or(f32::NAN));
        std::hint::black_box(sums.sum())
    })
}

fn vector(state: &mut u64) -> Vec<f32> {
    let mut component = || {
        *state = (*state * 48_271 + 11) % 2_147_483_647;
        *state as f32 / 1_073_741_824.0 - 1.0
    };
    (0..DIMENSION).map(|_| component()).collect()
}
