//! The table.

use anyhow::Result;
use avm_bench_ours::{invocation, table};

use crate::{erlang::Erlang, kernel::Cost};

/// What a row shows.
#[derive(Clone, Copy)]
enum Shown {
    /// Messages, or the like, of a second.
    Rate,
    /// Time of each.
    Each,
    /// Time of all.
    Seconds,
    /// Bytes of each.
    Bytes,
}

struct Row {
    title: &'static str,
    kernel: &'static str,
    sizes: &'static [usize],
    /// The size that a quick run has a tenth of.
    large: usize,
    /// How many of what is measured a run has, of its sizes.
    count: fn(&[usize]) -> usize,
    shown: Shown,
    threads: usize,
    /// What Erlang runs, if not the same.
    peer: Option<&'static str>,
    how: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        title: "an idle agent holds",
        kernel: "idle",
        sizes: &[1_000_000],
        large: 0,
        count: |sizes| sizes[0],
        shown: Shown::Bytes,
        threads: 1,
        peer: None,
        how: "resident memory, 1,000,000 that were started and wait for a message",
    },
    Row {
        title: "starting them",
        kernel: "idle",
        sizes: &[1_000_000],
        large: 0,
        count: |_| 1,
        shown: Shown::Seconds,
        threads: 1,
        peer: None,
        how: "the same, until the last one waits",
    },
    Row {
        title: "a start",
        kernel: "spawn",
        sizes: &[100_000],
        large: 0,
        count: |sizes| sizes[0],
        shown: Shown::Each,
        threads: 1,
        peer: None,
        how: "`World::join`, its machine included, not run yet, of 100,000; `spawn`",
    },
    Row {
        title: "a fork",
        kernel: "fork",
        sizes: &[100_000],
        large: 0,
        count: |sizes| sizes[0],
        shown: Shown::Each,
        threads: 1,
        peer: Some("idle"),
        how: "`FORK_AGENT`, 100,000 of one parent, each until it waits; the same with `spawn`",
    },
    Row {
        title: "ring",
        kernel: "ring",
        sizes: &[1_000, 1_000_000],
        large: 1,
        count: |sizes| sizes[1],
        shown: Shown::Rate,
        threads: 1,
        peer: None,
        how: "1,000 agents, one message that goes round 1,000 times",
    },
    Row {
        title: "ping-pong",
        kernel: "pingpong",
        sizes: &[500_000],
        large: 0,
        count: |sizes| 2 * sizes[0],
        shown: Shown::Rate,
        threads: 1,
        peer: None,
        how: "two agents, 1,000,000 messages",
    },
    Row {
        title: "fan-in",
        kernel: "fanin",
        sizes: &[1_000, 60],
        large: 1,
        count: |sizes| sizes[0] * sizes[1],
        shown: Shown::Rate,
        threads: 1,
        peer: None,
        how: "1,000 agents send 60 messages each to one, which adds them up",
    },
    Row {
        title: "busy, 1 thread",
        kernel: "busy",
        sizes: &[10_000, 2_000],
        large: 1,
        count: |_| 1,
        shown: Shown::Seconds,
        threads: 1,
        peer: None,
        how: "10,000 agents compute 2,000 turns of a loop each and send what comes of it to one",
    },
    Row {
        title: "busy, 2 threads",
        kernel: "busy",
        sizes: &[10_000, 2_000],
        large: 1,
        count: |_| 1,
        shown: Shown::Seconds,
        threads: 2,
        peer: None,
        how: "the same",
    },
];

/// The better of two runs, in each respect.
fn better(one: Option<Cost>, other: Cost) -> Option<Cost> {
    Some(one.map_or(other, |one| Cost {
        seconds: one.seconds.min(other.seconds),
        bytes: one.bytes.min(other.bytes),
    }))
}

/// What was measured of a row.
struct Measured {
    row: &'static Row,
    count: usize,
    ours: Cost,
    theirs: Option<Cost>,
}

