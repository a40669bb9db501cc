//! The bytes of a trace to what happened. Nothing is believed: a block counts once its hash fits, a
//! record once the program does what it says.

mod blocks;
mod look;
mod records;

use alloc::{collections::VecDeque, format, string::String, sync::Arc, vec::Vec};

use avm_ir::{
    Instr, Opcode, Slot, Value, instr::Role, operand::Kind as OperandKind, verify::CodePlace,
};

pub use blocks::Source;
pub use look::Happened;

use super::{
    Header, TraceError,
    step::{Expected, Said, bits},
    table::Table,
};
use crate::{
    effect::{Answer, EffectRequest},
    journal::{Event, request_hash},
    machine::{Image, Machine, Pause},
    observer::Rewritten,
};
use blocks::Blocks;
use look::Look;

/// Most bytes of memory that a run may use to be read, where nobody says otherwise.
const MEMORY: u64 = 1 << 30;

/// Goes through a trace, record by record, and holds the run as it was then.
///
/// [`Self::next`] reads a record; the machine is still as before it, so operands can be looked at.
/// [`Self::commit`], or the next call, carries it out. Memory is bounded by what the run itself may
/// use ([`Self::within`]) and by one block.
#[derive(Debug)]
pub struct Reader<S> {
    blocks: Blocks<S>,
    header: Header,
    machine: Machine,
    expected: Expected,
    table: Table,
    /// A step that was read and not carried out.
    due: Option<Said>,
    /// An answer that was read and not given: its request's number and hash.
    answer: Option<(u64, [u8; 32], Answer)>,
    /// Regions that got another code, of which the trace has yet to say so.
    replaced: VecDeque<Rewritten>,
    memory: u64,
    steps: u64,
    happened: Happened,
}

/// What a record says.
#[derive(Clone, Debug)]
pub enum Entry {
    /// An instruction is executed.
    Step {
        /// Its number in the run, from 1.
        number: u64,
        /// Where it stands.
        at: CodePlace,
        /// The instruction.
        instr: Instr,
        /// What the trace says of it.
        said: Said,
    },
    /// The outside answered the effect that is the next step, or would be if a meter covered it.
    Answered {
        /// Number of the effect.
        id: u64,
        /// [`request_hash`].
        request: [u8; 32],
    },
    /// A region has another code from here on; the machine has it already, and the versions of both
    /// ([`Machine::version`]).
    Rewritten(Rewritten),
    /// Something came from outside, or the run came to rest.
    Outside(Event),
}

impl<S: Source> Reader<S> {
    /// Opens a trace of the image's program and schedule.
    pub fn new(image: Arc<Image>, source: S) -> Result<Self, TraceError> {
        Self::within(image, source, MEMORY)
    }

    /// The same, for runs that may use up to so many bytes of memory.
    pub fn within(image: Arc<Image>, source: S, memory: u64) -> Result<Self, TraceError> {
        let (blocks, header, state) = Blocks::open(source, memory)?;
        if header.program != image.origin() {
            return Err(TraceError::Program(header.program));
        }
        if header.schedule != image.schedule_hash() {
            return Err(TraceError::Schedule(header.schedule));
        }
        let machine = Machine::restore(image, &state).map_err(TraceError::Start)?;
        let limit = machine.limit(crate::meter::Meter::Memory);
        if limit > memory {
            return Err(TraceError::Memory(limit));
        }
        let expected = Expected::new(bits(&machine.seen()));
        let reader = Self {
            blocks,
            header,
            machine,
            expected,
            table: Table::default(),
            due: None,
            answer: None,
            replaced: VecDeque::new(),
            memory,
            steps: 0,
            happened: Happened::default(),
        };
        if reader.machine.steps() != header.steps {
            return Err(reader.differs("the run begins at another step than the trace says"));
        }
        Ok(reader)
    }

    /// What the trace is of.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The run as it is now.
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Hash of what was read so far; behind the last record the hash of the trace.
    pub const fn link(&self) -> crate::journal::Link {
        self.blocks.link
    }

    /// What the last step that was carried out did besides what its record says.
    pub const fn happened(&self) -> &Happened {
        &self.happened
    }

