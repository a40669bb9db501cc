//! Conversations that come to nothing: agents that say the same to each other again and again, agree for
//! ever, or hand one question round (`spec/world.md`, Conversations).
//!
//! A conversation is a chain of answers: what an agent says belongs to the conversation of what it heard
//! before. So what led to a message ([`Talk`]) travels with it, and conversations side by side have
//! nothing to do with each other, whoever takes part in them. An agent that let time pass before it
//! speaks answers nobody, and begins a new one.

mod said;
mod talk;
#[cfg(test)]
mod tests;

use alloc::{format, sync::Arc, vec::Vec};

use avm_ir::{
    Reach, Value,
    value::Text,
    wire::{Reader, WireError, Writer},
};

use super::{AgentId, Happened, Keep, World, money::Refusal};
use crate::{
    effect::{Answer, EffectRequest, FailureCode},
    journal::request_hash,
};
use said::Said;
pub use talk::Stale;
pub(super) use talk::Talk;
use talk::{SAME, Since};

/// What is done about conversations that come to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Then {
    /// Nothing, and nobody looks.
    #[default]
    Off = 0,
    /// They are noted, and go on.
    Note = 1,
    /// They are noted, and what would go on with them is not sent: it fails with `stalled`, until
    /// somebody says something new, does something, or lets time pass.
    End = 2,
}

/// When a conversation comes to nothing, and what is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StallRule {
    /// Turns one after the other, each an answer to the one before, that say the same again. Turns in
    /// which less is the same count less, so that there may be up to four times as many.
    pub turns: u32,
    /// What is done.
    pub then: Then,
}

impl StallRule {
    /// Turns where nobody says how many.
    pub const TURNS: u32 = 16;

    /// The score at which it applies.
    fn limit(self) -> u32 {
        self.turns.max(1).saturating_mul(SAME)
    }

    pub(super) fn write(self, out: &mut Writer) {
        out.u32(self.turns);
        out.u8(self.then as u8);
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let turns = input.u32()?;
        let then = match input.u8()? {
            0 => Then::Off,
            1 => Then::Note,
            2 => Then::End,
            _ => return Err(input.error("nothing that is done about a conversation")),
        };
        Ok(Self { turns, then })
    }
}

impl Default for StallRule {
    fn default() -> Self {
        Self { turns: Self::TURNS, then: Then::Off }
    }
}

/// A conversation that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// In what way.
    pub how: Stale,
    /// Number of the message from which on nothing came of it.
    pub since: u64,
    /// Who sent that.
    pub from: AgentId,
    /// Executed instructions of the sender then.
    pub step: u64,
    /// Turns from there on, of which nothing came.
    pub turns: u32,
    /// Number of the message at which it was noted; where it was ended, of the one that was not sent.
    pub message: u64,
    /// The channel of that one, if it had one.
    pub channel: Option<Text>,
    /// Who spoke lately, sorted.
    pub agents: Vec<AgentId>,
    /// Whether it was ended.
    pub ended: bool,
    /// When, in nanoseconds since 1970.
    pub time: u64,
}

impl Stall {
    /// Most that are noted of a world.
    pub const MOST: usize = 1000;

    pub(super) fn write(&self, out: &mut Writer) {
        out.u8(self.how as u8);
        out.u64(self.since);
        out.u32(self.from.0);
        out.u64(self.step);
        out.u32(self.turns);
        out.u64(self.message);
        out.text(self.channel.as_ref().map_or("", |channel| channel));
        out.u32(self.agents.len() as u32);
        self.agents.iter().for_each(|agent| out.u32(agent.0));
        out.u8(u8::from(self.ended));
        out.u64(self.time);
    }

