//! Laws of the ledger, for any sequence of operations.

#[path = "ledger/drive.rs"]
mod drive;
#[path = "ledger/rules.rs"]
mod rules;
#[path = "ledger/windows.rs"]
mod windows;

use avm_vm::ledger::Ledger;
use drive::Drive;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Sums are constant, nothing is negative, the audit agrees, orders are done once, and neither
    /// going back nor starting again changes any of it.
    #[test]
    fn whatever_is_asked_it_adds_up(seed: u64, steps in 1..600_u64, restart in 20..200_u64) {
        let mut drive = Drive::new(seed, 8);
        for step in 1..=steps {
            drive.step();
            if step % restart == 0 {
                drive.restart();
                drive.check();
            }
            if step % (3 * restart) == 0 {
                drive.keep(50);
                drive.restart();
            }
        }
        drive.check();
    }

    /// A changed byte is refused, or is another ledger that adds up and is written as it was read.
    #[test]
    fn bytes_are_not_believed(seed: u64, at: prop::sample::Index, bit in 0..8_u8) {
        let mut drive = Drive::new(seed, 4);
        (0..200).for_each(|_| drive.step());
        drive.restart();
        let mut bytes = drive.ledger.to_bytes();
        *at.get_mut(&mut bytes) ^= 1 << bit;
        if let Ok(read) = Ledger::from_bytes(&bytes) {
            prop_assert_eq!(read.audit().map(|_| ()), Ok(()));
            prop_assert!(read.to_bytes() == bytes);
            prop_assert_ne!(read.hash(), drive.ledger.hash());
        }
        bytes.truncate(at.index(bytes.len()));
        prop_assert!(Ledger::from_bytes(&bytes).is_err());
    }
}

#[test]
fn a_driven_ledger_sees_every_operation() {
    let mut drive = Drive::new(1, 8);
    (0..20_000).for_each(|_| drive.step());
    drive.check();
    let all = [
        "mint",
        "burn",
        "pay",
        "hold",
        "capture",
        "release",
        "escrow",
        "claim",
        "split",
        "refund",
        "fork",
        "end",
        "revert",
        "refused by policy",
        "needs approval",
        "insufficient",
    ];
    let missing: Vec<_> = all.iter().filter(|what| !drive.counts.contains_key(**what)).collect();
    assert!(missing.is_empty(), "{missing:?} of {:?}", drive.counts);
}
