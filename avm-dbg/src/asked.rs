//! An effect of a run: what was asked and what came back.

use avm_ir::Value;
use avm_vm::{Answer, EffectRequest};

use crate::reply::{datum, int, list, record, show, text};

/// Longest operand of a question that is shown, in characters.
const MAX_OPERAND: usize = 60;
/// Longest value of an answer that is shown, in characters.
const MAX_RESULT: usize = 120;

/// An effect and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Number in the run.
    pub id: u64,
    /// The instruction.
    pub mnemonic: &'static str,
    /// Operands by name.
    pub args: Vec<(&'static str, Value)>,
    /// What came back, or how it failed.
    pub result: Result<Vec<Value>, String>,
}

impl Asked {
    pub(crate) fn of(request: &EffectRequest, answer: &Answer) -> Self {
        let info = request.opcode.info();
        let args = info.inputs.iter().zip(request.args.iter());
        Self {
            id: request.id,
            mnemonic: info.mnemonic,
            args: args.filter_map(|(operand, arg)| Some((operand.name, arg.clone()?))).collect(),
            result: answer.result.clone().map_err(|failure| failure.to_string()),
        }
    }

    /// The question on one line, cut where operands get long.
    pub fn question(&self) -> String {
        let args =
            self.args.iter().map(|(name, value)| format!("{name}={}", show(value, MAX_OPERAND)));
        format!("{}({})", self.mnemonic, args.collect::<Vec<_>>().join(", "))
    }

    /// The answer on one line, cut where values get long.
    pub fn answer(&self) -> String {
        match &self.result {
            Ok(outputs) => {
                let outputs = outputs.iter().map(|value| show(value, MAX_RESULT));
                outputs.collect::<Vec<_>>().join(", ")
            }
            Err(failure) => format!("failed, {failure}"),
        }
    }

    /// All of it: nothing is cut but what is too large for data.
    pub(crate) fn fields(&self) -> [(&'static str, Value); 5] {
        let args = self.args.iter();
        let args =
            args.map(|(name, value)| record([("name", (*name).into()), ("value", datum(value))]));
        [
            ("id", int(self.id)),
            ("instruction", self.mnemonic.into()),
            ("args", list(args)),
            ("outputs", list(self.result.iter().flatten().map(datum))),
            ("failure", text(self.result.as_ref().err().map(String::as_str))),
        ]
    }
}
