//! Runs again from their journals, and journals with a byte changed or cut off.

use std::sync::Arc;

use avm_ir::Value;
use avm_vm::{
    Image, Machine, Meter, Pause,
    journal::{Journal, JournalError, Player, Recorder, Start, Stop, Tail, Writer},
};

use crate::{
    Entropy,
    forge::relinked,
    generate::{Shape, program},
    machine::{answer, config, image, task, within_limits},
    policies,
};

/// Steps after which a run is cut short.
const STEPS: u64 = 20_000;

/// Most memory that a forged journal may claim and still be played, in bytes.
const MEMORY: u64 = 4 << 20;

/// Records one random run and plays it again; then what is left of it when a byte changes, and when
/// a part of it is missing.
pub fn run(data: &[u8]) {
    let mut entropy = Entropy::new(data);
    let program = program(&mut entropy, Shape { block: 40, ..Shape::ANY });
    let (image, mut config) = (image(&program), config(&mut entropy));
    if entropy.once_in(6) {
        config.policy = Some(Arc::new(policies::policy(&mut entropy, &program, &["1 == 1"])));
    }
    let Ok(mut machine) = Machine::new(image.clone(), config.clone()) else { return };
    let start = Start::of(&image, config);
    let (writer, bytes) = Writer::new(&start);
    let mut recorder = Recorder::new(writer, bytes);
    let whole = record(&mut machine, &mut recorder, &mut entropy);
    let bytes = recorder.take();

    let journal = &Journal::read(&bytes).expect("it was just written");
    assert_eq!((journal.link(), journal.tail), (recorder.link(), Tail::Whole));
    assert_eq!(journal.start.program, start.program);
    let mut player = Player::new(journal, image.clone()).expect("it started before");
    // In pieces, and over clones.
    while entropy.once_in(2) {
        let more = entropy.below(STEPS as usize) as u64;
        let target = (player.machine().steps() + more).min(machine.steps());
        player = player.clone();
        player.run_to(journal, target, &mut ()).expect("the same run");
    }
    if whole {
        assert_eq!(player.run(journal, &mut ()), Ok(Stop::Rested));
        assert_eq!(player.machine().state_hash(), machine.state_hash());
    } else {
        // What came at the last step waits until the run goes on.
        player.run_to(journal, machine.steps(), &mut ()).expect("the same run");
    }

    forge(&bytes, image.clone(), &mut entropy);
    let at = entropy.below(bytes.len());
    let mut changed = bytes.clone();
    changed[at] ^= 1 << entropy.below(8);
    match Journal::read(&changed) {
        Err(JournalError::Magic | JournalError::Version(_)) => assert!(at < 6),
        Err(_) => {}
        // Only a length that points behind the end looks like a crash.
        Ok(journal) => assert!(matches!(journal.tail, Tail::Torn { whole, .. } if whole <= at)),
    }
    match Journal::read(&bytes[..at]) {
        Ok(part) => {
            let kept = &journal.records[..part.records.len()];
            assert!(part.records.iter().zip(kept).all(|(a, b)| a.link == b.link));
            let mut player = Player::new(&part, image).expect("it started before");
            player
                .run_to(&part, machine.steps(), &mut ())
                .expect("the same run, as far as it is known");
        }
        Err(error) => assert!(matches!(error, JournalError::Magic | JournalError::NoStart)),
    }
}

/// Changes a byte of a record and makes the links fit again: what is accepted then is not what was
/// written, and must do no harm.
fn forge(bytes: &[u8], image: Arc<Image>, entropy: &mut Entropy<'_>) {
    let forged = relinked(bytes, "aither avm journal v1", 4, entropy);
    let Ok(journal) = Journal::read(&forged) else { return };
    if journal.start.config.limits.memory > MEMORY {
        return;
    }
    let Ok(mut player) = Player::new(&journal, image) else { return };
    // It goes on, diverges or ends, and does not panic.
    let _ = player.run_to(&journal, STEPS, &mut ());
    within_limits(player.machine());
}

/// Runs to the end, which is noted, or until it was enough.
fn record(machine: &mut Machine, recorder: &mut Recorder, entropy: &mut Entropy<'_>) -> bool {
    let mut top_ups = entropy.below(3);
    while machine.steps() < STEPS {
        match machine.run(1 + entropy.below(3_000) as u64, &mut ()) {
            Pause::Slice => {
                if entropy.once_in(4) {
                    recorder.spend_wall(machine, entropy.below(30) as u64);
                }
                if entropy.once_in(8) {
                    let (register, value) = (entropy.u8(), Value::Int(entropy.below(9) as i64));
                    recorder.edit(machine, register, value);
                }
            }
            Pause::Effect(request) => {
                recorder.ask(machine, &request);
                if entropy.once_in(8) {
                    recorder.spend_wall(machine, entropy.below(30) as u64);
                }
                let image = machine.image().clone();
                if let Some(task) = task(&image, entropy)
                    && recorder.call(machine, task).is_ok()
                {
                    continue;
                }
                let answer = answer(entropy);
                if machine.pending().is_some() {
                    recorder.answer(machine, answer, &mut ()).expect("it waits for this one");
                }
            }
            Pause::End(_) => {
                recorder.rest(machine);
                if top_ups == 0 {
                    return true;
                }
                top_ups -= 1;
                let meter = *entropy.pick(Meter::ALL);
                recorder.top_up(machine, meter, entropy.below(100_000) as u64);
                if machine.end().is_some() {
                    // It stays at rest where it was, which is noted again.
                    recorder.rest(machine);
                    return true;
                }
            }
        }
    }
    false
}
