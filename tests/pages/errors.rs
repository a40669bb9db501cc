//! `spec/errors.md`: every message, trap and failure.

use std::fmt::Write;

use avm_asm::messages::MESSAGES;
use avm_ir::Severity;
use avm_vm::{FailureCode, TrapCode};

const INTRO: &str = "\
# Errors

This page is generated from the tables in `avm-asm/src/messages.rs`, `avm-vm/src/trap.rs` and `avm-vm/src/effect.rs` by \
`cargo test --test generated`. Numbers are stable and never reused; `avm explain CODE` prints the same text.

There are three kinds of trouble. A *diagnostic* (`AVM0123`) is found by the assembler before anything runs. A *trap* (`T04`) is \
the program's own fault while it runs and ends the run. A *failure* is an effect that did not work: the status word of its class \
shows it and the program goes on. Using up the gas is none of the three: it is an end of its own, see [gas.md](gas.md).

";

/// The whole page.
pub(crate) fn page() -> String {
    let mut page = String::from(INTRO);
    // Writing to a String cannot fail.
    page.push_str("## Traps\n\nA trap ends the run; the state is kept.\n\n");
    page.push_str("| trap | name | meaning |\n|---|---|---|\n");
    for trap in TrapCode::ALL {
        let _ = writeln!(page, "| T{:02} | {} | {} |", *trap as u16, trap.name(), trap.doc());
    }
    page.push_str("\n## Failures of effects\n\nA failure sets the status word of its class; the results are `NULL`.\n\n");
    page.push_str("| number | failure | meaning |\n|---|---|---|\n");
    for failure in FailureCode::ALL {
        let _ = writeln!(page, "| {} | {} | {} |", *failure as u8, failure.name(), failure.doc());
    }
    page.push_str("\n## Diagnostics of the assembler\n");
    for message in MESSAGES {
        let kind = match message.severity {
            Severity::Error => "Error",
            Severity::Warning => "Warning",
        };
        let _ = write!(
            page,
            "\n### {}: {}\n\n{kind}. {}\n\nWrong:\n\n```text\n{}\n```\n\nRight:\n\n```text\n{}\n```\n",
            message.code,
            message.title,
            message.text.replace('\n', " "),
            shorten(message.wrong),
            shorten(message.right)
        );
    }
    page
}

/// A line that shows a limit by exceeding it is cut for reading.
fn shorten(program: &str) -> String {
    let line = |line: &str| match line.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    };
    program.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}
