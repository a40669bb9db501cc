//! Runs targets from a seed: for a test, one second each; by hand, for as long as one likes, or
//! until so many instructions were compared or patches given.

use std::{
    panic::{RefUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use crate::{Entropy, Target, fast, rewrite};

/// What a run of a target did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Inputs tried.
    pub executions: u64,
    /// Where that was counted: instructions of the machine that were executed both ways, or patches
    /// that agents were given.
    pub counted: u64,
    /// Inputs that broke a promise, at most ten.
    pub findings: Vec<Vec<u8>>,
}

/// Runs a target on inputs made from a seed until the time is up.
pub fn drive(target: Target, seed: u64, time: Duration) -> Report {
    let (_, run) = target;
    let start = Instant::now();
    let ready = |_: &Report| start.elapsed() >= time;
    until(seed, ready, |input| {
        run(input);
        0
    })
}

/// Compares fast code with canonical code on programs made from a seed until both executed so many
/// instructions.
pub fn compare(seed: u64, instructions: u64) -> Report {
    until(seed, |report| report.counted >= instructions, fast::compare)
}

/// Gives agents patches made from a seed until they were given so many.
pub fn patches(seed: u64, patches: u64) -> Report {
    until(seed, |report| report.counted >= patches, rewrite::patches)
}

/// Runs a function that counts on inputs made from a seed.
fn until(
    seed: u64,
    ready: impl Fn(&Report) -> bool,
    run: impl Fn(&[u8]) -> u64 + RefUnwindSafe,
) -> Report {
    let mut report = Report::default();
    let mut entropy = Entropy::new(&[]);
    for _ in 0..seed % 1_000 {
        entropy.u64();
    }
    let mut salt = seed;
    while !ready(&report) && report.findings.len() < 10 {
        salt = salt.wrapping_add(entropy.u64());
        let input = input(salt);
        report.executions += 1;
        match catch_unwind(|| run(&input)) {
            Ok(count) => report.counted += count,
            Err(_) => report.findings.push(input),
        }
    }
    report
}

/// One input: mostly short, since decisions go on without bytes.
fn input(salt: u64) -> Vec<u8> {
    let seed = salt.to_le_bytes();
    let mut entropy = Entropy::new(&seed);
    // Uses the seed bytes up, so that what follows is spread.
    entropy.u64();
    let len = if entropy.once_in(8) { entropy.below(600) } else { 8 + entropy.below(40) };
    (0..len).map(|_| entropy.u64().to_le_bytes()[3]).collect()
}
