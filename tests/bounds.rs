//! `avm gas` from outside: what it says of programs that people know.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn gas(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avm"));
    command.arg("gas").args(args).current_dir(env!("CARGO_MANIFEST_DIR")).env("NO_COLOR", "1");
    command.output().expect("the command runs")
}

fn text(args: &[&str]) -> String {
    let output = gas(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn json(args: &[&str]) -> Value {
    let text = text(&[args, &["--json"]].concat());
    assert_eq!(text.lines().count(), 1, "one object");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_trading_agent_of_the_whitepaper() {
    insta::assert_snapshot!(text(&["programs/paper/trading_agent.avm"]));
}

#[test]
fn programs_that_come_along() {
    for program in ["basics/fizzbuzz", "basics/hanoi", "algorithms/matrix", "agents/retry"] {
        let name = program.replace('/', "_");
        insta::assert_snapshot!(name, text(&[&format!("programs/{program}.avm")]));
    }
}

#[test]
fn every_program_has_an_answer() {
    let mut bounded = 0;
    for folder in ["basics", "algorithms", "text", "simulation", "agents"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(folder);
        for entry in std::fs::read_dir(folder).expect("programs") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "avm") {
                let found = json(&[path.to_str().expect("a name")]);
                bounded += u32::from(found["program"]["kind"] != "unbounded");
            }
        }
    }
    assert!(bounded >= 2, "{bounded}");
}

#[test]
fn loops_are_named_with_their_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("loops.avm");
    let program = "SET n = 0\n\n:again\nSET n = n + 1\nFOR i IN RANGE(0, 10) DO\n    LOG i\nENDFOR\n\
                   IF n < 5 THEN JUMP again\nWHILE n > 0 DO\n    SET n = n - 1\nENDWHILE\n";
    std::fs::write(&path, program).expect("a file");
    let path = path.to_str().expect("a name");
    let found = json(&[path]);
    let loops = found["loops"].as_array().expect("loops");
    let lines: Vec<_> = loops.iter().map(|l| (&l["line"], &l["label"], &l["rounds"])).collect();
    let ten = serde_json::json!({"least": 10, "most": 10});
    let expected = serde_json::json!([[4, "again", null], [5, null, ten], [9, null, null]]);
    assert_eq!(serde_json::json!(lines), expected);
    assert_eq!(found["program"]["because"], "loop");
    assert_eq!(found["program"]["at"]["line"], 4);
    // The inner loop is counted: ten times LOG of an int, which is nine bytes long.
    assert_eq!(loops[1]["total"]["kind"], "exact");
    assert_eq!(loops[1]["total"]["nanogas"], 10 * (3_000 + 9 * 1_000_000) + 1_000);

    // Without debug data instructions have numbers.
    let bytecode = folder.path().join("loops.avmb");
    let bytecode = bytecode.to_str().expect("a name");
    let assembled = Command::new(env!("CARGO_BIN_EXE_avm"))
        .args(["asm", path, "--strip", "-o", bytecode])
        .output()
        .expect("the command runs");
    assert!(assembled.status.success());
    assert!(text(&[bytecode]).contains("because of the loop at again, instruction 1 of main"));
    assert!(json(&[bytecode])["program"]["at"]["line"].is_null());
}

#[test]
fn a_program_with_errors_has_no_bounds() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bad.avm");
    std::fs::write(&path, "NO_SUCH_THING 1\n").expect("a file");
    let output = gas(&[path.to_str().expect("a name")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
}
