use core::time::Duration;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
};

use avm_ir::Value;
use avm_vm::{FailureCode, IdempotencyKey, Meter, Spend};
use proptest::prelude::*;

use super::map;
use crate::{
    guard::{Guard, Watch},
    host::Host,
    provider::{Call, Function, Manifest, Model, Outcome, Provider, Refusal, Reply},
    registry::{Bound, Origin},
    shape::Shape,
};

/// A host whose clock goes on at every look, so that threads are started.
#[derive(Default)]
struct Ticks(AtomicU64);

impl Host for Ticks {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(path.to_owned())
    }

    fn path(&self, path: &str) -> PathBuf {
        path.into()
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, SeqCst))
    }

    fn unix_time(&self) -> i64 {
        0
    }

    fn sleep(&self, _: Duration) {}
}

/// Doubles a number and takes time; reserves as many tokens as the number says and uses half of
/// them. It fails on negative numbers, and makes a text of numbers above 1000.
#[derive(Default)]
struct Doubler {
    cost: u64,
    asked: AtomicUsize,
}

impl Provider for Doubler {
    fn manifest(&self) -> Manifest {
        let function = Function::new("infer", "", Shape::Int, Shape::Any);
        Manifest { cost: self.cost, ..Manifest::pure("a test", vec![function]) }
    }
}

impl Model for Doubler {
    fn infer(&self, call: &Call, input: &Value) -> Outcome {
        self.asked.fetch_add(1, SeqCst);
        let Value::Int(int) = input else { return Err(Refusal::invalid("no number")) };
        assert_eq!(call.max_spend.tokens, self.most_tokens(input));
        std::thread::yield_now();
        let spent = Spend { tokens: self.most_tokens(input) / 2, ..Spend::NONE };
        match *int {
            0..1000 => Ok(Reply::new(Value::Int(int * 2), 1).spending(spent)),
            1000.. => Ok(Reply::new(Value::from("x".repeat(1000)), 1).spending(spent)),
            _ => Err(Refusal::not_found("negative").after(1).spending(spent)),
        }
    }

    fn most_tokens(&self, input: &Value) -> u64 {
        match input {
            Value::Int(int) => int.unsigned_abs(),
            _ => 0,
        }
    }
}

const OPEN: Call = Call {
    max_bytes: u64::MAX,
    max_units: u64::MAX,
    max_gas: u64::MAX,
    max_spend: Spend::UNLIMITED,
    timeout: Duration::MAX,
    idempotency_key: IdempotencyKey::Given([3; 32]),
};

fn bound(model: Doubler) -> Bound<dyn Model> {
    let host = Arc::new(Ticks::default());
    Bound {
        manifest: Arc::new(model.manifest()),
        provider: Arc::new(model),
        label: "test".to_owned(),
        origin: Origin::Operator,
        guard: Arc::new(Guard::new("model".to_owned(), Watch::default(), host)),
    }
}

fn run(cost: u64, call: &Call, items: &[Value], workers: usize) -> Outcome {
    let model = bound(Doubler { cost, ..Doubler::default() });
    map(&model, call, items, workers, &Ticks::default())
}

fn ints(ints: impl IntoIterator<Item = i64>) -> Vec<Value> {
    ints.into_iter().map(Value::Int).collect()
}

fn tokens(tokens: u64) -> Call {
    Call { max_spend: Spend { tokens, ..Spend::UNLIMITED }, ..OPEN }
}

#[test]
fn results_come_in_order_and_failures_are_null() {
    let mut items = ints(0..500);
    items[7] = Value::Int(-2);
    items[8] = Value::text("x");
    for workers in [1, 2, 8] {
        let reply = run(5, &OPEN, &items, workers).expect("some are answered");
        let mut wanted: Vec<Value> = ints((0..500).map(|int| int * 2));
        (wanted[7], wanted[8]) = (Value::Null, Value::Null);
        assert_eq!(reply.outputs, [Value::list(wanted)]);
        let half: u64 = (0..500).filter(|n| *n != 7 && *n != 8).map(|n| n / 2).sum();
        assert_eq!((reply.cost, reply.units, reply.spent.tokens), (5 * 498, 499, half + 1));
    }
    let nothing = run(0, &OPEN, &[], 2).expect("nothing is asked");
    assert_eq!(nothing, Reply::new(Value::list(Vec::new()), 0));
}

