//! `avm swarm`: run, replay, messages, one agent under the debugger, many seeds.

use std::path::Path;

use super::harness::Bench;

/// A bench with the programs and files of `programs/swarm`.
fn bench() -> Bench {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/swarm");
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        bench.file(&name, std::fs::read(&path).expect("a file"));
    }
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

#[test]
fn one_two_and_a_hundred() {
    let bench = bench();
    for (count, result) in [(1, "0.5"), (2, "0.375"), (100, "0.625")] {
        let ran = bench.run(&["swarm", "run", &format!("sentiment_{count}.toml"), "--no-journal"]);
        assert_eq!(ran.exit, 0, "{}", ran.show());
        assert!(ran.stdout.starts_with(&format!("asker: {result}\n")), "{}", ran.show());
    }
    assert!(!bench.path().join(".avm").exists());
}

/// The world's hash does not depend on the number of threads; another seed with jitter is another world.
#[test]
fn threads_do_not_show() {
    let bench = bench();
    let hash = |args: &[&str]| {
        let mut all = vec!["swarm", "run", "sentiment_100.toml", "--json"];
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
        ("channel", "[[agent]]\nname = \"a\"\nprogram = \"asker.avm\"\n"),
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
    let ran = bench.run(&["swarm", "explore", "early.toml", "--seeds", "40", "--threads", "2"]);
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
