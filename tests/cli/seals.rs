//! Messages of a world that somebody vouches for, and names of a registry in it.

use avm_ir::{Schedule, Value, program::public_key};
use avm_vm::{
    identity::{
        Seal,
        outbox::{read_seals, write_seals},
    },
    world::{
        Event, Replay,
        journal::{Entry, Journal, Mark, Writer},
    },
};

use super::{
    harness::{Bench, without_hashes},
    swarm::copy,
};

/// A bench with `programs/swarm`, and the secret keys that everybody knows.
fn bench() -> Bench {
    let bench = Bench::new();
    copy(&bench, "swarm", "");
    for (who, digit) in [("alice", "1"), ("bob", "2"), ("bob2", "3"), ("mallory", "4")] {
        bench.file(who, format!("aither-secret-key-ed25519:{}\n", digit.repeat(64)));
    }
    bench
}

/// What several commands did, one after the other.
fn told(bench: &Bench, lines: &[&str]) -> String {
    let told = lines.iter().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        format!("$ avm {line}\n{}\n", bench.run(&words).show())
    });
    told.collect()
}

#[test]
fn who_signs_is_vouched_for() {
    let bench = bench();
    let told = told(
        &bench,
        &[
            "swarm verify r",
            "swarm run shop.toml --run r --seal alice --quiet",
            "swarm verify r",
            "swarm seal r --key bob2",
            "swarm seal r --key bob --registry names.avmn",
            "swarm seal r --key bob2 --registry names.avmn",
            "swarm verify r",
            "swarm verify r --of alice.avm.net --registry names.avmn",
            "swarm verify r --registry names.avmn",
            "swarm verify r --registry names.avmn --json",
            "swarm messages r --json --agent shop/1",
            "swarm run shop.toml --run r2 --quiet",
            "swarm verify r2",
        ],
    );
    insta::assert_snapshot!(told);
    // Both runs say the same, and a seal is one of its run alone.
    bench.file("r2/world.avms", bench.read("r/world.avms"));
    let other = bench.run(&["swarm", "verify", "r2"]);
    assert!(other.exit == 3 && other.stderr.contains("another world"), "{}", other.show());
}

/// Alone with the journal and the seals; no program, no registry, no secret.
#[test]
fn nothing_but_the_folder_is_wanted() {
    let bench = bench();
    bench.run(&["swarm", "run", "shop.toml", "--run", "r", "--seal", "bob2", "--sign", "alice"]);
    let alone = Bench::new();
    for file in ["world.avmw", "world.avms"] {
        alone.file(file, bench.read(&format!("r/{file}")));
    }
    alone.file("names.avmn", bench.read("names.avmn"));
    let verified = alone.run(&["swarm", "verify", "world.avmw", "--registry", "names.avmn"]);
    insta::assert_snapshot!(verified.show());
}

const SAYS: &str = "\
.input what = []
SET at = 0
WHILE at < LEN(what) DO
  SEND_SWARM_MSG \"hears\", what[at]
  WAIT 1
  SET at = at + 1
ENDWHILE
RETURN at
";

/// Somebody hears what alice says.
fn saying() -> Bench {
    let bench = bench();
    bench.file("says.avm", SAYS);
    bench.file("hears.avm", "WAIT 100\nRETURN 0\n");
    let key = avm_ir::wire::hex(&public_key(&[0x11; 32]));
    bench.file(
        "s.toml",
        format!(
            "[[agent]]\nname = \"hears\"\nprogram = \"hears.avm\"\n\n[[agent]]\nname = \"says\"\n\
             program = \"says.avm\"\nkey = \"{key}\"\ninputs = {{ what = [1, 2, 3] }}\n"
        ),
    );
    let ran = bench.run(&["swarm", "run", "s.toml", "--run", "r", "--seal", "alice"]);
    assert_eq!(ran.exit, 0, "{}", ran.show());
    bench
}

