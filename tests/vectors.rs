//! The conformance vectors of `spec/vectors/`, and that every instruction has them.

#[path = "vectors/case.rs"]
mod case;
#[path = "vectors/run.rs"]
mod run;
#[path = "vectors/value.rs"]
mod value;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use avm_asm::Options;
use avm_ir::{Kind, OpInfo, Opcode, Severity, Verified, opcode::OPS, operand::DefaultValue};
use case::Directive;
use run::Shown;

/// Plain instructions without any way to fail: they take no value, or every value, and make
/// nothing that takes memory.
const CANNOT_FAIL: &[Opcode] = &[Opcode::HALT, Opcode::NOP, Opcode::RETURN, Opcode::EQ, Opcode::NE];

/// What never lets a run go on.
const ALWAYS_TRAPS: &[Opcode] = &[Opcode::RAISE];

/// One case that ran.
struct Ran {
    sizes: bool,
    priced: bool,
    shown: Shown,
}

/// The cases of all files by mnemonic, and everything that is wrong.
struct Report {
    files: BTreeMap<String, Vec<Ran>>,
    problems: Vec<String>,
}

static REPORT: LazyLock<Report> = LazyLock::new(|| {
    let mut report = Report { files: BTreeMap::new(), problems: Vec::new() };
    for path in files(&root()) {
        let relative = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        let Some(info) = OPS.iter().find(|info| relative == file_of(info)) else {
            report.problems.push(format!("{relative}: no instruction has this file"));
            continue;
        };
        let text = fs::read_to_string(&path).unwrap_or_default();
        let cases = case::parse(&text).unwrap_or_else(|(line, error)| {
            report.problems.push(format!("{relative}:{line}: {error}"));
            Vec::new()
        });
        let ran = report.files.entry(info.mnemonic.into()).or_default();
        for case in &cases {
            let mut problems = Vec::new();
            let shown = run::check(case, info.opcode, &mut problems);
            let has =
                |wanted: fn(&Directive) -> bool| case.directives.iter().any(|(_, d)| wanted(d));
            ran.push(Ran {
                sizes: has(|directive| matches!(directive, Directive::Sizes(_))),
                priced: has(|directive| matches!(directive, Directive::Gas(_))),
                shown,
            });
            let name = &case.name;
            let lines = problems.into_iter();
            report.problems.extend(
                lines.map(|(line, text)| format!("{relative}:{line}: case {name}: {text}")),
            );
        }
    }
    report
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/vectors")
}

/// The `.avm` files below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    entries.sort();
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "avm") {
            found.push(path);
        }
    }
    found
}

fn file_of(info: &OpInfo) -> String {
    format!("{}/{}.avm", info.family, info.mnemonic.to_lowercase())
}

/// Assembles and verifies a case's program.
fn assemble(source: &str) -> Result<Verified, String> {
    let assembly = avm_asm::assemble("case", source, &mut avm_asm::NoSources, &Options::default());
    let program = assembly.program.ok_or_else(|| {
        let errors =
            assembly.diagnostics.iter().filter(|report| report.severity == Severity::Error);
        errors.map(|report| report.message.as_str()).collect::<Vec<_>>().join("; ")
    })?;
    avm_ir::verify(program).map_err(|error| error.to_string())
}

/// Whether the machine refuses some operands before it asks anybody.
fn can_be_refused(info: &OpInfo) -> bool {
    info.inputs.iter().any(|input| match input.kind {
        Kind::Any => input.default == DefaultValue::Required,
        Kind::Place | Kind::Label | Kind::Func | Kind::Args => false,
        _ => true,
    })
}

