//! What is run of ours.

use std::{sync::Arc, thread, time::Instant};

use anyhow::{Context, Result, bail};
use avm_bench_ours::machine::image;
use avm_ir::{Value, value::HandleKind};
use avm_vm::{
    Config, End, Image, Machine, World,
    world::{AgentId, Rules},
};

/// Takes a number, gives the next agent one less; the one that gets 0 is done.
const PASSES: &str = r#"
.input next
WHILE TRUE DO
  WAIT_FOR_RESPONSE "*" -> got
  IF got.data <= 0 THEN
    RETURN got.data
  ENDIF
  SEND_SWARM_MSG next, got.data - 1
ENDWHILE
"#;

/// The first of a ring.
const BEGINS: &str = r#"
.input next
.input n
SEND_SWARM_MSG next, n
WHILE TRUE DO
  WAIT_FOR_RESPONSE "*" -> got
  IF got.data <= 0 THEN
    RETURN got.data
  ENDIF
  SEND_SWARM_MSG next, got.data - 1
ENDWHILE
"#;

const PINGS: &str = r#"
.input next
.input n
SET data = 0
FOR i IN n DO
  SEND_SWARM_MSG next, data
  WAIT_FOR_RESPONSE "*" -> got
  SET data = got.data
ENDFOR
RETURN data
"#;

const PONGS: &str = r#"
WHILE TRUE DO
  WAIT_FOR_RESPONSE "*" -> got
  SEND_SWARM_MSG got.from, got.data + 1
ENDWHILE
"#;

const SENDS: &str = r#"
.input next
.input n
FOR i IN n DO
  SEND_SWARM_MSG next, i + 1
ENDFOR
"#;

const GATHERS: &str = r#"
.input n
SET sum = 0
FOR i IN n DO
  WAIT_FOR_RESPONSE "*" -> got
  SET sum = sum + got.data
ENDFOR
RETURN sum
"#;

const IDLE: &str = r#"
WHILE TRUE DO
  WAIT_FOR_RESPONSE "*" -> got
  SEND_SWARM_MSG got.from, got.data
ENDWHILE
"#;

const FORKS: &str = r#"
.uses code "idle"
.input n
FOR i IN n DO
  FORK_AGENT "idle" -> child
ENDFOR
RETURN child
"#;

const COMPUTES: &str = r#"
.input next
.input n
SET x = 1
FOR i IN n DO
  SET x = BIT_AND(BIT_XOR(x * 48271, i), 0x7FFFFFFF)
ENDFOR
SEND_SWARM_MSG next, x
"#;

/// What a run took.
#[derive(Clone, Copy)]
pub struct Cost {
    /// From the first message, or the first start, to the end.
    pub seconds: f64,
    /// Resident memory that was added, where that is what is asked.
    pub bytes: u64,
}

/// Runs one thing once.
///
/// # Errors
/// A name that nobody knows; agents that do something else than they should.
pub fn run(name: &str, sizes: &[usize], threads: usize) -> Result<Cost> {
    match (name, sizes) {
        ("ring", [agents, messages]) => ring(*agents, *messages),
        ("pingpong", [trips]) => pingpong(*trips),
        ("fanin", [senders, each]) => fanin(*senders, *each),
        ("spawn", [count]) => spawn(*count),
        ("idle", [count]) => idle(*count),
        ("fork", [count]) => fork(*count),
        ("busy", [agents, turns]) => busy(*agents, *turns, threads),
        _ => bail!("{name} with {} sizes", sizes.len()),
    }
}

/// Nobody computes for ever here, and who waits for long is to wait.
fn rules() -> Rules {
    Rules { standstill: 0, ..Rules::default() }
}

fn ring(agents: usize, messages: usize) -> Result<Cost> {
    let mut world = World::new(rules());
    let next = |agent: usize| ("next", handle((agent + 1) % agents));
    let n = ("n", Value::Int(messages as i64));
    let first = join(&mut world, &image(BEGINS)?, &[next(0), n])?;
    let passes = image(PASSES)?;
    for agent in 1..agents {
        join(&mut world, &passes, &[next(agent)])?;
    }
    // Which agent gets the last one follows from the sizes.
    let last = AgentId(((messages + 1) % agents) as u32);
    let seconds = timed(&mut world, |world| world.settle(&mut ()))?;
    expect(&world, if last == AgentId(0) { first } else { last }, 0)?;
    Ok(Cost { seconds, bytes: 0 })
}

fn pingpong(trips: usize) -> Result<Cost> {
    let mut world = World::new(rules());
    join(&mut world, &image(PONGS)?, &[])?;
    let inputs = [("next", handle(0)), ("n", Value::Int(trips as i64))];
    let ping = join(&mut world, &image(PINGS)?, &inputs)?;
    let seconds = timed(&mut world, |world| world.settle(&mut ()))?;
    expect(&world, ping, trips as i64)?;
    Ok(Cost { seconds, bytes: 0 })
}

