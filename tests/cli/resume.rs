//! `avm resume`: a run that was suspended goes on as if nothing had happened.

use std::{fs::File, path::Path};

use super::harness::{Bench, Ran, number};

/// Notes, a call, random numbers, a store.
const STEPS: &str = "\
FOR i IN 4 DO
  GPU_INFER \"LLama\", \"What is \" + i + \"?\" -> word
  LOG [i, RANDOM(1, 1000)]
ENDFOR
KV_STORE \"kept\", word
RETURN RANDOM(1, 1000)
";

/// Rewrites, points and ways back, before and behind every place where a run is cut.
const REWRITES: &str = "\
SELF_OBSERVER_MODE true
SET ids = []
FOR i IN 6 DO
  SELF_MODIFY \"STRATEGY\", \".func decide(x)\\n  SET y = x * \" + i + \"\\n  RETURN y\\n.endfunc\" -> s
  SET ids = ids + [s.version]
  CREATE_SYSTEM_CHECKPOINT \"point \" + i
  LOG [i, decide(10), s.hash]
  IF i == 3 THEN
    REVERT_CODE \"STRATEGY\", ids[1]
    LOAD_EXECUTION_STATE snapshot=\"point 2\" -> then
    LOG [decide(10), LEN(then.ids)]
  ENDIF
ENDFOR
REVERT_CODE \"STRATEGY\", \"point 4\"
SELF_INTROSPECT \"versions\" -> lineage
RETURN [decide(10), lineage]
.region STRATEGY detached perms=read,modify,execute
.func decide(x)
  RETURN x
.endfunc
.endregion
";

/// A text field of the last line of `--json`.
fn field(json: &str, name: &str) -> String {
    let mark = format!("\"{name}\":\"");
    let at = json.rfind(&mark).expect("the field is there") + mark.len();
    json[at..].split('"').next().unwrap_or_default().to_owned()
}

/// Lines of an event, without what depends on where the run was cut.
fn events(ran: &[Ran], event: &str) -> String {
    let mark = format!("\"event\":\"{event}\"");
    let lines = ran.iter().flat_map(|ran| ran.stdout.lines());
    lines.filter(|line| line.contains(&mark)).map(|line| format!("{line}\n")).collect()
}

/// Runs a program in one go, and in hops of so much gas; both must come to the same.
fn compare(bench: &Bench, args: &[&str], hop: &str) -> usize {
    let run = |gas: &str, folder: &str| {
        let mut all = vec!["run", "a.avm", "--json", "--on-exhausted", "suspend", "--gas", gas];
        all.extend(["--run", folder]);
        all.extend(args);
        bench.run(&all)
    };
    let mut hops = vec![run(hop, "hops")];
    while hops.last().is_some_and(|ran| ran.exit == 6) {
        let more = format!("+{hop}");
        hops.push(bench.run(&["resume", "hops", "--gas", &more, "--json"]));
    }
    let last = hops.last().expect("one run at least");
    assert_eq!((last.exit, last.stderr.as_str()), (0, ""), "{}", last.stdout);
    let granted = number(&last.stdout, "gas_limit");
    let granted = format!("{}.{:09}", granted / 1_000_000_000, granted % 1_000_000_000);
    let whole = run(&granted, "whole");
    assert_eq!(whole.exit, 0, "{}", whole.stdout);
    for name in ["gas_used", "steps", "effects"] {
        assert_eq!(number(&whole.stdout, name), number(&last.stdout, name), "{name}");
    }
    assert_eq!(field(&whole.stdout, "state"), field(&last.stdout, "state"));
    for event in ["log", "effect"] {
        assert_eq!(events(std::slice::from_ref(&whole), event), events(&hops, event));
    }
    hops.len()
}

#[test]
fn says_how_to_go_on() {
    let bench = Bench::with(STEPS);
    let first = bench.run(&["run", "a.avm", "--gas", "15", "--on-exhausted", "suspend"]);
    let second = bench.run(&["resume", ".avm/runs/a-1", "--gas", "+15", "-q"]);
    let third = bench.run(&["resume", ".avm/runs/a-1", "--gas", "+15", "--registers"]);
    let over = bench.run(&["resume", ".avm/runs/a-1", "--gas", "+1"]);
    let shown = [first, second, third, over].map(|ran| ran.show());
    insta::assert_snapshot!(shown.join("\n"));
    let other = bench.run(&["run", "a.avm", "-q", "--gas", "1", "--on-exhausted", "suspend"]);
    assert!(other.stderr.contains("kept in .avm/runs/a-2;"), "{}", other.stderr);
}

