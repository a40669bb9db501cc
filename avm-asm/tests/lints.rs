//! Lints: what they find, and above all what they leave alone.

#[path = "front/report.rs"]
mod report;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use avm_asm::{Assembly, Dialect, NoSources, Options, assemble, files::Files, messages};
use avm_ir::Severity;

const TRADING_AGENT: &str = include_str!("../../programs/paper/trading_agent.avm");
/// A heading `=== CODES what it shows` and a program below it; `none` for no finding.
const CASES: &str = include_str!("lints/cases.txt");

fn check(text: &str, dialect: Dialect) -> Assembly {
    assemble("main.avm", text, &mut NoSources, &Options { dialect, ..Options::default() })
}

fn codes(text: &str) -> Vec<String> {
    let found = check(text, Dialect::Standard).diagnostics;
    found.iter().map(|report| report.code.to_string()).collect()
}

/// The whitepaper's own program has what X-13 to X-18 name, and nothing else.
#[test]
fn trading_agent() {
    let standard = check(TRADING_AGENT, Dialect::Standard);
    insta::assert_snapshot!("standard", report::all(TRADING_AGENT, &standard.diagnostics));
    let paper = check(TRADING_AGENT, Dialect::Paper);
    insta::assert_snapshot!("paper", report::all(TRADING_AGENT, &paper.diagnostics));
    let lints = |assembly: &Assembly| {
        let lints = assembly.diagnostics.iter().filter(|report| messages::is_lint(report.code));
        lints.cloned().collect::<Vec<_>>()
    };
    assert_eq!(lints(&standard), lints(&paper));
    assert_eq!(lints(&paper).len(), 8);
}

#[test]
fn cases() {
    let mut problems = String::new();
    let mut count = 0;
    for case in CASES.split("=== ").skip(1) {
        let (head, text) = case.split_once('\n').expect("a heading");
        let words: Vec<&str> = head.split(' ').collect();
        let wanted = words.iter().take_while(|word| word.starts_with("AVM"));
        let mut wanted: Vec<String> = wanted.map(|word| (*word).to_owned()).collect();
        let mut found = codes(text);
        // What is wrong with an `.allow` of an error is beside the point of the last case.
        if wanted == ["AVM0201"] {
            found.retain(|code| code != "AVM0912");
        }
        wanted.sort();
        found.sort();
        if wanted != found {
            let reports = check(text, Dialect::Standard).diagnostics;
            let _ =
                writeln!(problems, "{head}\n{text}=> {found:?}\n{}", report::all(text, &reports));
        }
        count += 1;
    }
    assert!(problems.is_empty(), "{problems}");
    assert!(count > 100, "{count} cases");
}

/// Every lint has cases that it finds, and more that it does not.
#[test]
fn every_lint_has_cases() {
    let heads: Vec<&str> = CASES.lines().filter_map(|line| line.strip_prefix("=== ")).collect();
    for row in messages::MESSAGES.iter().filter(|row| messages::is_lint(row.code)) {
        assert_eq!(row.severity, Severity::Warning);
        let code = row.code.to_string();
        assert!(heads.iter().any(|head| head.starts_with(&code)), "{code}");
    }
    assert!(heads.iter().filter(|head| head.starts_with("none")).count() * 2 > heads.len());
}

#[test]
fn lints_can_be_left_out() {
    let options = Options { lints: false, ..Options::default() };
    let text = ".allow AVM0917 \"a tip\"\nPAY_AGENT \"a\", 5\nSWARM_CONNECT \"b\"\n#define A 1\n";
    let assembly = assemble("main.avm", text, &mut NoSources, &options);
    assert_eq!(report::all(text, &assembly.diagnostics), "");
    assert_eq!(codes(text), ["AVM0913"]);
    // Bytecode is the same with and without `.allow`.
    let bare = text.lines().skip(1).fold(String::new(), |all, line| all + line + "\n");
    let bare = assemble("main.avm", &bare, &mut NoSources, &options);
    let hash = |assembly: &Assembly| assembly.program.as_ref().map(avm_ir::Program::hash);
    assert_eq!(hash(&assembly), hash(&bare));
}

