//! Agents that are given patches; a million by hand: `avm-fuzz patches 1000000`.

use std::time::{Duration, Instant};

use avm_fuzz::drive::patches;

#[test]
fn patches_for_ten_seconds_or_a_hundred_thousand() {
    let start = Instant::now();
    let mut given = 0;
    for seed in 1.. {
        let report = patches(seed, 1_000);
        assert!(report.findings.is_empty(), "{:?}", report.findings[0]);
        given += report.counted;
        if given >= 100_000 || start.elapsed() > Duration::from_secs(10) {
            break;
        }
    }
    assert!(given >= 1_000);
}