#[test]
fn a_call_fails_if_every_item_does() {
    for workers in [1, 2, 8] {
        let refusal = run(0, &OPEN, &ints([-4, -6, -8]), workers).expect_err("all fail");
        assert_eq!(refusal.failure.code, FailureCode::NotFound);
        assert_eq!((refusal.units, refusal.spent.tokens, refusal.short), (3, 9, None));
        // Nothing is affordable: the run ends there, so that a top-up asks again.
        let refusal = run(0, &tokens(9), &ints([10, 20]), workers).expect_err("too dear");
        assert_eq!(refusal.short, Some(Meter::Tokens));
        assert_eq!(
            refusal.failure.message,
            "an item needs 10 from the budget tokens, which has less left"
        );
        let poor = Call { max_gas: 99, ..OPEN };
        let refusal = run(100, &poor, &ints([1]), workers).expect_err("too dear");
        assert_eq!(
            (refusal.short, refusal.failure.code),
            (Some(Meter::Gas), FailureCode::GasLimit)
        );
        // One was asked and failed: that is paid, and is no reason to end the run.
        let refusal = run(0, &tokens(9), &ints([-4, 10]), workers).expect_err("all fail");
        assert_eq!((refusal.short, refusal.failure.code), (None, FailureCode::NotFound));
    }
}

#[test]
fn the_budget_is_used_in_order() {
    // 100 reserved and 50 used, then 100 fit again, then 60 do not and 40 do.
    for workers in [1, 2, 8] {
        let reply = run(0, &tokens(150), &ints([100, 100, 60, 40, 1]), workers).expect("some");
        let wanted = [Value::Int(200), Value::Int(200), Value::Null, Value::Int(80), Value::Int(2)];
        assert_eq!(reply.outputs, [Value::list(wanted.to_vec())]);
        assert_eq!(reply.spent.tokens, 120);
    }
}

#[test]
fn results_share_the_room_in_order() {
    let items = ints([1, 2000, 2000, 2, 2000]);
    for workers in [1, 2, 8] {
        let call = Call { max_bytes: 2100, ..OPEN };
        let reply = run(0, &call, &items, workers).expect("some");
        let Value::List(list) = &reply.outputs[0] else { panic!("no list") };
        let kinds: Vec<&str> = list.iter().map(Value::type_name).collect();
        assert_eq!(kinds, ["int", "text", "text", "int", "null"]);
        assert!(reply.outputs[0].size() <= 2100);
    }
}

#[test]
fn time_that_is_over_fails_the_rest() {
    let call = Call { timeout: Duration::from_millis(20), ..OPEN };
    let reply = run(0, &call, &ints(0..100), 1).expect("some");
    let Value::List(list) = &reply.outputs[0] else { panic!("no list") };
    assert_eq!(list.get(0), Some(&Value::Int(0)));
    assert_eq!(list.get(99), Some(&Value::Null));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn workers_change_nothing(
        items in proptest::collection::vec(-50_i64..1100, 1..120),
        tokens in 0_u64..20_000,
        gas in 0_u64..200,
        max_bytes in 200_u64..6000,
    ) {
        let max_spend = Spend { tokens, ..Spend::UNLIMITED };
        let call = Call { max_spend, max_bytes, max_gas: gas + 10_000, ..OPEN };
        let items = ints(items);
        let alone = run(150, &call, &items, 1);
        if let Ok(reply) = &alone {
            prop_assert!(reply.spent.tokens <= tokens && reply.cost <= call.max_gas);
            prop_assert!(reply.outputs[0].size() <= max_bytes);
        }
        for workers in [2, 8] {
            prop_assert_eq!(&run(150, &call, &items, workers), &alone);
        }
    }
}
