//! The table of requests, and how they are answered.

use std::io::{self, Write};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json, json};

use super::{
    Launch, Opened, ServeError,
    inbox::{Inbox, Incoming, Request},
    moves::{self, Move},
    places::{self, Sources, Targets},
    protocol::{Cancel, Initialize, Message, Output, Restart, Stopped, Thread},
    stopping::{self, FILTERS, Stops},
    variables::{self, Handles},
    wire,
};
use crate::session::Session;

/// The number of the one thread: the agent.
pub(super) const THREAD: i64 = 1;

/// Why a request could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    kind: FailureKind,
    message: String,
}

/// Numbers of errors, for clients that look messages up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// It cannot be done here and now.
    Failed = 1,
    /// Nothing of that name is done here.
    Unknown = 2,
    /// The arguments are not those of the request, or it is no request.
    Arguments = 3,
    /// It came too early or too late.
    State = 4,
    /// The client called it off.
    Cancelled = 5,
}

impl Failure {
    pub(super) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::new(FailureKind::Failed, message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self::new(FailureKind::Failed, message)
    }
}

/// What comes behind the answer to a request.
#[derive(Debug)]
pub(super) enum Then {
    /// Events.
    Say(Vec<(&'static str, Json)>),
    /// Going somewhere.
    Go(Move),
    /// The session has gone somewhere.
    Arrived(Stopped),
    /// The run is over for the client.
    Terminated,
    /// The conversation is over.
    Close,
}

/// An answer: a body, and what comes behind it.
#[derive(Debug)]
pub(super) struct Done {
    body: Json,
    then: Vec<Then>,
}

pub(super) type Answer = Result<Done, Failure>;

/// An answer with a body alone.
pub(super) fn body(body: &impl Serialize) -> Answer {
    let body = serde_json::to_value(body).map_err(|error| error.to_string())?;
    Ok(Done { body, then: Vec::new() })
}

/// An empty answer, and what comes behind it.
pub(super) fn then(then: Then) -> Answer {
    Ok(Done { body: Json::Null, then: vec![then] })
}

impl Done {
    pub(super) fn then(mut self, then: Then) -> Self {
        self.then.push(then);
        self
    }
}

/// The arguments of a request.
pub(super) fn read<T: DeserializeOwned>(arguments: Json) -> Result<T, Failure> {
    let wrong = |what: &str| Failure::new(FailureKind::Arguments, format!("arguments: {what}"));
    let arguments = match arguments {
        Json::Null => json!({}),
        Json::Object(_) => arguments,
        _ => return Err(wrong("they have to be an object")),
    };
    serde_json::from_value(arguments).map_err(|error| wrong(&error.to_string()))
}

/// What the client can do with what it gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    lines_from_1: bool,
    columns_from_1: bool,
    /// Paths are URIs.
    pub(super) uris: bool,
    /// Whether it wants types of values.
    pub(super) types: bool,
    invalidated: bool,
}

impl Client {
    /// A line for the client; lines are counted from 1 here.
    pub(super) fn line(self, line: u32) -> i64 {
        i64::from(line) - i64::from(!self.lines_from_1)
    }

    /// A line of the client.
    pub(super) fn line_from(self, line: i64) -> Result<u32, Failure> {
        let line = line.saturating_add(i64::from(!self.lines_from_1));
        let fits = u32::try_from(line).ok().filter(|line| *line > 0);
        fits.ok_or_else(|| Failure::from(format!("there is no line {line}")))
    }

    /// A column for the client; columns are counted from 1 here.
    pub(super) fn column(self, column: usize) -> i64 {
        let column = i64::try_from(column).unwrap_or(i64::MAX);
        column - i64::from(!self.columns_from_1)
    }

    /// A column of the client, from 0.
    pub(super) fn offset_from(self, column: i64) -> usize {
        usize::try_from(column - i64::from(self.columns_from_1)).unwrap_or(0)
    }

