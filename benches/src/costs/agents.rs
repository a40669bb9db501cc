//! Agents: an idle one, a fork, a call, an effect.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail};
use avm_bench_heap::{IDLE, TEN_MEGABYTES};
use avm_ir::{Value, program::Patch};
use avm_vm::{Answer, Image, Machine, Pause};

use super::{Cost, clocked, cost, each, shortest};
use crate::{contender::ours, workload::Task};

/// A loop of calls, and the same without.
const CALLS: &str = ".input n
.func same(x)
  RETURN x
.endfunc
FOR i IN n DO
  SET x = same(i)
ENDFOR
RETURN 0
";
const NO_CALLS: &str = ".input n
FOR i IN n DO
  SET x = i
ENDFOR
RETURN 0
";

const EFFECTS: &str = r#".input n
FOR i IN n DO
  READ_FROM_TOOL "lookup", {id: i} -> item
ENDFOR
RETURN 0
"#;

/// Measures all of it.
pub fn measure(costs: &mut Vec<Cost>) -> Result<()> {
    idle(costs)?;
    forks(costs)?;
    rewrites(costs)?;
    calls(costs)?;
    effects(costs)
}

fn agent(image: &Arc<Image>, n: usize) -> Result<Machine> {
    ours::machine(image, &Task { name: "costs", size: n as i64, text: "".into() })
}

/// An agent that stands at its first question.
fn waiting(image: &Arc<Image>, n: usize) -> Result<Machine> {
    let mut machine = agent(image, n)?;
    match machine.run(u64::MAX, &mut ()) {
        Pause::Effect(_) => Ok(machine),
        pause => bail!("{pause:?} instead of a question"),
    }
}

fn idle(costs: &mut Vec<Cost>) -> Result<()> {
    const COUNT: usize = 50_000;
    let image = ours::image(IDLE)?;
    let make = || (0..COUNT).map(|_| agent(&image, 0)).collect::<Result<Vec<Machine>>>();
    let mut end = Duration::MAX;
    let create = shortest(|| {
        let (agents, time) = clocked(make);
        end = end.min(clocked(|| drop(agents)).1);
        Ok(time)
    })?;
    costs.push(cost("creating an agent", each(COUNT, create), "`Machine::new`, 50,000 kept"));
    costs.push(cost("dropping it", each(COUNT, end), "the same"));
    Ok(())
}

fn forks(costs: &mut Vec<Cost>) -> Result<()> {
    const COUNT: usize = 2_000;
    const WRITERS: usize = 100;
    let machine = waiting(&ours::image(TEN_MEGABYTES)?, 0)?;
    let fork = || (0..COUNT).map(|_| machine.clone()).collect::<Vec<_>>();
    let took = each(COUNT, shortest(|| Ok(clocked(fork).1))?);
    costs.push(cost("forking an agent with 10 MB", took, "`Machine::clone`, 2,000 kept"));

    let write = || -> Result<Duration> {
        let mut forks: Vec<Machine> = (0..WRITERS).map(|_| machine.clone()).collect();
        let (done, time) = clocked(|| forks.iter_mut().try_for_each(answer_and_end));
        done?;
        Ok(time)
    };
    let took = each(WRITERS, shortest(write)?);
    costs.push(cost("first write of a fork", took, "an item of a shared list of 10,000 texts"));
    let took = each(1, shortest(|| Ok(clocked(|| machine.state_hash()).1))?);
    costs.push(cost("state hash of 10 MB", took, "`Machine::state_hash`"));
    let took = each(1, shortest(|| Ok(clocked(|| machine.snapshot()).1))?);
    costs.push(cost("snapshot of 10 MB", took, "`Machine::snapshot`"));
    Ok(())
}

/// An agent with ten megabytes that tries another code of a region, and one that takes it.
fn rewriting(tests: usize, ask: &str) -> String {
    let tests: String = (0..tests)
        .map(|n| format!(".test \"{n}\" region=RULE\nexpect rule({n}) == {n}\n.endtest\n"))
        .collect();
    format!(
        ".input n\nSET texts = []\nFOR i IN 10000 DO\n  PUSH texts, REPEAT(\"x\", 1000)\nENDFOR\n\
         SELF_OBSERVER_MODE true\n{ask}\nRETURN 0\n\
         .region RULE detached perms=read,modify,execute\n.func rule(n)\n  RETURN n\n.endfunc\n.endregion\n{tests}"
    )
}

fn rewrites(costs: &mut Vec<Cost>) -> Result<()> {
    for (tests, ask, what, how) in [
        (
            5,
            "SELF_MODIFY_SANDBOX \"RULE\", \"\"",
            "trying a patch with five tests",
            "10 MB of state",
        ),
        (0, "SELF_MODIFY \"RULE\", \"\"", "replacing a region", "the same agent"),
    ] {
        let image = ours::image(&rewriting(tests, ask))?;
        let machine = waiting(&image, 0)?;
        let Some(patch) = Patch::of(image.program(), "RULE") else { bail!("no region") };
        let answer = Answer::output(Value::Bytes(patch.to_bytes().into()), 0);
        let id = machine.pending().map_or(0, |request| request.id);
        let once = || {
            let mut machine = machine.clone();
            let answer = answer.clone();
            let (_, time) = clocked(|| machine.answer(id, answer, &mut ()));
            match machine.failures() {
                0 => Ok(time),
                _ => bail!("{:?}", machine.last_failure()),
            }
        };
        costs.push(cost(what, each(1, shortest(once)?), how));
    }
    Ok(())
}

fn answer_and_end(machine: &mut Machine) -> Result<()> {
    let id = machine.pending().map_or(0, |request| request.id);
    let _ = machine.answer(id, Answer::output(Value::Int(1), 0), &mut ());
    match machine.run(u64::MAX, &mut ()) {
        Pause::End(_) => Ok(()),
        pause => bail!("{pause:?} instead of the end"),
    }
}

/// The time of a program that loops `n` times.
fn looped(source: &str, n: usize) -> Result<Duration> {
    let image = ours::image(source)?;
    shortest(|| {
        let mut machine = agent(&image, n)?;
        let (check, time) = clocked(|| ours::drive(&mut machine));
        check.map(|_| time)
    })
}

fn calls(costs: &mut Vec<Cost>) -> Result<()> {
    const COUNT: usize = 1_000_000;
    let time = looped(CALLS, COUNT)?.saturating_sub(looped(NO_CALLS, COUNT)?);
    costs.push(cost("a call and its return", each(COUNT, time), "1 M, less the same loop without"));
    Ok(())
}

fn effects(costs: &mut Vec<Cost>) -> Result<()> {
    const COUNT: usize = 100_000;
    let took = each(COUNT, looped(EFFECTS, COUNT)?);
    let how = "100 k questions with a record, answered with one by a Rust function";
    costs.push(cost("an effect, there and back", took, how));
    Ok(())
}
