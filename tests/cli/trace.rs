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
