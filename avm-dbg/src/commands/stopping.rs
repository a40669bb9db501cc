//! Commands about breakpoints.

use crate::{
    reply::{Reply, int, list, record, text},
    search::{Test, What},
    session::Session,
    stops::{self, Breakpoint},
};

pub(super) fn add(session: &mut Session, args: &str) -> Result<Reply, String> {
    let (what, condition) = stops::split_condition(&session.code, args)?;
    let test = Test { what: stops::read_what(&session.code, what)?, condition };
    insert(session, what.trim().to_owned(), test)
}

pub(super) fn watch(session: &mut Session, args: &str) -> Result<Reply, String> {
    let (path, condition) = stops::split_condition(&session.code, args)?;
    let write = stops::watch(&session.code, session.scope(), path)?;
    let name = format!("watch {}", path.trim());
    insert(session, name, Test { what: What::Write(write), condition })
}

fn insert(session: &mut Session, text: String, test: Test) -> Result<Reply, String> {
    let number = stops::insert(session, text, test)?;
    let breakpoint = session.stops.iter().find(|breakpoint| breakpoint.number == number);
    let reply = breakpoint.map(|set| Reply::new(set.to_string(), datum(set)));
    reply.ok_or_else(|| String::from("it was not set"))
}

fn datum(breakpoint: &Breakpoint) -> avm_ir::Value {
    let condition = breakpoint.test.condition.as_ref().map(ToString::to_string);
    record([
        ("number", int(breakpoint.number)),
        ("what", breakpoint.text.as_str().into()),
        ("condition", text(condition.as_deref())),
        ("enabled", breakpoint.enabled.into()),
        ("hits", int(breakpoint.hits)),
    ])
}

pub(super) fn all(session: &mut Session, _: &str) -> Result<Reply, String> {
    let lines = session.stops.iter().map(|breakpoint| {
        let off = if breakpoint.enabled { "" } else { ", disabled" };
        let times = if breakpoint.hits == 1 { "time" } else { "times" };
        format!("{breakpoint} (came to {} {times}{off})", breakpoint.hits)
    });
    let mut lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        lines.push(String::from("there are no breakpoints"));
    }
    Ok(Reply::new(lines.join("\n"), list(session.stops.iter().map(datum))))
}

/// Positions of the breakpoints that an argument names.
fn named(session: &Session, args: &str) -> Result<Vec<usize>, String> {
    if args == "all" {
        return Ok((0..session.stops.len()).collect());
    }
    let number: u64 =
        args.parse().map_err(|_| String::from("the number of a breakpoint, or all"))?;
    let at = session.stops.iter().position(|breakpoint| breakpoint.number == number);
    at.map(|at| vec![at]).ok_or_else(|| format!("there is no breakpoint {number}"))
}

pub(super) fn delete(session: &mut Session, args: &str) -> Result<Reply, String> {
    for at in named(session, args)?.into_iter().rev() {
        session.stops.remove(at);
    }
    all(session, "")
}

pub(super) fn enable(session: &mut Session, args: &str) -> Result<Reply, String> {
    set(session, args, true)
}

pub(super) fn disable(session: &mut Session, args: &str) -> Result<Reply, String> {
    set(session, args, false)
}

fn set(session: &mut Session, args: &str, enabled: bool) -> Result<Reply, String> {
    for at in named(session, args)? {
        session.stops[at].enabled = enabled;
    }
    all(session, "")
}
