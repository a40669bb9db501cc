//! Runs contenders side by side. They take turns, so that what disturbs the machine disturbs all.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{
    contender::{Contender, Prepared},
    workload::{Task, Workload},
};

/// How much is run.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Small sizes for all.
    pub quick: bool,
    /// Most runs of one contender on one workload; the first, which warms up, is not counted.
    pub runs: usize,
    /// No further run once a contender spent this on a workload.
    pub budget: Duration,
}

/// What the runs of one contender took.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The fastest.
    pub min: Duration,
    /// The one in the middle.
    pub median: Duration,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort();
        Some(Self { min: *times.first()?, median: times[times.len() / 2] })
    }
}

/// All contenders on one workload.
pub struct Row {
    /// The workload.
    pub workload: &'static Workload,
    /// Ours, at the reported size.
    pub ours: Times,
    /// Our fastest run through each peer's fastest, at the same size; `None` for those that the
    /// workload is not written for.
    pub ratios: Vec<Option<f64>>,
}

/// Measures one workload; the first contender is ours.
pub fn row(workload: &'static Workload, all: &[Box<dyn Contender>], effort: Effort) -> Result<Row> {
    let slow = |contender: &dyn Contender| contender.is_slow() && !effort.quick;
    let (mut full, mut small) = (vec![0], vec![0]);
    for (index, contender) in all.iter().enumerate().skip(1) {
        if slow(&**contender) { small.push(index) } else { full.push(index) }
    }
    let mut times = measure(&Task::new(workload, effort.quick), all, &full, effort)?;
    let ours = times[0].context("ours does not take part")?;
    let ratio = |ours: Times, peer: Times| ours.min.as_secs_f64() / peer.min.as_secs_f64();
    let mut ratios: Vec<Option<f64>> =
        times.iter().skip(1).map(|peer| Some(ratio(ours, (*peer)?))).collect();
    if small.len() > 1 {
        times = measure(&Task::new(workload, true), all, &small, effort)?;
        for &index in &small[1..] {
            ratios[index - 1] = times[0].zip(times[index]).map(|(ours, peer)| ratio(ours, peer));
        }
    }
    Ok(Row { workload, ours, ratios })
}

/// Times by contender; `None` for those that are not chosen or do not take part.
fn measure(
    task: &Task,
    all: &[Box<dyn Contender>],
    chosen: &[usize],
    effort: Effort,
) -> Result<Vec<Option<Times>>> {
    let mut ready: Vec<(usize, Prepared, Vec<Duration>, Duration)> = Vec::new();
    for &index in chosen {
        let prepared = all[index].prepare(task);
        let who = || format!("{} on {}", all[index].name(), task.name);
        if let Some(run) = prepared.with_context(who)? {
            ready.push((index, run, Vec::new(), Duration::ZERO));
        }
    }
    let mut expected = None;
    for round in 0..=effort.runs {
        for (index, run, times, spent) in &mut ready {
            if *spent >= effort.budget && !times.is_empty() {
                continue;
            }
            let who = || format!("{} on {}", all[*index].name(), task.name);
            let sample = run().with_context(who)?;
            if *expected.get_or_insert(sample.check) != sample.check {
                bail!("{}: {} instead of {expected:?}", who(), sample.check);
            }
            *spent += sample.time;
            // The first run counts only where there is time for no other.
            if round > 0 || *spent >= effort.budget {
                times.push(sample.time);
            }
        }
    }
    let mut result = vec![None; all.len()];
    for (index, _, times, _) in ready {
        result[index] = Times::of(times);
    }
    Ok(result)
}
