//! No way to spend gets a family past the windows of any of its members.

use avm_vm::ledger::{Cause, Kind, Ledger, Limits, Money, Order, Owner, Policy, Settle, Window};
use proptest::prelude::*;

const TOKEN: &str = "AVM_CREDITS";
const ROOT: [u8; 32] = [1; 32];
const CHILD: [u8; 32] = [2; 32];
const OTHER: Owner = Owner::Agent([9; 32]);

fn policy(length: u64, amount: u64, payments: u32) -> Policy {
    let windows = vec![Window { length, amount, payments, trips: false }];
    let limits = Limits { windows, ..Limits::default() };
    Policy { limits: [(TOKEN.to_owned(), limits)].into(), ..Policy::default() }
}

/// Whether any window has more in it than its policy allows.
fn breach(ledger: &Ledger, of: &[[u8; 32]], policy: &Policy) -> bool {
    let window = policy.limits[TOKEN].windows[0];
    let spent: Vec<(u64, u64)> = ledger
        .numbers()
        .filter_map(|number| ledger.record(number))
        .filter(|record| matches!(record.kind, Kind::Pay | Kind::Hold | Kind::Escrow))
        .filter(|record| of.iter().any(|id| record.from == Owner::Agent(*id)))
        .map(|record| (record.time, record.money.amount))
        .collect();
    spent.iter().any(|(end, _)| {
        let inside = spent.iter().filter(|(at, _)| at <= end && end - at < window.length);
        let (sum, count) =
            inside.fold((0, 0), |(sum, count), (_, amount)| (sum + amount, count + 1));
        sum > window.amount || count > window.payments
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_window_is_ever_breached(
        root in (1..100_u64, 1..500_u64, 1..10_u32),
        child in (1..100_u64, 1..500_u64, 1..10_u32),
        asks in prop::collection::vec((0..20_u64, 1..200_u64, 0..6_u8), 1..120),
    ) {
        let (root, child) = (policy(root.0, root.1, root.2), policy(child.0, child.1, child.2));
        let mut ledger = Ledger::new();
        let operator = Cause { agent: None, step: 0, effect: 0 };
        let order = Order { cause: operator, key: [255; 32], purpose: "", time: 0 };
        ledger.mint(&order, Owner::Agent(ROOT), Money { token: TOKEN, amount: 1 << 40 }).unwrap();
        ledger.set_policy(Owner::Agent(ROOT), Some(root.clone())).unwrap();
        ledger.set_policy(Owner::Agent(CHILD), Some(child.clone())).unwrap();
        let order = Order { key: [254; 32], ..order };
        let funds = [Money { token: TOKEN, amount: 1 << 30 }];
        ledger.fork(&order, ROOT, CHILD, &funds).unwrap();
        let mut time = 0;
        let mut done = 0;
        for (number, (wait, amount, how)) in (0..).zip(asks) {
            time += wait;
            let agent = if how % 2 == 0 { ROOT } else { CHILD };
            let mut key = [0; 32];
            key[..8].copy_from_slice(&u64::to_le_bytes(number));
            let cause = Cause { agent: Some(agent), step: number, effect: number };
            let order = Order { cause, key, purpose: "", time };
            let (from, money) = (Owner::Agent(agent), Money { token: TOKEN, amount });
            let asked = match how / 2 {
                0 => ledger.pay(&order, from, OTHER, money),
                1 => ledger.hold(&order, from, OTHER, money, u64::MAX),
                _ => ledger.escrow(&order, from, money, Settle::First, u64::MAX),
            };
            done += u32::from(asked.is_ok());
            if number % 16 == 7 {
                ledger = Ledger::from_bytes(&ledger.to_bytes()).unwrap();
            }
            if number % 16 == 9 {
                let mark = ledger.checkpoint();
                let order = Order { key: [253; 32], ..order };
                let _ = ledger.pay(&order, from, OTHER, money);
                ledger.revert(mark).unwrap();
            }
        }
        prop_assert!(!breach(&ledger, &[ROOT, CHILD], &root));
        prop_assert!(!breach(&ledger, &[CHILD], &child));
        prop_assert!(ledger.audit().is_ok());
        // A window is not kept by refusing everything.
        let fits = |policy: &Policy| policy.limits[TOKEN].windows[0].amount >= 200;
        prop_assert!(done > 0 || !fits(&root) || !fits(&child));
    }
}
