//! Going somewhere, and telling where it stopped and why.

use avm_ir::Value;
use avm_vm::{End, trap::Trap};
use serde_json::Value as Json;

use super::{
    ServeError,
    adapter::{Adapter, Answer, Debuggee, Out, THREAD, Then, body, on_thread, read, then},
    inbox::Inbox,
    protocol::{ExceptionDetails, ExceptionInfo, Goto, OnThread, Scopes, Stopped},
    stopping::{Caught, Stops, last_before},
    variables,
};
use crate::{
    commands,
    reply::{Reply, show},
    search::{Test, What},
    session::Session,
    views,
};

/// Most notes of the log that one move tells.
const MAX_NOTES: usize = 1000;
/// Most messages of log points that one move tells; then it stops.
const MAX_MESSAGES: usize = 10_000;
/// Longest note or message, in characters.
pub(super) const MAX_TEXT: usize = 4000;

/// Where to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Stay at the start.
    Entry,
    /// On to the first breakpoint, which may be at the start.
    First,
    /// To the end without breakpoints, and leave.
    Out,
    /// On to a breakpoint or the end.
    Continue,
    /// Back to a breakpoint or the start.
    ContinueBack,
    /// A command that goes on, and stops at breakpoints.
    On(&'static str),
    /// A command that goes back, and stops at breakpoints.
    Back(&'static str),
    /// One instruction on; a call as a whole.
    Over,
    /// To the step at which a call begins.
    Frame(u64),
    /// A command that goes somewhere, whatever lies between.
    To(String),
}

impl Move {
    const fn is_back(&self) -> bool {
        matches!(self, Self::ContinueBack | Self::Back(_))
    }
}

pub(super) fn resume(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    resumes(adapter, arguments, Move::Continue)
}

pub(super) fn resume_back(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    resumes(adapter, arguments, Move::ContinueBack)
}

fn resumes(adapter: &mut Adapter<'_>, arguments: Json, way: Move) -> Answer {
    let asked: OnThread = read(arguments)?;
    adapter.debuggee()?;
    on_thread(asked.thread_id)?;
    let all = serde_json::json!({ "allThreadsContinued": true });
    Ok(body(&all)?.then(Then::Go(way)))
}

/// A step by instruction, or by line.
fn step(adapter: &mut Adapter<'_>, arguments: Json, instruction: Move, line: Move) -> Answer {
    let asked: OnThread = read(arguments)?;
    adapter.debuggee()?;
    on_thread(asked.thread_id)?;
    then(Then::Go(match asked.granularity.as_deref() {
        Some("instruction") => instruction,
        None | Some("statement" | "line") => line,
        Some(other) => return Err(format!("there are no steps by {other}").into()),
    }))
}

pub(super) fn next(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    step(adapter, arguments, Move::Over, Move::On("next"))
}

pub(super) fn step_in(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    step(adapter, arguments, Move::On("step"), Move::On("line"))
}

pub(super) fn step_out(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    if adapter.debuggee()?.session.machine().depth() == 0 {
        return Err("no call is open".into());
    }
    step(adapter, arguments, Move::On("finish"), Move::On("finish"))
}

pub(super) fn step_back(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    step(adapter, arguments, Move::Back("back"), Move::Back("next-back"))
}

pub(super) fn goto(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: Goto = read(arguments)?;
    let run = adapter.debuggee()?;
    on_thread(asked.thread_id)?;
    let target = run.targets.get(asked.target_id);
    let target = target.ok_or("that target was of another stop; ask for targets again")?;
    then(Then::Go(Move::To(target.to_owned())))
}

/// Back to where a call begins.
pub(super) fn restart_frame(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: Scopes = read(arguments)?;
    let run = adapter.debuggee()?;
    let depth = variables::frame(run, Some(asked.frame_id))?;
    let here = run.session.step();
    let step = match depth.checked_sub(1) {
        None => 0,
        Some(outer) => {
            let tests = [Test::from(What::Depth(outer))];
            let call = last_before(&mut run.session, here, 0, &tests);
            call.ok_or("the search for its call was stopped")?.step + 1
        }
    };
    then(Then::Go(Move::Frame(step)))
}

/// What runs was interrupted when the request came in; nothing runs by now.
pub(super) fn pause(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: OnThread = read(arguments)?;
    adapter.debuggee()?;
    on_thread(asked.thread_id)?;
    body(&Json::Null)
}

/// Where a move ended.
#[derive(Debug, Default)]
struct Arrival {
    caught: Vec<Caught>,
    /// Why, as the command says.
    why: Vec<String>,
    /// What somebody should know of their breakpoints.
    warnings: Vec<String>,
    interrupted: bool,
}

/// Goes, and says so.
pub(super) fn go(adapter: &mut Adapter<'_>, way: Move) -> Result<(), ServeError> {
    let Adapter { out, run: Some(run), stops, inbox, .. } = &mut *adapter else { return Ok(()) };
    run.handles.clear();
    run.targets.clear();
    let from = run.session.step();
    let mut arrival = match &way {
        Move::Entry => Arrival::default(),
        Move::Out => {
            command(&mut run.session, "run-to end");
            notes(out, &run.session, from)?;
            Arrival::default()
        }
        Move::To(line) => {
            let arrival = command(&mut run.session, line);
            Arrival { interrupted: inbox.interrupted(), ..arrival }
        }
        Move::Frame(step) => {
            let arrival = command(&mut run.session, &format!("run-to {step}"));
            Arrival { interrupted: inbox.interrupted(), ..arrival }
        }
        Move::First => {
            let (caught, texts) = stops.at_start(&mut run.session);
            for text in texts {
                out.output("console", &text)?;
            }
            let why = caught.iter().map(|caught| caught.text.clone()).collect();
            match caught.is_empty() {
                true => resume_with(out, run, stops, inbox)?,
                false => Arrival { caught, why, ..Arrival::default() },
            }
        }
        Move::Continue => resume_with(out, run, stops, inbox)?,
        Move::ContinueBack => back(run, stops, inbox, from, "continue-back"),
        Move::On(line) => passing(out, run, stops, inbox, from, |session| command(session, line))?,
        Move::Over => passing(out, run, stops, inbox, from, over)?,
        Move::Back(line) => back(run, stops, inbox, from, line),
    };
    arrival.warnings.extend(crate::stops::warnings(&run.session));
    warn(out, &mut arrival)?;
    let at_end = run.session.at_end();
    if at_end && !way.is_back() && way != Move::Entry && from < run.session.step() {
        ended(out, &run.session)?;
    }
    if way == Move::Out {
        return adapter.terminated();
    }
    if arrival.interrupted {
        arrival.why.retain(|why| !why.ends_with("interrupted"));
    }
    run.filters = arrival.caught.iter().filter_map(|caught| caught.filter).collect();
    let stopped = stopped(&run.session, &way, &arrival);
    let searched = run.session.step() == from && !way.is_back() && arrival.caught.is_empty();
    if arrival.interrupted && inbox.interrupted() {
        adapter.answer_pauses()?;
        if searched {
            adapter.follow();
        }
    }
    adapter.out.event("stopped", &stopped)
}

/// Does a command that goes somewhere.
fn command(session: &mut Session, line: &str) -> Arrival {
    arrival(commands::run(session, line))
}

/// What a command says about where it came to.
fn arrival(reply: Reply) -> Arrival {
    let Value::Record(data) = &reply.data else { return Arrival::default() };
    let items = |name: &str| match data.get(name) {
        Some(Value::List(items)) => items.iter().cloned().collect(),
        _ => Vec::new(),
    };
    let texts = |name: &str| {
        items(name).into_iter().filter_map(|line| match line {
            Value::Text(line) => Some(line.as_str().to_owned()),
            _ => None,
        })
    };
    let mut why: Vec<String> = texts("why").collect();
    if !reply.ok {
        why.push(reply.text);
    }
    let numbers = items("breakpoints").into_iter().filter_map(|number| match number {
        Value::Int(number) => u64::try_from(number).ok(),
        _ => None,
    });
    let caught = numbers.map(Caught::number).collect();
    let warnings = texts("warnings").collect();
    Arrival { caught, why, warnings, interrupted: false }
}

/// Tells what is wrong with breakpoints.
fn warn(out: &mut Out<'_>, arrival: &mut Arrival) -> Result<(), ServeError> {
    arrival.warnings.drain(..).try_for_each(|warning| out.output("important", &warning))
}

/// One instruction on; out of the call that it made.
fn over(session: &mut Session) -> Arrival {
    let depth = session.machine().depth();
    let arrival = command(session, "step");
    if session.machine().depth() <= depth {
        return arrival;
    }
    let mut out = command(session, "finish");
    out.warnings.splice(..0, arrival.warnings);
    out
}

/// On to a breakpoint, past those that count on or only say something.
fn resume_with(
    out: &mut Out<'_>,
    run: &mut Debuggee,
    stops: &mut Stops,
    inbox: &Inbox,
) -> Result<Arrival, ServeError> {
    let mut messages = MAX_MESSAGES;
    loop {
        let from = run.session.step();
        if inbox.interrupted() {
            return Ok(Arrival { interrupted: true, ..Arrival::default() });
        }
        let mut arrival = command(&mut run.session, "continue");
        notes(out, &run.session, from)?;
        warn(out, &mut arrival)?;
        arrival.interrupted = inbox.interrupted();
        let passed = !arrival.caught.is_empty();
        let texts = stops.look(&mut run.session, &mut arrival.caught);
        if passed {
            arrival.why = arrival.caught.iter().map(|caught| caught.text.clone()).collect();
        }
        for text in texts {
            messages = messages.saturating_sub(1);
            out.output("console", &text)?;
        }
        if messages == 0 && arrival.caught.is_empty() {
            arrival.why = vec![format!("stopped after {MAX_MESSAGES} messages of log points")];
            arrival.interrupted = true;
            return Ok(arrival);
        }
        let stays = run.session.step() == from;
        if !passed || arrival.interrupted || stays || !arrival.caught.is_empty() {
            return Ok(arrival);
        }
    }
}

/// A move by steps. Breakpoints that count or only say something do not stop it; the stretch that it
/// passed is gone through for them.
fn passing(
    out: &mut Out<'_>,
    run: &mut Debuggee,
    stops: &mut Stops,
    inbox: &Inbox,
    from: u64,
    way: impl FnOnce(&mut Session) -> Arrival,
) -> Result<Arrival, ServeError> {
    if inbox.interrupted() {
        return Ok(Arrival { interrupted: true, ..Arrival::default() });
    }
    let soft = stops.without_soft(&mut run.session);
    let mut arrival = way(&mut run.session);
    stops.with(&mut run.session, &soft);
    arrival.interrupted = inbox.interrupted();
    stops.name(&mut arrival.caught);
    let to = run.session.step();
    let (messages, caught) = match arrival.interrupted {
        true => (Vec::new(), None),
        false => stops.passed(&mut run.session, &soft, from, to),
    };
    if let Some((step, caught)) = caught {
        run.session.seek(step);
        if step < to {
            arrival.caught.clear();
            arrival.why.clear();
        }
        arrival.why.extend(caught.iter().map(|caught| caught.text.clone()));
        arrival.caught.extend(caught);
    }
    notes(out, &run.session, from)?;
    for message in messages {
        out.output("console", &message)?;
    }
    Ok(arrival)
}

/// The same backwards, where nothing is said.
fn back(run: &mut Debuggee, stops: &mut Stops, inbox: &Inbox, from: u64, line: &str) -> Arrival {
    if inbox.interrupted() {
        return Arrival { interrupted: true, ..Arrival::default() };
    }
    let soft = stops.without_soft(&mut run.session);
    let mut arrival = command(&mut run.session, line);
    stops.with(&mut run.session, &soft);
    arrival.interrupted = inbox.interrupted();
    stops.name(&mut arrival.caught);
    let to = run.session.step();
    if !arrival.interrupted
        && let Some((step, caught)) = stops.passed_back(&mut run.session, &soft, from, to)
    {
        run.session.seek(step);
        if step > to {
            arrival.caught.clear();
            arrival.why.clear();
        }
        arrival.why.extend(caught.iter().map(|caught| caught.text.clone()));
        arrival.caught.extend(caught);
    }
    arrival
}

/// Tells the notes that were logged since a step.
fn notes(out: &mut Out<'_>, session: &Session, from: u64) -> Result<(), ServeError> {
    let machine = session.machine();
    let new = || machine.log().filter(|entry| entry.step > from);
    let left_out = new().count().saturating_sub(MAX_NOTES);
    if left_out > 0 {
        out.output("stdout", &format!("… {left_out} notes before"))?;
    }
    for entry in new().skip(left_out) {
        out.output("stdout", &variables_text(&entry.note))?;
    }
    Ok(())
}

/// A value as a text of bounded length.
pub(super) fn variables_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.as_str().chars().take(MAX_TEXT).collect(),
        value => show(value, MAX_TEXT),
    }
}

