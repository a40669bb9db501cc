//! The table at the end of `spec/requirements.md`: which row meets which instruction of the paper.

use std::{collections::BTreeMap, fmt::Write};

use avm_ir::opcode::OPS;

/// The line behind which the page is generated.
pub(crate) const HEADING: &str = "## Instructions of the whitepaper";

/// Everything behind [`HEADING`].
pub(crate) fn table() -> String {
    let mut rows: BTreeMap<u32, (&str, &str)> = BTreeMap::new();
    for info in OPS {
        let section = info.source.split(' ').find(|word| word.starts_with('§')).unwrap_or("§8.3");
        for word in info.source.split(' ') {
            if let Some(number) = word.strip_prefix("O-").and_then(|n| n.parse().ok()) {
                rows.entry(number).or_insert((info.mnemonic, section));
            }
        }
    }
    let mut page = String::from(
        "\nGenerated from the instruction table.\n\n| number | instruction | whitepaper |\n|---|---|---|\n",
    );
    for (number, (mnemonic, section)) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| O-{number} | {mnemonic} | {section} |");
    }
    page
}
