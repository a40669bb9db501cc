//! Breakpoints of all kinds, as the client keeps them. What they wait for is in [`crate::stops`];
//! here are their groups (each replaced as a whole), hit conditions and log messages.

mod soft;

use avm_ir::verify::CodePlace;
use serde_json::{Value as Json, json};

use self::soft::{HitCondition, LogMessage};
use super::{
    adapter::{Adapter, Answer, Client, Debuggee, Failure, body, read},
    places,
    protocol::{
        Breakpoint, DataBreakpoint, DataBreakpointInfo, DataInfo, Filter, FunctionBreakpoint,
        InstructionBreakpoint, SetBreakpoints, SetDataBreakpoints, SetExceptionBreakpoints,
        SetFunctionBreakpoints, SetInstructionBreakpoints, SourceArgument, SourceBreakpoint,
    },
    variables,
};
use crate::{
    code::{Code, Scope},
    commands,
    expr::{Condition, Path},
    search::{Hit, Test, What},
    session::Session,
    stops,
};

/// Breakpoints of one request that are looked at; nobody has more.
const MAX_ASKED: usize = 100;

const CONDITION: &str = "an expression of the language: size > 3 AND LEN(r.items) == 2";

/// What can be caught besides breakpoints.
pub(super) const FILTERS: &[Filter] = &[
    Filter {
        filter: "failure",
        label: "Failures",
        description: "Behind an instruction that failed or trapped",
        supports_condition: true,
        condition_description: CONDITION,
    },
    Filter {
        filter: "denial",
        label: "Denials",
        description: "Behind an instruction that failed for want of a permission or grant",
        supports_condition: true,
        condition_description: CONDITION,
    },
    Filter {
        filter: "effect",
        label: "Effects",
        description: "Before an instruction that reaches outside",
        supports_condition: true,
        condition_description: CONDITION,
    },
];

/// Breakpoints that are replaced together.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Group {
    /// Of one source: its name in debug data, or the client's path of one that is not there.
    Source(String),
    Functions,
    Instructions,
    Data,
    Exceptions,
    /// Set by commands.
    Console,
}

/// A breakpoint as it was asked for.
#[derive(Clone, Debug)]
enum Wanted {
    Source(SourceArgument, SourceBreakpoint),
    Function(FunctionBreakpoint),
    Instruction(InstructionBreakpoint),
    Data(DataBreakpoint),
    Exception(String, Option<String>),
    /// A command.
    Console(String),
}

/// A breakpoint of the client.
#[derive(Debug)]
struct Stop {
    group: Group,
    wanted: Wanted,
    /// Its number in the session, if it could be set.
    number: Option<u64>,
    filter: Option<&'static str>,
    hit: Option<HitCondition>,
    log: Option<LogMessage>,
    /// Steps at which it holds, in order, as far as they were counted in the run of a number.
    seen: Vec<u64>,
    run: usize,
    counted: Option<u64>,
    shown: Breakpoint,
}

impl Stop {
    /// Whether moves by steps leave it out.
    const fn is_soft(&self) -> bool {
        self.hit.is_some() || self.log.is_some()
    }

    const fn reason(&self) -> &'static str {
        match self.group {
            Group::Source(_) | Group::Console => "breakpoint",
            Group::Functions => "function breakpoint",
            Group::Instructions => "instruction breakpoint",
            Group::Data => "data breakpoint",
            Group::Exceptions => "exception",
        }
    }
}

/// A breakpoint that a move came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Caught {
    number: u64,
    /// The client's number of it.
    pub(super) id: Option<i64>,
    pub(super) reason: &'static str,
    pub(super) filter: Option<&'static str>,
    pub(super) text: String,
}

impl Caught {
    /// One that is known by its number in the session alone.
    pub(super) fn number(number: u64) -> Self {
        Self { number, reason: "breakpoint", ..Self::default() }
    }
}

/// The client's breakpoints.
#[derive(Debug, Default)]
pub(super) struct Stops {
    all: Vec<Stop>,
    /// Numbers given so far.
    ids: i64,
}

/// What a breakpoint comes to in a program.
struct Made {
    test: Test,
    text: String,
    /// Where it is.
    at: Option<CodePlace>,
    hit: Option<HitCondition>,
    log: Option<LogMessage>,
    filter: Option<&'static str>,
}

