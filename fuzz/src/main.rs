//! `avm-fuzz TARGET SECONDS [SEED]`: runs a target by hand and writes findings to files.
//! `avm-fuzz compare INSTRUCTIONS [SEED]`: fast code against canonical code, counted.
//! `avm-fuzz patches COUNT [SEED]`: agents that are given so many patches.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use avm_fuzz::{TARGETS, drive};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || {
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        eprintln!(
            "usage: avm-fuzz {} SECONDS [SEED] | avm-fuzz TARGET FILE | avm-fuzz compare \
             INSTRUCTIONS [SEED] | avm-fuzz patches COUNT [SEED]",
            names.join("|")
        );
        ExitCode::from(2)
    };
    let (Some(name), Some(what)) = (arguments.first(), arguments.get(1)) else { return usage() };
    let seed = arguments.get(2).and_then(|seed| seed.parse().ok()).unwrap_or(1);
    type Counted = fn(u64, u64) -> drive::Report;
    let counted: Option<(&str, &str, Counted)> = match name.as_str() {
        "compare" => Some(("fast", "instructions", drive::compare)),
        "patches" => Some(("rewrite", "patches", drive::patches)),
        _ => None,
    };
    if let Some((target, of, run)) = counted {
        let Ok(count) = what.parse() else { return usage() };
        let start = Instant::now();
        let report = run(seed, count);
        let seconds = start.elapsed().as_secs_f64();
        println!("{name}: {} {of} in {seconds:.1} s", report.counted);
        return told(target, &report);
    }
    let Some(target) = TARGETS.iter().find(|(target, _)| target == name) else { return usage() };
    let Ok(seconds) = what.parse() else {
        return match std::fs::read(what) {
            Ok(input) => {
                (target.1)(&input);
                println!("{what}: no finding");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{what}: {error}");
                ExitCode::from(3)
            }
        };
    };
    told(name, &drive::drive(*target, seed, Duration::from_secs(seconds)))
}

/// Says what came of it, and keeps the findings.
fn told(name: &str, report: &drive::Report) -> ExitCode {
    println!("{name}: {} executions, {} findings", report.executions, report.findings.len());
    for (n, input) in report.findings.iter().enumerate() {
        let path = format!("finding-{name}-{n}.bin");
        match std::fs::write(&path, input) {
            Ok(()) => println!("wrote {path}; run it again with: avm-fuzz {name} {path}"),
            Err(error) => eprintln!("{path}: {error}"),
        }
    }
    if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
