//! Any text at all: no panic, sound spans, and a canonical form that is one.

#[path = "front/dump.rs"]
mod dump;

use avm_asm::{
    ast::Arena,
    fmt::{AsWritten, format},
    parse::parse,
};
use avm_ir::{FileId, Severity};
use proptest::prelude::*;

const SEEDS: [&str; 3] = [
    include_str!("../../programs/paper/trading_agent.avm"),
    include_str!("front/forms.avm"),
    include_str!("front/broken.avm"),
];

/// Pieces that meet each other in every order.
const PIECES: [&str; 66] = [
    "\n",
    "\n",
    "\n",
    "\n",
    " ",
    " ",
    "LOG ",
    "HALT",
    "IF ",
    " THEN",
    " THEN ",
    "ENDIF",
    "ELSE",
    "ELSEIF ",
    "WHILE ",
    " DO",
    "ENDWHILE",
    "FOR ",
    " IN ",
    "ENDFOR",
    "BREAK",
    "SET ",
    " = ",
    "R",
    "x",
    "\"t\"",
    "5",
    "0.5",
    "-",
    " + ",
    " * ",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "a: ",
    ", ",
    ".b",
    "[0]",
    " -> ",
    "...",
    ":l\n",
    "l:",
    ".region A",
    ".endregion",
    ".func f(a)",
    ".endfunc",
    ".test \"t\" region=A",
    ".endtest",
    "given ",
    "expect ",
    "answer ",
    " fails ",
    ";; c\n",
    ";x",
    "NOT ",
    " AND ",
    " OR ",
    " == ",
    " < ",
    " contains ",
    "%1",
    "1. ",
    "#define A 1",
];

fn check(text: &str) -> Result<(), TestCaseError> {
    let arena = Arena::default();
    let (ast, diagnostics, _) = parse(FileId(0), text, &arena);
    for report in &diagnostics {
        let notes = report.notes.iter().map(|note| note.span);
        let edits = report.suggestion.iter().map(|edit| edit.span);
        for span in notes.chain(edits).chain([report.span]) {
            prop_assert!(text.get(span.start as usize..span.end as usize).is_some(), "{report:?}");
        }
    }
    let errors = diagnostics.iter().any(|report| report.severity == Severity::Error);
    let formatted = format(FileId(0), text, &AsWritten);
    prop_assert_eq!(errors, formatted.is_err());
    if let Ok(once) = formatted {
        let other = Arena::default();
        let (again, reports, _) = parse(FileId(0), &once, &other);
        prop_assert_eq!(dump::tree(&ast), dump::tree(&again), "{}\n{}\n{:?}", text, once, reports);
        prop_assert_eq!(&once, &format(FileId(0), &once, &AsWritten).unwrap_or_default());
        let count = |text: &str| text.matches(";;").count();
        prop_assert!(
            count(&once) >= text.lines().filter(|line| line.trim_start().starts_with(";;")).count()
        );
    }
    Ok(())
}

/// Blanks, line breaks and comments, which may stand anywhere inside brackets.
fn blank() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "",
        "",
        " ",
        " ",
        "\n",
        "\n\n\n",
        " ;; a\n",
        "\n;; b\n",
        ";;c\n\n ;; d\n;; e\n",
    ])
}

/// A value whose brackets have blanks in them.
fn value() -> impl Strategy<Value = String> {
    let text = (1..90_usize).prop_map(|length| format!("\"{}\"", "t".repeat(length)));
    let leaf = prop_oneof![Just("5".to_owned()), Just("x.y".to_owned()), text];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let padded = (blank(), inner, blank()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        let padded = padded.boxed();
        let several = |part, least| prop::collection::vec(part, least..5);
        let record = padded.clone().prop_map(|value| format!("k:{value}"));
        prop_oneof![
            several(padded.clone(), 0).prop_map(|all| format!("[{}]", all.join(","))),
            several(record.boxed(), 0).prop_map(|all| format!("{{{}}}", all.join(","))),
            several(padded.clone(), 0).prop_map(|all| format!("g({})", all.join(","))),
            several(padded.clone(), 1).prop_map(|all| format!("g({})", all.join(",\nk="))),
            several(padded.clone(), 1).prop_map(|all| format!("({})", all.join("+"))),
            several(padded.clone(), 1).prop_map(|all| format!("({})", all.join(" OR "))),
            padded.prop_map(|value| format!("(NOT (b AND{value}))")),
        ]
    })
}

/// A statement with such values.
fn statement() -> impl Strategy<Value = String> {
    let operands = (prop::collection::vec((blank(), value(), blank()), 1..4), 0..4_usize);
    let call = operands.prop_map(|(all, form)| {
        let all: Vec<_> = all.iter().map(|(a, value, b)| format!("{a}{value}{b}")).collect();
        let (name, out) = [("LOG", ""), ("f", "->R"), ("MAX", ",out=R"), ("MAX", "->(R,Q)")][form];
        let (inside, behind) = if out.starts_with(',') { (out, "") } else { ("", out) };
        format!("{name}({}{inside}){behind}", all.join(","))
    });
    let plain = value().prop_map(|value| format!("LOG 5, {value}, k={value}"));
    prop_oneof![
        value().prop_map(|value| format!("SET R = [1] + {value} OR {value}")),
        value().prop_map(|value| format!("IF {value} THEN LOG {value}")),
        value().prop_map(|value| format!("IF {value} ;; c\nELSEIF {value} == 5 THEN\nENDIF ;; d")),
        value().prop_map(|value| format!("12. FOR x IN {value} DO ;; c\n;; d\nENDFOR\n")),
        value().prop_map(|value| format!("#define A {value}\n#define LONG_NAME [{value}]")),
        value().prop_map(|value| format!(".input R = {value}\n\n")),
        call,
        plain,
        Just(":label".to_owned()),
        Just(";; comment".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text(text in "(?s).{0,200}") {
        check(&text)?;
    }

    #[test]
    fn pieces(picks in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = picks.iter().map(|&pick| PIECES[pick]).collect();
        check(&text)?;
    }

    #[test]
    fn layouts(statements in prop::collection::vec(statement(), 1..4)) {
        let text = statements.join("\n");
        check(&text)?;
        let comments = |text: &str| text.matches(";;").count();
        if let Ok(once) = format(FileId(0), &text, &AsWritten) {
            prop_assert_eq!(comments(&once), comments(&text), "{}\n{}", text, once);
        }
    }

    #[test]
    fn mutated_programs(seed in 0..SEEDS.len(), cuts in prop::collection::vec((0..1000_usize, 0..40_usize, 0..PIECES.len()), 0..6)) {
        let mut text: Vec<char> = SEEDS[seed].chars().collect();
        for (at, length, piece) in cuts {
            let start = at * text.len() / 1000;
            let end = (start + length).min(text.len());
            text.splice(start..end, PIECES[piece].chars());
        }
        check(&text.into_iter().collect::<String>())?;
    }
}
