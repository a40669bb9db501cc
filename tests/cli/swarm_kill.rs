//! Swarms that are killed, again and again, and go on as if nothing had happened.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
};

use avm_ir::Schedule;
use avm_vm::world::{
    Replay,
    journal::{Entry, Journal},
};

use super::harness::{Bench, Ran};

/// How often runs are killed; `AVM_KILLS=100` tries more.
const KILLS: u64 = 20;
/// Most times that one run is killed.
const LIVES: u64 = 12;

/// Messages, requests, timers, payments, children, a tool outside, and one with a memory that ends with
/// the command.
const CHATTY: &str = "\
.input me = 0
.input next = \"w-1\"
.uses channel \"all\"
.uses channel \"w-0\"
.uses channel \"w-1\"
.uses channel \"w-2\"
.uses agent \"w-0\"
.uses agent \"w-1\"
.uses agent \"w-2\"
.uses tool \"Counter\"
.uses tool \"Feed\"
.uses code \"part\"
SWARM_CONNECT \"all\"
SCHEDULE_TASK \"beat\", 0.7
WAIT 1
SET round = 0
SET sum = 0
WHILE round < 5 DO
  WRITE_TO_TOOL \"Counter\", {me: me, round: round}
  READ_FROM_TOOL \"Feed\", NULL -> post
  SEND_SWARM_MSG next, [me, round, post]
  WAIT_FOR_RESPONSE \"\" -> got
  SET sum = sum + got.data[1]
  PAY_AGENT next, 1
  SWARM_BROADCAST \"ROUND\", round
  WAIT me + 1
  WAIT_FOR_RESPONSE \"ROUND\", timeout=5 -> said
  SET round = round + 1
ENDWHILE
FORK_AGENT \"part\", funds=2 -> child
SEND_SWARM_MSG child, sum
WAIT_FOR_RESPONSE child -> part
GET_CURRENT_TIME -> now
RETURN [sum, part.data, post, now]
.func beat()
SWARM_BROADCAST \"BEAT\", 1
.endfunc
";

const PART: &str = "\
.uses tool \"Counter\"
WAIT_FOR_RESPONSE \"*\" -> job
WRITE_TO_TOOL \"Counter\", {part: job.data}
SEND_SWARM_MSG job.from, job.data * 10
WAIT 3
RETURN job.data
";

