//! An agent as its world sees it.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use avm_ir::{
    value::Text,
    wire::{Reader, WireError, Writer},
};

use super::{
    AgentId, channel::Count, inbox::Inbox, outbox, restart::Guard, schedule::Tasks, stall::Heard,
};
use crate::{
    effect::{Answer, Handover},
    identity::Outbox,
    journal::flag,
    ledger::Wanted,
    machine::Machine,
    meter::{Budget, Spend},
};

/// What an agent does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// It can run, or is out on a turn.
    Ready,
    /// It waits for something of the world.
    Waits(Wait),
    /// It waits for the host.
    Asks,
    /// It waits until somebody approves what it wants to pay.
    Approval(Box<Wanted>),
    /// It stands still until the host raises a limit or votes.
    Rests,
    /// It came to its end.
    Over,
}

impl State {
    pub(super) fn write(&self, out: &mut Writer) {
        match self {
            State::Ready => out.u8(0),
            State::Waits(Wait { what, until, timer }) => {
                out.u8(1);
                out.u64(*until);
                out.u64(*timer);
                match what {
                    What::Time => out.u8(0),
                    What::Request(number) => {
                        out.u8(1);
                        out.u64(*number);
                    }
                    What::Message(name) => {
                        out.u8(2);
                        out.u8(u8::from(name.is_some()));
                        out.text(name.as_ref().map_or("", |name| name));
                    }
                    What::From(agent) => {
                        out.u8(3);
                        out.u32(agent.0);
                    }
                }
            }
            State::Asks => out.u8(2),
            State::Over => out.u8(3),
            // The pending effect says what for.
            State::Approval(_) => out.u8(4),
            State::Rests => out.u8(5),
        }
    }

    /// Reads what [`Self::write`] wrote; `None` for one that waits for an approval, which is more.
    pub(super) fn read(input: &mut Reader<'_>) -> Result<Option<Self>, WireError> {
        Ok(Some(match input.u8()? {
            0 => Self::Ready,
            1 => {
                let (until, timer) = (input.u64()?, input.u64()?);
                let what = match input.u8()? {
                    0 => What::Time,
                    1 => What::Request(input.u64()?),
                    2 => {
                        let (named, name) = (flag(input)?, input.text()?);
                        if !named && !name.is_empty() {
                            return Err(input.error("a name that is none"));
                        }
                        What::Message(named.then(|| Text::from(name)))
                    }
                    3 => What::From(AgentId(input.u32()?)),
                    _ => return Err(input.error("nothing that can be waited for")),
                };
                Self::Waits(Wait { what, until, timer })
            }
            2 => Self::Asks,
            3 => Self::Over,
            4 => return Ok(None),
            5 => Self::Rests,
            _ => return Err(input.error("nothing that an agent does")),
        }))
    }
}

/// What an agent waits for, when that ends at the latest, and the number of the timer that ends it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wait {
    pub(super) what: What,
    pub(super) until: u64,
    pub(super) timer: u64,
}

/// What an agent waits for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// A time.
    Time,
    /// The answer to a request.
    Request(u64),
    /// A message: of this name, or any.
    Message(Option<Text>),
    /// A message of this agent.
    From(AgentId),
}

/// What an agent has to do with others.
#[derive(Debug, Default)]
pub(super) struct Kin {
    pub(super) parent: Option<AgentId>,
    /// Agents that it started so far.
    pub(super) forks: u64,
    /// Those of them that are still there.
    pub(super) children: u32,
    /// How often it started some lately.
    pub(super) forked: Count,
    /// What it gets, and what it has used up, with the next answer.
    pub(super) back: Handover,
    /// Nanogas that it used before it was started again, charged with the next answer.
    pub(super) lost: u64,
}

impl Kin {
    /// Whether something is due with the next answer.
    pub(super) fn owes(&self) -> bool {
        self.lost > 0 || self.back != Handover::default()
    }

