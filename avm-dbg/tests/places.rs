//! Wherever a session goes, the machine is that of a fresh player at the same step.

#[path = "support/recording.rs"]
mod recording;

use std::sync::Arc;

use avm_dbg::{
    Session,
    timeline::{LADDER_BYTES, MAX_RUNGS, NEAR_BYTES},
};
use avm_ir::{Program, Schedule};
use avm_vm::{
    Config, Image, OnExhausted,
    journal::{Journal, Player},
};
use recording::{Recording, journal, rewriting};

/// Calls within calls, a growing list, effects, random numbers, notes.
const MIXED: &str = r#"
.input rounds = 12
.uses model "m"
SET items = []
SET k = 0
WHILE k < rounds DO
  SET items = items + [walk(k % 4)]
  IF k % 3 == 0 THEN
    GPU_INFER "m", "hello" -> said
    LOG said
  ELSE
    KV_STORE "last", k
  ENDIF
  SET k = k + RANDOM(1, 2)
ENDWHILE
GPU_INFER "m", "forbidden" -> said
RETURN LEN(items)
.func walk(n)
  IF n == 0 THEN
    RETURN RANDOM(1, 6)
  ENDIF
  SET below = walk(n - 1)
  RETURN below + n
.endfunc
"#;

fn player(bytes: &[u8]) -> (Journal, Player) {
    let journal = Journal::read(bytes).expect("a journal");
    let program = Program::from_bytes(&journal.start.program).expect("a program");
    let verified = avm_ir::verify(program).expect("it verifies");
    let image = Arc::new(Image::new(verified, &Schedule::v1()));
    let player = Player::new(&journal, image).expect("it starts");
    (journal, player)
}

/// The state at a step, from the start; at the last step, everything that was recorded.
fn fresh((journal, start): &(Journal, Player), step: u64, last: u64) -> [u8; 32] {
    let mut player = start.clone();
    let step = if step >= last { u64::MAX } else { step };
    player.run_to(journal, step, &mut ()).expect("the same run");
    player.machine().state_hash()
}

/// Numbers that are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}

const MOVES: &[&str] = &[
    "step",
    "step 7",
    "back",
    "back 9",
    "line",
    "line-back",
    "next",
    "next-back",
    "finish",
    "finish-back",
    "continue",
    "continue-back",
    "continue effect",
    "continue-back failure",
    "run-to walk",
    "run-back walk",
    "run-to end",
    "run-to start",
    "written k",
    "reverse-watch items",
    "effects",
    "end",
    "delete all",
    "break walk if n == 2",
    "watch items",
    "break gas 30",
    "break rewrite",
    "break far",
    "versions",
    "code",
    "line",
];

/// Random moves over a journal, each looked at.
fn wander(bytes: &[u8], seed: u64) {
    let start = player(bytes);
    let (journal, mut all) = start.clone();
    all.run_to(&journal, u64::MAX, &mut ()).expect("the same run");
    let last = all.machine().steps();
    let mut session = Session::open(bytes).expect("it opens");
    let mut random = Random(seed);
    for _ in 0..150 {
        let command = match random.below(3) {
            0 => format!("goto {}", random.below(last + 3)),
            _ => MOVES[random.below(MOVES.len() as u64) as usize].to_owned(),
        };
        session.command(&command);
        let step = session.step();
        assert_eq!(
            session.machine().state_hash(),
            fresh(&start, step, last),
            "{command} at {step}"
        );
    }
}

#[test]
fn moves_never_change_what_is_there() {
    let whole = journal(MIXED);
    for seed in 1..12 {
        wander(&whole, seed * 0x9E37_79B9);
    }
}

#[test]
fn nor_in_runs_that_change_their_code() {
    let whole = journal(&rewriting(0));
    for seed in 1..6 {
        wander(&whole, seed * 0x9E37_79B9);
    }
}

#[test]
fn nor_in_runs_that_were_cut_off_or_topped_up() {
    let config =
        Config { gas: 20_000_000_000, on_exhausted: OnExhausted::Suspend, ..Config::default() };
    let mut recording = Recording::new(MIXED, config);
    while recording.go(u64::MAX) {
        if matches!(recording.machine.end(), Some(avm_vm::End::Halted(_))) {
            break;
        }
        recording.top_up(13);
    }
    let whole = recording.bytes();
    for seed in 1..6 {
        wander(&whole, seed * 0x9E37_79B9);
    }
    let records = Journal::read(&whole).expect("a journal").records;
    for (seed, record) in (1..).zip(records.iter().skip(1).step_by(4)) {
        wander(&whole[..record.offset], seed * 0x9E37_79B9);
    }
}

#[test]
fn twins_undo_each_other_where_places_are_alike() {
    let bytes = journal(MIXED);
    let mut session = Session::open(&bytes).expect("it opens");
    session.command("break walk");
    for (on, back) in [("line", "line-back"), ("continue", "continue-back"), ("step", "back")] {
        session.command("run-to start");
        let mut places = vec![0];
        loop {
            session.command(on);
            if session.at_end() {
                break;
            }
            places.push(session.step());
        }
        // From behind the last of them, each comes again.
        while let Some(place) = places.pop() {
            session.command(back);
            assert_eq!(session.step(), place, "{back}");
        }
    }
}

#[test]
fn checkpoints_are_bounded() {
    // A state of some 600 kB, written to all the time.
    let heavy = r#"
.input rounds = 100000
SET big = []
SET k = 0
WHILE k < 3000 DO
  SET big = big + ["a text that takes some room of its own, longer than what fits in place"]
  SET k = k + 1
ENDWHILE
SET k = 0
WHILE k < rounds DO
  SET big[k % 3000] = "another text that takes some room of its own, number " + k
  SET k = k + 1
ENDWHILE
"#;
    let mut session = Session::open(&journal(heavy)).expect("it opens");
    session.seek(u64::MAX);
    let last = session.step();
    let mut random = Random(7);
    for _ in 0..20 {
        session.seek(random.below(last));
        session.command("back");
        let (count, bytes) = session.timeline().checkpoints();
        assert!(count <= 2 * MAX_RUNGS && bytes <= LADDER_BYTES + NEAR_BYTES, "{count}, {bytes}");
    }
    assert!(session.machine().memory_used() > 1 << 18);

    let mut session =
        Session::open(&journal("SET k = 0\nWHILE k < 900000 DO\nSET k = k + 1\nENDWHILE"))
            .expect("it opens");
    session.seek(u64::MAX);
    let (count, bytes) = session.timeline().checkpoints();
    assert!(
        (MAX_RUNGS / 2..=MAX_RUNGS + 3).contains(&count) && bytes < 1 << 21,
        "{count}, {bytes}"
    );
}