#[test]
fn profile_is_of_the_part_that_was_resumed() {
    let bench = Bench::with("LOG \"a\"\nLOG \"b\"\n");
    let first = ["run", "a.avm", "--gas", "0.0015", "--on-exhausted", "suspend", "--run", "r"];
    assert_eq!(bench.run(&first).exit, 6);
    let ran = bench.run(&["resume", "r", "--gas", "+1", "--quiet", "--profile"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "b\n"));
    assert_eq!(
        ran.stderr,
        "gas         99.9 %  LOG in main, 0.001001\ngas          0.1 %  HALT in main, 0.000001\n"
    );
}

#[test]
fn hops_are_as_one_run() {
    let bench = Bench::with(STEPS);
    assert_eq!(compare(&bench, &["--seed", "7"], "11"), 4);
}

#[test]
fn documents_in_memory_and_on_disk_are_there_again() {
    const SEARCH: &str = "\
CALC_EMBED \"apples\", \"text-embedding-3-small\" -> v
DOC_SEARCH \"Fruit\", v, 10 -> found
LOG found
DOC_STORE \"Fruit\", \"mine\", \"apples that I store\", v
GPU_INFER \"LLama\", \"a long wait\" -> word
DOC_SEARCH \"Fruit\", v, 10 -> found
LOG found
";
    let bench = Bench::with(SEARCH);
    bench.file("docs/a.md", "# Apples\n\nRed apples are sweet.\n\n# Pears\n\nPears are green.\n");
    assert!(compare(&bench, &["--docs", "docs"], "1") > 5);
    let run = ["run", "a.avm", "-q", "--docs", "docs", "--store", "s", "--on-exhausted", "suspend"];
    let first = bench.run(&[&run[..], &["--gas", "5", "--run", "stored"]].concat());
    assert_eq!(first.exit, 6, "{}", first.stderr);
    let second = bench.run(&["resume", "stored", "--gas", "+50", "-q"]);
    assert_eq!(second.exit, 0, "{}", second.stderr);
    assert!(second.stdout.contains("apples that I store"), "{}", second.stdout);
}

#[test]
fn recordings_go_on_where_they_were() {
    let bench = Bench::with(
        "FOR i IN 3 DO\n  READ_FROM_TOOL \"Feed\", NULL -> post\n  LOG post\n  GPU_INFER \"LLama\", \"x\"\nENDFOR\n",
    );
    let post = |text: &str| format!("[[read]]\ngive = \"{text}\"\ntimes = 1\n\n");
    bench.file("feed.toml", [post("one"), post("two"), post("three")].concat());
    assert!(compare(&bench, &["--tool", "Feed=fixture:feed.toml"], "12") > 2);
}

#[test]
fn any_budget_suspends_and_any_is_raised() {
    let bench = Bench::with(STEPS);
    let args = ["--on-exhausted", "suspend", "--budget", "effects=2", "--state", "kept.avmk", "-q"];
    let first = bench.run(&[&["run", "a.avm", "--run", "r"][..], &args].concat());
    assert_eq!(first.exit, 6);
    assert!(first.stderr.contains("avm resume r --budget effects=+2"), "{}", first.stderr);
    let wrong = bench.run(&["resume", "r", "--gas", "+100"]);
    assert_eq!(wrong.exit, 2, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("--budget effects=+AMOUNT"), "{}", wrong.stderr);
    let plain = bench.run(&["resume", "r", "--budget", "effects=10"]);
    assert_eq!(plain.exit, 2, "{}", plain.stderr);
    assert!(plain.stderr.contains("effects=+10"), "{}", plain.stderr);
    let last = bench.run(&["resume", "r", "--budget", "effects=+2", "--gas", "+5", "-q"]);
    assert_eq!((last.exit, last.stderr.as_str()), (0, ""));
    bench.file("b.avm", "KV_KEYS -> keys\nRETURN keys\n");
    let kept = bench.run(&["run", "b.avm", "-q", "--state", "kept.avmk"]);
    assert_eq!(kept.stdout, "[\"kept\"]\n", "{}", kept.stderr);
}

fn suspended() -> Bench {
    suspended_with(&[])
}

