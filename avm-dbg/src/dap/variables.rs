//! Frames, scopes and values, and what is done with them.

use avm_ir::{StatusWord, Value};
use avm_vm::Meter;
use serde_json::{Value as Json, json};

use super::{
    adapter::{Adapter, Answer, Client, Debuggee, Failure, Then, body, on_thread, read},
    moves,
    places::reference,
    protocol::{
        Changed, Completion, Completions, Evaluate, Evaluated, Hint, Scope, Scopes, SetExpression,
        SetVariable, StackFrame, StackTrace, Variable, Variables,
    },
};
use crate::{
    code::waits_at,
    commands,
    expr::{Part, Path, worth},
    reply::show,
    session::Session,
    views,
};

/// Longest value among others, in characters.
const MAX_SHOWN: usize = 200;
/// Longest value by itself, in characters.
const MAX_ALONE: usize = 4000;
/// Values of more bytes are only named among others.
const LARGE: u64 = 1 << 16;
/// Most children of one answer, where the client names no number and where it does.
const MAX_CHILDREN: [usize; 2] = [1000, 10_000];
/// Most frames of one answer.
const MAX_FRAMES: usize = 1000;
/// Most values that can be expanded during one stop.
const MAX_HANDLES: usize = 1 << 18;
/// Notes of the log that are shown.
const LOG_TAIL: usize = 100;

/// What can be expanded.
#[derive(Clone, Debug)]
enum Handle {
    /// Registers of the window that so many calls led to.
    Registers(usize),
    Status,
    Meters,
    Store,
    Run,
    Log,
    /// A list, record or vector; where it is, if it is a part of a register.
    Inside(Value, Option<(usize, Path)>),
}

/// What the client may expand until the next move.
#[derive(Debug, Default)]
pub(super) struct Handles {
    all: Vec<Handle>,
    /// Number of the first, from 0.
    first: i64,
}

impl Handles {
    /// A number for it; 0 where there are too many.
    fn add(&mut self, handle: Handle) -> i64 {
        if self.all.len() >= MAX_HANDLES {
            return 0;
        }
        self.all.push(handle);
        self.first + self.all.len() as i64
    }

    fn get(&self, reference: i64) -> Result<Handle, Failure> {
        let index = reference.checked_sub(self.first + 1).and_then(|at| usize::try_from(at).ok());
        let handle = index.and_then(|at| self.all.get(at)).cloned();
        handle.ok_or_else(|| Failure::from("that value was of another stop; ask for it again"))
    }

    /// Forgets them; their numbers do not come again, as long as they fit what clients take.
    pub(super) fn clear(&mut self) {
        self.first += self.all.len() as i64;
        if self.first > 1 << 30 {
            self.first = 0;
        }
        self.all.clear();
    }

    /// Goes on behind the numbers of others.
    pub(super) fn behind(&mut self, other: &Self) {
        self.first = other.first + other.all.len() as i64;
    }
}

/// The window of a frame; of none, the innermost.
pub(super) fn frame(run: &Debuggee, id: Option<i64>) -> Result<usize, Failure> {
    let depth = run.session.machine().depth();
    let Some(id) = id else { return Ok(depth) };
    let frame = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
    let frame = frame.filter(|frame| *frame <= depth);
    frame.ok_or_else(|| Failure::from(format!("there is no frame {id}")))
}

/// A number from the client that may be left out.
fn count(number: Option<i64>) -> Result<usize, Failure> {
    usize::try_from(number.unwrap_or(0)).map_err(|_| Failure::from("a number below 0"))
}

pub(super) fn stack_trace(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: StackTrace = read(arguments)?;
    let client = adapter.client();
    let run = adapter.debuggee()?;
    on_thread(asked.thread_id)?;
    let (session, code) = (&run.session, run.session.code());
    let machine = session.machine();
    let depth = machine.depth();
    let levels = match count(asked.levels)? {
        0 => MAX_FRAMES,
        levels => levels.min(MAX_FRAMES),
    };
    let mut frames = Vec::new();
    for number in (0..=depth).rev().skip(count(asked.start_frame)?).take(levels) {
        let Some(window) = machine.window(number) else { continue };
        let at = if number == depth { session.place() } else { waits_at(&window) };
        let region = code.region(at.region);
        let function = region.and_then(|region| region.functions.get(code.function(at)?));
        let name = function.map(|function| &function.name).or(region.map(|region| &region.name));
        let place = code.program().place(at.region as usize, at.pc as usize);
        frames.push(StackFrame {
            id: number as i64 + 1,
            name: name.map_or("?", String::as_str).to_owned(),
            source: place.map(|place| run.sources.source(code, client, place.file)),
            line: place.map_or(0, |place| client.line(place.line)),
            column: place.map_or(0, |place| {
                let before = place.column.saturating_sub(1) as usize;
                let text = code.text((place.file, place.line));
                let units = text.map(|text| text.chars().take(before).map(char::len_utf16).sum());
                client.column(units.unwrap_or(before) + 1)
            }),
            instruction_pointer_reference: reference(code, at),
        });
    }
    body(&json!({ "stackFrames": frames, "totalFrames": depth + 1 }))
}

