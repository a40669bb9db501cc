//! `avm fork`: leaves a recorded run at a step, changes something, goes on.

use avm_dbg::{
    Session,
    commands::runs::{assignment, failure, value},
    fork::{Answers, Change},
    timeline::Last,
};
use avm_vm::{End, journal::Event};

use crate::{
    cli::{Fork, Replay, Resume},
    commands::{debug, replay, resume},
    exit::{Exit, Failure, Outcome},
    output::note,
    run_dir,
};

/// Makes the new run.
pub(crate) fn run(args: &Fork) -> Outcome {
    let found = run_dir::find(args.run.as_deref())?;
    let mut session = debug::open(&found, args.into.clone())?;
    go_to(&found.name, &mut session, args)?;
    let changes = changes(&session, args)?;
    let answers = if args.closed { Answers::Recorded } else { Answers::Live };
    session.fork(&changes, answers).map_err(Failure::usage)?;
    let (name, step) = (session.name().to_owned(), session.step());
    if !args.quiet {
        note(&format!("{name} leaves {} at step {step}", found.name));
    }
    let exit = if args.closed {
        session.seek(u64::MAX);
        let stopped = match session.timeline().last() {
            Some((step, Last::Stopped(why))) => Some(format!("step {step}: {why}")),
            _ => None,
        };
        drop(session);
        match stopped {
            Some(why) => {
                note(&format!("cut off at {why}; go on with: avm resume {name}"));
                Exit::Suspended
            }
            None => replay::run(&Replay::of(name.clone().into(), args.quiet))?,
        }
    } else {
        // Its journal is let go, so that somebody else can go on with it.
        drop(session);
        resume::run(&Resume::of(name.clone().into(), args.quiet))?
    };
    if !args.quiet {
        note(&format!("compare them with: avm diff {} {name}", found.name));
    }
    Ok(exit)
}

/// Goes to where the new run begins.
fn go_to(name: &str, session: &mut Session, args: &Fork) -> Outcome<()> {
    if let Some(number) = args.effect {
        let asked = session.journal().records.iter().find_map(|record| match record.event {
            Event::Answered { id, .. } if id == number => Some(record.steps),
            _ => None,
        });
        let step = asked.ok_or_else(|| {
            let answered = session.journal().records.iter();
            let answered = answered.filter(|r| matches!(r.event, Event::Answered { .. })).count();
            Failure::usage(format!(
                "--effect {number}: {name} has no answered effect of that number; {answered} were \
                 answered, counted from 0"
            ))
        })?;
        session.seek(step);
        return Ok(());
    }
    match &args.at {
        Some(place) => {
            session.seek(0);
            let reply = session.command(&format!("run-to {place}"));
            if !reply.ok {
                let why = reply.text.trim_start_matches("error: ");
                return Err(Failure::usage(format!("--at {place}: {why}")));
            }
        }
        None if args.input.is_empty() => {
            return Err(Failure::usage("where? Name a place with --at or --effect, or an --input"));
        }
        None => session.seek(0),
    }
    if let Some(End::Halted(_) | End::Trapped(_)) = session.machine().end() {
        return Err(Failure::usage("the run is over there; name an earlier step"));
    }
    Ok(())
}

/// What is different in the new run.
fn changes(session: &Session, args: &Fork) -> Outcome<Vec<Change>> {
    let of =
        |option: &str, text: &str, why: String| Failure::usage(format!("{option} {text}: {why}"));
    let mut edits = Vec::new();
    for text in &args.set {
        edits.push(assignment(text, "REGISTER[.PART]").map_err(|why| of("--set", text, why))?);
    }
    let edits: Vec<_> = edits.iter().map(|(name, value)| (*name, value.clone())).collect();
    let mut changes =
        session.edits(&edits).map_err(|why| Failure::usage(format!("--set: {why}")))?;
    if let Some(text) = &args.answer {
        let value = value(text).map_err(|why| of("--answer", text, why))?;
        changes.push(Change::Answer(Ok(vec![value])));
    }
    if let Some(text) = &args.fail {
        changes.push(Change::Answer(Err(failure(text).map_err(|why| of("--fail", text, why))?)));
    }
    for text in &args.input {
        let (name, value) = assignment(text, "NAME").map_err(|why| of("--input", text, why))?;
        changes.push(Change::Input { name: name.to_owned(), value });
    }
    Ok(changes)
}
