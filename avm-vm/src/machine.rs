//! One agent: loading a program, running it, answering its effects, ending.

mod budget;
mod effects;
mod frames;
mod interrupt;
mod look;
mod park;
mod pending;
pub(crate) mod policy;
mod rest;
mod rewrite;
mod sandbox;
mod snapshot;
mod state;

use alloc::{string::String, sync::Arc, vec::Vec};
use core::ops::Range;

use avm_ir::{
    Opcode, Program, Schedule, StatusWord, Value, Verified,
    value::{List, Record},
    verify::{CodePlace, FuncPlace},
};

pub use effects::AnswerError;
pub(crate) use effects::undeclared;
pub use interrupt::InterruptError;
pub use look::Window;
pub use park::Parked;
pub use sandbox::{Tested, Verdict};
pub use snapshot::SnapshotError;

use crate::{
    agent::{Agent, LogEntry},
    effect::EffectRequest,
    exec::{self, Counters, Cpu, Exit, WINDOW},
    fast::{self, MOST, STRETCH, View},
    marks::Marks,
    meter::{Budget, Meter},
    observer::{Observer, Rewritten},
    policy::{Policy, Wanted},
    price::Prices,
    trap::{Fault, Trap},
};
pub(crate) use frames::{FRAME, Frame, windows_heap};
use pending::Pending;

/// Name of the register that holds the agent's state record.
pub const STATE_REGISTER: &str = "R_state";

/// A program ready to run: verified, linked and priced. Shared by all agents that run it.
#[derive(Clone, Debug)]
pub struct Image {
    verified: Verified,
    pub(crate) prices: Prices,
    fast: fast::Code,
    pub(crate) schedule: Arc<Schedule>,
    schedule_hash: [u8; 32],
    program_hash: [u8; 32],
    /// Hash of the program before agents changed it.
    origin: [u8; 32],
    /// That program, where debug data says where its code comes from and agents changed it.
    first: Option<Arc<Program>>,
    /// Registers that the program, or one that it was before, names or uses outside functions.
    used: [bool; WINDOW],
    /// Whether agents keep what they are answered: tests of their code may ask the same.
    keeps_answers: bool,
    /// Registers that are always `NULL` in the agent's own window.
    pub(crate) unused: Range<usize>,
}

impl Image {
    /// Prices a verified program by a schedule.
    pub fn new(verified: Verified, schedule: &Schedule) -> Self {
        let prices = Prices::new(schedule);
        let program_hash = verified.program().hash();
        let used = rest::used(verified.program());
        Self {
            fast: fast::Code::new(&verified, &prices),
            prices,
            schedule: Arc::new(schedule.clone()),
            schedule_hash: schedule.hash(),
            program_hash,
            origin: program_hash,
            first: None,
            keeps_answers: sandbox::can_test(verified.program()),
            unused: rest::unused(&used),
            used,
            verified,
        }
    }

    /// The same with what became of the program; registers that other versions of it used may hold
    /// something too.
    pub(crate) fn with(&self, verified: Verified, also_used: &[bool; WINDOW]) -> Self {
        let mut used = rest::used(verified.program());
        for (used, before) in used.iter_mut().zip(self.used.iter().zip(also_used)) {
            *used |= before.0 | before.1;
        }
        Self {
            fast: fast::Code::new(&verified, &self.prices),
            prices: self.prices.clone(),
            schedule: self.schedule.clone(),
            schedule_hash: self.schedule_hash,
            program_hash: verified.program().hash(),
            origin: self.origin,
            first: self.first.clone(),
            keeps_answers: sandbox::can_test(verified.program()),
            unused: rest::unused(&used),
            used,
            verified,
        }
    }

    /// The program.
    pub const fn program(&self) -> &Program {
        self.verified.program()
    }

    /// The content address of the program that agents began with, whatever they changed.
    pub const fn origin(&self) -> [u8; 32] {
        self.origin
    }

    /// The program as it is now, as one that agents begin with.
    pub(crate) fn afresh(&self) -> Self {
        Self::new(self.verified.clone(), &self.schedule)
    }

    /// The program that agents began with, and where its code comes from.
    pub(crate) fn first(&self) -> Option<Arc<Program>> {
        let now = self.program();
        self.first.clone().or_else(|| now.debug.is_some().then(|| Arc::new(now.clone())))
    }