/// The last place before a step, and not before another, where a test holds.
pub(super) fn last_before(
    session: &mut Session,
    before: u64,
    floor: u64,
    tests: &[Test],
) -> Option<Hit> {
    session.backward(before, floor, tests).ok().flatten()
}

/// The first place behind here where a test holds.
pub(super) fn first_behind(session: &mut Session, tests: &[Test]) -> Option<Hit> {
    session.forward(tests).ok().flatten()
}

/// A text that says something.
fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn condition(code: &Code, text: Option<&str>) -> Result<Option<Condition>, String> {
    let Some(text) = said(text) else { return Ok(None) };
    Ok(stops::split_condition(code, &format!("if {text}"))?.1)
}

fn hit_condition(text: Option<&str>) -> Result<Option<HitCondition>, String> {
    said(text).map(HitCondition::read).transpose()
}

/// The first of some places.
fn first(code: &Code, what: &What) -> Option<CodePlace> {
    what.places(code).first().copied()
}

fn make(run: &mut Debuggee, client: Client, wanted: &Wanted) -> Result<Made, String> {
    let code = run.session.code();
    let made = |what: What, text: String, of: Option<&str>, hit: Option<&str>| {
        let at = first(code, &what);
        let test = Test { what, condition: condition(code, of)? };
        Ok(Made { test, text, at, hit: hit_condition(hit)?, log: None, filter: None })
    };
    match wanted {
        Wanted::Source(source, asked) => {
            let file = run.sources.find(client, source).ok_or("the program has no such source")?;
            let line = client.line_from(asked.line).map_err(|failure| failure.to_string())?;
            let name = code.file(file);
            let found = code.line_places(Some(name), line).filter(|((f, _), _)| *f == file);
            let (at, _) = found.ok_or("there is no code from that line on")?;
            let line = at.1;
            let (of, hit) = (asked.condition.as_deref(), asked.hit_condition.as_deref());
            let mut made = made(What::At(at), format!("line {name}:{line}"), of, hit)?;
            let message = asked.log_message.as_deref().filter(|message| !message.is_empty());
            made.log = message.map(|message| LogMessage::read(code, message)).transpose()?;
            Ok(made)
        }
        Wanted::Function(asked) => {
            let what = stops::read_what(code, &asked.name)?;
            let (of, hit) = (asked.condition.as_deref(), asked.hit_condition.as_deref());
            made(what, asked.name.trim().to_owned(), of, hit)
        }
        Wanted::Instruction(asked) => {
            let at = places::instruction(code, &asked.instruction_reference, asked.offset)?;
            let name = places::reference(code, at);
            let (of, hit) = (asked.condition.as_deref(), asked.hit_condition.as_deref());
            made(What::Places([at].into()), name, of, hit)
        }
        Wanted::Data(asked) => {
            if asked.access_type.as_deref().is_some_and(|access| access != "write") {
                return Err(String::from("what is read is not watched, only what is written"));
            }
            let (scope, path) = read_data(code, &asked.data_id)?;
            let write = stops::watch(code, scope, path)?;
            let (of, hit) = (asked.condition.as_deref(), asked.hit_condition.as_deref());
            made(What::Write(write), format!("watch {path}"), of, hit)
        }
        Wanted::Exception(name, of) => {
            let filter = FILTERS.iter().find(|filter| filter.filter == name);
            let filter = filter.ok_or_else(|| format!("there is no filter {name}"))?.filter;
            let what = stops::read_what(code, filter)?;
            let made = made(what, filter.to_owned(), of.as_deref(), None)?;
            Ok(Made { filter: Some(filter), ..made })
        }
        Wanted::Console(_) => Err(String::from("set by a command")),
    }
}

impl Stops {
    /// Replaces a group.
    fn replace(
        &mut self,
        run: &mut Debuggee,
        client: Client,
        group: &Group,
        wanted: impl Iterator<Item = Wanted>,
    ) -> Vec<Breakpoint> {
        self.all.retain(|stop| {
            let goes = stop.group == *group;
            if let (true, Some(number)) = (goes, stop.number) {
                run.session.stops.retain(|breakpoint| breakpoint.number != number);
            }
            !goes
        });
        let mut shown = Vec::new();
        for (at, wanted) in wanted.enumerate() {
            self.ids += 1;
            let mut stop = Stop {
                group: group.clone(),
                wanted,
                number: None,
                filter: None,
                hit: None,
                log: None,
                seen: Vec::new(),
                run: 0,
                counted: None,
                shown: unverified(self.ids, String::from("too many breakpoints")),
            };
            if at < MAX_ASKED {
                set(run, client, &mut stop);
                shown.push(stop.shown.clone());
                self.all.push(stop);
            } else {
                shown.push(stop.shown);
            }
        }
        shown
    }

