//! revm's interpreter, with gas, and the small assembler that its workloads need.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use revm_bytecode::{Bytecode, opcode::OpCode};
use revm_interpreter::{
    InputsImpl, Interpreter, InterpreterAction, SharedMemory, gas_table,
    host::DummyHost,
    instruction_table,
    interpreter::{EthInterpreter, ExtBytecode},
    primitives::{Bytes, hardfork::SpecId},
};

use super::{Contender, Prepared, timed};
use crate::workload::Task;

/// revm.
pub struct Evm;

impl Contender for Evm {
    fn name(&self) -> &'static str {
        "revm"
    }

    fn is_metered(&self) -> bool {
        true
    }

    fn prepare(&self, task: &Task) -> Result<Option<Prepared>> {
        let Some(source) = task.source("evm")? else { return Ok(None) };
        let code = Bytecode::new_legacy(assemble(&source, task.size)?.into());
        let table = instruction_table::<EthInterpreter, DummyHost>();
        let costs = gas_table();
        let mut host = DummyHost::new(SpecId::OSAKA);
        Ok(Some(Box::new(move || {
            let mut interpreter = Interpreter::<EthInterpreter>::new(
                SharedMemory::new(),
                ExtBytecode::new(code.clone()),
                InputsImpl::default(),
                false,
                SpecId::OSAKA,
                u64::MAX / 2,
            );
            timed(|| number(interpreter.run_plain(&table, &costs, &mut host)))
        })))
    }
}

/// The number that a run returned.
fn number(action: InterpreterAction) -> Result<i64> {
    let InterpreterAction::Return(result) = action else { bail!("it calls somebody") };
    let output: &Bytes = &result.output;
    let low = output.last_chunk::<8>().with_context(|| format!("ended with {result:?}"))?;
    Ok(i64::from_be_bytes(*low))
}

/// Assembles words: mnemonics, `:label` and `push` of a number, of a label or of `n`; `;` starts a
/// comment.
fn assemble(source: &str, n: i64) -> Result<Vec<u8>> {
    let words =
        source.lines().flat_map(|line| line.split(';').next().unwrap_or("").split_whitespace());
    let (mut code, mut labels, mut uses) = (Vec::new(), BTreeMap::new(), Vec::new());
    let mut pushes = false;
    for word in words {
        match (word.strip_prefix(':'), std::mem::take(&mut pushes)) {
            (Some(label), true) => {
                code.push(OpCode::PUSH2.get());
                uses.push((code.len(), label));
                code.extend([0, 0]);
            }
            (Some(label), false) => {
                labels.insert(label, code.len());
                code.push(OpCode::JUMPDEST.get());
            }
            (None, true) => {
                let number = match (word, word.strip_prefix("0x")) {
                    ("n", _) => n,
                    (_, Some(digits)) => i64::from_str_radix(digits, 16)?,
                    _ => word.parse()?,
                };
                push(&mut code, u64::try_from(number)?);
            }
            (None, false) if word == "push" => pushes = true,
            (None, false) => {
                let op = OpCode::parse(&word.to_uppercase());
                code.push(op.with_context(|| format!("no instruction {word}"))?.get());
            }
        }
    }
    for (at, label) in uses {
        let target = labels.get(label).with_context(|| format!("no label {label}"))?;
        code[at..at + 2].copy_from_slice(&u16::try_from(*target)?.to_be_bytes());
    }
    Ok(code)
}

/// The shortest push of a number.
fn push(code: &mut Vec<u8>, number: u64) {
    let bytes = number.to_be_bytes();
    let from = bytes.iter().position(|byte| *byte != 0).unwrap_or(7);
    code.push(OpCode::PUSH1.get() + (7 - from) as u8);
    code.extend(&bytes[from..]);
}