    /// The same, with the program that agents began with.
    pub(crate) fn with_first(self, first: Option<Arc<Program>>) -> Self {
        Self { first, ..self }
    }

    /// The program's content address.
    pub const fn program_hash(&self) -> [u8; 32] {
        self.program_hash
    }

    /// Whether code outside functions uses a register.
    fn uses(&self, register: u8) -> bool {
        self.used[usize::from(register)]
    }

    /// The verified program.
    pub const fn verified(&self) -> &Verified {
        &self.verified
    }

    /// Whether the answer to an effect costs nothing, sets no word by what it is, and is not kept.
    fn is_plain(&self, op: Opcode) -> bool {
        let by_value = matches!(op.info().sets, Some(StatusWord::Bool | StatusWord::Sandbox));
        self.prices.answers_are_free(op) && !by_value && !self.keeps_answers
    }

    /// Hash of the schedule it is priced by.
    pub const fn schedule_hash(&self) -> [u8; 32] {
        self.schedule_hash
    }
}

/// What happens when an instruction costs more than a meter has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExhausted {
    /// The run ends at the exact instruction, before its effect; the state is kept.
    #[default]
    Halt,
    /// The run stands still there; [`Machine::top_up`] lets it go on from the same state.
    Suspend,
    /// An instruction that reaches outside fails in its class and the program goes on; one that
    /// does not ends the run.
    Deny,
}

/// Hard limits of one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory of everything the agent holds, in bytes ([`Value::heap`]).
    pub memory: u64,
    /// Nested calls.
    pub call_depth: usize,
    /// Notes kept in the log; the oldest gives way.
    pub log_entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 256 << 20, call_depth: 10_000, log_entries: 10_000 }
    }
}

/// How an agent starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Nanogas granted.
    pub gas: u64,
    /// Limits of the other meters.
    pub budget: Budget,
    /// What happens when one of them is used up.
    pub on_exhausted: OnExhausted,
    /// Hard limits.
    pub limits: Limits,
    /// What tells the run from every other one, also from another of the same program: its effects'
    /// idempotency keys are made from it. The state hash is not.
    pub run: [u8; 32],
    /// Seed of the agent's random numbers.
    pub seed: u64,
    /// Values of registers by name, over the defaults of `.input`.
    pub inputs: Vec<(String, Value)>,
    /// What an earlier run of the agent left behind ([`Machine::keepsake`]).
    pub keepsake: Option<Value>,
    /// What the operator allows the agent to do with its own code; without one, what the program
    /// allows.
    pub policy: Option<Arc<Policy>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            gas: 1_000 * avm_ir::gas::GAS,
            budget: Budget::UNLIMITED,
            on_exhausted: OnExhausted::Halt,
            limits: Limits::default(),
            run: [0; 32],
            seed: 0,
            inputs: Vec::new(),
            keepsake: None,
            policy: None,
        }
    }
}

/// Why a machine cannot start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputError {
    /// The program has no register of that name.
    Unknown(String),
    /// `.input` declares a register without default, and no value was given.
    Missing(String),
    /// The inputs alone exceed the memory limit.
    TooLarge,
    /// The keepsake is not a record `{kv, saved}`.
    Keepsake,
}

impl core::fmt::Display for InputError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "the program has no register {name}"),
            Self::Missing(name) => write!(f, "the program wants a value for its input {name}"),
            Self::TooLarge => f.write_str("the inputs exceed the agent's memory limit"),
            Self::Keepsake => f.write_str("the agent's kept state is not a record {kv, saved}"),
        }
    }
}

impl core::error::Error for InputError {}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// `HALT`, the end of main, or `RETURN` outside functions with a value.
    Halted(Value),
    /// What is left on a meter does not cover the next instruction. With
    /// [`OnExhausted::Suspend`] a top-up lets the run go on.
    Exhausted(Meter),
    /// The program's own fault. Memory that does not suffice is one too: what a program holds is
    /// its own doing, and no point before the instruction is worth going back to.
    Trapped(Trap),
    /// A patch lacks the approval that the policy wants; the run stands still before it, and
    /// [`Machine::vote`] lets it go on.
    Unapproved(Arc<Wanted>),
}

/// Why [`Machine::run`] came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Pause {
    /// The slice is used up; run on.
    Slice,
    /// The machine asks the outside; [`Machine::answer`] lets it go on.
    Effect(Arc<EffectRequest>),
    /// The run is over.
    End(End),
}

