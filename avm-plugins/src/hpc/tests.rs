use std::sync::Arc;

use super::*;
use crate::{
    host::{Host, NoHost},
    provider::TaskEnd,
};
use avm_vm::{Spend, meter::CREDIT};

fn pool(keys: &str) -> Pool {
    let table = toml::from_str(keys).unwrap();
    let settings = Settings { table, ..Settings::empty("P", Arc::new(NoHost::default())) };
    Pool::new(&settings).unwrap()
}

fn call(key: u64) -> Call {
    let mut idempotency_key = [0; 32];
    idempotency_key[..8].copy_from_slice(&key.to_le_bytes());
    Call {
        max_bytes: u64::MAX,
        max_units: u64::MAX,
        max_gas: u64::MAX,
        max_spend: Spend::UNLIMITED,
        timeout: Duration::from_secs(60),
        idempotency_key: idempotency_key.into(),
    }
}

fn record(fields: &[(&str, Value)]) -> Value {
    Value::Record(Record::from_iter(fields.iter().cloned()))
}

fn run(pool: &Pool, key: u64, payload: &Value, credits: u64) -> Report {
    let task = pool.start(&call(key), payload, credits * CREDIT).unwrap();
    let report = pool.wait(task, Duration::from_secs(60)).unwrap();
    pool.cancel(task);
    report
}

