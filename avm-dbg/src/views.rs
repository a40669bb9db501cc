//! What there is to see at a place of a run.

mod effects;
mod messages;
mod versions;

use std::fmt::Write;

use avm_ir::{Gas, StatusWord, Value, verify::CodePlace};
use avm_vm::{End, Machine, Meter, OnExhausted};

pub(crate) use effects::effects;
pub(crate) use messages::messages;
pub(crate) use versions::versions;

use crate::{
    code::{Shown, waits_at},
    expr::worth,
    reply::{Reply, datum, int, list, record, show, text},
    session::Session,
    summary::ended,
    timeline::Last,
};

/// Longest value in a list of values, in characters.
const MAX_VALUE: usize = 200;
/// Longest value of an operand, in characters.
const MAX_OPERAND: usize = 60;

/// One line for an instruction with its operands.
fn instruction(mnemonic: &str, operands: &[Shown]) -> String {
    let one = |shown: &Shown| {
        let value = shown.value.as_ref().filter(|_| !shown.output);
        let value = value.map(|value| show(value, MAX_OPERAND));
        let held = match (&shown.name, value) {
            (Some(name), Some(value)) => format!("{name} ({value})"),
            (Some(name), None) => name.clone(),
            (None, value) => value.unwrap_or_else(|| String::from("?")),
        };
        format!("{}={held}", shown.operand)
    };
    let (results, inputs): (Vec<&Shown>, Vec<&Shown>) =
        operands.iter().partition(|shown| shown.output);
    let join = |all: Vec<&Shown>| all.into_iter().map(one).collect::<Vec<_>>().join(", ");
    let mut line = String::from(mnemonic);
    for (sign, operands) in [(" ", inputs), (" -> ", results)] {
        if !operands.is_empty() {
            line.push_str(sign);
            line.push_str(&join(operands));
        }
    }
    line
}

/// One line for any instruction, without what its registers hold.
#[cfg(feature = "dap")]
pub(crate) fn plain(session: &Session, at: CodePlace) -> String {
    let code = &session.code;
    let mut operands = code.operands(session.machine(), at);
    for shown in operands.iter_mut().filter(|shown| shown.name.is_some()) {
        shown.value = None;
    }
    code.instr(at).map_or_else(String::new, |instr| instruction(instr.op.mnemonic(), &operands))
}

/// Where the session stands.
pub(crate) fn position(session: &Session) -> Reply {
    let machine = session.machine();
    let code = &session.code;
    let at = session.place();
    let step = session.step();
    let last = session.run.timeline.expected();
    let line = code.line(at);
    let mut out = format!("step {step}");
    if let Some(last) = last {
        let _ = write!(out, " of {last}");
    }
    let _ = write!(out, ", {}", code.place_name(at));
    if let Some((file, line)) = line {
        let _ = write!(out, ", {}:{line}", code.file(file));
    }
    let _ = write!(out, ", gas {}", Gas(machine.gas_used()));
    let source = line.and_then(|line| code.text(line));
    if let (Some((_, line)), Some(source)) = (line, source) {
        let _ = write!(out, "\n{line:>5} | {source}");
    }
    let end = session.at_end().then(|| how_it_ended(session)).flatten();
    let stands = machine.end().is_none();
    let mnemonic = code.instr(at).filter(|_| stands).map(|instr| instr.op.mnemonic());
    let operands = if stands { code.operands(machine, at) } else { Vec::new() };
    if let Some(mnemonic) = mnemonic {
        let _ = write!(out, "\n        {}", instruction(mnemonic, &operands));
    }
    if let Some(end) = &end {
        let _ = write!(out, "\n{end}");
    }
    let operands = operands.into_iter().map(|shown| {
        record([
            ("operand", shown.operand.into()),
            ("output", shown.output.into()),
            ("name", text(shown.name.as_deref())),
            ("value", shown.value.as_ref().map_or(Value::Null, datum)),
        ])
    });
    let region = code.region(at.region).map(|region| region.name.as_str());
    let data = record([
        ("step", int(step)),
        ("last", last.map_or(Value::Null, int)),
        ("region", text(region)),
        ("pc", int(at.pc.into())),
        ("file", text(line.map(|(file, _)| code.file(file)))),
        ("line", line.map_or(Value::Null, |(_, line)| int(line.into()))),
        ("source", text(source)),
        ("instruction", text(mnemonic)),
        ("operands", list(operands)),
        ("depth", int(machine.depth() as u64)),
        ("gas", int(machine.gas_used())),
        ("end", text(end.as_deref())),
    ]);
    Reply::new(out, data)
}

