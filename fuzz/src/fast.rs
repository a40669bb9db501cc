//! Fast code against canonical code: the same states, gas and steps at every pause.

use avm_ir::{Opcode, verify::CodePlace};
use avm_vm::{Machine, Observer, Pause};

use crate::{
    Entropy,
    generate::{Shape, program},
    machine::{answer, config, image},
};

/// Steps after which a run is cut short.
const STEPS: u64 = 30_000;

/// Wants to see every step, so that canonical code runs.
struct Watch(u64);

impl Observer for Watch {
    fn step(&mut self, _: CodePlace, _: Opcode, _: u64) {
        self.0 += 1;
    }
}

/// Runs one random program both ways, in the same slices and with the same answers.
pub fn run(data: &[u8]) {
    compare(data);
}

/// The same, and tells how many instructions were executed each way.
pub fn compare(data: &[u8]) -> u64 {
    let mut entropy = Entropy::new(data);
    // Now and then code so long that fast code has to stop in between.
    let block = if entropy.once_in(16) { 900 } else { 1 + entropy.below(60) };
    let program = program(&mut entropy, Shape { block, plain: true, ..Shape::ANY });
    let image = image(&program);
    let config = config(&mut entropy);
    let Ok(mut fast) = Machine::new(image, config) else { return 0 };
    let mut canonical = fast.clone();
    let mut watch = Watch(0);
    while fast.steps() < STEPS {
        let slice = match entropy.below(3) {
            0 => 1 + entropy.below(1_300) as u64,
            1 => 1 + entropy.below(5_000) as u64,
            _ => STEPS - fast.steps(),
        };
        let pause = fast.run(slice, &mut ());
        assert_eq!(pause, canonical.run(slice, &mut watch));
        same(&fast, &canonical);
        match pause {
            Pause::Slice => {}
            Pause::Effect(request) => {
                let answer = answer(&mut entropy);
                fast.answer(request.id, answer.clone(), &mut ()).expect("it waits for this one");
                canonical.answer(request.id, answer, &mut watch).expect("so does this one");
                same(&fast, &canonical);
            }
            Pause::End(_) => break,
        }
    }
    assert!(watch.0 <= canonical.steps());
    canonical.steps()
}

fn same(fast: &Machine, canonical: &Machine) {
    assert_eq!(fast.at(), canonical.at());
    assert_eq!(fast.steps(), canonical.steps());
    assert_eq!(fast.gas_used(), canonical.gas_used());
    assert_eq!(fast.memory_used(), canonical.memory_used());
    assert_eq!(fast.state_hash(), canonical.state_hash());
}
