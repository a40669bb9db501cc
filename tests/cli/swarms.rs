//! The swarms of `programs/swarm`, on any number of threads and from their files alone; the bugs that
//! some of them have, found by seeds; and their wallets.

use std::path::Path;

use super::{
    harness::Bench,
    swarm::{bench_with_paper, copy},
};

/// Every swarm that is not there for its bug.
fn swarms() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/swarm");
    let entries = std::fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    let mut names: Vec<String> = names.map(|name| name.expect("a name")).collect();
    names.retain(|name| name.ends_with(".toml"));
    names.sort();
    assert!(names.len() >= 10, "{names:?}");
    names
}

fn hash(summary: &str) -> &str {
    let line = summary.lines().find_map(|line| line.strip_prefix("world"));
    line.expect("a hash").trim()
}

/// The same seed: the same world with 1, 2 and 8 threads, and on replay from its files alone, which need
/// no program beside them. What is expected of each comes true.
#[test]
fn every_swarm_is_the_same_on_any_number_of_threads_and_on_replay() {
    let bench = bench_with_paper();
    for name in swarms() {
        let file = format!("swarm/{name}");
        let run = |threads: &str| {
            let folder = format!("{name}-{threads}");
            let args = ["swarm", "run", &file, "--threads", threads, "--run", &folder];
            let ran = bench.run(&args);
            assert_eq!(ran.exit, 0, "{}", ran.show());
            hash(&ran.stderr).to_owned()
        };
        let hashes = ["1", "2", "8"].map(run);
        assert!(hashes.iter().all(|other| *other == hashes[0]), "{name}: {hashes:?}");
        // Nothing but the journal.
        let alone = Bench::new();
        alone.file("world.avmw", bench.read(&format!("{name}-1/world.avmw")));
        for threads in ["1", "2", "8"] {
            let again = alone.run(&["swarm", "replay", "world.avmw", "--threads", threads]);
            assert_eq!(again.exit, 0, "{}", again.show());
            assert_eq!(hash(&again.stderr), hashes[0], "{name}");
        }
    }
}

/// Other orders of doings change nothing that is expected.
#[test]
fn swarms_without_bugs_have_none_with_fifty_seeds() {
    let bench = bench_with_paper();
    for name in swarms() {
        let file = format!("swarm/{name}");
        let ran = bench.run(&["swarm", "explore", &file, "--seeds", "50"]);
        assert_eq!(ran.exit, 0, "{}", ran.show());
    }
}

/// None of what the swarms do is taken for a conversation that comes to nothing, even where such are ended;
/// but the one that is there to show it.
#[test]
fn no_swarm_that_works_is_ended() {
    let bench = bench_with_paper();
    for name in swarms() {
        let text = bench.read(&format!("swarm/{name}"));
        let text = String::from_utf8(text).expect("a text");
        let ends = name == "agreement.toml";
        let rule = if ends { "" } else { "\n[world.stall]\nthen = \"end\"\n" };
        bench.file(&format!("swarm/{name}"), format!("{text}{rule}"));
        let ran = bench.run(&["swarm", "run", &format!("swarm/{name}"), "--no-journal"]);
        assert_eq!(ran.exit, 0, "{}", ran.show());
        assert_eq!(ran.stderr.contains("\nstall"), ends, "{}", ran.show());
    }
}

