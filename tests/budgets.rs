//! Meters beside gas: limits that hold, time, top-ups that go on from the very state.

use std::sync::Arc;

use avm_ir::{Schedule, Value};
use avm_vm::{
    Answer, Budget, Config, End, Image, Machine, Meter, OnExhausted, Pause, Spend, TrapCode,
};

fn machine(source: &str, config: Config) -> Machine {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("test", source, &mut avm_asm::NoSources, &options);
    let program = avm_ir::verify(assembly.program.expect("it assembles")).expect("it verifies");
    let image = Arc::new(Image::new(program, &Schedule::v1()));
    Machine::new(image, config).expect("it starts")
}

fn limited(meter: Meter, limit: u64) -> Config {
    let mut config = Config { on_exhausted: OnExhausted::Suspend, ..Config::default() };
    *config.budget.amount_mut(meter).expect("not gas or memory") = limit;
    config
}

fn tokens(tokens: u64) -> Answer {
    let spent = Spend { tokens, ..Spend::NONE };
    Answer { spent, ..Answer::output(Value::text("an answer"), 0) }
}

const THREE_CALLS: &str = "FOR i IN 3 DO\n  GPU_INFER \"m\", \"x\" -> r\nENDFOR\n";

#[test]
fn a_top_up_asks_the_same_effect_again() {
    let run = |config| {
        let mut machine = machine(THREE_CALLS, config);
        let mut asked = Vec::new();
        loop {
            match machine.run(u64::MAX, &mut ()) {
                Pause::Slice => {}
                Pause::Effect(request) => {
                    asked.push(request.idempotency_key.bytes());
                    machine.answer(request.id, tokens(40), &mut ()).expect("it waits");
                }
                Pause::End(End::Exhausted(Meter::Tokens)) => {
                    assert!(machine.spent().spend.tokens <= machine.limit(Meter::Tokens));
                    // The meter of another kind does not help.
                    machine.top_up(Meter::Credits, 1);
                    assert_eq!(machine.end(), Some(&End::Exhausted(Meter::Tokens)));
                    machine.top_up(Meter::Tokens, 50);
                }
                Pause::End(end) => return (end, machine, asked),
            }
        }
    };
    let (end, whole, asked) = run(limited(Meter::Tokens, 150));
    let (again, hops, asked_again) = run(limited(Meter::Tokens, 50));
    assert_eq!(end, again);
    assert_eq!(whole.state_hash(), hops.state_hash());
    assert_eq!((asked.len(), asked_again.len()), (3, 5));
    assert_eq!(asked_again[1], asked_again[2], "the same key");
    assert_eq!(hops.used(Meter::Tokens), 120);
}

#[test]
fn time_ends_a_run_at_its_limit_and_not_beyond() {
    let mut machine = machine("WHILE true DO\nENDWHILE\n", limited(Meter::Wall, 100));
    machine.run(10, &mut ());
    machine.spend_wall(99);
    assert_eq!(machine.run(10, &mut ()), Pause::Slice);
    machine.spend_wall(50);
    assert_eq!(machine.used(Meter::Wall), 100);
    let steps = machine.steps();
    assert_eq!(machine.run(10, &mut ()), Pause::End(End::Exhausted(Meter::Wall)));
    assert_eq!(machine.steps(), steps);
    machine.top_up(Meter::Wall, 1);
    assert_eq!(machine.run(10, &mut ()), Pause::Slice);
}

#[test]
fn time_takes_back_an_effect_that_waits() {
    let mut machine = machine(THREE_CALLS, limited(Meter::Wall, 100));
    let Pause::Effect(request) = machine.run(u64::MAX, &mut ()) else { panic!("it asks") };
    assert_eq!(request.max_spend.wall, 100);
    let gas = machine.gas_used();
    machine.spend_wall(200);
    assert_eq!(machine.end(), Some(&End::Exhausted(Meter::Wall)));
    assert!(machine.answer(request.id, tokens(0), &mut ()).is_err(), "nothing waits");
    assert_eq!(machine.gas_used(), gas);
    machine.top_up(Meter::Wall, 10);
    let Pause::Effect(again) = machine.run(u64::MAX, &mut ()) else { panic!("it asks") };
    assert_eq!(again.idempotency_key, request.idempotency_key);
    assert_eq!(again.max_spend.wall, 10);
    // What passes while it waits is no longer there for its answer.
    machine.spend_wall(6);
    let late = Answer { spent: Spend { wall: 5, ..Spend::NONE }, ..tokens(0) };
    machine.answer(again.id, late, &mut ()).expect("it waits");
    assert_eq!(machine.end(), Some(&End::Exhausted(Meter::Wall)));
    assert_eq!(machine.used(Meter::Wall), 106);
}

#[test]
fn memory_is_a_trap_and_its_limit_can_be_raised() {
    let mut config = Config::default();
    config.limits.memory = 1 << 16;
    let source = "NOP\nSET t = REPEAT(\"x\", 100000)\n";
    let mut small = machine(source, config);
    small.run(1, &mut ());
    let mut large = small.clone();
    let Pause::End(End::Trapped(trap)) = small.run(u64::MAX, &mut ()) else { panic!("it traps") };
    assert_eq!(trap.code, TrapCode::OutOfMemory);
    large.top_up(Meter::Memory, 1 << 20);
    assert_eq!(large.limit(Meter::Memory), (1 << 16) + (1 << 20));
    assert_eq!(large.run(u64::MAX, &mut ()), Pause::End(End::Halted(Value::Null)));
}

#[test]
fn budgets_are_part_of_the_state() {
    let base = machine(THREE_CALLS, Config::default()).state_hash();
    for meter in Meter::ALL {
        if Budget::NONE.amount(*meter).is_some() {
            let other = machine(THREE_CALLS, limited(*meter, 7));
            assert_ne!(base, other.state_hash(), "{}", meter.name());
        }
    }
}
