//! Programs that read well and mean nothing: what the assembler says about each.

use std::{collections::BTreeMap, fmt::Write as _};

use avm_asm::{Assembly, Dialect, LoadError, NoSources, Options, Sources, assemble, messages};

fn describe(assembly: &Assembly) -> String {
    let mut out = String::new();
    for report in &assembly.diagnostics {
        let place = |span: avm_ir::Span| {
            let file = &assembly.files[usize::from(span.file.0)];
            let (line, column) = file.line_column(span.start);
            let name = if span.file.0 == 0 { String::new() } else { format!("{}:", file.path) };
            (format!("{name}{line}:{column}"), file.slice(span).replace('\n', "⏎"))
        };
        let (at, text) = place(report.span);
        let _ = writeln!(out, "{at} {} {} `{text}`", report.code, report.message);
        if !report.label.is_empty() {
            let _ = writeln!(out, "    label: {}", report.label);
        }
        for note in &report.notes {
            let (at, _) = place(note.span);
            let _ = writeln!(out, "    note at {at}: {}", note.text);
        }
        if !report.help.is_empty() {
            let _ = writeln!(out, "    help: {}", report.help);
        }
        if let Some(suggestion) = &report.suggestion {
            let (_, old) = place(suggestion.span);
            let _ =
                writeln!(out, "    `{old}` => `{}`: {}", suggestion.replacement, suggestion.text);
        }
    }
    out
}

fn plain(text: &str) -> Assembly {
    assemble("main.avm", text, &mut NoSources, &Options::default())
}

#[test]
fn broken_programs() {
    let mut out = String::new();
    for text in include_str!("back/broken.txt").split("\n----\n") {
        let assembly = plain(text);
        assert_eq!(
            assembly.program.is_some(),
            !assembly.diagnostics.iter().any(|r| r.severity == avm_ir::Severity::Error)
        );
        assert!(!assembly.diagnostics.is_empty(), "no message:\n{text}");
        let _ = write!(out, "{text}\n=>\n{}\n", describe(&assembly));
    }
    insta::assert_snapshot!(out);
}

/// `f(a, b) -> R` as a statement is `CALL f, a, b -> R`.
#[test]
fn a_function_is_called_by_its_name() {
    let func = ".func f(a, b)\n  RETURN a\n.endfunc\nSET R = {}\n";
    let pairs = [
        ("f(1, 2) -> R", "CALL f, 1, 2 -> R"),
        ("f(1, R.a)", "CALL f, 1, R.a"),
        ("f() -> R.b", "CALL f -> R.b"),
        ("f(f(1), out=R)", "CALL f, f(1) -> R"),
        ("IF R == 1 THEN f(1)", "IF R == 1 THEN CALL f, 1"),
    ];
    for (short, long) in pairs {
        let [short, long] = [short, long].map(|line| plain(&format!("{func}{line}\n")));
        let lints = short.diagnostics.iter().all(|report| messages::is_lint(report.code));
        assert!(lints, "{}", describe(&short));
        let hash = |assembly: &Assembly| assembly.program.as_ref().map(avm_ir::Program::hash);
        assert_eq!(hash(&short), hash(&long));
    }
}

/// Arguments of a call in an expression may have names, and come back from bytecode with them.
#[test]
fn named_arguments_of_a_call() {
    let calls = [
        "SORT(xs, descending=true)",
        "ROUND(digits=2, value=1.25)",
        "SORT(SORT(xs), descending=LEN(xs) > 1)",
    ];
    for named in calls {
        let text = format!(
            "SET xs = [1, 2]\nSET ys = {named}\n.test \"t\" region=main\ngiven xs = {named}\nexpect {named} == xs\n.endtest\n"
        );
        let assembly = plain(&text);
        let program = assembly.program.as_ref().expect("right");
        let shown = avm_asm::disassemble(program).expect("made by the assembler");
        let again = plain(&shown).program.expect("own text");
        assert_eq!(again.hash(), program.hash(), "{shown}");
    }
    let [named, plain] = ["LOG ROUND(digits=2, value=1.25)\n", "LOG ROUND(1.25, 2)\n"].map(plain);
    assert_eq!(named.program.map(|p| p.hash()), plain.program.map(|p| p.hash()));
}

/// The examples of the table of messages give their message, and the mended ones none.
#[test]
fn examples_of_the_messages_are_true() {
    for row in messages::MESSAGES.iter().filter(|row| row.code.0 >= 200) {
        let in_prose = row.wrong.starts_with('(');
        if !in_prose && !row.wrong.contains(".include") {
            let paper = row.code == messages::PAPER_NAME;
            let dialect = if paper { Dialect::Paper } else { Dialect::Standard };
            let wrong = assemble(
                "main.avm",
                row.wrong,
                &mut NoSources,
                &Options { dialect, ..Options::default() },
            );
            assert!(
                wrong.diagnostics.iter().any(|r| r.code == row.code),
                "{}\n{}",
                row.code,
                describe(&wrong)
            );
        }
        if !row.right.contains(".include") {
            let right = plain(row.right);
            assert!(right.diagnostics.iter().all(|r| r.code != row.code), "{}", describe(&right));
        }
    }
}

#[test]
fn twenty_errors_in_one_pass() {
    let text = include_str!("back/twenty.avm");
    let assembly = plain(text);
    assert!(assembly.diagnostics.len() >= 20, "{}", describe(&assembly));
    insta::assert_snapshot!(describe(&assembly));
}

struct Folder(BTreeMap<&'static str, &'static str>);

