//! Programs that read and change their own code, as a whole.

use super::harness::Bench;

const STRATEGY: &str = "\
.region STRATEGY detached perms=read,modify,execute
.func decide(x)
  RETURN x + 1
.endfunc
.endregion
.region SAFE detached perms=read,execute
.func guard(x)
  RETURN x < 100
.endfunc
.endregion
";

fn run(main: &str) -> String {
    let bench = Bench::with(&format!("{main}\n{STRATEGY}"));
    let ran = bench.run(&["run", "a.avm", "-q"]);
    let replayed = bench.run(&["replay", "-q"]);
    assert_eq!((replayed.exit, &replayed.stdout), (0, &ran.stdout), "{}", replayed.stderr);
    ran.show()
}

#[test]
fn code_is_read_and_replaced_by_text() {
    insta::assert_snapshot!(run("\
SELF_OBSERVER_MODE true
SELF_READ \"STRATEGY\" -> before
LOG before
SELF_MODIFY \"STRATEGY\", \".func decide(x)\\n  RETURN x * 10\\n.endfunc\" -> done
LOG decide(4)
SELF_READ \"STRATEGY\" -> after
LOG after
SELF_MODIFY \"STRATEGY\", before
LOG decide(4)
REVERT_CODE \"STRATEGY\", done.version
RETURN decide(4)"));
}

#[test]
fn code_is_replaced_by_a_diff() {
    insta::assert_snapshot!(run("\
SELF_OBSERVER_MODE true
SELF_READ \"STRATEGY\" -> code
SET lines = SPLIT(code, \"\\n\")
SET k = 0
SET at = 0
WHILE k < LEN(lines) DO
  IF CONTAINS(lines[k], \"ADD\") THEN
    SET at = k
  ENDIF
  SET k = k + 1
ENDWHILE
SET diff = \"@@ -\" + (at + 1) + \" +\" + (at + 1) + \" @@\\n-\" + lines[at] + \"\\n+\" + REPLACE(lines[at], \"ADD\", \"SUB\")
SELF_MODIFY \"STRATEGY\", diff -> done
LOG lastRewriteFailed
LOG decide(4)
SELF_MODIFY \"STRATEGY\", \"@@ -1 +1 @@\\n-nothing of the kind\\n+\" -> done
IF lastRewriteFailed THEN
  SELF_INTROSPECT \"last_failure\" -> why
  LOG why
ENDIF
RETURN decide(4)"));
}

#[test]
fn what_is_refused_says_why() {
    insta::assert_snapshot!(run("\
SET tries = [[\"STRATEGY\", \"NOP\"], [\"SAFE\", \"NOP\"], [\"main\", \"NOP\"], [\"NOWHERE\", \"NOP\"], [\"STRATEGY\", \".func decide(x)\\n  RETURN y +\\n.endfunc\"], [\"STRATEGY\", \".func decide(x)\\n  READ_FROM_TOOL \\\"Bank\\\", NULL -> y\\n  RETURN y\\n.endfunc\"], [\"STRATEGY\", 5]]
FOR try IN tries DO
  SELF_MODIFY try[0], try[1]
  IF lastRewriteFailed THEN
    SELF_INTROSPECT \"last_failure\" -> why
    LOG why
  ENDIF
  SELF_OBSERVER_MODE true
ENDFOR
RETURN [decide(1), guard(200)]"));
}

#[test]
fn a_run_that_changed_its_code_goes_on_after_it_was_suspended() {
    let main = "SELF_OBSERVER_MODE true\nSELF_MODIFY \"STRATEGY\", \".func decide(x)\\n  RETURN x * 10\\n.endfunc\"\n\
                SET k = 0\nWHILE k < 100000 DO\n  SET k = k + 1\nENDWHILE\nRETURN decide(k)";
    let bench = Bench::with(&format!("{main}\n{STRATEGY}"));
    let suspended =
        bench.run(&["run", "a.avm", "--gas", "56.7", "--on-exhausted", "suspend", "-q"]);
    assert_eq!(suspended.exit, 6, "{}", suspended.stderr);
    let ended = bench.run(&["resume", ".avm/runs/a-1", "--gas", "+10", "-q"]);
    assert_eq!((ended.exit, ended.stdout.as_str()), (0, "1000000\n"), "{}", ended.stderr);
    let replayed = bench.run(&["replay", ".avm/runs/a-1"]);
    assert_eq!(replayed.exit, 0, "{}", replayed.stderr);
}

#[test]
fn a_region_that_may_only_be_appended_to() {
    let bench = Bench::with(
        "\
SELF_OBSERVER_MODE true
SET tries = [\".func two(x)\\n  RETURN one(x) + 1\\n.endfunc\", \"LOG \\\"added\\\"\", \".func one(x)\\n  RETURN 7\\n.endfunc\"]
SELF_READ \"NOTES\" -> text
SET tries = tries + [REPLACE(text, \"1\", \"2\")]
FOR try IN tries DO
  SELF_MODIFY \"NOTES\", try
  IF lastRewriteFailed THEN
    SELF_INTROSPECT \"last_failure\" -> why
    LOG why
  ENDIF
ENDFOR
SELF_READ \"NOTES\" -> text
SELF_MODIFY \"NOTES\", REPLACE(text, \"HALT\", \"JUMP back\")
JUMP notes
:back
REVERT_CODE \"NOTES\", 1
SELF_READ \"NOTES\" -> text
LOG text
RETURN [one(1), lastRewriteFailed]
.region NOTES detached perms=read,append,execute
:notes
  LOG \"first\"
.func one(x)
  RETURN x + 1
.endfunc
.endregion
",
    );
    let ran = bench.run(&["run", "a.avm", "-q"]);
    let replayed = bench.run(&["replay", "-q"]);
    assert_eq!((replayed.exit, &replayed.stdout), (0, &ran.stdout), "{}", replayed.stderr);
    insta::assert_snapshot!(ran.show());
}

/// Rewritten code comes from no file, so its own text is shown; code that is back comes from where it
/// came from.
#[test]
fn traps_point_into_the_code_that_runs() {
    let program = |back: &str| {
        format!(
            "SELF_OBSERVER_MODE true\nSELF_MODIFY \"SUM\", \".func total(x)\\n  SET y = 3\\n  :again\\n  SET y = y - 1\\n  IF y > 0 THEN JUMP again\\n  RETURN x / y\\n.endfunc\" -> s\n\
             {back}\nRETURN total(1)\n.region SUM detached perms=modify,execute\n.func total(x)\n  ;; by nothing\n\
             \x20 RETURN x / 0\n.endfunc\n.endregion\n"
        )
    };
    let said = ["", "REVERT_CODE \"SUM\", s.snapshot_id"].map(|back| {
        let bench = Bench::with(&program(back));
        let ran = bench.run(&["run", "a.avm", "-q"]);
        assert_eq!(ran.exit, 4, "{}", ran.stderr);
        ran.stderr
    });
    insta::assert_snapshot!(said.join("\n"));
}

/// What an agent read of itself is in the trace of the step that read it.
#[test]
fn what_was_read_is_in_the_trace() {
    let bench = Bench::with(&format!(
        "LOG \"a thought\"\nSELF_OBSERVER_MODE true\nSELF_INTROSPECT \"chain_of_thought\" -> thoughts\n\
         SELF_READ \"SAFE\" -> code\nSELF_INTROSPECT \"regions\" -> regions\nRETURN LEN(code)\n{STRATEGY}"
    ));
    let ran = bench.run(&["run", "a.avm", "-q"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let traced = bench.run(&["trace", "--json"]);
    let read = traced.stdout.lines().filter(|line| {
        ["SELF_INTROSPECT", "SELF_READ"].iter().any(|op| line.contains(&format!("\"op\":\"{op}\"")))
    });
    let read: Vec<&str> = read.collect();
    assert!(read[1].contains("RETURN %1"), "the whole text: {}", read[1]);
    insta::assert_snapshot!(read.join("\n"));
}

/// The debugger has no line of rewritten code, and has the line again of code that is back.
#[test]
fn the_debugger_knows_the_lines_of_code_that_is_back() {
    let bench = Bench::with(
        "SELF_OBSERVER_MODE true\nSELF_MODIFY \"PART\", \".func part(x)\\n  SET y = x * 10\\n  RETURN y\\n.endfunc\" -> s\n\
         SET a = part(1)\nREVERT_CODE \"PART\", s.snapshot_id\nSET b = part(1)\nRETURN [a, b]\n\
         .region PART detached perms=modify,execute\n.func part(x)\n  ;; by one\n  RETURN x + 1\n.endfunc\n.endregion\n",
    );
    let looked = bench.feed(&["debug", "a.avm"], "break part\ncontinue\ncontinue\n");
    insta::assert_snapshot!(looked.stdout);
}
