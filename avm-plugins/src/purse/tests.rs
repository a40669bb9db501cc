use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use avm_vm::{Meter, Spend};
use proptest::prelude::*;

use super::{Amounts, Purse};

fn amounts(gas: u64, tokens: u64) -> Amounts {
    Amounts { gas, spend: Spend { tokens, ..Spend::NONE } }
}

#[test]
fn what_is_not_used_comes_back() {
    let purse = Purse::new(amounts(10, 10));
    let hold = purse.reserve(amounts(6, 6)).expect("it fits");
    assert!(purse.try_reserve(amounts(5, 0)).is_none());
    hold.settle(&amounts(2, 6));
    let hold = purse.reserve(amounts(8, 4)).expect("it fits");
    drop(hold);
    assert_eq!(purse.reserve(amounts(9, 0)).err(), Some(Meter::Gas));
    assert_eq!(purse.reserve(amounts(8, 5)).err(), Some(Meter::Tokens));
    // Whoever uses more than it reserved leaves less for the others.
    purse.reserve(amounts(1, 0)).expect("it fits").settle(&amounts(100, 0));
    assert_eq!(purse.reserve(amounts(1, 0)).err(), Some(Meter::Gas));
}

/// A call: what it reserves, and the part of it in percent that it uses.
type Plan = (u64, u64, u64);

/// What the calls use up, counted beside the purse: everything reserved, less what came back.
#[derive(Default)]
struct Counted {
    gas: AtomicU64,
    tokens: AtomicU64,
}

impl Counted {
    fn call(&self, purse: &Purse, limit: &Amounts, (gas, tokens, percent): Plan) {
        let Ok(hold) = purse.reserve(amounts(gas, tokens)) else { return };
        let now =
            (self.gas.fetch_add(gas, SeqCst) + gas, self.tokens.fetch_add(tokens, SeqCst) + tokens);
        assert!(now.0 <= limit.gas && now.1 <= limit.spend.tokens);
        thread::yield_now();
        let used = amounts(gas * percent / 100, tokens * percent / 100);
        self.gas.fetch_sub(gas - used.gas, SeqCst);
        self.tokens.fetch_sub(tokens - used.spend.tokens, SeqCst);
        hold.settle(&used);
    }
}

/// Lets all calls race, and gives what those used that got a reservation.
fn race(limit: Amounts, plans: &[Plan]) -> Amounts {
    let (purse, start, counted) =
        (Purse::new(limit), Barrier::new(plans.len()), Counted::default());
    thread::scope(|scope| {
        for plan in plans {
            scope.spawn(|| {
                start.wait();
                counted.call(&purse, &limit, *plan);
            });
        }
    });
    amounts(counted.gas.into_inner(), counted.tokens.into_inner())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn racing_calls_never_exceed_the_limits(
        gas in 0_u64..2000,
        tokens in 0_u64..2000,
        plans in proptest::collection::vec((0_u64..100, 0_u64..100, 0_u64..=100), 64),
    ) {
        let limit = amounts(gas, tokens);
        prop_assert_eq!(race(limit, &plans).over(&limit), None);
    }
}
