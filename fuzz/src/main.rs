//! `avm-fuzz TARGET SECONDS [SEED]`: runs a target by hand and writes findings to files.
//! `avm-fuzz compare INSTRUCTIONS [SEED]`: fast code against canonical code, counted.
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
             INSTRUCTIONS [SEED]",
            names.join("|")
        );
        ExitCode::from(2)
    };
    let (Some(name), Some(what)) = (arguments.first(), arguments.get(1)) else { return usage() };
    let seed = arguments.get(2).and_then(|seed| seed.parse().ok()).unwrap_or(1);
    if name == "compare" {
        let Ok(instructions) = what.parse() else { return usage() };
        let start = Instant::now();
        let report = drive::compare(seed, instructions);
        let seconds = start.elapsed().as_secs_f64();
        println!("compare: {} instructions in {seconds:.1} s", report.instructions);
        return told("fast", &report);
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
