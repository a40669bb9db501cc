//! A machine whose journal is written as it runs.

use alloc::vec::Vec;

use avm_ir::Value;

use super::{Event, Link, Writer, request_hash};
use crate::{
    effect::{Answer, EffectRequest},
    machine::{AnswerError, End, InterruptError, Machine},
    meter::Meter,
    observer::Observer,
    policy::{Vote, VoteError},
};

/// What comes to a machine from outside, noted as it comes. Whoever drives the machine lets
/// everything pass here, and takes the bytes ([`Self::take`]) to where the journal is kept.
#[derive(Clone, Debug)]
pub struct Recorder {
    writer: Writer,
    bytes: Vec<u8>,
}

impl Recorder {
    /// Goes on behind what was written, bytes that are still to be kept included.
    pub const fn new(writer: Writer, bytes: Vec<u8>) -> Self {
        Self { writer, bytes }
    }

    /// Bytes that nobody took yet.
    pub fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.bytes)
    }

    /// Hash of everything noted so far.
    pub const fn link(&self) -> Link {
        self.writer.link()
    }

    /// Notes something by itself.
    pub fn note(&mut self, steps: u64, event: &Event) {
        self.bytes.extend(self.writer.event(steps, event));
    }

    /// Notes that an effect is about to be asked, if its loss would matter; then the bytes must be
    /// safe before it is.
    pub fn ask(&mut self, machine: &Machine, request: &EffectRequest) -> bool {
        let lasting = request.reach.is_lasting();
        if lasting {
            let event = Event::Asked { id: request.id, request: request_hash(request) };
            self.note(machine.steps(), &event);
        }
        lasting
    }

    /// Answers the effect that waits.
    pub fn answer<O: Observer>(
        &mut self,
        machine: &mut Machine,
        answer: Answer,
        observer: &mut O,
    ) -> Result<(), AnswerError> {
        let Some(request) = machine.pending() else { return Err(AnswerError::NotWaiting) };
        let (id, request) = (request.id, request_hash(request));
        self.bytes.extend(self.writer.answered(machine.steps(), id, &request, &answer));
        machine.answer(id, answer, observer)
    }

    /// Charges time that passed outside.
    pub fn spend_wall(&mut self, machine: &mut Machine, milliseconds: u64) {
        if let Some(event) = Event::waited(machine, milliseconds) {
            self.note(machine.steps(), &event);
            machine.spend_wall(milliseconds);
        }
    }

    /// Raises a limit of a run that is at rest.
    pub fn top_up(&mut self, machine: &mut Machine, meter: Meter, amount: u64) {
        self.note(machine.steps(), &Event::ToppedUp { meter, amount });
        machine.top_up(meter, amount);
    }

    /// Counts a vote on the patch that a run waits with.
    ///
    /// # Errors
    /// The vote does not count; nothing is written.
    pub fn vote(&mut self, machine: &mut Machine, vote: &Vote) -> Result<(), VoteError> {
        let steps = machine.steps();
        machine.vote(vote)?;
        self.note(steps, &Event::Voted(vote.clone()));
        Ok(())
    }

    /// Writes a register of the current window; `false`, and nothing is done, if there is no such.
    pub fn edit(&mut self, machine: &mut Machine, register: u8, value: Value) -> bool {
        let steps = machine.steps();
        let done = machine.edit(register, value.clone());
        if done {
            self.note(steps, &Event::Edited { register, value });
        }
        done
    }

    /// Calls a function while an effect waits about which nobody outside was asked.
    ///
    /// # Errors
    /// As for [`Machine::interrupt`]; nothing is written.
    pub fn call(&mut self, machine: &mut Machine, function: &str) -> Result<(), InterruptError> {
        let steps = machine.steps();
        machine.interrupt(function)?;
        self.note(steps, &Event::Called { function: function.into() });
        Ok(())
    }

    /// Notes how the machine came to rest.
    pub fn rest(&mut self, machine: &Machine) {
        if let Some(end) = machine.end() {
            let (end, gas, state): (End, _, _) =
                (end.clone(), machine.gas_used(), machine.state_hash());
            self.note(machine.steps(), &Event::Rested { end, gas, state });
        }
    }
}

impl Event {
    /// Time that passed outside and is about to be charged to a machine; `None` where that would
    /// change nothing.
    pub fn waited(machine: &Machine, milliseconds: u64) -> Option<Self> {
        let changes = milliseconds > 0 || machine.used(Meter::Wall) >= machine.limit(Meter::Wall);
        let asking = machine.pending().is_some();
        changes.then_some(Self::Waited { milliseconds, asking })
    }
}
