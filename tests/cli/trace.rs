//! Traces and profiles of recorded runs.

use super::harness::Bench;

const PROGRAM: &str = "\
.func double(n)
  RETURN n * 2
.endfunc
SET total = 0
FOR i IN 2 DO
  SET total = total + double(i + 1)
ENDFOR
LOG \"total \" + total
GPU_INFER \"LLama\", \"Why?\" -> why
RETURN total
";

fn recorded() -> Bench {
    let bench = Bench::with(PROGRAM);
    assert_eq!(bench.run(&["run", "a.avm", "-q"]).exit, 0);
    bench
}

#[test]
fn every_step_and_those_that_are_asked_for() {
    let bench = recorded();
    let all = bench.run(&["trace"]).show();
    let some = bench.run(&["trace", ".avm/runs/a-1", "--register", "total", "--steps", "10.."]);
    let dear = bench.run(&["trace", "--gas", "0.001", "--json"]);
    let shown = [all, some.show(), dear.show()];
    insta::assert_snapshot!(shown.join("\n"));
    let wrong = bench.run(&["trace", "--opcode", "ADDD"]);
    assert_eq!(wrong.exit, 2);
    let wrong = bench.run(&["trace", "--steps", "x.."]);
    assert!(wrong.stderr.contains("x is no number of a step"), "{}", wrong.stderr);
}

#[test]
fn the_compact_form_is_the_same_every_time() {
    let bench = recorded();
    assert_eq!(bench.run(&["trace", "-o", "one.avmt"]).exit, 0);
    assert_eq!(bench.run(&["trace", "-o", "two.avmt"]).exit, 0);
    let bytes = bench.read("one.avmt");
    assert_eq!(bytes, bench.read("two.avmt"));
    assert!(bytes.starts_with(b"AVMT"));
    let chrome = bench.run(&["trace", "--chrome"]);
    assert!(chrome.stdout.starts_with("{\"displayTimeUnit\""), "{}", chrome.stdout);
}

#[test]
fn where_the_gas_went() {
    let bench = recorded();
    let table = bench.run(&["profile", "--rows", "3"]).show();
    let folded = bench.run(&["profile", "--folded", "--svg", "a.svg", "--speedscope", "a.json"]);
    insta::assert_snapshot!([table, folded.show()].join("\n"));
    assert!(bench.read("a.svg").starts_with(b"<svg") || bench.read("a.svg").starts_with(b"<?xml"));
    assert!(bench.read("a.json").starts_with(b"{"));
}

/// Runs with a trace written meanwhile; it is the one that the journal gives.
fn live(program: &str, exit: i32, more: &[&str]) -> Bench {
    let bench = Bench::with(program);
    bench.file("feed.toml", "[[read]]\ngive = [1, 2, 3]\n");
    for name in ["live.avmt", "live.jsonl"] {
        let run = ["run", "a.avm", "-q", "--tool", "Feed=fixture:feed.toml", "--trace", name];
        let ran = bench.run(&[&run[..], more].concat());
        assert_eq!(ran.exit, exit, "{}", ran.stderr);
        let derived = bench.run(&["trace", "-o", "derived.avmt"]);
        assert_eq!(derived.exit, 0, "{}", derived.stderr);
        if name == "live.avmt" {
            assert!(bench.read(name) == bench.read("derived.avmt"), "{program}");
        } else {
            let lines = bench.command(&["trace", "--json"]).output().expect("the command starts");
            assert!(bench.read(name) == lines.stdout, "{program}");
        }
        std::fs::remove_dir_all(bench.path().join(".avm")).expect("the run");
    }
    bench
}

#[test]
fn written_while_the_run_goes_it_is_the_same() {
    const ASKS: &str = "READ_FROM_TOOL \"Feed\", {a: 1} -> got\n";
    live(PROGRAM, 0, &[]);
    live(&format!("{ASKS}LOG got\nRETURN got[3]\n"), 4, &[]);
    live(&format!("{ASKS}RAISE \"no\"\n"), 4, &[]);
    const LONG: &str = "FOR i IN 6000 DO\n  SET a = i\nENDFOR\n";
    live(LONG, 5, &["--gas", "0.01"]);
    live(LONG, 6, &["--gas", "0.01", "--on-exhausted", "suspend"]);
    // More than one block and more than one slice.
    live(LONG, 0, &[]);
    live(&[ASKS, ASKS, ASKS].concat(), 6, &["--budget", "effects=2", "--on-exhausted", "suspend"]);
    live(&[ASKS, ASKS].concat(), 5, &["--budget", "effects=1"]);
    live(&[ASKS, ASKS].concat(), 0, &["--budget", "effects=1", "--on-exhausted", "deny"]);
    live(&[ASKS, ASKS].concat(), 5, &["--gas", "0.02"]);
    // Time is charged, while it waits too.
    live(&format!("{LONG}WAIT 0.01\n{LONG}"), 0, &["--budget", "wall=10min"]);
    live(&format!("WAIT 60000\n{LONG}"), 5, &["--budget", "wall=20ms"]);
    live("SET i = 0\nWHILE TRUE DO\n  SET i = i + 1\nENDWHILE\n", 5, &["--budget", "wall=0s"]);
}

#[test]
fn a_trace_without_a_journal_and_in_vain() {
    let bench = Bench::with(PROGRAM);
    let run = ["run", "a.avm", "-q", "--no-journal", "--trace"];
    let ran = bench.run(&[&run[..], &["a.avmt"]].concat());
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(bench.read("a.avmt").starts_with(b"AVMT"));
    assert!(!bench.path().join(".avm").exists());
    let slip = bench.run(&[&run[..], &["a.avm"]].concat());
    assert_eq!(slip.exit, 2);
    assert!(slip.stderr.contains("wants a file .avmt"), "{}", slip.stderr);
    assert_eq!(bench.read("a.avm"), PROGRAM.as_bytes());
    let folder = bench.run(&[&run[..], &["no/a.avmt"]].concat());
    assert_eq!(folder.exit, 3, "{}", folder.stderr);
}

#[test]
fn a_trace_alone_is_read_with_its_program() {
    let bench = live("FOR i IN 6000 DO\n  SET a = i\nENDFOR\n", 0, &[]);
    let show = |args: &[&str]| bench.run(&[&["trace", "live.avmt"], args].concat());
    let program = ["--program", "a.avm"];
    let some = show(&[&program[..], &["--steps", "3..4"]].concat()).show();
    bench.file("other.avm", "HALT\n");
    let other = show(&["--program", "other.avm"]).show();
    let without = show(&[]).show();
    assert_eq!(bench.run(&["profile", "live.avmt", "--program", "a.avm"]).exit, 0);
    // What a crash leaves is shown as far as it is whole.
    let bytes = bench.read("live.avmt");
    bench.file("live.avmt", &bytes[..bytes.len() - 1]);
    let torn = show(&[&program[..], &["--steps", "18002.."]].concat()).show();
    // Where a block ends depends on how a state is written.
    let (torn, byte) = torn.rsplit_once(", at byte ").expect("it says where");
    assert!(byte.trim().parse::<usize>().is_ok_and(|byte| byte < bytes.len()), "{byte}");
    insta::assert_snapshot!([some.as_str(), &other, &without, torn].join("\n"));
}