fn field(report: &Report, name: &str) -> f64 {
    let Value::Record(record) = &report.result else { panic!("no record: {report:?}") };
    match record.get(name) {
        Some(Value::Float(float)) => *float,
        Some(Value::Int(int)) => *int as f64,
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn results_depend_on_payload_and_credits_alone() {
    let payload = record(&[("sentiment", Value::float(0.4)), ("days", Value::Int(5))]);
    let alone = run(&pool("workers = 1"), 1, &payload, 50);
    assert_eq!(alone.end, TaskEnd::Complete);
    assert_eq!(alone.credits, 20 * CREDIT);
    for workers in [2, 5] {
        let pool = pool(&format!("workers = {workers}"));
        assert_eq!(run(&pool, 1, &payload, 50), alone);
        assert_eq!(run(&pool, 2, &payload, 20), alone);
    }
    assert_ne!(run(&pool("seed = 1"), 1, &payload, 50).result, alone.result);
}

#[test]
fn credits_pay_for_the_first_chunks() {
    let pool = pool("");
    let payload = record(&[("sentiment", Value::Int(0)), ("days", Value::Int(2))]);
    let part = run(&pool, 1, &payload, 10);
    assert_eq!((part.end, part.credits), (TaskEnd::Partial, 10 * CREDIT));
    assert_eq!(field(&part, "paths"), 10_000.0);
    let fewer = record(&[
        ("sentiment", Value::Int(0)),
        ("days", Value::Int(2)),
        ("paths", Value::Int(10_000)),
    ]);
    let whole = run(&pool, 2, &fewer, 10);
    assert_eq!(whole.end, TaskEnd::Complete);
    assert_eq!(field(&whole, "mean").to_bits(), field(&part, "mean").to_bits());

    let nothing = run(&pool, 3, &payload, 0);
    assert_eq!((nothing.end, nothing.credits), (TaskEnd::Failed, 0));
    assert_eq!(nothing.message, "0 credits do not pay for a chunk, which costs 1");
    // Two credits for a chunk of more than 30 days.
    let long = record(&[("sentiment", Value::Int(0)), ("days", Value::Int(31))]);
    assert_eq!(run(&pool, 4, &long, 5).credits, 4 * CREDIT);
}

#[test]
fn simulations_agree_with_theory() {
    let pool = pool("");
    let report = run(&pool, 1, &Value::float(0.5), 50);
    // Mean of geometric Brownian motion: price times e to drift times time.
    let time = 30.0 / 365.0;
    let mean = 100.0 * libm::exp(0.25 * time);
    let sigma = mean * libm::sqrt(libm::exp(0.36 * time) - 1.0);
    assert!((field(&report, "mean") - mean).abs() < 4.0 * sigma / libm::sqrt(20_000.0));
    assert!((field(&report, "stdev") / sigma - 1.0).abs() < 0.03);
    let median = 100.0 * libm::exp((0.25 - 0.18) * time);
    assert!((field(&report, "p50") - median).abs() < 0.5);
    let (low, high) = (field(&report, "p05"), field(&report, "p95"));
    assert!(low < median && median < high);
    assert!((0.0..1.0).contains(&field(&report, "drawdown")));

    let gain = |sentiment: f64, key| {
        field(&run(&pool, key, &Value::float(sentiment), 50), "probability_of_gain")
    };
    assert!(gain(-1.0, 2) < gain(0.0, 3) && gain(0.0, 4) < gain(1.0, 5));
    // The bits of one result, so that a change of any of them is seen.
    assert_eq!(field(&report, "mean").to_bits(), MEAN_BITS, "{}", field(&report, "mean"));
}

/// Of 20,000 paths of 30 days at sentiment 0.5.
const MEAN_BITS: u64 = 4_636_882_700_266_538_285;

#[test]
fn statistics_of_numbers() {
    let pool = pool("");
    let values = Value::list((1..=5).map(Value::Int).collect());
    let report = run(&pool, 1, &values, 1);
    assert_eq!(report.end, TaskEnd::Complete);
    for (name, value) in
        [("count", 5.0), ("mean", 3.0), ("min", 1.0), ("max", 5.0), ("median", 3.0), ("p25", 2.0)]
    {
        assert_eq!(field(&report, name), value, "{name}");
    }
    assert_eq!(field(&report, "stdev"), libm::sqrt(2.5));

    let many = Value::list((0..25_000).map(Value::Int).collect());
    let part = run(&pool, 2, &record(&[("task", Value::text("statistics")), ("values", many)]), 2);
    assert_eq!((part.end, field(&part, "count")), (TaskEnd::Partial, 20_000.0));
}

#[test]
fn what_is_not_computed_is_refused() {
    let pool = pool("");
    let refused = |payload: Value| {
        let refusal = pool.start(&call(1), &payload, CREDIT).unwrap_err();
        assert_eq!(refusal.failure.code, FailureCode::InvalidArgument);
        refusal.failure.message
    };
    assert_eq!(
        refused(record(&[("task", Value::text("train"))])),
        "there is no task \"train\"; there are analysis, statistics"
    );
    assert_eq!(refused(Value::text("x")), "sentiment must be a number from -1 to 1, found \"x\"");
    assert_eq!(
        refused(Value::float(f64::NAN)),
        "sentiment must be a number from -1 to 1, found NaN"
    );
    let zero = Value::Int(0);
    assert_eq!(
        refused(record(&[("sentiment", zero.clone()), ("paths", Value::Int(1_000_000_000))])),
        "paths must be an int from 1 to 100000, found 1000000000"
    );
    for payload in [
        Value::list(Vec::new()),
        Value::list(vec![Value::text("1")]),
        Value::vector(vec![f32::INFINITY]),
        record(&[("sentiment", zero), ("days", Value::float(1.0))]),
        record(&[]),
    ] {
        refused(payload);
    }
    assert!(pool.wait(7, Duration::ZERO).is_err());
}

#[test]
fn faults_on_demand() {
    let payload = record(&[("sentiment", Value::Int(0)), ("days", Value::Int(1))]);
    let broken = pool("fail_first = 2");
    for key in [1, 2] {
        let report = run(&broken, key, &payload, 50);
        assert_eq!((report.end, report.credits), (TaskEnd::Failed, CREDIT));
        assert_eq!(report.message, "the task broke down, as fail_first says");
    }
    assert_eq!(run(&broken, 3, &payload, 50).end, TaskEnd::Complete);

    assert_eq!(run(&pool("max_chunks = 3"), 1, &payload, 50).end, TaskEnd::Partial);

    let host = Arc::new(NoHost::default());
    let table = toml::from_str("stall_after = 4\nslow_ms = 5").unwrap();
    let settings = Settings { table, ..Settings::empty("P", host.clone()) };
    let stalled = run(&Pool::new(&settings).unwrap(), 1, &payload, 50);
    assert_eq!((stalled.end, stalled.credits), (TaskEnd::Running, 4 * CREDIT));
    assert_eq!(field(&stalled, "paths"), 4_000.0);
    assert_eq!(host.now(), Duration::from_millis(60_020));
}

#[test]
fn a_call_starts_one_task() {
    let pool = pool("max_tasks = 2");
    let start = |key| pool.start(&call(key), &Value::Int(0), CREDIT);
    assert_eq!((start(1).unwrap(), start(1).unwrap(), start(2).unwrap()), (1, 1, 2));
    assert_eq!(start(3).unwrap_err().failure.code, FailureCode::Unavailable);
    pool.cancel(1);
    assert_eq!(start(3).unwrap(), 3);
}

#[test]
fn restored_tasks_give_the_same() {
    let keys = "fail_first = 1";
    let before = pool(keys);
    assert_eq!(before.save(), Value::Null);
    let short = record(&[("sentiment", Value::Int(1)), ("days", Value::Int(1))]);
    let tasks = [(1, 50), (2, 50), (3, 7)]
        .map(|(key, credits)| before.start(&call(key), &short, credits * CREDIT).unwrap());
    let after = pool(keys);
    after.start(&call(9), &Value::Int(0), 100 * CREDIT).unwrap();
    after.restore(&before.save()).unwrap();
    let ends = tasks.map(|task| {
        let reports = [&before, &after].map(|p| p.wait(task, Duration::from_secs(60)).unwrap());
        assert_eq!(reports[0], reports[1]);
        reports[0].end
    });
    assert_eq!(ends, [TaskEnd::Failed, TaskEnd::Complete, TaskEnd::Partial]);
    assert_eq!(after.start(&call(4), &short, CREDIT).unwrap(), 4);
    for wrong in [Value::Int(1), record(&[]), record(&[("next", Value::Int(1))])] {
        assert!(after.restore(&wrong).is_err());
    }
}

#[test]
fn dropping_a_pool_ends_its_threads() {
    let pool = pool("workers = 3");
    pool.start(&call(1), &Value::Int(0), 100 * CREDIT).unwrap();
    drop(pool);
}