    /// Sets all of them in a run that was just opened; events of those that came out differently.
    pub(super) fn bring_over(
        &mut self,
        run: &mut Debuggee,
        client: Client,
    ) -> Vec<(&'static str, Json)> {
        let mut events = Vec::new();
        for stop in &mut self.all {
            let before = stop.shown.clone();
            (stop.number, stop.counted) = (None, None);
            stop.seen.clear();
            set(run, client, stop);
            if stop.shown != before {
                events.push(changed("changed", &stop.shown));
            }
        }
        events
    }

    /// Takes over what commands did to the session's breakpoints; events of that.
    pub(super) fn take_over(
        &mut self,
        run: &Debuggee,
        client: Client,
    ) -> Vec<(&'static str, Json)> {
        let mut events = Vec::new();
        let stops = &run.session.stops;
        self.all.retain(|stop| {
            let gone = |number| !stops.iter().any(|breakpoint| breakpoint.number == number);
            let gone = stop.number.is_some_and(gone);
            if gone {
                events.push(changed("removed", &stop.shown));
            }
            !gone
        });
        for breakpoint in stops {
            if self.all.iter().any(|stop| stop.number == Some(breakpoint.number)) {
                continue;
            }
            self.ids += 1;
            let at = first(run.session.code(), &breakpoint.test.what);
            let mut shown = verified(run, client, self.ids, at);
            let text = breakpoint.to_string();
            let text = text.split_once(": ").map_or(text.as_str(), |(_, text)| text).to_owned();
            shown.message = Some(text.clone());
            let command = if text.starts_with("watch ") { text } else { format!("break {text}") };
            events.push(changed("new", &shown));
            self.all.push(Stop {
                group: Group::Console,
                wanted: Wanted::Console(command),
                number: Some(breakpoint.number),
                filter: None,
                hit: None,
                log: None,
                seen: Vec::new(),
                run: 0,
                counted: None,
                shown,
            });
        }
        events
    }
}

fn changed(reason: &str, breakpoint: &Breakpoint) -> (&'static str, Json) {
    ("breakpoint", json!({ "reason": reason, "breakpoint": breakpoint }))
}

fn unverified(id: i64, message: String) -> Breakpoint {
    Breakpoint {
        id,
        verified: false,
        message: Some(message),
        source: None,
        line: None,
        instruction_reference: None,
        reason: Some("failed"),
    }
}

fn verified(run: &Debuggee, client: Client, id: i64, at: Option<CodePlace>) -> Breakpoint {
    let code = run.session.code();
    let line = at.and_then(|at| code.line(at));
    Breakpoint {
        id,
        verified: true,
        message: None,
        source: line.map(|(file, _)| run.sources.source(code, client, file)),
        line: line.map(|(_, line)| client.line(line)),
        instruction_reference: at.map(|at| places::reference(code, at)),
        reason: None,
    }
}

/// Sets a breakpoint in the session, or says why it could not be set.
fn set(run: &mut Debuggee, client: Client, stop: &mut Stop) {
    let id = stop.shown.id;
    if let Wanted::Console(command) = &stop.wanted {
        let reply = commands::run(&mut run.session, command);
        match reply.ok {
            true => stop.number = run.session.stops.last().map(|breakpoint| breakpoint.number),
            false => stop.shown = unverified(id, reply.text),
        }
        return;
    }
    let made = make(run, client, &stop.wanted).and_then(|made| {
        let Made { test, text, at, hit, log, filter } = made;
        let number = stops::insert(&mut run.session, text, test)?;
        (stop.hit, stop.log, stop.filter) = (hit, log, filter);
        Ok((number, at))
    });
    match made {
        Ok((number, at)) => {
            stop.number = Some(number);
            stop.shown = verified(run, client, id, at);
        }
        Err(message) => stop.shown = unverified(id, message),
    }
}

