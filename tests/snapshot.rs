//! Snapshots: a run goes on from one as if nothing had happened, and a forged one does no harm.

use std::sync::Arc;

use avm_ir::{Schedule, Value};
use avm_vm::{
    Answer, Config, End, FailureCode, Image, Machine, Meter, OnExhausted, Pause, SnapshotError,
};

fn image(source: &str) -> Arc<Image> {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("test", source, &mut avm_asm::NoSources, &options);
    let program = avm_ir::verify(assembly.program.expect("it assembles")).expect("it verifies");
    Arc::new(Image::new(program, &Schedule::v1()))
}

fn machine(source: &str) -> Machine {
    let config = Config { on_exhausted: OnExhausted::Suspend, ..Config::default() };
    Machine::new(image(source), config).expect("it starts")
}

/// Something of everything that a state has.
const ALL: &str = r#"
.input n = 3
SET words = ["a", {b: 2.5, c: null}]
KV_STORE "key", words
LOG words
SAVE_EXECUTION_STATE
SET chance = RANDOM(1, 1000000)
FROM_JSON "{" -> broken
SET total = walk(n)
SET last = RANDOM(1, 1000000)
.func walk(k)
  IF k == 0 THEN
    GPU_INFER "m", "x", gas_limit=20 -> r
    RETURN 1
  ENDIF
  SET below = walk(k - 1)
  RETURN below + RANDOM(1, 6)
.endfunc
"#;

fn answer(machine: &mut Machine, id: u64) {
    machine.answer(id, Answer::output(Value::text("yes"), 3), &mut ()).expect("it waits");
}

/// With this hash at its end.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let hash = blake3::Hasher::new_derive_key("aither avm state v1").update(&bytes[6..]).finalize();
    bytes.extend_from_slice(hash.as_bytes());
    bytes
}

#[test]
fn goes_on_from_every_step() {
    let mut whole = machine(ALL);
    let mut hops = whole.clone();
    loop {
        let pause = whole.run(1, &mut ());
        let bytes = hops.snapshot();
        hops = Machine::restore(hops.image().clone(), &bytes).expect("a snapshot");
        assert_eq!(hops.snapshot(), bytes);
        assert_eq!(hops.run(1, &mut ()), pause);
        assert_eq!(whole.state_hash(), hops.state_hash());
        match pause {
            Pause::Slice => {}
            Pause::Effect(request) => {
                hops =
                    Machine::restore(hops.image().clone(), &hops.snapshot()).expect("a snapshot");
                assert_eq!(hops.pending(), Some(&*request));
                answer(&mut whole, request.id);
                answer(&mut hops, request.id);
            }
            Pause::End(end) => {
                assert_eq!(end, End::Halted(Value::Null));
                assert!(whole.steps() > 30);
                assert_eq!(whole.register("last"), hops.register("last"));
                return;
            }
        }
    }
}

/// The same to whoever looks.
fn assert_alike(a: &Machine, b: &Machine) {
    assert_eq!(a.snapshot(), b.snapshot());
    assert_eq!(a.memory_used(), b.memory_used());
    assert!(a.registers().eq(b.registers()));
    assert_eq!(a.pending(), b.pending());
}

#[test]
fn forks_and_parked_ones_go_on_alike() {
    let mut whole = machine(ALL);
    assert_eq!(whole.register("n"), Some(&Value::Int(3)));
    assert_eq!(whole.register("total"), Some(&Value::Null));
    let mut hops = whole.clone();
    loop {
        assert_alike(&whole, &hops);
        hops = hops.clone();
        assert_alike(&whole, &hops);
        hops = hops.park().wake();
        assert_alike(&whole, &hops);
        hops = hops.park().wake().clone();
        let pause = whole.run(1, &mut ());
        assert_eq!(hops.run(1, &mut ()), pause);
        match pause {
            Pause::Slice => {}
            Pause::Effect(request) => {
                // What was forked or parked is answered before it runs.
                hops = hops.clone();
                answer(&mut hops, request.id);
                answer(&mut whole, request.id);
            }
            Pause::End(_) => break assert_alike(&whole, &hops),
        }
    }
}

#[test]
fn a_value_where_the_program_has_no_register_is_refused() {
    let machine = machine(".input a = 7\nSET b = a\n");
    let bytes = machine.snapshot();
    let body = &bytes[..bytes.len() - 32];
    let first = [3, 7, 0, 0, 0, 0, 0, 0, 0];
    let first = body.windows(9).position(|bytes| bytes == first).expect("the value of a");
    let forged = |register: usize| {
        let mut body = body.to_vec();
        // NULL becomes TRUE.
        body[first + 8 + register] = 2;
        Machine::restore(machine.image().clone(), &sealed(body))
    };
    assert_eq!(forged(1).expect("it has that one").register("b"), Some(&Value::Bool(true)));
    for register in [100, 255] {
        assert!(matches!(forged(register), Err(SnapshotError::State(_))), "{register}");
    }
}

