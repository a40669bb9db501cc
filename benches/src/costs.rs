//! What is paid per agent, fork, call, effect, search and line of a program. Memory of agents is
//! heap bytes asked for, over many of a kind.

mod agents;
mod assembly;
mod heap;
mod search;
mod startup;

use std::time::{Duration, Instant};

use anyhow::Result;
use avm_bench_ours::{invocation, table};

/// Runs of which the shortest counts.
const RUNS: usize = 15;

/// A cost: what, how much, how it was measured.
pub type Cost = [String; 3];

/// Measures all costs and prints them.
pub fn run(large: bool, markdown: bool) -> Result<()> {
    let flag = if large { " --large" } else { "" };
    let circumstances = table::circumstances(&invocation("", &format!("costs{flag}")));
    let mut costs: Vec<Cost> = Vec::new();
    heap::measure(&mut costs)?;
    agents::measure(&mut costs)?;
    search::measure(100_000, &mut costs)?;
    if large {
        search::measure(1_000_000, &mut costs)?;
    }
    assembly::measure(&mut costs)?;
    startup::measure(&mut costs)?;
    let rows: Vec<Vec<String>> = costs.into_iter().map(Vec::from).collect();
    let table = table::render(&["what", "cost", "measured"].map(String::from), &rows, 1..2);
    let text = format!("{circumstances}\n{table}");
    println!("{text}");
    if markdown { table::publish("costs", &text) } else { Ok(()) }
}

fn cost(what: &str, cost: String, how: &str) -> Cost {
    [what.to_owned(), cost, how.to_owned()]
}

/// The shortest of some runs.
fn shortest(mut run: impl FnMut() -> Result<Duration>) -> Result<Duration> {
    (0..RUNS).try_fold(Duration::MAX, |least, _| Ok(least.min(run()?)))
}

/// The time of one of `count` that took so long together.
fn each(count: usize, all: Duration) -> String {
    match all.as_secs_f64() / count as f64 {
        s if s < 1e-6 => format!("{:.0} ns", s * 1e9),
        s if s < 1e-3 => format!("{:.2} µs", s * 1e6),
        s => format!("{:.2} ms", s * 1e3),
    }
}

fn clocked<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let result = run();
    (result, begin.elapsed())
}
