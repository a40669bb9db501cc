//! Traces of random runs: written live and from the journal, read back, and with a byte changed.

use std::sync::Arc;

use avm_ir::{Value, value::to_json};
use avm_vm::{
    Config, Image, Machine, Meter, Observer, Pause,
    journal::{Event, Journal, Link, Player, Recorder, Start, Writer},
    trace::{Entry, Reader, TraceError, Tracer},
};

use crate::{
    Entropy,
    generate::{Shape, program},
    machine::{config, image, task},
    rewriting,
};

/// Steps after which a run is cut short.
const STEPS: u64 = 4_000;

/// Traces one random run as it happens and from its journal, reads the trace, and changes it.
pub fn run(data: &[u8]) {
    let mut entropy = Entropy::new(data);
    let rewrites = entropy.once_in(3);
    let program = if rewrites {
        rewriting::program(&mut entropy)
    } else {
        program(&mut entropy, Shape { block: 40, ..Shape::ANY })
    };
    let (image, mut config) = (image(&program), config(&mut entropy));
    if rewrites && !entropy.once_in(4) {
        // Code is dear.
        config = Config { limits: config.limits, ..Config::default() };
        config.limits.memory = 1 << 20;
    }
    let Ok(mut machine) = Machine::new(image.clone(), config.clone()) else { return };
    let start = Start::of(&image, config);
    let (writer, bytes) = Writer::new(&start);
    let mut recorder = Recorder::new(writer, bytes);
    // A trace may begin anywhere, also where an effect waits.
    let late = entropy.once_in(4);
    if late {
        machine.run(entropy.below(60) as u64, &mut ());
    }
    let before = machine.steps();
    let mut tracer = Tracer::new(&machine, Some(recorder.link()));
    let first = recorder.link();
    let whole = record(&mut machine, &mut recorder, &mut tracer, &mut entropy);
    let steps = tracer.steps();
    let mut live = Vec::new();
    if entropy.once_in(2) {
        // When it is taken does not matter.
        live = tracer.take();
    }
    let (rest, link) = tracer.finish();
    live.extend(rest);
    assert_eq!(before + steps, machine.steps());

    if whole && !late {
        let journal = &Journal::read(&recorder.take()).expect("it was just written");
        let mut player = Player::new(journal, image.clone()).expect("it started before");
        let mut tracer = Tracer::new(player.machine(), Some(first));
        while entropy.once_in(2) {
            let to = (player.machine().steps() + entropy.below(900) as u64).min(steps);
            player.run_to(journal, to, &mut tracer).expect("the same run");
        }
        player.run(journal, &mut tracer).expect("the same run");
        let (derived, derived_link) = tracer.finish();
        assert!(derived == live, "a trace is the same, live or from the journal");
        assert_eq!(derived_link, link);
    }

    let (read, read_link) = read(&image, &live).expect("it was just written");
    assert_eq!((read.steps(), read_link), (machine.steps(), link));
    if whole {
        assert_eq!(read.state_hash(), machine.state_hash());
    }
    flip(&image, &live, &mut entropy);
}

/// A byte that changed is found, also where somebody made the hashes fit again.
fn flip(image: &Arc<Image>, whole: &[u8], entropy: &mut Entropy<'_>) {
    let at = entropy.below(whole.len());
    let mut changed = whole.to_vec();
    changed[at] ^= 1 << entropy.below(8);
    let error = self::read(image, &changed).expect_err("a byte is another one");
    match error {
        TraceError::Magic | TraceError::Version(_) => assert!(at < 6),
        TraceError::Damaged { offset, .. } => assert!(offset <= at as u64),
        TraceError::Torn { whole, .. } => assert!(whole <= at as u64),
        TraceError::Memory(_) => {}
        other => panic!("a changed byte is found by the hash: {other}"),
    }
    if let Ok((machine, _)) = self::read(image, &whole[..at]) {
        panic!("{} steps of a part of a trace", machine.steps());
    }
    seal(&mut changed);
    // It may even be the trace of another run; but there is no panic and no hang.
    let _ = self::read(image, &changed);
}