    /// Reads what [`Self::write`] wrote.
    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let how = match input.u8()? {
            0 => Stale::Repeats,
            1 => Stale::Agrees,
            2 => Stale::Counts,
            _ => return Err(input.error("no way to come to nothing")),
        };
        let (since, from, step, turns) =
            (input.u64()?, AgentId(input.u32()?), input.u64()?, input.u32()?);
        let message = input.u64()?;
        let channel = Some(input.text()?).filter(|name| !name.is_empty()).map(Text::from);
        let mut agents = Vec::new();
        for _ in 0..input.count(4)? {
            agents.push(super::channel::next_agent(input, agents.last().copied())?);
        }
        let ended = crate::journal::flag(input)?;
        let time = input.u64()?;
        Ok(Self { how, since, from, step, turns, message, channel, agents, ended, time })
    }
}

/// What an agent heard, as far as it may answer it.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    talk: Option<Arc<Talk>>,
    /// Whether it spoke since.
    spoke: bool,
}

impl Heard {
    /// Hears something: what it says next goes on with whatever came to the most.
    fn hear(&mut self, talk: Option<&Arc<Talk>>) {
        let Some(talk) = talk else { return };
        let fresher = |known: &Arc<Talk>| known.score < talk.score;
        if self.spoke || !self.talk.as_ref().is_some_and(fresher) {
            *self = Self { talk: Some(talk.clone()), spoke: false };
        }
    }

    /// Agents that it names.
    pub(super) fn names(&self) -> impl Iterator<Item = AgentId> + '_ {
        self.talk.iter().flat_map(|talk| talk.names())
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.u8(u8::from(self.spoke));
        write_talk(self.talk.as_ref(), out);
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { spoke: crate::journal::flag(input)?, talk: read_talk(input)? })
    }
}

pub(super) fn write_talk(talk: Option<&Arc<Talk>>, out: &mut Writer) {
    out.u8(u8::from(talk.is_some()));
    if let Some(talk) = talk {
        talk.write(out);
    }
}

pub(super) fn read_talk(input: &mut Reader<'_>) -> Result<Option<Arc<Talk>>, WireError> {
    match crate::journal::flag(input)? {
        true => Ok(Some(Arc::new(Talk::read(input)?))),
        false => Ok(None),
    }
}

/// The one of two conversations that came to more.
pub(super) fn fresher(talk: Option<Arc<Talk>>, other: Option<Arc<Talk>>) -> Option<Arc<Talk>> {
    match (talk, other) {
        (Some(talk), Some(other)) if talk.score < other.score => Some(talk),
        (talk, None) => talk,
        (_, other) => other,
    }
}

impl World {
    /// Conversations that came to nothing, in the order in which they were noted.
    pub fn stalls(&self) -> &[Stall] {
        &self.stalls
    }

    /// What is done about conversations of a channel; without a name, of messages to one agent.
    fn stall_rule(&self, channel: &str) -> StallRule {
        let rules = self.channels.get(channel).and_then(|channel| channel.rules.stall);
        rules.unwrap_or(self.rules.stall)
    }

    /// Whether anybody wants to know.
    pub(super) fn find_whether_looked(&mut self) {
        let mut rules = self.channels.values().filter_map(|channel| channel.rules.stall);
        self.looks = self.rules.stall.then != Then::Off || rules.any(|rule| rule.then != Then::Off);
    }

    /// What leads to a message that an agent is about to send, where somebody looks.
    ///
    /// # Errors
    /// The conversation came to nothing, and it is to end then.
    pub(super) fn say(
        &mut self,
        agent: AgentId,
        channel: &Text,
        name: &Text,
        data: &Value,
        keep: &mut impl Keep,
    ) -> Result<Option<Arc<Talk>>, Refusal> {
        if !self.looks {
            return Ok(None);
        }
        let rule = self.stall_rule(channel);
        let heard = self.actor(agent).and_then(|actor| actor.heard.talk.as_deref());
        if rule.then == Then::Off {
            return Ok(None);
        }
        let said = Said::of(name, data);
        let at = Since { message: self.sent, from: agent, step: self.step(agent), turns: [0; 3] };
        let begins = Talk::default();
        let mut talk = heard.unwrap_or(&begins).with(&said, at);
        if talk.score < rule.limit() {
            return Ok(Some(Arc::new(talk)));
        }
        talk.score = rule.limit();
        let ends = rule.then == Then::End;
        if !core::mem::replace(&mut talk.told, true) {
            self.note_stall(&talk, channel, ends, keep);
        }
        match ends {
            false => Ok(Some(Arc::new(talk))),
            true => {
                let since = talk.since.map_or(0, |since| since.message);
                let why = format!(
                    "nothing came of the conversation since message {since}; say something new, do \
                     something, or wait"
                );
                Err(Refusal::Fails(FailureCode::Stalled, why))
            }
        }
    }

