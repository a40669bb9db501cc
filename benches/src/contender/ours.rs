//! Aither, as `avm run` runs it: gas and memory limited, in slices.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use avm_asm::{NoSources, Options, assemble};
use avm_ir::{Schedule, Value, value::Record};
use avm_vm::{Answer, Config, EffectRequest, End, Image, Limits, Machine, Pause};

use super::{Contender, Prepared, timed};
use crate::workload::Task;

/// Instructions between two looks at the outside, as in `avm run`.
const SLICE: u64 = 1 << 18;
/// More than any workload needs, in nanogas.
const GAS: u64 = u64::MAX / 2;
/// More than any workload needs, in bytes.
const MEMORY: u64 = 8 << 30;

/// This machine.
pub struct Ours;

impl Contender for Ours {
    fn name(&self) -> &'static str {
        "Aither"
    }

    fn is_metered(&self) -> bool {
        true
    }

    fn prepare(&self, task: &Task) -> Result<Option<Prepared>> {
        let Some(source) = task.source("avm")? else { return Ok(None) };
        let (image, task) = (image(&source)?, task.clone());
        Ok(Some(Box::new(move || {
            let mut machine = machine(&image, &task)?;
            timed(|| {
                let check = drive(&mut machine)?;
                // Peers free what they made as well.
                drop(machine);
                Ok(check)
            })
        })))
    }
}

/// A program ready to run.
pub fn image(source: &str) -> Result<Arc<Image>> {
    let options = Options { lints: false, ..Options::default() };
    let assembly = assemble("workload.avm", source, &mut NoSources, &options);
    let program = assembly.program.with_context(|| format!("{:?}", assembly.diagnostics))?;
    let verified = avm_ir::verify(program).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    Ok(Arc::new(Image::new(verified, &Schedule::v1())))
}

/// An agent before its first instruction, with those inputs that the program has.
pub fn machine(image: &Arc<Image>, task: &Task) -> Result<Machine> {
    let inputs = [("n", Value::Int(task.size)), ("text", Value::text(&task.text))];
    let known = |name: &str| {
        image
            .program()
            .inputs
            .iter()
            .any(|input| image.program().registers[usize::from(input.register)] == name)
    };
    let config = Config {
        gas: GAS,
        limits: Limits { memory: MEMORY, ..Limits::default() },
        inputs: inputs
            .into_iter()
            .filter(|(name, _)| known(name))
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        ..Config::default()
    };
    Machine::new(image.clone(), config).map_err(|error| anyhow::anyhow!("{error}"))
}

/// Runs a machine to its end. Never inlined: callgrind counts in here.
#[inline(never)]
pub fn drive(machine: &mut Machine) -> Result<i64> {
    loop {
        match machine.run(SLICE, &mut ()) {
            Pause::Slice => {}
            Pause::Effect(request) => {
                let _ = machine.answer(request.id, lookup(&request), &mut ());
            }
            Pause::End(End::Halted(Value::Int(check))) => return Ok(check),
            Pause::End(end) => bail!("ended with {end:?}"),
        }
    }
}

/// What the host answers in the workload `agent`.
fn lookup(request: &EffectRequest) -> Answer {
    let id = match request.arg("args") {
        Some(Value::Record(args)) => args.get("id"),
        _ => None,
    };
    let &Value::Int(id) = id.unwrap_or(&Value::Null) else {
        return Answer::output(Value::Null, 0);
    };
    let item = [
        ("name", Value::text(&format!("item {id}"))),
        ("price", Value::Int(id * 7 % 97)),
        ("stock", Value::Int(id % 5)),
    ];
    Answer::output(Value::Record(Record::from_iter(item)), 1)
}
