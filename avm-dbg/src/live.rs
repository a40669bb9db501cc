//! Runs that go on while they are looked at.
//!
//! Nothing goes on by itself: where a player comes to a question that the journal has no answer to,
//! whoever is outside is asked, the answer becomes a record, and the player is fed from the journal
//! as ever. So a run that is looked at live is the run that its journal replays.

use std::{collections::VecDeque, fmt, sync::Arc};

use avm_ir::Reach;
use avm_vm::{
    Answer, EffectRequest, Image, InputError, Machine,
    journal::{Event, Journal, Link, Player, Record, Start, Stop, Tail, Writer, request_hash},
};

/// Answers what a run asks and keeps its journal.
pub trait Outside {
    /// What people call the run: its folder, its file.
    fn name(&self) -> String;

    /// Keeps the next bytes of the journal. With a reach they are of an effect of that kind, and have to
    /// be safe before the run goes on if its loss would matter.
    fn keep(&mut self, bytes: &[u8], reach: Option<Reach>) -> Result<(), String>;

    /// Answers an effect. An error is no failure of the effect: the run cannot go on.
    fn answer(&mut self, request: &EffectRequest) -> Result<Answer, String>;

    /// Vouches for the journal of a run that came to rest, up to its last link, if somebody wants to.
    fn sign(&mut self, link: &Link) -> Option<Event> {
        let _ = link;
        None
    }

    /// The run came to rest, and its journal is whole.
    fn rest(&mut self, machine: &Machine, link: &Link) -> Result<(), String> {
        let _ = (machine, link);
        Ok(())
    }
}

/// Makes room for runs that leave another one.
pub trait Home {
    /// A new run that begins in this way, and went through these effects, in order, without asking
    /// anybody. The bytes of its journal come with [`Outside::keep`], from the first one on. Whoever
    /// asks somebody says in `start` what tells the run from every other.
    fn fork(
        &mut self,
        start: &mut Start,
        answered: &[EffectRequest],
    ) -> Result<Box<dyn Outside>, String>;

    /// Whether the runs made here have anybody to answer them.
    fn answers(&self) -> bool;
}

/// A run that somebody goes on with.
pub struct Live {
    outside: Box<dyn Outside>,
    writer: Writer,
    /// Bytes of the journal so far.
    length: usize,
    /// What may be answered from another run, and nothing else is; `None` asks whoever is outside.
    recorded: Option<Recorded>,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("name", &self.outside.name()).finish_non_exhaustive()
    }
}

impl Live {
    /// A new run and its journal, which begins with what is known already, with its steps.
    pub fn begin(
        mut outside: Box<dyn Outside>,
        start: Start,
        known: Vec<(u64, Event)>,
    ) -> Result<(Self, Journal), String> {
        let (writer, bytes) = Writer::new(&start);
        outside.keep(&bytes, None)?;
        let first = writer.link();
        let mut live = Self { outside, writer, length: bytes.len(), recorded: None };
        let mut records = Vec::new();
        for (steps, event) in known {
            live.note(steps, event, &mut records, None)?;
        }
        Ok((live, Journal { start, first, records, tail: Tail::Whole }))
    }

    /// The same, answered from what another run was answered alone.
    #[must_use]
    pub fn with(mut self, recorded: Option<Recorded>) -> Self {
        self.recorded = recorded;
        self
    }

    /// What people call it.
    pub fn name(&self) -> String {
        self.outside.name()
    }

    /// Keeps a record.
    fn note(
        &mut self,
        steps: u64,
        event: Event,
        records: &mut Vec<Record>,
        reach: Option<Reach>,
    ) -> Result<(), String> {
        let bytes = self.writer.event(steps, &event);
        self.outside.keep(&bytes, reach)?;
        records.push(Record { steps, event, offset: self.length, link: self.writer.link() });
        self.length += bytes.len();
        Ok(())
    }