/// Tells how the run ended.
fn ended(out: &mut Out<'_>, session: &Session) -> Result<(), ServeError> {
    let category = match session.machine().end() {
        Some(End::Halted(_)) => "console",
        _ => "important",
    };
    match views::how_it_ended(session) {
        Some(end) => out.output(category, &end),
        None => Ok(()),
    }
}

/// What the run would leave its shell with, once it ended.
pub(super) fn exit_code(session: &Session) -> Option<i64> {
    match session.machine().end() {
        Some(End::Halted(_)) => Some(0),
        Some(_) => Some(1),
        None => None,
    }
}

/// Where the session stands after a command that somebody typed.
pub(super) fn typed(run: &mut Debuggee, stops: &mut Stops, reply: Reply) -> Stopped {
    let mut arrival = arrival(reply);
    stops.name(&mut arrival.caught);
    run.filters = arrival.caught.iter().filter_map(|caught| caught.filter).collect();
    stopped(&run.session, &Move::To(String::new()), &arrival)
}

fn stopped(session: &Session, way: &Move, arrival: &Arrival) -> Stopped {
    let hits: Vec<i64> = arrival.caught.iter().filter_map(|caught| caught.id).collect();
    let end = session.at_end().then(|| views::how_it_ended(session)).flatten();
    let failed = !matches!(session.machine().end(), Some(End::Halted(_)));
    let (reason, description) = match arrival.caught.first().map(|caught| caught.reason) {
        _ if end.is_some() && failed => ("exception", Some("The run could not go on")),
        Some(reason) => (reason, None),
        None if arrival.interrupted => ("pause", None),
        None if end.is_some() => ("end", Some("The end of the run")),
        None if *way == Move::Entry => ("entry", None),
        None if way.is_back() && session.step() == 0 => ("entry", Some("The start of the run")),
        None if matches!(way, Move::To(_)) => ("goto", None),
        None if matches!(way, Move::Frame(_)) => ("restart", None),
        None => ("step", None),
    };
    let mut why = arrival.why.clone();
    why.extend(end);
    Stopped {
        reason,
        description,
        thread_id: THREAD,
        text: (!why.is_empty()).then(|| why.join("\n")),
        all_threads_stopped: true,
        hit_breakpoint_ids: (!hits.is_empty()).then_some(hits),
    }
}