pub(super) fn scopes(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: Scopes = read(arguments)?;
    let run = adapter.debuggee()?;
    let depth = frame(run, Some(asked.frame_id))?;
    let machine = run.session.machine();
    let own = registers(&run.session, depth).len();
    let agents = registers(&run.session, 0).len();
    let store = machine.store().count() + 1;
    let rows = [
        ("Registers", Some("locals"), Handle::Registers(depth), own),
        ("Agent", None, Handle::Registers(0), agents),
        ("Status words", None, Handle::Status, StatusWord::ALL.len()),
        ("Meters", None, Handle::Meters, Meter::ALL.len()),
        ("Store", None, Handle::Store, store),
        ("Run", None, Handle::Run, run_facts(&run.session).len() + 1),
    ];
    let scopes: Vec<Scope> = { rows.into_iter() }
        // Outside of calls the agent's registers are the own ones.
        .filter(|(name, ..)| depth > 0 || *name != "Agent")
        .map(|(name, presentation_hint, handle, named_variables)| Scope {
            name,
            presentation_hint,
            variables_reference: run.handles.add(handle),
            named_variables,
            expensive: false,
        })
        .collect();
    body(&json!({ "scopes": scopes }))
}

/// Registers of a window with their names: those that have one, or without debug data those that
/// hold something.
fn registers(session: &Session, depth: usize) -> Vec<(String, &Value)> {
    let (machine, code) = (session.machine(), session.code());
    let Some(window) = machine.window(depth) else { return Vec::new() };
    let bare = depth > 0 && code.program().debug.is_none();
    let mut found = Vec::new();
    for number in 0..=u8::MAX {
        let Some(value) = machine.value(&window, number) else { break };
        let name = match depth {
            0 => code.program().registers.get(usize::from(number)).cloned().unwrap_or_default(),
            _ => code.register_name(window.at, number),
        };
        if !name.is_empty() && (!name.starts_with('%') || bare && *value != Value::Null) {
            found.push((name, value));
        }
    }
    found
}

/// Facts about the run.
fn run_facts(session: &Session) -> Vec<(&'static str, String)> {
    let machine = session.machine();
    let last = session.timeline().expected();
    let end = session.at_end().then(|| views::how_it_ended(session)).flatten();
    let failure = machine.last_failure().map(ToString::to_string);
    vec![
        ("step", machine.steps().to_string()),
        ("last step", last.map_or_else(|| String::from("not known yet"), |last| last.to_string())),
        ("end", end.unwrap_or_else(|| String::from("the run goes on"))),
        ("effects", machine.effects().to_string()),
        ("failures", machine.failures().to_string()),
        ("last failure", failure.unwrap_or_else(|| String::from("none"))),
    ]
}

/// A value in a line.
fn line(value: &Value, most: usize) -> String {
    match value {
        Value::List(list) if value.size() > LARGE => format!("list of {} items", list.len()),
        Value::Record(record) if value.size() > LARGE => {
            format!("record of {} fields", record.len())
        }
        Value::Vector(vector) if value.size() > LARGE => {
            format!("vector of {} components", vector.len())
        }
        Value::Text(text) if text.len() > 8 * most => {
            let cut: String = text.as_str().chars().take(most).collect();
            format!("{}…", show(&Value::text(&cut), usize::MAX))
        }
        value => show(value, most),
    }
}

/// Named and indexed children of a value.
fn children_of(value: &Value) -> (Option<usize>, Option<usize>) {
    match value {
        Value::Record(record) if !record.is_empty() => (Some(record.len()), None),
        Value::List(list) if !list.is_empty() => (None, Some(list.len())),
        Value::Vector(vector) if !vector.is_empty() => (None, Some(vector.len())),
        _ => (None, None),
    }
}