/// Makes the hashes of a trace fit its bytes.
fn seal(bytes: &mut [u8]) {
    let Some(header) = bytes.get(..6) else { return };
    let mut link: Link = blake3::derive_key("aither avm trace v1", header);
    let mut at = 6;
    while let Some(head) = bytes.get(at..at + 4) {
        let length = u32::from_le_bytes(head.try_into().expect("four bytes")) as usize;
        let end = at + 5 + length;
        let Some(block) = bytes.get(at..end) else { return };
        link = *blake3::keyed_hash(&link, block).as_bytes();
        let Some(foot) = bytes.get_mut(end..end + 32) else { return };
        foot.copy_from_slice(&link);
        at = end + 32;
    }
}

/// Reads a trace and looks at everything in it.
fn read(image: &Arc<Image>, bytes: &[u8]) -> Result<(Machine, Link), TraceError> {
    let mut reader = Reader::within(image.clone(), bytes, 8 << 20)?;
    let mut stored = 0_usize;
    while let Some(entry) = reader.next()? {
        if let Entry::Step { instr, .. } = entry {
            let inputs = reader.inputs();
            let values = inputs.iter().filter_map(|(_, _, value)| *value);
            stored += values.map(|value| value.encoded_len() as usize % 2).sum::<usize>();
            assert!(instr.op.info().variadic() || inputs.len() == instr.op.info().inputs.len());
            reader.commit()?;
            let outputs = &reader.happened().outputs;
            stored += outputs.iter().map(|(_, value)| to_json(value).len() % 2).sum::<usize>();
        }
    }
    assert!(stored < usize::MAX);
    Ok((reader.machine().clone(), reader.link()))
}

/// Runs to the end, which is noted, or until it was enough.
fn record(
    machine: &mut Machine,
    recorder: &mut Recorder,
    tracer: &mut Tracer,
    entropy: &mut Entropy<'_>,
) -> bool {
    let mut top_ups = entropy.below(3);
    while machine.steps() < STEPS {
        let slice = (1 + entropy.below(3_000) as u64).min(STEPS - machine.steps());
        match machine.run(slice, tracer) {
            Pause::Slice => {
                if entropy.once_in(4) {
                    wait(machine, recorder, tracer, 1 + entropy.below(30) as u64);
                }
                if entropy.once_in(8) {
                    let (register, value) = (entropy.u8(), Value::Int(entropy.below(9) as i64));
                    if recorder.edit(machine, register, value.clone()) {
                        tracer.outside(&Event::Edited { register, value });
                    }
                }
            }
            Pause::Effect(request) => {
                recorder.ask(machine, &request);
                if entropy.once_in(8) {
                    wait(machine, recorder, tracer, 1 + entropy.below(30) as u64);
                }
                let image = machine.image().clone();
                if let Some(task) = task(&image, entropy)
                    && recorder.call(machine, task).is_ok()
                {
                    tracer.outside(&Event::Called { function: task.to_owned() });
                    continue;
                }
                let answer = rewriting::answer_to(&request, entropy);
                if machine.pending().is_some() {
                    recorder.answer(machine, answer, tracer).expect("it waits for this one");
                }
            }
            Pause::End(_) => {
                recorder.rest(machine);
                tracer.rested(machine);
                if top_ups == 0 {
                    return true;
                }
                top_ups -= 1;
                let (meter, amount) = (*entropy.pick(Meter::ALL), entropy.below(100_000) as u64);
                recorder.top_up(machine, meter, amount);
                tracer.outside(&Event::ToppedUp { meter, amount });
                if machine.end().is_some() {
                    recorder.rest(machine);
                    tracer.rested(machine);
                    return true;
                }
            }
        }
    }
    false
}

fn wait(machine: &mut Machine, recorder: &mut Recorder, tracer: &mut Tracer, milliseconds: u64) {
    let asking = machine.pending().is_some();
    recorder.spend_wall(machine, milliseconds);
    tracer.outside(&Event::Waited { milliseconds, asking });
}
