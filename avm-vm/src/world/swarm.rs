//! What a world answers itself: channels, messages, requests, time.

use alloc::{collections::BTreeSet, format, sync::Arc, vec::Vec};

use avm_ir::{
    Opcode, Reach, Value,
    value::{HandleKind, Text},
};

use super::{
    AgentId, Happened, Sent, World,
    actor::State,
    inbox::{Message, seconds},
    request::{Request, Wanted},
    round::Keep,
};
use crate::{
    effect::{Answer, EffectRequest, FailureCode},
    machine::Machine,
};

/// What a message is, before it is sent.
struct Draft {
    channel: Option<Text>,
    name: Text,
    data: Value,
    request: Option<u64>,
}

impl World {
    /// Takes an effect: answers it, lets the agent wait, or leaves it to the host.
    pub(super) fn take(&mut self, agent: AgentId, request: &EffectRequest, keep: &mut impl Keep) {
        match request.opcode {
            Opcode::SWARM_CONNECT => self.connect(agent, request, keep),
            Opcode::SWARM_BROADCAST => self.broadcast(agent, request, keep),
            Opcode::SEND_SWARM_MSG => self.send(agent, request, keep),
            Opcode::SWARM_FETCH => self.fetch(agent, request, keep),
            Opcode::WAIT => self.wait_time(agent, request, keep),
            Opcode::GET_CURRENT_TIME => {
                let now = seconds(self.now());
                self.reply(agent, Answer::output(now, 0), keep);
            }
            Opcode::WAIT_FOR_RESPONSE if !is_task(request) => {
                self.wait_response(agent, request, keep);
            }
            op if matches!(request.reach, Reach::Swarm | Reach::World) || is_timer(op) => {
                let message = format!("a world does not know {} yet", op.mnemonic());
                self.fail(agent, FailureCode::NoProvider, &message, keep);
            }
            _ => {
                if let Some(actor) = self.actor_mut(agent) {
                    actor.state = State::Asks;
                }
                self.asks.push_back(agent);
            }
        }
    }

    fn connect(&mut self, agent: AgentId, request: &EffectRequest, keep: &mut impl Keep) {
        let Some(Value::Text(name)) = request.arg("channel") else {
            let message = "a channel is named by a text";
            return self.fail(agent, FailureCode::InvalidArgument, message, keep);
        };
        self.channels.entry(name.clone()).or_default().members.insert(agent);
        if let Some(actor) = self.actor_mut(agent) {
            actor.channels.retain(|known| known != name);
            actor.channels.push(name.clone());
        }
        keep.saw(self.now(), &Happened::Connected { agent, channel: name });
        self.reply(agent, Answer::output(Value::text("OK"), 0), keep);
    }

