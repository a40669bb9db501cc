//! A run that is gone through in both directions.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use avm_ir::{Program, Schedule, VerifyError, program::FormatError, verify::CodePlace};
use avm_vm::{
    End, Image, InputError, Machine,
    journal::{Journal, JournalError, Player},
};

use crate::{
    code::{Code, Codes, Scope},
    commands,
    fork::Answers,
    live::{Home, Live},
    reply::Reply,
    search::{Hit, Search, Test, What},
    stops::Breakpoint,
    timeline::{Last, Timeline},
};

/// Why a journal cannot be looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum OpenError {
    /// It is no journal.
    Journal(JournalError),
    /// Its program is no program.
    Program(FormatError),
    /// Its program may not run.
    Verify(VerifyError),
    /// It was priced by a schedule that is not known here.
    Schedule,
    /// The machine cannot start as it did.
    Start(InputError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => write!(f, "{error}"),
            Self::Program(error) => write!(f, "the journal's program: {error}"),
            Self::Verify(error) => write!(f, "the journal's program: {error}"),
            Self::Schedule => f.write_str("the run was priced by a schedule not known here"),
            Self::Start(error) => write!(f, "the journal's start: {error}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// A run, and a place in it. Runs that were forked from it belong to the session too.
pub struct Session {
    /// Of the machine where the session stands.
    pub(crate) code: Arc<Code>,
    pub(crate) codes: Codes,
    pub(crate) run: Run,
    /// The other runs.
    pub(crate) others: Vec<Run>,
    /// Where runs that are forked go.
    pub(crate) home: Option<Box<dyn Home>>,
    /// Who answers those.
    pub(crate) answers: Answers,
    pub(crate) image: Arc<Image>,
    interrupt: Arc<AtomicBool>,
    pub(crate) stops: Vec<Breakpoint>,
    /// Breakpoints made so far.
    pub(crate) numbers: u64,
    /// The command that an empty one repeats.
    last: String,
    /// What the agent got from others and sent them, where it ran in a world.
    pub(crate) messages: Vec<Message>,
}

/// A message to or from the agent of a session, which ran in a world of many.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its number in the world.
    pub number: u64,
    /// The agent's executed instructions when it got or sent it; none if it never took it.
    pub step: Option<u64>,
    /// Whether the agent sent it.
    pub sent: bool,
    /// The other agent, by name.
    pub other: String,
    /// That one's executed instructions; none if it never took it.
    pub other_step: Option<u64>,
    /// What it is called.
    pub name: String,
    /// By which channel it came.
    pub channel: Option<String>,
    /// Size of what it carries, in bytes.
    pub bytes: u64,
    /// How to look at the other agent there.
    pub open: Option<String>,
}

/// One of the runs of a session.
#[derive(Debug)]
pub(crate) struct Run {
    /// From 1, in the order in which they came to be.
    pub(crate) number: usize,
    /// What people call it.
    pub(crate) name: String,
    /// The run that it left, and at which step.
    pub(crate) parent: Option<(usize, u64)>,
    pub(crate) timeline: Timeline,
    /// Where one stands in it.
    pub(crate) now: Player,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("run", &self.run).finish_non_exhaustive()
    }
}

/// A search that somebody stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

impl From<Interrupted> for String {
    fn from(interrupted: Interrupted) -> Self {
        interrupted.to_string()
    }
}

impl Session {
    /// Opens the bytes of a journal at the start of its run. A torn end is left out.
    pub fn open(bytes: &[u8]) -> Result<Self, OpenError> {
        let journal = Journal::read(bytes).map_err(OpenError::Journal)?;
        Self::of(journal)
    }

    /// Opens a journal at the start of its run.
    pub fn of(journal: Journal) -> Result<Self, OpenError> {
        let schedule = Schedule::v1();
        if journal.start.schedule != schedule.hash() {
            return Err(OpenError::Schedule);
        }
        let program = Program::from_bytes(&journal.start.program).map_err(OpenError::Program)?;
        let verified = avm_ir::verify(program).map_err(OpenError::Verify)?;
        let image = Arc::new(Image::new(verified, &schedule));
        Self::new(journal, image, None)
    }

    /// A run of a journal's program, or of one that is thought to do the same; where it is live, it
    /// goes on behind what was recorded.
    pub fn new(journal: Journal, image: Arc<Image>, live: Option<Live>) -> Result<Self, OpenError> {
        let code = Code::new(image.program(), &journal).map_err(OpenError::Verify)?;
        let mut codes = Codes::new(code);
        let code = codes.of(&image);
        let name = live.as_ref().map_or_else(String::new, Live::name);
        let interrupt = Arc::default();
        let now = Player::new(&journal, Arc::clone(&image)).map_err(OpenError::Start)?;
        let timeline = Timeline::new(journal, now.clone(), live, Arc::clone(&interrupt));
        let run = Run { number: 1, name, parent: None, timeline, now };
        Ok(Self {
            code,
            codes,
            run,
            others: Vec::new(),
            home: None,
            answers: Answers::Recorded,
            image,
            interrupt,
            stops: Vec::new(),
            numbers: 0,
            last: String::new(),
            messages: Vec::new(),
        })
    }

    /// Gives runs that are forked somewhere to go, and this one a name.
    #[must_use]
    pub fn at_home(mut self, name: String, home: Box<dyn Home>) -> Self {
        self.run.name = name;
        self.answers = if home.answers() { Answers::Live } else { Answers::Recorded };
        self.home = Some(home);
        self
    }

    /// Tells what the agent got from others and sent them, in order.
    #[must_use]
    pub fn with_messages(mut self, messages: Vec<Message>) -> Self {
        self.messages = messages;
        self
    }

