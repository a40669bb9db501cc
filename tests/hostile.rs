//! Programs that attack the host end as they should, and the host's memory stays within the
//! agent's limit plus 16 MiB.
//!
//! Each `tests/hostile/*.avm` names its end in its first line. It runs in a process of its own, so
//! that the highest memory the host ever spent on it can be read from the kernel.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "the child process reports to its parent")]

use std::{path::Path, process::Command, sync::Arc};

use avm_ir::{
    Program, Schedule,
    gas::GAS,
    program::{Label, Perms, Region, Target},
    verify,
};
use avm_vm::{Answer, Config, End, FailureCode, Image, Limits, Machine, Pause};

const LIMIT: u64 = 32 << 20;
const SLACK: u64 = 16 << 20;
/// Names the program to the child process.
const VARIABLE: &str = "AVM_HOSTILE";

fn corpus() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

/// Highest memory this process ever had in use, and what it has in use now, in bytes.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel's figures");
    let read = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).expect("a figure");
        let kib = line.split_whitespace().nth(1).expect("a number");
        kib.parse::<u64>().expect("a number") * 1024
    };
    (read("VmHWM:"), read("VmRSS:"))
}

/// The child: runs one program and prints how it ended and what it cost the host.
#[test]
fn child() {
    let Ok(path) = std::env::var(VARIABLE) else { return };
    let text = std::fs::read_to_string(&path).expect("the program");
    let assembly =
        avm_asm::assemble(&path, &text, &mut avm_asm::NoSources, &avm_asm::Options::default());
    let program = assembly.program.unwrap_or_else(|| panic!("{:#?}", assembly.diagnostics));
    let image = Image::new(verify(program).expect("it verifies"), &Schedule::v1());
    let limits = Limits { memory: LIMIT, ..Limits::default() };
    // What is to end for its memory must not end for its gas first; the rest gets little.
    let gas = if text.starts_with(";; ENDS: exhausted") { GAS } else { u64::MAX };
    let config = Config { gas, limits, ..Config::default() };
    let (_, before) = memory();
    let mut machine = Machine::new(Arc::new(image), config).expect("it starts");
    let end = loop {
        match machine.run(1 << 20, &mut ()) {
            Pause::Slice => {}
            Pause::Effect(request) => {
                let answer = Answer::failed(FailureCode::NoProvider, "nobody is here");
                machine.answer(request.id, answer, &mut ()).expect("it waits");
            }
            Pause::End(end) => break end,
        }
    };
    let (highest, _) = memory();
    let word = match end {
        End::Halted(_) => String::from("halted"),
        End::Exhausted(_) => String::from("exhausted"),
        End::Trapped(trap) => format!("trap {}", trap.code.name()),
        End::Unapproved(_) => String::from("unapproved"),
    };
    println!("\nCHILD {} {word}", highest.saturating_sub(before));
}

#[test]
fn ends_as_it_should_within_memory() {
    let this = std::env::current_exe().expect("this test");
    let mut problems = Vec::new();
    for path in corpus() {
        let text = std::fs::read_to_string(&path).expect("the program");
        let wanted = text.lines().next().and_then(|line| line.strip_prefix(";; ENDS: "));
        let wanted = wanted.expect("the first line names the end");
        let output = Command::new(&this)
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(VARIABLE, &path)
            .output()
            .expect("the child runs");
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(report) = output.lines().find_map(|line| line.strip_prefix("CHILD ")) else {
            problems.push(format!("{name}: no report: {output}"));
            continue;
        };
        let (cost, end) = report.split_once(' ').expect("two parts");
        let cost: u64 = cost.parse().expect("bytes");
        if end != wanted {
            problems.push(format!("{name}: ended {end}, should be {wanted}"));
        }
        if cost > LIMIT + SLACK {
            problems.push(format!("{name}: cost the host {} MiB", cost >> 20));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn main_region(program: Region) -> Program {
    let main = Region { name: "main".into(), perms: Perms::MAIN, ..program };
    Program { regions: vec![main], ..Program::default() }
}

/// Containers that claim more than they hold, or hold what no assembler writes.
#[test]
fn forged_bytecode_is_refused() {
    let halt = avm_ir::Instr::bare(avm_ir::Opcode::HALT);
    let sound = main_region(Region { code: vec![halt], ..Region::default() });
    let bytes = sound.to_bytes();
    assert!(verify(Program::from_bytes(&bytes).expect("sound")).is_ok());
    // Every truncation, and every byte set to its extremes.
    for at in 0..bytes.len() {
        assert!(Program::from_bytes(&bytes[..at]).is_err(), "cut at {at}");
        for byte in [0x00, 0x7F, 0xFF] {
            let mut forged = bytes.clone();
            forged[at] = byte;
            if let Ok(program) = Program::from_bytes(&forged) {
                assert_eq!(program.to_bytes(), forged, "one encoding, byte {at}");
                let _ = verify(program);
            }
        }
    }
    let out_of_code = Label { name: String::new(), target: Target::Here(7) };
    let forged =
        main_region(Region { code: vec![halt], labels: vec![out_of_code], ..Region::default() });
    assert!(verify(forged).is_err());
    let jump = avm_ir::Instr::bare(avm_ir::Opcode::JUMP);
    let forged = main_region(Region { code: vec![jump], ..Region::default() });
    assert!(verify(forged).is_err());
}

/// A source may name constants as large as a source may be; a bytecode file has its own limit.
#[test]
fn huge_constants() {
    let text = format!("LOG \"{}\"\n", "x".repeat(8 << 20));
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("huge.avm", &text, &mut avm_asm::NoSources, &options);
    let program = assembly.program.expect("eight million characters are allowed");
    let image = Image::new(verify(program).expect("it verifies"), &Schedule::v1());
    let limits = Limits { memory: 1 << 20, ..Limits::default() };
    let config = Config { gas: u64::MAX, limits, ..Config::default() };
    let mut machine = Machine::new(Arc::new(image), config).expect("it starts");
    match machine.run(u64::MAX, &mut ()) {
        Pause::End(End::Trapped(trap)) => assert_eq!(trap.code.name(), "out-of-memory"),
        other => panic!("{other:?}"),
    }
    let text = format!("LOG \"{}\"\n", "x".repeat(17 << 20));
    let assembly = avm_asm::assemble("huge.avm", &text, &mut avm_asm::NoSources, &options);
    assert!(assembly.program.is_none(), "sources have at most 16 MiB");
}
