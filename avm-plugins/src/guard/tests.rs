use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use avm_ir::Value;
use avm_vm::{FailureCode, IdempotencyKey, Spend};

use super::{Ask, Guard, Watch};
use crate::{
    host::{Host, NoHost},
    provider::{Call, Determinism, Function, Manifest, Outcome, Reaches, Refusal, Reply},
    shape::Shape,
};

mod limits;

const CALL: Call = Call {
    max_bytes: u64::MAX,
    max_units: u64::MAX,
    max_gas: u64::MAX,
    max_spend: Spend::UNLIMITED,
    timeout: Duration::MAX,
    idempotency_key: IdempotencyKey::Given([7; 32]),
};

fn manifest(reaches: Reaches) -> Manifest {
    let function = |name: &str| Function::new(name, "", Shape::Any, Shape::Text);
    let functions = vec![function("read"), function("write").once()];
    let determinism = match reaches {
        Reaches::Nothing => Determinism::Pure,
        _ => Determinism::Outside,
    };
    Manifest { determinism, reaches, ..Manifest::pure("a test", functions) }
}

struct Bench {
    guard: Guard,
    host: Arc<NoHost>,
    manifest: Manifest,
}

fn bench(keys: &str, reaches: Reaches) -> Bench {
    let table: toml::Table = keys.parse().expect("TOML");
    let watch: Watch = table.try_into().expect("keys of the guard");
    let host = Arc::new(NoHost::default());
    let guard = Guard::new("tool \"T\"".to_owned(), watch, Arc::clone(&host) as Arc<dyn Host>);
    Bench { guard, host, manifest: manifest(reaches) }
}

impl Bench {
    fn ask(
        &self,
        function: &str,
        job: impl Fn(&Call) -> Outcome + Send + Sync + 'static,
    ) -> Outcome {
        self.guard.call(&CALL, &self.manifest, Ask { function, args: None }, job)
    }

    fn ok(&self) -> Outcome {
        self.ask("read", |_| Ok(Reply::ok(0)))
    }

    fn fail(&self, code: FailureCode) -> Refusal {
        self.ask("read", move |_| Err(Refusal::new(code, "no"))).expect_err("it fails")
    }
}

fn unavailable() -> Refusal {
    Refusal::new(FailureCode::Unavailable, "busy")
}

/// A job that fails as unavailable so many times and then gives `OK`, and its number of calls.
fn flaky(failures: u32) -> (Arc<AtomicU32>, impl Fn(&Call) -> Outcome + Send + Sync + 'static) {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&calls);
    let job = move |_: &Call| match counter.fetch_add(1, Ordering::SeqCst) {
        n if n < failures => Err(unavailable().after(10)),
        _ => Ok(Reply::ok(1)),
    };
    (calls, job)
}

#[test]
fn shapes_hold_on_both_sides() {
    let shape: Shape = "{city: text}".parse().expect("a shape");
    let mut bench = bench("", Reaches::Nothing);
    bench.manifest.functions = vec![Function::new("read", "", shape.clone(), shape)];
    let city = |city: Value| Value::Record(avm_ir::value::Record::from_iter([("city", city)]));
    let call = |args: Value, answer: Value| {
        let ask = Ask { function: "read", args: Some(&args) };
        bench.guard.call(&CALL, &bench.manifest, ask, move |_| Ok(Reply::new(answer.clone(), 3)))
    };
    let (rome, five) = (city(Value::text("Rome")), city(Value::Int(5)));
    assert!(call(rome.clone(), rome.clone()).is_ok());
    let refused = call(five.clone(), rome.clone()).expect_err("an int is no city");
    assert_eq!(refused.failure.code, FailureCode::InvalidArgument);
    assert_eq!(refused.failure.message, "arguments of read: .city must be text, found int");
    let wrong = call(rome, five).expect_err("an int is no city");
    assert_eq!((wrong.failure.code, wrong.units), (FailureCode::Internal, 3));
    assert_eq!(wrong.failure.message, "answer of tool \"T\": .city must be text, found int");
}

#[test]
fn what_may_pass_is_asked_again_with_longer_pauses() {
    let bench = bench("backoff = \"100ms\"", Reaches::Network);
    let (calls, job) = flaky(2);
    let reply = bench.ask("read", job).expect("the third try is fine");
    assert_eq!((calls.load(Ordering::SeqCst), reply.units), (3, 21), "failed work is paid");
    let waited = bench.host.now();
    assert!((150..=300).contains(&waited.as_millis()), "{waited:?}");

    let (calls, job) = flaky(9);
    let refusal = bench.ask("read", job).expect_err("two retries are not enough");
    assert_eq!((calls.load(Ordering::SeqCst), refusal.units), (3, 30));
    assert_eq!(refusal.failure.message, "busy (asked 3 times)");
}

