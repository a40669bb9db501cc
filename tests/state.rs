//! The state's hash tells runs apart that go on differently.

use std::sync::Arc;

use avm_ir::{Schedule, Value};
use avm_vm::{Config, Image, Limits, Machine, Meter, OnExhausted, Pause};

fn machine(source: &str, config: Config) -> Machine {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("test", source, &mut avm_asm::NoSources, &options);
    let program = avm_ir::verify(assembly.program.expect("it assembles")).expect("it verifies");
    let image = Arc::new(Image::new(program, &Schedule::v1()));
    Machine::new(image, config).expect("it starts")
}

#[test]
fn hash_covers_policy_and_limits() {
    let hash = |config| machine("HALT\n", config).state_hash();
    let base = hash(Config::default());
    let limits = Limits::default();
    let others = [
        Config { on_exhausted: OnExhausted::Deny, ..Config::default() },
        Config { limits: Limits { call_depth: 5, ..limits }, ..Config::default() },
        Config { limits: Limits { log_entries: 5, ..limits }, ..Config::default() },
        Config { limits: Limits { memory: 1 << 20, ..limits }, ..Config::default() },
    ];
    for other in others {
        assert_ne!(base, hash(other.clone()), "{other:?}");
    }
}

#[test]
fn hash_covers_what_a_reset_puts_back() {
    let after = |n| {
        let inputs = vec![(String::from("n"), Value::Int(n))];
        let mut machine =
            machine(".input n\nSET n = 0\nHALT\n", Config { inputs, ..Config::default() });
        machine.run(1, &mut ());
        machine.state_hash()
    };
    assert_ne!(after(1), after(2));
}

#[test]
fn hash_covers_what_a_call_may_cost() {
    let source = "GPU_INFER \"m\", \"x\" -> r\n";
    let asked = |first, later| {
        let mut machine = machine(source, Config { gas: first, ..Config::default() });
        assert!(matches!(machine.run(9, &mut ()), Pause::Effect(_)));
        machine.top_up(Meter::Gas, later);
        machine
    };
    let gas = 50 * avm_ir::gas::GAS;
    let (late, early) = (asked(gas, gas), asked(2 * gas, 0));
    assert_eq!(late.gas_limit(), early.gas_limit());
    assert_ne!(late.state_hash(), early.state_hash());
}
