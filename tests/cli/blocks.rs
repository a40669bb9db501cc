//! `.test` blocks: which programs have some, and what is said where one fails.

use super::harness::Bench;

const RULE: &str = "\
.input limit
RETURN rule(limit, limit)
.region RULE detached
.func rule(n, limit)
  RETURN n > limit
.endfunc
.endregion
.test \"more is over\" region=RULE
  given limit = 3
  expect rule(4, limit)
.endtest
";
const WRONG: &str = "\
.test \"as much is over\" region=RULE
  given limit = 3
  expect rule(3, limit)
.endtest
.test \"all of it\" region=main
  given limit = \"text\"
  expect true
.endtest
";

#[test]
fn tests_of_programs_run_without_a_golden_run() {
    let bench = Bench::new();
    bench.file("a/rule.avm", RULE);
    // None, and it has errors: who has no tests is no matter of theirs.
    bench.file("a/other.avm", "SAT x = 1\n");
    for named in [&["test"][..], &["test", "a/rule.avm"], &["test", "--blocks", "a"]] {
        let passed = bench.run(named);
        assert_eq!((passed.exit, passed.stdout.as_str()), (0, "1 of 1 test passed\n"), "{named:?}");
    }
    bench.file("a/rule.avm", format!("{RULE}{WRONG}"));
    let failed = bench.run(&["test"]);
    assert_eq!(failed.exit, 1);
    bench.file("b.avm", format!("SAT x = 1\n{RULE}"));
    let broken = bench.run(&["test", "b.avm", "a"]);
    assert_eq!(broken.exit, 1);
    let none = bench.run(&["test", "--blocks", "a/other.avm"]);
    assert_eq!(none.exit, 2);
    insta::assert_snapshot!([failed, broken, none].map(|ran| ran.show()).join("\n"));
}

#[test]
fn tests_come_behind_golden_runs() {
    let bench = Bench::with(&RULE.replace(".input limit", ".input limit = 1"));
    assert_eq!(bench.run(&["test", "--bless", "a.avm"]).exit, 0);
    let both = "1 of 1 golden run the same\n1 of 1 test passed\n";
    assert_eq!(bench.run(&["test"]).stdout, both);
    assert_eq!(bench.run(&["test", "a.avmj"]).stdout, "1 of 1 golden run the same\n");
    assert_eq!(bench.run(&["test", "--blocks"]).stdout, "1 of 1 test passed\n");
    // From bytecode too, where no line is known.
    bench.file("a.avm", RULE.replace("rule(4, limit)", "rule(2, limit)"));
    assert_eq!(bench.run(&["asm", "a.avm", "--strip"]).exit, 0);
    let failed = bench.run(&["test", "a.avmb"]);
    assert!(failed.stdout.starts_with("a.avmb: more is over: T10"), "{}", failed.stdout);
}
