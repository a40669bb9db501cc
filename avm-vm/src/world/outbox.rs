//! What agents with keys send is kept as one hash for each of them (P-46, P-80): a seal of that vouches for
//! every message, and a replay makes the same hash without any secret.
//!
//! `spec/names.md` has the bytes of a message.

use alloc::{sync::Arc, vec::Vec};

use avm_ir::{
    Value,
    value::{Text, encode_to},
    wire::{Reader, WireError, Writer},
};

use super::{AgentId, Happened, Keep, World};
use crate::identity::Outbox;

/// Largest memory that is kept for the bytes of the next message.
const ROOM: usize = 64 << 10;

/// A message as its sender vouches for it.
pub(super) struct Post<'a> {
    /// Its number in the world.
    pub(super) number: u64,
    pub(super) to: Receiver<'a>,
    pub(super) name: &'a Text,
    pub(super) data: &'a Value,
    /// The request that it opens.
    pub(super) request: Option<u64>,
}

/// Whom a message is for.
pub(super) enum Receiver<'a> {
    Agent(AgentId),
    Channel(&'a Text),
    /// Whoever asked, with this request.
    Asker(AgentId, u64),
}

impl World {
    /// From now on what an agent sends goes through its outbox, and what children send that it starts from
    /// now on. `false` if there is no such agent.
    pub fn keep_outbox(&mut self, agent: AgentId) -> bool {
        let silent = self.silent.clone();
        let Some(actor) = self.actor_mut(agent) else { return false };
        actor.outbox.get_or_insert(silent);
        true
    }

    /// All that an agent sent; none of one that does not sign.
    pub fn outbox(&self, agent: AgentId) -> Option<Outbox> {
        let actor = self.actor(agent)?;
        let outbox = **actor.outbox.as_ref()?;
        Some(if outbox.count == 0 { Outbox::new(&actor.id) } else { outbox })
    }

    /// An agent sends a message.
    pub(super) fn post(&mut self, from: AgentId, post: &Post<'_>, keep: &mut impl Keep) {
        let Some(mut outbox) = self.outbox(from) else { return };
        let bytes = core::mem::take(&mut self.room_of_post);
        let bytes = self.bytes_of(post, bytes);
        outbox.add(&bytes);
        if bytes.capacity() <= ROOM {
            self.room_of_post = bytes;
        }
        let Some(kept) = self.actor_mut(from).and_then(|actor| actor.outbox.as_mut()) else {
            return;
        };
        match Arc::get_mut(kept) {
            Some(own) => *own = outbox,
            // The one of all that said nothing yet.
            None => *kept = Arc::new(outbox),
        }
        let posted = Happened::Posted { from, message: post.number, outbox };
        keep.saw(self.now(), &posted);
    }

    /// The bytes of a message, in memory that was used before.
    fn bytes_of(&self, post: &Post<'_>, room: Vec<u8>) -> Vec<u8> {
        let Post { number, to, name, data, request } = post;
        let id = |agent: AgentId| self.actor(agent).map_or([0; 32], |actor| actor.id);
        let mut out = Writer::reusing(room);
        out.u64(*number);
        out.u64(self.now());
        match to {
            Receiver::Agent(agent) => {
                out.u8(0);
                out.raw(&id(*agent));
            }
            Receiver::Channel(name) => {
                out.u8(1);
                out.text(name);
            }
            Receiver::Asker(agent, request) => {
                out.u8(2);
                out.raw(&id(*agent));
                out.u64(*request);
            }
        }
        out.text(name);
        out.u64(request.unwrap_or(u64::MAX));
        encode_to(data, &mut out);
        out.finish()
    }

    /// Reads what [`write()`] wrote.
    pub(super) fn read_outbox(
        &self,
        input: &mut Reader<'_>,
    ) -> Result<Option<Arc<Outbox>>, WireError> {
        match input.u8()? {
            0 => Ok(None),
            1 => Ok(Some(self.silent.clone())),
            2 => match input.u64()? {
                0 => Err(input.error("an outbox of nothing")),
                count => Ok(Some(Arc::new(Outbox { count, head: input.hash()? }))),
            },
            _ => Err(input.error("no such outbox")),
        }
    }
}

/// Writes an outbox: what one of an agent that said nothing is, follows from the agent.
pub(super) fn write(outbox: Option<&Outbox>, out: &mut Writer) {
    match outbox {
        None => out.u8(0),
        Some(Outbox { count: 0, .. }) => out.u8(1),
        Some(Outbox { count, head }) => {
            out.u8(2);
            out.u64(*count);
            out.raw(head);
        }
    }
}
