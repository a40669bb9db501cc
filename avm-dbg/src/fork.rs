//! Runs that leave another one at a step, with registers, an answer or inputs changed, or nothing.
//!
//! The new run's journal begins with what the old one was answered up to there, so nobody is asked
//! anything again, and it stands by itself; it names the old one. What comes behind the step is asked
//! anew, or taken from what the old run was answered.

use avm_ir::Value;
use avm_vm::{
    Answer, EffectRequest, Failure, Observer,
    journal::{Event, Journal, Parent, Player, Record, Start, Stop, Tail, request_hash},
};

use crate::{
    expr::Path,
    live::{Live, Recorded},
    session::{Run, Session},
    stops::no_register,
    timeline::Timeline,
};

/// What is different in a new run.
#[derive(Clone, Debug)]
pub enum Change {
    /// A register of the current call.
    Register {
        /// Its number.
        register: u8,
        /// What it holds from here on.
        value: Value,
    },
    /// What the effect that is next is answered.
    Answer(Result<Vec<Value>, Failure>),
    /// What the program is given; the new run leaves the old one at its start.
    Input {
        /// Its name.
        name: String,
        /// Its value.
        value: Value,
    },
}

/// Who answers a new run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Whoever is outside.
    Live,
    /// Nobody: an effect gets what the old run was answered to the same question.
    Recorded,
}

/// Collects what was asked.
#[derive(Default)]
struct Asked(Vec<EffectRequest>);

impl Observer for Asked {
    const STEPS: bool = false;

    fn effect(&mut self, request: &EffectRequest, _: &Answer, _: u64) {
        self.0.push(request.clone());
    }
}

impl Session {
    /// Whether there is anybody to answer new runs.
    pub fn can_answer(&self) -> bool {
        self.home.as_ref().is_some_and(|home| home.answers())
    }

    /// Registers of the current call, or parts of them, with other values.
    pub fn edits(&self, edits: &[(&str, Value)]) -> Result<Vec<Change>, String> {
        let machine = self.machine();
        let mut changed: Vec<(u8, Value)> = Vec::new();
        for (name, new) in edits {
            let path = Path::read(name).map_err(|error| error.to_string())?;
            let register = self.code.register(self.scope(), &path.name);
            let register = register.ok_or_else(|| no_register(&path.name))?;
            if register.scope != self.scope() {
                let name = &path.name;
                return Err(format!(
                    "{name} is a register of the agent's, and a call is open; `finish` leaves it"
                ));
            }
            let before = changed.iter().position(|(number, _)| *number == register.number);
            let held = match before {
                Some(at) => Some(&changed[at].1),
                None => self.code.value(machine, machine.depth(), &path.name),
            };
            let held = held.ok_or_else(|| no_register(&path.name))?;
            let value = path.put(held, new.clone());
            let value = value.ok_or_else(|| format!("there is no {path} to be set"))?;
            match before {
                Some(at) => changed[at].1 = value,
                None => changed.push((register.number, value)),
            }
        }
        let change = |(register, value)| Change::Register { register, value };
        Ok(changed.into_iter().map(change).collect())
    }

    /// Leaves this run where the session stands, or at its start for another input, and goes on with a
    /// new one. An error says why that cannot be; then no run was made.
    pub fn fork(&mut self, changes: &[Change], answers: Answers) -> Result<(), String> {
        let home = self.home.as_ref().ok_or("runs that are forked here have nowhere to go")?;
        if answers == Answers::Live && !home.answers() {
            return Err("there is nobody to answer a live run here; avm debug has providers".into());
        }
        let at_start = changes.iter().any(|change| matches!(change, Change::Input { .. }));
        if !at_start && self.machine().end().is_some() {
            return Err("the run is over here; go back to where it should become another".into());
        }
        if at_start {
            self.seek(0);
        }
        let mut plan = self.plan(changes)?;
        let steps = self.step();
        let home = self.home.as_mut().ok_or("runs that are forked here have nowhere to go")?;
        let outside = home.fork(&mut plan.start, &plan.asked)?;
        let (live, journal) = Live::begin(outside, plan.start, plan.events)?;
        let recorded = (answers == Answers::Recorded).then_some(plan.recorded);
        let live = live.with(recorded);
        let name = live.name();
        let now = Player::new(&journal, self.image.clone()).map_err(|error| error.to_string())?;
        let timeline = Timeline::new(journal, now.clone(), Some(live), self.interrupt());
        let number = self.others.iter().map(|run| run.number).max().unwrap_or(0);
        let number = number.max(self.run.number) + 1;
        let parent = Some((self.run.number, steps));
        self.enter(Run { number, name, parent, timeline, now });
        self.seek(steps);
        Ok(())
    }

