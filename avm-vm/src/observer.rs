//! Watching a run. Observation is not execution: an observer sees every step and changes none, and
//! the unit observer costs nothing.

use avm_ir::{Instr, Opcode, Slot, StatusWord, Value, verify::CodePlace};

use crate::{
    agent::Status,
    effect::{Answer, EffectRequest},
    journal::Event,
    machine::Machine,
    marks::Marks,
};

/// Is told what a machine does, as it does it.
pub trait Observer {
    /// Whether [`Self::step`] wants to be called; the loop leaves the call out where not.
    const STEPS: bool = true;

    /// Whether [`Self::before`], [`Self::after`] and [`Self::answered`] want to be called. Whoever
    /// wants values is told about every step too.
    const VALUES: bool = false;

    /// Whether [`Self::effect`] wants to be called; where not, what is asked need not be written down.
    const EFFECTS: bool = true;

    /// Whether [`Self::reached`] wants to be called. The run is as fast as an unobserved one between
    /// marked instructions, unless steps or values are wanted as well.
    const MARKS: bool = false;

    /// Which instructions are marked.
    fn marks(&self) -> Option<&Marks> {
        None
    }

    /// A marked instruction is next, and the machine goes on with it in this very run. It may come to
    /// nothing, as for [`Self::before`]; then it can be next again.
    fn reached(&mut self, machine: &Machine) {
        let _ = machine;
    }

    /// An instruction was executed and paid `gas` nanogas in all, intrinsic minimum included.
    fn step(&mut self, at: CodePlace, opcode: Opcode, gas: u64) {
        let _ = (at, opcode, gas);
    }

    /// An instruction is about to be executed. It may come to nothing, where gas does not cover it or
    /// the run ends while its effect waits; then [`Self::after`] does not follow.
    fn before(&mut self, at: CodePlace, instr: Instr, seen: &Seen<'_>) {
        let _ = (at, instr, seen);
    }

    /// An instruction was executed; behind [`Self::step`], and with the registers as it left them. A
    /// call has not entered its function yet, and a return has not left.
    fn after(&mut self, done: &Done<'_>) {
        let _ = done;
    }

    /// The outside answered an effect. What the machine takes of the answer is told by
    /// [`Self::effect`], unless the run ends before the effect because a meter does not cover it.
    fn answered(&mut self, request: &EffectRequest, answer: &Answer) {
        let _ = (request, answer);
    }

    /// `LOG` wrote a note.
    fn log(&mut self, note: &Value) {
        let _ = note;
    }

    /// An effect was answered and the machine took the answer; `gas` is what the step paid in all.
    fn effect(&mut self, request: &EffectRequest, answer: &Answer, gas: u64) {
        let _ = (request, answer, gas);
    }

    /// Another code took the place of a region's: between the step that was told last and the next,
    /// and the machine has the new one already. Of several that are replaced there, each is told in
    /// the order in which they were.
    fn rewritten(&mut self, machine: &Machine, change: &Rewritten) {
        let _ = (machine, change);
    }

    /// Something came from outside between two steps, or the run came to rest: what a journal has
    /// records of, but for answers. The machine does not see those itself, so whoever drives it
    /// tells; a [`Player`](crate::journal::Player) does.
    fn outside(&mut self, event: &Event) {
        let _ = event;
    }
}

/// A region whose code was replaced. What the versions are, [`Machine::version`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Its index.
    pub region: u32,
    /// Number of the version that it had.
    pub before: u32,
    /// Number of the one that it has now: a new one, or one that it had before.
    pub after: u32,
}

/// The registers and constants that an instruction sees.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub(crate) registers: &'a [Value],
    pub(crate) consts: &'a [Value],
    pub(crate) status: &'a Status,
}

impl<'a> Seen<'a> {
    /// A register by its number.
    pub fn register(&self, number: u8) -> Option<&'a Value> {
        self.registers.get(usize::from(number))
    }

    /// The value of an operand; `None` if it was left out.
    pub fn operand(&self, slot: Slot) -> Option<&'a Value> {
        match (slot.as_reg(), slot.as_const()) {
            (Some(register), _) => self.register(register),
            (None, Some(constant)) => self.consts.get(constant),
            (None, None) => None,
        }
    }

    /// A status word.
    pub fn status(&self, word: StatusWord) -> Value {
        self.status.get(word)
    }
}

/// Where flow goes behind an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// To the next one.
    On,
    /// To the label that it names.
    Jumped,
    /// Into a function, out of one, or to the end, as the instruction says.
    Left,
    /// Nowhere: it was the program's fault.
    Trapped,
}

/// An instruction that was executed.
#[derive(Clone, Copy, Debug)]
pub struct Done<'a> {
    /// Where it stands.
    pub at: CodePlace,
    /// The instruction.
    pub instr: Instr,
    /// Nanogas that it paid in all.
    pub gas: u64,
    /// Where flow goes from there.
    pub flow: Flow,
    /// What it left behind.
    pub seen: Seen<'a>,
}

