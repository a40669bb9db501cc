//! Patches of the programs of the repository and of random ones: a region's own text changes
//! nothing, and no edit of it changes anything else or ends in a panic.

#[path = "generate/program.rs"]
mod generate;

use std::{fmt::Write as _, fs, path::Path};

use avm_asm::{
    Dialect, NoSources, Options, assemble, disassemble,
    patch::{patch_diff, patch_text, region_text},
};
use avm_ir::{
    Program,
    program::graft::{Patched, check, graft},
    verify,
};
use proptest::prelude::*;

fn assembled(text: &str, dialect: Dialect) -> Option<Program> {
    let options = Options { dialect, ..Options::default() };
    assemble("main.avm", text, &mut NoSources, &options).program
}

fn names(program: &Program) -> impl Iterator<Item = &str> {
    program.regions.iter().skip(1).map(|region| region.name.as_str())
}

/// Own text, own bytecode, nothing appended: all regions of a program stay as they are.
fn own_text(program: &Program) -> usize {
    for program in [program, &Program { debug: None, ..program.clone() }] {
        for name in names(program) {
            let text = region_text(program, name).expect("text");
            let again = patch_text(program, name, &text, false);
            let again = again.unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(again.program.to_bytes(), program.to_bytes(), "{text}");
            assert!(again.growth.is_empty());
            assert_eq!(graft(program, name, program).expect("own region").program, *program);
        }
    }
    program.regions.len() - 1
}

/// What holds of every patch that was accepted.
fn sound(old: &Program, name: &str, patched: &Patched) {
    let growth = check(old, &patched.program, name).expect("nothing else changed");
    assert_eq!(growth, patched.growth);
    verify(patched.program.clone()).expect("it verifies");
    match disassemble(&patched.program) {
        Ok(text) => {
            let again = assembled(&text, Dialect::Standard).expect("its text assembles");
            assert_eq!(again.hash(), patched.program.hash(), "{text}");
        }
        // The manifest keeps kinds that only the old body computed, and no directive says them.
        Err(error) => assert!(error.causes.iter().all(|c| c.ends_with("names are computed"))),
    }
    own_text(&patched.program);
}

#[test]
fn own_text_of_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![root.join("programs"), root.join("tests")];
    let mut regions = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "avm") {
                let text = fs::read_to_string(&path).expect("readable");
                if let Some(program) = assembled(&text, Dialect::Paper) {
                    regions += own_text(&program);
                }
            }
        }
    }
    assert!(regions >= 1, "{regions}");
}

/// Lines taken out, doubled, exchanged, and lines from elsewhere put in.
fn edited(text: &str, seed: u64) -> String {
    const LINES: [&str; 8] = [
        "SET fresh = alpha + 1",
        "IF alpha == R1 THEN",
        "ENDIF",
        "  FOR x IN 3 DO",
        "  ENDFOR",
        ":.L0",
        ".func fresh_function(a, b)",
        ".endfunc",
    ];
    let mut lines: Vec<&str> = text.lines().collect();
    let mut state = seed;
    let mut below = |bound: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound.max(1)
    };
    for _ in 0..1 + below(3) {
        let (at, other) = (below(lines.len()), below(lines.len()));
        match below(5) {
            0 if !lines.is_empty() => drop(lines.remove(at)),
            1 if !lines.is_empty() => lines.insert(at, lines[other]),
            2 if !lines.is_empty() => lines.swap(at, other),
            3 => lines.insert(at, LINES[below(LINES.len())]),
            _ => lines.insert(at, LINES[0]),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A diff with one hunk around all that differs.
fn diff(old: &str, new: &str) -> Option<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - same;
    let end = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let (removed, added) = (&old[same..old.len() - end], &new[same..new.len() - end]);
    if removed.is_empty() && added.is_empty() {
        return None;
    }
    // Lines are counted from 1; without old lines it is the line in front that counts.
    let first = if removed.is_empty() { same } else { same + 1 };
    let mut out = String::from("--- before\n+++ after\n");
    let (r, a) = (removed.len(), added.len());
    let _ = writeln!(out, "@@ -{first},{r} +{first},{a} @@ somewhere");
    out.extend(removed.iter().map(|line| format!("-{line}\n")));
    out.extend(added.iter().map(|line| format!("+{line}\n")));
    Some(out)
}

/// Edits of one program; gives how many were accepted.
fn edits(seed: u64) -> usize {
    let program = assembled(&generate::program(seed), Dialect::Standard).expect("right");
    own_text(&program);
    let mut accepted = 0;
    for (at, name) in names(&program).enumerate() {
        let text = region_text(&program, name).expect("text");
        for round in 0..4 {
            let new = edited(&text, seed ^ (round * 31 + at as u64));
            let by_text = patch_text(&program, name, &new, false);
            if let Some(diff) = diff(&text, &new) {
                let by_diff = patch_diff(&program, name, &diff);
                assert_eq!(by_diff, by_text, "{diff}");
            }
            for patched in by_text.iter().chain(&patch_text(
                &program,
                name,
                "SET fresh = R1 * (R1 + 2)\n",
                true,
            )) {
                accepted += 1;
                sound(&program, name, patched);
                // The same region as bytecode is the same patch.
                let grafted = graft(&program, name, &patched.program).expect("it fits");
                assert_eq!(grafted.program.hash(), patched.program.hash());
            }
        }
    }
    accepted
}

#[test]
fn edits_change_one_region() {
    let accepted: usize = (0..25).map(edits).sum();
    assert!(accepted > 30, "{accepted} were accepted");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn random_edits(seed: u64) {
        edits(seed);
    }

    #[test]
    fn any_text(text in "[ -~\n]{0,80}", append: bool) {
        let program = assembled(".region r\nLOG 1\n.endregion\n", Dialect::Standard).expect("right");
        for patched in [patch_text(&program, "r", &text, append), patch_diff(&program, "r", &text)] {
            match patched {
                Ok(patched) => sound(&program, "r", &patched),
                Err(refused) => prop_assert!(!refused.diagnostics.is_empty()),
            }
        }
    }
}