    /// An offset from 0, for the client.
    pub(super) fn offset(self, offset: usize) -> usize {
        offset + usize::from(self.columns_from_1)
    }
}

/// The run that is looked at.
#[derive(Debug)]
pub(super) struct Debuggee {
    pub(super) session: Session,
    pub(super) sources: Sources,
    pub(super) handles: Handles,
    pub(super) targets: Targets,
    /// Filters that the last stop was for.
    pub(super) filters: Vec<&'static str>,
}

/// What goes out, numbered.
pub(super) struct Out<'a> {
    writer: &'a mut dyn Write,
    seq: i64,
}

impl Out<'_> {
    fn send(&mut self, mut message: Map<String, Json>) -> Result<(), ServeError> {
        self.seq += 1;
        message.insert(String::from("seq"), self.seq.into());
        let bytes = serde_json::to_vec(&message).map_err(|error| {
            ServeError::Write(io::Error::new(io::ErrorKind::InvalidData, error))
        })?;
        wire::send(self.writer, &bytes).map_err(ServeError::Write)
    }

    /// Sends an event.
    pub(super) fn event(&mut self, event: &str, body: &impl Serialize) -> Result<(), ServeError> {
        let mut message = Map::new();
        message.insert(String::from("type"), "event".into());
        message.insert(String::from("event"), event.into());
        if let Ok(body @ Json::Object(_)) = serde_json::to_value(body) {
            message.insert(String::from("body"), body);
        }
        self.send(message)
    }

    /// Sends a line of text.
    pub(super) fn output(&mut self, category: &'static str, text: &str) -> Result<(), ServeError> {
        self.event("output", &Output { category, output: format!("{text}\n") })
    }

    fn answer(
        &mut self,
        seq: i64,
        command: &str,
        answer: Result<Json, Failure>,
    ) -> Result<(), ServeError> {
        let mut message = Map::new();
        message.insert(String::from("type"), "response".into());
        message.insert(String::from("request_seq"), seq.into());
        message.insert(String::from("command"), command.into());
        message.insert(String::from("success"), answer.is_ok().into());
        match answer {
            Ok(Json::Null) => {}
            Ok(body) => drop(message.insert(String::from("body"), body)),
            Err(failure) => {
                let cancelled = failure.kind == FailureKind::Cancelled;
                let short = if cancelled { "cancelled" } else { failure.message.as_str() };
                message.insert(String::from("message"), short.into());
                // Braces in a format stand for variables.
                let format = failure.message.replace(['{', '}'], "'");
                let show_user = TOLD.contains(&command);
                let error = Message { id: failure.kind as u32, format, show_user };
                message.insert(String::from("body"), json!({ "error": error }));
            }
        }
        self.send(message)
    }
}

/// Makes a session.
type Open<'a> = dyn FnMut(&Launch) -> Result<Opened, String> + 'a;

/// A conversation.
pub(super) struct Adapter<'a> {
    pub(super) out: Out<'a>,
    open: &'a mut Open<'a>,
    pub(super) inbox: Inbox,
    /// Known once it said `initialize`.
    client: Option<Client>,
    pub(super) run: Option<Debuggee>,
    pub(super) stops: Stops,
    launch: Launch,
    /// Whether the client has said all there is to say before the run begins.
    configured: bool,
}