/// Somebody who knows the format changes what alice was told to say, and makes everything fit again.
fn tamper(bench: &Bench, what: &[i64]) -> String {
    let original = bench.read("r/world.avmw");
    let mut journal = Journal::read(&original).expect("it was just written");
    journal.records.retain(|record| !matches!(record.entry, Entry::Rested(_)));
    for record in &mut journal.records {
        if let Entry::Event(Event::Joined(joined)) = &mut record.entry
            && joined.name == "says"
        {
            let what = Value::list(what.iter().copied().map(Value::Int).collect());
            joined.config.inputs = vec![("what".to_owned(), what)];
        }
    }
    let mut replay = Replay::new(&journal, Schedule::v1()).expect("the same schedule");
    replay.run(&mut ()).expect("it fits");
    let mut world = replay.into_world();
    world.run(&mut ());
    let (mut writer, mut bytes) = Writer::new(&journal.start);
    for record in &journal.records {
        bytes.extend(writer.record(record.tick, &record.entry));
    }
    bytes.extend(writer.record(world.ticks(), &Entry::Rested(Mark::of(&world))));
    bench.file("r/world.avmw", bytes);
    assert_eq!(bench.run(&["swarm", "replay", "r", "--quiet"]).exit, 0, "nothing else shows");
    let told = bench.run(&["swarm", "verify", "r"]).show();
    bench.file("r/world.avmw", original);
    told
}

#[test]
fn what_was_not_said_is_found() {
    let bench = saying();
    assert_eq!(bench.run(&["swarm", "verify", "r"]).exit, 0);
    let changed = [&[1, 9, 3][..], &[1, 3], &[1, 2], &[1, 2, 3, 4], &[1, 2, 3]];
    insta::assert_snapshot!(changed.map(|what| tamper(&bench, what)).concat());
    // Not even alice seals another story over the first.
    let journal = bench.read("r/world.avmw");
    let cut = Journal::read(&journal).expect("it was just written").records;
    let last = cut.last().expect("it rested").offset;
    bench.file("r/world.avmw", &journal[..last]);
    let shorter = bench.run(&["swarm", "verify", "r"]);
    assert!(shorter.exit == 3 && shorter.stderr.contains("3 were sealed"), "{}", shorter.show());
    let over = bench.run(&["swarm", "seal", "r", "--key", "alice"]);
    assert!(over.exit == 3 && over.stderr.contains("sealed otherwise"), "{}", over.show());
}

