//! Any text at all: no panic, sound spans, and a canonical form that is one.

#[path = "front/dump.rs"]
mod dump;

use avm_asm::{
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
const PIECES: [&str; 64] = [
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
    let (ast, diagnostics, _) = parse(FileId(0), text);
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
        let (again, reports, _) = parse(FileId(0), &once);
        prop_assert_eq!(dump::tree(&ast), dump::tree(&again), "{}\n{}\n{:?}", text, once, reports);
        prop_assert_eq!(&once, &format(FileId(0), &once, &AsWritten).unwrap_or_default());
        let count = |text: &str| text.matches(";;").count();
        prop_assert!(
            count(&once) >= text.lines().filter(|line| line.trim_start().starts_with(";;")).count()
        );
    }
    Ok(())
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
