//! `avm explain`: what a code, instruction, trap or failure means.

use std::fmt::Write;

use avm_asm::messages;
use avm_ir::{
    Code, OpInfo, Opcode, OutputInfo, Unread,
    gas::cost_text,
    opcode::OPS,
    operand::{DefaultValue, Kind},
};
use avm_vm::{FailureCode, TrapCode};

use crate::{
    cli::Explain,
    exit::{Exit, Failure, Outcome},
    output::Out,
};

/// Explains one thing.
pub(crate) fn run(args: &Explain) -> Outcome {
    let Some(what) = args.what.as_deref().map(str::trim) else {
        Out::new().text(&everything());
        return Ok(Exit::Done);
    };
    let text = code(what)
        .or_else(|| trap(what))
        .or_else(|| failure(what))
        .or_else(|| Opcode::by_mnemonic(what).map(|opcode| instruction(opcode.info())));
    match text {
        Some(text) => {
            Out::new().text(&text);
            Ok(Exit::Done)
        }
        None => {
            let near = avm_asm::spell::nearest(what, names());
            let hint = near.map_or_else(
                || "; `avm explain` lists everything".to_owned(),
                |name| format!("; did you mean {name}?"),
            );
            Err(Failure::usage(format!("nothing is called {what}{hint}")))
        }
    }
}

/// All there is to explain, one a line.
fn everything() -> String {
    let mut text = String::new();
    let mut family = "";
    // Writing to a String cannot fail.
    for op in OPS {
        if op.family != family {
            family = op.family;
            let _ = writeln!(text, "{}# {family}", if text.is_empty() { "" } else { "\n" });
        }
        let _ = writeln!(text, "{:<26}{}", op.mnemonic, op.summary);
    }
    text.push_str("\n# traps\n");
    for trap in TrapCode::ALL {
        let _ = writeln!(text, "T{:02} {:<22}{}", *trap as u16, trap.name(), trap.doc());
    }
    text.push_str("\n# failures\n");
    for failure in FailureCode::ALL {
        let _ = writeln!(text, "{:<26}{}", failure.name(), failure.doc());
    }
    text.push_str("\n# errors and warnings\n");
    for message in messages::MESSAGES {
        let _ = writeln!(text, "{:<26}{}", message.code.to_string(), message.title);
    }
    text
}

/// Everything that has a name.
fn names() -> impl Iterator<Item = &'static str> {
    let instructions =
        OPS.iter().flat_map(|op| std::iter::once(op.mnemonic).chain(op.aliases.iter().copied()));
    let traps = TrapCode::ALL.iter().map(|trap| trap.name());
    let failures = FailureCode::ALL.iter().map(|failure| failure.name());
    instructions.chain(traps).chain(failures)
}

fn code(what: &str) -> Option<String> {
    let digits =
        what.get(..3).filter(|start| start.eq_ignore_ascii_case("AVM")).map(|_| &what[3..])?;
    let message = messages::explain(Code(digits.parse().ok()?))?;
    let kind = match message.severity {
        avm_ir::Severity::Error => "error",
        avm_ir::Severity::Warning => "warning",
    };
    Some(format!(
        "{}, {kind}: {}\n\n{}\n\nwrong:\n\n{}\nright:\n\n{}",
        message.code,
        message.title,
        message.text.replace('\n', " "),
        indented(message.wrong),
        indented(message.right)
    ))
}

fn indented(program: &str) -> String {
    program.lines().map(|line| format!("    {line}\n")).collect()
}

fn trap(what: &str) -> Option<String> {
    let number = what
        .get(..1)
        .filter(|t| t.eq_ignore_ascii_case("T"))
        .and_then(|_| what[1..].parse::<u16>().ok());
    let trap =
        TrapCode::ALL.iter().find(|trap| Some(**trap as u16) == number || trap.name() == what)?;
    let mut text = format!(
        "T{:02}, trap: {}\n\n{}\n\nA trap stops the program at the instruction, for its own fault (exit code 4). Nothing catches it.\n",
        *trap as u16,
        trap.name(),
        trap.doc()
    );
    // The word may mean a failure too, as invalid-argument does.
    if let Some(other) = failure(what) {
        let _ = write!(text, "\n{other}");
    }
    Some(text)
}

fn failure(what: &str) -> Option<String> {
    let failure = FailureCode::ALL.iter().find(|failure| failure.name() == what)?;
    Some(format!(
        "{}, failure of a call to the outside\n\n{}\n\nThe call's outputs are NULL, the status word of its class says so, and the program goes on:\ntest with JUMP_IF_PLUGIN_FAILED (or _TASK_, _REWRITE_) or lastPluginFailed.\n",
        failure.name(),
        failure.doc()
    ))
}

fn instruction(op: &OpInfo) -> String {
    let mut text = format!("{}\n\n{}\n", op.usage(), op.summary);
    // Writing to a String cannot fail, here and below.
    let _ = match op.aliases {
        [] => Ok(()),
        aliases => writeln!(text, "\nalso          {}", aliases.join(", ")),
    };
    if !op.inputs.is_empty() || !op.outputs.is_empty() {
        text.push('\n');
    }
    let arrow = |output: &OutputInfo| format!("-> {}", output.name);
    let names = op.inputs.iter().map(|input| input.name.len());
    let width = names.chain(op.outputs.iter().map(|output| arrow(output).len())).max().unwrap_or(0);
    for input in op.inputs {
        let also = also(input.aliases);
        let default = match input.default {
            DefaultValue::Required => String::new(),
            _ if input.kind == Kind::Args => String::new(),
            DefaultValue::Absent => ", may be left out".to_owned(),
            DefaultValue::Named => ", by name only, may be left out".to_owned(),
            default => format!(", {default} if left out"),
        };
        let _ = writeln!(
            text,
            "  {:<width$}  {}: {}{default}{also}",
            input.name,
            input.kind.name(),
            input.doc
        );
    }
    for output in op.outputs {
        let also = also(output.aliases);
        let _ = writeln!(
            text,
            "  {:<width$}  {}: {}{also}",
            arrow(output),
            output.kind.name(),
            output.doc
        );
    }
    text.push('\n');
    let _ = writeln!(text, "gas           {}", cost_text(op.mnemonic, op.gas));
    if let Some(reach) = op.reach {
        let _ = writeln!(text, "reaches       {}", reach.name());
    }
    if let Some(word) = op.sets {
        let _ = writeln!(text, "status word   {}", word.name());
    }
    let _ = match op.unread {
        Unread::Fine => Ok(()),
        Unread::Warn => writeln!(text, "must be read  its failure, or `avm check` warns"),
        Unread::Trap => {
            writeln!(text, "must be read  its failure; one whose result is dropped is trap T12")
        }
    };
    if !op.semantics.is_empty() {
        let _ = writeln!(text, "semantics     {}", op.semantics);
    }
    let _ = writeln!(
        text,
        "opcode        0x{:02X}, family {}, since version {}",
        op.opcode as u8, op.family, op.since
    );
    text
}

fn also(aliases: &[&str]) -> String {
    if aliases.is_empty() { String::new() } else { format!(" (also {})", aliases.join(", ")) }
}