#[test]
fn formatting_keeps_it() {
    let text = "  .allow   avm0917    \"a tip\"  ; so it is\nPAY_AGENT \"a\", 5\nIF 1 < 2 THEN\n.allow AVM0917\nPAY_AGENT \"b\", 5\nENDIF\n";
    let once = avm_asm::format(text).expect("no syntax errors");
    assert!(once.starts_with(".allow AVM0917 \"a tip\""), "{once}");
    assert!(once.contains("    .allow AVM0917\n    PAY_AGENT"), "{once}");
    assert_eq!(avm_asm::format(&once).expect("no syntax errors"), once);
}

/// Time is linear in the program: a loop in a loop in a loop, many registers, many labels.
#[test]
fn large_programs() {
    let mut text = String::from("READ_FROM_TOOL \"a\" -> r0\n");
    for n in 0..20_000 {
        let (a, b) = (n % 150, (n + 1) % 150);
        let _ = writeln!(
            text,
            ":l{n}\nSET r{b} = r{a}\nPAY_AGENT \"a\", 5\nJUMP_IF_PLUGIN_FAILED l{}",
            n * 7 % 20_000
        );
    }
    let found = check(&text, Dialect::Standard);
    assert!(found.program.is_some());
    let deep: String = (0..20_000).map(|n| format!(":l{n}\nREAD_FROM_TOOL \"a\" -> r\n")).collect();
    let back = (0..20_000).rev().map(|n| format!("JUMP_IF_PLUGIN_FAILED l{n}\n"));
    assert!(check(&(deep + &back.collect::<String>()), Dialect::Standard).program.is_some());
    let many = "PAY_AGENT \"a\", 5\n".repeat(5000);
    assert_eq!(codes(&many).len(), 1000);
}

fn sources(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

/// Checks a file, with those that it includes.
fn file(path: &Path, text: &str) -> Assembly {
    let mut files = Files::of_project(path).expect("the file is there");
    let name = files.name(path).expect("it lies in its project");
    assemble(&name, text, &mut files, &Options::default())
}

/// No program that is shown to anybody has a finding, and none in `programs` but two of the whitepaper's
/// texts has an error, a warning or a need of the paper dialect. Vectors and the examples made of them are left
/// out: what they leave in registers and status words is looked at from outside.
#[test]
fn bundled_programs_have_none() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut texts: Vec<(String, String, Option<PathBuf>)> = Vec::new();
    let mut paths = Vec::new();
    sources(&root.join("programs"), "avm", &mut paths);
    sources(&root.join("spec"), "md", &mut paths);
    sources(&root.join("src"), "avm", &mut paths);
    paths.retain(|path| !path.ends_with("isa.md"));
    paths.push(root.join("README.md"));
    for path in paths {
        let text = fs::read_to_string(&path).expect("UTF-8 text");
        let name = path.display().to_string();
        if name.ends_with(".md") {
            for (number, part) in text.split("```avm\n").enumerate().skip(1) {
                let block = part.split("```").next().unwrap_or_default();
                texts.push((format!("{name} block {number}"), block.to_owned(), None));
            }
        } else if !name.ends_with("paper/trading_agent.avm")
            && !name.ends_with("paper/learning_agent.avm")
        {
            // The second includes the first, which is the whitepaper's.
            texts.push((name, text, Some(path)));
        }
    }
    let mut problems = String::new();
    for (name, text, path) in &texts {
        let assembly =
            path.as_ref().map_or_else(|| check(text, Dialect::Standard), |path| file(path, text));
        let mut found = assembly.diagnostics;
        // Blocks of a page may be fragments, and one of the whitepaper's texts is one.
        let fragment = name.contains(".md block") || name.ends_with("paper/self_advice.avm");
        found.retain(|report| !fragment || messages::is_lint(report.code));
        if !found.is_empty() {
            let _ = writeln!(problems, "{name}\n{}", report::all(text, &found));
        }
    }
    assert!(problems.is_empty(), "{problems}");
    assert!(texts.len() > 30, "{}", texts.len());
}
