//! Functions that are called while an effect of their agent waits (O-3, X-35).

use std::sync::Arc;

use avm_ir::{Schedule, value::to_json};
use avm_vm::{
    Answer, Config, End, Image, InterruptError, Limits, Machine, Observer, Pause,
    journal::{Event, Journal, Player, Recorder, Start, Stop, Writer},
    trace::{Reader, Tracer},
};

/// Waits with registers in use, in a function too; the task waits itself and calls on.
const WAITER: &str = r#"
KV_STORE "ticks", 0
SET before = [1, "two"]
WAIT 5
SET slow = nap(2)
RETURN [KV_FETCH("ticks"), before, slow, lastTaskFailed]
.func nap(seconds)
  WAIT seconds
  RETURN seconds * 2
.endfunc
.func tick()
  KV_FETCH "ticks" -> n
  SET more = more(n)
  WAIT 1
  KV_STORE "ticks", more
  RETURN "nobody gets it"
.endfunc
.func more(n)
  RETURN n + 1
.endfunc
.func rest()
  WAIT 1
.endfunc
.func alone()
  RETURN alone()
.endfunc
"#;

fn image(source: &str) -> Arc<Image> {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", source, &mut avm_asm::NoSources, &options);
    let program = assembly.program.unwrap_or_else(|| panic!("{:?}", assembly.diagnostics));
    Arc::new(Image::new(avm_ir::verify(program).expect("it verifies"), &Schedule::v1()))
}

fn start(image: &Arc<Image>) -> Machine {
    Machine::new(image.clone(), Config::default()).expect("it starts")
}

/// Answers whatever waits.
fn answer(machine: &mut Machine) {
    let id = machine.pending().expect("something waits").id;
    machine.answer(id, Answer::outputs(Vec::new()), &mut ()).expect("it waits for this one");
}

fn end(machine: &mut Machine) -> String {
    loop {
        match machine.run(u64::MAX, &mut ()) {
            Pause::Effect(_) => answer(machine),
            Pause::End(End::Halted(value)) => return to_json(&value),
            Pause::End(end) => return format!("{end:?}"),
            Pause::Slice => {}
        }
    }
}

