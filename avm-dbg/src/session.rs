//! A run that is gone through in both directions.

use std::{fmt, sync::Arc};

use avm_ir::{Program, Schedule, VerifyError, program::FormatError, verify::CodePlace};
use avm_vm::{
    End, Image, InputError, Machine,
    journal::{Journal, JournalError, Player},
};

use crate::{
    code::{Code, Scope},
    commands,
    reply::Reply,
    search::{Hit, Search, Test, What},
    stops::Breakpoint,
    timeline::Timeline,
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

/// A run, and a place in it.
#[derive(Debug)]
pub struct Session {
    pub(crate) code: Code,
    pub(crate) timeline: Timeline,
    now: Player,
    pub(crate) stops: Vec<Breakpoint>,
    /// Breakpoints made so far.
    pub(crate) numbers: u64,
    /// The command that an empty one repeats.
    last: String,
}

impl Session {
    /// Opens the bytes of a journal at the start of its run. A torn end is left out.
    pub fn open(bytes: &[u8]) -> Result<Self, OpenError> {
        let journal = Journal::read(bytes).map_err(OpenError::Journal)?;
        let schedule = Schedule::v1();
        if journal.start.schedule != schedule.hash() {
            return Err(OpenError::Schedule);
        }
        let program = Program::from_bytes(&journal.start.program).map_err(OpenError::Program)?;
        let verified = avm_ir::verify(program).map_err(OpenError::Verify)?;
        let image = Arc::new(Image::new(verified, &schedule));
        Self::new(Arc::new(journal), image)
    }

    /// A run of a journal's program, or of one that is thought to do the same.
    pub fn new(journal: Arc<Journal>, image: Arc<Image>) -> Result<Self, OpenError> {
        let code = Code::new(image.program(), &journal).map_err(OpenError::Verify)?;
        let now = Player::new(journal, image).map_err(OpenError::Start)?;
        let timeline = Timeline::new(now.clone());
        Ok(Self { code, timeline, now, stops: Vec::new(), numbers: 0, last: String::new() })
    }

    /// The player where the session stands.
    pub const fn player(&self) -> &Player {
        &self.now
    }

    /// The machine where the session stands.
    pub const fn machine(&self) -> &Machine {
        self.now.machine()
    }

    /// The checkpoints.
    pub const fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The program.
    pub const fn code(&self) -> &Code {
        &self.code
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
        self.timeline.at_end(&self.now)
    }

    /// Goes to a step, or to the last one before it.
    pub fn seek(&mut self, step: u64) {
        self.timeline.seek(step, &mut self.now);
    }

    /// The first place behind here where a test holds.
    pub fn forward(&mut self, tests: &[Test]) -> Option<Hit> {
        Search::new(&mut self.timeline, &self.code, tests).forward(&self.now)
    }

    /// The last place before a step, and not before another, where a test holds.
    pub fn backward(&mut self, before: u64, floor: u64, tests: &[Test]) -> Option<Hit> {
        Search::new(&mut self.timeline, &self.code, tests).backward(before, floor)
    }

    /// A player at a step; the session stays where it is.
    pub(crate) fn player_at(&mut self, step: u64) -> Player {
        let mut player = self.timeline.nearest(step).clone();
        self.timeline.seek(step, &mut player);
        player
    }

    /// The first place from a step on where something holds.
    pub(crate) fn first_from(&mut self, step: u64, what: What) -> Option<u64> {
        let Some(before) = step.checked_sub(1) else {
            return Some(0);
        };
        let from = self.player_at(before);
        let tests = [Test::from(what)];
        let hit = Search::new(&mut self.timeline, &self.code, &tests).forward(&from);
        hit.map(|hit| hit.step)
    }

    /// Whose registers the current window has.
    pub(crate) fn scope(&self) -> Scope {
        let machine = self.machine();
        let depth = machine.depth();
        machine.window(depth).map_or(Scope::Agent, |window| self.code.window_scope(&window, depth))
    }

    /// Does a command; an empty one repeats the last. Never fails: what is wrong is in the reply.
    pub fn command(&mut self, line: &str) -> Reply {
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