    /// The operands of the instruction that the run is at, in the order of its row: index of the
    /// row's operand, slot, and value, `None` where it was left out or is no value but a label or a
    /// function. Further operands of a variadic row have its index.
    pub fn inputs(&self) -> Vec<(usize, Slot, Option<&Value>)> {
        let Some(instr) = self.instr() else { return Vec::new() };
        let region = &self.machine.image().program().regions[self.here().region as usize];
        let (info, seen) = (instr.op.info(), self.machine.seen());
        let mut inputs = Vec::new();
        if let Some(place) = info.place_in_a() {
            inputs.push((place, Slot::reg(instr.a), seen.register(instr.a)));
        }
        let slots = crate::price::slots_of(&instr, &region.pool);
        let mut roles = info.slot_roles();
        let mut last = None;
        for slot in slots.iter() {
            let role = roles.next().or(last);
            last = role;
            let Some(Role::Input(index)) = role else { continue };
            let kind = info.inputs.get(index).map(|operand| operand.kind);
            let no_value = matches!(kind, Some(OperandKind::Label | OperandKind::Func));
            inputs.push((index, *slot, if no_value { None } else { seen.operand(*slot) }));
        }
        inputs
    }

    /// The instruction that is next, or whose effect waits.
    fn here(&self) -> CodePlace {
        self.machine.pending().map_or_else(|| self.machine.at(), |request| request.at)
    }

    fn instr(&self) -> Option<Instr> {
        let at = self.here();
        let region = self.machine.image().program().regions.get(at.region as usize)?;
        region.code.get(at.pc as usize).copied()
    }

    /// Reads the next record; `None` behind the last one. Carries out the one before.
    #[allow(clippy::should_implement_trait, reason = "it is no iterator: it can fail for good")]
    pub fn next(&mut self) -> Result<Option<Entry>, TraceError> {
        self.commit()?;
        let first = self.blocks.first(self.steps)?;
        if first == Some(super::Kind::Before as u8) {
            return self.rewritten().map(Some);
        }
        if !self.replaced.is_empty() {
            return Err(self.differs("a region gets another code, and the trace does not say so"));
        }
        let Some(first) = first else { return Ok(None) };
        if first < super::Kind::Answered as u8 {
            let Some(instr) = self.instr() else {
                return Err(self.differs("there is no instruction here"));
            };
            let expected = &mut self.expected;
            let said = self.blocks.read(|input| expected.read(first, instr, input))?;
            self.due = Some(said);
            let (number, at) = (self.machine.steps() + 1, self.here());
            return Ok(Some(Entry::Step { number, at, instr, said }));
        }
        // An answer without a step behind it was not taken.
        self.undone()?;
        let table = &mut self.table;
        let record = self.blocks.read(|input| records::read(first, table, input))?;
        match record {
            records::Record::Answered { id, request, answer } => {
                self.answer = Some((id, request, answer));
                Ok(Some(Entry::Answered { id, request }))
            }
            records::Record::Outside(event) => {
                self.feed(&event)?;
                Ok(Some(Entry::Outside(event)))
            }
        }
    }

    /// Reads what a trace says of a region that got another code, and compares it.
    fn rewritten(&mut self) -> Result<Entry, TraceError> {
        let table = &mut self.table;
        let said = self.blocks.read(|input| records::replaced(table, input))?;
        let Some(change) = self.replaced.pop_front() else {
            return Err(self.differs("no region gets another code here"));
        };
        let named = |number| {
            let version = self.machine.version(number);
            version.map(|version| (number, version.hash))
        };
        let code = self.machine.version(change.after).map(|version| version.patch.to_bytes());
        let same = said.region == change.region
            && Some(said.before) == named(change.before)
            && Some(said.after) == named(change.after)
            && Some(said.code) == code.map(|code| Value::Bytes(code.into()));
        if !same {
            return Err(self.differs("a region gets another code than the trace says"));
        }
        Ok(Entry::Rewritten(change))
    }

