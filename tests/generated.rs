//! What `spec/` derives from the tables: each file is rewritten where it is stale, and then the test
//! fails, so that a second run passes and the change is seen in review.

mod pages {
    pub(crate) mod command;
    pub(crate) mod errors;
    pub(crate) mod gas;
    pub(crate) mod isa;
    pub(crate) mod json;
    pub(crate) mod limits;
    pub(crate) mod meters;
}

use std::{fs, path::Path};

/// Writes `text` to `spec/NAME` unless it is there already.
fn keep(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec").join(name);
    let old = fs::read_to_string(&path).unwrap_or_default();
    if old != text {
        fs::write(&path, text).expect("spec/ can be written");
        panic!("regenerated spec/{name}: review and commit");
    }
}

/// Puts `generated` in place of everything behind the line `heading` of `spec/NAME`.
fn keep_tail(name: &str, heading: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec").join(name);
    let old = fs::read_to_string(&path).expect("the page exists");
    let marker = format!("\n{heading}\n");
    let at = old.find(&marker).unwrap_or_else(|| panic!("spec/{name} has no line {heading}"));
    keep(name, &format!("{}{generated}", &old[..at + marker.len()]));
}

#[test]
fn isa_md() {
    keep("isa.md", &pages::isa::page());
}

#[test]
fn isa_json() {
    keep("isa.json", &pages::json::page());
}

#[test]
fn gas_md() {
    keep_tail("gas.md", pages::gas::HEADING, &pages::gas::table());
}

#[test]
fn errors_md() {
    keep("errors.md", &pages::errors::page());
}

#[test]
fn command_md() {
    keep_tail("command.md", pages::command::HEADING, &pages::command::list());
}

#[test]
fn limits_md() {
    keep_tail("limits.md", pages::limits::HEADING, &pages::limits::table());
}

#[test]
fn budgets_md() {
    keep_tail("budgets.md", pages::meters::HEADING, &pages::meters::table());
}

/// Words that prose repeats because people look for them there.
#[test]
fn prose_repeats_constants_right() {
    use avm_plugins::model::extractive;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/effects.md");
    let effects = fs::read_to_string(path).expect("the page exists");
    assert!(effects.contains(extractive::REFUSAL));
}
