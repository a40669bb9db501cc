//! Processor instructions that our machine spends on each workload. They do not depend on what
//! else the computer does, so a change of one percent shows, and is compared with a committed
//! baseline. They do depend on the compiler and a little on the C library, which the baseline names:
//! what another pair counts is shown and not judged.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{
    kernel::{Counts, Kernel, can_count},
    table,
    workload::ALL,
};

/// The baseline.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../instructions.toml");
/// How far from the baseline a count may lie.
const TOLERANCE: f64 = 0.01;

#[derive(Deserialize, Serialize)]
struct Baseline {
    surroundings: Surroundings,
    workloads: BTreeMap<String, Counts>,
}

/// What counts depend on, besides the code.
#[derive(Deserialize, PartialEq, Serialize)]
struct Surroundings {
    rustc: String,
    libc: String,
    processor: String,
}

impl Surroundings {
    fn here() -> Self {
        Self {
            rustc: table::said("rustc", &["--version"]),
            libc: table::said("ldd", &["--version"]),
            processor: std::env::consts::ARCH.to_owned(),
        }
    }
}

/// Counts all workloads at their small sizes and compares them with the baseline, or writes it.
pub fn run(bless: bool) -> Result<()> {
    if !can_count() {
        return Ok(());
    }
    let mut counted = BTreeMap::new();
    for workload in ALL {
        eprintln!("{}", workload.label(true));
        counted.insert(workload.name.to_owned(), Kernel::plain(workload.name).count()?);
    }
    let surroundings = Surroundings::here();
    if bless {
        let head = "# Written by `just bench instructions --bless`; see docs/benchmarks.md.\n";
        let baseline = Baseline { surroundings, workloads: counted };
        return Ok(std::fs::write(FILE, format!("{head}{}", toml::to_string(&baseline)?))?);
    }
    let text = std::fs::read_to_string(FILE).with_context(|| FILE.to_owned())?;
    let baseline: Baseline = toml::from_str(&text)?;
    let far = compare(&baseline.workloads, &counted);
    if baseline.surroundings != surroundings {
        let Surroundings { rustc, libc, processor } = baseline.surroundings;
        println!("not judged: the baseline was counted with {rustc} and {libc} on {processor}");
    } else if !far.is_empty() {
        bail!("more than {} % from the baseline: {}", TOLERANCE * 100.0, far.join(", "));
    }
    Ok(())
}

/// Prints both counts of each workload and gives those that lie too far from each other.
fn compare<'a>(
    baseline: &BTreeMap<String, Counts>,
    now: &'a BTreeMap<String, Counts>,
) -> Vec<&'a str> {
    let (mut rows, mut far) = (Vec::new(), Vec::new());
    for (name, now) in now {
        let before = baseline.get(name);
        let change = before.map(|b| now.instructions as f64 / b.instructions as f64 - 1.0);
        if change.is_none_or(|change| change.abs() > TOLERANCE) {
            far.push(name.as_str());
        }
        rows.push(vec![
            name.clone(),
            before.map_or_else(|| "-".into(), |before| before.instructions.to_string()),
            now.instructions.to_string(),
            change.map_or_else(|| "-".into(), |change| format!("{:+.2} %", change * 100.0)),
            now.steps.to_string(),
            format!("{:.1}", now.instructions as f64 / now.steps as f64),
        ]);
    }
    let header = ["workload", "baseline", "now", "change", "steps", "per step"];
    println!("{}", table::render(&header.map(String::from), &rows, 1..header.len()));
    far
}