type Handler = fn(&mut Adapter<'_>, Json) -> Answer;

/// Every request that is answered.
const REQUESTS: &[(&str, Handler)] = &[
    ("initialize", initialize),
    ("launch", launch),
    ("attach", attach),
    ("configurationDone", configured),
    ("restart", restart),
    ("terminate", terminate),
    ("disconnect", |_, _| then(Then::Close)),
    ("cancel", cancel),
    ("threads", threads),
    ("stackTrace", variables::stack_trace),
    ("scopes", variables::scopes),
    ("variables", variables::variables),
    ("evaluate", variables::evaluate),
    ("setVariable", variables::set_variable),
    ("setExpression", variables::set_expression),
    ("completions", variables::completions),
    ("continue", moves::resume),
    ("reverseContinue", moves::resume_back),
    ("next", moves::next),
    ("stepIn", moves::step_in),
    ("stepOut", moves::step_out),
    ("stepBack", moves::step_back),
    ("pause", moves::pause),
    ("goto", moves::goto),
    ("restartFrame", moves::restart_frame),
    ("gotoTargets", places::goto_targets),
    ("exceptionInfo", moves::exception_info),
    ("setBreakpoints", stopping::set_source),
    ("setFunctionBreakpoints", stopping::set_functions),
    ("setInstructionBreakpoints", stopping::set_instructions),
    ("setDataBreakpoints", stopping::set_data),
    ("setExceptionBreakpoints", stopping::set_exceptions),
    ("dataBreakpointInfo", stopping::data_info),
    ("breakpointLocations", places::breakpoint_locations),
    ("disassemble", places::disassemble),
    ("loadedSources", places::loaded_sources),
    ("source", places::source),
];

/// Requests that somebody makes by hand: why one of them failed is told. Others a client makes as it
/// likes, such as what is under the mouse, and it shows the answer where it belongs.
const TOLD: &[&str] = &[
    "continue",
    "goto",
    "gotoTargets",
    "next",
    "pause",
    "restart",
    "restartFrame",
    "reverseContinue",
    "setExpression",
    "setVariable",
    "stepBack",
    "stepIn",
    "stepOut",
];

/// Names of the requests that are answered.
pub fn requests() -> impl Iterator<Item = &'static str> {
    REQUESTS.iter().map(|(name, _)| *name)
}

/// Whatever is always there. What the client cannot know of works without it being named.
const CAPABILITIES: &[&str] = &[
    "supportsBreakpointLocationsRequest",
    "supportsCancelRequest",
    "supportsClipboardContext",
    "supportsCompletionsRequest",
    "supportsConditionalBreakpoints",
    "supportsConfigurationDoneRequest",
    "supportsDataBreakpoints",
    "supportsDelayedStackTraceLoading",
    "supportsDisassembleRequest",
    "supportsEvaluateForHovers",
    "supportsExceptionFilterOptions",
    "supportsExceptionInfoRequest",
    "supportsFunctionBreakpoints",
    "supportsGotoTargetsRequest",
    "supportsHitConditionalBreakpoints",
    "supportsInstructionBreakpoints",
    "supportsLoadedSourcesRequest",
    "supportsLogPoints",
    "supportsRestartFrame",
    "supportsRestartRequest",
    "supportsStepBack",
    "supportsSteppingGranularity",
    "supportsTerminateRequest",
];

/// What there is where runs that leave this one have somewhere to go; a client hears of it when the run
/// is opened.
const EDITING: &[&str] = &["supportsSetExpression", "supportsSetVariable"];

impl<'a> Adapter<'a> {
    pub(super) fn new(writer: &'a mut dyn Write, open: &'a mut Open<'a>, inbox: Inbox) -> Self {
        Self {
            out: Out { writer, seq: 0 },
            open,
            inbox,
            client: None,
            run: None,
            stops: Stops::default(),
            launch: Launch::default(),
            configured: false,
        }
    }

    /// Answers until there is nothing more to answer.
    pub(super) fn run(&mut self) -> Result<(), ServeError> {
        loop {
            match self.inbox.next() {
                Incoming::Request(request) => {
                    let go_on = self.request(request)?;
                    self.inbox.end();
                    if !go_on {
                        return Ok(());
                    }
                }
                Incoming::Wrong(seq, what) => {
                    let failure = Failure::new(FailureKind::Arguments, what);
                    self.out.answer(seq, "", Err(failure))?;
                }
                Incoming::Closed(why) => return why.map_err(ServeError::Read),
            }
        }
    }

