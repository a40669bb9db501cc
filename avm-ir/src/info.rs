//! The table as data: one [`OpInfo`] per row, for everybody who asks at run time.

use alloc::{format, string::String};

use crate::{
    effects::{Reach, StatusWord, Unread},
    gas::Term,
    instr::Layout,
    opcode::Opcode,
    operand::{DefaultValue, Kind},
};

/// One row of the instruction table.
#[derive(Debug)]
pub struct OpInfo {
    /// The instruction.
    pub opcode: Opcode,
    /// Canonical mnemonic.
    pub mnemonic: &'static str,
    /// Other mnemonics the assembler accepts.
    pub aliases: &'static [&'static str],
    /// Family: group of the table, file of the handler, folder of the vectors.
    pub family: &'static str,
    /// Name of the handler in the family's file.
    pub handler: &'static str,
    /// What it does, in one line of Markdown.
    pub summary: &'static str,
    /// Operands in positional order.
    pub inputs: &'static [OperandInfo],
    /// Results.
    pub outputs: &'static [OutputInfo],
    /// Where the slots live, and how many there are; a variadic operand counts as one.
    pub shape: (Layout, usize),
    /// Gas on top of the schedule's intrinsic minimum.
    pub gas: &'static [Term],
    /// The status word it sets.
    pub sets: Option<StatusWord>,
    /// The kind of provider it asks.
    pub reach: Option<Reach>,
    /// What it means that nobody reads whether it failed.
    pub unread: Unread,
    /// Semantics in one line.
    pub semantics: &'static str,
    /// Requirement numbers and section of the whitepaper.
    pub source: &'static str,
    /// First version of the bytecode that has it.
    pub since: u16,
}

/// One operand of an instruction.
#[derive(Debug)]
pub struct OperandInfo {
    /// Canonical name.
    pub name: &'static str,
    /// Other names the assembler accepts.
    pub aliases: &'static [&'static str],
    /// What it is.
    pub kind: Kind,
    /// What it is when left out.
    pub default: DefaultValue,
    /// What it means.
    pub doc: &'static str,
}

/// One result of an instruction.
#[derive(Debug)]
pub struct OutputInfo {
    /// Canonical name.
    pub name: &'static str,
    /// Other names the assembler accepts.
    pub aliases: &'static [&'static str],
    /// What it is, unless the instruction failed.
    pub kind: Kind,
    /// Whether bytecode may drop it (register [`crate::instr::NO_REGISTER`]).
    pub optional: bool,
    /// What it means.
    pub doc: &'static str,
}

impl OpInfo {
    /// Whether the last operand stands for any number of operands.
    pub const fn variadic(&self) -> bool {
        match self.inputs.last() {
            Some(last) => matches!(last.kind, Kind::Args),
            None => false,
        }
    }

    /// Position of the input that says whom or what the instruction is about: the first that names
    /// something. `None` where none does.
    pub fn name_input(&self) -> Option<usize> {
        self.inputs.iter().position(|operand| matches!(operand.kind, Kind::Name(_)))
    }

    /// Position of an input by canonical name or alias, in any case.
    pub fn input_named(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|operand| {
            operand.name.eq_ignore_ascii_case(name)
                || operand.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        })
    }

    /// Position of an output by canonical name, alias or `out`, in any case.
    pub fn output_named(&self, name: &str) -> Option<usize> {
        if name.eq_ignore_ascii_case("out") && !self.outputs.is_empty() {
            return Some(0);
        }
        self.outputs.iter().position(|output| {
            output.name.eq_ignore_ascii_case(name)
                || output.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        })
    }

    /// Usage line in the whitepaper's reference notation, such as
    /// `DOC_SEARCH(collection, query_vec, top_k, mmr=false, [lambda=…]) → list`.
    pub fn usage(&self) -> String {
        let mut line = String::from(self.mnemonic);
        line.push('(');
        for (i, operand) in self.inputs.iter().enumerate() {
            if i > 0 {
                line.push_str(", ");
            }
            let name = operand.name;
            line.push_str(&match (operand.kind, operand.default) {
                (Kind::Args, _) => format!("{name}…"),
                (_, DefaultValue::Required) => String::from(name),
                (_, DefaultValue::Absent) => format!("[{name}]"),
                (_, DefaultValue::Named) => format!("[{name}=…]"),
                (_, default) => format!("{name}={default}"),
            });
        }
        line.push(')');
        for (i, output) in self.outputs.iter().enumerate() {
            line.push_str(if i == 0 { " → " } else { ", " });
            line.push_str(output.name);
        }
        line
    }
}

impl core::fmt::Display for DefaultValue {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Required => f.write_str("required"),
            Self::Absent | Self::Named => f.write_str("absent"),
            Self::Null => f.write_str("NULL"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "\"{value}\""),
        }
    }
}
