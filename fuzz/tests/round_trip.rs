//! Bytes → text → bytes is a fixed point for 100,000 generated programs and for every program in
//! the repository.

use std::path::{Path, PathBuf};

use avm_asm::{Dialect, NoSources, Options, assemble, files::Files};
use avm_fuzz::{Entropy, round_trip};

const PROGRAMS: u64 = 100_000;
const THREADS: u64 = 2;

#[test]
fn generated_programs() {
    let run = |thread: u64| {
        for seed in (thread..PROGRAMS).step_by(THREADS as usize) {
            let seed = seed.to_le_bytes();
            let mut entropy = Entropy::new(&seed);
            // Uses the seed's bytes up, so that what follows is spread.
            entropy.u64();
            round_trip::run(&entropy.u64().to_le_bytes());
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || run(thread));
        }
    });
}

fn programs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            programs(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "avm") {
            found.push(path);
        }
    }
}

#[test]
fn programs_of_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["programs", "tests/hostile", "tests/freestanding/programs"] {
        programs(&root.join(folder), &mut files);
    }
    let mut assembled = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a program");
        let options = Options { dialect: Dialect::Paper, ..Options::default() };
        let mut sources = Files::of_project(&file).expect("the file is there");
        let name = sources.name(&file).expect("it lies in its project");
        let Some(program) = assemble(&name, &text, &mut sources, &options).program else {
            // The one snippet of the whitepaper that leaves its body out.
            assert!(name.ends_with("self_advice.avm"), "{name} does not assemble");
            continue;
        };
        round_trip::check(&program);
        let bare = avm_ir::Program { debug: None, ..program.clone() };
        round_trip::check(&bare);
        let text = avm_asm::disassemble(&bare).expect("it disassembles");
        let again = assemble(&name, &text, &mut NoSources, &options).program.expect("it assembles");
        assert_eq!(again.hash(), program.hash(), "{name}");
        assembled += 1;
    }
    assert!(assembled > 60, "the programs were found");
}