    /// Answers a request and does what comes behind it; whether the conversation goes on.
    fn request(&mut self, request: Request) -> Result<bool, ServeError> {
        let Request { seq, command, arguments, .. } = request;
        let answer = match self.inbox.begin(seq) {
            true => self.answer(&command, arguments),
            false => Err(Failure::new(FailureKind::Cancelled, "cancelled")),
        };
        let behind = match answer {
            Ok(Done { body, then }) => {
                self.out.answer(seq, &command, Ok(body))?;
                then
            }
            Err(failure) => {
                self.out.answer(seq, &command, Err(failure))?;
                Vec::new()
            }
        };
        for then in behind {
            match then {
                Then::Say(events) => {
                    for (event, body) in events {
                        self.out.event(event, &body)?;
                    }
                }
                Then::Go(way) => moves::go(self, way)?,
                Then::Arrived(stopped) => self.out.event("stopped", &stopped)?,
                Then::Terminated => self.terminated()?,
                Then::Close => return Ok(false),
            }
        }
        Ok(true)
    }

    fn answer(&mut self, command: &str, arguments: Json) -> Answer {
        let row = REQUESTS.iter().find(|(name, _)| *name == command);
        let Some((_, handler)) = row else {
            let message = format!("there is no request {command} here");
            return Err(Failure::new(FailureKind::Unknown, message));
        };
        if self.client.is_none() && !matches!(command, "initialize" | "disconnect") {
            return Err(Failure::new(FailureKind::State, "the first request is initialize"));
        }
        handler(self, arguments)
    }

    /// Answers the requests to pause that stopped what was running.
    pub(super) fn answer_pauses(&mut self) -> Result<(), ServeError> {
        for request in self.inbox.interrupting("pause") {
            self.out.answer(request.seq, &request.command, Ok(Json::Null))?;
        }
        Ok(())
    }

    /// A run that was going on, and was stopped while a breakpoint was looked for: to where it is by
    /// now, as far as that was kept.
    pub(super) fn follow(&mut self) {
        if let Some(Debuggee { session, .. }) = &mut self.run
            && session.timeline().is_live()
            && let Some(last) = session.journal().records.last().map(|record| record.steps)
            && last > session.step()
        {
            session.seek(last);
        }
    }

    /// What the client can do. Nothing but `initialize` is answered before that is known.
    pub(super) fn client(&self) -> Client {
        self.client.unwrap_or(Client {
            lines_from_1: true,
            columns_from_1: true,
            uris: false,
            types: false,
            invalidated: false,
        })
    }

    /// The run that is looked at.
    pub(super) fn debuggee(&mut self) -> Result<&mut Debuggee, Failure> {
        self.run.as_mut().ok_or_else(no_run)
    }

    /// Tells the client that what it knows of the run is not so any more.
    pub(super) fn invalidated(&self) -> Option<Then> {
        let event = || Then::Say(vec![("invalidated", json!({ "areas": ["all"] }))]);
        self.client().invalidated.then(event)
    }

    /// Opens what is asked for and brings the breakpoints over.
    fn begin(&mut self, launch: Launch) -> Result<Vec<(&'static str, Json)>, Failure> {
        let Opened { session, files } = (self.open)(&launch)?;
        self.inbox.reaches(session.interrupt());
        let sources = Sources::new(files, launch.program.as_deref(), session.code());
        let mut run = Debuggee {
            session,
            sources,
            handles: Handles::default(),
            targets: Targets::default(),
            filters: Vec::new(),
        };
        let client = self.client();
        let mut events = self.stops.bring_over(&mut run, client);
        let edits = |run: &Debuggee| run.session.home.is_some();
        if edits(&run) != self.run.as_ref().is_some_and(edits) {
            let capabilities = all(EDITING, edits(&run));
            events.push(("capabilities", json!({ "capabilities": capabilities })));
        }
        if let Some(old) = &self.run {
            // What the client still knows of the old run has no meaning in the new one.
            run.handles.behind(&old.handles);
            run.targets.behind(&old.targets);
        }
        self.run = Some(run);
        self.launch = launch;
        Ok(events)
    }

    /// How the run begins once everything is set.
    fn first(&self) -> Move {
        match &self.launch {
            Launch { no_debug: true, .. } => Move::Out,
            Launch { stop_on_entry: true, .. } => Move::Entry,
            _ => Move::First,
        }
    }

