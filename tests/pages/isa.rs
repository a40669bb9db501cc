//! `spec/isa.md`: one section per instruction.

use std::{fmt::Write, fs, path::Path};

use avm_ir::{
    OpInfo, Unread,
    gas::{Measure, cost_text},
    opcode::OPS,
    operand::{DefaultValue, Kind},
};

const INTRO: &str = "\
# Instructions

This page is generated from the instruction table in `avm-ir/src/isa.rs` by `cargo test --test generated`. To change it, change \
the table. The same data for programs is in `spec/isa.json`.

";

const READING: &str = "\
## How to read a section

The first line is the usage in reference notation: operands in their order, `name=value` where there is a default, `[name]` \
where the operand may be left out, `[name=…]` where it can be given by name only, `name…` where any number may follow; behind \
`→` the results.

**Cost** is what the instruction pays in gas on top of the intrinsic minimum of 0.000001 gas. `size(x)` is the size of `x` in \
bytes, `weight(x)` the same but 0 for null, bool, number and handle, `count(x)` the number of items, `dimension(x)` the number \
of components of a vector, `scan(x)` the size of a text that is not ASCII. A cost that depends on a result is reserved before \
the instruction runs and settled after it. See [gas.md](gas.md).

**Kinds** of operands: any, bool, int, float, number (int or float), text, bytes, list, record, vector, handle; *place* is a \
register that is changed in place; *label* and *function* are parts of the program; a kind such as *model*, *collection* or \
*tool* is a text that names something outside and enters the program's manifest. A plain instruction traps on an operand of \
the wrong type; one that asks the outside fails in its class instead and the program goes on.

**Status word**: an instruction of a class sets the word of that class; see [effects.md](effects.md).

";

/// The whole page.
pub(crate) fn page() -> String {
    let mut page = String::from(INTRO);
    let families = OPS.chunk_by(|a, b| group(a) == group(b));
    let _ = writeln!(
        page,
        "Aither IR has {} instructions (opcodes) in {} groups. Each is one byte in bytecode.\n",
        OPS.len(),
        families.clone().count()
    );
    page.push_str(READING);
    for family in families {
        let _ = writeln!(page, "## {}\n", group(&family[0]));
        for info in family {
            section(&mut page, info);
        }
    }
    while page.ends_with("\n\n") {
        page.pop();
    }
    page
}

/// Heading of a group of rows: the family, and what its effects ask.
fn group(info: &OpInfo) -> String {
    match info.reach {
        None => format!("Family {}", info.family),
        Some(reach) => format!("Effects on {}", reach.name()),
    }
}

fn section(page: &mut String, info: &OpInfo) {
    let name = info.mnemonic;
    // Writing to a String cannot fail.
    let _ = writeln!(page, "### {name}\n\n`{}`\n", info.usage());
    let _ = writeln!(page, "{name}: {}\n", info.summary);
    // Lists, not tables: a search takes a table apart into rows, and a section should be found whole.
    for operand in info.inputs {
        let names = names(operand.name, operand.aliases);
        let kind = operand.kind.name();
        let default = match (operand.kind, operand.default) {
            (Kind::Args, _) => String::from("any number"),
            (_, DefaultValue::Required) => String::new(),
            (_, DefaultValue::Absent) => String::from("may be left out"),
            (_, DefaultValue::Named) => String::from("may be left out, by name only"),
            (_, default) => format!("default {default}"),
        };
        let comma = if default.is_empty() { "" } else { ", " };
        let _ = writeln!(page, "* operand {names} ({kind}{comma}{default}): {}", operand.doc);
    }
    for output in info.outputs {
        let names = names(output.name, output.aliases);
        let _ = writeln!(page, "* result {names} ({}): {}", output.kind.name(), output.doc);
    }
    if !info.inputs.is_empty() || !info.outputs.is_empty() {
        page.push('\n');
    }
    facts(page, info);
    if let Some(example) = example(info) {
        let _ = writeln!(page, "Example:\n\n```avm\n{}\n```\n", example.trim_end());
        // Under a heading of its own, because it is what people ask for.
        let _ = writeln!(page, "#### Cost of {name}\n\n{}", cost_text(name, info.gas));
        if let Some(later) = settled(info) {
            let _ = writeln!(page, "{later}");
        }
        page.push('\n');
    }
}

/// Byte, aliases, semantics, status word, provider and source, one sentence each.
fn facts(page: &mut String, info: &OpInfo) {
    let name = info.mnemonic;
    let mut line = format!("Opcode byte 0x{:02X}", info.opcode as u8);
    if !info.aliases.is_empty() {
        let _ = write!(line, "; also written `{}`", info.aliases.join("`, `"));
    }
    if !info.semantics.is_empty() {
        let _ = write!(line, "; semantics `{}`", info.semantics);
    }
    line.push('.');
    if let Some(word) = info.sets {
        let _ = write!(line, " {name} sets the status word `{}`.", word.name());
    }
    if let Some(reach) = info.reach {
        let _ =
            write!(line, " {name} is an effect: a provider of kind {} answers it.", reach.name());
    }
    line.push_str(match info.unread {
        Unread::Fine => "",
        Unread::Warn => " Whether it failed has to be read, or `avm check` warns (AVM0917).",
        Unread::Trap => {
            " Whether it failed has to be read, or `avm check` warns (AVM0917); a failure whose \
             result is dropped is trap T12."
        }
    });
    let _ =
        writeln!(page, "{line} Source: {}; since bytecode version {}.\n", source(info), info.since);
}

/// `§11.7` belongs to the whitepaper, everything else is a requirement number.
fn source(info: &OpInfo) -> String {
    let (sections, numbers): (Vec<&str>, Vec<&str>) =
        info.source.split_whitespace().partition(|word| word.starts_with('§'));
    let mut words: Vec<String> =
        sections.iter().map(|section| format!("whitepaper {section}")).collect();
    words.extend(numbers.iter().map(|number| String::from(*number)));
    words.join(", ")
}

/// Says which measures are known only afterwards.
fn settled(info: &OpInfo) -> Option<String> {
    let known = |name: &str| info.inputs.iter().any(|operand| operand.name == name);
    let mut late: Vec<String> = Vec::new();
    for term in info.gas {
        match term.measure {
            Measure::Units(what) => late.push(what.split(':').next().unwrap_or(what).to_owned()),
            Measure::Size(a) | Measure::Weight(a) | Measure::Count(a) | Measure::Dim(a)
                if !known(a) =>
            {
                late.push(format!("`{a}`"));
            }
            _ => {}
        }
    }
    (!late.is_empty()).then(|| {
        format!(
            "The part that depends on {} is settled when the result is there.",
            late.join(" and ")
        )
    })
}

fn names(name: &str, aliases: &[&str]) -> String {
    let mut names = format!("`{name}`");
    for alias in aliases {
        let _ = write!(names, ", `{alias}`");
    }
    names
}

/// The first case of the instruction's vector file, without its directives.
fn example(info: &OpInfo) -> Option<String> {
    let file = format!("spec/vectors/{}/{}.avm", info.family, info.mnemonic.to_lowercase());
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).ok()?;
    let mut cases = 0;
    let mut program = String::new();
    for line in text.lines() {
        if line.starts_with(";;! case") {
            cases += 1;
        }
        if cases > 1 {
            break;
        }
        if line.trim_start().starts_with(";;!") || program.is_empty() && skipped(line) {
            continue;
        }
        program.push_str(line);
        program.push('\n');
    }
    (!program.trim().is_empty()).then_some(program)
}

/// Blank lines and comments at the head of a vector file.
fn skipped(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with(';')
}
