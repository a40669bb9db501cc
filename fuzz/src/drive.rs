//! Runs targets from a seed: for a test, one second each; by hand, for as long as one likes.

use std::{
    panic::catch_unwind,
    time::{Duration, Instant},
};

use crate::{Entropy, Target};

/// What a run of a target did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Inputs tried.
    pub executions: u64,
    /// Inputs that broke a promise, at most ten.
    pub findings: Vec<Vec<u8>>,
}

/// Runs a target on inputs made from a seed until the time is up.
pub fn drive(target: Target, seed: u64, time: Duration) -> Report {
    let (_, run) = target;
    let start = Instant::now();
    let mut report = Report::default();
    let mut entropy = Entropy::new(&[]);
    for _ in 0..seed % 1_000 {
        entropy.u64();
    }
    let mut salt = seed;
    while start.elapsed() < time && report.findings.len() < 10 {
        salt = salt.wrapping_add(entropy.u64());
        let input = input(salt);
        report.executions += 1;
        if catch_unwind(|| run(&input)).is_err() {
            report.findings.push(input);
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
