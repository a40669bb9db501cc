//! The journal of one agent, out of that of its world: what the world answered it is what came to it from
//! outside.

use avm_vm::{
    Answer, Machine,
    journal::{Event, Journal, Recorder, Start, Writer},
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
    /// Every agent's name.
    pub(crate) world: World,
}

/// Notes what comes to one agent.
struct Extract<'a> {
    /// The agent, by name and, once it is there, by number.
    name: &'a str,
    number: Option<AgentId>,
    world: &'a WorldJournal,
    recorder: Option<Recorder>,
}

impl Keep for Extract<'_> {
    fn answer(&mut self, agent: AgentId, machine: &mut Machine, answer: Answer) {
        match &mut self.recorder {
            // It is the one that waits.
            Some(recorder) if self.number == Some(agent) => {
                let _ = recorder.answer(machine, answer, &mut ());
            }
            _ => ().answer(agent, machine, answer),
        }
    }

    fn saw(&mut self, _: u64, happened: &Happened<'_>) {
        match happened {
            Happened::Joined { agent, name, image, config } if *name == self.name => {
                let start = Start::of(image, (*config).clone());
                let (writer, bytes) = Writer::new(&start);
                let mut recorder = Recorder::new(writer, bytes);
                let debug = image.program().debug.as_ref();
                let files = debug.map_or(&[][..], |debug| &debug.files);
                for record in &self.world.records {
                    if let Entry::Source { path, text } = &record.entry
                        && files.contains(path)
                    {
                        let (path, text) = (path.clone(), text.clone());
                        recorder.note(0, &Event::Source { path, text });
                    }
                }
                (self.number, self.recorder) = (Some(*agent), Some(recorder));
            }
            Happened::Left { agent, machine } if self.number == Some(*agent) => {
                if let Some(recorder) = &mut self.recorder {
                    recorder.rest(machine);
                }
            }
            _ => {}
        }
    }
}

impl OfAgent {
    /// Plays a world again and keeps what is one agent's.
    pub(crate) fn of(recorded: &Recorded, name: &str, threads: usize) -> Outcome<Self> {
        let mut extract = Extract { name, number: None, world: &recorded.journal, recorder: None };
        let mut log = Log::default();
        let interrupt = Interrupt::default();
        let (world, _) = recorded.play(threads, &interrupt, &mut (&mut extract, &mut log))?;
        let (Some(agent), Some(mut recorder)) = (extract.number, extract.recorder) else {
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
        Ok(Self { bytes: recorder.take(), messages, agent, world })
    }

    /// Its journal, read.
    pub(crate) fn journal(&self) -> Outcome<Journal> {
        Journal::read(&self.bytes).map_err(Failure::files)
    }
}
