//! Processor instructions that our machine spends on each workload. They do not depend on what
//! else the computer does, so a change of one percent shows, and is compared with a committed
//! baseline. It does depend on the compiler, whose version the baseline names.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{
    contender::ours,
    table,
    workload::{ALL, Task},
};

/// The baseline.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.toml");
/// How far from the baseline a count may lie.
const TOLERANCE: f64 = 0.01;

#[derive(Deserialize, Serialize)]
struct Baseline {
    rustc: String,
    workloads: BTreeMap<String, Counts>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
struct Counts {
    /// Instructions of the processor.
    instructions: u64,
    /// Instructions of our machine.
    steps: u64,
}

/// Counts all workloads at their small sizes and compares them with the baseline, or writes it.
pub fn run(bless: bool) -> Result<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("valgrind is not found: nothing is counted");
        return Ok(());
    }
    let rustc = table::said("rustc", &["--version"]);
    let mut counted = BTreeMap::new();
    for workload in ALL {
        eprintln!("{}", workload.label(true));
        counted.insert(workload.name.to_owned(), count(workload.name)?);
    }
    if bless {
        let head = "# Written by `-- instructions --bless`; see docs/benchmarks.md.\n";
        let baseline = Baseline { rustc, workloads: counted };
        return Ok(std::fs::write(FILE, format!("{head}{}", toml::to_string(&baseline)?))?);
    }
    let text = std::fs::read_to_string(FILE).with_context(|| FILE.to_owned())?;
    compare(&toml::from_str(&text)?, &counted, &rustc)
}

/// Prints both counts of each workload; fails where they lie too far from each other.
fn compare(baseline: &Baseline, now: &BTreeMap<String, Counts>, rustc: &str) -> Result<()> {
    if baseline.rustc != rustc {
        println!("the baseline was counted with {}, this is {rustc}", baseline.rustc);
    }
    let (mut rows, mut far) = (Vec::new(), Vec::new());
    for (name, now) in now {
        let before = baseline.workloads.get(name);
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
    if !far.is_empty() {
        bail!("more than {} % from the baseline: {}", TOLERANCE * 100.0, far.join(", "));
    }
    Ok(())
}

/// Counts one workload in a process of its own under callgrind.
fn count(name: &str) -> Result<Counts> {
    let exe = std::env::current_exe()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        // Collects inside of this function only.
        .arg("--toggle-collect=*contender*ours*drive*")
        .arg(exe)
        .args(["kernel", name])
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let instructions = errors.lines().find_map(|line| line.split_once("Collected : "));
    let (_, instructions) = instructions.with_context(|| errors.clone().into_owned())?;
    let steps = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    Ok(Counts { instructions: instructions.trim().parse()?, steps })
}

/// Runs a workload of ours once at its small size and prints its steps.
pub fn kernel(name: &str) -> Result<()> {
    let workload = ALL.iter().find(|workload| workload.name == name);
    let task = Task::new(workload.with_context(|| format!("no workload {name}"))?, true);
    let source = task.source("avm")?.context("not written for ours")?;
    let mut machine = ours::machine(&ours::image(&source)?, &task)?;
    ours::drive(&mut machine)?;
    println!("{}", machine.steps());
    Ok(())
}
