//! Every program of `programs/` is recorded and played again where nobody can be reached; the trace
//! written as it went is the one that is made of its journal.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn programs(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    for path in entries {
        if path.is_dir() {
            programs(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "avm") {
            found.push(path);
        }
    }
    found.sort();
}

fn avm(args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avm"));
    command.args(args).current_dir(folder).output().expect("the command starts")
}

/// The command where there is no network, if this system lets us make such a place.
fn closed(args: &[&str], folder: &Path) -> Output {
    const APART: [&str; 3] = ["--user", "--map-root-user", "--net"];
    let can = Command::new("unshare").args(APART).arg("true").output();
    if !can.is_ok_and(|output| output.status.success()) {
        return avm(args, folder);
    }
    let mut command = Command::new("unshare");
    command.args(APART).arg(env!("CARGO_BIN_EXE_avm")).args(args).current_dir(folder).env_clear();
    command.output().expect("the command starts")
}

#[test]
fn every_program_plays_again() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
    let mut all = Vec::new();
    programs(&root, &mut all);
    let folder = tempfile::tempdir().expect("a folder");
    let mut played = 0;
    for program in &all {
        let journal = format!("{played}.avmj");
        let program_path = program.to_string_lossy();
        let run = ["run", &program_path, "-q", "--journal", &journal];
        let ran = avm(&[&run[..], &["--trace", "live.avmt"]].concat(), folder.path());
        // What needs inputs, files or grants does not start here; it has tests of its own.
        if !folder.path().join(&journal).exists() {
            continue;
        }
        played += 1;
        let again = closed(&["replay", &journal, "-q"], folder.path());
        let name = program.display();
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        assert!(again.status.success(), "{name}: {said}");
        assert_eq!(again.stdout, ran.stdout, "{name}: another output");
        let derived = avm(&["trace", &journal, "-o", "derived.avmt"], folder.path());
        assert!(derived.status.success(), "{name}: {}", String::from_utf8_lossy(&derived.stderr));
        let [live, derived] = ["live.avmt", "derived.avmt"]
            .map(|trace| fs::read(folder.path().join(trace)).expect("a trace"));
        assert!(live == derived, "{name}: another trace");
    }
    assert!(played >= 45, "only {played} of {} programs started", all.len());
}

#[test]
fn programs_repeat_their_golden_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tested = closed(&["test", "programs", "--gas", "programs/gas.txt"], root);
    let said = String::from_utf8_lossy(&tested.stdout).into_owned();
    assert!(tested.status.success(), "{said}\nafter a change that is meant: just bless");
    assert!(
        said.contains(" golden runs the same\n") && said.ends_with(" tests passed\n"),
        "{said}"
    );
}
