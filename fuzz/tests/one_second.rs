//! Every fuzz target, one second each, from a fixed seed.

use std::time::Duration;

use avm_fuzz::{TARGETS, drive::drive};

#[test]
fn one_second_each() {
    for target in TARGETS {
        let report = drive(*target, 1, Duration::from_secs(1));
        assert!(report.executions > 10, "{}: hardly ran", target.0);
        assert!(report.findings.is_empty(), "{}: {:?}", target.0, report.findings[0]);
    }
}
