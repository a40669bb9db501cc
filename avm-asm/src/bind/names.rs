//! What the formatter asks of the instruction table.

use std::borrow::Cow;

use crate::{bind::opcode, fmt::Names};

/// Operand names in the spelling of the instruction table.
#[derive(Clone, Copy, Debug, Default)]
pub struct TableNames;

impl Names for TableNames {
    fn operand<'a>(&self, mnemonic: &str, name: &'a str) -> Cow<'a, str> {
        let Some(op) = opcode(mnemonic) else { return Cow::Borrowed(name) };
        let info = op.info();
        match (info.input_named(name), info.output_named(name)) {
            (Some(position), _) => Cow::Borrowed(info.inputs[position].name),
            (None, Some(position)) => Cow::Borrowed(info.outputs[position].name),
            (None, None) => Cow::Borrowed(name),
        }
    }

    fn is_output(&self, mnemonic: &str, name: &str) -> bool {
        let Some(info) = opcode(mnemonic).map(avm_ir::Opcode::info) else {
            return name.eq_ignore_ascii_case("out");
        };
        // Behind the arrow stands the first result; a second one keeps its name.
        info.input_named(name).is_none() && info.output_named(name) == Some(0)
    }
}
