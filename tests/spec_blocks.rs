//! The programs that the standard and the read-me show assemble, and the tour of the read-me gives
//! the output that it shows.

use std::{fs, path::Path, process::Command};

use avm_asm::{NoSources, Options, assemble};
use avm_ir::Severity;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Contents of the fenced blocks of a kind, with their first line.
fn blocks(text: &str, kind: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) if info == kind => open = Some((number + 1, String::new())),
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some((_, block)), _) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

fn pages() -> Vec<String> {
    let mut pages: Vec<String> = fs::read_dir(root().join("spec"))
        .expect("spec/ is there")
        .filter_map(|entry| Some(format!("spec/{}", entry.ok()?.file_name().to_str()?)))
        .filter(|path| path.ends_with(".md"))
        .collect();
    pages.extend([String::from("README.md"), String::from("programs/README.md")]);
    pages.sort();
    pages
}

#[test]
fn shown_programs_assemble() {
    let mut problems = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).expect("the page is there");
        for (line, block) in blocks(&text, "avm") {
            seen += 1;
            let assembly = assemble(&page, &block, &mut NoSources, &Options::default());
            for report in &assembly.diagnostics {
                if report.severity == Severity::Error {
                    problems.push(format!("{page}:{line}: {} {}", report.code, report.message));
                }
            }
        }
    }
    assert!(seen > 0, "no page shows a program");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// In a `console` block a line `$ avm …` is run in the root of the repository, and what follows is
/// its standard output; `…` alone on a line stands for anything.
#[test]
fn the_tour_is_true() {
    let text = fs::read_to_string(root().join("README.md")).expect("the page is there");
    let mut problems = Vec::new();
    for (line, block) in blocks(&text, "console") {
        for step in block.split("$ avm ").skip(1) {
            let (command, wanted) = step.split_once('\n').unwrap_or((step, ""));
            let output = Command::new(env!("CARGO_BIN_EXE_avm"))
                .args(words(command))
                .current_dir(root())
                .output()
                .expect("avm runs");
            let given = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            if !fits(wanted, &given) && !fits(wanted, &errors) {
                problems.push(format!(
                    "README.md:{line}: avm {command}\n--- shown\n{wanted}--- given\n{given}{errors}"
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Words of a command line, with double quotes around words that have blanks.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (i, part) in line.split('"').enumerate() {
        if i % 2 == 1 {
            words.push(String::from(part));
        } else {
            words.extend(part.split_whitespace().map(String::from));
        }
    }
    words
}

/// Whether an output has the shown lines in their order; `…` skips lines.
fn fits(wanted: &str, given: &str) -> bool {
    let mut rest: Vec<&str> = given.trim_end().lines().collect();
    let mut skip = false;
    for line in wanted.trim_end().lines().map(str::trim_end) {
        if line == "…" {
            skip = true;
            continue;
        }
        let found = rest.iter().position(|given| given.trim_end() == line);
        match found {
            Some(0) => drop(rest.remove(0)),
            Some(at) if skip => drop(rest.drain(..=at)),
            _ => return false,
        }
        skip = false;
    }
    skip || rest.is_empty()
}
