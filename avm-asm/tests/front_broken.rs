//! Broken sources: where each error is, what it is called and what it says.

#[path = "front/report.rs"]
mod report;

use std::fmt::Write as _;

use avm_asm::{ast::Arena, parse::parse};
use avm_ir::{FileId, Severity};

/// Cases are divided by lines of three dashes.
const CASES: &str = include_str!("front/broken.avm");

#[test]
fn broken_sources() {
    let mut out = String::new();
    let mut count = 0;
    for case in CASES.split("---\n") {
        let (_, diagnostics, _) = parse(FileId(0), case, &Arena::default());
        assert!(diagnostics.iter().any(|report| report.severity == Severity::Error), "{case}");
        let _ = writeln!(out, "{}\n=>\n{}", case.trim_end(), report::all(case, &diagnostics));
        count += 1;
    }
    assert!(count >= 60);
    insta::assert_snapshot!(out);
}

#[test]
fn twenty_errors_in_one_pass() {
    let bad = [
        "total = 5",
        "KV_STORE \"key\" 5",
        "IF R = 5 THEN HALT",
        "SET total 5",
        "LOG 1 +",
        "LOG \"x\" -> 5",
        "LOG “x”",
        "SET R = (1",
        "#define A = 5",
        "LOG \"a",
    ];
    let mut text = String::new();
    let mut expected = Vec::new();
    for (at, line) in bad.iter().cycle().take(20).enumerate() {
        let _ = writeln!(text, "LOG \"fine\"\n{line}\nHALT");
        expected.push(3 * at + 2);
    }
    let arena = Arena::default();
    let (ast, diagnostics, _) = parse(FileId(0), &text, &arena);
    let lines: Vec<usize> = diagnostics
        .iter()
        .map(|found| {
            report::place(&text, found.span.start)
                .split(':')
                .next()
                .map_or(0, |line| line.parse().unwrap_or(0))
        })
        .collect();
    assert_eq!(lines, expected, "{}", report::all(&text, &diagnostics));
    // What is right in between is all there.
    assert!(ast.items.len() >= 40);
}
