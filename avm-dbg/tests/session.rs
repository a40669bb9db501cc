//! Scripted sessions over small journals, as people see them.

#[path = "support/recording.rs"]
mod recording;

use std::fmt::Write;

use avm_dbg::{
    Message, Session,
    commands::{COMMANDS, complete},
};
use avm_vm::{Config, OnExhausted};
use recording::{Recording, journal};

/// A loop with calls and a list, a region, effects that work and fail, a store.
const TOUR: &str = r#"
.input n = 3
.uses model "m"
SET total = 0
SET items = []
SET r = {price: NULL, name: "x"}
SET k = 0
:loop
SET total = plus(total, k)
SET items = items + [total]
SET k = k + 1
IF k < n THEN
  JUMP loop
ENDIF
SET r.price = total
KV_STORE "total", total
GPU_INFER "m", "hello" -> answer
LOG answer
GPU_INFER "m", "nobody" -> answer
JUMP_IF_PLUGIN_FAILED sorry
LOG "not reached"
:sorry
GPU_INFER "m", "forbidden" -> answer
SAVE_EXECUTION_STATE r
LOG "sorry"
.region LAST
SET closing = plus(total, 1)
.endregion
RETURN closing
.func plus(a, b)
  SET sum = a + b
  RETURN sum
.endfunc
"#;

fn session(source: &str) -> Session {
    Session::open(&journal(source)).expect("it opens")
}

/// What a script says, command by command.
fn script(session: &mut Session, commands: &str) -> String {
    let mut out = String::new();
    for command in commands.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let reply = session.command(command);
        let _ = writeln!(out, "> {command}\n{}", reply.text);
    }
    out
}

#[test]
fn moves_one_way_and_back() {
    let mut session = session(TOUR);
    insta::assert_snapshot!(script(
        &mut session,
        "
        where
        step
        s 4
        back
        back 100
        line
        line
        line
        line
        line
        line-back
        line-back
        line-back
        run-to loop
        next
        next
        next-back
        next-back
        run-to plus
        calls
        finish
        finish-back
        run-to plus
        step
        finish-back
        run-to end
        step
        end
        line-back
        next-back
        run-back line 9
        run-to 5
        run-back start
        run-to LAST
        run-back plus
        run-to nowhere
        run-to line 400
        finish
        goto 3
        finish
    "
    ));
}

#[test]
fn breakpoints_stop_both_ways() {
    let mut session = session(TOUR);
    insta::assert_snapshot!(script(
        &mut session,
        "
        break loop
        break plus if b == 2
        continue
        continue
        continue
        continue
        continue
        continue
        continue-back
        continue-back
        continue-back
        continue-back
        continue-back
        breakpoints
        disable 1
        continue
        enable all
        delete 1
        delete all
        break line 10
        break opcode kv_store
        break region LAST
        break effect
        break effect GPU_INFER if k > 100
        break gas 20
        break failure
        break denial
        c
        c
        c
        c
        c
        c
        c
        c
        c
        c
        c
        rc
        rc
        rc
        rc
        rc
        rc
        rc
        rc
        delete all
        rc
        c effect
        c failure
        c failure
        c denial
        rc denial
        rc failure
        rc effect
        rc effect
        rc effect
    "
    ));
}

#[test]
fn watches_see_changes_and_who_made_them() {
    let mut session = session(TOUR);
    insta::assert_snapshot!(script(
        &mut session,
        "
        watch total
        watch r.price
        watch items[1] if k == 1
        c
        c
        c
        c
        c
        c
        c
        rc
        rc
        rc
        rc
        rc
        delete all
        run-to end
        reverse-watch total
        reverse-watch total
        who r.price
        who r.price
        run-to plus
        step
        who sum
        who sum
        who a
        finish
        written total
        written r.price
        written r.price
    "
    ));
}

#[test]
fn views_show_everything() {
    let mut session = session(TOUR);
    insta::assert_snapshot!(script(
        &mut session,
        "
        registers
        store
        log
        calls
        run-to plus
        registers
        registers all
        print a
        print r.name
        print items[-1]
        source 2
        code 2
        run-to LAST
        registers
        store
        status
        meters
        log
        log 1
        effects
        effects 1
        end
        checkpoints
    "
    ));
}

