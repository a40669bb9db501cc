//! Agents that are given patches; a million by hand: `avm-fuzz patches 1000000`.

use std::thread;

use avm_fuzz::drive::patches;

/// How many at least, in all.
const PATCHES: u64 = 100_000;
const THREADS: u64 = 2;

#[test]
fn a_hundred_thousand_patches() {
    let given: u64 = thread::scope(|scope| {
        let runs: Vec<_> = (1..=THREADS)
            .map(|seed| scope.spawn(move || patches(seed, PATCHES / THREADS)))
            .collect();
        let counted = runs.into_iter().map(|run| {
            let report = run.join().expect("it ends");
            assert!(report.findings.is_empty(), "{:?}", report.findings[0]);
            report.counted
        });
        counted.sum()
    });
    assert!(given >= PATCHES, "{given}");
}
