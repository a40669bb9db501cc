//! Watching a run. Observation is not execution: an observer sees every step and changes none, and
//! the unit observer costs nothing.

use avm_ir::{Opcode, Value, verify::CodePlace};

use crate::effect::{Answer, EffectRequest};

/// Is told what a machine does, as it does it.
pub trait Observer {
    /// Whether [`Self::step`] wants to be called; the loop leaves the call out where not.
    const STEPS: bool = true;

    /// An instruction was executed and paid `gas` nanogas in all, intrinsic minimum included.
    fn step(&mut self, at: CodePlace, opcode: Opcode, gas: u64) {
        let _ = (at, opcode, gas);
    }

    /// `LOG` wrote a note.
    fn log(&mut self, note: &Value) {
        let _ = note;
    }

    /// An effect was answered and the machine took the answer; `gas` is what the step paid in all.
    fn effect(&mut self, request: &EffectRequest, answer: &Answer, gas: u64) {
        let _ = (request, answer, gas);
    }
}

impl Observer for () {
    const STEPS: bool = false;
}

/// Two observers of one run.
impl<A: Observer, B: Observer> Observer for (A, B) {
    const STEPS: bool = A::STEPS || B::STEPS;

    fn step(&mut self, at: CodePlace, opcode: Opcode, gas: u64) {
        self.0.step(at, opcode, gas);
        self.1.step(at, opcode, gas);
    }

    fn log(&mut self, note: &Value) {
        self.0.log(note);
        self.1.log(note);
    }

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, gas: u64) {
        self.0.effect(request, answer, gas);
        self.1.effect(request, answer, gas);
    }
}

impl<O: Observer> Observer for &mut O {
    const STEPS: bool = O::STEPS;

    fn step(&mut self, at: CodePlace, opcode: Opcode, gas: u64) {
        (**self).step(at, opcode, gas);
    }

    fn log(&mut self, note: &Value) {
        (**self).log(note);
    }

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, gas: u64) {
        (**self).effect(request, answer, gas);
    }
}