/// Why [`Machine::go`] came back, as [`Pause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Slice,
    Effect,
    End,
}

/// One agent. A clone is a fork: it shares every value until one of the two changes it.
#[derive(Debug)]
pub struct Machine {
    image: Arc<Image>,
    pub(crate) agent: Agent,
    /// Most nested calls.
    call_depth: usize,
    on_exhausted: OnExhausted,
    /// The windows of all frames, one behind the other; slots behind the last one are `NULL`. While
    /// it runs there is a whole window from `base` on. At rest there may be fewer (`rest`).
    stack: Vec<Value>,
    frames: Vec<Frame>,
    /// What was called where it was interrupted, outermost first.
    interrupts: Vec<FuncPlace>,
    /// Memory of the windows of `frames[1..]`, each with those before it, as far as it was asked
    /// for: nothing writes to them until they are the current one again.
    sums: Vec<u64>,
    /// Where the current window starts, and how many registers it has.
    base: usize,
    live: usize,
    region: u32,
    pc: usize,
    pending: Option<Pending>,
    end: Option<End>,
}

impl Machine {
    /// An agent before its first instruction.
    pub fn new(image: Arc<Image>, config: Config) -> Result<Self, InputError> {
        let image = image.under(config.policy.as_deref());
        let mut machine = Self {
            agent: Agent::new(&config),
            call_depth: config.limits.call_depth,
            on_exhausted: config.on_exhausted,
            stack: Vec::new(),
            frames: Vec::new(),
            interrupts: Vec::new(),
            sums: Vec::new(),
            base: 0,
            live: WINDOW,
            region: 0,
            pc: 0,
            pending: None,
            end: None,
            image,
        };
        if let Some(keepsake) = config.keepsake {
            machine.take_keepsake(&keepsake)?;
        }
        machine.fill_inputs(config.inputs)?;
        Ok(machine)
    }

    fn fill_inputs(&mut self, inputs: Vec<(String, Value)>) -> Result<(), InputError> {
        let program = self.image.program();
        let mut initial: Vec<(u8, Value)> = Vec::new();
        if let Some(state) = program.register(STATE_REGISTER) {
            let empty = [("conversation", Value::List(List::new()))];
            initial.push((state, Value::Record(Record::from_iter(empty))));
        }
        for input in &program.inputs {
            if let Some(default) = &input.default {
                initial.push((input.register, default.clone()));
            }
        }
        for (name, value) in inputs {
            let register = program.register(&name).ok_or(InputError::Unknown(name))?;
            initial.retain(|(r, _)| *r != register);
            initial.push((register, value));
        }
        for input in &program.inputs {
            if !initial.iter().any(|(register, _)| *register == input.register) {
                let name = &program.registers[usize::from(input.register)];
                return Err(InputError::Missing(name.clone()));
            }
        }
        // So that the order in which a host names them does not show in the state's hash.
        initial.sort_by_key(|(register, _)| *register);
        if let Some((last, _)) = initial.last() {
            self.stack = alloc::vec![Value::Null; usize::from(*last) + 1];
        }
        for (register, value) in &initial {
            self.stack[usize::from(*register)] = value.clone();
        }
        if !initial.is_empty() {
            *self.agent.initial.own() = initial;
        }
        let reachable = self.memory_used();
        self.agent.memory.measure(reachable, 0).map_err(|_| InputError::TooLarge)
    }

    /// Runs at most `slice` instructions and tells the observer what it wants to know.
    ///
    /// Comes back with [`Pause::Effect`] again and again until the effect is answered, and with
    /// [`Pause::End`] for good once the run is over.
    pub fn run<O: Observer>(&mut self, slice: u64, observer: &mut O) -> Pause {
        match self.go(slice, observer) {
            Stop::Slice => Pause::Slice,
            Stop::Effect => {
                self.put_request();
                // It is there.
                self.request().map_or(Pause::Slice, |request| Pause::Effect(request.clone()))
            }
            // So is that.
            Stop::End => self.end.clone().map_or(Pause::Slice, Pause::End),
        }
    }

    /// The same, and makes nothing of what it stopped with.
    pub(crate) fn go<O: Observer>(&mut self, slice: u64, observer: &mut O) -> Stop {
        let stop_at = self.agent.steps.saturating_add(slice);
        loop {
            if let Some(stop) = self.turn(stop_at, observer) {
                return stop;
            }
        }
    }

