//! Commands that go somewhere.

use avm_ir::{
    Value,
    value::{Record, Text},
};
use avm_vm::journal::Event;

use super::number;
use crate::{
    code::Scope,
    reply::{Reply, int, list},
    search::{Hit, Test, What, Write},
    session::{Interrupted, Session},
    stops, views,
};

type Moved = Result<Reply, String>;

/// Where the session stands now, and why it came there: breakpoints, or something else. With the
/// notes that were written behind a step, which is the one that it came from where it went forwards.
fn arrived(session: &Session, breakpoints: Vec<Value>, why: &[String], from: u64) -> Reply {
    let position = views::position(session);
    let warnings = stops::warnings(session);
    let (notes, log) = views::notes_since(session, from);
    let lines = why.iter().chain(&warnings).chain(&notes).chain([&position.text]);
    let text = lines.map(String::as_str).collect::<Vec<_>>().join("\n");
    let texts = |lines: &[String]| list(lines.iter().map(|line| line.as_str().into()));
    let mut data = Record::from_iter([
        ("breakpoints", list(breakpoints)),
        ("why", texts(why)),
        ("log", log),
        ("position", position.data),
    ]);
    if !warnings.is_empty() {
        data.insert(Text::from("warnings"), texts(&warnings));
    }
    Reply::new(text, data.into())
}

/// The same where it is no breakpoint, without notes.
pub(super) fn here(session: &Session, why: Option<String>) -> Reply {
    arrived(session, Vec::new(), why.as_slice(), u64::MAX)
}

fn to(session: &mut Session, step: u64) -> Moved {
    let from = session.step();
    session.seek(step);
    let stopped = session.timeline().interrupted().then(|| String::from("interrupted"));
    Ok(arrived(session, Vec::new(), stopped.as_slice(), from))
}

fn start(session: &mut Session) -> Moved {
    session.seek(0);
    Ok(here(session, Some(String::from("the start of the run"))))
}

/// To the end. How the run ended is in the position.
fn end(session: &mut Session) -> Moved {
    to(session, u64::MAX)
}

pub(super) fn step(session: &mut Session, args: &str) -> Moved {
    let to_go = number(args, 1)?;
    let target = session.step().saturating_add(to_go);
    to(session, target)
}

pub(super) fn back(session: &mut Session, args: &str) -> Moved {
    let to_go = number(args, 1)?;
    match session.step().checked_sub(to_go) {
        Some(0) | None => start(session),
        Some(target) => to(session, target),
    }
}

/// Tests of a move, then those of the breakpoints that count.
fn tests(session: &Session, own: Vec<What>) -> Vec<Test> {
    let stops = session.stops.iter().filter(|breakpoint| breakpoint.enabled);
    let own = own.into_iter().map(Test::from);
    own.chain(stops.map(|breakpoint| breakpoint.test.clone())).collect()
}

/// Goes to a hit of such tests and counts the breakpoints that it was.
fn stop_at(session: &mut Session, hit: &Hit, own: &[&str]) -> Moved {
    let from = session.step();
    session.seek(hit.step);
    let mut why: Vec<String> = Vec::new();
    let mut numbers = Vec::new();
    let enabled: Vec<usize> =
        (0..session.stops.len()).filter(|at| session.stops[*at].enabled).collect();
    for test in &hit.tests {
        match test.checked_sub(own.len()).and_then(|index| enabled.get(index)) {
            Some(at) => {
                let breakpoint = &mut session.stops[*at];
                breakpoint.hits += 1;
                numbers.push(int(breakpoint.number));
                why.push(format!("breakpoint {breakpoint}"));
            }
            None => {
                why.extend(own.get(*test).filter(|why| !why.is_empty()).map(|w| (*w).to_owned()))
            }
        }
    }
    Ok(arrived(session, numbers, &why, from))
}

/// To the first place behind here where a move's own test or a breakpoint holds, or to the end.
fn forward(session: &mut Session, own: What) -> Moved {
    let tests = tests(session, vec![own]);
    match session.forward(&tests)? {
        Some(hit) => stop_at(session, &hit, &[""]),
        None => end(session),
    }
}

