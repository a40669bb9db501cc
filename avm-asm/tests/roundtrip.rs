//! Every program comes back from its bytecode: assembled, written, read, disassembled and
//! assembled again it has the same hash.

use std::{
    fs,
    path::{Path, PathBuf},
};

use avm_asm::{Assembly, Dialect, NoSources, Options, assemble, disassemble};
use avm_ir::{Program, Severity};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "avm") {
            found.push(path);
        }
    }
}

fn explain(assembly: &Assembly) -> String {
    let lines = assembly.diagnostics.iter().map(|report| {
        let file = &assembly.files[usize::from(report.span.file.0)];
        let (line, column) = file.line_column(report.span.start);
        format!("{}:{line}:{column}: {}: {}\n", file.path, report.code, report.message)
    });
    lines.collect()
}

fn text_to_program(name: &str, text: &str, dialect: Dialect) -> Program {
    let assembly = assemble(name, text, &mut NoSources, &Options { dialect, ..Options::default() });
    let messages = explain(&assembly);
    assembly.program.unwrap_or_else(|| panic!("{messages}\n{text}"))
}

/// Goes round once with debug data and once without; gives the text.
fn round_trip(name: &str, program: &Program) -> String {
    let read = Program::from_bytes(&program.to_bytes()).expect("own bytes");
    assert_eq!(&read, program, "{name}");
    let stripped = Program { debug: None, ..read.clone() };
    let bare =
        disassemble(&stripped).unwrap_or_else(|error| panic!("{name}: {error}\n{}", error.text));
    let text = disassemble(&read).unwrap_or_else(|error| panic!("{name}: {error}\n{}", error.text));
    for text in [&bare, &text] {
        let again = text_to_program("again.avm", text, Dialect::Standard);
        if again.hash() != program.hash() {
            let second = disassemble(&again).unwrap_or_else(|error| error.text);
            panic!("{name}: other hash\n--- first\n{text}\n--- second\n{second}");
        }
    }
    text
}

#[test]
fn all_programs_come_back() {
    let mut found = Vec::new();
    sources(&folder("programs"), &mut found);
    assert!(found.len() >= 5, "{found:?}");
    for path in found {
        let text = fs::read_to_string(&path).expect("readable");
        let name =
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let paper = path.parent().is_some_and(|folder| folder.ends_with("paper"));
        if name == "self_advice.avm" && paper {
            continue;
        }
        if text.contains(".include") {
            continue;
        }
        let dialect = if paper { Dialect::Paper } else { Dialect::Standard };
        let program = text_to_program(&name, &text, dialect);
        round_trip(&name, &program);
    }
}

#[test]
fn trading_agent_needs_the_paper_dialect() {
    let text = fs::read_to_string(folder("programs/paper/trading_agent.avm")).expect("readable");
    let assembly = assemble("trading_agent.avm", &text, &mut NoSources, &Options::default());
    assert!(assembly.program.is_none());
    let errors: Vec<_> =
        assembly.diagnostics.iter().filter(|r| r.severity == Severity::Error).collect();
    assert_eq!(errors.len(), 1, "{}", explain(&assembly));
    let suggestion = errors[0].suggestion.as_ref().expect("a suggestion");
    assert_eq!(suggestion.replacement, "PATCH_SANDBOX_MAX");
    let paper = assemble(
        "trading_agent.avm",
        &text,
        &mut NoSources,
        &Options { dialect: Dialect::Paper, lints: false },
    );
    assert_eq!(paper.diagnostics.len(), 1, "{}", explain(&paper));
    assert!(paper.program.is_some());
}

#[test]
fn self_advice_holds_no_code_for_its_ellipsis() {
    let text = fs::read_to_string(folder("programs/paper/self_advice.avm")).expect("readable");
    let assembly = assemble(
        "self_advice.avm",
        &text,
        &mut NoSources,
        &Options { dialect: Dialect::Paper, ..Options::default() },
    );
    assert!(assembly.program.is_none());
    assert_eq!(assembly.diagnostics.len(), 1, "{}", explain(&assembly));
    assert_eq!(assembly.diagnostics[0].code, avm_asm::messages::LEFT_OUT);
}

const EVERYTHING: &str = r#"
#define LIMIT 5
#define NAMES ["a", {x: 1.5, "two words": NULL}]
.input START = -3
.input WHO
.uses model "Other"
SET xs = [1, 2, START]
SET rec = {a: 1, b: {c: [1, 2, 3]}, d: xs}
SET rec.b.c[0] = LIMIT + 1
SET rec.b.c[-1] = rec
PUSH rec.b.c, rec
POP rec.b.c -> START
FOR x IN xs DO
  IF x > LIMIT AND NOT (x == 7) OR x < -LIMIT THEN
    LOG "big" + TO_TEXT(x)
    CONTINUE
  ELSEIF x == 3 THEN
    BREAK
  ELSE
    LOG NAMES
  ENDIF
ENDFOR
WHILE true DO
  SET START = START + 1
  IF START >= LIMIT THEN BREAK
ENDWHILE
SET both = START == 5 AND twice(START) == 10 OR lastPluginFailed
.func twice(n)
  :again
  SET m = n * 2
  IF m < 0 THEN JUMP again
  FOR i IN 3 DO
    SET m = m + i - i
  ENDFOR
  RETURN m
.endfunc
CALL twice, 4 -> four
GPU_INFER WHO, "text", gas_limit=10 -> answer.text
DOC_FETCH "Docs", "id" -> (_, vec)
ADD 1, 2
AND true, false -> anded
OR true, false -> ored
NOT true -> notted
CONTAINS xs, 3 -> has
.region Strategy perms=read,modify,execute in=(xs) out=(total)
  SET total = SUM(xs)
  JUMP .skip
  LOG "never"
:.skip
  IF total > 10 THEN JUMP done
  .func helper()
    RETURN "he; \"said\"\n"
  .endfunc
.endregion
LOG total
JUMP done
.region Loose detached
:loose
  LOG "loose"
  JUMP done
.endregion
LOG vec
:done
LOG helper() + R_state.conversation[-1].text
SET big = [twice(1), twice(2), twice(3), twice(4), twice(5), twice(6), twice(7), twice(8), twice(9), twice(10)]
SET bigrec = {a: twice(1), b: twice(2), c: twice(3), d: twice(4), e: twice(5), f: twice(6), g: twice(7), h: twice(8), i: twice(9)}
SWARM_BROADCAST "m", channel="c"
FORK_AGENT "code", world="microvm" -> child
JUMP loose
.test "sums" region=Strategy
  given xs = [1, 2, LIMIT]
  given four = twice(LEN(xs) + 1) - rec.a
  answer READ_FROM_TOOL "Shop" -> [LIMIT, -2.5, {a: NULL, "b c": "x\n"}]
  answer READ_FROM_TOOL fails "closed"
  answer RELEASE_GPU
  expect total == LIMIT + 3 AND NOT (total > 100)
  expect total != 9
.endtest
"#;

#[test]
fn everything_comes_back() {
    let program = text_to_program("everything.avm", EVERYTHING, Dialect::Standard);
    insta::assert_snapshot!(round_trip("everything", &program));
}
