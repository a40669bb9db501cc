//! Runs that go on while they are looked at, and runs that leave another one.

#[path = "support/outside.rs"]
mod outside;
#[path = "support/recording.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod recording;

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use avm_dbg::{Session, diff, live::Live};
use avm_ir::Schedule;
use avm_vm::{
    Config, Image,
    journal::{Event, Journal, Player, Start, Stop},
};
use outside::World;

/// Asks three times; the second question is made from the first answer.
const ASKS: &str = r#"
.input who = "you"
.uses model "m"
SET n = 1
GPU_INFER "m", who -> first
SET n = n + 1
GPU_INFER "m", first -> second
KV_STORE "seen", second
LOG second
SET n = n + 1
GPU_INFER "m", "bye" -> third
RETURN [first, second, third, n]
"#;

fn image(source: &str) -> Arc<Image> {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble(recording::FILE, source, &mut avm_asm::NoSources, &options);
    let program = assembly.program.unwrap_or_else(|| panic!("{:?}", assembly.diagnostics));
    let verified = avm_ir::verify(program).expect("it verifies");
    Arc::new(Image::new(verified, &Schedule::v1()))
}

/// A new run that is looked at from its start.
fn live(source: &str, world: &World) -> Session {
    let image = image(source);
    let start = Start::of(&image, Config::default());
    let source = (0, Event::Source { path: recording::FILE.into(), text: source.into() });
    let live = Live::begin(Box::new(world.run()), start, vec![source]).expect("it is kept");
    let (live, journal) = live;
    let session = Session::new(journal, image, Some(live)).expect("it starts");
    session.at_home("run-1".into(), Box::new(world.clone()))
}

fn script(session: &mut Session, world: &World, commands: &str) -> String {
    let mut out = String::new();
    for command in commands.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let reply = session.command(command);
        let _ = writeln!(out, "> {command}\n{}", reply.text);
        let asked = world.take();
        if !asked.is_empty() {
            let _ = writeln!(out, "(asked: {})", asked.join(", "));
        }
    }
    out
}

/// A journal replays to its end, and to where the session says.
fn replays(bytes: &[u8], session: &mut Session) {
    let journal = Journal::read(bytes).expect("a journal");
    let image = session.machine().image().clone();
    let mut player = Player::new(&journal, image).expect("it starts");
    assert_eq!(player.run(&journal, &mut ()), Ok(Stop::Rested));
    session.seek(u64::MAX);
    assert_eq!(player.machine().state_hash(), session.machine().state_hash());
}

#[test]
fn a_live_run_asks_when_it_comes_there() {
    let world = World::default();
    let mut session = live(ASKS, &world);
    insta::assert_snapshot!(script(
        &mut session,
        &world,
        r#"
        where
        break effect
        watch second
        c
        step
        c
        back 2
        c
        step
        c
        delete all
        runs
        c
        where
        back
        effects
        runs
    "#
    ));
    replays(&world.journal(1), &mut session);
}

#[test]
fn forks_ask_only_what_comes_behind() {
    let world = World::default();
    let mut session = live(ASKS, &world);
    session.seek(u64::MAX);
    assert_eq!(world.take().len(), 3);
    insta::assert_snapshot!(script(
        &mut session,
        &world,
        r#"
        set n = 5
        run-to start
        input who = "me"
        run-to end
        diff
        switch 1
        run-to 0
        c effect
        step
        c effect
        answer "edited"
        print second
        run-to end
        diff
        reverse-watch second
        switch 1
        run-to 4
        set n = 40
        print n
        set n = 41
        print n
        reverse-watch n
        run-to end
        runs
        diff 1
        diff 2
        diff 9
    "#
    ));
    let parents: Vec<_> = (1..=5)
        .map(|run| Journal::read(&world.journal(run)).expect("a journal").start.parent)
        .map(|parent| parent.map(|parent| parent.steps))
        .collect();
    assert_eq!(parents, [None, Some(0), Some(3), Some(4), Some(4)]);
    replays(&world.journal(5), &mut session);
    assert_eq!(*world.passed.lock().expect("nobody panicked"), [0, 1]);
}

#[test]
fn closed_forks_ask_nobody() {
    let world = World::default();
    let mut session = live(ASKS, &world);
    session.seek(u64::MAX);
    world.take();
    insta::assert_snapshot!(script(
        &mut session,
        &world,
        r#"
        answers recorded
        run-to 3
        set n = 7
        run-to end
        diff
        switch 1
        run-to 0
        c effect
        answer "changed"
        run-to end
        answers live
        fork
        run-back effect
        answer failed timeout too late
        c
        fork
        answer 3
        fork
        run-to 3
        set n = MAX(n, 3) * 4
        print n
        set n = n.
    "#
    ));
}

#[test]
fn what_cannot_be_is_said() {
    let world = World::default();
    let mut session = live(ASKS, &world);
    insta::assert_snapshot!(script(
        &mut session,
        &world,
        r#"
        set n
        set n = x
        set m = 1
        set n.part = 1
        set n[0] = 1
        answer 1
        answer failed
        answer failed soon
        input nobody = 1
        input who
        answers both
        switch 4
        switch 1
        diff
        diff 1
    "#
    ));
}

#[test]
fn runs_of_two_programs_are_compared() {
    let old = recording::journal(ASKS);
    let new =
        recording::journal(&ASKS.replace("\"bye\"", "\"good bye\"").replace("n = 1", "n = 2"));
    let [old, new] = [old, new].map(|bytes| Journal::read(&bytes).expect("a journal"));
    let image = |journal: &Journal| {
        let program = avm_ir::Program::from_bytes(&journal.start.program).expect("a program");
        Arc::new(Image::new(avm_ir::verify(program).expect("it verifies"), &Schedule::v1()))
    };
    let diff = diff::compare((&old, image(&old)), (&new, image(&new))).expect("it starts");
    let same = diff::compare((&old, image(&old)), (&old, image(&old))).expect("it starts");
    let replies = [diff.reply(), same.reply()];
    insta::assert_snapshot!(
        replies.map(|reply| format!("{}\n{}", reply.text, reply.to_json())).join("\n\n")
    );
}

#[test]
fn a_run_that_never_ends_can_be_interrupted() {
    let world = World::default();
    let mut session = live(":loop\nSET n = 1\nJUMP loop\n", &world);
    for command in ["run-to end", "c failure", "run-to line 9", "rc failure", "step 3"] {
        let done = AtomicBool::new(false);
        let reply = std::thread::scope(|scope| {
            let flag = session.interrupt();
            // A command clears what was set before it, so it is set until the command is done.
            scope.spawn(|| {
                let flag = flag;
                while !done.load(Ordering::Relaxed) {
                    flag.store(true, Ordering::Relaxed);
                    std::thread::yield_now();
                }
            });
            let reply = session.command(command);
            done.store(true, Ordering::Relaxed);
            reply
        });
        let known = ["interrupted", "line 9: no code", "step "];
        assert!(known.iter().any(|known| reply.text.contains(known)), "{command}: {}", reply.text);
    }
}
