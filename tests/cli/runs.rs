//! The runs that are kept, and fewer of them.

use std::{
    fs,
    process::{Child, Stdio},
    time::SystemTime,
};

use avm_vm::journal::{Event, Journal, Parent, Start, Writer};

use super::harness::Bench;

const ENDLESS: &str = "WHILE TRUE DO\nENDWHILE\n";

/// Runs that came to rest in every way there is, one after the other.
fn kept() -> Bench {
    let bench = Bench::with("RETURN 1\n");
    bench.file("trap.avm", "RAISE \"no\"\n");
    bench.file("endless.avm", ENDLESS);
    let suspend = ["--gas", "0.01", "--on-exhausted", "suspend"];
    let runs: [(i32, &[&str]); 5] = [
        (0, &["a.avm"]),
        (4, &["trap.avm"]),
        (5, &["endless.avm", "--gas", "0.01"]),
        (6, &[&["endless.avm"], &suspend[..]].concat()),
        (6, &[&["endless.avm", "--no-journal"], &suspend[..]].concat()),
    ];
    for (exit, args) in runs {
        let ran = bench.run(&[&["run", "-q"], args].concat());
        assert_eq!(ran.exit, exit, "{}", ran.stderr);
    }
    copied(&bench, "a-1", "a-2");
    let whole = bench.read(".avm/runs/a-2/journal.avmj");
    bench.file(".avm/runs/a-2/journal.avmj", &whole[..whole.len() - 1]);
    copied(&bench, "a-1", "a-3");
    bench.file(".avm/runs/a-3/journal.avmj", "something else");
    copied(&bench, "a-1", "a-4");
    fork(&bench, "a-1", "a-4");
    bench.file(".avm/runs/mine/notes.txt", "not a run");
    let names = ["a-4", "a-1", "trap-1", "endless-1", "endless-2", "endless-3", "a-2", "a-3"];
    names.iter().enumerate().for_each(|(days, name)| age(&bench, name, days as u64));
    bench
}

fn copied(bench: &Bench, from: &str, to: &str) {
    for file in ["run.toml", "journal.avmj"] {
        bench.file(
            &format!(".avm/runs/{to}/{file}"),
            bench.read(&format!(".avm/runs/{from}/{file}")),
        );
    }
}

/// Makes a run one that was forked from another at its end.
fn fork(bench: &Bench, from: &str, to: &str) {
    let journal = Journal::read(&bench.read(&format!(".avm/runs/{from}/journal.avmj")));
    let journal = journal.expect("a journal");
    let last = journal.records.last().expect("it came to rest");
    let parent = Some(Parent { link: last.link, steps: last.steps });
    let (mut writer, mut bytes) = Writer::new(&Start { parent, ..journal.start.clone() });
    assert!(matches!(last.event, Event::Rested { .. }));
    bytes.extend(writer.event(last.steps, &last.event));
    bench.file(&format!(".avm/runs/{to}/journal.avmj"), bytes);
}

/// Says that a run was written to so many days ago, and a bit.
fn age(bench: &Bench, name: &str, days: u64) {
    let then = SystemTime::now() - std::time::Duration::from_secs(days * 86_400 + 100);
    for file in fs::read_dir(bench.path().join(".avm/runs").join(name)).expect("a run") {
        let file = fs::File::options().append(true).open(file.expect("an entry").path());
        file.and_then(|file| file.set_modified(then)).expect("a time");
    }
}

#[test]
fn runs_are_listed_and_old_ones_removed() {
    let bench = kept();
    let list = bench.run(&["runs"]).show();
    let json = bench.run(&["runs", "--json"]).stdout;
    let json: Vec<String> = json.lines().map(without_time).collect();
    let prune = |args: &[&str]| bench.run(&[&["runs", "prune"], args].concat()).show();
    let shown = [
        list,
        json.join("\n"),
        prune(&[]),
        prune(&["--keep", "2", "--older-than", "2", "--dry-run"]),
        prune(&["--keep", "2", "--older-than", "2"]),
        prune(&["--keep", "1"]),
        bench.run(&["runs"]).show(),
        prune(&["--older-than", "0", "--unfinished"]),
        bench.run(&["runs"]).show(),
    ];
    insta::assert_snapshot!(super::harness::without_hashes(&shown.join("\n")));
    assert_eq!(bench.read(".avm/runs/mine/notes.txt"), b"not a run");
}

fn without_time(line: &str) -> String {
    let (before, after) = line.split_once("\"written\":").expect("a time");
    let digits = after.find(|c: char| !c.is_ascii_digit()).expect("an end");
    format!("{before}\"written\":T{}", &after[digits..])
}

