//! `avm history` of a run that changed its code, went back, and was refused.

use super::harness::Bench;

const PROGRAM: &str = "\
SELF_OBSERVER_MODE true
SELF_MODIFY \"STRATEGY\", \".func decide(x)\\n  RETURN x * 10\\n.endfunc\" -> first
CREATE_SYSTEM_CHECKPOINT \"tens\" -> c
SELF_MODIFY \"STRATEGY\", \".func decide(x)\\n  RETURN x * 100\\n.endfunc\" -> second
SELF_MODIFY \"LIMIT\", \".func limit(x)\\n  SELF_MODIFY \\\"LIMIT\\\", \\\".func limit(x)\\\\n  RETURN 7\\\\n.endfunc\\\"\\n  RETURN x\\n.endfunc\" -> third
SET x = limit(decide(1))
SELF_MODIFY \"STRATEGY\", \".func decide(x)\\n  RETURN x +\\n.endfunc\" -> bad
SELF_MODIFY \"main\", \"NOP\" -> bad
REVERT_CODE \"STRATEGY\", \"tens\"
RETURN [x, limit(decide(1))]
.region STRATEGY detached perms=read,modify,execute
.func decide(x)
  RETURN x + 1
.endfunc
.endregion
.region LIMIT detached perms=read,modify,execute
.func limit(x)
  RETURN x
.endfunc
.endregion
";

#[test]
fn lineage_of_code() {
    let bench = Bench::with(PROGRAM);
    let ran = bench.run(&["run", "a.avm", "-q"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "[100,7]\n"), "{}", ran.stderr);
    insta::assert_snapshot!("history", bench.run(&["history"]).stdout);
    insta::assert_snapshot!("history_json", bench.run(&["history", "--json"]).stdout);
    insta::assert_snapshot!(
        "history_dot",
        bench.run(&["history", ".avm/runs/a-1", "--dot"]).stdout
    );
    let drawn = bench.run(&["history", ".avm/runs/a-1", "--svg", "h.svg"]);
    assert_eq!((drawn.exit, drawn.stdout.as_str()), (0, ""), "{}", drawn.stderr);
    insta::assert_snapshot!("history_svg", String::from_utf8_lossy(&bench.read("h.svg")));
}

#[test]
fn a_run_that_changed_nothing() {
    let bench = Bench::with("RETURN 1");
    bench.run(&["run", "a.avm", "-q"]);
    let shown = bench.run(&["history"]);
    let said = "every region has the code that the program came with\n";
    assert_eq!((shown.exit, shown.stdout.as_str()), (0, said));
    let none = bench.run(&["history", "nowhere"]);
    assert_eq!(none.exit, 3, "{}", none.stderr);
}

#[test]
fn traces_are_the_same_live_and_later() {
    let bench = Bench::with(PROGRAM);
    bench.run(&["run", "a.avm", "-q", "--trace", "live.avmt"]);
    bench.run(&["trace", "--output", "later.avmt"]);
    assert!(bench.read("live.avmt") == bench.read("later.avmt"));
    let shown = bench.run(&["trace", "live.avmt", "--program", "a.avm"]);
    assert_eq!(shown.stdout.matches("  rewritten: ").count(), 5, "{}", shown.stdout);
}