    /// The player where the session stands.
    pub const fn player(&self) -> &Player {
        &self.run.now
    }

    /// The machine where the session stands.
    pub const fn machine(&self) -> &Machine {
        self.run.now.machine()
    }

    /// What came to the run from outside.
    pub const fn journal(&self) -> &Journal {
        self.run.timeline.journal()
    }

    /// What people call the run.
    pub fn name(&self) -> &str {
        &self.run.name
    }

    /// The number of the run that is looked at, where there are several.
    pub fn run_number(&self) -> Option<usize> {
        (!self.others.is_empty()).then_some(self.run.number)
    }

    /// The checkpoints.
    pub const fn timeline(&self) -> &Timeline {
        &self.run.timeline
    }

    /// The program as it is where the session stands.
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// What makes a command that takes long stop soon when it is set. A command clears it first.
    pub fn interrupt(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupt)
    }

    /// The next instruction; at the end the one that the run ended at, or that waits for an answer.
    pub fn place(&self) -> CodePlace {
        let machine = self.machine();
        let at = machine.at();
        match (machine.end(), machine.pending()) {
            (Some(End::Halted(_)), _) => CodePlace { pc: at.pc.saturating_sub(1), ..at },
            (_, Some(request)) => request.at,
            _ => at,
        }
    }

    /// Executed instructions.
    pub const fn step(&self) -> u64 {
        self.machine().steps()
    }

    /// Whether there is nothing behind.
    pub fn at_end(&self) -> bool {
        self.run.timeline.at_end(&self.run.now)
    }

    /// Goes to a step, or to the last one before it.
    pub fn seek(&mut self, step: u64) {
        let Run { timeline, now, .. } = &mut self.run;
        timeline.seek(step, now);
        self.stand();
    }

    /// Takes the code of the place where the session stands now.
    pub(crate) fn stand(&mut self) {
        self.code = self.codes.of(self.run.now.machine().image());
    }

    /// Goes to where a look at a recorded run begins: to its end if that is not as it should be (a
    /// trap, a meter used up, cut off, another run than the one recorded), else to its start. A run
    /// that goes on while it is looked at stays where it is.
    ///
    /// A long run that its journal says halted is not run again to see whether it does, and one that
    /// was cut off is not looked for without end.
    pub fn to_interesting(&mut self) {
        /// Steps that are run in a moment.
        const QUICK: u64 = 1 << 22;
        if self.run.timeline.is_live() {
            return;
        }
        let halted = |end: &End| matches!(end, End::Halted(_));
        let journal = self.journal();
        let last = journal.records.last().map_or(0, |record| record.steps);
        let target = match journal.end() {
            Some((_, end)) if !halted(end) => u64::MAX,
            Some(_) if last > QUICK => return,
            _ => last + QUICK,
        };
        self.seek(target);
        let rested = matches!(self.run.timeline.last(), Some((_, Last::Rested)));
        if !self.at_end() || rested && self.machine().end().is_some_and(halted) {
            self.seek(0);
        }
    }

    /// The first place behind here where a test holds.
    pub fn forward(&mut self, tests: &[Test]) -> Result<Option<Hit>, Interrupted> {
        let Run { timeline, now, .. } = &mut self.run;
        let hit = Search::new(timeline, &mut self.codes, tests).forward(now);
        self.unless_interrupted(hit)
    }

    /// The last place before a step, and not before another, where a test holds.
    pub fn backward(
        &mut self,
        before: u64,
        floor: u64,
        tests: &[Test],
    ) -> Result<Option<Hit>, Interrupted> {
        let Run { timeline, .. } = &mut self.run;
        let hit = Search::new(timeline, &mut self.codes, tests).backward(before, floor);
        self.unless_interrupted(hit)
    }

    /// What a search that was stopped found is not the nearest place.
    fn unless_interrupted(&self, hit: Option<Hit>) -> Result<Option<Hit>, Interrupted> {
        if self.run.timeline.interrupted() { Err(Interrupted) } else { Ok(hit) }
    }

    /// A player at a step; the session stays where it is.
    pub(crate) fn player_at(&mut self, step: u64) -> Player {
        let timeline = &mut self.run.timeline;
        let mut player = timeline.nearest(step).clone();
        timeline.seek(step, &mut player);
        player
    }

    /// The first place from a step on where something holds.
    pub(crate) fn first_from(&mut self, step: u64, what: What) -> Result<Option<u64>, Interrupted> {
        let Some(before) = step.checked_sub(1) else {
            return Ok(Some(0));
        };
        let from = self.player_at(before);
        let tests = [Test::from(what)];
        let Run { timeline, .. } = &mut self.run;
        let hit = Search::new(timeline, &mut self.codes, &tests).forward(&from);
        Ok(self.unless_interrupted(hit)?.map(|hit| hit.step))
    }

    /// Whose registers the current window has.
    pub(crate) fn scope(&self) -> Scope {
        let machine = self.machine();
        let depth = machine.depth();
        machine.window(depth).map_or(Scope::Agent, |window| self.code.window_scope(&window, depth))
    }

    /// Does a command; an empty one repeats the last. Never fails: what is wrong is in the reply.
    pub fn command(&mut self, line: &str) -> Reply {
        self.interrupt.store(false, Ordering::Relaxed);
        self.obey(line)
    }

    /// The same, which is stopped by an interrupt of before it too.
    pub(crate) fn obey(&mut self, line: &str) -> Reply {
        let line = match line.trim() {
            "" => std::mem::take(&mut self.last),
            line => line.to_owned(),
        };
        if line.is_empty() {
            return Reply::error(String::from("nothing to repeat; `help` lists the commands"));
        }
        let reply = commands::run(self, &line);
        self.last = line;
        reply
    }
}
