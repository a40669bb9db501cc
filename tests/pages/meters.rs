//! The table at the end of `spec/budgets.md`.

use std::fmt::Write;

use avm_vm::Meter;

/// The line behind which the page is generated.
pub(crate) const HEADING: &str = "## All meters";

/// Everything behind [`HEADING`].
pub(crate) fn table() -> String {
    let mut page =
        String::from("\n| number | meter | unit | what it measures |\n|---|---|---|---|\n");
    for meter in Meter::ALL {
        let doc = meter.doc().trim_end_matches('.');
        // Writing to a String cannot fail.
        let _ =
            writeln!(page, "| {} | {} | {} | {doc} |", *meter as u8, meter.name(), meter.unit());
    }
    page.push_str("\n1 credit is 1 000 000 000 nanocredits, as 1 gas is 1 000 000 000 nanogas.\n");
    page
}