/// To a place before here, or to a breakpoint between.
fn backward(session: &mut Session, target: u64) -> Moved {
    let tests = tests(session, Vec::new());
    let here = session.step();
    let hit = if tests.is_empty() { None } else { session.backward(here, target, &tests)? };
    match hit {
        Some(hit) => stop_at(session, &hit, &[]),
        None if target == 0 => start(session),
        None => to(session, target),
    }
}

fn depth(session: &Session) -> usize {
    session.machine().depth()
}

pub(super) fn line(session: &mut Session, _: &str) -> Moved {
    line_on(session, usize::MAX)
}

pub(super) fn next(session: &mut Session, _: &str) -> Moved {
    let depth = depth(session);
    line_on(session, depth)
}

fn line_on(session: &mut Session, depth: usize) -> Moved {
    let what = line_change(session, session.step(), depth);
    forward(session, what)
}

/// Another line than that of a step, in a call not deeper than this; another instruction where
/// the program has no lines.
fn line_change(session: &mut Session, step: u64, depth: usize) -> What {
    if session.code.program().debug.is_none() {
        return What::Depth(depth);
    }
    if step == session.step() {
        return What::Line { not: session.code.line(session.place()), depth };
    }
    let player = session.player_at(step);
    let machine = player.machine();
    What::Line { not: session.codes.of(machine.image()).line(machine.at()), depth }
}

pub(super) fn line_back(session: &mut Session, _: &str) -> Moved {
    let target = line_before(session, usize::MAX)?;
    backward(session, target)
}

pub(super) fn next_back(session: &mut Session, _: &str) -> Moved {
    let depth = depth(session);
    let target = line_before(session, depth)?;
    backward(session, target)
}

/// Where the line began, or the one before if it begins here.
fn line_before(session: &mut Session, depth: usize) -> Result<u64, Interrupted> {
    let here = session.step();
    let change = line_change(session, here, depth);
    if matches!(change, What::Depth(_)) {
        let hit = session.backward(here, 0, &[change.into()])?;
        return Ok(hit.map_or(0, |hit| hit.step));
    }
    let Some(other) = session.backward(here, 0, &[change.into()])? else { return Ok(0) };
    let change = line_change(session, other.step, depth);
    let began = session.first_from(other.step + 1, change)?;
    if let Some(began) = began.filter(|began| *began < here) {
        return Ok(began);
    }
    let change = line_change(session, other.step, depth);
    let Some(before) = session.backward(other.step, 0, &[change.into()])? else { return Ok(0) };
    let change = line_change(session, before.step, depth);
    let began = session.first_from(before.step + 1, change)?;
    Ok(began.filter(|began| *began < here).unwrap_or(other.step))
}

const NOT_IN_A_CALL: &str = "no call is open";

pub(super) fn finish(session: &mut Session, _: &str) -> Moved {
    let outer = depth(session).checked_sub(1).ok_or(NOT_IN_A_CALL)?;
    forward(session, What::Depth(outer))
}

pub(super) fn finish_back(session: &mut Session, _: &str) -> Moved {
    let outer = depth(session).checked_sub(1).ok_or(NOT_IN_A_CALL)?;
    let here = session.step();
    let hit = session.backward(here, 0, &[What::Depth(outer).into()])?;
    backward(session, hit.map_or(0, |hit| hit.step))
}

/// What ends `continue` besides breakpoints.
fn until(args: &str) -> Result<Option<(What, &'static str)>, String> {
    Ok(Some(match args {
        "" => return Ok(None),
        "effect" => (What::Effect(None), "an effect"),
        "failure" => (What::Failure, "a failure"),
        "denial" => (What::Denial, "a denial"),
        _ => return Err(String::from("continue, or continue effect, failure or denial")),
    }))
}

pub(super) fn resume(session: &mut Session, args: &str) -> Moved {
    let (what, why): (Vec<_>, Vec<_>) = until(args)?.into_iter().unzip();
    let tests = tests(session, what);
    let hit = if tests.is_empty() { None } else { session.forward(&tests)? };
    match hit {
        Some(hit) => stop_at(session, &hit, &why),
        None => end(session),
    }
}