/// Notes every question that it got whole, and does what is asked once for each key.
const COUNT: &str = "\
line=$(cat)
[ -n \"$line\" ] || exit 1
echo \"$AVM_IDEMPOTENCY_KEY\" >> asked
mkdir \"done-$AVM_IDEMPOTENCY_KEY\" 2> /dev/null && echo \"$line\" >> counted
echo null
";

const FEED: &str = "\
[[read]]
give = \"one\"
times = 4

[[read]]
give = \"two\"
times = 4

[[read]]
give = \"three\"
";

const SWARM: &str = "\
[world]
seed = 3
slice = 12
jitter = true

[programs]
part = \"part.avm\"

[tools.Counter]
use = \"command\"
command = [\"sh\", \"count.sh\"]
env = [\"PATH\"]

[tools.Feed]
use = \"fixture\"
file = \"feed.toml\"

[grants]
channel = [\"all\"]

[[agent]]
name = \"w\"
program = \"chatty.avm\"
count = 3
gas = \"10000\"
number = \"me\"
each = { next = [\"w-1\", \"w-2\", \"w-0\"] }
wallet = { AVM_CREDITS = 10 }
";

/// Questions outside of one run: of three agents in five rounds, and of their children.
const ASKED: usize = 3 * 5 + 3;

pub(super) fn bench() -> Bench {
    let bench = Bench::new();
    for (file, text) in [
        ("chatty.avm", CHATTY),
        ("part.avm", PART),
        ("count.sh", COUNT),
        ("feed.toml", FEED),
        ("s.toml", SWARM),
    ] {
        bench.file(file, text);
    }
    bench
}

const RUN: &[&str] = &["swarm", "run", "s.toml", "--run", "r", "--json", "--snapshots"];
const RESUME: &[&str] = &["swarm", "resume", "r", "--json", "--snapshots"];

/// A command with snapshots taken so often.
fn with<'a>(args: &[&'a str], snapshots: &'a str) -> Vec<&'a str> {
    [args, &[snapshots]].concat()
}

/// Every message to everybody, as lines of JSON.
fn messages(bench: &Bench) -> String {
    let shown = bench.run(&["swarm", "messages", "r", "--json"]);
    assert_eq!(shown.exit, 0, "{}", shown.show());
    shown.stdout
}

/// What came of a run, but for what differs from run to run.
pub(super) fn outcome(ran: &Ran) -> serde_json::Value {
    assert_eq!(ran.exit, 0, "{}", ran.show());
    let mut json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one object");
    json.as_object_mut().expect("an object").remove("run");
    json
}

/// Where in a run it is killed, drawn from a number.
fn drawn(number: u64, below: u64) -> u64 {
    let hash = blake3::hash(&number.to_le_bytes());
    let bytes = hash.as_bytes().first_chunk::<8>().expect("eight bytes");
    u64::from_le_bytes(*bytes) % below.max(1)
}

fn lines(bench: &Bench, file: &str) -> Vec<String> {
    let text = fs::read_to_string(bench.path().join(file)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Files of the run's snapshots, half ones too.
pub(super) fn snapshots(bench: &Bench) -> Vec<PathBuf> {
    let entries = fs::read_dir(bench.path().join("r")).into_iter().flatten();
    let files = entries.map(|entry| entry.expect("it can be read").path());
    let mut files: Vec<PathBuf> = files
        .filter(|path| {
            let name = path.file_name().expect("a file").to_string_lossy();
            ["world-", "providers-", ".world-", ".providers-"].iter().any(|n| name.starts_with(n))
        })
        .collect();
    files.sort();
    files
}

fn is_half(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "tmp")
}

/// Starts a command and kills it once the journal has grown by so many bytes, or then as soon as half a
/// snapshot lies there. Gives whether it was killed.
fn killed(bench: &Bench, args: &[&str], bytes: u64, in_snapshot: bool) -> bool {
    let journal = bench.path().join("r/world.avmw");
    let length = || fs::metadata(&journal).map_or(0, |journal| journal.len());
    let before = length();
    let left = snapshots(bench);
    let half = || snapshots(bench).iter().any(|path| is_half(path) && !left.contains(path));
    let mut command = bench.command(args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    while (length() <= before + bytes || in_snapshot && !half())
        && child.try_wait().expect("it is there").is_none()
    {
        thread::yield_now();
    }
    let _ = child.kill();
    !child.wait().expect("it is there").success()
}

/// A journal as a power cut may leave it: without its last bytes.
fn torn(bench: &Bench, bytes: usize) {
    let path = bench.path().join("r/world.avmw");
    let Ok(all) = fs::read(&path) else { return };
    let journal = Journal::read(&all).expect("a journal");
    let begun = |entry: &Entry| matches!(entry, Entry::Asked { .. });
    let first = journal.records.iter().find(|record| begun(&record.entry));
    // What it began with was on the disk before it had its name.
    let least = first.map_or(all.len(), |record| record.offset);
    fs::write(&path, &all[..all.len().saturating_sub(bytes).max(least)]).expect("it is cut");
}

/// Snapshots that somebody lost or damaged.
fn lost(bench: &Bench, number: u64) {
    let files = snapshots(bench);
    let Some(path) = files.get(drawn(number, files.len() as u64) as usize) else { return };
    let mut bytes = fs::read(path).expect("it is there");
    if number.is_multiple_of(2) || bytes.is_empty() {
        return fs::remove_file(path).expect("it is there");
    }
    let at = drawn(number, bytes.len() as u64) as usize;
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("it is changed");
}

/// What came of a run that nobody disturbed.
struct Whole {
    outcome: serde_json::Value,
    messages: String,
    /// Bytes of its journal.
    size: u64,
}

/// Kills one run, as often as it goes.
fn tried(life: u64, whole: &Whole) -> u64 {
    let bench = bench();
    let often = ["1", "6", "auto", "3"][life as usize % 4];
    let mut kills = 0;
    while kills < LIVES {
        let begun = bench.path().join("r/world.avmw").is_file();
        let args = with(if begun { RESUME } else { RUN }, often);
        let number = life * LIVES + kills;
        let in_snapshot = often != "auto" && number % 2 == 1;
        if !killed(&bench, &args, drawn(number, whole.size / 4), in_snapshot) {
            break;
        }
        kills += 1;
        if number % 3 == 2 {
            torn(&bench, drawn(number, 600) as usize);
        }
        if number % 5 == 4 {
            lost(&bench, number);
        }
    }
    let begun = bench.path().join("r/world.avmw").is_file();
    let ran = bench.run(&with(if begun { RESUME } else { RUN }, often));
    assert_eq!(outcome(&ran), whole.outcome, "{}", ran.show());
    // None is lost and none is there twice, and each has its time.
    assert_eq!(messages(&bench), whole.messages);
    assert!(snapshots(&bench).len() <= 4 + 2, "{:?}", snapshots(&bench));
    let replayed = bench.run(&["swarm", "replay", "r"]);
    assert_eq!(replayed.exit, 0, "{}", replayed.show());

    let journal = Journal::read(&bench.read("r/world.avmw")).expect("a journal");
    let mut replay = Replay::new(&journal, Schedule::v1()).expect("the same schedule");
    replay.run(&mut ()).expect("it is as recorded");
    replay.world().ledger().audit().expect("it adds up");

    // Each was asked at least once and done once, under one key.
    let mut keys = BTreeMap::<String, u64>::new();
    lines(&bench, "asked").into_iter().for_each(|key| *keys.entry(key).or_default() += 1);
    let mut counted = lines(&bench, "counted");
    counted.sort();
    assert_eq!((keys.len(), counted.len()), (ASKED, ASKED), "{counted:?}");
    counted.dedup();
    // The three children are told the same number.
    assert_eq!(counted.len(), ASKED - 2, "{counted:?}");
    kills
}

#[test]
fn a_swarm_that_is_killed_goes_on_as_if_nothing_had_happened() {
    let kills = std::env::var("AVM_KILLS").ok().and_then(|kills| kills.parse().ok());
    let kills: u64 = kills.unwrap_or(KILLS);
    let undisturbed = bench();
    let outcome = outcome(&undisturbed.run(&with(RUN, "off")));
    assert_eq!((outcome["exit"].as_u64(), outcome["over"].as_bool()), (Some(0), Some(true)));
    assert_eq!(lines(&undisturbed, "counted").len(), ASKED);
    assert_eq!(snapshots(&undisturbed), Vec::<PathBuf>::new());
    let messages = messages(&undisturbed);
    beats(&messages);
    let size = undisturbed.read("r/world.avmw").len() as u64;
    let whole = Whole { outcome, messages, size };
    let (mut killed, mut life) = (0, 0);
    while killed < kills {
        killed += tried(life, &whole);
        life += 1;
    }
}

/// Every agent's timer fires once each time that it is due.
fn beats(messages: &str) {
    let mut due = BTreeMap::<(String, String), Vec<u64>>::new();
    for line in messages.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("one object");
        if row["name"] == "BEAT" {
            let text = |name: &str| row[name].as_str().expect("a name").to_owned();
            let sent = row["sent"].as_u64().expect("a time");
            due.entry((text("from"), text("to"))).or_default().push(sent);
        }
    }
    assert_eq!(due.len(), 3 * 2, "each to each other");
    for times in due.into_values() {
        // Every 0.7 s, a little later where the agent does something else then.
        let ticks: Vec<u64> = times.iter().map(|time| time / 700_000_000).collect();
        let each: Vec<u64> = (1..).take(ticks.len()).collect();
        assert!(ticks.len() > 10 && ticks == each, "{times:?}");
    }
}

/// From another folder, without a name, and again when there is nothing left to do.
#[test]
fn a_run_goes_on_from_anywhere() {
    let bench = bench();
    let whole = outcome(&bench.run(&["swarm", "run", "s.toml", "--run", "whole", "--json"]));
    let run = ["swarm", "run", "s.toml", "--ticks", "40", "--quiet"];
    assert_eq!(bench.run(&run).exit, 6);
    bench.file("elsewhere/note", "");
    let mut command = bench.command(&["swarm", "resume", "../.avm/runs/s-1", "--ticks", "80"]);
    let output = command.current_dir(bench.path().join("elsewhere")).output().expect("it starts");
    assert_eq!(output.status.code(), Some(6), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(outcome(&bench.run(&["swarm", "resume", "--json"])), whole);
    let journal = bench.read(".avm/runs/s-1/world.avmw");
    assert_eq!(outcome(&bench.run(&["swarm", "resume", ".avm/runs/s-1", "--json"])), whole);
    assert_eq!(bench.read(".avm/runs/s-1/world.avmw"), journal);
}

#[test]
fn what_cannot_go_on_says_why() {
    let bench = bench();
    bench.file("nothing/note", "");
    bench.file("cut/world.avmw.new", "AVMW");
    let mut shown = String::new();
    for args in [
        &["swarm", "resume", "nobody"][..],
        &["swarm", "resume", "nothing"],
        &["swarm", "resume", "cut"],
        &["swarm", "run", "s.toml", "--run", "nothing", "--quiet"],
        // What never began is begun.
        &["swarm", "run", "s.toml", "--run", "cut", "--quiet"],
    ] {
        shown.push_str(&bench.run(args).show());
    }
    fs::remove_file(bench.path().join("cut/started.toml")).expect("it is there");
    shown.push_str(&bench.run(&["swarm", "resume", "cut"]).show());
    insta::assert_snapshot!(shown);
}
