//! HPC tasks through the registry: every way in which the whitepaper's trading agent can fare.

#[path = "support/bench.rs"]
#[allow(dead_code, reason = "each of these tests uses a part of it")]
mod bench;

use std::time::Duration;

use avm_ir::{NameKind, Opcode, Value};
use avm_vm::meter::CREDIT;

use bench::{Bench, json};

const PAYLOAD: &str = r#"{"sentiment":0.3,"days":2}"#;

/// The result's status or the failure, and the credits spent.
fn analyse(bench: &mut Bench, payload: &str, budget: i64, retries: i64) -> String {
    let before = bench.left.credits;
    let args = [json(payload), Value::Int(budget), Value::Int(retries)];
    let answer = bench.answer(Opcode::HPC_EXTENDED_ANALYSIS, &args);
    let credits = (before - bench.left.credits) / CREDIT;
    let told = match answer.result {
        Ok(outputs) => match &outputs[0] {
            Value::Record(record) => avm_ir::value::to_json(record.get("status").unwrap()),
            other => panic!("{other:?}"),
        },
        Err(failure) => failure.to_string(),
    };
    format!("{told}, {credits} credits")
}

#[test]
fn every_way_an_analysis_can_end() {
    let fare = |keys: &str, budget, retries| {
        let mut bench = Bench::new("");
        bench.bind(NameKind::Subnet, "TAO_DeepTrain", "builtin:pool", keys);
        analyse(&mut bench, PAYLOAD, budget, retries)
    };
    assert_eq!(fare("", 50, 2), "\"COMPLETE\", 20 credits");
    assert_eq!(fare("", 10, 2), "\"PARTIAL\", 10 credits");
    assert_eq!(fare("max_chunks = 5", 50, 2), "\"PARTIAL\", 5 credits");
    assert_eq!(fare("fail_first = 2", 50, 2), "\"COMPLETE\", 22 credits");
    // What failed attempts used is missing at the end.
    assert_eq!(fare("fail_first = 2", 12, 2), "\"PARTIAL\", 12 credits");
    let failed = |times, why: &str, credits| {
        let on = "the analysis on TAO_DeepTrain failed";
        format!("task-failed: {on} {times} times: {why}, {credits} credits")
    };
    let broke = "the task broke down, as fail_first says";
    assert_eq!(fare("fail_first = 3", 50, 2), failed(3, broke, 3));
    let poor = "0 credits do not pay for a chunk, which costs 1";
    assert_eq!(fare("", 0, 2), failed(3, poor, 0));
    assert_eq!(
        fare("stall_after = 4", 50, 2),
        "timeout: the analysis on TAO_DeepTrain is not done after 60s, 4 credits"
    );
    let over =
        "over-budget: the call needs 2000 from the budget credits, which has 1000 left, 0 credits";
    assert_eq!(fare("", 2_000, 2), over);
    assert_eq!(
        analyse(&mut Bench::new(""), "\"how are you\"", 50, 2),
        "invalid-argument: sentiment must be a number from -1 to 1, found \"how are you\", 0 credits"
    );
}

#[test]
fn an_analysis_needs_no_configuration() {
    let mut bench = Bench::new("");
    assert_eq!(analyse(&mut bench, "0", 50, 0), "\"COMPLETE\", 20 credits");
    bench.bind(NameKind::Subnet, "Mine", "builtin:pool", "max_chunks = 1");
    assert_eq!(analyse(&mut bench, "0", 50, 0), "\"PARTIAL\", 1 credits");
    bench.bind(NameKind::Subnet, "Other", "builtin:pool", "default = true\nmax_chunks = 2");
    assert_eq!(analyse(&mut bench, "0", 50, 0), "\"PARTIAL\", 2 credits");
}

#[test]
fn a_task_is_started_waited_for_and_forgotten() {
    let mut bench = Bench::new("");
    let full = bench.left;
    let migrate = [Value::text("TAO_DeepTrain"), json("[1, 2, 3]"), Value::Int(5)];
    let task = bench.answer(Opcode::HPC_MIGRATE, &migrate).result.unwrap().remove(0);
    assert_eq!(full.credits - bench.left.credits, 5 * CREDIT);
    assert_eq!(bench.ask(Opcode::WAIT_FOR_TASK, std::slice::from_ref(&task)), "\"COMPLETE\"");
    assert_eq!(full.credits - bench.left.credits, CREDIT);
    let result = bench.ask(Opcode::WAIT_FOR_RESPONSE, &[Value::text("TAO_DeepTrain")]);
    assert!(result.starts_with(r#"{"count":3,"credits":1,"max":3.0,"mean":2.0,"#), "{result}");
    assert_eq!(
        bench.ask(Opcode::WAIT_FOR_TASK, &[task]),
        "not-found: there is no such task, or its result was taken"
    );
    assert_eq!(full.credits - bench.left.credits, CREDIT);
    let nowhere = [Value::text("Moon"), Value::Int(0), Value::Int(5)];
    assert_eq!(
        bench.ask(Opcode::HPC_MIGRATE, &nowhere),
        "not-granted: subnet \"Moon\" is not granted; bind it in avm.toml or with --bind subnet:Moon=PROVIDER"
    );
}

#[test]
fn waiting_takes_as_long_as_the_instruction_or_the_operator_says() {
    let mut bench = Bench::new("");
    bench.bind(NameKind::Subnet, "S", "builtin:pool", "stall_after = 3");
    bench.registry.set_patience(Duration::from_secs(7));
    let migrate = [Value::text("S"), json(PAYLOAD), Value::Int(50)];
    let task = bench.answer(Opcode::HPC_MIGRATE, &migrate).result.unwrap().remove(0);
    let mut wait = |timeout| {
        let before = bench.left;
        let told = bench.ask(Opcode::WAIT_FOR_TASK, &[task.clone(), timeout]);
        assert_eq!(bench.left, before);
        format!("{told} at {:?}", avm_plugins::host::Host::now(&*bench.host))
    };
    let late = "timeout: task 1 on S is not done after";
    assert_eq!(wait(Value::float(0.5)), format!("{late} 500ms at 500ms"));
    assert_eq!(wait(Value::Null), format!("{late} 7s at 7.5s"));
    assert_eq!(wait(Value::Int(i64::MAX)), format!("{late} 86400s at 86407.5s"));
}

#[test]
fn a_suspended_run_gets_the_same_results() {
    let run = |interrupted: bool| {
        let mut bench = Bench::new("");
        bench.bind(NameKind::Subnet, "S", "builtin:pool", "fail_first = 1\nmax_chunks = 9");
        let migrate = [Value::text("S"), json(PAYLOAD), Value::Int(50)];
        let tasks = [0; 3].map(|_| bench.answer(Opcode::HPC_MIGRATE, &migrate).result.unwrap());
        bench.ask(Opcode::WAIT_FOR_TASK, &tasks[1]);
        if interrupted {
            let state = bench.registry.save();
            let left = bench.left;
            bench = Bench::new("");
            bench.bind(NameKind::Subnet, "S", "builtin:pool", "fail_first = 1\nmax_chunks = 9");
            bench.registry.restore(&state).unwrap();
            bench.left = left;
            // Keys go on where they were.
            (0..4).for_each(|_| drop(bench.ask(Opcode::CHECK_GPU_LOAD, &[Value::text("cpu")])));
        }
        let ends = tasks.map(|task| bench.ask(Opcode::WAIT_FOR_RESPONSE, &task));
        (ends, bench.left)
    };
    assert_eq!(run(true), run(false));
}