#[test]
fn what_does_something_is_asked_once() {
    for (function, keys, reaches, wanted) in [
        ("write", "retries = 5", Reaches::Network, 1),
        ("read", "retries = 0", Reaches::Network, 1),
        ("read", "", Reaches::Files, 1),
        ("read", "retries = 1", Reaches::Files, 2),
        ("unlisted", "retries = 5", Reaches::Network, 1),
    ] {
        let bench = bench(keys, reaches);
        let (calls, job) = flaky(9);
        bench.ask(function, job).expect_err("it always fails");
        assert_eq!(calls.load(Ordering::SeqCst), wanted, "{function} {keys}");
    }
    for code in FailureCode::ALL {
        let bench = bench("", Reaches::Network);
        let calls = Arc::new(AtomicU32::new(0));
        let (counter, code) = (Arc::clone(&calls), *code);
        let job = move |_: &Call| {
            counter.fetch_add(1, Ordering::SeqCst);
            Err(Refusal::new(code, "no"))
        };
        bench.ask("read", job).expect_err("it always fails");
        let passes = matches!(code, FailureCode::Unavailable | FailureCode::Timeout);
        assert_eq!(calls.load(Ordering::SeqCst), if passes { 3 } else { 1 }, "{code:?}");
    }
}

#[test]
fn retries_stay_within_the_time_and_the_budget_of_the_call() {
    let bench = bench("retries = 9\nbackoff = \"1s\"", Reaches::Files);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let call = Call { timeout: Duration::from_secs(3), max_units: 25, ..CALL };
    let ask = Ask { function: "read", args: None };
    let refusal = bench.guard.call(&call, &bench.manifest, ask, move |call| {
        log.lock().expect("log").push((call.max_units, call.timeout <= Duration::from_secs(3)));
        Err(unavailable().after(10))
    });
    assert_eq!(refusal.expect_err("it always fails").units, 30);
    assert_eq!(*seen.lock().expect("log"), [(25, true), (15, true), (5, true)]);
    assert!(bench.host.now() < Duration::from_secs(3));
}

#[test]
fn pauses_depend_on_the_call_alone_and_differ_between_calls() {
    let waited = |key: u8| {
        let bench = bench("retries = 5", Reaches::Files);
        let (_, job) = flaky(9);
        let call = Call { idempotency_key: IdempotencyKey::Given([key; 32]), ..CALL };
        let ask = Ask { function: "read", args: None };
        bench.guard.call(&call, &bench.manifest, ask, job).expect_err("it always fails");
        bench.host.now()
    };
    assert_eq!(waited(1), waited(1));
    assert_ne!(waited(1), waited(200));
}

#[test]
fn a_rate_makes_calls_wait_or_fail() {
    let patient = bench("rate = \"2/s\"", Reaches::Files);
    for _ in 0..6 {
        patient.ok().expect("it waits");
    }
    assert_eq!(
        patient.host.now(),
        Duration::from_secs(2),
        "two at once, then one each half second"
    );
    let hasty = bench("rate = \"2/min\"\ntimeout = \"5s\"", Reaches::Files);
    hasty.ok().expect("the first");
    hasty.ok().expect("the second");
    let refusal = hasty.ok().expect_err("the third would wait half a minute");
    assert_eq!(refusal.failure.code, FailureCode::Unavailable);
    assert_eq!(
        refusal.failure.message,
        "the rate of tool \"T\" is used up for 30.0 s, longer than its time-out"
    );
    hasty.host.sleep(Duration::from_secs(30));
    hasty.ok().expect("half a minute later");
}

#[test]
fn a_breaker_opens_lets_a_probe_through_and_closes() {
    let keys = "breaker = { failures = 2, rest = \"30s\" }";
    let bench = bench(keys, Reaches::Files);
    bench.fail(FailureCode::Internal);
    bench.fail(FailureCode::NotFound);
    bench.fail(FailureCode::Timeout);
    bench.ok().expect("one failure in a row only");
    bench.fail(FailureCode::Internal);
    bench.fail(FailureCode::Unavailable);
    let refusal = bench.ok().expect_err("it rests");
    assert_eq!(refusal.failure.code, FailureCode::Unavailable);
    assert_eq!(refusal.failure.message, "tool \"T\" failed too often and rests for 30.0 s more");
    bench.host.sleep(Duration::from_secs(30));
    assert_eq!(bench.fail(FailureCode::Internal).failure.message, "no", "the probe is asked");
    assert_ne!(bench.fail(FailureCode::Internal).failure.message, "no", "and failed");
    bench.host.sleep(Duration::from_secs(30));
    bench.ok().expect("the probe");
    bench.ok().expect("closed again");
}