/// Every byte of the seals counts.
#[test]
fn seals_that_were_tampered_with() {
    let bench = saying();
    let bytes = bench.read("r/world.avms");
    let verify = || bench.run(&["swarm", "verify", "r"]);
    let mut told = std::collections::BTreeSet::new();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        bench.file("r/world.avms", changed);
        let verified = verify();
        assert_eq!(verified.exit, 3, "byte {at}: {}", verified.show());
        let why = without_hashes(&verified.stderr);
        told.insert(why.split(", byte").next().unwrap_or_default().trim_end().to_owned());
    }
    // Somebody else's key under what alice says.
    let (world, seals) = read_seals(&bytes).expect("it was just written");
    let Seal { sender, outbox, trail, .. } = seals[0].clone();
    let stolen = Seal::new(world, sender, outbox, trail, &[0x44; 32]);
    bench.file("r/world.avms", write_seals(&world, &[stolen]));
    told.insert(without_hashes(verify().stderr.trim_end()));
    let own = bench.run(&["swarm", "seal", "r", "--key", "mallory"]);
    told.insert(without_hashes(own.stderr.trim_end()));
    insta::assert_snapshot!(told.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Keys that are put in place of others, and identities that end, after somebody sealed with them.
#[test]
fn keys_that_are_no_more() {
    let bench = bench();
    let lines = [
        "name claim alice.avm.net --key alice --registry n.avmn",
        "name claim bob.avm.net --key bob --registry n.avmn",
    ];
    told(&bench, &lines);
    let file = String::from_utf8(bench.read("shop.toml")).expect("text");
    bench.file("n.toml", file.replace("names.avmn", "n.avmn"));
    let lines = [
        "swarm run n.toml --run r --seal bob --quiet",
        "swarm seal r --key alice",
        "swarm verify r --registry n.avmn",
        "name rotate --key bob --new bob2 --registry n.avmn",
        "swarm verify r --registry n.avmn",
        "swarm seal r --key bob2 --registry n.avmn",
        "swarm verify r --registry n.avmn",
        "name revoke bob.avm.net --key bob2 --registry n.avmn",
        "swarm verify r --registry n.avmn",
        "name retire --key alice --registry n.avmn",
        "swarm verify r --registry n.avmn",
    ];
    insta::assert_snapshot!(told(&bench, &lines));
}

/// A registry that was put back, or is another one, is noticed by whoever goes on with a run or checks
/// it.
#[test]
fn a_registry_that_is_not_the_one_of_the_run() {
    let bench = bench();
    let old = bench.read("names.avmn");
    let lines = [
        "name claim more.avm.net --key alice --registry names.avmn",
        "swarm run shop.toml --run r --ticks 2 --quiet",
    ];
    told(&bench, &lines);
    let now = bench.read("names.avmn");
    bench.file("names.avmn", &old);
    std::fs::remove_file(bench.path().join("names.seen")).expect("it was remembered");
    let lines = ["swarm verify r --registry names.avmn", "swarm resume r"];
    let back = told(&bench, &lines);
    let lines = ["name claim evil.avm.net --key mallory --registry names.avmn"];
    let forked = told(&bench, &[&lines[..], &["swarm resume r"]].concat());
    bench.file("other/k", "");
    let other = told(
        &bench,
        &[
            "name claim alice.avm.net --key mallory --registry other/names.avmn",
            "swarm verify r --registry other/names.avmn",
        ],
    );
    bench.file("names.avmn", &now);
    std::fs::remove_file(bench.path().join("names.seen")).expect("it was remembered");
    let lines = [
        "name revoke bob.avm.net --key bob2 --registry names.avmn",
        "swarm resume r --seal alice --quiet",
        "swarm verify r --of alice.avm.net --registry names.avmn",
    ];
    insta::assert_snapshot!([back, forked, other, told(&bench, &lines)].concat());
}

/// A run that is sealed on its way goes on, and is sealed again.
#[test]
fn seals_of_a_run_that_goes_on() {
    let bench = bench();
    let lines = [
        "swarm run shop.toml --run r --ticks 2 --seal alice --quiet",
        "swarm verify r --of alice.avm.net --registry names.avmn",
        "swarm resume r --quiet",
        "swarm verify r --of alice.avm.net --registry names.avmn",
        "swarm resume r --seal alice --quiet",
        "swarm verify r --of alice.avm.net --registry names.avmn",
    ];
    insta::assert_snapshot!(told(&bench, &lines));
}

#[test]
fn whose_an_agent_is_has_to_be_clear() {
    let bench = bench();
    bench.file("a.avm", "RETURN 0\n");
    for line in ["claim gone.avm.net", "claim ends.avm.net"] {
        let key = if line.contains("gone") { "alice" } else { "mallory" };
        told(&bench, &[&format!("name {line} --key {key} --registry names.avmn")]);
    }
    let lines = [
        "name revoke gone.avm.net --key alice --registry names.avmn",
        "name retire --key mallory --registry names.avmn",
    ];
    told(&bench, &lines);
    let key =
        |digit: u8| format!("key = \"{}\"", avm_ir::wire::hex(&public_key(&[digit * 0x11; 32])));
    let (alice, bob, bob2, mallory) = (key(1), key(2), key(3), key(4));
    let agent = |name: &str, more: &str| {
        format!("[[agent]]\nname = \"{name}\"\nprogram = \"a.avm\"\n{more}\n\n")
    };
    let domain = |domain: &str| format!("domain = \"{domain}\"");
    let mut shown = String::new();
    for (what, registry, agents) in [
        ("twice", false, agent("a", &alice) + &agent("b", &format!("count = 2\n{alice}"))),
        ("twice by name", true, agent("a", &alice) + &agent("b", &domain("alice.avm.net"))),
        ("twice rotated", true, agent("a", &bob) + &agent("b", &bob2)),
        ("no key", false, agent("a", "key = \"12\"")),
        ("no registry", false, agent("a", &domain("alice.avm.net"))),
        ("no name", true, agent("a", &domain("alice.example"))),
        ("unknown", true, agent("a", &domain("nobody.avm.net"))),
        ("revoked", true, agent("a", &domain("gone.avm.net"))),
        ("retired", true, agent("a", &domain("ends.avm.net"))),
        ("retired key", true, agent("a", &mallory)),
        ("other key", true, agent("a", &format!("{}\n{bob}", domain("alice.avm.net")))),
        ("copies", true, agent("a", &format!("{}\ncount = 2", domain("alice.avm.net")))),
        ("a name of two", true, agent("bob.avm.net", "") + &agent("b", &domain("bob.avm.net"))),
        ("right", true, agent("a", &format!("{}\n{bob2}", domain("bob.avm.net")))),
    ] {
        let world = if registry { "[world]\nregistry = \"names.avmn\"\n\n" } else { "" };
        bench.file("w.toml", format!("{world}{agents}"));
        let ran = bench.run(&["swarm", "run", "w.toml", "--no-journal", "--quiet"]);
        shown.push_str(&format!("{what}: {}", ran.show()));
    }
    insta::assert_snapshot!(shown);
}