    fn note_stall(&mut self, talk: &Talk, channel: &Text, ended: bool, keep: &mut impl Keep) {
        let Some(since) = talk.since else { return };
        let known = self.stalls.iter().any(|stall| stall.since == since.message);
        if known || self.stalls.len() >= Stall::MOST {
            return;
        }
        let all = [Stale::Repeats, Stale::Agrees, Stale::Counts];
        let how = all.into_iter().max_by_key(|how| since.turns[*how as usize]);
        let mut agents: Vec<AgentId> = talk.speakers().collect();
        agents.sort_unstable();
        let stall = Stall {
            how: how.unwrap_or(Stale::Repeats),
            since: since.message,
            from: since.from,
            step: since.step,
            turns: since.turns.iter().fold(0, |sum, turns| sum.saturating_add(*turns)),
            message: self.sent,
            channel: Some(channel.clone()).filter(|channel| !channel.is_empty()),
            agents,
            ended,
            time: self.now(),
        };
        keep.saw(self.now(), &Happened::Stalled(&stall));
        self.stalls.push(stall);
    }

    /// An agent sent something: what it hears next is what it answers next.
    pub(super) fn spoke(&mut self, agent: AgentId) {
        if self.looks
            && let Some(actor) = self.actor_mut(agent)
        {
            actor.heard.spoke = true;
        }
    }

    /// An agent got a message.
    pub(super) fn hear(&mut self, agent: AgentId, talk: Option<&Arc<Talk>>) {
        if talk.is_some()
            && let Some(actor) = self.actor_mut(agent)
        {
            actor.heard.hear(talk);
        }
    }

    /// Time passed for an agent: what it says next answers nobody.
    pub(super) fn let_time_pass(&mut self, agent: AgentId) {
        if self.looks
            && let Some(actor) = self.actor_mut(agent)
        {
            actor.heard = Heard::default();
        }
    }

    /// An agent did something that counts, however often.
    pub(super) fn did(&mut self, agent: AgentId) {
        if self.looks
            && let Some(talk) = self.actor_mut(agent).and_then(|actor| actor.heard.talk.as_mut())
            && talk.score > 0
        {
            Arc::make_mut(talk).moved_on();
        }
    }

    /// The host answered an agent. What models say counts when it is said. Documents count by what is in
    /// them, and everything else by what was asked, too, each once in a conversation.
    pub(super) fn learned(&mut self, agent: AgentId, answer: &Answer) {
        if !self.looks {
            return;
        }
        let Some(actor) = self.actor_mut(agent) else { return };
        let (Some(talk), Some(machine)) = (&mut actor.heard.talk, &actor.machine) else { return };
        if let (Some(asked), Ok(_)) = (machine.pending(), &answer.result)
            && let Some(hash) = deed(asked, answer)
        {
            Arc::make_mut(talk).did(hash);
        }
    }
}

/// What an agent did and what came of it, as a hash; nothing if it only thought.
fn deed(asked: &EffectRequest, answer: &Answer) -> Option<u32> {
    let args = match asked.reach {
        Reach::Model | Reach::Time | Reach::Policy => return None,
        Reach::Docs => [0; 32],
        _ => request_hash(asked),
    };
    let mut out = Writer::new();
    out.u8(asked.opcode as u8);
    out.raw(&args);
    for value in answer.result.iter().flatten() {
        avm_ir::value::encode_to(value, &mut out);
    }
    let hash = *blake3::hash(&out.finish()).as_bytes();
    Some(u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]))
}
