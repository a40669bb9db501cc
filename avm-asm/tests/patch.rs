//! Patches of one region: what comes of them, and what is said of those that are refused.

use std::fmt::Write as _;

use avm_asm::{
    NoSources, Options, assemble, disassemble,
    patch::{Refused, is_diff, patch_diff, patch_text, region_text},
};
use avm_ir::{
    NameKind, Program,
    program::graft::{GraftError, Patched, check, graft},
};

fn assembled(text: &str) -> Program {
    let assembly = assemble("main.avm", text, &mut NoSources, &Options::default());
    assembly.program.unwrap_or_else(|| panic!("{:#?}", assembly.diagnostics))
}

const PROGRAM: &str = r#".input question
.uses tool "spare"
SET total = 0
CALL plan_step, 1 -> total
JUMP again
.region plan perms=read,modify,append,execute in=(question) out=(answer)
:again
  GPU_INFER "small", question -> answer
  IF total > 3 THEN
    LOG "deep"
  ENDIF
.func plan_step(n)
  RETURN n + offset(2)
.endfunc
.endregion
.region idle detached perms=read,modify
:rest
  LOG "idle"
  JUMP again
.endregion
.region last detached perms=read,append
  LOG answer
.endregion
:done
LOG answer
HALT
.func offset(by)
  RETURN by
.endfunc
.test "plans" region=plan
given question = "why"
expect plan_step(1) == 3
.endtest
"#;

#[track_caller]
fn right(program: &Program, region: &str, text: &str, append: bool) -> Patched {
    let patched = patch_text(program, region, text, append).unwrap_or_else(|e| panic!("{e}"));
    let growth = check(program, &patched.program, region).expect("nothing else changed");
    assert_eq!(growth, patched.growth);
    patched
}

#[test]
fn own_text_changes_nothing() {
    let mut program = assembled(PROGRAM);
    program.sign(&[7; 32]);
    for region in ["plan", "idle", "last"] {
        let text = region_text(&program, region).expect("text");
        let patched = right(&program, region, &text, false);
        assert_eq!(patched.program.to_bytes(), program.to_bytes(), "signature and debug data too");
        assert!(patched.growth.is_empty());
        let bare = Program { debug: None, ..program.clone() };
        assert_eq!(region_text(&bare, region), Ok(text), "debug data has no say");
    }
}

#[test]
fn text_of_a_region() {
    insta::assert_snapshot!(region_text(&assembled(PROGRAM), "plan").expect("text"));
}

/// What bits hide in a region is not to be read by way of `main`.
#[test]
fn text_of_main_leaves_regions_out() {
    let text = region_text(&assembled(PROGRAM), "main").expect("text");
    assert!(text.contains(";; region plan\n") && !text.contains("GPU_INFER"), "{text}");
}

#[test]
fn a_new_body() {
    let program = assembled(PROGRAM);
    let patch = "#define MOST 9\n:again\n  READ_FROM_TOOL \"web\", question -> found\n  IF found == MOST THEN JUMP done\n\
        .func plan_step(n, more)\n  RETURN n * MOST\n.endfunc\n";
    let Patched { program: new, growth } = right(&program, "plan", patch, false);
    assert_eq!(growth.registers, ["found"]);
    assert_eq!(growth.names, [(NameKind::Tool, "web".to_owned())]);
    assert_eq!(new.registers[..program.registers.len()], program.registers);
    for (at, region) in new.regions.iter().enumerate().filter(|(at, _)| *at != 1) {
        assert_eq!(region.hash(), program.regions[at].hash());
    }
    let debug = new.debug.as_ref().expect("debug data");
    let place = new.place(1, 0).expect("a place");
    assert_eq!((debug.files[usize::from(place.file)].as_str(), place.line), ("patch of plan", 3));
    assert_eq!(debug.locals[1], [["n", "more"]]);
    // The block form says the same.
    let block = format!(".region plan perms=append,read,execute,modify\n{patch}.endregion\n");
    assert_eq!(right(&program, "plan", &block, false).program.hash(), new.hash());
    // As does the text of the whole.
    let text = disassemble(&new).expect("text");
    assert_eq!(assembled(&text).hash(), new.hash());
}