/// How the run ended and why, if that is known.
pub(crate) fn how_it_ended(session: &Session) -> Option<String> {
    let (_, why) = session.run.timeline.last()?;
    let machine = session.machine();
    Some(match (why, machine.end()) {
        (Last::Diverged(diverged), _) => format!("the run is not the one recorded: {diverged}"),
        (Last::Stopped(why), _) => format!("the run cannot go on: {why}"),
        (_, Some(End::Exhausted(meter))) => {
            let way = match session.journal().start.config.on_exhausted {
                OnExhausted::Suspend => "was suspended,",
                _ => "ran",
            };
            format!("the run {way} out of {}", meter.name())
        }
        (_, Some(end)) => format!("the run {}", ended(end)),
        (_, None) => match machine.pending() {
            Some(request) => format!(
                "the run was cut off: nothing was recorded behind the question that {} asks",
                request.opcode.mnemonic()
            ),
            None => String::from("the run was cut off here"),
        },
    })
}

/// How much failed, ahead of the last failure.
fn failures(machine: &Machine) -> String {
    match machine.failures() {
        1 => String::from("1 failure"),
        more => format!("{more} failures, the last"),
    }
}

/// How the run ended, in full. The session has to be at the end.
pub(crate) fn end(session: &Session) -> Reply {
    let machine = session.machine();
    let mut out = how_it_ended(session).unwrap_or_else(|| String::from("the run goes on"));
    let (kind, value, place) = match machine.end() {
        Some(End::Halted(value)) => ("halted", datum(value), None),
        Some(End::Exhausted(meter)) => ("exhausted", meter.name().into(), Some(machine.at())),
        Some(End::Trapped(trap)) => ("trapped", trap.to_string().into(), Some(trap.at)),
        Some(End::Unapproved(wanted)) => {
            ("unapproved", wanted.to_string().into(), Some(machine.at()))
        }
        None => ("cut", Value::Null, None),
    };
    if let Some(place) = place {
        let _ = write!(out, "\nat {}", where_is(session, place));
    }
    if let Some(failure) = machine.last_failure() {
        let _ = write!(out, "\n{}: {failure}", failures(machine));
    }
    let data = record([
        ("end", kind.into()),
        ("value", value),
        ("text", Value::from(out.as_str())),
        ("step", int(session.step())),
        ("failures", int(machine.failures())),
    ]);
    Reply::new(out, data)
}

fn where_is(session: &Session, at: CodePlace) -> String {
    let code = &session.code;
    let mut out = code.place_name(at);
    if let Some(line) = code.line(at) {
        let _ = write!(out, ", {}:{}", code.file(line.0), line.1);
        if let Some(source) = code.text(line) {
            let _ = write!(out, ": {}", source.trim());
        }
    }
    out
}

/// The registers of the current window, or with `all` the agent's and those that hold nothing too.
pub(crate) fn registers(session: &Session, all: bool) -> Reply {
    let machine = session.machine();
    let depth = machine.depth();
    let Some(window) = machine.window(depth) else {
        return Reply::error(String::from("there are no registers"));
    };
    let mut found: Vec<(&str, String, &Value)> = Vec::new();
    let at = window.at;
    let bare = depth > 0 && session.code.program().debug.is_none();
    for number in 0..=u8::MAX {
        let Some(value) = machine.value(&window, number) else { break };
        let name = match depth {
            0 => machine.image().program().registers.get(usize::from(number)).cloned(),
            _ => Some(session.code.register_name(at, number)),
        };
        let name = name.filter(|name| !name.is_empty());
        let named = name.as_ref().is_some_and(|name| !name.starts_with('%'));
        // Registers for intermediate results are of interest where others have no names either.
        let wanted = if named {
            all || *value != Value::Null
        } else {
            *value != Value::Null && (all || bare)
        };
        if wanted {
            found.push(("own", name.unwrap_or_else(|| format!("%{number}")), value));
        }
    }
    if all && depth > 0 {
        found.extend(machine.registers().map(|(name, value)| ("agent", name.to_owned(), value)));
    }
    let lines = found.iter().map(|(whose, name, value)| {
        let whose = if *whose == "agent" { "agent's " } else { "" };
        format!("{whose}{name}: {} = {}", value.type_name(), show(value, MAX_VALUE))
    });
    let lines: Vec<String> = lines.collect();
    let text = if lines.is_empty() {
        String::from("no register holds anything")
    } else {
        lines.join("\n")
    };
    let data = found.iter().map(|(whose, name, value)| {
        record([
            ("name", name.as_str().into()),
            ("of", (*whose).into()),
            ("type", value.type_name().into()),
            ("value", datum(value)),
        ])
    });
    Reply::new(text, list(data))
}