fn suspended_with(more: &[&str]) -> Bench {
    let bench = Bench::with(STEPS);
    let run = ["run", "a.avm", "-q", "--gas", "15", "--on-exhausted", "suspend", "--run", "runs/r"];
    let ran = bench.run(&[&run[..], more].concat());
    assert_eq!(ran.exit, 6, "{}", ran.stderr);
    bench
}

fn refused(bench: &Bench, why: &str) {
    let ran = bench.run(&["resume", "runs/r", "--gas", "+100", "-q"]);
    assert_eq!(ran.exit, 3, "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains(why), "{why}: {}", ran.stderr);
}

#[test]
fn damaged_folders_are_refused_by_name() {
    for file in ["machine-1.avms", "providers-1.avmv"] {
        let bench = suspended();
        let path = format!("runs/r/{file}");
        let mut bytes = bench.read(&path);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bench.file(&path, &bytes);
        refused(&bench, &format!("runs/r/{file}: damaged"));
        bench.file(&path, b"");
        refused(&bench, &format!("runs/r/{file}: damaged"));
        std::fs::remove_file(bench.path().join(&path)).expect("a file");
        refused(&bench, &format!("{file}: no such file or folder"));
    }
    let bench = suspended();
    let mut bytes = bench.read("runs/r/journal.avmj");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    bench.file("runs/r/journal.avmj", &bytes);
    refused(&bench, "runs/r/journal.avmj: damaged: record 3, at byte ");
    bench.file("runs/r/journal.avmj", b"");
    refused(&bench, "runs/r/journal.avmj: not a journal");
    let bench = suspended();
    bench.file("runs/r/run.toml", "version = 1\n");
    refused(&bench, "runs/r/run.toml: ");
    let bench = Bench::with(STEPS);
    bench.file("runs/r/a", "");
    refused(&bench, "runs/r: not a run");
}

#[test]
fn another_program_is_refused() {
    let bench = suspended_with(&["--no-journal"]);
    bench.file("b.avm", "HALT\n");
    assert_eq!(bench.run(&["asm", "b.avm", "-o", "runs/r/program.avmb"]).exit, 0);
    refused(&bench, "runs/r/program.avmb: damaged");
    // Also where somebody makes the hashes fit.
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let record = String::from_utf8(bench.read("runs/r/run.toml")).expect("text");
    let line = record.lines().find(|line| line.starts_with("program = \"") && line.len() > 60);
    let new = format!("program = \"{}\"", hash(&bench.read("runs/r/program.avmb")));
    bench.file("runs/r/run.toml", record.replace(line.expect("a hash"), &new));
    refused(&bench, "runs/r: a snapshot of another program");
}

#[test]
fn one_goes_on_at_a_time() {
    for (more, lock) in [(&[][..], "journal.avmj"), (&["--no-journal"], "program.avmb")] {
        let bench = suspended_with(more);
        let file = File::open(bench.path().join("runs/r").join(lock)).expect("a file");
        file.lock().expect("a lock");
        refused(&bench, "another avm goes on with this run");
    }
}

#[test]
fn a_project_moves_with_its_runs() {
    let bench = suspended();
    let moved = Bench::new();
    let copy = |path: &str| moved.file(path, bench.read(path));
    copy("a.avm");
    for entry in std::fs::read_dir(bench.path().join("runs/r")).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        copy(&Path::new("runs/r").join(name).to_string_lossy());
    }
    drop(bench);
    let ran = moved.run(&["resume", "runs/r", "--gas", "+100", "-q"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
}

#[test]
fn a_folder_in_use_is_not_taken() {
    let bench = suspended();
    let ran = bench.run(&["run", "a.avm", "--run", "runs/r"]);
    assert_eq!(ran.exit, 3);
    assert!(ran.stderr.contains("runs/r: is not empty"), "{}", ran.stderr);
    let ran = bench.run(&["resume", "nowhere", "--gas", "+1"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (3, "error: nowhere: no such file or folder\n"));
}

/// Code, its lineage and the registers of checkpoints go from process to process.
#[test]
fn rewritten_code_goes_on() {
    let bench = Bench::with(REWRITES);
    let hops = compare(&bench, &[], "97.3");
    assert!(hops > 3, "{hops}");
    let history = |folder: &str| {
        let shown = bench.run(&["history", folder]);
        assert_eq!(shown.exit, 0, "{}", shown.stderr);
        shown.stdout
    };
    assert_eq!(history("hops"), history("whole"));
}