/// Canonical text has numbers for intermediate results; new statements in between get others.
#[test]
fn new_statements_in_canonical_text() {
    let program = assembled(PROGRAM);
    let text = region_text(&program, "plan").expect("text");
    let text = text.replace("  JUMP_UNLESS", "  SET fresh = total + 1 > 5 * total\n  JUMP_UNLESS");
    let text = text.replace("  ADD p0", "  SET local = p0 * (p0 + 1)\n  ADD p0");
    let new = right(&program, "plan", &text, false).program;
    insta::assert_snapshot!(region_text(&new, "plan").expect("text"));
}

#[test]
fn behind_the_body() {
    let program = assembled(PROGRAM);
    let patch = "LOG more(total)\n.func more(n)\n  RETURN n\n.endfunc\n";
    let new = right(&program, "plan", patch, true).program;
    insta::assert_snapshot!(region_text(&new, "plan").expect("text"));
    let debug = new.debug.as_ref().expect("debug data");
    let lines = debug.places[1].iter().map(|place| {
        let file = debug.files[usize::from(place.file)].as_str();
        (if file == "main.avm" { 'm' } else { 'p' }, place.line)
    });
    let expected = [
        ('m', 8),
        ('m', 9),
        ('m', 9),
        ('m', 10),
        ('p', 1),
        ('p', 1),
        ('p', 1),
        ('m', 13),
        ('m', 13),
        ('m', 13),
        ('p', 3),
    ];
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    // A region that is entered by a jump ends in a halt that goes without saying.
    let new = right(&program, "last", "LOG \"more\"\n", true).program;
    assert!(
        region_text(&new, "last").expect("text").ends_with("  LOG \"more\"\n  HALT\n.endregion\n")
    );
    // What is reached by a label alone may stand behind a jump.
    right(&program, "idle", ":more\nLOG 1\nJUMP rest\n", true);
}

#[test]
fn a_diff() {
    let program = assembled(PROGRAM);
    let diff = "--- a\n+++ b\n@@ -2,3 +2,3 @@ :again\n :again\n-  GPU_INFER \"small\", question -> answer\n+  GPU_INFER \"large\", question -> answer\n   GT total, 3 -> %254\n";
    assert!(is_diff(diff) && !is_diff("LOG 1\n") && !is_diff("\n;; @@ -1 +1 @@\n"));
    let patched = patch_diff(&program, "plan", diff).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(patched.growth.names, [(NameKind::Model, "large".to_owned())]);
    let text = region_text(&patched.program, "plan").expect("text");
    assert_eq!(text, region_text(&program, "plan").expect("text").replace("small", "large"));
}

#[test]
fn bytecode() {
    let program = assembled(PROGRAM);
    let fragment = assembled("LOG 1\n");
    assert_eq!(graft(&program, "plan", &fragment), Err(GraftError::NotInFragment("plan".into())));
    let fragment = assembled(
        ".registers extra, answer, question\nHALT\n.region plan\n:again\n  SET answer = question + extra\n  SET total = extra\n  READ_FROM_TOOL \"web\", answer -> answer\n\
         .func plan_step(n)\n  RETURN offset(n)\n.endfunc\n.endregion\n.func offset(x)\n.endfunc\n",
    );
    let Patched { program: new, growth } = graft(&program, "plan", &fragment).expect("it fits");
    assert_eq!(growth.registers, ["extra"]);
    let text = region_text(&new, "plan").expect("text");
    let same = right(&new, "plan", &text, false).program;
    assert_eq!(same.hash(), new.hash(), "{text}");
    assert!(text.contains("in=(question) out=(answer)\n:again\n  ADD question, extra -> answer\n  SET total = extra"), "{text}");
    let errors = [
        (".region plan perms=read\n.endregion\n", GraftError::Bits),
        (".region plan in=(answer)\n.endregion\n", GraftError::Interface),
        (".region plan detached\n.endregion\n", GraftError::Flow { attached: true }),
        (
            ".region plan\n.func plan_step(a)\n.endfunc\n.endregion\n",
            GraftError::LabelNeeded { label: "again".into(), user: "region `main`".into() },
        ),
        (
            ".region plan\n:again\n.endregion\n",
            GraftError::FunctionNeeded {
                function: "plan_step".into(),
                user: "region `main`".into(),
            },
        ),
        (
            ".region plan\n:again\n.func plan_step()\n.endfunc\n.endregion\n",
            GraftError::Parameters {
                function: "plan_step".into(),
                user: "region `main`".into(),
                arguments: 1,
                params: 0,
            },
        ),
        (
            ".region plan\n:again\n:rest\n.func plan_step(a)\n.endfunc\n.endregion\n",
            GraftError::LabelTaken { label: "rest".into(), region: "idle".into() },
        ),
        (
            ".region plan\n:again\n  SET %0 = 1\n.func plan_step(a)\n.endfunc\n.endregion\n",
            GraftError::Unnamed { number: 0, name: "question".into() },
        ),
    ];
    for (text, error) in errors {
        assert_eq!(graft(&program, "plan", &assembled(text)), Err(error), "{text}");
    }
    assert_eq!(graft(&program, "main", &program), Err(GraftError::Main));
    assert_eq!(graft(&program, "plan", &program).map(|patched| patched.program), Ok(program));
}

