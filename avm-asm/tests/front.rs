//! The front end on whole programs: tokens, trees, canonical form.

#[path = "front/dump.rs"]
mod dump;
#[path = "front/report.rs"]
mod report;

use std::fmt::Write as _;

use avm_asm::{
    ast::Arena,
    fmt::{AsWritten, format},
    lexer::{Lexer, Shared},
    messages::MESSAGES,
    parse::parse,
};
use avm_ir::FileId;

const PAPER: [(&str, &str); 5] = [
    ("rag_bot", include_str!("../../programs/paper/rag_bot.avm")),
    ("trading_agent", include_str!("../../programs/paper/trading_agent.avm")),
    ("plugin_registry", include_str!("../../programs/paper/plugin_registry.avm")),
    ("self_advice", include_str!("../../programs/paper/self_advice.avm")),
    ("multi_agent_sentiment", include_str!("../../programs/paper/multi_agent_sentiment.avm")),
];

fn tokens(text: &str) -> String {
    let shared = Shared::default();
    let mut out = String::new();
    for (start, token, _) in Lexer::new(FileId(0), text, &shared) {
        let _ = writeln!(out, "{} {token:?}", report::place(text, start));
    }
    out
}

#[test]
fn tokens_of_the_paper() {
    for (name, text) in PAPER {
        insta::assert_snapshot!(format!("tokens_{name}"), tokens(text));
    }
}

#[test]
fn trees_of_the_paper() {
    for (name, text) in PAPER {
        let arena = Arena::default();
        let (ast, diagnostics, _) = parse(FileId(0), text, &arena);
        let reports = report::all(text, &diagnostics);
        insta::assert_snapshot!(format!("tree_{name}"), format!("{}{reports}", dump::tree(&ast)));
    }
}

#[test]
fn canonical_form_of_the_paper() {
    for (name, text) in PAPER {
        if name == "self_advice" {
            // It has an ellipsis: it is not formatted.
            assert!(format(FileId(0), text, &AsWritten).is_err());
            continue;
        }
        let once = format(FileId(0), text, &AsWritten).expect("the program is sound");
        let twice = format(FileId(0), &once, &AsWritten).expect("its canonical form is sound");
        assert_eq!(once, twice);
        assert_eq!(
            dump::tree(&parse(FileId(0), text, &Arena::default()).0),
            dump::tree(&parse(FileId(0), &once, &Arena::default()).0)
        );
        insta::assert_snapshot!(format!("format_{name}"), once);
    }
}

#[test]
fn every_form_of_the_standard() {
    let text = include_str!("front/forms.avm");
    let arena = Arena::default();
    let (ast, diagnostics, _) = parse(FileId(0), text, &arena);
    assert_eq!(report::all(text, &diagnostics), "");
    insta::assert_snapshot!("tree_forms", dump::tree(&ast));
    let once = format(FileId(0), text, &AsWritten).expect("the program is sound");
    let other = Arena::default();
    let (again, ..) = parse(FileId(0), &once, &other);
    assert_eq!(dump::tree(&ast), dump::tree(&again));
    assert_eq!(once, format(FileId(0), &once, &AsWritten).expect("its canonical form is sound"));
    insta::assert_snapshot!("format_forms", once);
}

#[test]
fn lists_and_operands_on_lines_of_their_own() {
    let text = include_str!("front/layout.avm");
    let arena = Arena::default();
    let (ast, diagnostics, _) = parse(FileId(0), text, &arena);
    assert_eq!(report::all(text, &diagnostics), "");
    let once = format(FileId(0), text, &AsWritten).expect("the program is sound");
    assert_eq!(dump::tree(&ast), dump::tree(&parse(FileId(0), &once, &Arena::default()).0));
    assert_eq!(once, format(FileId(0), &once, &AsWritten).expect("its canonical form is sound"));
    assert_eq!(text.matches(";;").count(), once.matches(";;").count());
    insta::assert_snapshot!("format_layout", once);
}

#[test]
fn examples_of_the_messages_hold() {
    for row in MESSAGES.iter().filter(|row| row.code.0 < 200) {
        let (_, right, _) = parse(FileId(0), row.right, &Arena::default());
        assert_eq!(report::all(row.right, &right), "", "{}: the right example", row.code);
        if row.wrong.starts_with('(') {
            continue;
        }
        let (_, wrong, _) = parse(FileId(0), row.wrong, &Arena::default());
        let codes: Vec<_> = wrong.iter().map(|report| report.code).collect();
        assert_eq!(codes, [row.code], "{}: {}", row.code, report::all(row.wrong, &wrong));
    }
}

#[test]
fn limits_are_errors_and_not_crashes() {
    let codes = |text: &str| -> Vec<u16> {
        parse(FileId(0), text, &Arena::default()).1.iter().map(|report| report.code.0).collect()
    };
    let none: [u16; 0] = [];
    let deep = |open: &str, close: &str, n: usize| {
        format!("SET R = {}1{}\n", open.repeat(n), close.repeat(n))
    };
    assert_eq!(codes(&deep("(", ")", 64)), none);
    assert_eq!(codes(&deep("(", ")", 65)), [9]);
    assert_eq!(codes(&deep("[", "]", 100_000)), [9]);
    assert_eq!(codes(&deep("-", "", 100_000)), [9]);
    assert_eq!(codes(&deep("NOT ", "", 100_000)), [9]);
    assert_eq!(codes(&deep("1 + ", "", 200)), none);
    assert_eq!(codes(&deep("1 + ", "", 100_000)), [9]);
    assert_eq!(codes(&format!("SET R = x{}\n", "[0].y".repeat(100_000))), [9]);
    assert_eq!(codes(&format!("SET R = x{}\n", "[x".repeat(100_000))), [9, 7]);
    assert_eq!(codes(&format!("{}{}", "IF a\n".repeat(64), "ENDIF\n".repeat(64))), none);
    assert_eq!(codes(&format!("{}{}", "IF a\n".repeat(65), "ENDIF\n".repeat(65))), [138]);
    assert_eq!(codes(&format!("{}{}", "IF a\n".repeat(50_000), "ENDIF\n".repeat(50_000))), [138]);
    let many = codes(&"SET 5\n".repeat(10_000));
    assert_eq!((many.len(), many.last()), (501, Some(&13)));
    assert_eq!(codes(&" ".repeat((16 << 20) + 1)), [10]);
    let nest = format!("SET R = {}{}1{}\n", "[".repeat(60), "1,".repeat(200_000), "]".repeat(60));
    assert_eq!(codes(&nest), none);
    let formatted = format(FileId(0), &nest, &AsWritten).expect_err("its lines are too long");
    assert_eq!(formatted.len(), 1);
    assert_eq!(codes(&"HALT\nx:\n".repeat(500_001)), [10]);
}
