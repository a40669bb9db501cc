//! `avm swarm`: run, replay, messages, one agent under the debugger, many seeds.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use avm_vm::{
    journal,
    world::{
        Event,
        journal::{Entry, Journal, Writer},
    },
};

use super::harness::Bench;

/// A bench with the programs and files of `programs/swarm`.
fn bench() -> Bench {
    let bench = Bench::new();
    copy(&bench, "swarm", "");
    bench
}

pub(super) fn copy(bench: &Bench, folder: &str, into: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(folder);
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            bench.file(&format!("{into}{name}"), std::fs::read(&path).expect("a file"));
        }
    }
}

/// A bench with `programs/swarm` and the whitepaper's own programs beside it.
pub(super) fn bench_with_paper() -> Bench {
    let bench = Bench::new();
    copy(&bench, "swarm", "swarm/");
    copy(&bench, "paper", "paper/");
    bench
}

#[test]
fn ping_pong() {
    let bench = bench();
    insta::assert_snapshot!(bench.run(&["swarm", "run", "ping_pong.toml"]).show());
    insta::assert_snapshot!(
        "ping_pong_again",
        bench.run(&["swarm", "replay", ".avm/runs/ping_pong-1"]).show()
    );
    insta::assert_snapshot!("ping_pong_messages", bench.run(&["swarm", "messages"]).show());
}

/// The whitepaper's text asks, and what it makes of the answers is in its store.
#[test]
fn one_two_and_a_hundred() {
    let bench = bench_with_paper();
    for (count, result) in [(1, "0.5"), (2, "0.5"), (100, "0.625")] {
        let (file, run) = (format!("swarm/sentiment_{count}.toml"), format!("r{count}"));
        let ran = bench.run(&["swarm", "run", &file, "--run", &run]);
        assert_eq!(ran.exit, 0, "{}", ran.show());
        let store = bench.feed(&["debug", &run, "--agent", "asker"], "run-to end\nstore\n");
        assert!(
            store.stdout.contains(&format!("\"collab_sentiment\": float = {result}")),
            "{}",
            store.show()
        );
    }
    let two = bench.run(&["swarm", "run", "swarm/sentiment_2.toml", "--no-journal"]);
    insta::assert_snapshot!(two.show());
}

#[test]
fn an_agent_that_starts_others() {
    let bench = bench();
    insta::assert_snapshot!(bench.run(&["swarm", "run", "family.toml", "--run", "r"]).show());
    assert_eq!(bench.run(&["swarm", "replay", "r"]).exit, 0);
    let child = bench.feed(&["debug", "r", "--agent", "parent/2"], "end\nmessages all\n");
    insta::assert_snapshot!("a_child_under_the_debugger", child.show());
    let explored = bench.run(&["swarm", "explore", "family.toml", "--seeds", "20"]);
    assert_eq!(explored.exit, 0, "{}", explored.show());
}

const MONEY: &str = "\
[[agent]]
name = \"payer\"
program = \"payer.avm\"
wallet = { AVM_CREDITS = 10 }

