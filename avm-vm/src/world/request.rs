//! Requests: messages that somebody waits for an answer to.

use alloc::{collections::BTreeSet, vec::Vec};

use avm_ir::{
    Value,
    value::{Text, encode_to},
    wire::Writer,
};

use super::AgentId;

/// How many answers a request is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The first one is the answer.
    First,
    /// One of everybody who was asked and is still there; the answer is the list of them.
    All,
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
}

impl Request {
    /// Whether no further answer changes it.
    pub(super) fn is_done(&self) -> bool {
        match self.wanted {
            Wanted::First => !self.answers.is_empty() || self.open.is_empty(),
            Wanted::All => self.open.is_empty(),
        }
    }

    /// What whoever asked gets: nothing if nobody answered.
    pub(super) fn result(&self) -> Option<Value> {
        let (_, first) = self.answers.first()?;
        Some(match self.wanted {
            Wanted::First => first.clone(),
            Wanted::All => Value::list(self.answers.iter().map(|(_, data)| data.clone()).collect()),
        })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.u32(self.from.0);
        out.text(&self.name);
        out.u8(u8::from(self.wanted == Wanted::All));
        out.u32(self.open.len() as u32);
        self.open.iter().for_each(|agent| out.u32(agent.0));
        out.u32(self.answers.len() as u32);
        for (agent, data) in &self.answers {
            out.u32(agent.0);
            encode_to(data, out);
        }
    }
}
