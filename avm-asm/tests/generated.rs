//! Random right programs assemble, pass the validator, keep their bytecode when they are
//! formatted, and come back from it.

#[path = "generate/program.rs"]
mod generate;

use avm_asm::{NoSources, Options, assemble, disassemble};
use avm_ir::{Program, Severity};
use proptest::prelude::*;

fn assembled(text: &str) -> Result<Program, String> {
    let assembly = assemble("random.avm", text, &mut NoSources, &Options::default());
    let errors = assembly.diagnostics.iter().filter(|r| r.severity == Severity::Error);
    let errors = errors.map(|report| {
        let (line, column) = assembly.files[0].line_column(report.span.start);
        let shown = text.lines().nth(line as usize - 1).unwrap_or_default();
        format!("{line}:{column} {} {}\n  {shown}\n", report.code, report.message)
    });
    let errors: String = errors.collect();
    assembly.program.ok_or(errors)
}

/// Goes round with the program of a seed.
fn check(seed: u64) -> Result<(), String> {
    let text = generate::program(seed);
    let program = assembled(&text).map_err(|errors| format!("seed {seed}: {errors}"))?;
    let read = Program::from_bytes(&program.to_bytes()).map_err(|error| format!("{error}"))?;
    if read != program {
        return Err(format!("seed {seed}: read otherwise than written"));
    }
    let formatted = avm_asm::format(&text).map_err(|_| format!("seed {seed}: not formatted"))?;
    let again = assembled(&formatted).map_err(|errors| format!("seed {seed}: {errors}"))?;
    if again.hash() != program.hash() {
        return Err(format!("seed {seed}: formatting changed it\n{text}\n---\n{formatted}"));
    }
    for program in [&read, &Program { debug: None, ..read.clone() }] {
        let shown = disassemble(program).map_err(|e| format!("seed {seed}: {e}\n{}", e.text))?;
        let again = assembled(&shown).map_err(|errors| format!("seed {seed}: {errors}"))?;
        if again.hash() != program.hash() {
            let second = disassemble(&again).unwrap_or_else(|error| error.text);
            return Err(format!("seed {seed}: other hash\n{shown}\n--- again\n{second}"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
    #[test]
    fn random_programs_come_back(seed: u64) {
        if let Err(message) = check(seed) {
            return Err(TestCaseError::fail(message));
        }
    }
}

/// More seeds: `AVM_SEEDS=100000 cargo test -p avm-asm --release --test generated many`.
#[test]
fn many_seeds() {
    let count = std::env::var("AVM_SEEDS").ok().and_then(|count| count.parse().ok());
    for seed in 0..count.unwrap_or(50) {
        if let Err(message) = check(seed) {
            panic!("{message}");
        }
    }
}
