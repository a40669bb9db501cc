//! What agents of a world do most, where nothing stands in its way: a message to one agent, and a wait for
//! the next message. No request is made of it and no price taken twice. Everything else, and whatever
//! fails, is done where the instruction has its rules ([`World::take`](super::World)): these are its common
//! cases and nothing else, and worlds whose answers are watched do without them.

use alloc::sync::Arc;

use avm_ir::{Opcode, Value};

use super::{
    AgentId, Keep, World,
    actor::{State, What},
    swarm::Parcel,
    wait::nanoseconds,
};
use crate::{effect::Answer, machine::Machine};

impl World {
    /// Does what an agent asks, if it is one of these; `false`, and nothing is done, if it is not.
    pub(super) fn take_swiftly<K: Keep>(&mut self, agent: AgentId, keep: &mut K) -> bool {
        let opcode = self.machine(agent).and_then(Machine::asks);
        match opcode {
            // Where conversations are looked at, each message belongs to one.
            _ if K::SEES_PLAIN || self.looks => false,
            Some(Opcode::SEND_SWARM_MSG) => self.send_swiftly(agent, keep),
            Some(Opcode::WAIT_FOR_RESPONSE) => self.wait_swiftly(agent, keep),
            _ => false,
        }
    }

    /// A message to one agent, without a reward, that is small enough, costs nothing and finds room.
    fn send_swiftly<K: Keep>(&mut self, agent: AgentId, keep: &mut K) -> bool {
        let Some(machine) = self.machine(agent) else { return false };
        let [to, data, reward, ..] = machine.inputs();
        if !matches!(reward, None | Some(Value::Null | Value::Int(0))) {
            return false;
        }
        let Some(to) = to.and_then(|to| self.named(to)) else { return false };
        let data = data.cloned().unwrap_or_default();
        let rules = self.channels.get(&self.labels.none).map(|channel| &channel.rules);
        let counts = rules.is_some_and(|rules| rules.counts());
        if counts
            || self.check(agent, &data).is_err()
            || !self.acts(to)
            || !self.has_room(agent, to)
        {
            return false;
        }
        self.tell(agent, to, Parcel { data, ..Parcel::default() }, keep);
        self.reply_with(agent, None, keep);
        true
    }

    /// A wait for the next message, of anybody or of one agent, that is there or may still come.
    fn wait_swiftly<K: Keep>(&mut self, agent: AgentId, keep: &mut K) -> bool {
        let Some(actor) = self.actor(agent) else { return false };
        let Some(machine) = &actor.machine else { return false };
        let [what, timeout, ..] = machine.inputs();
        let timeout = match timeout {
            None | Some(Value::Null) => Some(self.rules.patience),
            Some(timeout) => nanoseconds(timeout),
        };
        let what = match what {
            // It may name one of the agent's own requests.
            Some(Value::Text(_)) if !actor.requests.is_empty() => return false,
            Some(Value::Text(name)) => {
                What::Message(if name.as_str() == "*" { None } else { Some(name.clone()) })
            }
            Some(agent @ Value::Handle(avm_ir::value::HandleKind::Agent, _)) => {
                let Some(agent) = self.named(agent) else { return false };
                What::From(agent)
            }
            _ => return false,
        };
        let Some(timeout) = timeout.filter(|timeout| *timeout > 0) else { return false };
        let taken = self.actor_mut(agent).and_then(|actor| actor.inbox.take(&what));
        match taken {
            Some(message) => {
                self.took(agent, message.number, keep);
                let value = Arc::unwrap_or_clone(message).into_value(&self.labels);
                self.reply_with(agent, Some(value), keep);
            }
            None => self.block(agent, what, timeout, keep),
        }
        true
    }

    /// Answers an agent that waits, with what costs nothing and did not fail.
    pub(super) fn reply_with<K: Keep>(
        &mut self,
        agent: AgentId,
        output: Option<Value>,
        keep: &mut K,
    ) {
        let Some(actor) = self.actors.get_mut(agent.0 as usize) else { return };
        let Some(machine) = &mut actor.machine else { return };
        if K::SEES_PLAIN || actor.kin.as_ref().is_some_and(|kin| kin.owes()) {
            return self.reply(agent, Answer::outputs(output.into_iter().collect()), keep);
        }
        let rested = !machine.is_open();
        machine.answer_plainly(output);
        actor.state = State::Ready;
        self.ready.push(agent);
        if rested {
            self.warm(agent);
        }
    }
}