#[test]
fn expressions_are_the_languages() {
    let mut session = session(TOUR);
    insta::assert_snapshot!(script(
        &mut session,
        "
        break loop if total % 2 == 1 AND LEN(items) > 1
        c
        print LEN(items) * 10 + k
        print {total: total, last: items[-1]}
        print r.name + \"!\"
        print NOT r.price == NULL
        print items[7]
        print total / 0
        print total +
        print total + nobody
        rc
        delete all
        break plus if r.price > 3
        c
        rc
        rc
        quit
    "
    ));
}

#[test]
fn mistakes_are_named() {
    let mut session = session(TOUR);
    insta::assert_snapshot!(script(
        &mut session,
        "
        stp
        ste
        step x
        where now
        print nothing
        print 3
        print r.
        break
        break nowhere
        break line 1000
        break line x
        break opcode FLY
        break effect ADD
        break region NOWHERE
        break gas much
        break loop if k >
        break loop if q == 1
        break loop if k == 1 nor
        watch nothing
        delete 7
        delete x
        continue home
        registers some
        reverse-watch total
        help nothing
        run-to
    "
    ));
}

#[test]
fn runs_end_in_all_ways() {
    let trapped = journal("SET x = 1\nSET y = x / 0\n");
    let mut out = String::new();
    let show = |out: &mut String, bytes: &[u8], commands| {
        let mut session = Session::open(bytes).expect("it opens");
        out.push_str(&script(&mut session, commands));
        out.push('\n');
    };
    show(&mut out, &trapped, "end\nwhere\nc failure\nwhere\nrc failure\nc denial");

    // Cut off before an answer, and inside a record.
    let whole =
        journal("SET x = 1\nGPU_INFER \"m\", \"a\" -> a\nSET x = 2\nGPU_INFER \"m\", \"b\" -> b\n");
    let read = avm_vm::journal::Journal::read(&whole).expect("a journal");
    let last = read.records[read.records.len() - 2].offset;
    show(&mut out, &whole[..last + 3], "end\nrun-to end\nback\nstep\nstep\neffects");

    // Out of gas, and on with more.
    let config =
        Config { gas: 5_000_000_000, on_exhausted: OnExhausted::Suspend, ..Config::default() };
    let mut recording =
        Recording::new("SET x = 1\nGPU_INFER \"m\", \"a\" -> a\nSET x = 2\n", config);
    recording.go(u64::MAX);
    let short = recording.recorder.clone().take();
    show(&mut out, &short, "end\nmeters");
    recording.top_up(100);
    recording.go(u64::MAX);
    show(&mut out, &recording.bytes(), "end\nrun-to end\nback 3\nmeters\nstep\nstep");

    // Another program than the one recorded.
    let read = avm_vm::journal::Journal::read(&whole).expect("a journal");
    let other =
        Recording::new("SET x = 1\nSET x = 3\nGPU_INFER \"m\", \"c\" -> a\n", Config::default());
    let image = other.machine.image().clone();
    let mut session = Session::new(read, image, None).expect("it opens");
    out.push_str(&script(&mut session, "end\nrun-to end\nback\nc effect\nstep"));
    insta::assert_snapshot!(out);
}

#[test]
fn edits_from_outside_are_seen() {
    let mut recording =
        Recording::new("SET x = 1\nSET y = 2\nSET z = x + y\nRETURN z\n", Config::default());
    recording.go(2);
    let x = recording.machine.image().program().register("x").expect("there is x");
    assert!(recording.recorder.edit(&mut recording.machine, x, avm_ir::Value::Int(40)));
    recording.go(u64::MAX);
    let mut session = Session::open(&recording.bytes()).expect("it opens");
    insta::assert_snapshot!(script(
        &mut session,
        "
        watch x
        c
        c
        c
        rc
        rc
        run-to end
        who x
        print x
        step
        print x
    "
    ));
}