/// Answers with the breakpoints of a group.
fn answer(
    adapter: &mut Adapter<'_>,
    group: &Group,
    wanted: impl Iterator<Item = Wanted>,
) -> Answer {
    let client = adapter.client();
    let Adapter { run: Some(run), stops, .. } = adapter else {
        return adapter.debuggee().map(|_| ()).and_then(|()| body(&Json::Null));
    };
    body(&json!({ "breakpoints": stops.replace(run, client, group, wanted) }))
}

pub(super) fn set_source(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: SetBreakpoints = read(arguments)?;
    let client = adapter.client();
    let run = adapter.debuggee()?;
    let file = run.sources.learn(client, &asked.source);
    let name = file.map(|file| run.session.code().file(file).to_owned());
    let name = name.or_else(|| asked.source.path.clone()).or_else(|| asked.source.name.clone());
    let name = name.ok_or("the source has neither a path nor a reference")?;
    let lines = asked.lines.into_iter().flatten().map(|line| SourceBreakpoint {
        line,
        condition: None,
        hit_condition: None,
        log_message: None,
    });
    let breakpoints = asked.breakpoints.unwrap_or_else(|| lines.collect());
    let wanted = breakpoints.into_iter().map(|b| Wanted::Source(asked.source.clone(), b));
    answer(adapter, &Group::Source(name), wanted)
}

pub(super) fn set_functions(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: SetFunctionBreakpoints = read(arguments)?;
    answer(adapter, &Group::Functions, asked.breakpoints.into_iter().map(Wanted::Function))
}

pub(super) fn set_instructions(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: SetInstructionBreakpoints = read(arguments)?;
    answer(adapter, &Group::Instructions, asked.breakpoints.into_iter().map(Wanted::Instruction))
}

pub(super) fn set_data(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: SetDataBreakpoints = read(arguments)?;
    answer(adapter, &Group::Data, asked.breakpoints.into_iter().map(Wanted::Data))
}

pub(super) fn set_exceptions(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: SetExceptionBreakpoints = read(arguments)?;
    let plain = asked.filters.into_iter().map(|filter| Wanted::Exception(filter, None));
    let options = asked.filter_options.into_iter().flatten();
    let options = options.map(|option| Wanted::Exception(option.filter_id, option.condition));
    answer(adapter, &Group::Exceptions, plain.chain(options))
}

/// What a data breakpoint is on: `FUNCTION/PATH`, or `/PATH` of an agent's register.
fn name_data(code: &Code, scope: Scope, path: &Path) -> Option<String> {
    let function = match scope {
        Scope::Agent => "",
        Scope::Function(region, index) => &code.region(region)?.functions.get(index)?.name,
    };
    Some(format!("{function}/{path}"))
}

fn read_data<'a>(code: &Code, id: &'a str) -> Result<(Scope, &'a str), String> {
    let (function, path) =
        id.split_once('/').ok_or_else(|| format!("\"{id}\" is no data of this run"))?;
    let scope = match function {
        "" => Scope::Agent,
        name => {
            let at = code.label(name).ok_or_else(|| format!("there is no function {name}"))?;
            code.scope(at)
        }
    };
    Ok((scope, path))
}

pub(super) fn data_info(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: DataBreakpointInfo = read(arguments)?;
    let run = adapter.debuggee()?;
    let found = match asked.variables_reference.filter(|reference| *reference > 0) {
        Some(reference) => variables::child(run, reference, &asked.name)?,
        None => {
            let depth = variables::frame(run, asked.frame_id)?;
            let path = Path::read(&asked.name).map_err(|error| error.to_string());
            path.map(|path| (depth, path))
        }
    };
    let info = found.and_then(|(depth, path)| {
        let code = run.session.code();
        let window = run.session.machine().window(depth);
        let scope = window.map_or(Scope::Agent, |window| code.window_scope(&window, depth));
        let write = stops::watch(code, scope, &path.to_string())?;
        let scope = write.register.scope;
        let id = name_data(code, scope, &path);
        let id = id.ok_or_else(|| format!("{path} has no place"))?;
        Ok((id, path))
    });
    body(&match info {
        Ok((id, path)) => DataInfo {
            data_id: Some(id),
            description: path.to_string(),
            access_types: Some(vec!["write"]),
            can_persist: true,
        },
        Err(description) => {
            DataInfo { data_id: None, description, access_types: None, can_persist: false }
        }
    })
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}
