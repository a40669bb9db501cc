//! The table at the end of `spec/gas.md`.

use std::fmt::Write;

use avm_ir::{gas::formula_text, opcode::OPS};

/// The line behind which the page is generated.
pub(crate) const HEADING: &str = "## Table of all formulas";

/// Everything behind [`HEADING`].
pub(crate) fn table() -> String {
    let mut page = String::from(
        "\nGenerated from the instruction table. An instruction that is not listed costs the intrinsic \
         minimum only.\n\n| instruction | gas on top of the minimum |\n|---|---|\n",
    );
    for info in OPS.iter().filter(|info| !info.gas.is_empty()) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| {} | {} |",
            info.mnemonic,
            formula_text(info.gas).replace('|', "\\|")
        );
    }
    page
}