    /// The same, but at most until control is in another region: then it gives `None`.
    #[inline(always)]
    fn turn<O: Observer>(&mut self, stop_at: u64, observer: &mut O) -> Option<Stop> {
        if self.pending.is_some() {
            return Some(Stop::Effect);
        }
        if self.end.is_some() {
            return Some(Stop::End);
        }
        self.open();
        let exit = if O::MARKS {
            self.run_marked(stop_at, observer)
        } else if O::STEPS || O::VALUES || self.waits_to_rewrite() {
            // Where control leaves a region shows to canonical code.
            self.run_window(stop_at, observer)
        } else {
            self.run_fast(stop_at, observer)
        };
        match exit {
            Exit::Slice => return Some(Stop::Slice),
            Exit::Call => self.guard(Self::call),
            Exit::Return => self.guard(Self::ret),
            Exit::Far(place) => self.guard(|machine| machine.enter_region(place)),
            Exit::Halt => self.end = Some(End::Halted(Value::Null)),
            Exit::Effect(charged) => self.ask(charged, observer),
            Exit::Exhausted => self.exhaust(observer),
            Exit::Fault(fault) => self.trap(*fault),
            // The loop handles the first two itself.
            Exit::Jump(_) | Exit::Logged | Exit::Rewrite => {}
        }
        if self.waits_to_rewrite() {
            let replaced = self.catch_up();
            self.tell(&replaced, observer);
        }
        None
    }

    /// Tells of regions that have other code now.
    fn tell<O: Observer>(&self, replaced: &[Rewritten], observer: &mut O) {
        for change in replaced {
            observer.rewritten(self, change);
        }
    }

    /// Runs fast code where there is some, and canonical code one step at a time for the rest.
    fn run_fast<O: Observer>(&mut self, stop_at: u64, observer: &mut O) -> Exit {
        loop {
            let fuel = stop_at.saturating_sub(self.agent.steps).min(self.affordable_steps());
            if fuel < MOST {
                return self.run_window(stop_at, observer);
            }
            if self.run_stretch(fuel, None) < MOST {
                continue;
            }
            match self.run_window(self.agent.steps + 1, observer) {
                Exit::Slice if self.agent.steps < stop_at => {}
                exit => return exit,
            }
        }
    }

    /// The same, and tells the observer where a marked instruction is next.
    fn run_marked<O: Observer>(&mut self, stop_at: u64, observer: &mut O) -> Exit {
        let fits = observer.marks().is_some_and(|marks| marks.fits(&self.image));
        // Fast code of another program is of no use, and who sees every step wants canonical code.
        let fast = fits && !O::STEPS && !O::VALUES && !self.waits_to_rewrite();
        while self.agent.steps < stop_at {
            let marks = observer.marks();
            if fast && !marks.is_some_and(|marks| marks.has(self.at())) {
                let fuel = (stop_at - self.agent.steps).min(self.affordable_steps());
                if fuel >= MOST && self.run_stretch(fuel, marks) < MOST {
                    continue;
                }
            }
            if observer.marks().is_some_and(|marks| marks.has(self.at())) {
                observer.reached(self);
            }
            match self.run_window(self.agent.steps + 1, observer) {
                Exit::Slice => {}
                exit => return exit,
            }
        }
        Exit::Slice
    }

    /// Steps at the intrinsic minimum that the gas left pays for, as far as they are of interest.
    fn affordable_steps(&self) -> u64 {
        let intrinsic = self.image.prices.intrinsic;
        if self.agent.gas >= STRETCH.saturating_mul(intrinsic) {
            return STRETCH;
        }
        self.agent.gas.checked_div(intrinsic).unwrap_or(STRETCH)
    }

    /// Runs fast code for at most so many steps, and gives how many are left.
    fn run_stretch(&mut self, fuel: u64, marks: Option<&Marks>) -> u64 {
        let region = &self.image.program().regions[self.region as usize];
        let intrinsic = self.image.prices.intrinsic;
        // Fewer steps leave no less.
        let slack = self.agent.gas - fuel * intrinsic;
        let marked = marks.and_then(|marks| marks.region(self.region));
        let (code, single) = marked.unwrap_or_else(|| self.image.fast.region(self.region));
        let mut view = View {
            code,
            single,
            apart: false,
            region,
            number: self.region,
            stack: &mut self.stack,
            frames: &mut self.frames,
            sums: &mut self.sums,
            memory: &mut self.agent.memory,
            last_bool: &mut self.agent.status.bool,
            letters: &self.image.fast.letters,
            slack,
            call_depth: self.call_depth,
            base: self.base,
            live: self.live,
            pc: self.pc,
        };
        let left = fast::run(&mut view, fuel);
        let used = fuel - left;
        let paid = slack - view.slack;
        (self.base, self.live, self.pc) = (view.base, view.live, view.pc);
        self.agent.steps += used;
        self.agent.gas -= used * intrinsic + paid;
        left
    }

