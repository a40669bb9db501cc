//! Runs that were recorded, played again with nobody to ask.

use std::process::Stdio;

use super::harness::Bench;

/// Asks a tool, of which the recording answers in order.
const ASKS: &str = "\
FOR i IN 3 DO
  READ_FROM_TOOL \"Feed\", {page: i} -> post
  LOG post
ENDFOR
RETURN i
";

fn recorded(more: &[&str]) -> Bench {
    let bench = Bench::with(ASKS);
    let post = |text: &str| format!("[[read]]\ngive = \"{text}\"\ntimes = 1\n\n");
    bench.file("feed.toml", [post("one"), post("two"), post("three")].concat());
    let run = ["run", "a.avm", "-q", "--tool", "Feed=fixture:feed.toml"];
    let ran = bench.run(&[&run[..], more].concat());
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    // Nobody is left to be asked.
    std::fs::remove_file(bench.path().join("feed.toml")).expect("a file");
    bench
}

#[test]
fn a_run_again_without_providers() {
    let bench = recorded(&[]);
    std::fs::remove_file(bench.path().join("a.avm")).expect("a file");
    let latest = bench.run(&["replay"]);
    let by_folder = bench.run(&["replay", ".avm/runs/a-1", "-q", "--registers"]);
    let by_file = bench.run(&["replay", ".avm/runs/a-1/journal.avmj", "-q"]);
    insta::assert_snapshot!([latest, by_folder, by_file].map(|ran| ran.show()).join("\n"));
}

#[test]
fn a_journal_where_it_is_wanted_and_none() {
    let bench = recorded(&["--journal", "here.avmj"]);
    assert!(!bench.path().join(".avm").exists());
    assert_eq!(bench.run(&["replay", "here.avmj", "-q"]).stdout, "one\ntwo\nthree\n2\n");
    bench.file("b.avm", "HALT\n");
    let again = bench.run(&["run", "b.avm", "--journal", "here.avmj"]);
    assert_eq!(again.exit, 3);
    assert!(again.stderr.contains("journals are not overwritten"), "{}", again.stderr);
    let bench = recorded(&["--no-journal"]);
    assert!(!bench.path().join(".avm").exists());
    let none = bench.run(&["replay"]);
    assert_eq!((none.exit, none.stdout.as_str()), (3, ""));
    assert!(none.stderr.contains("there are no runs here"), "{}", none.stderr);
}

#[test]
fn every_changed_byte_is_noticed() {
    let bench = recorded(&["--journal", "a.avmj"]);
    let bytes = bench.read("a.avmj");
    // All of them are tried by the fuzzer; here it is what the command says.
    for at in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        bench.file("b.avmj", &changed);
        let ran = bench.run(&["replay", "b.avmj", "-q"]);
        assert_eq!(ran.exit, 3, "byte {at}: {}", ran.stdout);
        assert!(ran.stderr.starts_with("error: b.avmj: "), "byte {at}: {}", ran.stderr);
    }
    bench.file("b.avmj", &bytes[..bytes.len() - 1]);
    let torn = bench.run(&["replay", "b.avmj", "-q"]);
    assert_eq!(torn.exit, 3, "{}", torn.stdout);
}

#[test]
fn another_program_on_the_same_answers() {
    let bench = recorded(&[]);
    // The same in other words.
    let same = ASKS
        .replace("{page: i}", "page")
        .replace("FOR i IN 3 DO\n", "FOR i IN 3 DO\n  SET page = {page: i}\n");
    bench.file("same.avm", same);
    bench.file("asks.avm", ASKS.replace("{page: i}", "{page: i % 2}"));
    bench.file("ends.avm", ASKS.replace("RETURN i", "RETURN i + 1"));
    let with = |program| bench.run(&["replay", "--with", program]);
    let shown = [with("asks.avm"), with("ends.avm"), with("same.avm")].map(|ran| ran.show());
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn signed_journals_say_by_whom() {
    let bench = Bench::with("LOG 1\n");
    let key = bench.run(&["key", "new", "k"]).stdout;
    assert_eq!(bench.run(&["run", "a.avm", "-q", "--sign", "k", "--journal", "j"]).exit, 0);
    let ran = bench.run(&["replay", "j"]);
    assert_eq!(ran.exit, 0);
    assert!(ran.stderr.contains(&format!("signed by {}", key.trim())), "{}", ran.stderr);
}

/// Moments at which a run is killed; `AVM_KILLS=200` tries more.
const KILLS: u64 = 6;
/// Calls that the run makes, each of which leaves a mark outside.
const CALLS: usize = 30;

#[test]
fn a_run_that_was_killed_goes_on_and_asks_nobody_twice() {
    let kills = std::env::var("AVM_KILLS").ok().and_then(|kills| kills.parse().ok());
    let kills: u64 = kills.unwrap_or(KILLS);
    // A journal of all of it has about this many bytes.
    let all = 800 + 260 * CALLS as u64;
    let mut unknown = 0;
    for kill in 0..kills {
        unknown += usize::from(killed_at(all * kill / kills));
    }
    // Between asking and answering lies nearly all of the time.
    assert!(kills < 20 || unknown > 0, "no run was killed while it waited");
}

/// Kills a run when its journal has so many bytes, and goes on with it. Gives whether an effect was on
/// its way.
fn killed_at(bytes: u64) -> bool {
    let bench = Bench::with(&format!(
        "FOR i IN {CALLS} DO\n  WRITE_TO_TOOL \"Counter\", {{number: i}} -> _\nENDFOR\nRETURN \"done\"\n",
    ));
    bench.file("count.sh", "#!/bin/sh\nread -r line\necho \"$line\" >> asked\necho null\n");
    bench.file(
        "avm.toml",
        "[tools.Counter]\nuse = \"command\"\ncommand = [\"sh\", \"count.sh\"]\nset = {}\n",
    );
    let journal = bench.path().join(".avm/runs/a-1/journal.avmj");
    let mut command = bench.command(&["run", "a.avm", "-q"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    while std::fs::metadata(&journal).map_or(0, |journal| journal.len()) <= bytes {
        if child.try_wait().expect("it is there").is_some() {
            break;
        }
        std::thread::yield_now();
    }
    let _ = child.kill();
    let done = child.wait().expect("it is there").success();
    let cut = bench.run(&["replay", "-q"]);
    // It may have come to rest before it was killed.
    if done || cut.exit == 0 {
        assert_eq!((cut.exit, cut.stdout.as_str()), (0, "done\n"), "{}", cut.stderr);
        return false;
    }
    assert_eq!(cut.exit, 3, "{}", cut.stderr);
    let ran = bench.run(&["resume", ".avm/runs/a-1", "-q"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "done\n"), "{}", ran.stderr);
    let asked = String::from_utf8(bench.read("asked")).expect("text");
    let times = |number: usize| {
        let mark = format!("\"number\":{number}}}");
        asked.lines().filter(|line| line.contains(&mark)).count()
    };
    // The one that was on its way may have been done: nobody can know, and the command says so.
    let unknown = ran.stderr.contains("nobody knows whether it was done");
    let twice = (0..CALLS).filter(|number| times(*number) > 1).count();
    assert!(twice <= usize::from(unknown), "{asked}\n{}", ran.stderr);
    assert!((0..CALLS).all(|number| (1..=2).contains(&times(number))), "{asked}");
    assert_eq!(bench.run(&["replay", "-q"]).stdout, "done\n");
    unknown
}
