//! What an operator allows agents to do with their own code, as a whole.

use avm_vm::policy::ClauseKind;

use super::harness::{Bench, Ran};

/// Takes both patches, and says what became of each.
const AGENT: &str = "\
.input bad
.input good
SET cash = 10
SELF_OBSERVER_MODE true
FOR patch IN [bad, good] DO
  SELF_MODIFY \"STRATEGY\", patch -> done
  IF lastRewriteFailed THEN
    SELF_INTROSPECT \"last_failure\" -> why
    LOG why
  ELSE
    LOG done.status
  ENDIF
ENDFOR
RETURN decide(cash)

.region STRATEGY detached perms=read,modify,execute
.func decide(x)
  LOG x
  CALC_EMBED \"a\", \"m1\" -> v
  RETURN x + 1
.endfunc
.endregion
.region OTHER detached perms=read,modify,execute
.func other(x)
  RETURN x
.endfunc
.endregion
.test \"it is positive\" region=STRATEGY
  expect decide(1) > 0
.endtest
";

const FINE: &str = ".func decide(x)\n  LOG x\n  RETURN x + 2\n.endfunc";

/// Runs the agent under a policy, with two patches.
fn run_under(policy: &str, bad: &str, good: &str) -> (Bench, Ran) {
    let bench = Bench::with(AGENT);
    bench.file("policy.toml", policy);
    let (bad, good) = (format!("bad={bad}"), format!("good={good}"));
    let ran = bench.run(&[
        "run",
        "a.avm",
        "-q",
        "--model",
        "m1=builtin:hash-embed",
        "--code-policy",
        "policy.toml",
        "--input",
        &bad,
        "--input",
        &good,
    ]);
    (bench, ran)
}

fn tried(policy: &str, bad: &str, good: &str) -> String {
    let (bench, ran) = run_under(policy, bad, good);
    let replayed = bench.run(&["replay", "-q"]);
    assert_eq!((replayed.exit, &replayed.stdout), (0, &ran.stdout), "{}", replayed.stderr);
    format!("{policy}\n{}", ran.show())
}

/// A case for each clause: a policy, a patch that it refuses and one that it lets through.
const CASES: &[(&str, &str, &str)] = &[
    (
        "allow",
        "patch.allow = [\"control\", \"data\", \"arith\", \"state\"]",
        ".func decide(x)\n  LOG x\n  IF x > 1 THEN\n    RETURN 1\n  ENDIF\n.endfunc",
    ),
    (
        "forbid",
        "region.STRATEGY.forbid = [\"ADD\", \"ledger\"]\nregion.STRATEGY.keep = [\"LOG\"]",
        ".func decide(x)\n  LOG x\n  RETURN x + 3\n.endfunc",
    ),
    ("keep", "patch.keep = [\"LOG\"]", ".func decide(x)\n  RETURN x + 2\n.endfunc"),
    (
        "names",
        "patch.names = { model = [] }",
        ".func decide(x)\n  LOG x\n  CALC_EMBED \"b\", \"m1\" -> v\n  RETURN LEN(v)\n.endfunc",
    ),
    (
        "max_instructions",
        "patch.max_instructions = 4",
        ".func decide(x)\n  LOG x\n  LOG x\n  LOG x\n  RETURN x + x * x\n.endfunc",
    ),
    (
        "max_gas",
        "patch.max_gas = \"0.01\"",
        ".func decide(x)\n  WHILE x > 1 DO\n    SET x = x - 1\n  ENDWHILE\n  RETURN 2\n.endfunc",
    ),
    (
        "not_dearer",
        "patch.not_dearer = true",
        ".func decide(x)\n  LOG x\n  LOG x\n  RETURN x + 2\n.endfunc",
    ),
    ("tests_pass", "patch.tests_pass = true", ".func decide(x)\n  LOG x\n  RETURN 0 - x\n.endfunc"),
    (
        "invariants",
        "patch.invariants = [\"decide(cash) < 100\", \"cash == 10\"]",
        ".func decide(x)\n  LOG x\n  RETURN x * 20\n.endfunc",
    ),
];