/// A value for the client: reference, named and indexed children.
fn expandable(
    handles: &mut Handles,
    value: &Value,
    place: Option<(usize, Path)>,
) -> (i64, Option<usize>, Option<usize>) {
    match children_of(value) {
        (None, None) => (0, None, None),
        (named, indexed) => (handles.add(Handle::Inside(value.clone(), place)), named, indexed),
    }
}

/// What variables are made with.
struct Maker<'a> {
    handles: &'a mut Handles,
    client: Client,
    /// The calls that are open, for names that mean something where the session stands.
    depth: usize,
}

impl Maker<'_> {
    fn variable(&mut self, name: String, value: &Value, place: Option<(usize, Path)>) -> Variable {
        let evaluate_name = place.as_ref().map(|(_, path)| path.to_string());
        let editable = place.as_ref().is_some_and(|(depth, _)| *depth == self.depth);
        let (variables_reference, named_variables, indexed_variables) =
            expandable(self.handles, value, place);
        Variable {
            name,
            value: line(value, MAX_SHOWN),
            r#type: self.client.types.then(|| value.type_name()),
            evaluate_name,
            variables_reference,
            named_variables,
            indexed_variables,
            presentation_hint: (!editable).then(read_only),
        }
    }

    fn fact(&self, name: impl Into<String>, value: impl Into<String>) -> Variable {
        Variable {
            name: name.into(),
            value: value.into(),
            r#type: None,
            evaluate_name: None,
            variables_reference: 0,
            named_variables: None,
            indexed_variables: None,
            presentation_hint: Some(read_only()),
        }
    }
}

fn read_only() -> Hint {
    Hint { attributes: vec!["readOnly"] }
}

/// A child of a path.
fn part(place: Option<&(usize, Path)>, part: Part) -> Option<(usize, Path)> {
    let (depth, path) = place?;
    let mut path = path.clone();
    path.parts.push(part);
    Some((*depth, path))
}

pub(super) fn variables(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: Variables = read(arguments)?;
    let client = adapter.client();
    let run = adapter.debuggee()?;
    let handle = run.handles.get(asked.variables_reference)?;
    let start = count(asked.start)?;
    let most = match count(asked.count)? {
        0 => MAX_CHILDREN[0],
        count => count.min(MAX_CHILDREN[1]),
    };
    let indexed = match &handle {
        Handle::Inside(value, _) => children_of(value).1.is_some(),
        _ => false,
    };
    let wanted = match asked.filter.as_deref() {
        None => true,
        Some("indexed") => indexed,
        Some("named") => !indexed,
        Some(other) => return Err(format!("there is no filter {other}").into()),
    };
    let Debuggee { session, handles, .. } = run;
    let mut maker = Maker { handles, client, depth: session.machine().depth() };
    let (mut found, total) = match wanted {
        true => children(session, &mut maker, &handle, start, most),
        false => (Vec::new(), 0),
    };
    let left = total.saturating_sub(start.saturating_add(found.len()));
    if left > 0 && asked.count.unwrap_or(0) == 0 {
        found.push(maker.fact("…", format!("{left} more")));
    }
    body(&json!({ "variables": found }))
}

