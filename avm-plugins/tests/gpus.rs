//! GPU leases through the registry: a fresh machine lends the slot that is no GPU, an operator more.

#[path = "support/bench.rs"]
#[allow(dead_code, reason = "each of these tests uses a part of it")]
mod bench;

use std::time::Duration;

use avm_ir::{NameKind, Opcode, Value};
use avm_plugins::{
    host::Host,
    registry::{Binding, Origin},
};

use bench::Bench;

fn lease(gpu: &str, seconds: i64) -> [Value; 2] {
    [Value::text(gpu), Value::Int(seconds)]
}

#[test]
fn a_lease_from_start_to_end() {
    let mut bench = Bench::new("");
    let full = bench.left.gpu;
    assert_eq!(bench.ask(Opcode::ALLOCATE_GPU, &lease("cpu/2", 60)), "\"OK\"");
    assert_eq!(full - bench.left.gpu, 60_000);
    assert_eq!(bench.ask(Opcode::CHECK_GPU_LOAD, &[Value::text("cpu")]), "0.5");
    bench.host.sleep(Duration::from_millis(1_500));
    assert_eq!(bench.ask(Opcode::RELEASE_GPU, &[Value::text("cpu/2")]), "nothing");
    assert_eq!(full - bench.left.gpu, 2_000);
    assert_eq!(
        bench.ask(Opcode::RELEASE_GPU, &[Value::text("cpu/2")]),
        "not-found: there is no lease of cpu/2, or its time is over"
    );
    assert_eq!(bench.ask(Opcode::ALLOCATE_GPU, &lease("cpu", 1)), "\"OK\"");
    assert_eq!(
        bench.ask(Opcode::ALLOCATE_GPU, &lease("cpu", 1)),
        "unavailable: too little of cpu is free; release it, or wait for leases to end"
    );
    bench.host.sleep(Duration::from_secs(1));
    assert_eq!(bench.ask(Opcode::ALLOCATE_GPU, &lease("cpu", 1)), "\"OK\"");
    assert_eq!(
        bench.ask(Opcode::ALLOCATE_GPU, &lease("cpu", 100_000)),
        "over-budget: the call needs 100000 s from the budget gpu, which has 3596 s left"
    );
}

#[test]
fn what_is_lent() {
    let mut bench = Bench::new("");
    let load =
        |bench: &mut Bench, gpu: &str| bench.ask(Opcode::CHECK_GPU_LOAD, &[Value::text(gpu)]);
    assert_eq!(
        load(&mut bench, "A100"),
        "not-granted: gpu \"A100\" is not granted; grant it in avm.toml or with --grant gpu:A100"
    );
    bench.registry.grants_mut().allow(NameKind::Gpu, "gpu7", Origin::Operator);
    for gpu in ["gpu7", "gpu7/2"] {
        assert!(load(&mut bench, gpu).starts_with("not-found: there is no GPU \"gpu7\"; "));
    }
    let table = toml::from_str("slots = [\"A100\"]").unwrap();
    let binding = Binding { table, ..Binding::to("builtin:devices", Origin::Config) };
    bench.registry.bind_gpus(binding).unwrap();
    assert_eq!(load(&mut bench, "A100"), "0.0");
    assert_eq!(bench.ask(Opcode::ALLOCATE_GPU, &lease("A100/4", 5)), "\"OK\"");
    assert_eq!(load(&mut bench, "A100"), "0.25");
}

#[test]
fn a_suspended_run_keeps_its_leases() {
    let mut bench = Bench::new("");
    assert_eq!(bench.ask(Opcode::ALLOCATE_GPU, &lease("cpu", 60)), "\"OK\"");
    bench.host.sleep(Duration::from_secs(20));
    let state = bench.registry.save();
    let mut later = Bench::new("");
    later.host.sleep(Duration::from_secs(1_000));
    later.registry.restore(&state).unwrap();
    let refunded = later.answer(Opcode::RELEASE_GPU, &[Value::text("cpu")]).refund.gpu;
    assert_eq!(refunded, 40_000);
}
