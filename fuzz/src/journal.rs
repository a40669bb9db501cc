//! Runs again from their journals, and journals with a byte changed or cut off.

use std::sync::Arc;

use avm_ir::Value;
use avm_vm::{
    Machine, Meter, Pause,
    journal::{Journal, JournalError, Player, Recorder, Start, Stop, Tail, Writer},
};

use crate::{
    Entropy,
    generate::{Shape, program},
    machine::{answer, config, image},
};

/// Steps after which a run is cut short.
const STEPS: u64 = 20_000;

/// Records one random run and plays it again; then what is left of it when a byte changes, and when
/// a part of it is missing.
pub fn run(data: &[u8]) {
    let mut entropy = Entropy::new(data);
    let program = program(&mut entropy, Shape { block: 40, ..Shape::ANY });
    let (image, config) = (image(&program), config(&mut entropy));
    let Ok(mut machine) = Machine::new(image.clone(), config.clone()) else { return };
    let schedule = image.schedule_hash();
    let start = Start { program: program.to_bytes(), schedule, config, parent: None };
    let (writer, bytes) = Writer::new(&start);
    let mut recorder = Recorder::new(writer, bytes);
    let whole = record(&mut machine, &mut recorder, &mut entropy);
    let bytes = recorder.take();

    let journal = Arc::new(Journal::read(&bytes).expect("it was just written"));
    assert_eq!((journal.link(), journal.tail), (recorder.link(), Tail::Whole));
    assert_eq!(journal.start.program, start.program);
    let mut player = Player::new(journal.clone(), image.clone()).expect("it started before");
    // In pieces, and over clones.
    while entropy.once_in(2) {
        let more = entropy.below(STEPS as usize) as u64;
        let target = (player.machine().steps() + more).min(machine.steps());
        player = player.clone();
        player.run_to(target, &mut ()).expect("the same run");
    }
    if whole {
        assert_eq!(player.run(&mut ()), Ok(Stop::Rested));
        assert_eq!(player.machine().state_hash(), machine.state_hash());
    } else {
        // What came at the last step waits until the run goes on.
        player.run_to(machine.steps(), &mut ()).expect("the same run");
    }

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
            let mut player = Player::new(Arc::new(part), image).expect("it started before");
            player.run_to(machine.steps(), &mut ()).expect("the same run, as far as it is known");
        }
        Err(error) => assert!(matches!(error, JournalError::Magic | JournalError::NoStart)),
    }
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