    /// Carries out the step that was read.
    pub fn commit(&mut self) -> Result<(), TraceError> {
        let Some(said) = self.due.take() else { return Ok(()) };
        let (at, before) = (self.here(), self.machine.steps());
        let answer = self.answer.take();
        if answer.is_some() {
            self.ask()?;
        }
        let returns = self.instr().is_some_and(|instr| instr.op == Opcode::RETURN);
        let result = if returns { self.machine.result_register() } else { None };
        let mut look = Look::new(&self.expected, &mut self.happened);
        match answer {
            Some((id, hash, answer)) => {
                let request = self.machine.pending();
                if request.is_none_or(|request| request.id != id || request_hash(request) != hash) {
                    return Err(self.differs("another request is asked"));
                }
                // It is the one that waits.
                let _ = self.machine.answer(id, answer, &mut look);
            }
            None => {
                self.machine.run(1, &mut look);
            }
        }
        let Look { said: done, replaced, .. } = look;
        self.replaced.extend(replaced);
        let what = match done {
            Some(_) if self.machine.steps() != before + 1 => {
                "more than one instruction is executed".into()
            }
            Some(done) if done == said => {
                self.steps += 1;
                if let Some(register) = result
                    && let Some(value) = self.machine.seen().register(register)
                {
                    let returned = (self.machine.at(), register, value.clone());
                    self.happened.returned = Some(returned);
                }
                return Ok(());
            }
            Some(done) => difference(&said, &done),
            None => String::from("the instruction is not executed"),
        };
        Err(TraceError::Differs { step: before, at, what })
    }

    /// Runs to the effect that is asked here.
    fn ask(&mut self) -> Result<(), TraceError> {
        match self.machine.run(1, &mut ()) {
            Pause::Effect(_) => Ok(()),
            _ => Err(self.differs("no effect is asked here")),
        }
    }

    /// Gives an answer that no meter covers.
    fn undone(&mut self) -> Result<(), TraceError> {
        let Some((id, hash, answer)) = self.answer.take() else { return Ok(()) };
        self.ask()?;
        let fits = |request: &EffectRequest| request.id == id && request_hash(request) == hash;
        if !self.machine.pending().is_some_and(fits) {
            return Err(self.differs("another request is asked"));
        }
        let before = self.machine.steps();
        let _ = self.machine.answer(id, answer, &mut ());
        if self.machine.steps() != before {
            return Err(self.differs("an answer is taken, and was not"));
        }
        Ok(())
    }

    /// Feeds what came from outside.
    fn feed(&mut self, event: &Event) -> Result<(), TraceError> {
        match event {
            Event::ToppedUp { meter, amount } => {
                self.machine.top_up(*meter, *amount);
                let limit = self.machine.limit(crate::meter::Meter::Memory);
                if limit > self.memory {
                    return Err(TraceError::Memory(limit));
                }
            }
            Event::Voted(vote) => {
                let voted = self.machine.vote(vote);
                return voted.map_err(|_| self.differs("a vote does not count"));
            }
            Event::Waited { milliseconds, asking } => {
                if *asking {
                    self.ask()?;
                }
                self.machine.spend_wall(*milliseconds);
            }
            Event::Edited { register, value } => {
                let done = self.machine.edit(*register, value.clone());
                return if done { Ok(()) } else { Err(self.differs("there is no such register")) };
            }
            Event::Called { function } => {
                self.ask()?;
                let called = self.machine.interrupt(function);
                return called.map_err(|error| self.differs(&format!("{function}: {error}")));
            }
            Event::Rested { end, gas, state } => {
                let before = self.machine.steps();
                let now = self.machine.run(1, &mut ());
                if self.machine.steps() != before || now != Pause::End(end.clone()) {
                    return Err(self.differs("the run does not come to rest as the trace says"));
                }
                if self.machine.gas_used() != *gas {
                    return Err(self.differs("the run used another amount of gas"));
                }
                if self.machine.state_hash() != *state {
                    return Err(self.differs("the run rests in another state"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn differs(&self, what: &str) -> TraceError {
        TraceError::Differs { step: self.machine.steps(), at: self.here(), what: what.into() }
    }
}

/// What the trace says otherwise than the program.
fn difference(said: &Said, done: &Said) -> String {
    if said.gas != done.gas {
        return format!("the trace says {} nanogas, and it takes {}", said.gas, done.gas);
    }
    if said.jumped != done.jumped {
        let word = |jumped| if jumped { "jumps" } else { "does not jump" };
        return format!("the trace says it {}, and it {}", word(said.jumped), word(done.jumped));
    }
    if said.output != done.output {
        return format!(
            "the trace says it gives {:?}, and it gives {:?}",
            said.output, done.output
        );
    }
    format!("the trace says status {:04b}, and it is {:04b}", said.status, done.status)
}