/// The only run of a bench is shown as going on and cannot be removed; then it is killed.
fn is_kept_while_it_goes(bench: &Bench, going: &mut Child) {
    let list = bench.run(&["runs"]);
    let pruned = bench.run(&["runs", "prune", "--keep", "0", "--unfinished"]);
    going.kill().expect("it is there");
    going.wait().expect("it ends");
    assert!(list.stdout.contains("running"), "{}", list.stdout);
    assert_eq!(pruned.stderr, "0 of 1 run removed\n");
}

#[test]
fn a_run_that_goes_on_stays() {
    let bench = Bench::with("LOG \"begun\"\nWAIT 600\n");
    let mut command = bench.command(&["run", "a.avm", "-q"]);
    let mut going = command.stdout(Stdio::piped()).spawn().expect("the command starts");
    let mut begun = [0; 6];
    let out = going.stdout.as_mut().expect("a pipe");
    std::io::Read::read_exact(out, &mut begun).expect("it begins");
    is_kept_while_it_goes(&bench, &mut going);
    let pruned = bench.run(&["runs", "prune", "--keep", "0", "--unfinished"]);
    assert_eq!(pruned.stdout, "removed .avm/runs/a-1\n");
}

const TALK: &str = "\
.input n = 3
.uses agent \"b\"
IF n > 3 THEN
  RAISE \"too many\"
ENDIF
WAIT n
SEND_SWARM_MSG \"b\", n
RETURN n
";

/// Runs of swarms stand among the others, and go with them.
#[test]
fn runs_of_swarms_are_listed_too() {
    let bench = Bench::with("RETURN 1\n");
    bench.file("talk.avm", TALK);
    let swarm = |n: u32, gas: &str| {
        let agent = |name: &str| {
            format!(
                "[[agent]]\nname = \"{name}\"\nprogram = \"talk.avm\"\ngas = \"{gas}\"\ninputs = {{ n = {n} }}\n"
            )
        };
        agent("a") + &agent("b")
    };
    bench.file("s.toml", swarm(1, "100"));
    bench.file("trap.toml", swarm(4, "100"));
    bench.file("poor.toml", swarm(1, "0.01"));
    let runs: [(i32, &[&str]); 6] = [
        (0, &["s.toml"]),
        (6, &["s.toml", "--ticks", "1", "--snapshots", "1"]),
        (4, &["trap.toml"]),
        (5, &["poor.toml"]),
        (0, &["s.toml"]),
        (0, &["s.toml"]),
    ];
    for (exit, args) in runs {
        let ran = bench.run(&[&["swarm", "run", "-q"], args].concat());
        assert_eq!(ran.exit, exit, "{}", ran.show());
    }
    assert_eq!(bench.run(&["run", "-q", "a.avm"]).exit, 0);
    let at = |file: &str| format!(".avm/runs/{file}");
    let journal = bench.read(&at("s-3/world.avmw"));
    bench.file(&at("s-3/world.avmw"), &journal[..journal.len() - 1]);
    bench.file(&at("s-4/world.avmw"), "something else");
    bench.file(&at("s-5/world.avmw.new"), "AVMW");
    bench.file(&at("s-5/started.toml"), bench.read(&at("s-1/started.toml")));
    let names = ["s-1", "a-1", "s-2", "trap-1", "poor-1", "s-3", "s-4", "s-5"];
    names.iter().enumerate().for_each(|(days, name)| age(&bench, name, days as u64));
    let json = bench.run(&["runs", "--json"]).stdout;
    let json: Vec<String> = json.lines().map(without_time).collect();
    let prune = |args: &[&str]| bench.run(&[&["runs", "prune"], args].concat()).show();
    let shown = [
        bench.run(&["runs"]).show(),
        json.join("\n"),
        prune(&["--keep", "2"]),
        // None of them is a run of one agent that was forked.
        bench.run(&["diff"]).show(),
        prune(&["--keep", "1", "--unfinished"]),
        bench.run(&["runs"]).show(),
    ];
    insta::assert_snapshot!(super::harness::without_hashes(&shown.join("\n")));
    assert!(!bench.path().join(at("s-2")).exists());
}

#[test]
fn a_swarm_that_goes_on_stays() {
    let bench = Bench::with("WAIT 600\n");
    bench.file("s.toml", "[[agent]]\nname = \"a\"\nprogram = \"a.avm\"\n");
    let mut command = bench.command(&["swarm", "run", "s.toml", "-q", "--clock", "wall"]);
    let mut going = command.spawn().expect("the command starts");
    let journal = bench.path().join(".avm/runs/s-1/world.avmw");
    while !journal.is_file() && going.try_wait().expect("it is there").is_none() {
        std::thread::yield_now();
    }
    is_kept_while_it_goes(&bench, &mut going);
    let list = bench.run(&["runs"]);
    assert!(list.stdout.contains("cut off"), "{}", list.stdout);
    let pruned = bench.run(&["runs", "prune", "--keep", "0", "--unfinished"]);
    assert_eq!(pruned.stdout, "removed .avm/runs/s-1\n");
}