#[test]
fn each_clause_refuses_and_lets_through() {
    let mut shown = String::new();
    for (clause, policy, bad) in CASES {
        let good = match *clause {
            "forbid" => ".func decide(x)\n  LOG x\n  RETURN x - 2\n.endfunc",
            _ => FINE,
        };
        let tried = tried(policy, bad, good);
        assert!(tried.contains(&format!(".{clause}: ")), "{tried}");
        assert_eq!(tried.matches("policy clause").count(), 1, "{tried}");
        shown += &tried;
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn regions_bits_and_how_often() {
    let mut shown = String::new();
    for policy in [
        "regions = [\"OTHER\"]",
        "perms.STRATEGY = [\"read\", \"execute\"]",
        "rewrites = 1",
        "rate = { rewrites = 1, steps = 1000 }",
        "rate = { rewrites = 1, steps = 2 }",
    ] {
        shown += &tried(policy, FINE, ".func decide(x)\n  LOG x\n  RETURN x + 3\n.endfunc");
    }
    insta::assert_snapshot!(shown);
}

/// A run that waits for approval of its patch, under a policy.
fn waiting(policy: &str) -> (Bench, String) {
    let (bench, ran) = run_under(policy, "NOP", FINE);
    let shown = ran.show();
    (bench, shown)
}

fn steps(bench: &Bench, commands: &[&[&str]]) -> String {
    let mut shown = String::new();
    for command in commands {
        shown += &format!("$ avm {}\n{}", command.join(" "), bench.run(command).show());
    }
    shown
}

const RUN: &str = ".avm/runs/a-1";

#[test]
fn a_run_waits_until_its_operator_agrees() {
    let (bench, mut shown) = waiting("[approval]");
    shown += &steps(
        &bench,
        &[
            &["resume", RUN, "-q"],
            &["approve", RUN, "--show"],
            &["approve", RUN, "-q"],
            &["approve", RUN, "-q"],
            &["replay", RUN, "-q"],
            &["history", RUN],
        ],
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn a_patch_that_is_refused_is_not_taken() {
    let (bench, mut shown) = waiting("[approval]\nof = [\"state\"]");
    shown += &steps(
        &bench,
        &[&["approve", RUN, "-q", "--deny", "it may not grow"], &["replay", RUN, "-q"]],
    );
    insta::assert_snapshot!(shown);
}

/// Without a journal the votes are in the machine that is kept.
#[test]
fn two_of_three_have_to_agree() {
    for journal in [true, false] {
        let bench = Bench::with(AGENT);
        let keys: Vec<String> = ["a.key", "b.key", "c.key", "d.key"]
            .iter()
            .map(|file| bench.run(&["key", "new", file]).stdout.trim().to_owned())
            .collect();
        let policy = format!(
            "[approval]\nof = [\"LOG\"]\nneeded = 2\nkeys = [\"{}\", \"{}\", \"{}\"]",
            keys[0], keys[1], keys[2]
        );
        bench.file("policy.toml", policy);
        let good = format!("good={FINE}");
        let mut args = vec![
            "run",
            "a.avm",
            "-q",
            "--model",
            "m1=builtin:hash-embed",
            "--code-policy",
            "policy.toml",
            "--input",
            "bad=NOP",
            "--input",
            &good,
        ];
        if !journal {
            args.push("--no-journal");
        }
        let mut shown = bench.run(&args).show();
        shown += &steps(
            &bench,
            &[
                &["approve", RUN, "-q"],
                &["approve", RUN, "-q", "--key", "d.key"],
                &["approve", RUN, "-q", "--key", "a.key"],
                &["approve", RUN, "-q", "--key", "a.key"],
                &["approve", RUN, "-q", "--key", "b.key", "--deny", "not yet"],
                &["approve", RUN, "--show"],
                &["approve", RUN, "-q", "--key", "c.key", "--stay"],
                &["resume", RUN, "-q"],
            ],
        );
        if journal {
            insta::assert_snapshot!(shown);
            let replayed = bench.run(&["replay", RUN, "-q"]);
            assert_eq!(replayed.exit, 0, "{}", replayed.stderr);
        } else {
            insta::assert_snapshot!("two_of_three_without_a_journal", shown);
        }
    }
}

#[test]
fn what_is_wrong_with_a_policy_is_said() {
    let bench = Bench::with(AGENT);
    let mut shown = String::new();
    for policy in [
        "patch.forbit = [\"ADD\"]",
        "patch.forbid = [\"ADDD\"]",
        "regions = [\"STRATEGIE\"]",
        "[region.NOWHERE]\nnot_dearer = true",
        "perms.STRATEGY = [\"write\"]",
        "names = { modell = [\"m\"] }",
        "patch.max_gas = \"-1\"",
        "patch.invariants = [\"cash >\"]",
        "patch.invariants = [\"money > 1\"]",
        "patch.invariants = [\"other(1, 2, 3) == 1; x\"]",
        "[approval]\nneeded = 2",
        "[approval]\nkeys = [\"12\"]",
        "rate = { rewrites = 1 }",
    ] {
        bench.file("policy.toml", policy);
        let said = bench.run(&["policy", "check", "policy.toml", "a.avm"]);
        assert_eq!(said.exit, 3, "{policy}\n{}", said.show());
        shown += &format!("{policy}\n{}\n", said.stderr);
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn a_patch_is_judged_before_any_run() {
    let bench = Bench::with(AGENT);
    bench.file("fine.avm", FINE);
    bench.file("dear.avm", ".func decide(x)\n  LOG x\n  LOG x\n  RETURN x + 2\n.endfunc");
    bench.file(
        "policy.toml",
        "regions = [\"STRATEGY\"]\nperms.OTHER = [\"execute\"]\npatch.not_dearer = true\n\
         [region.STRATEGY]\ntests_pass = true\n[approval]\nof = [\"models\", \"outside\"]",
    );
    let wrong = bench.run(&["policy", "check", "policy.toml"]).show();
    let policy = String::from_utf8(bench.read("policy.toml")).expect("text");
    bench.file("policy.toml", policy.replace("\"models\", ", ""));
    let check = |patch| {
        ["policy", "check", "policy.toml", "a.avm", "--region", "STRATEGY", "--patch", patch]
    };
    let shown = steps(
        &bench,
        &[
            &["policy", "check", "policy.toml"],
            &["policy", "check", "policy.toml", "a.avm"],
            &["policy", "check", "policy.toml", "a.avm", "--json"],
            &check("fine.avm"),
            &check("dear.avm"),
        ],
    );
    insta::assert_snapshot!(wrong + &shown);
}

/// Names that patches may reach beyond the program's manifest come from the policy alone.
#[test]
fn a_policy_lets_patches_reach_further() {
    let further =
        ".func decide(x)\n  LOG x\n  CALC_EMBED \"a\", \"m2\" -> v\n  RETURN LEN(v)\n.endfunc";
    let mut shown = String::new();
    for policy in ["", "names = { model = [\"m2\"] }"] {
        let bench = Bench::with(AGENT);
        bench.file("policy.toml", policy);
        let good = format!("good={further}");
        shown += &steps(
            &bench,
            &[
                &[
                    "run",
                    "a.avm",
                    "-q",
                    "--model",
                    "m1=builtin:hash-embed",
                    "--model",
                    "m2=builtin:hash-embed",
                    "--code-policy",
                    "policy.toml",
                    "--input",
                    "bad=",
                    "--input",
                    &good,
                ],
                &["replay", "-q"],
            ],
        );
    }
    let bench = Bench::with(AGENT);
    bench.file("policy.toml", "names = { model = [\"m2\"] }");
    shown += &steps(
        &bench,
        &[&[
            "run",
            "a.avm",
            "-q",
            "--model",
            "m1=builtin:hash-embed",
            "--code-policy",
            "policy.toml",
            "--input",
            "bad=",
            "--input",
            "good=",
        ]],
    );
    insta::assert_snapshot!(shown);
}

/// The page lists every clause as the machine has it, and each is shown above.
#[test]
fn the_page_has_every_clause() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/spec/policy.md");
    let page = std::fs::read_to_string(page).expect("the page exists");
    let rows: Vec<Vec<&str>> = { page.lines().filter(|line| line.starts_with("| `")) }
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), ClauseKind::ALL.len());
    let shown = include_str!("policy.rs");
    for (kind, row) in ClauseKind::ALL.iter().zip(rows) {
        assert_eq!((row[0].trim_matches('`'), row[2]), (kind.name(), kind.doc()));
        assert!(
            shown.contains(&format!("{} = ", kind.name()))
                || shown.contains(&format!("{}.", kind.name()))
                || shown.contains(&format!("[{}]", kind.name())),
            "{row:?}"
        );
    }
}

/// Gas that the run does not have left is no reason to refuse a patch: the run waits for more.
#[test]
fn tests_that_the_run_cannot_pay_are_no_refusal() {
    let bench = Bench::with(
        "SELF_OBSERVER_MODE true\n\
         SELF_MODIFY \"STRATEGY\", \".func decide(x)\\n  RESET_EXECUTION_STATE\\n  RETURN x + 2\\n.endfunc\"\n\
         SET failed = lastRewriteFailed\nRETURN [failed, decide(1)]\n\
         .region STRATEGY detached perms=modify,execute\n.func decide(x)\n  RETURN x + 1\n.endfunc\n.endregion\n\
         .test \"it is positive\" region=STRATEGY\nexpect decide(1) > 0\n.endtest\n",
    );
    bench.file("policy.toml", "patch.tests_pass = true");
    let run = ["run", "a.avm", "-q", "--code-policy", "policy.toml", "--gas", "58"];
    let shown = steps(
        &bench,
        &[
            &[&run[..], &["--on-exhausted", "deny"]].concat(),
            &[&run[..], &["--on-exhausted", "suspend"]].concat(),
            &["resume", ".avm/runs/a-2", "--gas", "+20", "-q"],
            &["replay", ".avm/runs/a-2", "-q"],
        ],
    );
    insta::assert_snapshot!(shown);
}
