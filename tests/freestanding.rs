//! avm-ir and avm-vm run without std: a static program without libc, start-up code or the system's
//! allocator, built with the installed toolchain, runs programs to the same end, gas and state
//! hash as the machine in this process and as `avm run`.

#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use avm_ir::{Program, Schedule, gas::GAS, verify};
use avm_vm::{Answer, Config, End, FailureCode, Image, Machine, Pause};

/// Programs with different ends: plain computing, text and records, effects that fail, a trap.
const PROGRAMS: &[&str] = &[
    "programs/paper/rag_bot.avm",
    "programs/paper/multi_agent_sentiment.avm",
    "tests/freestanding/programs/compute.avm",
    "tests/freestanding/programs/trap.avm",
    "tests/freestanding/programs/endless.avm",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("freestanding");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--locked", "--target", "x86_64-unknown-linux-gnu"])
        .arg("--manifest-path")
        .arg(root().join("tests/freestanding/Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the freestanding program does not build");
    target.join("x86_64-unknown-linux-gnu/release/freestanding")
}

fn assemble(path: &str) -> Program {
    let text = std::fs::read_to_string(root().join(path)).expect(path);
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble(path, &text, &mut avm_asm::NoSources, &options);
    assembly.program.unwrap_or_else(|| panic!("{path}: {:#?}", assembly.diagnostics))
}

fn run_here(program: Program) -> String {
    let image = Image::new(verify(program).expect("verified"), &Schedule::v1());
    // Little, so that the endless program ends soon.
    let config = Config { gas: 20 * GAS, ..Config::default() };
    let mut machine = Machine::new(Arc::new(image), config).expect("inputs");
    let end = loop {
        match machine.run(1000, &mut ()) {
            Pause::Slice => {}
            Pause::Effect(request) => {
                let answer = Answer::failed(FailureCode::NoProvider, "nobody is here");
                machine.answer(request.id, answer, &mut ()).expect("it waits");
            }
            Pause::End(end) => break end,
        }
    };
    let word = match end {
        End::Halted(_) => "halted",
        End::Exhausted(_) => "exhausted",
        End::Trapped(_) => "trapped",
        End::Unapproved(_) => "unapproved",
    };
    let hash: String = machine.state_hash().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{word} {} {hash}\n", machine.gas_used())
}

fn run_freestanding(binary: &Path, program: &Program) -> String {
    let mut child = Command::new(binary)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the freestanding program starts");
    child.stdin.take().expect("piped").write_all(&program.to_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8(output.stdout).expect("text")
}

/// What `avm run` says of a program: its end, gas and state hash in the same words.
fn run_command(path: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_avm"))
        .args(["run", path, "--gas", "20", "--json"])
        .current_dir(root())
        .output()
        .expect("avm runs");
    let output = String::from_utf8(output.stdout).expect("text");
    let end: serde_json::Value =
        serde_json::from_str(output.lines().last().expect("an end")).expect("JSON");
    let word = end["end"].as_str().expect("a word");
    format!("{word} {} {}\n", end["gas_used"], end["state"].as_str().expect("a hash"))
}

#[test]
fn same_state_without_an_operating_system() {
    let binary = build();
    for path in PROGRAMS {
        let program = assemble(path);
        let there = run_freestanding(&binary, &program);
        assert_eq!(run_here(program), there, "{path}");
        // The command answers effects, so it goes another way where there are any.
        if !path.starts_with("programs/paper") {
            assert_eq!(run_command(path), there, "{path}");
        }
    }
}