#[test]
fn what_only_tells_runs_apart_is_kept_and_not_in_the_state_hash() {
    let image = machine(ALL).image().clone();
    let run = |run: u8| {
        let config = Config { run: [run; 32], ..Config::default() };
        Machine::new(image.clone(), config).expect("it starts")
    };
    let [one, other] = [run(1), run(2)];
    assert_eq!(one.state_hash(), other.state_hash());
    assert_ne!(one.snapshot(), other.snapshot());
    let back = Machine::restore(image.clone(), &other.snapshot()).expect("it comes back");
    assert_eq!(back.snapshot(), other.snapshot());
}

#[test]
fn a_top_up_goes_on_from_a_snapshot() {
    let mut machine = machine("GPU_INFER \"m\", \"x\" -> r\nSET s = 1\n");
    let Pause::Effect(request) = machine.run(9, &mut ()) else { panic!("it asks") };
    let short = Answer::short(Meter::Credits, "credits are needed");
    assert_eq!(short.result.as_ref().map_err(|failure| failure.code), Err(FailureCode::OverBudget));
    machine.answer(request.id, short, &mut ()).expect("it waits");
    assert_eq!(machine.end(), Some(&End::Exhausted(Meter::Credits)));
    let mut again = Machine::restore(machine.image().clone(), &machine.snapshot()).expect("one");
    assert_eq!(again.end(), Some(&End::Exhausted(Meter::Credits)));
    again.top_up(Meter::Credits, 1);
    let Pause::Effect(asked) = again.run(9, &mut ()) else { panic!("it asks again") };
    assert_eq!(asked.idempotency_key, request.idempotency_key);
    answer(&mut again, asked.id);
    assert_eq!(again.run(9, &mut ()), Pause::End(End::Halted(Value::Null)));
}

#[test]
fn traps_come_back_with_their_place() {
    let mut machine = machine("SET a = 0\nSET b = 1 / a\n");
    let Pause::End(End::Trapped(trap)) = machine.run(9, &mut ()) else { panic!("it traps") };
    let again = Machine::restore(machine.image().clone(), &machine.snapshot()).expect("one");
    assert_eq!(again.end(), Some(&End::Trapped(trap)));
    assert_eq!(again.state_hash(), machine.state_hash());
}

#[test]
fn what_is_no_snapshot_is_refused_by_name() {
    let machine = machine(ALL);
    let bytes = machine.snapshot();
    let restore = |bytes: &[u8]| Machine::restore(machine.image().clone(), bytes).map(drop);
    assert_eq!(restore(b""), Err(SnapshotError::Magic));
    assert_eq!(restore(b"AVMB and more"), Err(SnapshotError::Magic));
    assert_eq!(restore(b"AVMS\x02\x00"), Err(SnapshotError::Version(2)));
    assert_eq!(restore(&bytes[..bytes.len() - 1]), Err(SnapshotError::Hash));
    let other = Machine::restore(image("HALT\n"), &bytes).map(drop);
    assert_eq!(other, Err(SnapshotError::Program(machine.image().program_hash())));
    for length in 6..bytes.len() - 32 {
        assert!(restore(&sealed(bytes[..length].to_vec())).is_err(), "cut after {length}");
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(restore(&changed).is_err(), "byte {at}");
    }
}

/// Every byte changed in several ways, under a hash that fits: refused, or a run within its limits.
#[test]
fn forged_bytes_do_no_harm() {
    let mut machine = machine(ALL);
    let Pause::Effect(request) = machine.run(1000, &mut ()) else { panic!("it asks") };
    let waiting = machine.clone();
    answer(&mut machine, request.id);
    machine.run(3, &mut ());
    for original in [waiting, machine] {
        let bytes = original.snapshot();
        let body = &bytes[..bytes.len() - 32];
        let mut accepted = 0;
        for at in 6..body.len() {
            for change in [0x01, 0x80, 0xFF] {
                let mut forged = body.to_vec();
                forged[at] ^= change;
                let forged = sealed(forged);
                let image = original.image().clone();
                let Ok(mut forged) = Machine::restore(image, &forged) else { continue };
                accepted += 1;
                if forged.limit(Meter::Memory) > 1 << 30 {
                    continue;
                }
                for _ in 0..20 {
                    match forged.run(5, &mut ()) {
                        Pause::Slice => {}
                        Pause::Effect(request) => answer(&mut forged, request.id),
                        Pause::End(_) => forged.top_up(Meter::Gas, 1000),
                    }
                }
                assert!(forged.gas_used() <= forged.gas_limit());
            }
        }
        // A register with another number in it is a state like any other.
        assert!(accepted > 50, "{accepted} accepted");
        assert!(accepted < 3 * body.len() / 2, "{accepted} of {} accepted", 3 * body.len());
    }
}

/// Saved registers lie one level higher in what an agent keeps than values of its store.
#[test]
fn registers_that_nest_as_deep_as_they_may_are_saved_and_come_back() {
    let deep = "SET x = 1\nFOR i IN 62 DO\n  SET x = [x]\nENDFOR\nSAVE_EXECUTION_STATE\nRETURN 1";
    let image = image(deep);
    let mut machine = Machine::new(image.clone(), Config::default()).expect("it starts");
    machine.run(u64::MAX, &mut ());
    assert!(matches!(machine.end(), Some(End::Halted(_))), "{:?}", machine.end());
    let again = Machine::restore(image, &machine.snapshot()).expect("it was just written");
    assert_eq!(again.state_hash(), machine.state_hash());
}