pub(super) fn resume_back(session: &mut Session, args: &str) -> Moved {
    let (what, why): (Vec<_>, Vec<_>) = until(args)?.into_iter().unzip();
    let tests = tests(session, what);
    let here = session.step();
    let hit = if tests.is_empty() { None } else { session.backward(here, 0, &tests)? };
    match hit {
        Some(hit) => stop_at(session, &hit, &why),
        None => start(session),
    }
}

/// A place that is named: a step, or something to look for.
enum Target {
    Step(u64),
    What(What),
}

fn target(session: &Session, args: &str) -> Result<Target, String> {
    let wanted = "a step, start, end, a label, or line [FILE:]LINE";
    match args.split_once(char::is_whitespace).unwrap_or((args, "")) {
        ("", _) => Err(format!("to where? To {wanted}")),
        ("start", "") => Ok(Target::Step(0)),
        ("end", "") => Ok(Target::Step(u64::MAX)),
        ("step", step) => Ok(Target::Step(number(step.trim(), 0)?)),
        ("line", line) => stops::line(&session.code, line.trim()).map(Target::What),
        (step, "") if step.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Target::Step(number(step, 0)?))
        }
        _ => stops::read_what(&session.code, args).map(Target::What),
    }
}

pub(super) fn run_to(session: &mut Session, args: &str) -> Moved {
    match target(session, args)? {
        Target::Step(step) => to(session, step),
        Target::What(what) => {
            let hit = session.forward(&[what.into()])?;
            let hit = hit.ok_or_else(|| format!("{args} does not come behind here"))?;
            to(session, hit.step)
        }
    }
}

pub(super) fn run_back(session: &mut Session, args: &str) -> Moved {
    match target(session, args)? {
        Target::Step(step) => to(session, step),
        Target::What(what) => {
            let here = session.step();
            let hit = session.backward(here, 0, &[what.into()])?;
            let hit = hit.ok_or_else(|| format!("{args} did not come before here"))?;
            to(session, hit.step)
        }
    }
}

/// A write to a register as it is called here; of a part of it, a change.
fn write(session: &Session, args: &str) -> Result<Write, String> {
    let mut write = stops::watch(&session.code, session.scope(), args)?;
    write.changes = !write.path.parts.is_empty();
    let own = matches!(write.register.scope, Scope::Function(..));
    write.depth = own.then(|| depth(session));
    Ok(write)
}

pub(super) fn written(session: &mut Session, args: &str) -> Moved {
    let what = What::Write(write(session, args)?);
    let hit = session.forward(&[what.into()])?;
    let hit = hit.ok_or_else(|| format!("nothing writes {args} behind here"))?;
    let from = session.step();
    session.seek(hit.step);
    let why = format!("{args} was written by step {}", hit.step - 1);
    Ok(arrived(session, Vec::new(), &[why], from))
}

pub(super) fn who(session: &mut Session, args: &str) -> Moved {
    let write = write(session, args)?;
    let number = write.register.number;
    // The write itself may be the step just before here.
    let before = session.step().saturating_add(1);
    let hit = session.backward(before, 0, &[What::Write(write).into()])?;
    let edited = |session: &Session, step: u64| {
        session.journal().records.iter().any(|record| {
            record.steps == step
                && matches!(&record.event, Event::Edited { register, .. } if *register == number)
        })
    };
    let Some(hit) = hit else {
        if edited(session, 0) {
            let why = format!("{args} was edited from outside at the start of the run");
            session.seek(0);
            return Ok(here(session, Some(why)));
        }
        return Err(format!("nothing has written {args} since the start of the run"));
    };
    let step = hit.step - 1;
    session.seek(step);
    let why = match edited(session, hit.step) {
        true => format!("{args} was last edited from outside, behind step {step}"),
        false => format!("{args} was last written by step {step}"),
    };
    Ok(here(session, Some(why)))
}