/// Children of a handle from one on, and how many there are.
fn children(
    session: &Session,
    make: &mut Maker<'_>,
    handle: &Handle,
    start: usize,
    most: usize,
) -> (Vec<Variable>, usize) {
    let machine = session.machine();
    /// A part of what is there in full.
    fn page(all: Vec<Variable>, start: usize, most: usize) -> (Vec<Variable>, usize) {
        let total = all.len();
        (all.into_iter().skip(start).take(most).collect(), total)
    }
    match handle {
        Handle::Registers(depth) => {
            let all = registers(session, *depth);
            let total = all.len();
            let shown = all.into_iter().skip(start).take(most).map(|(name, value)| {
                let path = Path { name: name.clone(), parts: Vec::new() };
                make.variable(name, value, Some((*depth, path)))
            });
            (shown.collect(), total)
        }
        Handle::Status => {
            let all = StatusWord::ALL.into_iter();
            let all =
                all.map(|word| make.variable(word.name().to_owned(), &machine.status(word), None));
            page(all.collect(), start, most)
        }
        Handle::Meters => {
            let all = Meter::ALL.iter().map(|meter| {
                let (used, limit) = (machine.used(*meter), machine.limit(*meter));
                let limit = match limit {
                    u64::MAX => String::from("no limit"),
                    limit => meter.show(limit),
                };
                make.fact(meter.name(), format!("{} of {limit}", meter.show(used)))
            });
            page(all.collect(), start, most)
        }
        Handle::Store => {
            let total = machine.store().count() + 1;
            let mut shown: Vec<Variable> = { machine.store().skip(start).take(most) }
                .map(|(key, value)| make.variable(key.as_str().to_owned(), value, None))
                .collect();
            if shown.len() < most && start < total {
                shown.push(make.variable(String::from("(saved state)"), machine.saved(), None));
            }
            (shown, total)
        }
        Handle::Run => {
            let facts = run_facts(session).into_iter();
            let mut all: Vec<Variable> =
                facts.map(|(name, value)| make.fact(name, value)).collect();
            let notes = machine.log().count();
            let mut log = make.fact("log", format!("{notes} notes"));
            if notes > 0 {
                log.variables_reference = make.handles.add(Handle::Log);
                log.named_variables = Some(notes.min(LOG_TAIL));
            }
            all.push(log);
            page(all, start, most)
        }
        Handle::Log => {
            let tail = machine.log().count().saturating_sub(LOG_TAIL);
            let all = machine.log().skip(tail).map(|entry| {
                // The step that wrote it is the one before.
                let name = format!("step {}", entry.step.saturating_sub(1));
                make.variable(name, &entry.note, None)
            });
            page(all.collect(), start, most)
        }
        Handle::Inside(value, place) => {
            let place = place.as_ref();
            match value {
                Value::List(list) => {
                    let items = (0i64..).zip(list.iter()).skip(start).take(most);
                    let shown = items.map(|(index, item)| {
                        let place = part(place, Part::Item(index));
                        make.variable(format!("[{index}]"), item, place)
                    });
                    (shown.collect(), list.len())
                }
                Value::Record(record) => {
                    let fields = record.iter().skip(start).take(most);
                    let shown = fields.map(|(name, field)| {
                        let place = part(place, Part::Field(name.as_str().to_owned()));
                        make.variable(name.as_str().to_owned(), field, place)
                    });
                    (shown.collect(), record.len())
                }
                Value::Vector(vector) => {
                    let components = (0..).zip(vector.iter()).skip(start).take(most);
                    let shown = components.map(|(index, component): (u64, _)| {
                        make.fact(format!("[{index}]"), component.to_string())
                    });
                    (shown.collect(), vector.len())
                }
                _ => (Vec::new(), 0),
            }
        }
    }
}

/// Where a child of something that was expanded is; why it is nowhere that can be named.
pub(super) fn child(
    run: &Debuggee,
    reference: i64,
    name: &str,
) -> Result<Result<(usize, Path), String>, Failure> {
    let nowhere = || format!("{name} is no register, nor a part of one");
    Ok(match run.handles.get(reference)? {
        Handle::Registers(depth) => Ok((depth, Path { name: name.to_owned(), parts: Vec::new() })),
        Handle::Inside(value, place) => {
            let index = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
            let step = match (&value, index.and_then(|index| index.parse().ok())) {
                (Value::List(_), Some(index)) => Some(Part::Item(index)),
                (Value::Record(_), _) => Some(Part::Field(name.to_owned())),
                _ => None,
            };
            step.and_then(|step| part(place.as_ref(), step)).ok_or_else(nowhere)
        }
        _ => Err(nowhere()),
    })
}

pub(super) fn evaluate(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: Evaluate = read(arguments)?;
    let client = adapter.client();
    let context = asked.context.as_deref();
    let run = adapter.debuggee()?;
    let depth = frame(run, asked.frame_id)?;
    let text = asked.expression.trim();
    if text.is_empty() {
        return Err("there is nothing to evaluate".into());
    }
    let command = text.split_whitespace().next().and_then(commands::find);
    if context == Some("repl") && (command.is_some() || read_value(run, depth, text).is_err()) {
        return type_command(adapter, text);
    }
    let value = read_value(run, depth, text)?;
    let most = if context == Some("clipboard") { usize::MAX } else { MAX_ALONE };
    let result = match context {
        Some("clipboard") => show(&value, most),
        _ => line(&value, most),
    };
    let place = Path::read(text).ok().map(|path| (depth, path));
    let (variables_reference, named_variables, indexed_variables) =
        expandable(&mut run.handles, &value, place);
    body(&Evaluated {
        result,
        r#type: client.types.then(|| value.type_name()),
        variables_reference,
        named_variables,
        indexed_variables,
    })
}