[agent.spending]
payees = [\"friend\"]
limits.AVM_CREDITS = { approval = 2 }

[[agent]]
name = \"friend\"
program = \"friend.avm\"
count = 2

[[expect]]
agent = \"payer\"
balance = { AVM_CREDITS = 7 }
";

/// A payment over what the policy allows waits for somebody; it takes place or is denied then.
#[test]
fn a_payment_that_waits_for_approval() {
    let bench = Bench::new();
    bench.file(
        "payer.avm",
        ".uses agent \"friend-1\"\nPAY_AGENT \"friend-1\", 3, \"AVM_CREDITS\" -> s\nRETURN s\n",
    );
    bench.file("friend.avm", "RETURN \"here\"\n");
    bench.file("m.toml", MONEY);
    let waits = bench.run(&["swarm", "run", "m.toml", "--run", "yes"]);
    insta::assert_snapshot!(waits.show());
    bench.run(&["swarm", "run", "m.toml", "--run", "no"]);
    let yes = bench.run(&["swarm", "run", "m.toml", "--continue", "yes", "--approve", "payer"]);
    insta::assert_snapshot!("a_payment_that_is_approved", yes.show());
    let no = bench.run(&["swarm", "run", "m.toml", "--continue", "no", "--refuse", "payer"]);
    insta::assert_snapshot!("a_payment_that_is_refused", no.show());
    for run in ["yes", "no"] {
        assert_eq!(bench.run(&["swarm", "replay", run]).exit, 0);
    }
    let nobody =
        bench.run(&["swarm", "run", "m.toml", "--continue", "yes", "--approve", "friend-0"]);
    assert_eq!(nobody.exit, 2, "{}", nobody.show());
}

/// An agent that traps is started again where it waited last; its own journal is that of its last life.
#[test]
fn an_agent_that_is_started_again() {
    let bench = Bench::new();
    bench.file(
        "fragile.avm",
        "SET got = 0\nWHILE got < 2 DO\n  WAIT_FOR_RESPONSE \"*\" -> m\n  IF m.data == 0 THEN\n    DIV 1, 0 -> x\n  ENDIF\n  SET got = got + m.data\nENDWHILE\nRETURN got\n",
    );
    bench.file(
        "sender.avm",
        "WAIT 1\nSEND_SWARM_MSG \"fragile\", 1\nSEND_SWARM_MSG \"fragile\", 0\nSEND_SWARM_MSG \"fragile\", 1\nRETURN 0\n",
    );
    bench.file(
        "s.toml",
        "[[agent]]\nname = \"fragile\"\nprogram = \"fragile.avm\"\nrestarts = { most = 1, window = \"60s\" }\n\n\
         [[agent]]\nname = \"sender\"\nprogram = \"sender.avm\"\n\n[[expect]]\nagent = \"fragile\"\nresult = 2\n",
    );
    let ran = bench.run(&["swarm", "run", "s.toml", "--run", "r"]);
    assert_eq!(ran.exit, 0, "{}", ran.show());
    assert_eq!(bench.run(&["swarm", "replay", "r"]).exit, 0);
    let written = bench.run(&["swarm", "journal", "r", "--agent", "fragile", "-o", "f.avmj"]);
    assert_eq!(
        written.stderr,
        "\"fragile\" was started again 1 time: its journal leads to its last life, without what came to it in \
         those that were thrown away\n"
    );
    // What was thrown away is not there, and what would be done twice is noted before it is answered.
    let journal = journal::Journal::read(&bench.read("f.avmj")).expect("a journal");
    let kinds: Vec<char> = { journal.records.iter() }
        .filter_map(|record| match record.event {
            journal::Event::Asked { .. } => Some('?'),
            journal::Event::Answered { .. } => Some('!'),
            journal::Event::Rested { .. } => Some('.'),
            _ => None,
        })
        .collect();
    assert_eq!(String::from_iter(kinds), "?!?!.");
    let replayed = bench.run(&["replay", "f.avmj"]);
    assert_eq!((replayed.exit, &*replayed.stdout), (0, "2\n"), "{}", replayed.show());
}

/// The world's hash does not depend on the number of threads; another seed with jitter is another world.
#[test]
fn threads_do_not_show() {
    let bench = bench_with_paper();
    let hash = |args: &[&str]| {
        let mut all = vec!["swarm", "run", "swarm/sentiment_100.toml", "--json"];
        all.extend(args);
        let ran = bench.run(&all);
        assert_eq!(ran.exit, 0, "{}", ran.show());
        let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one object");
        json["world"].as_str().expect("a hash").to_owned()
    };
    let one = hash(&["--threads", "1"]);
    assert_eq!([hash(&["--threads", "2"]), hash(&["--threads", "8"])], [one.clone(), one.clone()]);
    assert_ne!(hash(&["--jitter", "--slice", "5", "--seed", "2"]), one);
    for threads in ["1", "2", "8"] {
        let ran =
            bench.run(&["swarm", "replay", ".avm/runs/sentiment_100-1", "--threads", threads]);
        assert!(ran.exit == 0 && ran.stderr.contains(&one), "{}", ran.show());
    }
}

#[test]
fn what_is_wrong_with_a_file_has_its_place() {
    let bench = bench();
    let mut shown = String::new();
    for (name, text) in [
        ("empty", "[world]\nseed = 1\n"),
        ("misspelt", "[world]\nsed = 1\n\n[[agent]]\nname = \"a\"\nprogram = \"ping.avm\"\n"),
        ("nobody", "[[agent]]\nname = \"a\"\nprogram = \"b\"\n"),
        (
            "twice",
            "[[agent]]\nname = \"a\"\nprogram = \"pong.avm\"\n\n[[agent]]\nname = \"a\"\nprogram = \"pong.avm\"\n",
        ),
        ("input", "[[agent]]\nname = \"a\"\nprogram = \"pong.avm\"\ninputs = { x = 1 }\n"),
        ("channel", "[[agent]]\nname = \"a\"\nprogram = \"ping.avm\"\n"),
        (
            "wallet",
            "[wallet]\nAVM_CREDITS = 1\n\n[[agent]]\nname = \"a\"\nprogram = \"pong.avm\"\n",
        ),
        (
            "roles",
            "[channel.c]\nmembers = [\"b\"]\n\n[[agent]]\nname = \"a\"\nprogram = \"pong.avm\"\n",
        ),
        (
            "expect",
            "[[agent]]\nname = \"a\"\nprogram = \"pong.avm\"\n\n[[expect]]\nagent = \"b\"\n",
        ),
        ("wall", "[budget]\nwall = \"1s\"\n\n[[agent]]\nname = \"a\"\nprogram = \"pong.avm\"\n"),
    ] {
        let file = format!("{name}.toml");
        bench.file(&file, text);
        shown.push_str(&bench.run(&["swarm", "run", &file, "--no-journal"]).show());
    }
    bench.file("avm.toml", "[[agent]]\nname = \"a\"\nprogram = \"pong.avm\"\n");
    shown.push_str(&bench.run(&["run", "pong.avm", "--no-journal"]).show());
    insta::assert_snapshot!(shown);
}

/// A world that was stopped goes on, and comes to where it would have come.
#[test]
fn a_world_goes_on() {
    let bench = bench();
    let whole = bench.run(&["swarm", "run", "ring.toml", "--run", "whole", "--json"]);
    let stopped = bench.run(&["swarm", "run", "ring.toml", "--run", "part", "--ticks", "7"]);
    insta::assert_snapshot!(stopped.show());
    let gone = bench.run(&["swarm", "run", "ring.toml", "--continue", "part", "--json"]);
    let hash = |text: &str| {
        let json: serde_json::Value = serde_json::from_str(text).expect("one object");
        json["world"].clone()
    };
    assert_eq!((gone.exit, hash(&gone.stdout)), (0, hash(&whole.stdout)), "{}", gone.show());
    let replayed = bench.run(&["swarm", "replay", "part"]);
    assert_eq!(replayed.exit, 0, "{}", replayed.show());
}

#[test]
fn one_agent_under_the_debugger() {
    let bench = bench();
    bench.run(&["swarm", "run", "ping_pong.toml", "--run", "r"]);
    let script = "end\nrun-to 12\nmessages\nwhere\nback\nmessages\nmessages all\n";
    insta::assert_snapshot!(bench.feed(&["debug", "r", "--agent", "ping"], script).show());
    let at = bench.feed(&["debug", "r", "--agent", "pong", "--at", "1"], "where\n");
    assert!(at.stdout.contains("SEND_SWARM_MSG") || at.exit == 0, "{}", at.show());
    let nobody = bench.feed(&["debug", "r", "--agent", "pang"], "where\n");
    insta::assert_snapshot!("nobody_to_debug", nobody.show());
    let ran = bench.run(&["swarm", "journal", "r", "--agent", "pong", "-o", "pong.avmj"]);
    assert_eq!(ran.exit, 0, "{}", ran.show());
    insta::assert_snapshot!("the_journal_of_one_agent", bench.run(&["replay", "pong.avmj"]).show());
}

#[test]
fn a_sequence_diagram() {
    let bench = bench();
    bench.file(
        "odd.toml",
        "[[agent]]\nname = \"<a&b>\"\nprogram = \"ping.avm\"\ninputs = { rounds = 1 }\n\n\
         [[agent]]\nname = \"pong\"\nprogram = \"pong.avm\"\n",
    );
    bench.run(&["swarm", "run", "odd.toml", "--run", "r"]);
    let ran = bench.run(&["swarm", "messages", "r", "--svg", "out.svg"]);
    assert_eq!(ran.exit, 0, "{}", ran.show());
    insta::assert_snapshot!(String::from_utf8(bench.read("out.svg")).expect("text"));
    insta::assert_snapshot!(
        "messages_as_json",
        bench.run(&["swarm", "messages", "r", "--agent", "pong", "--json"]).show()
    );
}

#[test]
fn a_question_that_comes_too_early() {
    let bench = bench();
    copy(&bench, "swarm/bugs", "bugs/");
    let ran = bench.run(&[
        "swarm",
        "explore",
        "bugs/lost_wakeup.toml",
        "--seeds",
        "40",
        "--threads",
        "2",
    ]);
    insta::assert_snapshot!(ran.show());
    // What it says shows it again.
    let command = ran.stdout.lines().find_map(|line| line.split("avm swarm run ").nth(1));
    let mut args = vec!["swarm", "run"];
    args.extend(command.expect("a command").split(' '));
    args.push("--no-journal");
    let again = bench.run(&args);
    assert_ne!(again.exit, 0, "{}", again.show());
    let clean = bench.run(&["swarm", "explore", "map_reduce.toml", "--seeds", "20"]);
    insta::assert_snapshot!("nothing_found", clean.show());
}

#[test]
fn a_signed_journal() {
    let bench = bench();
    let key = bench.run(&["key", "new", "k.key"]).stdout;
    let ran = bench.run(&["swarm", "run", "ping_pong.toml", "--run", "r", "--sign", "k.key"]);
    assert_eq!(ran.exit, 0, "{}", ran.show());
    let replayed = bench.run(&["swarm", "replay", "r"]);
    assert!(replayed.stderr.contains(&format!("signed by {}", key.trim())), "{}", replayed.show());
    // Somebody else's name under it: the links are made to fit again.
    let journal = Journal::read(&bench.read("r/world.avmw")).expect("it was just written");
    let (mut writer, mut bytes) = Writer::new(&journal.start);
    for mut record in journal.records {
        if let Entry::Signed { signature, .. } = &mut record.entry {
            signature[0] ^= 1;
        }
        bytes.extend(writer.record(record.tick, &record.entry));
    }
    bench.file("r/world.avmw", &bytes);
    let forged = bench.run(&["swarm", "replay", "r"]);
    assert!(forged.exit == 3 && forged.stderr.contains("signature at byte"), "{}", forged.show());
}

#[test]
fn a_changed_journal_is_refused() {
    let bench = bench();
    bench.run(&["swarm", "run", "ping_pong.toml", "--run", "r"]);
    let mut bytes = bench.read("r/world.avmw");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bench.file("r/world.avmw", &bytes);
    let changed = bench.run(&["swarm", "replay", "r"]);
    assert!(changed.exit == 3 && changed.stderr.contains("damaged: record"), "{}", changed.show());
    bytes[middle] ^= 1;
    bytes.truncate(bytes.len() - 10);
    bench.file("r/world.avmw", &bytes);
    let torn = bench.run(&["swarm", "replay", "r"]);
    assert!(torn.exit == 3 && torn.stderr.contains("no whole record"), "{}", torn.show());
}

/// Virtual time as on the wall: the world takes as long, and its replay does not.
#[test]
fn time_as_on_the_wall() {
    let bench = Bench::new();
    bench.file("waits.avm", "WAIT 0.03\nGET_CURRENT_TIME -> now\nRETURN now >= 0.03\n");
    bench.file("w.toml", "[[agent]]\nname = \"waits\"\nprogram = \"waits.avm\"\n");
    let ran = bench.run(&["swarm", "run", "w.toml", "--clock", "wall", "--run", "r"]);
    assert!(ran.exit == 0 && ran.stdout == "waits: true\n", "{}", ran.show());
    assert_eq!(bench.run(&["swarm", "replay", "r"]).exit, 0);
}

/// Each asks the other and answers nobody: the circle is named, and other seeds find other things.
#[test]
fn what_seeds_find() {
    let bench = Bench::new();
    bench.file(
        "circle.avm",
        "SWARM_CONNECT \"c\"\nWAIT 1\nSWARM_FETCH \"x\", \"id\" -> h\nWAIT_FOR_RESPONSE h -> r\nRETURN r\n",
    );
    bench.file("dice.avm", "RANDOM 0, 3 -> n\nDIV 6, n -> r\nRETURN r\n");
    bench.file(
        "s.toml",
        "[grants]\nchannel = [\"c\"]\n\n[[agent]]\nname = \"circle\"\nprogram = \"circle.avm\"\ncount = 2\n\n\
         [[agent]]\nname = \"dice\"\nprogram = \"dice.avm\"\n\n[[expect]]\nagent = \"dice\"\nsame_results = true\n",
    );
    insta::assert_snapshot!(bench.run(&["swarm", "explore", "s.toml", "--seeds", "12"]).show());
    let json = bench.run(&["swarm", "explore", "s.toml", "--seeds", "1", "--from", "7", "--json"]);
    insta::assert_snapshot!("findings_as_json", json.show());
    let ran = bench.run(&["swarm", "run", "s.toml", "--no-journal"]);
    assert!(ran.stderr.contains("deadlock   circle-0 -> circle-1 -> circle-0"), "{}", ran.show());
}

/// Providers of the file answer the agents; one that has a memory is asked in an order that does not
/// depend on the threads, and what it is asked is noted before it is.
#[test]
fn providers_answer_in_order() {
    let bench = Bench::new();
    bench.file("a.avm", "READ_FROM_TOOL \"Feed\", {} -> n\nRETURN n\n");
    let counts: String = (0..20).map(|n| format!("[[read]]\ngive = {n}\ntimes = 1\n\n")).collect();
    bench.file("feed.toml", counts);
    bench.file(
        "s.toml",
        "[tools.Feed]\nuse = \"fixture\"\nfile = \"feed.toml\"\n\n\
         [[agent]]\nname = \"a\"\nprogram = \"a.avm\"\ncount = 20\n",
    );
    let results = |threads: &str, run: &str| {
        let args = ["swarm", "run", "s.toml", "--seed", "5", "--threads", threads, "--run", run];
        let ran = bench.run(&args);
        assert_eq!(ran.exit, 0, "{}", ran.show());
        ran.stdout
    };
    let one = results("1", "one");
    assert_eq!(results("8", "eight"), one);
    assert!(!one.contains("a-0: 0\na-1: 1\na-2: 2"), "the seed draws the order: {one}");
    let journal = Journal::read(&bench.read("one/world.avmw")).expect("it was just written");
    let place = |wanted: fn(&Entry) -> bool| {
        journal.records.iter().position(|record| wanted(&record.entry)).expect("there is one")
    };
    let asked = place(|entry| matches!(entry, Entry::Asked { .. }));
    let answered = place(|entry| matches!(entry, Entry::Event(Event::Answered { .. })));
    assert_eq!(answered, asked + 20, "all are noted before the first is asked");
    // Without its fixture it is replayed all the same, but nobody can go on without.
    std::fs::remove_file(bench.path().join("feed.toml")).expect("a file");
    assert_eq!(bench.run(&["swarm", "replay", "one"]).exit, 0);
}

/// What a fixture gave before the world was stopped it does not give again.
#[test]
fn a_provider_with_a_memory_goes_on_too() {
    let bench = Bench::new();
    bench.file(
        "a.avm",
        "SET sum = []\nFOR i IN RANGE(0, 6) DO\n  READ_FROM_TOOL \"Feed\", {} -> n\n  PUSH sum, n\nENDFOR\nRETURN sum\n",
    );
    let counts: String = (0..6).map(|n| format!("[[read]]\ngive = {n}\ntimes = 1\n\n")).collect();
    bench.file("feed.toml", counts);
    bench.file(
        "s.toml",
        "[tools.Feed]\nuse = \"fixture\"\nfile = \"feed.toml\"\n\n[[agent]]\nname = \"a\"\nprogram = \"a.avm\"\n",
    );
    let part = bench.run(&["swarm", "run", "s.toml", "--run", "r", "--ticks", "3"]);
    assert_eq!(part.exit, 6, "{}", part.show());
    let whole = bench.run(&["swarm", "run", "s.toml", "--continue", "r", "--quiet"]);
    assert_eq!(whole.stdout, "a: [0,1,2,3,4,5]\n", "{}", whole.show());
    assert_eq!(bench.run(&["swarm", "replay", "r"]).exit, 0);
}

/// Ctrl-C stops a world between two ticks; its journal is whole.
#[cfg(unix)]
#[test]
fn ctrl_c_stops_cleanly() {
    let bench = Bench::new();
    bench.file("waits.avm", "WAIT 3600\nRETURN 1\n");
    bench.file("w.toml", "[[agent]]\nname = \"waits\"\nprogram = \"waits.avm\"\n");
    let mut command = bench.command(&["swarm", "run", "w.toml", "--clock", "wall", "--run", "r"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("the command starts");
    // It listens before it makes the journal.
    while !bench.path().join("r/world.avmw").exists() {
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status().expect("kill is there");
    assert!(killed.success());
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(6), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(bench.run(&["swarm", "replay", "r"]).exit, 0);
}

/// Notes come as they are written, in an order that does not depend on threads.
#[test]
fn what_agents_write_down_is_shown() {
    let bench = Bench::new();
    bench.file(
        "a.avm",
        ".input me = 0\nLOG \"one\"\nLOG [me]\nWAIT 3 - me\nLOG \"late\"\nRETURN 0\n",
    );
    bench.file(
        "l.toml",
        "[[agent]]\nname = \"a\"\nprogram = \"a.avm\"\ncount = 3\nnumber = \"me\"\n",
    );
    let run =
        |more: &[&str]| bench.run(&[&["swarm", "run", "l.toml", "--no-journal"], more].concat());
    let one = run(&["--threads", "1"]);
    insta::assert_snapshot!(one.show());
    assert_eq!(run(&["--threads", "2"]).stderr, one.stderr);
    for silent in ["--quiet", "--json"] {
        assert_eq!(run(&[silent]).stderr, "");
    }
}