    /// Makes another run the one that is looked at.
    pub(crate) fn enter(&mut self, run: Run) {
        let mut left = std::mem::replace(&mut self.run, run);
        left.timeline.forget();
        self.others.push(left);
        self.stand();
    }

    /// How the new run begins, up to where it leaves this one.
    fn plan(&self, changes: &[Change]) -> Result<Plan, String> {
        let journal = self.journal();
        let mut start = journal.start.clone();
        let (fed, steps) = (self.run.now.fed(), self.step());
        let link = fed.checked_sub(1).map_or(journal.first, |last| journal.records[last].link);
        start.parent = Some(Parent { link, steps });
        for change in changes {
            let Change::Input { name, value } = change else { continue };
            let inputs = &mut start.config.inputs;
            match inputs.iter_mut().find(|(input, _)| input == name) {
                Some((_, old)) => *old = value.clone(),
                None => inputs.push((name.clone(), value.clone())),
            }
        }
        let (known, behind) = journal.records.split_at(fed);
        let mut events: Vec<(u64, Event)> = journal.records.iter().filter_map(source).collect();
        events.extend(known.iter().filter_map(happened));
        let mut recorded = Recorded::of(behind);

        let before = unlinked(&start, &events);
        let wrong = |error: &dyn std::fmt::Display| error.to_string();
        let mut asked = Asked::default();
        let player = Player::new(&before, self.image.clone());
        let mut player = player.map_err(|error| wrong(&error))?;
        player.run_to(&before, steps, &mut asked).map_err(|error| wrong(&error))?;
        for change in changes {
            match change {
                Change::Input { .. } => {}
                Change::Register { register, value } => {
                    if !player.machine().clone().edit(*register, value.clone()) {
                        return Err("the call that is open here has no such register".into());
                    }
                    events
                        .push((steps, Event::Edited { register: *register, value: value.clone() }));
                }
                Change::Answer(result) => {
                    let stop = player.run_to(&before, steps + 1, &mut ());
                    let request = player.machine().pending().filter(|_| stop == Ok(Stop::Cut));
                    let request = request.ok_or(
                        "the next instruction asks nothing; `continue effect` goes to one that does",
                    )?;
                    let info = request.opcode.info();
                    if let Ok(outputs) = result
                        && outputs.len() > info.outputs.len()
                    {
                        let (is, most) = (outputs.len(), info.outputs.len());
                        return Err(format!("{} has {most} results, not {is}", info.mnemonic));
                    }
                    let was = recorded.take(&request_hash(request));
                    let answer = was.unwrap_or_else(|| Answer::outputs(Vec::new()));
                    let answer = Answer { result: result.clone(), short: None, ..answer };
                    let (id, request) = (request.id, request_hash(request));
                    events.push((steps, Event::Answered { id, request, answer }));
                }
            }
        }
        Ok(Plan { start, events, asked: asked.0, recorded })
    }
}

/// How a new run begins.
struct Plan {
    start: Start,
    /// With their steps.
    events: Vec<(u64, Event)>,
    /// Effects that were answered up to there.
    asked: Vec<EffectRequest>,
    /// What the old run was answered behind it.
    recorded: Recorded,
}

/// A text that the program was made from.
fn source(record: &Record) -> Option<(u64, Event)> {
    matches!(record.event, Event::Source { .. }).then(|| (record.steps, record.event.clone()))
}

/// What happened to the run. Signatures are of the old run alone.
fn happened(record: &Record) -> Option<(u64, Event)> {
    let of_old = matches!(record.event, Event::Source { .. } | Event::Signed { .. });
    (!of_old).then(|| (record.steps, record.event.clone()))
}

/// A journal of these records for a player, which does not look at links.
fn unlinked(start: &Start, events: &[(u64, Event)]) -> Journal {
    let record = |(steps, event): &(u64, Event)| Record {
        steps: *steps,
        event: event.clone(),
        offset: 0,
        link: [0; 32],
    };
    let records = events.iter().map(record).collect();
    Journal { start: start.clone(), first: [0; 32], records, tail: Tail::Whole }
}