pub(super) fn exception_info(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: OnThread = read(arguments)?;
    let run = adapter.debuggee()?;
    on_thread(asked.thread_id)?;
    let session = &run.session;
    let machine = session.machine();
    let ended = session.at_end().then(|| views::how_it_ended(session)).flatten();
    let name = |name: &str| name.to_owned();
    let (exception_id, type_name, break_mode, description) = match (machine.end(), ended) {
        (Some(End::Trapped(Trap { code, message, .. })), Some(_)) => {
            (code.to_string(), name(code.name()), "unhandled", message.clone())
        }
        (Some(End::Exhausted(meter)), Some(end)) => {
            (format!("exhausted {}", meter.name()), name("exhausted"), "unhandled", end)
        }
        (Some(End::Unapproved(_)), Some(end)) => {
            (name("unapproved"), name("unapproved"), "unhandled", end)
        }
        (None, Some(end)) => (name("cut off"), name("cut off"), "unhandled", end),
        _ => match (run.filters.first(), machine.last_failure()) {
            (Some(&"effect"), _) => {
                let effect = views::position(session).text;
                (name("effect"), name("effect"), "always", effect)
            }
            (Some(_), Some(failure)) => {
                let kind = failure.code.name();
                (name(kind), name(kind), "always", failure.message.clone())
            }
            _ => return Err("nothing failed here".into()),
        },
    };
    let details = ExceptionDetails {
        message: description.clone(),
        type_name,
        stack_trace: views::calls(session).text,
    };
    body(&ExceptionInfo { exception_id, description, break_mode, details })
}