#[test]
fn a_conversation_that_comes_to_nothing_is_told() {
    let bench = bench_with_paper();
    let ran = bench.run(&["swarm", "run", "swarm/agreement.toml", "--run", "talk"]);
    assert_eq!(ran.exit, 0, "{}", ran.show());
    let mut lines = ran.stderr.lines().skip_while(|line| !line.starts_with("messages"));
    let told = format!("{}\n", lines.by_ref().take(3).collect::<Vec<_>>().join("\n"));
    insta::assert_snapshot!("a_stall_in_a_summary", told);
    // Who expects none is told by whoever tries seeds, too.
    let text = String::from_utf8(bench.read("swarm/agreement.toml")).expect("a text");
    bench.file("swarm/none.toml", text.replace("stalls = 1", ""));
    let explored = bench.run(&["swarm", "explore", "swarm/none.toml", "--seeds", "5"]);
    bench.file("swarm/few.toml", text.replace("stalls = 1", "stalls = 0"));
    let broken = bench.run(&["swarm", "run", "swarm/few.toml", "--no-journal"]);
    let expected = broken.stderr.lines().filter(|line| line.contains("expect"));
    let shown = format!("{}{}", explored.show(), expected.collect::<Vec<_>>().join("\n"));
    insta::assert_snapshot!("a_stall_as_a_finding", shown);
    bench.file("swarm/odd.toml", text.replace("turns = 12", "turns = 0"));
    let odd = bench.run(&["swarm", "run", "swarm/odd.toml", "--no-journal"]);
    assert!(odd.exit == 3 && odd.stderr.contains("stall.turns"), "{}", odd.show());
}

/// Each planted bug is found among ten thousand seeds, and the seed shows it again.
#[test]
fn planted_bugs_are_found_and_shown_again() {
    let bench = Bench::new();
    copy(&bench, "swarm/bugs", "bugs/");
    copy(&bench, "swarm", "");
    for (name, found) in [
        ("deadlock", "deadlock: alphonse -> gaston -> alphonse"),
        ("double_claim", "expect: \"owner\" paid 2 times, not at most 1"),
        ("reorder", "expect: the result of \"collector\" is -7, not 7"),
        ("lost_wakeup", "before it had connected: a lost wake-up"),
    ] {
        let file = format!("bugs/{name}.toml");
        // In the order in which it is run first, nothing goes wrong.
        let ran = bench.run(&["swarm", "run", &file, "--no-journal", "--jitter", "--slice", "8"]);
        assert!(ran.exit == 0 && !ran.stderr.contains("deadlock "), "{}", ran.show());
        // Two hundred are enough; far fewer than ten thousand.
        let explored = bench.run(&["swarm", "explore", &file, "--seeds", "200"]);
        assert_eq!(explored.exit, 1, "{}", explored.show());
        let mut lines = explored.stdout.lines();
        lines.find(|line| line.contains(found)).unwrap_or_else(|| panic!("{}", explored.show()));
        let seeds = lines.next().expect("the seeds");
        let command = seeds.split("avm swarm run ").nth(1).expect("a command");
        let mut args = vec!["swarm", "run"];
        args.extend(command.split(' '));
        args.push("--no-journal");
        let again = bench.run(&args);
        let shown = match name {
            // A deadlock is shown, and its waits end some day.
            "deadlock" => again.stderr.contains("alphonse -> gaston -> alphonse"),
            _ => again.exit == 1,
        };
        assert!(shown, "{}", again.show());
    }
}

#[test]
fn wallets() {
    let bench = bench_with_paper();
    for name in ["founder", "pipeline", "spammer"] {
        let file = format!("swarm/{name}.toml");
        let ran = bench.run(&["swarm", "run", &file, "--run", name, "--quiet"]);
        assert_eq!(ran.exit, 0, "{}", ran.show());
    }
    let show = |args: &[&str]| bench.run(&[&["wallet"], args].concat()).show();
    insta::assert_snapshot!("wallets_of_all", show(&["founder"]));
    insta::assert_snapshot!("wallet_of_one", show(&["founder", "--of", "founder"]));
    insta::assert_snapshot!("wallet_of_escrows", show(&["pipeline", "--of", "escrows"]));
    insta::assert_snapshot!("wallet_fees", show(&["spammer", "--of", "fees", "--most", "3"]));
    insta::assert_snapshot!("wallet_json", show(&["pipeline", "--of", "editor", "--json"]));
    insta::assert_snapshot!("wallet_of_nobody", show(&["founder", "--of", "pool:none"]));
}