#[test]
fn the_price_of_a_call_is_reserved_and_added() {
    let mut bench = bench("", Reaches::Nothing);
    bench.manifest.cost = 400;
    let ask = Ask { function: "read", args: None };
    let run = |max_gas: u64| {
        let call = Call { max_gas, max_bytes: 1000, max_units: 10, ..CALL };
        bench.guard.call(&call, &bench.manifest, ask, |call| {
            assert_eq!((call.max_bytes, call.max_units, call.max_gas), (600, 6, 600));
            Ok(Reply { cost: 5, ..Reply::ok(0) })
        })
    };
    assert_eq!(run(1000).expect("it is paid").cost, 405);
    let refusal = run(399).expect_err("it is not paid");
    assert_eq!(refusal.failure.code, FailureCode::GasLimit);
    assert_eq!(
        refusal.failure.message,
        "a call of tool \"T\" costs 400 nanogas, and 399 are left for it"
    );
}

#[test]
fn answers_are_capped() {
    let of = |bytes: usize| move |_: &Call| Ok(Reply::new(Value::text(&"x".repeat(bytes)), 0));
    let outside = bench("", Reaches::Devices);
    outside.ask("read", of(1_000_000)).expect("less than 1 MiB");
    let refusal = outside.ask("read", of(1_100_000)).expect_err("more than 1 MiB");
    assert_eq!(refusal.failure.code, FailureCode::TooLarge);
    bench("", Reaches::Nothing).ask("read", of(1_100_000)).expect("what computes has no cap");
    let capped = bench("max_bytes = \"1KiB\"", Reaches::Nothing);
    let refusal = capped.ask("read", of(1025)).expect_err("a byte too many");
    assert!(refusal.failure.message.contains("more than its max_bytes 1024"), "{refusal:?}");
}

#[test]
fn a_panic_is_a_failure() {
    for reaches in [Reaches::Nothing, Reaches::Network] {
        let bench = bench("", reaches);
        let refusal = bench.ask("read", |_| panic!("index {}", 5)).expect_err("it panics");
        assert_eq!(refusal.failure.code, FailureCode::Internal);
        assert_eq!(refusal.failure.message, "tool \"T\" broke down: index 5");
        bench.ok().expect("the guard is fine");
    }
}

#[test]
fn what_hangs_is_left_behind_and_only_few_times() {
    let bench =
        bench("timeout = \"5ms\"\nretries = 0\nbreaker = { failures = 0 }", Reaches::Network);
    let (release, hanging) = mpsc::channel::<()>();
    let hanging = Arc::new(Mutex::new(hanging));
    std::thread::scope(|scope| {
        for _ in 0..super::thread::MOST {
            scope.spawn(|| {
                let hanging = Arc::clone(&hanging);
                let refusal = bench.ask("read", move |_| {
                    let _ = hanging.lock().expect("the channel").recv();
                    Ok(Reply::ok(0))
                });
                let refusal = refusal.expect_err("it hangs");
                assert_eq!(refusal.failure.code, FailureCode::Timeout);
                assert_eq!(refusal.failure.message, "no answer of tool \"T\" within 5ms");
            });
        }
    });
    let refusal = bench.ok().expect_err("too many hang");
    assert_eq!(refusal.failure.code, FailureCode::Unavailable);
    assert_eq!(refusal.failure.message, "4 earlier calls of tool \"T\" have not come back");
    drop(release);
    while bench.guard.hung.count() > 0 {
        std::thread::yield_now();
    }
    bench.ok().expect("they came back");
}

#[test]
fn keys_say_what_is_wrong_with_them() {
    for (keys, wanted) in [
        (
            "timeout = \"5 parsecs\"",
            "\"5 parsecs\" is not a time such as \"250ms\", \"5s\", \"2min\"",
        ),
        ("timeout = 5", "5 is not a time such as \"250ms\", \"5s\", \"2min\""),
        (
            "timeout = \"99999999h\"",
            "\"99999999h\" is not a time such as \"250ms\", \"5s\", \"2min\"",
        ),
        ("max_bytes = \"many\"", "\"many\" is not a size such as \"64KiB\" or \"1MiB\""),
        ("max_bytes = -1", "-1 is not a size such as \"64KiB\" or \"1MiB\""),
        ("rate = \"0/s\"", "\"0/s\" is not a rate such as \"10/s\" or \"600/min\""),
        ("rate = \"5/year\"", "\"5/year\" is not a rate such as \"10/s\" or \"600/min\""),
        ("breaker = { fails = 1 }", "unknown field `fails`, expected `failures` or `rest`"),
    ] {
        let table: toml::Table = keys.parse().expect("TOML");
        let error = table.try_into::<Watch>().expect_err(keys);
        assert_eq!(error.message(), wanted, "{keys}");
    }
    let all = "timeout = \"2min\"\nmax_bytes = 500\nretries = 1\nbackoff = \"1s\"\nrate = \"5/min\"\n[breaker]";
    let table: toml::Table = all.parse().expect("TOML");
    assert!(table.keys().all(|key| super::KEYS.contains(&key.as_str())));
    table.try_into::<Watch>().expect("every key");
}
