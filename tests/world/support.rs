//! Worlds in tests: agents from text, run to the end on any number of threads.

use std::{sync::Arc, thread};

use avm_ir::{Schedule, Value, value::to_json};
use avm_vm::{
    Answer, Config, End, Image, Machine, World,
    world::{AgentId, Idle, Keep},
};

pub(crate) fn image(source: &str) -> Arc<Image> {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", source, &mut avm_asm::NoSources, &options);
    let program =
        assembly.program.unwrap_or_else(|| panic!("{source}\n{:?}", assembly.diagnostics));
    Arc::new(Image::new(avm_ir::verify(program).expect("it verifies"), &Schedule::v1()))
}

pub(crate) fn agent(image: &Arc<Image>, inputs: &[(&str, Value)]) -> Machine {
    let inputs = inputs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Machine::new(image.clone(), Config { gas: u64::MAX / 2, inputs, ..Config::default() })
        .expect("it starts")
}

pub(crate) fn identity(name: &str) -> [u8; 32] {
    *blake3::hash(name.as_bytes()).as_bytes()
}

pub(crate) fn join(world: &mut World, name: &str, source: &str) -> AgentId {
    world.join(name, identity(name), agent(&image(source), &[])).expect("the name is free")
}

/// Sees every answer pass, so that the world makes each of them in the general way. It must come to the
/// same where the world takes the short one.
struct Watches;

impl Keep for Watches {
    fn answer(&mut self, agent: AgentId, machine: &mut Machine, answer: Answer) {
        ().answer(agent, machine, answer);
    }
}

/// Runs to the end, without threads and watched if there are 0; models answer with the average of what they are asked.
pub(crate) fn run(world: &mut World, threads: usize) {
    loop {
        match world.idle() {
            Idle::Not if threads == 0 => world.round(&mut Watches),
            Idle::Not => {
                let mut turns = world.turns();
                let size = turns.len().div_ceil(threads).max(1);
                thread::scope(|scope| {
                    for part in turns.chunks_mut(size) {
                        scope.spawn(|| part.iter_mut().for_each(|turn| turn.run(&mut ())));
                    }
                });
                world.commit(turns, &mut ());
            }
            Idle::Asks => {
                let asks: Vec<(AgentId, Answer)> =
                    world.asks().map(|(agent, request)| (agent, model(&request.args))).collect();
                for (agent, answer) in asks {
                    assert!(world.answer(agent, answer, &mut ()));
                }
            }
            Idle::Until(time) => world.pass(time, &mut ()),
            Idle::Over => return,
        }
    }
}

pub(crate) fn model(args: &[Option<Value>]) -> Answer {
    let Some(Some(Value::List(list))) = args.get(1) else { panic!("{args:?}") };
    let numbers: Vec<f64> = { list.iter() }
        .map(|value| match value {
            Value::Float(number) => *number,
            Value::Int(number) => *number as f64,
            other => panic!("{other:?}"),
        })
        .collect();
    Answer::output(Value::Float(numbers.iter().sum::<f64>() / numbers.len() as f64), 0)
}

pub(crate) fn result(world: &World, name: &str) -> String {
    let agent = world.agent(name).expect("it joined");
    match world.end(agent) {
        Some(End::Halted(value)) => to_json(value),
        other => format!("{other:?}"),
    }
}
