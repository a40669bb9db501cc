//! The list at the end of `spec/gas.md`.

use std::fmt::Write;

use avm_ir::{gas::formula_text, opcode::OPS};

/// The line behind which the page is generated.
pub(crate) const HEADING: &str = "## All formulas";

/// Everything behind [`HEADING`].
pub(crate) fn table() -> String {
    let mut page = String::from(
        "\nGenerated from the instruction table: gas on top of the intrinsic minimum. An instruction that \
         is not listed costs the minimum only.\n\n",
    );
    // A list, not a table: a search takes a table apart into rows, and these would stand in front of
    // the sections of the instructions, which say more.
    for info in OPS.iter().filter(|info| !info.gas.is_empty()) {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "* {}: {}", info.mnemonic, formula_text(info.gas));
    }
    page
}