    /// The channel that an instruction names, or the one that the agent connected to last.
    fn channel_of(&self, agent: AgentId, named: Option<&Value>) -> Result<Text, &'static str> {
        let actor = self.actor(agent).ok_or("there is no such agent")?;
        match named {
            None | Some(Value::Null) => {
                actor.channels.last().cloned().ok_or("the agent is connected to no channel")
            }
            Some(Value::Text(name)) if actor.channels.contains(name) => Ok(name.clone()),
            Some(_) => Err("the agent is not connected to this channel"),
        }
    }

    /// Why a message cannot be sent, whatever becomes of it.
    fn unfit(
        &self,
        agent: AgentId,
        request: &EffectRequest,
        data: &Value,
    ) -> Option<(FailureCode, &'static str)> {
        let open = self.actor(agent).map_or(0, |actor| actor.requests.len());
        if open >= self.rules.requests as usize {
            let why = "the agent has as many requests open as the world allows";
            return Some((FailureCode::Unavailable, why));
        }
        let rewards = match request.arg("reward") {
            None | Some(Value::Null | Value::Int(0)) => false,
            Some(Value::Float(reward)) => *reward != 0.0,
            Some(_) => true,
        };
        if rewards {
            // It must not look as if it had been promised.
            return Some((
                FailureCode::NoProvider,
                "this world has no ledger to take a reward from",
            ));
        }
        let large = data.size() > self.rules.message_bytes;
        large.then_some((FailureCode::TooLarge, "the message is larger than the world allows"))
    }

    fn broadcast(&mut self, agent: AgentId, request: &EffectRequest, keep: &mut impl Keep) {
        let channel = match self.channel_of(agent, request.arg("channel")) {
            Ok(channel) => channel,
            Err(why) => return self.fail(agent, FailureCode::NotFound, why, keep),
        };
        let name = Text::from(request.text_arg("message").unwrap_or_default());
        let data = request.arg("data").cloned().unwrap_or_default();
        if let Some((code, why)) = self.unfit(agent, request, &data) {
            return self.fail(agent, code, why, keep);
        }
        self.publish(agent, channel, name, data, Wanted::All, keep);
        self.reply(agent, Answer::outputs(Vec::new()), keep);
    }

    fn fetch(&mut self, agent: AgentId, request: &EffectRequest, keep: &mut impl Keep) {
        let channel = match self.channel_of(agent, None) {
            Ok(channel) => channel,
            Err(why) => return self.fail(agent, FailureCode::NotFound, why, keep),
        };
        let (Some(kind), Some(id)) =
            (request.text_arg("data_type"), request.text_arg("request_id"))
        else {
            let message = "what is wanted and the request are named by texts";
            return self.fail(agent, FailureCode::InvalidArgument, message, keep);
        };
        if let Some((code, why)) = self.unfit(agent, request, &Value::Null) {
            return self.fail(agent, code, why, keep);
        }
        // The caller's name of a request is its idempotency key.
        let id = Text::from(id);
        let known = self.actor(agent).and_then(|actor| actor.requests.get(&id).copied());
        let number = match known {
            Some(number) => number,
            None => {
                let kind = Text::from(kind);
                let number = self.publish(agent, channel, kind, Value::Null, Wanted::First, keep);
                if let Some(request) = self.requests.get_mut(&number) {
                    let asked = core::mem::replace(&mut request.name, id.clone());
                    if let Some(actor) = self.actor_mut(agent) {
                        actor.requests.remove(&asked);
                        actor.requests.insert(id, number);
                    }
                }
                number
            }
        };
        let handle = Value::Handle(HandleKind::Request, number);
        self.reply(agent, Answer::output(handle, 0), keep);
    }

    /// Sends a message to every other member of a channel, and notes who may answer it.
    fn publish(
        &mut self,
        from: AgentId,
        channel: Text,
        name: Text,
        data: Value,
        wanted: Wanted,
        keep: &mut impl Keep,
    ) -> u64 {
        let number = self.sent;
        let members = self.channels.get(&channel).map(|channel| channel.members.clone());
        let mut heard = members.unwrap_or_default();
        heard.remove(&from);
        keep.saw(
            self.now(),
            &Happened::Published {
                from,
                channel: &channel,
                name: &name,
                message: number,
                members: heard.len(),
            },
        );
        let draft =
            Draft { channel: Some(channel), name: name.clone(), data, request: Some(number) };
        let message = self.message(from, draft);
        let open: BTreeSet<AgentId> =
            heard.into_iter().filter(|to| self.deliver(*to, &message, keep)).collect();
        if let Some(actor) = self.actor_mut(from)
            && let Some(before) = actor.requests.insert(name.clone(), number)
        {
            self.forget(before);
        }
        for to in &open {
            if let Some(actor) = self.actor_mut(*to) {
                actor.asked.insert(number);
            }
        }
        self.requests.insert(number, Request { from, name, wanted, open, answers: Vec::new() });
        number
    }

    fn send(&mut self, agent: AgentId, request: &EffectRequest, keep: &mut impl Keep) {
        let to = request.arg("channel").cloned().unwrap_or_default();
        let data = request.arg("message").cloned().unwrap_or_default();
        if let Some((code, why)) = self.unfit(agent, request, &data) {
            return self.fail(agent, code, why, keep);
        }
        if let Value::Handle(HandleKind::Request, number) = to {
            return self.respond(agent, number, data, keep);
        }
        let named = Text::from("");
        if let Some(to) = self.named(&to) {
            let draft = Draft { channel: None, name: named, data, request: None };
            let message = self.message(agent, draft);
            let over = self.actor(to).is_none_or(|actor| actor.state == State::Over);
            if over {
                return self.fail(agent, FailureCode::NotFound, "the agent came to its end", keep);
            }
            if !self.deliver(to, &message, keep) {
                let message = "the receiver has not taken enough of the agent's messages yet";
                return self.fail(agent, FailureCode::Unavailable, message, keep);
            }
            return self.reply(agent, Answer::outputs(Vec::new()), keep);
        }
        match self.channel_of(agent, Some(&to)) {
            Ok(channel) => {
                self.publish(agent, channel, named, data, Wanted::All, keep);
                self.reply(agent, Answer::outputs(Vec::new()), keep);
            }
            Err(why) => self.fail(agent, FailureCode::NotFound, why, keep),
        }
    }

    /// An answer to a request, once from each agent that was asked.
    fn respond(&mut self, agent: AgentId, number: u64, data: Value, keep: &mut impl Keep) {
        let Some(request) = self.requests.get_mut(&number) else {
            let message = "the request is over";
            return self.fail(agent, FailureCode::NotFound, message, keep);
        };
        if !request.open.remove(&agent) {
            let message = "the agent was not asked, or has answered already";
            return self.fail(agent, FailureCode::Denied, message, keep);
        }
        let (from, name) = (request.from, request.name.clone());
        keep.saw(
            self.clock.now(),
            &Happened::Sent(Sent {
                number: self.sent,
                from: agent,
                step: { self.actors.get(agent.0 as usize) }
                    .and_then(|actor| actor.machine.as_deref())
                    .map_or(0, Machine::steps),
                to: from,
                channel: None,
                name: &name,
                data: &data,
                request: Some(number),
                answer: true,
                delivered: true,
            }),
        );
        request.answers.push((agent, data));
        if let Some(actor) = self.actor_mut(agent) {
            actor.asked.remove(&number);
        }
        self.sent += 1;
        self.reply(agent, Answer::outputs(Vec::new()), keep);
        self.answered(number, keep);
    }

    fn message(&mut self, from: AgentId, draft: Draft) -> Arc<Message> {
        let Draft { channel, name, data, request } = draft;
        let number = self.sent;
        self.sent += 1;
        Arc::new(Message { number, from, channel, name, data, request, sent: self.now() })
    }

    /// Hands a message over, or puts it into the inbox; `false` if there is no room for it.
    fn deliver(&mut self, to: AgentId, message: &Arc<Message>, keep: &mut impl Keep) -> bool {
        let wanted = self.waits_for(to).is_some_and(|what| message.is(what));
        let fits = wanted || self.put(to, message);
        let (number, from, step) = (message.number, message.from, self.step(message.from));
        let Message { channel, name, data, request, .. } = &**message;
        let sent = Sent {
            number,
            from,
            step,
            to,
            channel: channel.as_ref(),
            name,
            data,
            request: *request,
            answer: false,
            delivered: fits,
        };
        keep.saw(self.now(), &Happened::Sent(sent));
        if wanted {
            self.took(to, number, keep);
            self.wake(to, Answer::output(message.value(), 0), keep);
        }
        fits
    }

    /// Puts a message into an inbox, if there is room for it.
    fn put(&mut self, to: AgentId, message: &Arc<Message>) -> bool {
        let share = self.rules.inbox_share;
        let Some(actor) = self.actor_mut(to) else { return false };
        let fits = actor.state != State::Over && actor.inbox.put(message.clone(), share);
        self.dropped += u64::from(!fits);
        fits
    }

    /// Tells that an agent got a message.
    pub(super) fn took(&self, agent: AgentId, message: u64, keep: &mut impl Keep) {
        keep.saw(self.now(), &Happened::Took { agent, step: self.step(agent), message });
    }
}

/// Whether a wait is for a task of the host.
fn is_task(request: &EffectRequest) -> bool {
    matches!(request.arg("task_id"), Some(Value::Handle(HandleKind::Task, _)))
}

/// Whether an instruction wants schedules.
const fn is_timer(op: Opcode) -> bool {
    matches!(op, Opcode::SCHEDULE_TASK | Opcode::CANCEL_TASK)
}
