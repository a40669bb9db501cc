//! Runs of swarms that go on from a snapshot, or say why they do not.

use std::{fs, path::Path};

use avm_vm::world::journal::{Entry, Journal};

use super::{
    harness::Bench,
    swarm_kill::{bench, outcome, snapshots},
};

/// Names of the files that are there.
fn files(bench: &Bench) -> Vec<String> {
    let name = |path: &Path| path.file_name().expect("a file").to_string_lossy().into_owned();
    snapshots(bench).iter().map(|path| name(path)).collect()
}

/// A run that was stopped in the middle, with a snapshot every five ticks, and how it ends undisturbed.
fn stopped() -> (Bench, serde_json::Value) {
    let bench = bench();
    let whole = outcome(&bench.run(&["swarm", "run", "s.toml", "--run", "whole", "--json"]));
    let run = ["swarm", "run", "s.toml", "--run", "r", "--snapshots", "5", "--ticks", "98", "-q"];
    assert_eq!(bench.run(&run).exit, 6);
    (bench, whole)
}

#[test]
fn the_last_two_are_kept_and_the_journal_names_all() {
    let (bench, whole) = stopped();
    let kept = ["providers-90.avmv", "providers-95.avmv", "world-90.avmo", "world-95.avmo"];
    assert_eq!(files(&bench), kept);
    bench.file("r/.world-96.avmo.1-0.tmp", "half of one");
    bench.file("r/world-97.avmo", "whose record was lost");
    let journal = Journal::read(&bench.read("r/world.avmw")).expect("a journal");
    let named = journal.records.iter().filter_map(|record| match record.entry {
        Entry::Snapshot { .. } => Some(record.tick),
        _ => None,
    });
    assert_eq!(named.collect::<Vec<u64>>(), (1..20).map(|n| 5 * n).collect::<Vec<u64>>());

    let resume = ["swarm", "resume", "r", "--snapshots", "5", "--ticks", "101", "-q"];
    assert_eq!(bench.run(&resume).exit, 6);
    let kept = ["providers-100.avmv", "providers-95.avmv", "world-100.avmo", "world-95.avmo"];
    assert_eq!(files(&bench), kept);
    let ran = bench.run(&["swarm", "resume", "r", "--json"]);
    assert_eq!((ran.stderr.contains("warning"), outcome(&ran)), (false, whole));
    let replayed = bench.run(&["swarm", "replay", "r"]);
    assert!(
        replayed.stderr.contains("20 snapshots of the world as it was then"),
        "{}",
        replayed.show()
    );
}

/// The runs end as ever, from an earlier snapshot or from the beginning.
#[test]
fn one_that_is_damaged_is_not_used() {
    let (bench, whole) = stopped();
    let at = bench.path().join("r");
    let journal = bench.read("r/world.avmw");
    let mut shown = String::new();
    for damaged in [
        &["world-95.avmo"][..],
        &["providers-95.avmv"],
        &["world-95.avmo", "world-90.avmo"],
        &["providers-95.avmv", "providers-90.avmv"],
    ] {
        let good: Vec<Vec<u8>> =
            damaged.iter().map(|file| bench.read(&format!("r/{file}"))).collect();
        for (number, file) in damaged.iter().enumerate() {
            let mut bytes = good[number].clone();
            bytes[good[number].len() / 2] ^= 4;
            match number {
                0 => fs::write(at.join(file), bytes).expect("it is written"),
                _ => fs::remove_file(at.join(file)).expect("it is there"),
            }
        }
        let ran = bench.run(&["swarm", "resume", "r", "--json"]);
        assert_eq!(outcome(&ran), whole, "{}", ran.show());
        shown.push_str(&format!("{damaged:?}\n{}\n", ran.stderr));
        for (file, good) in damaged.iter().zip(good) {
            fs::write(at.join(file), good).expect("it is written");
        }
        fs::write(at.join("world.avmw"), &journal).expect("it is written");
    }
    let ran = bench.run(&["swarm", "resume", "r", "--json", "--snapshots", "off"]);
    assert_eq!((ran.stderr.contains("warning"), outcome(&ran)), (false, whole));
    insta::assert_snapshot!(shown);
}

/// What providers remember is of those that were there; others begin where the journal does.
#[test]
fn other_providers_play_all_of_the_journal() {
    let (bench, _) = stopped();
    bench.file("other.toml", String::from_utf8(bench.read("feed.toml")).expect("a text"));
    let swarm = String::from_utf8(bench.read("s.toml")).expect("a text");
    bench.file("t.toml", swarm.replace("feed.toml", "other.toml"));
    let ran = bench.run(&["swarm", "run", "t.toml", "--continue", "r", "--json"]);
    assert_eq!(ran.exit, 0, "{}", ran.show());
    insta::assert_snapshot!(ran.stderr);
}

const LIBRARIAN: &str = "\
.uses collection \"Notes\"
CALC_EMBED \"the first\", \"text-embedding-3-small\" -> first
DOC_STORE \"Notes\", \"one\", \"the first\", first
DOC_EMBED \"Notes\", \"two\", \"the second\", \"text-embedding-3-small\"
DOC_STORE \"Notes\", \"three\", \"the third\", first
DELETE_DOC \"Notes\", \"three\"
WAIT 1
WAIT 1
DOC_FETCH \"Notes\", \"one\" -> (one, first)
DOC_FETCH \"Notes\", \"two\" -> (two, second)
DOC_FETCH \"Notes\", \"three\" -> (three, third)
SET lost = lastPluginFailed
RETURN [one, two, lost]
";

/// Documents that live in the command's memory are there again, with a snapshot and without.
#[test]
fn documents_in_memory_are_there_again() {
    let bench = Bench::new();
    bench.file("a.avm", LIBRARIAN);
    bench.file("s.toml", "[[agent]]\nname = \"a\"\nprogram = \"a.avm\"\n");
    let whole = bench.run(&["swarm", "run", "s.toml", "--json", "--run", "whole"]);
    assert!(whole.stdout.contains("[\"the first\",\"the second\",true]"), "{}", whole.show());
    let whole = outcome(&whole);
    let ticks = whole["ticks"].as_u64().expect("a number") - 2;
    for snapshots in ["off", "2", "3"] {
        let run = ["swarm", "run", "s.toml", "-q", "--run", snapshots, "--snapshots", snapshots];
        let ran = bench.run(&[&run[..], &["--ticks", &ticks.to_string()]].concat());
        assert_eq!(ran.exit, 6, "{}", ran.show());
        let resume = ["swarm", "resume", snapshots, "--json", "--snapshots", snapshots];
        assert_eq!(outcome(&bench.run(&resume)), whole);
    }
}

#[test]
fn when_it_is_time_is_checked() {
    let bench = bench();
    let swarm = String::from_utf8(bench.read("s.toml")).expect("a text");
    bench.file("t.toml", swarm.replace("[world]", "[world]\nsnapshots = \"often\""));
    let file = bench.run(&["swarm", "run", "t.toml"]);
    let option = bench.run(&["swarm", "run", "s.toml", "--snapshots", "0"]);
    insta::assert_snapshot!(file.show() + &option.show());
}
