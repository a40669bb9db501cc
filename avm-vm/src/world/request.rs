//! Requests: messages that somebody waits for an answer to.

use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

use avm_ir::{
    Value,
    value::{Text, decode, encode_to},
    wire::{Reader, WireError, Writer},
};

use super::{
    AgentId,
    channel::next_agent,
    stall::{Talk, fresher, read_talk, write_talk},
};
use crate::journal::flag;

/// How many answers a request is done with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    /// The first one is the answer.
    First,
    /// One of everybody who was asked and is still there; the answer is the list of them.
    All,
    /// Whether a verifier accepts an answer to another request; the world alone asks that.
    Verdict {
        /// The other request.
        of: u64,
        /// Who answered.
        candidate: AgentId,
        /// What.
        answer: Value,
    },
}

/// Money that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reward {
    /// Number of the escrow.
    pub(super) escrow: u64,
    pub(super) terms: Terms,
}

/// Who gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Terms {
    First,
    Accepted(AgentId),
    Split,
}

/// A request that is open, or whose answers nobody took yet.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) from: AgentId,
    pub(super) name: Text,
    pub(super) wanted: Wanted,
    /// Who was asked and neither answered nor came to an end.
    pub(super) open: BTreeSet<AgentId>,
    pub(super) answers: Vec<(AgentId, Value)>,
    /// What was set aside for an answer and nobody got yet.
    pub(super) reward: Option<Reward>,
    /// The verifier that answers have to pass.
    pub(super) verifier: Option<AgentId>,
    /// Answers of which the verifier has not said yet whether it accepts them, by the number of its own
    /// request.
    pub(super) judged: BTreeSet<u64>,
    /// The channel that it went to; an empty name for one agent alone.
    pub(super) channel: Text,
    /// What led to its answers: of several to the one that came to the most.
    pub(super) talk: Option<Arc<Talk>>,
}

impl Request {
    /// One that was just sent to these.
    pub(super) fn new(
        from: AgentId,
        (channel, name): (Text, Text),
        wanted: Wanted,
        open: BTreeSet<AgentId>,
    ) -> Self {
        let (answers, judged) = (Vec::new(), BTreeSet::new());
        let (reward, verifier, talk) = (None, None, None);
        Self { from, name, wanted, open, answers, reward, verifier, judged, channel, talk }
    }

    /// Takes note of what led to an answer.
    pub(super) fn led(&mut self, talk: Option<Arc<Talk>>) {
        self.talk = fresher(self.talk.take(), talk);
    }

    /// Whether no further answer changes it.
    pub(super) fn is_done(&self) -> bool {
        let nobody = self.open.is_empty() && self.judged.is_empty();
        match self.wanted {
            // What was verified is enough.
            Wanted::All if self.verifier.is_none() => nobody,
            _ => nobody || !self.answers.is_empty(),
        }
    }

    /// What whoever asked gets: nothing if nobody answered.
    pub(super) fn result(&self) -> Option<Value> {
        let (_, first) = self.answers.first()?;
        Some(match self.wanted {
            Wanted::All => Value::list(self.answers.iter().map(|(_, data)| data.clone()).collect()),
            _ => first.clone(),
        })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.u32(self.from.0);
        out.text(&self.name);
        match &self.wanted {
            Wanted::First => out.u8(0),
            Wanted::All => out.u8(1),
            Wanted::Verdict { of, candidate, answer } => {
                out.u8(2);
                out.u64(*of);
                out.u32(candidate.0);
                encode_to(answer, out);
            }
        }
        out.u32(self.open.len() as u32);
        self.open.iter().for_each(|agent| out.u32(agent.0));
        out.u32(self.answers.len() as u32);
        for (agent, data) in &self.answers {
            out.u32(agent.0);
            encode_to(data, out);
        }
        out.u8(u8::from(self.reward.is_some()));
        if let Some(Reward { escrow, terms }) = self.reward {
            out.u64(escrow);
            match terms {
                Terms::First => out.u8(0),
                Terms::Accepted(verifier) => {
                    out.u8(1);
                    out.u32(verifier.0);
                }
                Terms::Split => out.u8(2),
            }
        }
        out.u32(self.verifier.map_or(u32::MAX, |verifier| verifier.0));
        out.u32(self.judged.len() as u32);
        self.judged.iter().for_each(|number| out.u64(*number));
        out.text(&self.channel);
        write_talk(self.talk.as_ref(), out);
    }

    /// Reads what [`Self::write`] wrote.
    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let (from, name) = (AgentId(input.u32()?), Text::from(input.text()?));
        let wanted = match input.u8()? {
            0 => Wanted::First,
            1 => Wanted::All,
            2 => Wanted::Verdict {
                of: input.u64()?,
                candidate: AgentId(input.u32()?),
                answer: decode(input)?,
            },
            _ => return Err(input.error("no such kind of request")),
        };
        let mut open = BTreeSet::new();
        for _ in 0..input.count(4)? {
            open.insert(next_agent(input, open.last().copied())?);
        }
        let mut answers = Vec::new();
        for _ in 0..input.count(5)? {
            answers.push((AgentId(input.u32()?), decode(input)?));
        }
        let reward = match flag(input)? {
            false => None,
            true => {
                let escrow = input.u64()?;
                let terms = match input.u8()? {
                    0 => Terms::First,
                    1 => Terms::Accepted(AgentId(input.u32()?)),
                    2 => Terms::Split,
                    _ => return Err(input.error("no such terms")),
                };
                Some(Reward { escrow, terms })
            }
        };
        let verifier = Some(input.u32()?).filter(|number| *number != u32::MAX).map(AgentId);
        let mut judged = BTreeSet::new();
        for _ in 0..input.count(8)? {
            let number = input.u64()?;
            if judged.last().is_some_and(|last| *last >= number) {
                return Err(input.error("requests are not in order"));
            }
            judged.insert(number);
        }
        let (channel, talk) = (Text::from(input.text()?), read_talk(input)?);
        Ok(Self { from, name, wanted, open, answers, reward, verifier, judged, channel, talk })
    }
}