#[test]
fn the_wait_is_asked_again_and_nothing_else_is_different() {
    let image = image(WAITER);
    let mut plain = start(&image);
    assert_eq!(end(&mut plain), r#"[0,[1,"two"],4,false]"#);
    let mut machine = start(&image);
    machine.run(u64::MAX, &mut ());
    let waited = machine.pending().cloned();
    let gas = machine.gas_used();
    machine.interrupt("tick").expect("it can be called");
    assert_eq!((machine.interrupts(), machine.depth()), (1, 1));
    assert_eq!(machine.pending(), None);
    assert_eq!(machine.gas_used(), gas, "the effect was not paid for");
    machine.run(u64::MAX, &mut ());
    answer(&mut machine);
    machine.run(u64::MAX, &mut ());
    assert_eq!((machine.interrupts(), machine.depth()), (0, 0));
    let again = machine.pending().cloned();
    assert_eq!(again.as_ref().map(|r| (r.at, &r.args)), waited.as_ref().map(|r| (r.at, &r.args)));
    answer(&mut machine);
    // Inside a function, and a task inside a task.
    machine.run(u64::MAX, &mut ());
    machine.interrupt("tick").expect("it can be called");
    machine.run(u64::MAX, &mut ());
    machine.interrupt("tick").expect("it can be called");
    assert_eq!((machine.interrupts(), machine.depth()), (2, 3));
    let windows: Vec<bool> =
        (0..4).map(|depth| machine.window(depth).expect("it is open").interrupted).collect();
    assert_eq!(windows, [false, true, true, false]);
    assert_eq!(end(&mut machine), r#"[2,[1,"two"],4,false]"#);
}

#[test]
fn what_cannot_be_called_changes_nothing() {
    let source = format!(
        "{WAITER}\n.region shut detached perms=read\nHALT\n.func hidden()\nRETURN 1\n.endfunc\n.endregion\n"
    );
    let image = image(&source);
    let mut machine = start(&image);
    assert_eq!(machine.interrupt("tick"), Err(InterruptError::NotWaiting));
    machine.run(u64::MAX, &mut ());
    let before = machine.snapshot();
    for (name, why) in [
        ("tock", InterruptError::Unknown),
        ("Tick", InterruptError::Unknown),
        ("main", InterruptError::Unknown),
        ("nap", InterruptError::Arguments),
        ("hidden", InterruptError::Denied),
    ] {
        assert_eq!(machine.may_interrupt(name), Err(why));
        assert_eq!(machine.interrupt(name), Err(why));
    }
    assert_eq!(machine.snapshot(), before);
    end(&mut machine);
    assert_eq!(machine.interrupt("tick"), Err(InterruptError::NotWaiting));
}

/// As for any call: depth and memory have limits, and the agent goes on where they do not suffice.
#[test]
fn limits_hold() {
    let image = image(WAITER);
    let with = |limits| {
        let config = Config { limits, ..Config::default() };
        let mut machine = Machine::new(image.clone(), config).expect("it starts");
        machine.run(u64::MAX, &mut ());
        machine
    };
    let mut flat = with(Limits { call_depth: 0, ..Limits::default() });
    assert_eq!(flat.interrupt("tick"), Err(InterruptError::CallDepth));
    let most = with(Limits::default()).memory_used();
    let mut full = with(Limits { memory: most + 100, ..Limits::default() });
    let mut before = full.snapshot();
    while full.interrupt("rest").is_ok() {
        full.run(u64::MAX, &mut ());
        before = full.snapshot();
    }
    assert_eq!(full.interrupt("rest"), Err(InterruptError::Memory));
    assert_eq!(full.snapshot(), before);
    // A task that does not end uses up what its agent has.
    let mut endless = with(Limits { call_depth: 100, ..Limits::default() });
    endless.interrupt("alone").expect("it can be called");
    assert!(end(&mut endless).contains("CallDepth"));
}

/// Recorded, traced and over a snapshot at every step: always the same run.
#[test]
fn a_run_with_interrupts_comes_back() {
    let image = image(WAITER);
    let mut machine = start(&image);
    let (writer, bytes) = Writer::new(&Start::of(&image, Config::default()));
    let first = writer.link();
    let mut recorder = Recorder::new(writer, bytes);
    let mut tracer = Tracer::new(&machine, Some(first));
    let (mut asked, mut hops) = (0, 0);
    loop {
        let bytes = machine.snapshot();
        let back = Machine::restore(image.clone(), &bytes).expect("it was just written");
        assert_eq!(back.snapshot(), bytes);
        assert_eq!(back.memory_used(), machine.memory_used());
        machine = back.park().wake();
        hops += 1;
        match machine.run(1, &mut tracer) {
            Pause::Slice => {}
            Pause::Effect(_) => {
                asked += 1;
                if asked % 2 == 1 {
                    recorder.call(&mut machine, "tick").expect("it can be called");
                    tracer.outside(&Event::Called { function: "tick".to_owned() });
                } else {
                    let answer = Answer::outputs(Vec::new());
                    recorder.answer(&mut machine, answer, &mut tracer).expect("it waits");
                }
            }
            Pause::End(_) => break,
        }
    }
    recorder.rest(&machine);
    tracer.rested(&machine);
    assert!(asked > 5 && hops > 40);

    let mut bytes = recorder.take();
    let journal = Journal::read(&bytes).expect("it was just written");
    let called = |event: &Event| matches!(event, Event::Called { function } if function == "tick");
    assert!(journal.records.iter().filter(|record| called(&record.event)).count() > 2);
    let mut player = Player::new(&journal, image.clone()).expect("it starts");
    let mut derived = Tracer::new(player.machine(), Some(first));
    for steps in 0..machine.steps() {
        player.run_to(&journal, steps, &mut derived).expect("the same run");
    }
    assert_eq!(player.run(&journal, &mut derived), Ok(Stop::Rested));
    assert_eq!(player.machine().state_hash(), machine.state_hash());
    let (trace, link) = derived.finish();
    assert_eq!((&trace, link), (&tracer.finish().0, link));
    let mut reader = Reader::new(image.clone(), &trace[..]).expect("it was just written");
    while reader.next().expect("it was just written").is_some() {}
    assert_eq!(reader.machine().state_hash(), machine.state_hash());

    // A journal without the call is the journal of another run.
    let mut missing = Journal::read(&bytes).expect("it was just written");
    let at = missing.records.iter().position(|record| called(&record.event)).expect("there is one");
    missing.records.remove(at);
    let mut player = Player::new(&missing, image.clone()).expect("it starts");
    player.run(&missing, &mut ()).expect_err("an answer to something else, or another end");
    bytes.truncate(bytes.len() - 1);
    assert!(Journal::read(&bytes).is_ok_and(|torn| torn.end().is_none()));
}