/// Numbers that code uses without a name are not given to new names.
#[test]
fn unnamed_registers_stay_free() {
    let program = assembled("SET a = 1\nSET %1 = 5\nLOG %1\n.region r\n.endregion\n");
    assert_eq!(program.registers, ["a"]);
    let patched = right(&program, "r", "SET b = 2\nLOG b\n", false);
    assert_eq!(patched.program.registers, ["a", "", "b"]);
    let fragment = assembled(".region r\nSET b = 2\nLOG b\n.endregion\n");
    assert_eq!(
        graft(&program, "r", &fragment).map(|p| p.program.hash()),
        Ok(patched.program.hash())
    );
}

type Change = fn(&mut Program);

#[test]
fn the_machine_sees_other_changes() {
    let old = assembled(PROGRAM);
    let changes: [(&str, Change); 9] = [
        ("registers", |p| p.registers[0].push('x')),
        ("inputs", |p| p.inputs.clear()),
        ("tests", |p| p.tests.clear()),
        ("names", |p| p.manifest.names.clear()),
        ("number", |p| p.regions.truncate(2)),
        ("another", |p| p.regions[2].perms.0 |= 4),
        ("another", |p| p.regions[0].code.truncate(1)),
        ("bits", |p| p.regions[1].perms.0 |= 64),
        ("interface", |p| p.regions[1].inputs.clear()),
    ];
    for (word, change) in changes {
        let mut new = old.clone();
        change(&mut new);
        let error = check(&old, &new, "plan").expect_err(word).to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
    assert!(check(&old, &old, "plan").is_ok_and(|growth| growth.is_empty()));
    assert_eq!(check(&old, &old, "main"), Err(GraftError::Main));
}

fn shown(out: &mut String, refused: &Refused) {
    for report in &refused.diagnostics {
        let file = &refused.files[usize::from(report.span.file.0)];
        let (line, column) = file.line_column(report.span.start);
        let _ = write!(out, "{line}:{column} {} {}", report.code, report.message);
        let _ = write!(out, " `{}`", file.slice(report.span).escape_debug());
        for part in [&report.label, &report.help] {
            if !part.is_empty() {
                let _ = write!(out, "; {part}");
            }
        }
        if let Some(suggestion) = &report.suggestion {
            let _ = write!(out, "; {}", suggestion.text);
        }
        for note in &report.notes {
            let file = &refused.files[usize::from(note.span.file.0)];
            let _ = write!(out, "; {}: {}", file.slice(note.span), note.text);
        }
        out.push('\n');
    }
}

/// Patches of `plan` that are refused; those that begin with `+` are appended.
const BROKEN: &[(&str, &str)] = &[
    ("plan", "LOG 1\n"),
    ("plan", ":again\nLOG totl\n  JUMP dnoe\n.func plan_step(n)\n  RETURN ofset(n)\n.endfunc\n"),
    ("plan", ":again\nLOG (\n.func plan_step(n)\n.endfunc\n"),
    (
        "plan",
        ".region plan perms=read,modify,lock in=(total) out=(answer)\n:again\n.func plan_step(n)\n.endfunc\n.endregion\n",
    ),
    ("plan", ".region plna detached\n:again\n.func plan_step(n)\n.endfunc\n.endregion\n"),
    (
        "plan",
        ".region plan\n:again\n.func plan_step(n)\n.endfunc\n.endregion\nLOG 5\n.region b\n.endregion\n",
    ),
    (
        "plan",
        ".include \"x\"\n.uses model \"m\"\n.input y\n.registers z\n.region b\n.endregion\n.test \"t\" region=plan\nexpect true\n.endtest\n",
    ),
    ("plan", "IF true THEN\n  .uses model \"m\"\nENDIF\n"),
    ("plan", ":again\n:done\n:rest\n.func offset(x)\n.endfunc\n.func plan_step(n)\n.endfunc\n"),
    ("plan", ":again\n.func plan_step()\n.endfunc\n"),
    ("plan", ":again\noffset(1, 2)\n.func plan_step(n)\n  JUMP done\n.endfunc\n"),
    ("plan", "#define total 5\n:again\nLOG total\n.func plan_step(n)\n.endfunc\n"),
    ("plan", "+:again\nLOG 1\n"),
    ("plan", "+.func plan_step(n)\n.endfunc\n"),
    ("idle", "+LOG 1\n"),
    ("idle", "HALT\n"),
    ("main", "LOG 1\n"),
    ("pln", "LOG 1\n"),
    ("none of these", "LOG 1\n"),
];

#[test]
fn what_is_said_of_broken_patches() {
    let program = assembled(PROGRAM);
    let mut out = String::new();
    for (region, text) in BROKEN {
        let (append, text) = text.strip_prefix('+').map_or((false, *text), |text| (true, text));
        let how = if append { "behind" } else { "patch of" };
        let _ = writeln!(out, "--- {how} {region}\n{}\n", text.trim_end());
        match patch_text(&program, region, text, append) {
            Ok(_) => out.push_str("accepted\n"),
            Err(refused) => shown(&mut out, &refused),
        }
        out.push('\n');
    }
    insta::assert_snapshot!(out);
}

const BROKEN_DIFFS: &[&str] = &[
    "",
    "--- a\n+++ b\n",
    "LOG 1\n",
    "@@ -2 @@\n",
    "@@ -2,2 +2,2 @@\n :again\n-  GPU_INFER \"larger\", question -> answer\n+  LOG 1\n",
    "@@ -2,3 +2,2 @@\n :again\n-  GPU_INFER \"small\", question -> answer\n",
    "@@ -2,1 +2,1 @@\n :again\n   GPU_INFER \"small\", question -> answer\n",
    "@@ -9,1 +9,1 @@\n-  GPU_INFER \"small\", question -> answer\n+  LOG 1\n",
    "@@ -99,1 +99,1 @@\n-  GPU_INFER \"small\", question -> answer\n+  LOG 1\n",
    "@@ -3,1 +3,1 @@\n-  GPU_INFER \"small\", question -> answer\n+  LOG 1\n@@ -2,1 +2,1 @@\n :again\n",
    "@@ -2,1 +2,1 @@\n?:again\n",
    "@@ -2,1 +2,1 @@\n :again\n--- a\n+++ b\n",
    "@@ -2,1 +2,0 @@\n-:again\n",
    "@@ -3,1 +3,1 @@\n-  GPU_INFER \"small\", question -> answer\n+  LOG anwser\n",
    "@@ -99999999999,1 +1,1 @@\n",
    "@@ -1,4294967295 +1,4294967295 @@\n \n",
];

#[test]
fn a_long_list_of_messages_is_cut() {
    let program = assembled(PROGRAM);
    let refused = patch_text(&program, "plan", &"LOGG\n".repeat(30), false).expect_err("wrong");
    let text = refused.to_string();
    assert_eq!(text.lines().count(), 21);
    assert!(
        text.starts_with("patch of plan:1:1: AVM0200: ") && text.ends_with("and 10 more"),
        "{text}"
    );
}

#[test]
fn what_is_said_of_broken_diffs() {
    let program = assembled(PROGRAM);
    let mut out = String::new();
    for diff in BROKEN_DIFFS {
        let _ = writeln!(out, "--- diff\n{}\n", diff.trim_end());
        match patch_diff(&program, "plan", diff) {
            Ok(_) => out.push_str("accepted\n"),
            Err(refused) => shown(&mut out, &refused),
        }
        out.push('\n');
    }
    insta::assert_snapshot!(out);
}
