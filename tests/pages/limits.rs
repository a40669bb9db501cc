//! The table at the end of `spec/limits.md`, from the constants that enforce the limits.

use std::fmt::Write;

use avm_ir::{gas::GAS, instr, program, value};
use avm_plugins::{docs, model::extractive, model::hash_embed, store};
use avm_vm::{Config, Limits};

/// The line behind which the page is generated.
pub(crate) const HEADING: &str = "## Table of limits";

/// Everything behind [`HEADING`].
pub(crate) fn table() -> String {
    let limits = Limits::default();
    let rows: Vec<(&str, String, &str)> = vec![
        (
            "program text (source)",
            bytes(avm_asm::parse::MAX_SOURCE as u64),
            "the assembler reports AVM0010",
        ),
        ("program file", bytes(program::MAX_PROGRAM as u64), "the file is refused"),
        ("regions of a program", number(program::MAX_REGIONS), "the file is refused"),
        ("instructions of a region", number(program::MAX_CODE), "the file is refused"),
        ("constants of a region", number(instr::MAX_CONSTS), "the validator refuses it"),
        (
            "named registers of an agent",
            number(program::MAX_NAMED_REGISTERS),
            "the file is refused",
        ),
        ("registers of a window", number(instr::REGISTERS), "the validator refuses it"),
        ("name in a program", bytes(program::MAX_NAME as u64), "the file is refused"),
        ("nesting of lists and records", number(value::MAX_NESTING as usize), "trap T09"),
        ("memory of an agent, default", bytes(limits.memory), "trap T07; `--memory`"),
        ("nested calls, default", number(limits.call_depth), "trap T08"),
        ("notes in the log, default", number(limits.log_entries), "the oldest gives way"),
        ("gas of a run, default", format!("{} gas", Config::default().gas / GAS), "`--gas`"),
        ("results of one search", number(docs::search::MAX_TOP_K), "the call fails"),
        (
            "comparisons of one MMR search",
            number(docs::mmr::MAX_COMPARISONS as usize),
            "the call fails",
        ),
        ("documents that compete in MMR", number(docs::mmr::DEFAULT_FETCH_K), "or top_k if more"),
        ("lambda of MMR, default", docs::mmr::DEFAULT_LAMBDA.to_string(), "from 0 to 1"),
        (
            "dimension of a vector in a collection",
            number(docs::vector::MAX_DIMENSION),
            "the call fails",
        ),
        ("document id", bytes(docs::collection::MAX_ID_BYTES as u64), "the call fails"),
        ("collection name", bytes(docs::persist::MAX_NAME_BYTES as u64), "the call fails"),
        (
            "file taken by `--docs`",
            bytes(docs::passages::MAX_FILE_BYTES as u64),
            "skipped, warning",
        ),
        ("passages of one file", number(docs::passages::MAX_PASSAGES), "cut, warning"),
        (
            "components of a vector of builtin:hash-embed",
            number(hash_embed::DIMENSIONS),
            "always so many",
        ),
        ("text read by builtin:hash-embed", bytes(hash_embed::MAX_TEXT_BYTES as u64), "cut"),
        ("text read by builtin:extractive", bytes(extractive::MAX_INPUT_BYTES as u64), "cut"),
        ("value in the durable store", bytes(store::MAX_VALUE_BYTES as u64), "the call fails"),
    ];
    let mut page = String::from(
        "\nGenerated from the constants that enforce them.\n\n| limit | at most | beyond it |\n|---|---|---|\n",
    );
    for (what, most, beyond) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| {what} | {most} | {beyond} |");
    }
    page
}

fn number(number: usize) -> String {
    number.to_string()
}

fn bytes(bytes: u64) -> String {
    match bytes {
        b if b >= 1 << 20 && b % (1 << 20) == 0 => format!("{} MiB", b >> 20),
        b if b >= 1 << 10 && b % (1 << 10) == 0 => format!("{} KiB", b >> 10),
        b => format!("{b} bytes"),
    }
}