impl Sources for Folder {
    fn load(&mut self, _: &str, path: &str) -> Result<(String, String), LoadError> {
        match path {
            "outside" => Err(LoadError::OutsideRoot),
            "latin1" => Err(LoadError::NotUtf8),
            "locked" => Err(LoadError::Io(String::from("permission denied"))),
            _ => match self.0.get(path) {
                Some(text) => Ok((String::from(path), String::from(*text))),
                None => Err(LoadError::NotFound),
            },
        }
    }
}

#[test]
fn includes() {
    let files = [
        ("a", ".include \"b\"\nLOG f(1)\n"),
        ("b", ".include \"c\"\n.func f(x)\n  RETURN c1 + x\n.endfunc\n"),
        ("c", "#define c1 5\n"),
        ("d", ".include \"e\"\n"),
        ("e", ".include \"d\"\n"),
        ("broken", "LOG wrong\nLOGG 5\n"),
        ("self", ".include \"self\"\n"),
        ("snippet", "LOG \"again\"\n"),
    ];
    let mut out = String::new();
    let sources = [
        ".include \"a\"\n.include \"c\"\n.include \"b\"\nLOG c1\n",
        ".include \"d\"\n",
        ".include \"self\"\n",
        ".include \"main.avm\"\n",
        ".include \"broken\"\nLOG also_wrong\n",
        ".include \"missing\"\n.include \"outside\"\n.include \"latin1\"\n.include \"locked\"\n",
        "IF 1 == 2 THEN\n.include \"snippet\"\nELSE\n.include \"snippet\"\nENDIF\n",
        "IF 1 == 2 THEN\n.include \"b\"\nENDIF\n",
    ];
    for text in sources {
        let mut folder = Folder(files.into());
        folder.0.insert("main.avm", "");
        let assembly = assemble("main.avm", text, &mut folder, &Options::default());
        let count = assembly.program.as_ref().map_or(0, |program| program.regions[0].code.len());
        let _ = write!(out, "{text}=> {count} instructions\n{}\n", describe(&assembly));
    }
    insta::assert_snapshot!(out);
}

/// Many errors, long names, deep nests, huge lists: an answer, no panic, no wait.
#[test]
fn adversarial() {
    let cases = [
        "FOO bar -> baz\n".repeat(20_000),
        (0..20_000).map(|n| format!("LOG name{n}\n")).collect::<String>(),
        (0..20_000).map(|n| format!(":l{n}\nJUMP l{n}x\n")).collect(),
        (0..300).map(|n| format!("SET r{n} = {n}\n")).collect(),
        format!(
            ".func f()\n{}.endfunc\n",
            (0..300).map(|n| format!("SET r{n} = {n}\n")).collect::<String>()
        ),
        (0..5000).map(|n| format!(".region r{n}\n.endregion\n")).collect(),
        (0..40_000).map(|n| format!("LOG {n}\n")).collect(),
        format!("SET {} = 1\n", "x".repeat(300)),
        format!(":{}\n", "x".repeat(300)),
        format!("SET xs = [{}]\n", "f(1), ".repeat(10_000) + "1"),
        format!(".func f(x)\n.endfunc\nSET xs = [{}]\n", "f(1), ".repeat(10_000) + "1"),
        format!(".func f(x)\n.endfunc\nCALL f, {}\n", "f(1), ".repeat(100) + "1"),
        format!("LOG {}1{}\n", "[".repeat(64), "]".repeat(64)),
        format!("SET x = 1\nLOG {}x{}\n", "[".repeat(64), "]".repeat(64)),
        format!("LOG {}1\n", "1 + ".repeat(200)),
        format!("SET a = 1\nLOG {}a\n", "a AND ".repeat(200)),
        (0..70).map(|n| format!("#define d{} [d{n}, d{n}]\n", n + 1)).collect::<String>()
            + "LOG d70\n",
        format!(
            "#define d0 1\n{}LOG d70\n",
            (0..70).map(|n| format!("#define d{} [d{n}, d{n}]\n", n + 1)).collect::<String>()
        ),
        format!(
            "#define t \"{}\"\n{}",
            "x".repeat(1 << 20),
            ".test \"t\" region=main\nexpect t == t AND t == t\n.endtest\n".repeat(100)
        ),
        format!("#define t \"{}\"\n{}", "x".repeat(1 << 20), "LOG t\n".repeat(20_000)),
        "SET %255 = 1\nSET %200 = %254 + (%253 + 1)\n".to_owned(),
        ".registers _, _, a, a\n.registers a, _\n".to_owned(),
        format!(".registers {}_\n", "_, ".repeat(300)),
        "SET R = R.a.b.c[R[R[R]]].d\nSET R[R[R]].x[R] = R\nPOP R[R].x -> R[R].y\n".to_owned(),
        "NEXT a, b, c -> d\n:c\nSET a = 1\nSET b = 2\n".to_owned(),
        "WHILE WHILE\nFOR FOR IN FOR\nENDFOR\nENDWHILE\n".to_owned(),
    ];
    for text in &cases {
        let assembly = plain(text);
        let errors = assembly.diagnostics.iter().any(|r| r.severity == avm_ir::Severity::Error);
        assert_eq!(assembly.program.is_none(), errors);
        assert!(assembly.diagnostics.len() < 5000);
        assert!(
            assembly.diagnostics.iter().all(|r| r.code != messages::INTERNAL),
            "{}",
            describe(&assembly)
        );
        if let Some(program) = &assembly.program {
            let text = avm_asm::disassemble(program).expect("made by the assembler");
            let again = plain(&text).program.expect("own text");
            assert_eq!(again.hash(), program.hash());
        }
    }
}
