//! What agents hold of the heap: counted by a program of its own, whose allocator counts.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use super::{Cost, cost};
use crate::build;

/// Rows of the table: the program's word, what is held, how it was measured.
const ROWS: [[&str; 3]; 4] = [
    ["idle", "an idle agent holds", "heap bytes asked for, 1,000 before their first instruction"],
    [
        "parked",
        "parked, waiting for an answer",
        "heap bytes asked for, `Machine::park`, 1,000 kept",
    ],
    ["frame", "a call frame holds", "heap bytes asked for, 9,000 nested calls of one parameter"],
    [
        "fork",
        "a fork of an agent with 10 MB holds",
        "heap bytes asked for, `Machine::clone`, 1,000 kept",
    ],
];

/// Runs that program.
pub fn measure(costs: &mut Vec<Cost>) -> Result<()> {
    let program = build::release("avm-bench-heap", Path::new(env!("CARGO_MANIFEST_DIR")))?;
    let output = Command::new(program).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    for [word, what, how] in ROWS {
        let bytes = text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        let bytes = bytes.with_context(|| format!("no row `{word}`"))?;
        costs.push(cost(what, format!("{bytes} B"), how));
    }
    Ok(())
}