    /// Gets the effect that a machine waits for answered.
    pub(crate) fn ask(
        &mut self,
        machine: &Machine,
        records: &mut Vec<Record>,
    ) -> Result<(), String> {
        let Some(asked) = machine.pending() else { return Ok(()) };
        let (id, request, reach) = (asked.id, request_hash(asked), Some(asked.reach));
        let steps = machine.steps();
        let answer = match &mut self.recorded {
            Some(recorded) => recorded.take(&request).ok_or_else(|| {
                let mnemonic = asked.opcode.mnemonic();
                format!("{mnemonic} asks what was not recorded, and this run asks nobody")
            })?,
            None => {
                if asked.reach.is_lasting() {
                    self.note(steps, Event::Asked { id, request }, records, reach)?;
                }
                self.outside.answer(asked)?
            }
        };
        self.note(steps, Event::Answered { id, request, answer }, records, reach)
    }

    /// Notes how a machine came to rest.
    pub(crate) fn rest(
        &mut self,
        machine: &Machine,
        records: &mut Vec<Record>,
    ) -> Result<(), String> {
        let Some(end) = machine.end().cloned() else { return Ok(()) };
        let (gas, state) = (machine.gas_used(), machine.state_hash());
        self.note(machine.steps(), Event::Rested { end, gas, state }, records, None)?;
        if let Some(signed) = self.outside.sign(&self.writer.link()) {
            self.note(machine.steps(), signed, records, None)?;
        }
        self.outside.rest(machine, &self.writer.link())
    }
}

/// Nobody is asked, and nothing is kept.
struct Nobody;

impl Outside for Nobody {
    fn name(&self) -> String {
        String::new()
    }

    fn keep(&mut self, _: &[u8], _: Option<Reach>) -> Result<(), String> {
        Ok(())
    }

    fn answer(&mut self, request: &EffectRequest) -> Result<Answer, String> {
        Err(format!("{} asks somebody", request.opcode.mnemonic()))
    }
}

/// What a program does with what another run was answered: the journal of its run from the same start,
/// where a question that was asked there gets the answer that it got there. It is cut off at the
/// first question that was not.
pub fn again(old: &Journal, image: Arc<Image>) -> Result<Journal, InputError> {
    let (program, schedule) = (image.program().to_bytes(), image.schedule_hash());
    let start = Start { program, schedule, parent: None, ..old.start.clone() };
    let writer = Writer::new(&start).0;
    let (first, tail) = (writer.link(), Tail::Whole);
    let recorded = Some(Recorded::of(&old.records));
    let mut live = Live { outside: Box::new(Nobody), writer, length: 0, recorded };
    let mut journal = Journal { start, first, records: Vec::new(), tail };
    let mut player = Player::new(&journal, image)?;
    loop {
        // It asks or is over: nothing else was written that it could differ from.
        let stop = player.run(&journal, &mut ());
        let noted = match stop {
            Ok(Stop::Cut) => live.ask(player.machine(), &mut journal.records),
            _ if journal.end().is_some() => return Ok(journal),
            _ => live.rest(player.machine(), &mut journal.records),
        };
        if noted.is_err() {
            return Ok(journal);
        }
    }
}

/// What a run was answered, to answer another one that asks the same.
#[derive(Clone, Debug, Default)]
pub struct Recorded(VecDeque<([u8; 32], Answer)>);

impl Recorded {
    /// The answers in these records, in order.
    pub fn of(records: &[Record]) -> Self {
        let answered = records.iter().filter_map(|record| match &record.event {
            Event::Answered { request, answer, .. } => Some((*request, answer.clone())),
            _ => None,
        });
        Self(answered.collect())
    }

    /// The first answer to a question that was not given yet. Each is given once: what is asked
    /// twice may have been answered in two ways.
    pub(crate) fn take(&mut self, request: &[u8; 32]) -> Option<Answer> {
        let at = self.0.iter().position(|(asked, _)| asked == request)?;
        self.0.remove(at).map(|(_, answer)| answer)
    }
}
