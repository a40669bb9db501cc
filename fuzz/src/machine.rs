//! The machine on verified random programs, under random limits and answers.

use std::sync::Arc;

use avm_ir::{Schedule, Value, gas::GAS, program::Program, verify};
use avm_vm::{
    Answer, Budget, Config, End, FailureCode, Image, Limits, Machine, Meter, OnExhausted, Pause,
    Spend,
};

use crate::{
    Entropy,
    generate::{Shape, program},
};

/// Most memory a run may be granted, so that a thousand runs a second stay cheap.
const MEMORY: usize = 1 << 20;

/// Runs one random program three times, in other slices and over snapshots, and compares.
pub fn run(data: &[u8]) {
    let mut entropy = Entropy::new(data);
    let program = program(&mut entropy, Shape { block: 40, ..Shape::ANY });
    let config = config(&mut entropy);
    let slice = 1 + entropy.below(50) as u64;
    let whole = finish(&program, &config, u64::MAX, None, entropy.clone());
    let sliced = finish(&program, &config, slice, None, entropy.clone());
    assert_eq!(whole, sliced, "slices must not matter");
    let hops = Entropy::new(&data[data.len() / 2..]);
    let hopped = finish(&program, &config, slice, Some(hops), entropy);
    assert_eq!(whole, hopped, "snapshots must not matter");
}

/// Limits of every kind, most of them tight.
pub(crate) fn config(entropy: &mut Entropy<'_>) -> Config {
    let gas = match entropy.below(3) {
        0 => entropy.below(200_000) as u64,
        1 => entropy.below(20_000_000) as u64,
        _ => entropy.below(200) as u64 * GAS,
    };
    let limits = Limits {
        memory: 16_384 + entropy.below(MEMORY) as u64,
        call_depth: entropy.below(40),
        log_entries: entropy.below(5),
    };
    let on_exhausted = *entropy.pick(&[OnExhausted::Halt, OnExhausted::Suspend, OnExhausted::Deny]);
    let budget = Budget { spend: spend(entropy), effects: amount(entropy) };
    Config { gas, budget, on_exhausted, limits, ..Config::default() }
}

/// The image of a generated program.
pub(crate) fn image(program: &Program) -> Arc<Image> {
    let verified = verify(program.clone()).expect("generated programs verify");
    Arc::new(Image::new(verified, &Schedule::v1()))
}

/// Steps after which a run is cut short: gas of plain steps would allow more than a test has time.
const STEPS: u64 = 20_000;

/// Runs to the end, now and then over a snapshot where `hops` says so.
fn finish(
    program: &Program,
    config: &Config,
    slice: u64,
    mut hops: Option<Entropy<'_>>,
    mut answers: Entropy<'_>,
) -> [u8; 32] {
    let image = image(program);
    let mut machine = match Machine::new(image.clone(), config.clone()) {
        Ok(machine) => machine,
        Err(_) => return [0; 32],
    };
    loop {
        if hops.as_mut().is_some_and(|hops| hops.once_in(20)) {
            let bytes = machine.snapshot();
            let restored = Machine::restore(image.clone(), &bytes).expect("it was just written");
            assert_eq!(restored.snapshot(), bytes, "one state has one form");
            assert_eq!(restored.state_hash(), machine.state_hash());
            assert_eq!(restored.memory_used(), machine.memory_used());
            machine = restored.park().wake();
            assert_eq!(machine.snapshot(), bytes, "rest changes nothing");
        }
        let left = STEPS.saturating_sub(machine.steps());
        if left == 0 {
            return machine.state_hash();
        }
        let pause = machine.run(slice.min(left), &mut ());
        within_limits(&machine);
        match pause {
            Pause::Slice => {}
            Pause::Effect(request) => {
                if answers.once_in(8) {
                    machine.spend_wall(answers.below(30) as u64);
                }
                if let Some(task) = task(&image, &mut answers)
                    && interrupt(&mut machine, task)
                {
                    continue;
                }
                let answer = answer(&mut answers);
                if machine.pending().is_some() {
                    machine.answer(request.id, answer, &mut ()).expect("it waits for this one");
                }
                within_limits(&machine);
            }
            Pause::End(end) => {
                let slack = (config.limits.memory / 16).min(1 << 20);
                let trapped = matches!(end, End::Trapped(_));
                assert!(
                    trapped || machine.memory_used() <= config.limits.memory + slack,
                    "memory within the limit"
                );
                return machine.state_hash();
            }
        }
    }
}

/// Now and then a function that is due while an effect waits, or a name that no function has.
pub(crate) fn task<'p>(image: &'p Image, entropy: &mut Entropy<'_>) -> Option<&'p str> {
    if !entropy.once_in(4) {
        return None;
    }
    let functions = image.program().regions.iter().flat_map(|region| &region.functions);
    let names: Vec<&str> = functions.map(|function| &*function.name).chain(["nothing"]).collect();
    Some(*entropy.pick(&names))
}

/// Calls a function while an effect waits; where it cannot be called nothing changes.
fn interrupt(machine: &mut Machine, task: &str) -> bool {
    let before = (machine.state_hash(), machine.interrupts());
    match machine.interrupt(task) {
        Ok(()) => assert_eq!(machine.interrupts(), before.1 + 1),
        Err(_) => assert_eq!((machine.state_hash(), machine.interrupts()), before),
    }
    within_limits(machine);
    machine.pending().is_none()
}

pub(crate) fn within_limits(machine: &Machine) {
    for meter in Meter::ALL.iter().filter(|meter| **meter != Meter::Memory) {
        let (used, limit) = (machine.used(*meter), machine.limit(*meter));
        assert!(used <= limit, "{}: {used} of {limit}, never a unit over", meter.name());
    }
}

/// An amount on a meter: mostly so little that a few calls use it up, else so much that sums do not
/// fit 64 bits.
fn amount(entropy: &mut Entropy<'_>) -> u64 {
    match entropy.below(6) {
        0 => u64::MAX,
        1 => entropy.u64(),
        2 => 0,
        _ => entropy.below(100) as u64,
    }
}

fn spend(entropy: &mut Entropy<'_>) -> Spend {
    Spend::of([amount(entropy), amount(entropy), amount(entropy), amount(entropy)])
}

pub(crate) fn answer(entropy: &mut Entropy<'_>) -> Answer {
    let value = match entropy.below(8) {
        0 => Value::Null,
        1 => Value::text("an answer"),
        2 => Value::Int(entropy.u64().cast_signed()),
        3 => Value::list(vec![Value::text("x"); entropy.below(300)]),
        4 => Value::Bool(entropy.once_in(2)),
        5 => Value::vector(vec![0.5; entropy.below(300)]),
        6 => Value::from("y".repeat(entropy.below(100_000))),
        _ => Value::float(0.25),
    };
    let answer = match entropy.below(6) {
        0 => Answer::failed(*entropy.pick(FailureCode::ALL), "no"),
        1 => Answer { units: entropy.u64(), ..Answer::outputs(vec![value]) },
        2 => Answer { cost: entropy.u64(), ..Answer::outputs(vec![value]) },
        3 => Answer::outputs(vec![value.clone(), value.clone(), value]),
        4 => Answer::outputs(Vec::new()),
        _ => Answer::output(value, entropy.below(1000) as u64),
    };
    match entropy.below(4) {
        0 => Answer { spent: spend(entropy), ..answer },
        1 => Answer { spent: spend(entropy), refund: spend(entropy), ..answer },
        2 if entropy.once_in(4) => Answer::short(*entropy.pick(Meter::ALL), "short"),
        _ => answer,
    }
}