    /// Puts what is due into an answer.
    pub(super) fn settle(&mut self, machine: &mut Machine, answer: &mut Answer) {
        if self.lost > 0 {
            let most = machine.pending().map_or(0, |request| request.max_gas);
            let room = most.saturating_sub(machine.price_of(answer));
            answer.cost = answer.cost.saturating_add(self.lost.min(room));
            self.lost = 0;
        }
        if self.back != Handover::default() {
            let due = core::mem::take(&mut self.back);
            let handover = answer.handover.get_or_insert_default();
            handover.gas = handover.gas.saturating_add(due.gas);
            handover.back = handover.back.plus(&due.back);
            handover.taken = handover.taken.plus(&due.taken);
        }
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let parent = Some(input.u32()?).filter(|number| *number != u32::MAX).map(AgentId);
        let (forks, children, forked) = (input.u64()?, input.u32()?, Count::read(input)?);
        let gas = input.u64()?;
        let mut budgets = [Budget::NONE; 2];
        for budget in &mut budgets {
            let spend = Spend::of([input.u64()?, input.u64()?, input.u64()?, input.u64()?]);
            *budget = Budget { spend, effects: input.u64()? };
        }
        let [back, taken] = budgets;
        let back = Handover { gas, back, taken };
        Ok(Self { parent, forks, children, forked, back, lost: input.u64()? })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.u32(self.parent.map_or(u32::MAX, |parent| parent.0));
        out.u64(self.forks);
        out.u32(self.children);
        self.forked.write(out);
        out.u64(self.back.gas);
        for Budget { spend, effects } in [self.back.back, self.back.taken] {
            spend.amounts().into_iter().for_each(|amount| out.u64(amount));
            out.u64(effects);
        }
        out.u64(self.lost);
    }
}

#[derive(Debug)]
pub(super) struct Actor {
    pub(super) name: Text,
    /// Hash of its public key, or of its parent's id and its number.
    pub(super) id: [u8; 32],
    /// Not here while it is out on a turn.
    pub(super) machine: Option<Box<Machine>>,
    pub(super) state: State,
    pub(super) inbox: Inbox,
    /// Channels that it joined, the last one last.
    pub(super) channels: Vec<Text>,
    /// Its latest request by name.
    pub(super) requests: BTreeMap<Text, u64>,
    /// Open requests that it was asked and has not answered; follows from the requests.
    pub(super) asked: BTreeSet<u64>,
    pub(super) kin: Option<Box<Kin>>,
    /// If somebody looks after it.
    pub(super) guard: Option<Box<Guard>>,
    /// If it ever scheduled one.
    pub(super) tasks: Option<Box<Tasks>>,
    /// What it sent, if it signs; one that said nothing shares the world's.
    pub(super) outbox: Option<Arc<Outbox>>,
    /// What it answers when it speaks, where somebody looks.
    pub(super) heard: Heard,
}

impl Actor {
    pub(super) fn new(name: Text, id: [u8; 32], machine: Machine) -> Self {
        Self {
            name,
            id,
            machine: Some(Box::new(machine)),
            state: State::Ready,
            inbox: Inbox::default(),
            channels: Vec::new(),
            requests: BTreeMap::new(),
            asked: BTreeSet::new(),
            kin: None,
            guard: None,
            tasks: None,
            outbox: None,
            heard: Heard::default(),
        }
    }

    pub(super) fn parent(&self) -> Option<AgentId> {
        self.kin.as_ref()?.parent
    }

    /// How often it was started again.
    pub(super) fn lives(&self) -> u32 {
        self.guard.as_ref().map_or(0, |guard| guard.lives)
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.text(&self.name);
        out.raw(&self.id);
        out.raw(&self.machine.as_ref().map_or([0; 32], |machine| machine.state_hash()));
        self.state.write(out);
        self.inbox.write(out);
        self.write_links(out);
        out.u8(u8::from(self.kin.is_some()) | u8::from(self.guard.is_some()) << 1);
        if let Some(kin) = &self.kin {
            kin.write(out);
        }
        if let Some(guard) = &self.guard {
            guard.write(out);
        }
        out.u8(u8::from(self.tasks.is_some()));
        if let Some(tasks) = &self.tasks {
            tasks.write(out);
        }
        outbox::write(self.outbox.as_deref(), out);
        self.heard.write(out);
    }

    /// Where it listens, and what it asked.
    pub(super) fn write_links(&self, out: &mut Writer) {
        out.u32(self.channels.len() as u32);
        self.channels.iter().for_each(|name| out.text(name));
        out.u32(self.requests.len() as u32);
        for (name, number) in &self.requests {
            out.text(name);
            out.u64(*number);
        }
    }
}
