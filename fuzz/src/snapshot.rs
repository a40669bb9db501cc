//! Snapshots with a few bytes changed and a hash that fits them again.

use std::sync::Arc;

use avm_vm::{Machine, Meter, Pause};

use crate::{
    Entropy,
    forge::rehashed,
    generate::{Shape, program},
    machine::{answer, config, image, task, within_limits},
    policies,
    rewrite::self_testing,
};

/// Most memory a forged snapshot may claim and still be run, in bytes.
const MEMORY: u64 = 4 << 20;

/// Runs a random program for a while, forges its snapshot, and runs what is accepted.
pub fn run(data: &[u8]) {
    let mut entropy = Entropy::new(data);
    // One in four can test its own code and so keeps what it is answered.
    let image = match entropy.once_in(4) {
        true => self_testing(),
        false => image(&program(&mut entropy, Shape::ANY)),
    };
    let mut config = config(&mut entropy);
    if entropy.once_in(6) {
        config.policy =
            Some(Arc::new(policies::policy(&mut entropy, image.program(), &["1 == 1"])));
    }
    let Ok(mut machine) = Machine::new(image.clone(), config) else { return };
    let pauses = entropy.below(20);
    drive(&mut machine, pauses, &mut entropy);
    let bytes = rehashed(machine.snapshot(), "aither avm state v1", &mut entropy);
    let Ok(mut forged) = Machine::restore(image, &bytes) else { return };
    assert_eq!(forged.snapshot(), bytes, "what is accepted has one form");
    if forged.limit(Meter::Memory) <= MEMORY {
        drive(&mut forged, 40, &mut entropy);
    }
}

/// Runs with pauses, answers what is asked, tops up what is used up.
fn drive(machine: &mut Machine, pauses: usize, entropy: &mut Entropy<'_>) {
    for _ in 0..pauses {
        match machine.run(1 + entropy.below(30) as u64, &mut ()) {
            Pause::Slice => {}
            Pause::Effect(_) if entropy.once_in(8) => machine.spend_wall(1),
            Pause::Effect(request) => {
                let image = machine.image().clone();
                if let Some(task) = task(&image, entropy)
                    && machine.interrupt(task).is_ok()
                {
                    continue;
                }
                machine.answer(request.id, answer(entropy), &mut ()).expect("it waits for this");
            }
            Pause::End(_) => machine.top_up(*entropy.pick(Meter::ALL), entropy.below(100) as u64),
        }
        within_limits(machine);
    }
}