/// What a path holds, where a part that is not there is `NULL`, or what an expression is worth.
pub(crate) fn print(session: &Session, text: &str) -> Result<Reply, String> {
    let machine = session.machine();
    let register = |name: &str| session.code.value(machine, machine.depth(), name);
    let (path, value) = worth(text, register)?;
    let name = path.map_or_else(|| text.to_owned(), |path| path.to_string());
    let text = format!("{name}: {} = {}", value.type_name(), show(&value, 10_000));
    let data =
        [("path", name.into()), ("type", value.type_name().into()), ("value", datum(&value))];
    Ok(Reply::new(text, record(data)))
}

/// A value in a few characters; lists and records by their sizes.
#[cfg(feature = "repl")]
pub(crate) fn brief(value: &Value) -> Option<String> {
    match value {
        Value::List(list) => Some(format!("list of {}", list.len())),
        Value::Record(record) => Some(format!("record of {}", record.len())),
        value if value.heap() <= 1024 => Some(show(value, MAX_OPERAND)),
        _ => None,
    }
}

/// The notes that were written behind a step, up to where the session stands: lines, and data.
pub(crate) fn notes_since(session: &Session, step: u64) -> (Vec<String>, Value) {
    /// Most notes shown: the last ones.
    const SHOWN: usize = 10;
    let machine = session.machine();
    // What a step wrote counts the step itself.
    let new: Vec<_> = machine.log().skip_while(|entry| entry.step <= step).collect();
    let (before, shown) = new.split_at(new.len().saturating_sub(SHOWN));
    let mut lines = Vec::new();
    if !before.is_empty() {
        lines.push(format!("log: … {} before", before.len()));
    }
    lines.extend(shown.iter().map(|entry| {
        let note = avm_ir::value::to_text(&entry.note);
        let mut note: String = note.chars().take(MAX_VALUE).collect();
        // A note is one line here, so that a place is found below it.
        note = note.replace(['\n', '\r'], " ");
        format!("log: {note}")
    }));
    let data = shown
        .iter()
        .map(|entry| record([("step", int(entry.step - 1)), ("note", datum(&entry.note))]));
    (lines, list(data))
}

/// The calls that are open, innermost first.
pub(crate) fn calls(session: &Session) -> Reply {
    /// Most calls shown at each end.
    const SHOWN: usize = 20;
    let machine = session.machine();
    let (depth, code) = (machine.depth(), &session.code);
    let mut lines = Vec::new();
    let mut data = Vec::new();
    for number in (0..=depth).rev() {
        if number + SHOWN < depth && number > SHOWN {
            continue;
        }
        if number == SHOWN && depth > 2 * SHOWN {
            lines.push(format!("… {} more", depth - 2 * SHOWN));
        }
        let Some(window) = machine.window(number) else { continue };
        let at = if number == depth { session.place() } else { waits_at(&window) };
        lines.push(format!("#{number} {}", where_is(session, at)));
        let line = code.line(at);
        data.push(record([
            ("depth", int(number as u64)),
            ("place", code.place_name(at).into()),
            ("file", text(line.map(|(file, _)| code.file(file)))),
            ("line", line.map_or(Value::Null, |(_, line)| int(line.into()))),
        ]));
    }
    Reply::new(lines.join("\n"), list(data))
}

/// The agent's private store and its saved state.
pub(crate) fn store(session: &Session) -> Reply {
    /// Most keys shown.
    const SHOWN: usize = 200;
    let machine = session.machine();
    let count = machine.store().count();
    let mut lines: Vec<String> = { machine.store().take(SHOWN) }
        .map(|(key, value)| {
            let key = show(&Value::Text(key.clone()), MAX_VALUE);
            format!("{key}: {} = {}", value.type_name(), show(value, MAX_VALUE))
        })
        .collect();
    match count {
        0 => lines.push(String::from("the store is empty")),
        more if more > SHOWN => lines.push(format!("… {} more", more - SHOWN)),
        _ => {}
    }
    if *machine.saved() != Value::Null {
        lines.push(format!("saved state: {}", show(machine.saved(), MAX_VALUE)));
    }
    let pairs = machine
        .store()
        .take(SHOWN)
        .map(|(key, value)| record([("key", Value::Text(key.clone())), ("value", datum(value))]));
    let data =
        [("keys", int(count as u64)), ("store", list(pairs)), ("saved", datum(machine.saved()))];
    Reply::new(lines.join("\n"), record(data))
}

