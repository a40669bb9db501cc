//! What features of the machine cost, in processor instructions: a run with the feature on through
//! the same run with it off. Callgrind counts the same on a busy computer as on an idle one.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

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

/// What is compared.
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

/// A row of the table: of two runs of each workload, the second through the first.
fn row(
    title: &str,
    runs: impl Fn(&'static str) -> (Kernel, Kernel),
    (off_in, on_in): (&Path, &Path),
) -> Result<Vec<String>> {
    eprintln!("{title}");
    let mut row = vec![title.to_owned()];
    for workload in WORKLOADS {
        let (off, on) = runs(workload);
        let (off, on) = (off.count_in(off_in)?, on.count_in(on_in)?);
        row.push(format!("{:.3}", on.instructions as f64 / off.instructions as f64));
    }
    Ok(row)
}

/// This program with a machine that does not count the steps of fast code: whether it does is
/// decided when it is compiled.
fn unmetered(this: &Path) -> Result<PathBuf> {
    // target/release/avm-bench-ours
    let target = this.ancestors().nth(2).context("this program is in no target folder")?;
    let target = target.join("unmetered");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--package", "avm-bench-ours"])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", "--cfg avm_unmetered")
        .status()?;
    if !status.success() {
        bail!("the build without metering failed");
    }
    Ok(target.join("release/avm-bench-ours"))
}

/// Counts everything and prints it.
pub fn run(markdown: bool) -> Result<()> {
    if !can_count() {
        return Ok(());
    }
    let circumstances = table::circumstances(&invocation("-p avm-bench-ours ", "features"));
    let this = std::env::current_exe()?;
    let mut rows = vec![row(
        "metering, against a build without",
        |workload| (Kernel::plain(workload), Kernel::plain(workload)),
        (&unmetered(&this)?, &this),
    )?];
    for Feature { title, off, on } in FEATURES {
        rows.push(row(title, |workload| (off(workload), on(workload)), (&this, &this))?);
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
