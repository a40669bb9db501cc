//! Commands about the runs of a session: those that leave another one, and what is different in them.

use avm_ir::{Value, value::from_json};
use avm_vm::{Failure, FailureCode};

use super::{moves, number};
use crate::{
    diff,
    expr::{self, Path},
    fork::{Answers, Change},
    reply::{Reply, int, list, record},
    session::{Run, Session},
};

/// Most memory of a value that is typed in, in bytes.
const MAX_VALUE: u64 = 16 << 20;

type Done = Result<Reply, String>;

/// Reads a value as it is typed: JSON.
pub fn value(text: &str) -> Result<Value, String> {
    from_json(text, MAX_VALUE)
        .map_err(|error| format!("{text} is no value: {error}; texts stand in double quotes"))
}

/// What a text is worth where a session stands: JSON, which may be long, or an expression.
fn worth(session: &Session, text: &str) -> Result<Value, String> {
    if let Ok(value) = from_json(text, MAX_VALUE) {
        return Ok(value);
    }
    let machine = session.machine();
    let register = |name: &str| session.code.value(machine, machine.depth(), name);
    match expr::worth(text, register) {
        Ok((_, value)) => Ok(value),
        // A word alone may be meant as a text.
        Err(why) if Path::read(text).is_ok() => Err(format!("{why}; texts stand in double quotes")),
        Err(why) => Err(why),
    }
}

/// `NAME = EXPRESSION`.
fn assigned<'a>(session: &Session, args: &'a str, what: &str) -> Result<(&'a str, Value), String> {
    let (name, text) = args.split_once('=').ok_or_else(|| format!("wants {what} = EXPRESSION"))?;
    Ok((name.trim(), worth(session, text.trim())?))
}

/// `NAME = VALUE`.
pub fn assignment<'a>(args: &'a str, what: &str) -> Result<(&'a str, Value), String> {
    let (name, text) = args.split_once('=').ok_or_else(|| format!("wants {what} = VALUE"))?;
    Ok((name.trim(), value(text.trim())?))
}

/// Goes on as a new run.
fn go(session: &mut Session, changes: &[Change], what: &str) -> Done {
    let left = session.run.name.clone();
    session.fork(changes, session.answers)?;
    let how = match session.answers {
        Answers::Live => "asked anew",
        Answers::Recorded => "answered as recorded",
    };
    let of = if left.is_empty() { String::new() } else { format!(" of {left}") };
    let name = &session.run.name;
    let why = format!("{name}, a fork{of}: {what}; what comes behind is {how}");
    Ok(moves::here(session, Some(why)))
}

pub(super) fn set(session: &mut Session, args: &str) -> Done {
    let (name, new) = assigned(session, args, "REGISTER[.PART]")?;
    let edits = session.edits(&[(name, new)])?;
    go(session, &edits, &format!("{name} was set"))
}

pub(super) fn answer(session: &mut Session, args: &str) -> Done {
    let result = match args.strip_prefix("failed") {
        Some(failed) if failed.is_empty() || failed.starts_with(' ') => Err(failure(failed)?),
        _ => Ok(vec![worth(session, args)?]),
    };
    go(session, &[Change::Answer(result)], "the effect here was answered otherwise")
}

/// Reads `CODE [MESSAGE]`.
pub fn failure(text: &str) -> Result<Failure, String> {
    let text = text.trim();
    let (code, message) = text.split_once(' ').unwrap_or((text, "edited"));
    let known = FailureCode::ALL.iter().find(|known| known.name() == code);
    let code = known.copied().ok_or_else(|| {
        let all: Vec<&str> = FailureCode::ALL.iter().map(|code| code.name()).collect();
        format!("failed with which code? One of {}", all.join(", "))
    })?;
    Ok(Failure { code, message: message.trim().to_owned() })
}

pub(super) fn input(session: &mut Session, args: &str) -> Done {
    let (name, value) = assigned(session, args, "NAME")?;
    let what = format!("the input {name} is another");
    go(session, &[Change::Input { name: name.to_owned(), value }], &what)
}

pub(super) fn fork(session: &mut Session, _: &str) -> Done {
    go(session, &[], "nothing was changed")
}

pub(super) fn answers(session: &mut Session, args: &str) -> Done {
    match args {
        "" => {}
        "live" if !session.can_answer() => {
            return Err(
                "there is nobody to answer a live run here; `avm debug` has providers".into()
            );
        }
        "live" => session.answers = Answers::Live,
        "recorded" => session.answers = Answers::Recorded,
        _ => return Err("answers live, or answers recorded".into()),
    }
    let (word, text) = match session.answers {
        Answers::Live => ("live", "new runs ask providers"),
        Answers::Recorded => ("recorded", "new runs get what the run they leave was answered"),
    };
    Ok(Reply::new(text.to_owned(), record([("answers", word.into())])))
}

pub(super) fn all(session: &mut Session, _: &str) -> Done {
    let mut runs: Vec<&Run> = session.others.iter().chain([&session.run]).collect();
    runs.sort_by_key(|run| run.number);
    let lines = runs.iter().map(|run| {
        let mark = if run.number == session.run.number { '>' } else { ' ' };
        let name = if run.name.is_empty() { "(no name)" } else { &run.name };
        let steps = match run.timeline.expected() {
            Some(last) => format!("{last} steps"),
            None => String::from("not at its end"),
        };
        let from = match run.parent {
            Some((number, step)) => format!(", left {number} at step {step}"),
            None => String::new(),
        };
        format!("{mark}{} {name}: {steps}{from}", run.number)
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let data = runs.iter().map(|run| {
        let (of, step) = run.parent.unzip();
        record([
            ("number", int(run.number as u64)),
            ("name", run.name.as_str().into()),
            ("steps", run.timeline.expected().map_or(Value::Null, int)),
            ("parent", of.map_or(Value::Null, |of| int(of as u64))),
            ("at", step.map_or(Value::Null, int)),
        ])
    });
    Ok(Reply::new(text, list(data)))
}

/// The other run of a number.
fn other(session: &Session, args: &str) -> Result<usize, String> {
    let wanted = number(args, 0)?;
    let at = session.others.iter().position(|run| run.number as u64 == wanted);
    at.ok_or_else(|| match wanted == session.run.number as u64 {
        true => format!("run {wanted} is the one that is looked at"),
        false => format!("there is no run {args}; `runs` lists them"),
    })
}

pub(super) fn switch(session: &mut Session, args: &str) -> Done {
    let at = other(session, args)?;
    let run = session.others.remove(at);
    let why = format!("run {}, {}", run.number, run.name);
    session.enter(run);
    Ok(moves::here(session, Some(why)))
}

pub(super) fn diff(session: &mut Session, args: &str) -> Done {
    let parent = session.run.parent.map(|(parent, _)| parent.to_string());
    let named = match (args, parent) {
        ("", None) => return Err("with which run? This one left no other".into()),
        ("", Some(parent)) => parent,
        (named, _) => named.to_owned(),
    };
    let at = other(session, &named)?;
    let (was, now) = (session.others[at].timeline.journal(), session.journal());
    let image = || session.image.clone();
    let differences = diff::compare((was, image()), (now, image()))?;
    Ok(differences.reply())
}
