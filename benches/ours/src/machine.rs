//! Our machine, driven as `avm run` drives it: gas and memory limited, in slices.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use avm_asm::{NoSources, Options, assemble};
use avm_ir::{Schedule, Value, value::Record};
use avm_vm::{Answer, Config, EffectRequest, End, Image, Limits, Machine, Observer, Pause};

use crate::workload::Task;

/// Instructions between two looks at the outside, as in `avm run`.
pub const SLICE: u64 = 1 << 18;
/// More than any workload needs, in nanogas.
const GAS: u64 = u64::MAX / 2;
/// More than any workload needs, in bytes.
const MEMORY: u64 = 8 << 30;

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
    limited(image, task, MEMORY)
}

/// The same with another limit of memory, in bytes.
pub fn limited(image: &Arc<Image>, task: &Task, memory: u64) -> Result<Machine> {
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
        limits: Limits { memory, ..Limits::default() },
        inputs: inputs
            .into_iter()
            .filter(|(name, _)| known(name))
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        ..Config::default()
    };
    Machine::new(image.clone(), config).map_err(|error| anyhow::anyhow!("{error}"))
}

/// Runs a machine to its end, with nobody looking at each step, and gives the number it halts with.
pub fn drive(machine: &mut Machine) -> Result<i64> {
    watched(machine, SLICE, &mut ())
}

/// Runs a machine to its end in such slices, watched. Never inlined: callgrind counts in here.
#[inline(never)]
pub fn watched<O: Observer>(machine: &mut Machine, slice: u64, observer: &mut O) -> Result<i64> {
    loop {
        match machine.run(slice, observer) {
            Pause::Slice => {}
            Pause::Effect(request) => {
                let _ = machine.answer(request.id, lookup(&request), observer);
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
