//! A million timers of a world, and a month of virtual time.
//!
//! `cargo run --release --example timers -- 1000000`

#![allow(clippy::print_stdout, reason = "a report on a terminal")]
#![allow(clippy::disallowed_methods, reason = "it measures, and is no part of a run")]

use std::{sync::Arc, time::Instant};

use avm_ir::{Schedule, Value};
use avm_vm::{
    Config, End, Image, Machine, World,
    world::{AgentId, Rules, SECOND},
};

/// Tasks of an agent.
const TASKS: usize = 64;

fn main() {
    let count: usize =
        std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    tasks(count / TASKS);
    // An agent that waits takes four kilobytes.
    waits(count / 10);
    month();
}

/// Agents with as many tasks as they may have, each of which is called once, at its own time.
fn tasks(agents: usize) {
    use std::fmt::Write;
    let mut source = String::from(".input at = 0\nKV_STORE \"n\", 0\n");
    for task in 0..TASKS {
        let _ = writeln!(source, "SCHEDULE_TASK \"t{task}\", 1000 + at + {task} * 37");
    }
    source.push_str("WAIT 10000\nRETURN KV_FETCH(\"n\")\n");
    for task in 0..TASKS {
        let _ = writeln!(
            source,
            ".func t{task}()\n  CANCEL_TASK \"t{task}\"\n  KV_FETCH \"n\" -> n\n  KV_STORE \"n\", n + 1\n.endfunc"
        );
    }
    let image = image(&source);
    let mut world = World::new(Rules { slice: u64::MAX, ..Rules::default() });
    for number in 0..agents {
        let at = Value::float(number as f64 / agents as f64 * 3_600.0);
        join(&mut world, number, &image, vec![("at".to_owned(), at)]);
    }
    let before = resident();
    let start = Instant::now();
    world.settle(&mut ());
    let count = agents * TASKS;
    each("scheduled", count, start);
    let bytes = resident().saturating_sub(before) / count as u64;
    println!("{:>24} {bytes:>8} bytes each, agents as they wait included", "");
    let start = Instant::now();
    world.run(&mut ());
    each("called", count, start);
    let once = Some(&End::Halted(Value::Int(TASKS as i64)));
    assert!((0..agents as u32).all(|agent| world.end(AgentId(agent)) == once), "each once");
}

/// Agents that wait once.
fn waits(agents: usize) {
    let image = image(".input at = 0\nWAIT at\nRETURN 1");
    let mut world = World::new(Rules::default());
    let start = Instant::now();
    for number in 0..agents {
        // Spread, and in no order.
        let at = Value::float((number * 7_919 % agents) as f64 / 1_000.0);
        join(&mut world, number, &image, vec![("at".to_owned(), at)]);
    }
    each("joined", agents, start);
    let start = Instant::now();
    world.settle(&mut ());
    each("waiting", agents, start);
    let start = Instant::now();
    world.run(&mut ());
    each("woken", agents, start);
    let ended = Some(&End::Halted(Value::Int(1)));
    assert!((0..agents as u32).all(|agent| world.end(AgentId(agent)) == ended), "each once");
}

/// A task a minute in each of a hundred agents, for thirty days.
fn month() {
    const DAYS: u64 = 30;
    let source = format!(
        "KV_STORE \"n\", 0\nSCHEDULE_TASK \"count\", 60\nWAIT {}\nRETURN KV_FETCH(\"n\")\n\
         .func count()\n  KV_FETCH \"n\" -> n\n  KV_STORE \"n\", n + 1\n.endfunc",
        DAYS * 86_400
    );
    let image = image(&source);
    let mut world = World::new(Rules::default());
    for number in 0..100 {
        join(&mut world, number, &image, Vec::new());
    }
    let start = Instant::now();
    world.run(&mut ());
    assert_eq!(world.now(), DAYS * 86_400 * SECOND);
    assert_eq!(world.end(AgentId(99)), Some(&End::Halted(Value::Int(DAYS as i64 * 1_440))));
    each("of a month, called", 100 * DAYS as usize * 1_440, start);
}

fn image(source: &str) -> Arc<Image> {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", source, &mut avm_asm::NoSources, &options);
    let program = assembly.program.expect("it assembles");
    Arc::new(Image::new(avm_ir::verify(program).expect("it verifies"), &Schedule::v1()))
}

fn join(world: &mut World, number: usize, image: &Arc<Image>, inputs: Vec<(String, Value)>) {
    let config = Config { gas: u64::MAX / 2, inputs, ..Config::default() };
    let machine = Machine::new(image.clone(), config).expect("it starts");
    let name = number.to_string();
    let identity = *blake3::hash(name.as_bytes()).as_bytes();
    world.join(&name, identity, machine).expect("the name is free");
}

fn each(what: &str, count: usize, start: Instant) {
    let time = start.elapsed();
    let nanoseconds = time.as_nanos() / count.max(1) as u128;
    println!("{what:>24} {count:>8} in {:.2} s, {nanoseconds} ns each", time.as_secs_f64());
}

/// Bytes of memory in use, where the system says so.
fn resident() -> u64 {
    let said = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    said.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
