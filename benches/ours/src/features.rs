//! What features of the machine cost, in processor instructions: a run with the feature on through
//! the same run with it off. Callgrind counts the same on a busy computer as on an idle one.

use anyhow::Result;

use crate::{
    invocation,
    kernel::{Kernel, Watching, can_count},
    table,
};

/// Arithmetic, calls, texts and effects.
const WORKLOADS: [&str; 4] = ["loop", "fib", "words", "agent"];

/// A row: what is on, and the two runs.
struct Feature {
    title: &'static str,
    off: fn(&'static str) -> Kernel,
    on: fn(&'static str) -> Kernel,
}

/// What is compared. A build of the machine without metering would be a row of its own; it takes
/// another program to run, since whether there is metering is decided when the machine is compiled.
const FEATURES: &[Feature] = &[
    Feature {
        title: "an observer without steps, against none",
        off: Kernel::plain,
        on: |workload| Kernel { observer: Watching::Silent, ..Kernel::plain(workload) },
    },
    Feature {
        title: "an observer told of every step",
        off: Kernel::plain,
        on: |workload| Kernel { observer: Watching::Steps, ..Kernel::plain(workload) },
    },
    Feature {
        title: "a profile, as `--profile` keeps it",
        off: Kernel::plain,
        on: |workload| Kernel { observer: Watching::Profile, ..Kernel::plain(workload) },
    },
    Feature {
        title: "a limit of memory, against none",
        off: |workload| Kernel { unlimited: true, ..Kernel::plain(workload) },
        on: Kernel::plain,
    },
    Feature {
        title: "slices of 1,024 steps, against 262,144",
        off: Kernel::plain,
        on: |workload| Kernel { slice: 1_024, ..Kernel::plain(workload) },
    },
];

/// Counts everything and prints it.
pub fn run(markdown: bool) -> Result<()> {
    if !can_count() {
        return Ok(());
    }
    let circumstances = table::circumstances(&invocation("-p avm-bench-ours ", "features"));
    let mut rows = Vec::new();
    for feature in FEATURES {
        eprintln!("{}", feature.title);
        let mut row = vec![feature.title.to_owned()];
        for workload in WORKLOADS {
            let (off, on) = ((feature.off)(workload).count()?, (feature.on)(workload).count()?);
            row.push(format!("{:.3}", on.instructions as f64 / off.instructions as f64));
        }
        rows.push(row);
    }
    let header: Vec<String> = [&["feature on, through off"], &WORKLOADS[..]]
        .concat()
        .into_iter()
        .map(String::from)
        .collect();
    let text = format!("{circumstances}\n{}", table::render(&header, &rows, 1..header.len()));
    println!("{text}");
    if markdown { table::publish("features", &text) } else { Ok(()) }
}