/// What a path or an expression is worth in a window.
fn read_value(run: &Debuggee, depth: usize, text: &str) -> Result<Value, Failure> {
    let (machine, code) = (run.session.machine(), run.session.code());
    Ok(worth(text, |name| code.value(machine, depth, name))?.1)
}

/// Does a command of the debugger, and tells the client what it did.
fn type_command(adapter: &mut Adapter<'_>, line: &str) -> Answer {
    let client = adapter.client();
    let run = adapter.debuggee()?;
    let before = (run.session.step(), run.session.place());
    let reply = commands::run(&mut run.session, line);
    let moves = matches!(&reply.data, Value::Record(data) if data.get("position").is_some());
    let moved = moves || before != (run.session.step(), run.session.place());
    if moved {
        run.handles.clear();
        run.targets.clear();
    }
    if !reply.ok {
        return Err(reply.text.strip_prefix("error: ").unwrap_or(&reply.text).into());
    }
    let Adapter { run: Some(run), stops, .. } = &mut *adapter else {
        return Err("no run is open".into());
    };
    let events = stops.take_over(run, client);
    let mut done = body(&Evaluated {
        result: reply.text.clone(),
        r#type: None,
        variables_reference: 0,
        named_variables: None,
        indexed_variables: None,
    })?;
    if !events.is_empty() {
        done = done.then(Then::Say(events));
    }
    let quit = reply.quit;
    if moved {
        done = done.then(Then::Arrived(moves::typed(run, stops, reply)));
    }
    Ok(if quit { done.then(Then::Terminated) } else { done })
}

pub(super) fn set_variable(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: SetVariable = read(arguments)?;
    let run = adapter.debuggee()?;
    let (depth, path) = child(run, asked.variables_reference, &asked.name)??;
    change(adapter, depth, &path, &asked.value)
}

pub(super) fn set_expression(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: SetExpression = read(arguments)?;
    let run = adapter.debuggee()?;
    let depth = frame(run, asked.frame_id)?;
    let path = Path::read(&asked.expression).map_err(|error| error.to_string())?;
    change(adapter, depth, &path, &asked.value)
}

/// Has a register edited as it is seen from a window.
fn change(adapter: &mut Adapter<'_>, depth: usize, path: &Path, text: &str) -> Answer {
    let client = adapter.client();
    let run = adapter.debuggee()?;
    let here = run.session.machine().depth();
    if depth != here {
        return Err(format!("{path} can be changed in the innermost call alone").into());
    }
    let reply = commands::run(&mut run.session, &format!("set {path} = {}", text.trim()));
    if !reply.ok {
        return Err(reply.text.strip_prefix("error: ").unwrap_or(&reply.text).into());
    }
    let value = read_value(run, here, &path.to_string())?;
    let (variables_reference, named_variables, indexed_variables) =
        expandable(&mut run.handles, &value, Some((here, path.clone())));
    let done = body(&Changed {
        value: line(&value, MAX_SHOWN),
        r#type: client.types.then(|| value.type_name()),
        variables_reference,
        named_variables,
        indexed_variables,
    })?;
    Ok(match adapter.invalidated() {
        Some(then) => done.then(then),
        None => done,
    })
}

pub(super) fn completions(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: Completions = read(arguments)?;
    let client = adapter.client();
    let run = adapter.debuggee()?;
    let number = asked.line.map_or(Ok(1), |line| client.line_from(line))?;
    let line = asked.text.lines().nth(number as usize - 1).unwrap_or("");
    let wanted = client.offset_from(asked.column);
    let mut units = 0;
    let typed: String = line
        .chars()
        .take_while(|c| {
            units += c.len_utf16();
            units <= wanted
        })
        .collect();
    let (start, mut words) = commands::complete(&run.session, &typed);
    let word = &typed[start..];
    let registers = run.session.code().register_names();
    let kind = |word: &str| match registers.contains(word) {
        true => "variable",
        false if start == 0 => "function",
        false => "text",
    };
    // A register by itself is shown.
    let more = registers.iter().filter(|name| start == 0 && name.starts_with(word));
    words.extend(more.map(|name| (*name).to_owned()));
    let at = client.offset(typed[..start].encode_utf16().count());
    let length = word.encode_utf16().count();
    let item = |label: String| Completion { r#type: kind(&label), label, start: at, length };
    let targets: Vec<Completion> = words.into_iter().map(item).collect();
    body(&json!({ "targets": targets }))
}
