//! What it costs that agents sign what they send: the same world with keys and without.
//!
//! `cargo run --release --example seals -- 200000`

#![allow(clippy::print_stdout, reason = "a report on a terminal")]
#![allow(clippy::disallowed_methods, reason = "it measures, and is no part of a run")]

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use avm_ir::{Schedule, Value, program::public_key};
use avm_vm::{
    Config, Image, World,
    identity::{
        Registry,
        outbox::{read_seals, write_seals},
    },
    world::{AgentId, Event, Idle, Joined, Keep, Rules, Witness},
};

/// Measurements of each, of which the middle one counts.
const TIMES: usize = 7;
/// Everybody can know it.
const SECRET: [u8; 32] = [7; 32];

const PINGS: &str = "\
.input n = 0
.input data = 0
FOR i IN n DO
  SEND_SWARM_MSG \"pong\", data
  WAIT_FOR_RESPONSE \"*\" -> got
ENDFOR
RETURN 0
";
const PONGS: &str = "\
loop:
WAIT_FOR_RESPONSE \"*\" -> got
SEND_SWARM_MSG got.from, got.data
JUMP loop
";
const SAYS: &str = "\
.input n = 0
SWARM_CONNECT \"c\"
WAIT 1
FOR i IN n DO
  SWARM_BROADCAST \"said\", i
  WAIT 1
ENDFOR
RETURN 0
";
const HEARS: &str = "SWARM_CONNECT \"c\"\nloop:\nWAIT_FOR_RESPONSE \"*\" -> got\nJUMP loop\n";

fn main() {
    let count: i64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(200_000);
    println!("{:<28} {:>10} {:>10} {:>8}", "messages a second", "without", "with keys", "cost");
    let list = Value::list((0..100).map(Value::Int).collect());
    for (what, data, share) in [
        ("an int", Value::Int(1), 1),
        ("100 ints", list, 4),
        ("10 kB of text", Value::text(&"0123456789".repeat(1000)), 10),
    ] {
        let n = count / share / 2;
        compare(what, 2 * n, |signs| {
            let inputs = vec![("n".to_owned(), Value::Int(n)), ("data".to_owned(), data.clone())];
            world(
                signs,
                vec![("ping".to_owned(), PINGS, inputs), ("pong".to_owned(), PONGS, Vec::new())],
            )
        });
    }
    let n = count / 1000;
    compare("one to 1000 others", 1000 * n, |signs| {
        let says = ("says".to_owned(), SAYS, vec![("n".to_owned(), Value::Int(n))]);
        let hears = (0..1000).map(|number| (format!("h{number}"), HEARS, Vec::new()));
        world(signs, [says].into_iter().chain(hears).collect())
    });
    seal(count / 2);
    idle();
}

type Agents = Vec<(String, &'static str, Vec<(String, Value)>)>;

/// Agents that are copies of one, with a key that signs or does not.
fn world(signs: bool, agents: Agents) -> World {
    watched(signs, agents, &mut ())
}

fn watched(signs: bool, agents: Agents, keep: &mut impl Keep) -> World {
    let mut world = World::new(Rules { standstill: 0, ..Rules::default() });
    let mut images: BTreeMap<&str, Arc<Image>> = BTreeMap::new();
    for (number, (name, source, inputs)) in (0..).zip(agents) {
        let image = images.entry(source).or_insert_with(|| image(source)).clone();
        let program = image.program_hash();
        world.learn(image);
        let config = Config { gas: u64::MAX / 2, inputs, ..Config::default() };
        let (key, copy) = (public_key(&SECRET), Some(number));
        let joined = Joined { name, key, copy, signs, program, config };
        world.apply(&Event::Joined(Box::new(joined)), keep).expect("it fits");
    }
    world
}

/// Runs until the first agent is done.
fn run(world: &mut World, keep: &mut impl Keep) {
    while world.end(AgentId(0)).is_none() {
        world.settle(keep);
        if let Idle::Until(time) = world.idle() {
            world.pass(time, keep);
        }
    }
}

/// Worlds with and without, in turns, so that both have the same weather.
fn compare(what: &str, messages: i64, world: impl Fn(bool) -> World) {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..TIMES {
        for (signs, times) in [false, true].into_iter().zip(&mut times) {
            let mut world = world(signs);
            let start = Instant::now();
            run(&mut world, &mut ());
            times.push(start.elapsed().as_secs_f64());
        }
    }
    let [without, with] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[TIMES / 2]
    });
    let (rate, cost) = (|time: f64| messages as f64 / time, (with / without - 1.0) * 100.0);
    let each = (with - without) / messages as f64 * 1e9;
    let (without, with) = (rate(without), rate(with));
    println!("{what:<28} {without:>10.0} {with:>10.0} {cost:>7.1} % {each:>7.0} ns each");
}

/// What it takes to seal, and to read and check seals.
fn seal(messages: i64) {
    let inputs = vec![("n".to_owned(), Value::Int(messages / 2))];
    let mut witness = Witness::default();
    let agents = vec![("ping".to_owned(), PINGS, inputs), ("pong".to_owned(), PONGS, Vec::new())];
    let mut world = watched(true, agents, &mut witness);
    run(&mut world, &mut witness);
    let start = Instant::now();
    let seals = witness.seal([0; 32], &world, &public_key(&SECRET), &SECRET);
    let sealed = start.elapsed();
    let bytes = write_seals(&[0; 32], &seals);
    let start = Instant::now();
    let (_, read) = read_seals(&bytes).expect("it was just written");
    assert!(read.iter().all(|seal| seal.check(&Registry::new([0; 32])).is_ok()));
    println!(
        "{} seals of {messages} messages: {:.2} ms, {} bytes, checked in {:.2} ms",
        seals.len(),
        sealed.as_secs_f64() * 1e3,
        bytes.len(),
        start.elapsed().as_secs_f64() * 1e3
    );
}

/// What an agent with a key takes that says nothing.
fn idle() {
    const AGENTS: usize = 100_000;
    // None is dropped, so that the next one does not get its memory; the first gets what was free before.
    let mut worlds = Vec::new();
    for signs in [false, true, false, true] {
        let before = resident();
        let agents =
            (0..AGENTS).map(|number| (number.to_string(), "WAIT 1\nRETURN 0\n", Vec::new()));
        let mut world = world(signs, agents.collect());
        world.settle(&mut ());
        let each = resident().saturating_sub(before) / AGENTS as u64;
        let what = if signs { "with a key" } else { "without" };
        println!("an agent that waits, {what}: {each} bytes");
        worlds.push(world);
    }
}

fn image(source: &str) -> Arc<Image> {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", source, &mut avm_asm::NoSources, &options);
    let program = assembly.program.expect("it assembles");
    Arc::new(Image::new(avm_ir::verify(program).expect("it verifies"), &Schedule::v1()))
}

/// Bytes of memory in use, where the system says so.
fn resident() -> u64 {
    let said = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    said.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
