//! `--explain` and `--dump`: texts about messages, instructions and programs.

use std::fmt::Write as _;

use avm_asm::{bind, messages};
use avm_ir::{Code, Program, instr::Layout};

/// What there is to know about a diagnostic's code or an instruction.
pub(crate) fn explain(word: &str) -> Option<String> {
    let digits = word.trim_start_matches(['A', 'a', 'V', 'v', 'M', 'm']);
    if let Ok(number) = digits.parse::<u16>() {
        let row = messages::explain(Code(number))?;
        return Some(format!(
            "{}: {}\n\n{}\n\nwrong:\n\n{}\nright:\n\n{}",
            row.code,
            row.title,
            row.text,
            indented(row.wrong),
            indented(row.right)
        ));
    }
    let info = bind::opcode(word)?.info();
    let mut text = format!("{}\n\n{}\n", info.usage(), info.summary);
    if !info.aliases.is_empty() {
        let _ = writeln!(text, "\nalso: {}", info.aliases.join(", "));
    }
    let _ = writeln!(text);
    for input in info.inputs {
        let (name, kind) = (input.name, input.kind.name());
        let _ = writeln!(text, "  {name}: {kind} = {}   {}", input.default, input.doc);
    }
    for output in info.outputs {
        let _ = writeln!(text, "  → {}: {}   {}", output.name, output.kind.name(), output.doc);
    }
    let _ = write!(text, "\nmeaning: {}\nsource: {}\n", info.semantics, info.source);
    Some(text)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a program is made of.
pub(crate) fn dump(program: &Program, size: usize) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "program {}", hex(&program.hash()));
    let _ = writeln!(text, "  {size} bytes, {} registers", program.registers.len());
    for input in &program.inputs {
        let name = program.registers.get(usize::from(input.register));
        let kind = if input.default.is_some() { "optional" } else { "required" };
        let _ = writeln!(text, "  input {} ({kind})", name.map_or("", String::as_str));
    }
    for (kind, name) in &program.manifest.names {
        let _ = writeln!(text, "  reaches {} {name:?}", kind.name());
    }
    for kind in &program.manifest.computed {
        let _ = writeln!(text, "  computes {} names", kind.name());
    }
    for region in &program.regions {
        let perms: Vec<_> = region.perms.iter().map(avm_ir::program::Perm::name).collect();
        let pooled = region.code.iter().filter(|i| i.op.info().layout() == Layout::Pool).count();
        let _ = writeln!(text, "region {} {}", region.name, hex(&region.hash()));
        let _ = writeln!(text, "  perms {}", perms.join(","));
        let _ = writeln!(
            text,
            "  {} instructions ({pooled} with operand lists of {} entries), {} constants, {} labels",
            region.code.len(),
            region.pool.len(),
            region.consts.len(),
            region.labels.len()
        );
        for function in &region.functions {
            let _ = writeln!(
                text,
                "  function {}: {} parameters, {} registers, instructions {} to {}",
                function.name, function.params, function.registers, function.entry, function.end
            );
        }
    }
    for test in &program.tests {
        let _ = writeln!(text, "test {:?} of region {}", test.name, test.region);
    }
    let debug = if program.debug.is_some() { "with" } else { "without" };
    let signed = if program.signature.is_some() { "signed" } else { "not signed" };
    let _ = writeln!(text, "{debug} debug data, {signed}");
    text
}