impl Observer for () {
    const STEPS: bool = false;
    const EFFECTS: bool = false;
}

/// Two observers of one run; marks can be those of one of them only.
impl<A: Observer, B: Observer> Observer for (A, B) {
    const STEPS: bool = A::STEPS || B::STEPS;
    const VALUES: bool = A::VALUES || B::VALUES;
    const EFFECTS: bool = A::EFFECTS || B::EFFECTS;
    const MARKS: bool = A::MARKS || B::MARKS;

    fn marks(&self) -> Option<&Marks> {
        const { assert!(!(A::MARKS && B::MARKS), "two observers with marks") };
        if A::MARKS { self.0.marks() } else { self.1.marks() }
    }

    fn reached(&mut self, machine: &Machine) {
        if A::MARKS {
            self.0.reached(machine);
        }
        if B::MARKS {
            self.1.reached(machine);
        }
    }

    fn step(&mut self, at: CodePlace, opcode: Opcode, gas: u64) {
        self.0.step(at, opcode, gas);
        self.1.step(at, opcode, gas);
    }

    fn before(&mut self, at: CodePlace, instr: Instr, seen: &Seen<'_>) {
        self.0.before(at, instr, seen);
        self.1.before(at, instr, seen);
    }

    fn after(&mut self, done: &Done<'_>) {
        self.0.after(done);
        self.1.after(done);
    }

    fn answered(&mut self, request: &EffectRequest, answer: &Answer) {
        self.0.answered(request, answer);
        self.1.answered(request, answer);
    }

    fn log(&mut self, note: &Value) {
        self.0.log(note);
        self.1.log(note);
    }

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, gas: u64) {
        self.0.effect(request, answer, gas);
        self.1.effect(request, answer, gas);
    }

    fn rewritten(&mut self, machine: &Machine, change: &Rewritten) {
        self.0.rewritten(machine, change);
        self.1.rewritten(machine, change);
    }

    fn outside(&mut self, event: &Event) {
        self.0.outside(event);
        self.1.outside(event);
    }
}

impl<O: Observer> Observer for &mut O {
    const STEPS: bool = O::STEPS;
    const VALUES: bool = O::VALUES;
    const EFFECTS: bool = O::EFFECTS;
    const MARKS: bool = O::MARKS;

    fn marks(&self) -> Option<&Marks> {
        (**self).marks()
    }

    fn reached(&mut self, machine: &Machine) {
        (**self).reached(machine);
    }

    fn step(&mut self, at: CodePlace, opcode: Opcode, gas: u64) {
        (**self).step(at, opcode, gas);
    }

    fn before(&mut self, at: CodePlace, instr: Instr, seen: &Seen<'_>) {
        (**self).before(at, instr, seen);
    }

    fn after(&mut self, done: &Done<'_>) {
        (**self).after(done);
    }

    fn answered(&mut self, request: &EffectRequest, answer: &Answer) {
        (**self).answered(request, answer);
    }

    fn log(&mut self, note: &Value) {
        (**self).log(note);
    }

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, gas: u64) {
        (**self).effect(request, answer, gas);
    }

    fn rewritten(&mut self, machine: &Machine, change: &Rewritten) {
        (**self).rewritten(machine, change);
    }

    fn outside(&mut self, event: &Event) {
        (**self).outside(event);
    }
}

/// One observer, or none. Steps cost what those of the observer would.
impl<O: Observer> Observer for Option<O> {
    const STEPS: bool = O::STEPS;
    const VALUES: bool = O::VALUES;
    const EFFECTS: bool = O::EFFECTS;
    const MARKS: bool = O::MARKS;

    fn marks(&self) -> Option<&Marks> {
        self.as_ref().and_then(O::marks)
    }

    fn reached(&mut self, machine: &Machine) {
        if let Some(observer) = self {
            observer.reached(machine);
        }
    }

    fn step(&mut self, at: CodePlace, opcode: Opcode, gas: u64) {
        if let Some(observer) = self {
            observer.step(at, opcode, gas);
        }
    }

    fn before(&mut self, at: CodePlace, instr: Instr, seen: &Seen<'_>) {
        if let Some(observer) = self {
            observer.before(at, instr, seen);
        }
    }

    fn after(&mut self, done: &Done<'_>) {
        if let Some(observer) = self {
            observer.after(done);
        }
    }

    fn answered(&mut self, request: &EffectRequest, answer: &Answer) {
        if let Some(observer) = self {
            observer.answered(request, answer);
        }
    }

    fn log(&mut self, note: &Value) {
        if let Some(observer) = self {
            observer.log(note);
        }
    }

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, gas: u64) {
        if let Some(observer) = self {
            observer.effect(request, answer, gas);
        }
    }

    fn rewritten(&mut self, machine: &Machine, change: &Rewritten) {
        if let Some(observer) = self {
            observer.rewritten(machine, change);
        }
    }

    fn outside(&mut self, event: &Event) {
        if let Some(observer) = self {
            observer.outside(event);
        }
    }
}