fn fanin(senders: usize, each: usize) -> Result<Cost> {
    let mut world = World::new(rules());
    let n = ("n", Value::Int((senders * each) as i64));
    let gathers = join(&mut world, &image(GATHERS)?, &[n])?;
    let sends = image(SENDS)?;
    for _ in 0..senders {
        let n = ("n", Value::Int(each as i64));
        join(&mut world, &sends, &[("next", handle(0)), n])?;
    }
    let seconds = timed(&mut world, |world| world.settle(&mut ()))?;
    expect(&world, gathers, (senders * (each * (each + 1) / 2)) as i64)?;
    Ok(Cost { seconds, bytes: 0 })
}

fn spawn(count: usize) -> Result<Cost> {
    let mut world = World::new(rules());
    let image = image(IDLE)?;
    let seconds = timed(&mut world, |world| start(world, &image, count))?;
    Ok(Cost { seconds, bytes: 0 })
}

fn idle(count: usize) -> Result<Cost> {
    let mut world = World::new(rules());
    let image = image(IDLE)?;
    let before = resident()?;
    let seconds = timed(&mut world, |world| {
        start(world, &image, count);
        world.settle(&mut ());
    })?;
    let bytes = resident()?.saturating_sub(before);
    if world.living() as usize != count {
        bail!("{} agents instead of {count}", world.living());
    }
    Ok(Cost { seconds, bytes })
}

fn fork(count: usize) -> Result<Cost> {
    let most = u32::try_from(count)? + 1;
    let mut world = World::new(Rules { agents: most, children: most, ..rules() });
    world.know("idle", image(IDLE)?);
    let parent = join(&mut world, &image(FORKS)?, &[("n", Value::Int(count as i64))])?;
    let seconds = timed(&mut world, |world| world.settle(&mut ()))?;
    match world.end(parent) {
        Some(End::Halted(_)) if world.len() == count + 1 => Ok(Cost { seconds, bytes: 0 }),
        end => bail!("{} agents, {end:?}", world.len()),
    }
}

fn busy(agents: usize, turns: usize, threads: usize) -> Result<Cost> {
    let mut world = World::new(rules());
    let n = ("n", Value::Int(agents as i64));
    let gathers = join(&mut world, &image(GATHERS)?, &[n])?;
    let computes = image(COMPUTES)?;
    let n = ("n", Value::Int(turns as i64));
    let seconds = timed(&mut world, |world| {
        for _ in 0..agents {
            // The names are free.
            let _ = join(world, &computes, &[("next", handle(0)), n.clone()]);
        }
        rounds(world, threads);
    })?;
    let computed = (0..turns as i64).fold(1, |x: i64, at| ((x * 48271) ^ at) & 0x7FFF_FFFF);
    expect(&world, gathers, computed * agents as i64)?;
    Ok(Cost { seconds, bytes: 0 })
}

/// Runs rounds on so many threads until no agent can run.
fn rounds(world: &mut World, threads: usize) {
    loop {
        let mut turns = world.turns();
        if turns.is_empty() {
            return;
        }
        if threads > 1 && turns.len() > threads {
            let size = turns.len().div_ceil(threads);
            thread::scope(|scope| {
                for part in turns.chunks_mut(size) {
                    scope.spawn(|| part.iter_mut().for_each(|turn| turn.run(&mut ())));
                }
            });
        }
        world.commit(turns, &mut ());
    }
}

fn timed(world: &mut World, work: impl FnOnce(&mut World)) -> Result<f64> {
    let before = Instant::now();
    work(world);
    Ok(before.elapsed().as_secs_f64())
}

fn start(world: &mut World, image: &Arc<Image>, count: usize) {
    for _ in 0..count {
        // The names are free.
        let _ = join(world, image, &[]);
    }
}

fn join(world: &mut World, image: &Arc<Image>, inputs: &[(&str, Value)]) -> Result<AgentId> {
    let number = world.len();
    let inputs = inputs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let config = Config { gas: u64::MAX / 2, inputs, ..Config::default() };
    let machine = Machine::new(image.clone(), config)?;
    let mut identity = [0; 32];
    identity[..8].copy_from_slice(&number.to_le_bytes());
    Ok(world.join(&format!("a{number}"), identity, machine)?)
}

fn handle(agent: usize) -> Value {
    Value::Handle(HandleKind::Agent, agent as u64)
}

fn expect(world: &World, agent: AgentId, number: i64) -> Result<()> {
    match world.end(agent) {
        Some(End::Halted(Value::Int(found))) if *found == number => Ok(()),
        end => bail!("{end:?} instead of {number}"),
    }
}

/// Resident memory of this process, in bytes.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.context("no VmRSS")?.trim().trim_end_matches(" kB").parse::<u64>()?;
    Ok(kilobytes * 1024)
}