impl Measured {
    fn cost(&self, cost: Cost) -> f64 {
        match self.row.shown {
            Shown::Bytes => cost.bytes as f64 / self.count as f64,
            Shown::Rate | Shown::Each | Shown::Seconds => cost.seconds / self.count as f64,
        }
    }

    fn show(&self, cost: Cost) -> String {
        let each = self.cost(cost);
        match self.row.shown {
            Shown::Bytes => format!("{each:.0} B"),
            Shown::Each => format!("{:.2} µs", each * 1e6),
            Shown::Seconds => format!("{each:.3} s"),
            Shown::Rate => format!("{:.2} M/s", 1e-6 / each),
        }
    }

    fn line(&self) -> Vec<String> {
        let theirs = self.theirs.map_or_else(|| String::from("-"), |theirs| self.show(theirs));
        let ratio = self.theirs.map_or_else(
            || String::from("-"),
            |theirs| format!("{:.2}", self.cost(self.ours) / self.cost(theirs)),
        );
        vec![self.row.title.into(), self.show(self.ours), theirs, ratio, self.row.how.into()]
    }
}

/// Measures everything, in turns, and prints it.
///
/// # Errors
/// A run that fails; a page that cannot be written.
pub fn run(word: &str, runs: usize, quick: bool, markdown: bool) -> Result<()> {
    let before = table::circumstances(&invocation("-p avm-bench-world ", ""));
    let erlang = Erlang::find()?;
    if erlang.is_none() {
        eprintln!("erlc is not found: ours alone (Debian has it in erlang-base)");
    }
    let mut all = Vec::new();
    for row in ROWS.iter().filter(|row| row.title.contains(word)) {
        let mut sizes = row.sizes.to_vec();
        if quick {
            sizes[row.large] = (sizes[row.large] / 10).max(1);
        }
        let (mut ours, mut theirs) = (None, None);
        for _ in 0..runs {
            ours = better(ours, Cost::ours(row.kernel, &sizes, row.threads)?);
            if let Some(erlang) = &erlang {
                let kernel = row.peer.unwrap_or(row.kernel);
                theirs = better(theirs, erlang.run(kernel, &sizes, row.threads)?);
            }
        }
        let Some(ours) = ours else { continue };
        let measured = Measured { row, count: (row.count)(&sizes), ours, theirs };
        eprintln!("{}", measured.line()[..4].join("  "));
        all.push(measured);
    }
    let header = ["what", "Aither", "Erlang", "ratio", "measured"].map(String::from);
    let lines: Vec<Vec<String>> = all.iter().map(Measured::line).collect();
    let mut text = format!("{before}\n{}", table::render(&header, &lines, 1..4));
    let peer = if erlang.is_some() { Erlang::version() } else { "no Erlang".into() };
    text +=
        &format!("\nLoad after: {}. The fastest of {runs} runs in turns. {peer}.", table::load());
    text += &speed_up(&all);
    println!("{text}");
    if markdown {
        table::publish("worlds", &text)?;
    }
    Ok(())
}

/// How much faster two threads are than one.
fn speed_up(all: &[Measured]) -> String {
    let of = |threads: usize, cost: fn(&Measured) -> Option<Cost>| {
        let found = all.iter().find(|m| m.row.kernel == "busy" && m.row.threads == threads)?;
        cost(found).map(|cost| cost.seconds)
    };
    let times =
        |cost: fn(&Measured) -> Option<Cost>| Some(format!("{:.2}", of(1, cost)? / of(2, cost)?));
    match (times(|m| Some(m.ours)), times(|m| m.theirs)) {
        (Some(ours), Some(theirs)) => {
            format!(" Two threads are {ours} times as fast as one; {theirs} times in Erlang.")
        }
        (Some(ours), None) => format!(" Two threads are {ours} times as fast as one."),
        _ => String::new(),
    }
}