/// The status words and the last failure.
pub(crate) fn status(session: &Session) -> Reply {
    let machine = session.machine();
    let mut lines = Vec::new();
    let mut data = Vec::new();
    for word in StatusWord::ALL {
        let value = machine.status(word);
        let name = word.name();
        lines.push(format!("{name} = {}", show(&value, MAX_VALUE)));
        data.push(record([("word", name.into()), ("value", datum(&value))]));
    }
    let failure = machine.last_failure().map(ToString::to_string);
    if let Some(failure) = &failure {
        lines.push(format!("{}: {failure}", failures(machine)));
    }
    let data = record([
        ("status", list(data)),
        ("failures", int(machine.failures())),
        ("last_failure", text(failure.as_deref())),
    ]);
    Reply::new(lines.join("\n"), data)
}

/// Gas and the other meters.
pub(crate) fn meters(session: &Session) -> Reply {
    let machine = session.machine();
    let mut lines = Vec::new();
    let mut data = Vec::new();
    for meter in Meter::ALL {
        let (used, limit) = (machine.used(*meter), machine.limit(*meter));
        let unlimited = limit == u64::MAX;
        let most = if unlimited { String::from("no limit") } else { meter.show(limit) };
        lines.push(format!("{}: {} of {most}", meter.name(), meter.show(used)));
        data.push(record([
            ("meter", meter.name().into()),
            ("unit", meter.unit().into()),
            ("used", int(used)),
            ("limit", if unlimited { Value::Null } else { int(limit) }),
        ]));
    }
    Reply::new(lines.join("\n"), list(data))
}

/// The last notes of the log.
pub(crate) fn log(session: &Session, most: usize) -> Reply {
    let machine = session.machine();
    let count = machine.log().count();
    let shown: Vec<_> = machine.log().skip(count.saturating_sub(most)).collect();
    let mut lines = Vec::new();
    if count == 0 {
        lines.push(String::from("the log is empty"));
    } else if count > shown.len() {
        lines.push(format!("… {} before", count - shown.len()));
    }
    for entry in &shown {
        // The step that wrote it is the one before.
        let note = avm_ir::value::to_text(&entry.note);
        let note: String = note.chars().take(MAX_VALUE).collect();
        lines.push(format!("step {}: {note}", entry.step - 1));
    }
    let data = shown
        .into_iter()
        .map(|entry| record([("step", int(entry.step - 1)), ("note", datum(&entry.note))]));
    Reply::new(lines.join("\n"), list(data))
}

/// Source lines around here; instructions where there is no source.
pub(crate) fn source(session: &Session, around: u32) -> Reply {
    let at = session.place();
    let code = &session.code;
    let here = code.line(at);
    let Some((file, line)) = here.filter(|here| code.text(*here).is_some()) else {
        return instructions(session, around);
    };
    let mut lines = vec![code.file(file).to_owned()];
    let mut data = Vec::new();
    for number in line.saturating_sub(around).max(1)..=line.saturating_add(around) {
        let Some(source) = code.text((file, number)) else { break };
        let mark = if number == line { '>' } else { ' ' };
        lines.push(format!("{mark}{number:>5} | {source}"));
        data.push(record([("line", int(number.into())), ("text", source.into())]));
    }
    let data =
        [("file", code.file(file).into()), ("line", int(line.into())), ("lines", list(data))];
    Reply::new(lines.join("\n"), record(data))
}

/// Instructions around here.
pub(crate) fn instructions(session: &Session, around: u32) -> Reply {
    let machine = session.machine();
    let at = session.place();
    let code = &session.code;
    let mut lines = Vec::new();
    lines.extend(versions::rewritten(machine, at.region));
    let mut data = Vec::new();
    for pc in at.pc.saturating_sub(around)..=at.pc.saturating_add(around) {
        let place = CodePlace { pc, ..at };
        let Some(instr) = code.instr(place) else { break };
        let mut operands = code.operands(machine, place);
        // Registers hold what they hold here; elsewhere they are only names.
        if pc != at.pc || machine.end().is_some() {
            for shown in operands.iter_mut().filter(|shown| shown.name.is_some()) {
                shown.value = None;
            }
        }
        for (name, _) in code.labels().filter(|(_, label)| *label == place) {
            lines.push(format!(":{name}"));
        }
        let mark = if pc == at.pc { '>' } else { ' ' };
        let mnemonic = instr.op.mnemonic();
        let shown = instruction(mnemonic, &operands);
        lines.push(format!("{mark}{pc:>5} {shown}"));
        data.push(record([("pc", int(pc.into())), ("text", shown.into())]));
    }
    if data.is_empty() {
        lines.push(String::from("behind the last instruction"));
    }
    Reply::new(lines.join("\n"), list(data))
}

/// The checkpoints, as far as they are of interest to people.
pub(crate) fn checkpoints(session: &Session) -> Reply {
    let (count, bytes) = session.run.timeline.checkpoints();
    let text = format!("{count} in all, of at most {bytes} bytes");
    Reply::new(text, record([("count", int(count as u64)), ("bytes", int(bytes))]))
}