#[test]
fn without_debug_data_lines_are_instructions() {
    let source = "SET x = one()\nSET y = 2\n.func one()\n  SET a = 1\n  RETURN a\n.endfunc\n";
    let bytes = journal(source);
    let read = avm_vm::journal::Journal::read(&bytes).expect("a journal");
    let mut program = avm_ir::Program::from_bytes(&read.start.program).expect("a program");
    program.debug = None;
    let image =
        avm_vm::Image::new(avm_ir::verify(program).expect("it verifies"), &avm_ir::Schedule::v1());
    let mut session = Session::new(read, image.into(), None).expect("it opens");
    insta::assert_snapshot!(script(
        &mut session,
        "
        line
        registers
        line
        line-back
        run-to start
        next
        next-back
        source 1
        break line 2
    "
    ));
}

#[test]
fn replies_are_data_too() {
    let mut session = session(TOUR);
    let mut out = String::new();
    for command in [
        "break plus if b == 2",
        "c",
        "calls",
        "registers",
        "print r",
        "effects 1",
        "fly",
        "help step",
    ] {
        let _ = writeln!(out, "{}", session.command(command).to_json());
    }
    insta::assert_snapshot!(out);
}

#[test]
fn every_command_is_in_order() {
    let mut session = session(TOUR);
    for command in COMMANDS {
        assert!(session.command(&format!("help {}", command.name)).ok);
        if let Some(twin) = command.twin {
            let twin = COMMANDS.iter().find(|other| other.name == twin).expect("there is a twin");
            assert_eq!(twin.twin, Some(command.name));
        }
        let names = command.aliases.iter().chain([&command.name]);
        for name in names {
            let found = COMMANDS.iter().filter(|c| c.name == *name || c.aliases.contains(name));
            assert_eq!(found.count(), 1, "{name}");
        }
    }
    assert!(session.command("quit").quit);
    insta::assert_snapshot!(session.command("help").text);
}

/// What others sent to an agent of a world, up to where one stands.
#[test]
fn messages_of_a_world() {
    let message = |number, step, sent, other_step| Message {
        number,
        step,
        sent,
        other: String::from("other"),
        other_step,
        name: String::from("REQ"),
        channel: (number == 1).then(|| String::from("c")),
        bytes: 9,
        open: other_step.map(|step| format!("avm debug r --agent other --at {step}")),
    };
    let messages = vec![
        message(0, Some(2), false, Some(5)),
        message(1, Some(3), true, None),
        message(2, Some(6), false, Some(9)),
        message(3, None, false, Some(9)),
    ];
    let mut session = session(TOUR).with_messages(messages);
    let script = script(&mut session, "messages\nstep 3\nmessages\nmessages all\nmessages 3");
    insta::assert_snapshot!(script);
    assert!(session.command("messages").to_json().contains("\"other_step\":5"));
}

#[test]
fn an_empty_line_repeats() {
    let mut session = session(TOUR);
    assert!(!session.command("").ok);
    session.command("step 2");
    session.command("");
    assert_eq!(session.step(), 4);
}

#[test]
fn completion_knows_the_program() {
    let mut session = session(TOUR);
    session.seek(10);
    let words = |line: &str| complete(&session, line).1.join(" ");
    assert_eq!(words("st"), "step store status");
    assert_eq!(words("run-to l"), "loop");
    assert_eq!(words("print to"), "total");
    assert_eq!(words("break l"), "label line loop");
    assert_eq!(words("break effect GPU_I"), "GPU_INFER");
    assert_eq!(words("break loop if su"), "sum");
    assert_eq!(words("nonsense x"), "");
    assert_eq!(complete(&session, "print to").0, 6);
    assert_eq!(words("print LEN(to"), "total");
    assert_eq!(words("print r."), "name price");
    assert_eq!(words("break loop if k > 1 and r.pr"), "price");
    assert_eq!(complete(&session, "print 1+to").0, 8);
}

/// Every row of the table is in a session whose text was looked at.
#[test]
fn every_command_was_seen() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots");
    let mut used = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("there are snapshots") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a snapshot");
        let lines = text.lines().filter_map(|line| line.strip_prefix("> "));
        used.extend(lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned));
    }
    let seen = |row: &&avm_dbg::commands::Command| {
        row.aliases.iter().chain([&row.name]).any(|name| used.contains(*name))
    };
    let missing: Vec<&str> = COMMANDS.iter().filter(|row| !seen(row)).map(|row| row.name).collect();
    assert!(missing.is_empty(), "in no scripted session: {missing:?}");
}