    /// Runs in the current window until the loop needs the machine.
    fn run_window<O: Observer>(&mut self, stop_at: u64, observer: &mut O) -> Exit {
        let (below, rest) = self.stack.split_at_mut(self.base);
        // The stack always holds a whole window from `base` on.
        let Some(regs) = rest.first_chunk_mut::<WINDOW>() else { return Exit::Halt };
        let region = &self.image.program().regions[self.region as usize];
        let counters = Counters { pc: self.pc, gas: self.agent.gas, steps: self.agent.steps };
        let mut cpu = Cpu {
            regs,
            below,
            live: self.live,
            frames: &self.frames,
            sums: &mut self.sums,
            region,
            consts: &region.consts,
            links: &self.image.verified.links()[self.region as usize],
            agent: &mut self.agent,
            image: &self.image,
            result: Value::Null,
            units: 0,
            failure: None,
        };
        let (exit, counters) = exec::run(&mut cpu, counters, self.region, stop_at, observer);
        self.pc = counters.pc;
        self.agent.gas = counters.gas;
        self.agent.steps = counters.steps;
        exit
    }

    /// Does what the loop cannot, and ends the run if it is the program's fault.
    fn guard(&mut self, step: impl FnOnce(&mut Self) -> Result<(), Fault>) {
        if let Err(fault) = step(self) {
            self.trap(fault);
        }
    }

    /// Ends the run with a trap at the instruction just fetched.
    fn trap(&mut self, fault: Fault) {
        self.pc = self.pc.saturating_sub(1);
        let Fault { code, message } = fault;
        let (at, opcode) = (self.at(), self.opcode());
        self.end = Some(End::Trapped(Trap { code, at, opcode, message }));
    }

    fn opcode(&self) -> Opcode {
        let region = &self.image.program().regions[self.region as usize];
        region.code.get(self.pc).map_or(Opcode::HALT, |instr| instr.op)
    }

    /// The next instruction, or the one the run ended at.
    pub fn at(&self) -> CodePlace {
        CodePlace { region: self.region, pc: self.pc as u32 }
    }

    /// The program it runs.
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// How the run ended, if it did.
    pub const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// What happens when a meter is used up.
    pub const fn on_exhausted(&self) -> OnExhausted {
        self.on_exhausted
    }

    /// Executed instructions.
    pub const fn steps(&self) -> u64 {
        self.agent.steps
    }

    /// Effects answered or refused.
    pub const fn effects(&self) -> u64 {
        self.agent.effects
    }

    /// The notes of the log that are still kept, oldest first.
    pub fn log(&self) -> impl Iterator<Item = &LogEntry> {
        self.agent.log.iter()
    }

    /// A status word, as `STATUS` reads it.
    pub fn status(&self, word: StatusWord) -> Value {
        self.agent.status.get(word)
    }

    /// Value of an agent register by name.
    pub fn register(&self, name: &str) -> Option<&Value> {
        let number = self.image.program().register(name)?;
        Some(self.slot(usize::from(number)))
    }

    /// Writes a register of the current window from outside; `false`, and nothing is done, if the
    /// code there uses no such register. What the value takes counts as memory made.
    pub fn edit(&mut self, register: u8, value: Value) -> bool {
        let number = usize::from(register);
        let in_function = !self.frames.is_empty();
        let known = if in_function { number < self.live } else { self.image.uses(register) };
        if !known || value.nesting() > avm_ir::value::MAX_NESTING {
            return false;
        }
        self.open();
        // Where that is too much the next instruction that makes some finds out.
        let _ = self.agent.memory.make(value.heap());
        self.stack[self.base + number] = value;
        true
    }

    /// Named agent registers with their values, by number.
    pub fn registers(&self) -> impl Iterator<Item = (&str, &Value)> {
        let names = self.image.program().registers.iter().map(String::as_str);
        names.zip(self.slots()).filter(|(name, _)| !name.is_empty())
    }
}
