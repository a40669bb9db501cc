//! A run again, from its journal alone.

use alloc::{format, string::String, sync::Arc};
use core::fmt;

use avm_ir::value::to_json;

use super::{Event, Journal, Link, Record, request_hash};
use crate::{
    effect::EffectRequest,
    machine::{End, Image, InputError, Machine, Pause},
    observer::Observer,
};

/// A machine that is fed from a journal, the same one every time it is asked to go on. Cloning it is
/// cheap, however far the run is; the journal is not in it, so that it can grow meanwhile.
#[derive(Clone, Debug)]
pub struct Player {
    machine: Machine,
    /// Records that were fed.
    next: usize,
    /// Whether gas and state have to be the same too.
    exact: bool,
}

/// Why a player stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// At the step that was named.
    Reached,
    /// The run is at rest, and that is all there is.
    Rested,
    /// Nothing more was written, though the run would go on: it was cut off.
    Cut,
}

/// The machine did something else than the journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diverged {
    /// Number of the record that does not fit, from 0; as many as there are where one is missing.
    pub record: usize,
    /// Where it begins in the file, in bytes.
    pub offset: Option<usize>,
    /// Executed instructions.
    pub steps: u64,
    /// What is different.
    pub what: String,
}

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}", self.steps)?;
        if let Some(offset) = self.offset {
            write!(f, ", record {} at byte {offset}", self.record)?;
        }
        write!(f, ": {}", self.what)
    }
}

impl core::error::Error for Diverged {}

impl Player {
    /// A machine before its first instruction.
    pub fn new(journal: &Journal, image: Arc<Image>) -> Result<Self, InputError> {
        let machine = Machine::new(image, journal.start.config.clone())?;
        Ok(Self { machine, next: 0, exact: true })
    }

    /// The same with another program than the one that was recorded: it diverges where it behaves in
    /// another way, that is where it asks for something else or comes to another end. Gas and state
    /// may differ.
    pub fn with(journal: &Journal, other: Arc<Image>) -> Result<Self, InputError> {
        Ok(Self { exact: false, ..Self::new(journal, other)? })
    }

    /// A machine that was fed everything up to the record with a link; `None` if there is no such.
    pub fn behind(journal: &Journal, link: &Link, machine: Machine) -> Option<Self> {
        let next = if *link == journal.first {
            0
        } else {
            1 + journal.records.iter().position(|record| record.link == *link)?
        };
        Some(Self { machine, next, exact: true })
    }

    /// The machine as it is now.
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// How many records behind the first were fed.
    pub const fn fed(&self) -> usize {
        self.next
    }

    /// The machine, to go on without the journal.
    pub fn into_machine(self) -> Machine {
        self.machine
    }

    /// Runs until so many instructions were executed since the run began, or until nothing more was
    /// written. Registers that were edited at that very step hold their new values; what else came
    /// from outside there waits until it goes on.
    pub fn run_to<O: Observer>(
        &mut self,
        journal: &Journal,
        steps: u64,
        observer: &mut O,
    ) -> Result<Stop, Diverged> {
        let stop = self.go(journal, steps, false, observer);
        stop.map_err(|what| self.diverged(journal, what))
    }

    /// Runs until everything that was written is fed, and not one instruction further: from there on
    /// somebody else goes on with the run.
    pub fn feed_all<O: Observer>(
        &mut self,
        journal: &Journal,
        observer: &mut O,
    ) -> Result<Stop, Diverged> {
        let stop = self.go(journal, u64::MAX, true, observer);
        stop.map_err(|what| self.diverged(journal, what))
    }

    fn diverged(&self, journal: &Journal, what: String) -> Diverged {
        let offset = journal.records.get(self.next).map(|record| record.offset);
        // The first record of a journal is how it began.
        Diverged { record: self.next + 1, offset, steps: self.machine.steps(), what }
    }

    /// Runs on, with `fed` only as long as there is something to feed; an error is what is different.
    fn go<O: Observer>(
        &mut self,
        journal: &Journal,
        steps: u64,
        fed: bool,
        observer: &mut O,
    ) -> Result<Stop, String> {
        loop {
            let now = self.machine.steps();
            let record = journal.records.get(self.next);
            let edited =
                record.is_some_and(|record| record.steps == now && record.event.is_first());
            if now >= steps && self.machine.end().is_none() && !edited {
                return Ok(Stop::Reached);
            }
            let Some(record) = record else {
                if self.machine.end().is_some() {
                    return Ok(Stop::Rested);
                }
                if fed {
                    return Ok(Stop::Reached);
                }
                match self.machine.run(steps - now, observer) {
                    Pause::Effect(_) => return Ok(Stop::Cut),
                    Pause::Slice | Pause::End(_) => continue,
                }
            };
            if self.feed_at_rest(record)? {
                observer.outside(&record.event);
                self.next += 1;
                continue;
            }
            if let Some(end) = self.machine.end() {
                let what = format!("it {} here, and did not when it was recorded", words(end));
                return Err(what);
            }
            // Nothing is fed before its step.
            let until = if record.event.has_its_step() { record.steps } else { u64::MAX };
            if until <= now {
                return Err(String::from("what was recorded here does not fit the run"));
            }
            if let Pause::Effect(request) = self.machine.run(until.min(steps) - now, observer) {
                self.feed(record, &request, observer)?;
                self.next += 1;
            }
        }
    }