    /// Lets the run go.
    pub(super) fn terminated(&mut self) -> Result<(), ServeError> {
        if let Some(run) = self.run.take() {
            if let Some(code) = moves::exit_code(&run.session) {
                self.out.event("exited", &json!({ "exitCode": code }))?;
            }
            self.configured = false;
            self.out.event("terminated", &Json::Null)?;
        }
        Ok(())
    }
}

fn no_run() -> Failure {
    Failure::new(FailureKind::State, "no run is open; launch or attach opens one")
}

/// The thread that a request names is the one there is.
pub(super) fn on_thread(thread: i64) -> Result<(), Failure> {
    let failure = || Failure::from(format!("there is no thread {thread}"));
    (thread == THREAD).then_some(()).ok_or_else(failure)
}

/// Capabilities that are there, or not.
fn all(names: &[&str], there: bool) -> Map<String, Json> {
    names.iter().map(|name| ((*name).to_owned(), there.into())).collect()
}

fn initialize(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let asked: Initialize = read(arguments)?;
    if adapter.client.is_some() {
        return Err(Failure::new(FailureKind::State, "initialize was said already"));
    }
    let uris = match asked.path_format.as_deref() {
        None | Some("path") => false,
        Some("uri") => true,
        Some(other) => return Err(format!("paths of the format {other} are not known").into()),
    };
    adapter.client = Some(Client {
        lines_from_1: asked.lines_start_at1.unwrap_or(true),
        columns_from_1: asked.columns_start_at1.unwrap_or(true),
        uris,
        types: asked.supports_variable_type.unwrap_or(false),
        invalidated: asked.supports_invalidated_event.unwrap_or(false),
    });
    let mut capabilities = all(CAPABILITIES, true);
    capabilities.insert(String::from("exceptionBreakpointFilters"), json!(FILTERS));
    body(&capabilities)
}

fn launch(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    open(adapter, arguments, false)
}

fn attach(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    open(adapter, arguments, true)
}

fn asked(arguments: Json, attach: bool) -> Result<Launch, Failure> {
    let launch: Launch = read(arguments.clone())?;
    Ok(Launch { attach, arguments, ..launch })
}

fn open(adapter: &mut Adapter<'_>, arguments: Json, attach: bool) -> Answer {
    if adapter.run.is_some() {
        return Err(Failure::new(
            FailureKind::State,
            "a run is open already; restart opens it anew",
        ));
    }
    let launch = asked(arguments, attach)?;
    let events = adapter.begin(launch)?;
    adapter.configured = false;
    let done = then(Then::Say(events))?;
    Ok(done.then(Then::Say(vec![("initialized", Json::Null)])))
}

fn configured(adapter: &mut Adapter<'_>, _: Json) -> Answer {
    adapter.debuggee()?;
    if adapter.configured {
        return Err(Failure::new(FailureKind::State, "configurationDone was said already"));
    }
    adapter.configured = true;
    then(Then::Go(adapter.first()))
}

fn restart(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let again: Restart = read(arguments)?;
    if adapter.run.is_none() {
        return Err(no_run());
    }
    let launch = match again.arguments {
        None | Some(Json::Null) => adapter.launch.clone(),
        Some(arguments) => asked(arguments, adapter.launch.attach)?,
    };
    let events = adapter.begin(launch)?;
    let done = then(Then::Say(events))?;
    Ok(if adapter.configured { done.then(Then::Go(adapter.first())) } else { done })
}

fn terminate(adapter: &mut Adapter<'_>, _: Json) -> Answer {
    adapter.debuggee()?;
    then(Then::Terminated)
}

fn cancel(adapter: &mut Adapter<'_>, arguments: Json) -> Answer {
    let cancel: Cancel = read(arguments)?;
    // What ran was interrupted when this came in.
    if let Some(seq) = cancel.request_id {
        adapter.inbox.forget(seq);
    }
    body(&Json::Null)
}

fn threads(adapter: &mut Adapter<'_>, _: Json) -> Answer {
    adapter.debuggee()?;
    body(&json!({ "threads": [Thread { id: THREAD, name: String::from("agent") }] }))
}
