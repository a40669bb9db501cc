//! A swarm with many seeds: each is another interleaving, and some show what the others hide.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use avm_vm::world::{Rules, journal::Time};

use super::{
    drive::{Drive, Left},
    findings::{self, Waits},
    interrupt::Interrupt,
    plan::Plan,
    tape::Tape,
};
use crate::exit::{Failure, Outcome};

/// Which seeds, and how.
pub(crate) struct Options {
    pub(crate) from: u64,
    pub(crate) seeds: u64,
    /// Most instructions of an agent in a round.
    pub(crate) slice: u64,
    /// Worlds side by side.
    pub(crate) threads: usize,
    /// Most ticks of a world.
    pub(crate) ticks: u64,
}

/// Something that is wrong, of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) what: String,
    /// The smallest seed that shows it.
    pub(crate) seed: u64,
    /// How many seeds do.
    pub(crate) count: u64,
}

/// What came of all seeds.
#[derive(Debug, Default)]
pub(crate) struct Explored {
    pub(crate) findings: Vec<Finding>,
    /// How many seeds were run.
    pub(crate) seeds: u64,
}

/// What one seed showed.
struct Shown {
    found: BTreeSet<String>,
    results: BTreeMap<String, String>,
}

/// Runs a swarm with every seed.
pub(crate) fn explore(plan: &Plan, options: &Options, interrupt: &Interrupt) -> Outcome<Explored> {
    let next = AtomicU64::new(0);
    let all: Mutex<BTreeMap<u64, Outcome<Shown>>> = Mutex::new(BTreeMap::new());
    let threads = options.threads.min(usize::try_from(options.seeds).unwrap_or(usize::MAX)).max(1);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= options.seeds || interrupt.came() {
                        return;
                    }
                    let seed = options.from.wrapping_add(number);
                    let shown = one(plan, options, seed, interrupt);
                    let failed = shown.is_err();
                    if let Ok(mut all) = all.lock() {
                        all.insert(number, shown);
                    }
                    if failed {
                        next.store(options.seeds, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let all = all.into_inner().map_err(|_| Failure::files("a thread broke down"))?;
    gather(plan, all, options.from)
}

/// Puts together what seeds showed, by the first seed that does.
fn gather(plan: &Plan, all: BTreeMap<u64, Outcome<Shown>>, from: u64) -> Outcome<Explored> {
    let mut explored = Explored::default();
    let mut findings: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    // Results that differ, by agent: how it was told first.
    let mut differ: BTreeMap<String, String> = BTreeMap::new();
    for (number, shown) in all {
        let seed = from.wrapping_add(number);
        let Shown { mut found, results } = shown?;
        explored.seeds += 1;
        for (agent, result) in results {
            match first.get(&agent) {
                None => drop(first.insert(agent, result)),
                Some(before) if *before == result => {}
                Some(before) => {
                    let group = plan.group(&agent);
                    let what = differ.entry(group.to_owned()).or_insert_with(|| {
                        format!(
                            "result: that of \"{group}\" differs from seed to seed: {before} with \
                             seed {from}, {result} with seed {seed}"
                        )
                    });
                    found.insert(what.clone());
                }
            }
        }
        for what in found {
            findings.entry(what).or_insert((seed, 0)).1 += 1;
        }
    }
    let findings = findings.into_iter();
    explored.findings =
        findings.map(|(what, (seed, count))| Finding { what, seed, count }).collect();
    // Of one kind and seed to the next.
    explored.findings.sort_by(|a, b| (a.seed, &a.what).cmp(&(b.seed, &b.what)));
    Ok(explored)
}

/// The rules of one of the worlds.
fn rules(plan: &Plan, seed: u64, slice: u64) -> Rules {
    Rules { seed, slice, jitter: true, ..plan.rules.clone() }
}

fn one(plan: &Plan, options: &Options, seed: u64, interrupt: &Interrupt) -> Outcome<Shown> {
    let rules = rules(plan, seed, options.slice);
    let mut tape = Tape::none();
    let mut waits = Waits::default();
    let mut world = plan.world(&rules, &mut tape, &mut waits)?;
    // Providers with a memory begin anew.
    let mut asks = plan.asks()?;
    let drive = Drive {
        asks: &mut asks,
        tape: &mut tape,
        snapshots: None,
        time: Time::Simulated,
        threads: 1,
        interrupt,
        most: options.ticks,
    };
    let left = drive.run(&mut world, &mut waits)?;
    if left == Left::Interrupted {
        let (found, results) = (BTreeSet::new(), BTreeMap::new());
        return Ok(Shown { found, results });
    }
    let found = findings::of(&world, left, &waits, plan);
    Ok(Shown { found, results: findings::results(&world, plan) })
}