    /// Runs to the end of what was recorded.
    pub fn run<O: Observer>(
        &mut self,
        journal: &Journal,
        observer: &mut O,
    ) -> Result<Stop, Diverged> {
        self.run_to(journal, u64::MAX, observer)
    }

    /// Feeds a record for which no effect has to wait; `false` if its time has not come.
    fn feed_at_rest(&mut self, record: &Record) -> Result<bool, String> {
        let is_time = self.machine.steps() == record.steps && self.machine.pending().is_none();
        match &record.event {
            Event::Source { .. } | Event::Asked { .. } | Event::Signed { .. } => {}
            Event::ToppedUp { meter, amount } if self.machine.end().is_some() => {
                self.machine.top_up(*meter, *amount);
            }
            Event::Voted(vote) if self.machine.end().is_some() => {
                let voted = self.machine.vote(vote);
                voted.map_err(|error| format!("a vote does not count: {error}"))?;
            }
            Event::Waited { milliseconds, asking: false } if is_time => {
                self.machine.spend_wall(*milliseconds);
            }
            Event::Edited { register, value } if is_time => {
                if !self.machine.edit(*register, value.clone()) {
                    return Err(format!("there is no register {register}"));
                }
            }
            Event::Rested { end, gas, state } => {
                let Some(now) = self.machine.end() else { return Ok(false) };
                let same = match (now, end) {
                    // Where another program traps, and what it says, is its own matter.
                    (End::Trapped(now), End::Trapped(end)) if !self.exact => now.code == end.code,
                    (now, end) => now == end,
                };
                if !same {
                    let what =
                        format!("it {}, and {} when it was recorded", words(now), words(end));
                    return Err(what);
                }
                if !self.exact {
                    return Ok(true);
                }
                if self.machine.gas_used() != *gas {
                    let used = self.machine.gas_used();
                    let what =
                        format!("the run used {used} nanogas, and was recorded to use {gas}");
                    return Err(what);
                }
                if self.machine.state_hash() != *state {
                    return Err(String::from("the run ends in another state than was recorded"));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Feeds what came while an effect waited.
    fn feed<O: Observer>(
        &mut self,
        record: &Record,
        asked: &EffectRequest,
        observer: &mut O,
    ) -> Result<(), String> {
        match &record.event {
            Event::Waited { milliseconds, asking: true } => {
                self.machine.spend_wall(*milliseconds);
                observer.outside(&record.event);
            }
            Event::Answered { id, request, answer } => {
                if *id != asked.id || *request != request_hash(asked) {
                    let what = format!("{} asks for something else", asked.opcode.info().mnemonic);
                    return Err(what);
                }
                // It is the one that waits.
                let _ = self.machine.answer(asked.id, answer.clone(), observer);
            }
            Event::Called { function } => {
                if self.exact && record.steps != self.machine.steps() {
                    return Err(format!("{function} was called at step {}", record.steps));
                }
                let called = self.machine.interrupt(function);
                called.map_err(|error| format!("{function} is not called: {error}"))?;
                observer.outside(&record.event);
            }
            _ => {
                let what = format!("{} is asked, and was not", asked.opcode.info().mnemonic);
                return Err(what);
            }
        }
        Ok(())
    }
}

/// How a run ended, in words.
fn words(end: &End) -> String {
    match end {
        End::Halted(value) if value.size() <= 200 => format!("halts with {}", to_json(value)),
        End::Halted(value) => {
            format!("halts with a {} of {} bytes", value.type_name(), value.size())
        }
        End::Exhausted(meter) => format!("runs out of {}", meter.name()),
        End::Trapped(trap) => format!("traps, {trap}"),
        End::Unapproved(wanted) => format!("stands still: {wanted}"),
    }
}

impl Event {
    /// Whether it is there before anything else happens at its step.
    const fn is_first(&self) -> bool {
        matches!(self, Self::Source { .. } | Self::Edited { .. })
    }

    /// Whether it has to be fed at its very step, and not where the machine waits for it.
    const fn has_its_step(&self) -> bool {
        matches!(self, Self::Waited { asking: false, .. } | Self::Edited { .. })
    }
}