#[test]
fn every_case_holds() {
    let problems = &REPORT.problems;
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn every_instruction_is_covered() {
    let mut missing = Vec::new();
    for info in OPS {
        let file = file_of(info);
        let Some(cases) = REPORT.files.get(info.mnemonic) else {
            missing.push(format!("{file}: no such file"));
            continue;
        };
        let mut want = |what: &str, wanted: &dyn Fn(&Ran) -> bool| {
            if !cases.iter().any(wanted) {
                missing.push(format!("{file}: no case {what}"));
            }
        };
        if !ALWAYS_TRAPS.contains(&info.opcode) {
            want("that executes it and halts", &|ran| ran.shown.executed && ran.shown.halted);
        }
        want("with its gas at five sizes", &|ran| ran.sizes && ran.priced && ran.shown.executed);
        if info.reach.is_some() {
            want("that fails", &|ran| ran.shown.failed);
            want("taken back, with more used up than is left of a budget", &|ran| {
                ran.shown.taken_back
            });
            want("over a budget under deny", &|ran| ran.shown.over_budget);
            want("that times out and uses something up", &|ran| ran.shown.timed_out);
            want("with an answer of more than its bytes", &|ran| ran.shown.too_large);
            if can_be_refused(info) {
                want("in which the machine refuses an operand", &|ran| ran.shown.refused);
            }
        } else if info.family == "code" {
            want("that fails", &|ran| ran.shown.failed && ran.shown.halted);
        } else if !CANNOT_FAIL.contains(&info.opcode) {
            want("that traps in it", &|ran| ran.shown.trapped);
        }
    }
    assert!(missing.is_empty(), "{} gaps\n{}", missing.len(), missing.join("\n"));
}

#[test]
fn what_cannot_fail_does_not() {
    for op in CANNOT_FAIL {
        let cases = REPORT.files.get(op.mnemonic()).into_iter().flatten();
        assert!(cases.into_iter().all(|ran| !ran.shown.trapped), "{} traps", op.mnemonic());
    }
}

/// A harness that finds nothing would pass too.
#[test]
fn wrong_cases_are_found() {
    let wrong = [
        ";;! gas 1049\nUPPER \"a\" -> r",
        ";;! total 2051\nUPPER \"a\" -> r",
        ";;! expect r = \"a\"\nUPPER \"a\" -> r",
        ";;! expect s = \"A\"\nUPPER \"a\" -> r",
        ";;! end exhausted\nUPPER \"a\" -> r",
        ";;! end trap type-mismatch \"found list\"\nSET x = 1\nUPPER x -> r",
        ";;! status bool=true\nUPPER \"a\" -> r",
        ";;! log \"A\"\nUPPER \"a\" -> r",
        ";;! answer 1\nUPPER \"a\" -> r",
        ";;! sizes 0 1 2 3 4\n;;! gas 1000 1050 1100 1151 1200\n.input n\nUPPER REPEAT(\"a\", n) -> r",
        ";;! answer patch A \"NOP\"\nUPPER \"a\" -> r",
        ";;! answer\n;;! spent tokens=2\n;;! used tokens=1\nWAIT 1",
        "WAIT 1",
        "UPPER",
    ];
    for text in wrong {
        let cases = case::parse(&format!(";;! case wrong\n{text}\n")).unwrap_or_default();
        assert_eq!(cases.len(), 1, "{text}");
        let mut problems = Vec::new();
        run::check(&cases[0], Opcode::UPPER, &mut problems);
        assert!(!problems.is_empty(), "{text}");
    }
}

/// What only looks like a case that a file must have does not count as one.
#[test]
fn what_looks_alike_does_not_count() {
    let alike = [
        ";;! fail over-budget \"a\"\n;;! deny\nGET_CURRENT_TIME -> r",
        ";;! fail too-large \"a\"\nGET_CURRENT_TIME -> r",
        ";;! fail timeout \"a\"\nGET_CURRENT_TIME -> r",
        ";;! answers 2: 1 ; 1\nGET_CURRENT_TIME -> r",
        ";;! answer 1 cost=1\n;;! limit 1000001000\n;;! end exhausted\nGET_CURRENT_TIME -> r",
        ";;! budget effects=0\n;;! end exhausted effects\nGET_CURRENT_TIME -> r",
        ";;! budget effects=0\n;;! deny\nGET_CURRENT_TIME -> r",
        ";;! answer\n;;! spent wall=2\n;;! budget wall=1\n;;! end exhausted wall\nWAIT 1\nGET_CURRENT_TIME -> r",
    ];
    for text in alike {
        let cases = case::parse(&format!(";;! case alike\n{text}\n")).unwrap_or_default();
        assert_eq!(cases.len(), 1, "{text}");
        let mut problems = Vec::new();
        let shown = run::check(&cases[0], Opcode::GET_CURRENT_TIME, &mut problems);
        assert_eq!(problems, [], "{text}");
        let counted = [shown.taken_back, shown.over_budget, shown.timed_out, shown.too_large];
        assert_eq!(counted, [false; 4], "{text}");
    }
}
