//! What prose says about the repository is true.

use std::collections::BTreeSet;

use crate::{
    files::{File, below, exists, read},
    report,
};

/// The pages whose paths are checked.
fn pages() -> Vec<File> {
    below("").into_iter().filter(|file| file.path.ends_with(".md")).collect()
}

#[test]
fn paths_exist() {
    let mut problems = Vec::new();
    for page in pages() {
        let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in page.text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or("");
            if !target.is_empty() && !target.contains("://") && !exists(&join(folder, target)) {
                problems.push(format!("{}: link to {target}", page.path));
            }
        }
        for word in page.text.split('`').skip(1).step_by(2) {
            if is_path(word) && !exists(word) && !exists(&join(folder, word)) {
                problems.push(format!("{}: `{word}`", page.path));
            }
        }
    }
    report("prose names a path that does not exist", &problems);
}

/// Whether a word in backticks is a path from the root of the repository.
fn is_path(word: &str) -> bool {
    const TOPS: &[&str] =
        &["avm-", "src/", "spec/", "tests/", "programs/", "fuzz/", ".ci/", "docs/"];
    TOPS.iter().any(|top| word.starts_with(top))
        && word.contains('/')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
}

fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn no_places_of_one_machine() {
    let words = [concat!("/wo", "rk/"), concat!("/tm", "p/"), concat!("../sha", "red/")];
    let mut problems = Vec::new();
    for file in below("") {
        for word in words {
            if file.text.contains(word) {
                problems.push(format!("{}: {word}", file.path));
            }
        }
    }
    report("a path that exists on one machine only", &problems);
}

#[test]
fn requirement_numbers_are_explained() {
    let page = read("spec/requirements.md");
    let known: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()).collect();
    let mut problems = BTreeSet::new();
    for file in below("") {
        if !file.path.ends_with(".rs") && !file.path.ends_with(".md") {
            continue;
        }
        for word in file.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
            let number = ["Y-", "X-", "P-"].iter().find_map(|letter| word.strip_prefix(letter));
            let is_number = number.is_some_and(|number| {
                !number.is_empty() && number.len() < 3 && number.bytes().all(|b| b.is_ascii_digit())
            });
            if is_number && !known.contains(word) {
                problems.insert(format!("{}: {word}", file.path));
            }
        }
    }
    let problems: Vec<String> = problems.into_iter().collect();
    report("a requirement number that spec/requirements.md does not explain", &problems);
}
