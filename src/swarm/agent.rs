//! The journal of one agent, out of that of its world: what the world answered it is what came to it from
//! outside.

use avm_vm::{
    Answer, Config, Image, InterruptError, Machine,
    journal::{Event, Journal, Start, Writer, request_hash},
    world::{
        AgentId, Happened, Keep, World,
        journal::{Entry, Journal as WorldJournal},
    },
};

use super::{
    interrupt::Interrupt,
    messages::{Log, Row},
    recorded::Recorded,
};
use crate::exit::{Failure, Outcome};

/// One agent of a recorded world.
pub(crate) struct OfAgent {
    /// Its own journal.
    pub(crate) bytes: Vec<u8>,
    /// What it got and what it sent.
    pub(crate) messages: Vec<Row>,
    pub(crate) agent: AgentId,
    /// How often it was started again: its journal is that of its last life.
    pub(crate) restarts: u32,
    /// Every agent's name.
    pub(crate) world: World,
}

/// Notes what comes to one agent.
struct Extract<'a> {
    /// The agent, by name and, once it is there, by number.
    name: &'a str,
    number: Option<AgentId>,
    world: &'a WorldJournal,
    start: Option<Start>,
    /// With the executed instructions then.
    records: Vec<(u64, Event)>,
    restarts: u32,
}

impl Extract<'_> {
    fn is(&self, agent: AgentId) -> bool {
        self.number == Some(agent)
    }

    fn joined(&mut self, agent: AgentId, image: &Image, config: &Config) {
        (self.number, self.start) = (Some(agent), Some(Start::of(image, config.clone())));
        let debug = image.program().debug.as_ref();
        let files = debug.map_or(&[][..], |debug| &debug.files);
        for record in &self.world.records {
            if let Entry::Source { path, text } = &record.entry
                && files.contains(path)
            {
                let (path, text) = (path.clone(), text.clone());
                self.records.push((0, Event::Source { path, text }));
            }
        }
    }

    /// The bytes of the journal.
    fn finish(self) -> Option<(AgentId, Vec<u8>)> {
        let (mut writer, mut bytes) = Writer::new(&self.start?);
        for (steps, event) in &self.records {
            bytes.extend(writer.event(*steps, event));
        }
        Some((self.number?, bytes))
    }
}

impl Keep for Extract<'_> {
    fn answer(&mut self, agent: AgentId, machine: &mut Machine, answer: Answer) {
        if self.is(agent)
            && let Some(asked) = machine.pending()
        {
            let (id, request, answer) = (asked.id, request_hash(asked), answer.clone());
            let steps = machine.steps();
            if asked.reach.is_lasting() {
                self.records.push((steps, Event::Asked { id, request }));
            }
            self.records.push((steps, Event::Answered { id, request, answer }));
        }
        ().answer(agent, machine, answer);
    }

    fn outside(&mut self, agent: AgentId, machine: &mut Machine, event: &Event) -> bool {
        let steps = machine.steps();
        let done = ().outside(agent, machine, event);
        if done && self.is(agent) {
            self.records.push((steps, event.clone()));
        }
        done
    }

    fn call(
        &mut self,
        agent: AgentId,
        machine: &mut Machine,
        function: &str,
    ) -> Result<(), InterruptError> {
        let steps = machine.steps();
        ().call(agent, machine, function)?;
        if self.is(agent) {
            self.records.push((steps, Event::Called { function: function.to_owned() }));
        }
        Ok(())
    }

    fn saw(&mut self, _: u64, happened: &Happened<'_>) {
        match happened {
            Happened::Joined { agent, name, image, config, .. } if *name == self.name => {
                self.joined(*agent, image, config);
            }
            // What came to it since then did not come to it.
            Happened::Restarted { agent, machine } if self.is(*agent) => {
                let first = machine.pending().map_or(machine.effects(), |asked| asked.id);
                let steps = machine.steps();
                self.restarts += 1;
                self.records.retain(|(step, event)| match event {
                    Event::Asked { id, .. } | Event::Answered { id, .. } => *id < first,
                    // A wait that is interrupted is asked again at a later step.
                    Event::Called { .. } => *step < steps,
                    Event::Rested { .. } => false,
                    // It was changed where it stood still, and waited after that.
                    _ => *step <= steps,
                });
            }
            Happened::Left { agent, machine } if self.is(*agent) => {
                if let Some(end) = machine.end().cloned() {
                    let (gas, state) = (machine.gas_used(), machine.state_hash());
                    self.records.push((machine.steps(), Event::Rested { end, gas, state }));
                }
            }
            _ => {}
        }
    }
}

impl OfAgent {
    /// Plays a world again and keeps what is one agent's.
    pub(crate) fn of(recorded: &Recorded, name: &str, threads: usize) -> Outcome<Self> {
        let world = &recorded.journal;
        let mut extract =
            Extract { name, number: None, world, start: None, records: Vec::new(), restarts: 0 };
        let mut log = Log::default();
        let interrupt = Interrupt::default();
        let (world, _) = recorded.play(threads, &interrupt, &mut (&mut extract, &mut log))?;
        let restarts = extract.restarts;
        let Some((agent, bytes)) = extract.finish() else {
            let names: Vec<&str> =
                super::summary::agents(&world).filter_map(|agent| world.name(agent)).collect();
            let shown = names.iter().take(20).copied().collect::<Vec<_>>().join(", ");
            let more = if names.len() > 20 { ", …" } else { "" };
            let run = &recorded.name;
            return Err(Failure::usage(format!(
                "{run}: there is no agent \"{name}\"; there are {shown}{more}"
            )));
        };
        let messages = log.rows.into_iter().filter(|row| row.is_of(agent)).collect();
        Ok(Self { bytes, messages, agent, restarts, world })
    }

    /// Its journal, read.
    pub(crate) fn journal(&self) -> Outcome<Journal> {
        Journal::read(&self.bytes).map_err(Failure::files)
    }
}
