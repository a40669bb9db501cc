//! What a world answers itself: channels, messages, requests, time.

use alloc::{format, string::ToString, sync::Arc, vec::Vec};

use avm_ir::{
    Opcode, Reach, Value,
    value::{HandleKind, Text},
};

use super::{
    AgentId, Happened, Sent, World,
    actor::State,
    channel::Role,
    inbox::{Message, seconds},
    money::Refusal,
    outbox::{Post, Receiver},
    request::{Request, Reward, Terms, Wanted},
    round::Keep,
    stall::Talk,
};
use crate::effect::{Answer, EffectRequest, FailureCode};

/// What a message is, before it is sent.
pub(super) struct Draft {
    pub(super) channel: Option<Text>,
    pub(super) name: Text,
    pub(super) data: Value,
    pub(super) request: Option<u64>,
    /// What led to it.
    pub(super) talk: Option<Arc<Talk>>,
}

/// What one agent sends another alone.
#[derive(Default)]
pub(super) struct Parcel {
    pub(super) data: Value,
    /// The request that it opens.
    pub(super) request: Option<u64>,
    pub(super) talk: Option<Arc<Talk>>,
}

/// What a request is, before it is sent.
struct Ask {
    channel: Text,
    /// Name of the message.
    name: Text,
    data: Value,
    wanted: Wanted,
    reward: Option<Reward>,
    talk: Option<Arc<Talk>>,
}

impl World {
    /// Takes an effect: answers it, lets the agent wait, or leaves it to the host.
    pub(super) fn take(&mut self, agent: AgentId, request: &EffectRequest, keep: &mut impl Keep) {
        let answered = match request.opcode {
            Opcode::SWARM_CONNECT => self.connect(agent, request, keep),
            Opcode::SWARM_BROADCAST => self.broadcast(agent, request, keep),
            Opcode::SEND_SWARM_MSG => self.send(agent, request, keep),
            Opcode::SWARM_FETCH => self.fetch(agent, request, keep),
            Opcode::CHECK_BALANCE => self.check_balance(agent, request),
            Opcode::PAY_AGENT => self.pay(agent, request),
            Opcode::FORK_AGENT => self.fork_agent(agent, request, keep),
            Opcode::GET_CURRENT_TIME => Ok(Answer::output(seconds(self.now()), 0)),
            Opcode::WAIT => return self.wait_time(agent, request, keep),
            Opcode::WAIT_FOR_RESPONSE if !is_task(request) => {
                return self.wait_response(agent, request, keep);
            }
            Opcode::SCHEDULE_TASK => self.schedule(agent, request),
            Opcode::CANCEL_TASK => self.cancel_task(agent, request),
            op if matches!(request.reach, Reach::Swarm | Reach::World) => {
                let message = format!("a world does not know {} yet", op.mnemonic());
                Err(Refusal::Fails(FailureCode::NoProvider, message))
            }
            _ => {
                if let Some(actor) = self.actor_mut(agent) {
                    actor.state = State::Asks;
                }
                self.asks.push_back(agent);
                return;
            }
        };
        match answered {
            Ok(answer) => self.reply(agent, answer, keep),
            Err(Refusal::Fails(code, message)) => self.fail(agent, code, &message, keep),
            Err(Refusal::Waits(wanted)) => {
                if let Some(actor) = self.actor_mut(agent) {
                    actor.state = State::Approval(wanted);
                    self.waiting += 1;
                }
            }
        }
    }

    fn connect(
        &mut self,
        agent: AgentId,
        request: &EffectRequest,
        keep: &mut impl Keep,
    ) -> Result<Answer, Refusal> {
        let Some(Value::Text(name)) = request.arg("channel") else {
            return Err(invalid("a channel is named by a text"));
        };
        self.enter(agent, name, keep)?;
        Ok(Answer::output(Value::text("OK"), 0))
    }

    /// Makes an agent a member of a channel, which is then the one it connected to last.
    pub(super) fn enter(
        &mut self,
        agent: AgentId,
        name: &Text,
        keep: &mut impl Keep,
    ) -> Result<(), Refusal> {
        if name.is_empty() {
            return Err(invalid("a channel has a name"));
        }
        let role = self.role_in(agent, name).ok_or_else(|| {
            Refusal::fails(FailureCode::Denied, "the channel is not open to the agent")
        })?;
        self.channels.entry(name.clone()).or_default().members.insert(agent, role);
        if let Some(actor) = self.actor_mut(agent) {
            actor.channels.retain(|known| known != name);
            actor.channels.push(name.clone());
        }
        keep.saw(self.now(), &Happened::Connected { agent, channel: name });
        Ok(())
    }

    /// What an agent is in a channel, or its nearest ancestor that the channel's rules name.
    pub(super) fn role_in(&self, agent: AgentId, channel: &Text) -> Option<Role> {
        let roles = self.channels.get(channel).and_then(|channel| channel.rules.roles.as_ref());
        let Some(roles) = roles else { return Some(Role::Member) };
        let mut at = Some(agent);
        while let Some(actor) = at.and_then(|at| self.actor(at)) {
            if let Some(role) = roles.get(&actor.name) {
                return Some(*role);
            }
            at = actor.parent();
        }
        None
    }

    /// The channel that an instruction names, or the one that the agent connected to last.
    fn channel_of(&self, agent: AgentId, named: Option<&Value>) -> Result<Text, Refusal> {
        let channels = self.actor(agent).map_or(&[][..], |actor| &actor.channels);
        let name = match named {
            None | Some(Value::Null) => channels.last().cloned().ok_or_else(|| {
                Refusal::fails(FailureCode::NotFound, "the agent is connected to no channel")
            })?,
            Some(Value::Text(name)) if channels.contains(name) => name.clone(),
            Some(_) => {
                let why = "the agent is not connected to this channel";
                return Err(Refusal::fails(FailureCode::NotFound, why));
            }
        };
        let role = self.channels.get(&name).and_then(|channel| channel.members.get(&agent));
        match role.is_some_and(|role| role.speaks()) {
            true => Ok(name),
            false => Err(Refusal::fails(FailureCode::Denied, "the agent is a listener there")),
        }
    }

    /// Whether a message can be sent, whatever becomes of it.
    pub(super) fn check(&self, agent: AgentId, data: &Value) -> Result<(), Refusal> {
        let open = self.actor(agent).map_or(0, |actor| actor.requests.len());
        if open >= self.rules.requests as usize {
            let why = "the agent has as many requests open as the world allows";
            return Err(Refusal::fails(FailureCode::Unavailable, why));
        }
        match data.size() > self.rules.message_bytes {
            true => {
                let why = "the message is larger than the world allows";
                Err(Refusal::fails(FailureCode::TooLarge, why))
            }
            false => Ok(()),
        }
    }

    fn broadcast(
        &mut self,
        agent: AgentId,
        request: &EffectRequest,
        keep: &mut impl Keep,
    ) -> Result<Answer, Refusal> {
        let channel = self.channel_of(agent, request.arg("channel"))?;
        let name = Text::from(request.text_arg("message").unwrap_or_default());
        let data = request.arg("data").cloned().unwrap_or_default();
        self.check(agent, &data)?;
        let talk = self.say(agent, &channel, &name, &data, keep)?;
        let reward = self.charge(agent, request, &channel)?;
        let ask = Ask { channel, name, data, wanted: Wanted::All, reward, talk };
        self.publish(agent, ask, keep);
        Ok(Answer::outputs(Vec::new()))
    }

    fn fetch(
        &mut self,
        agent: AgentId,
        request: &EffectRequest,
        keep: &mut impl Keep,
    ) -> Result<Answer, Refusal> {
        let channel = self.channel_of(agent, None)?;
        let (Some(kind), Some(id)) =
            (request.text_arg("data_type"), request.text_arg("request_id"))
        else {
            return Err(invalid("what is wanted and the request are named by texts"));
        };
        // The caller's name of a request is its idempotency key.
        let id = Text::from(id);
        let known = self.actor(agent).and_then(|actor| actor.requests.get(&id).copied());
        let number = match known {
            Some(number) => number,
            None => {
                self.check(agent, &Value::Null)?;
                let (name, data) = (Text::from(kind), Value::Null);
                let talk = self.say(agent, &channel, &name, &data, keep)?;
                let reward = self.charge(agent, request, &channel)?;
                let ask = Ask { channel, name, data, wanted: Wanted::First, reward, talk };
                let number = self.publish(agent, ask, keep);
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
        Ok(Answer::output(Value::Handle(HandleKind::Request, number), 0))
    }

    /// Sends a message to every other member of a channel, and notes who may answer it.
    fn publish(&mut self, from: AgentId, ask: Ask, keep: &mut impl Keep) -> u64 {
        let Ask { channel, name, data, wanted, reward, talk } = ask;
        self.spoke(from);
        let number = self.sent;
        let heard: Vec<AgentId> = self.channels.get(&channel).map_or_else(Vec::new, |channel| {
            let hears = channel.members.iter().filter(|(_, role)| role.hears());
            hears.map(|(member, _)| *member).filter(|member| *member != from).collect()
        });
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
        let to = Receiver::Channel(&channel);
        let post = Post { number, to, name: &name, data: &data, request: Some(number) };
        self.post(from, &post, keep);
        let draft = Draft {
            channel: Some(channel.clone()),
            name: name.clone(),
            data,
            request: Some(number),
            talk,
        };
        let message = self.message(from, draft);
        let asked = heard.into_iter().filter(|to| self.deliver(*to, &message, keep)).collect();
        let mut request = Request::new(from, (channel, name), wanted, asked);
        request.verifier = match reward {
            Some(Reward { terms: Terms::Accepted(verifier), .. }) => Some(verifier),
            _ => None,
        };
        // Nobody judges its own answer.
        if let Some(verifier) = request.verifier {
            request.open.remove(&verifier);
        }
        request.reward = reward;
        self.open_own(number, request);
        number
    }

    /// Opens a request of an agent, its latest of that name; the one before is over.
    fn open_own(&mut self, number: u64, request: Request) {
        let name = request.name.clone();
        if let Some(actor) = self.actor_mut(request.from)
            && let Some(before) = actor.requests.insert(name, number)
        {
            self.forget(before);
        }
        self.open(number, request);
    }

    /// Opens a request, and notes who was asked.
    pub(super) fn open(&mut self, number: u64, request: Request) {
        for to in &request.open {
            if let Some(actor) = self.actors.get_mut(to.0 as usize) {
                actor.asked.insert(number);
            }
        }
        self.requests.insert(number, request);
    }

    fn send(
        &mut self,
        agent: AgentId,
        request: &EffectRequest,
        keep: &mut impl Keep,
    ) -> Result<Answer, Refusal> {
        let to = request.arg("channel").cloned().unwrap_or_default();
        let data = request.arg("message").cloned().unwrap_or_default();
        self.check(agent, &data)?;
        let done = Answer::outputs(Vec::new());
        if let Value::Handle(HandleKind::Request, number) = to {
            return self.respond(agent, number, data, keep).map(|()| done);
        }
        let name = self.labels.none.clone();
        let Some(to) = self.named(&to) else {
            let channel = self.channel_of(agent, Some(&to))?;
            let talk = self.say(agent, &channel, &name, &data, keep)?;
            let reward = self.charge(agent, request, &channel)?;
            let wanted = Wanted::All;
            self.publish(agent, Ask { channel, name, data, wanted, reward, talk }, keep);
            return Ok(done);
        };
        if !self.acts(to) {
            return Err(Refusal::fails(FailureCode::NotFound, "the agent came to its end"));
        }
        if !self.has_room(agent, to) {
            let why = "the receiver has not taken enough of the agent's messages yet";
            self.dropped += 1;
            return Err(Refusal::fails(FailureCode::Unavailable, why));
        }
        // Messages to one agent are the channel without a name.
        let talk = self.say(agent, &name, &name, &data, keep)?;
        let reward = self.charge(agent, request, &name)?;
        self.spoke(agent);
        // With a reward it is a request, so that its receiver can answer it.
        let number = reward.map(|_| self.sent);
        self.tell(agent, to, Parcel { data, request: number, talk }, keep);
        if let Some(number) = number {
            let mut request = Request::new(agent, (name.clone(), name), Wanted::First, [to].into());
            request.reward = reward;
            self.open_own(number, request);
        }
        Ok(done)
    }

    /// Sends a message to one agent, which has room for it.
    pub(super) fn tell<K: Keep>(
        &mut self,
        agent: AgentId,
        to: AgentId,
        Parcel { data, request, talk }: Parcel,
        keep: &mut K,
    ) {
        let (number, name) = (self.sent, self.labels.none.clone());
        let post = Post { number, to: Receiver::Agent(to), name: &name, data: &data, request };
        self.post(agent, &post, keep);
        let message = self.compose(agent, Draft { channel: None, name, data, request, talk });
        let wanted = self.waits_for(to).is_some_and(|what| message.is(what));
        keep.saw(self.now(), &Happened::Sent(self.sent_to(&message, to, true)));
        if wanted {
            self.took(to, message.number, keep);
            self.hear(to, message.talk.as_ref());
            let value = message.into_value(&self.labels);
            self.wake(to, value, keep);
        } else {
            self.put(to, &Arc::new(message));
        }
    }

    /// What is told of a message to somebody, and whether there was room for it.
    fn sent_to<'a>(&self, message: &'a Message, to: AgentId, delivered: bool) -> Sent<'a> {
        let Message { number, from, channel, name, data, request, .. } = message;
        Sent {
            number: *number,
            from: *from,
            step: self.step(*from),
            to,
            channel: channel.as_ref(),
            name,
            data,
            request: *request,
            answer: false,
            delivered,
        }
    }

    /// An answer to a request, once from each agent that was asked.
    fn respond(
        &mut self,
        agent: AgentId,
        number: u64,
        data: Value,
        keep: &mut impl Keep,
    ) -> Result<(), Refusal> {
        let Some(request) = self.requests.get_mut(&number) else {
            return Err(Refusal::fails(FailureCode::NotFound, "the request is over"));
        };
        if !request.open.contains(&agent) {
            let why = "the agent was not asked, or has answered already";
            return Err(Refusal::fails(FailureCode::Denied, why));
        }
        let (from, name, channel) = (request.from, request.name.clone(), request.channel.clone());
        let (is_verdict, is_judged) =
            (matches!(request.wanted, Wanted::Verdict { .. }), request.verifier.is_some());
        if is_verdict {
            let Value::Bool(accepts) = data else {
                return Err(invalid("a verifier answers with a bool"));
            };
            self.send_answer(agent, (from, &name), number, &data, keep);
            self.sent += 1;
            self.judge(number, accepts, keep);
            return Ok(());
        }
        if is_judged && !self.verifier_takes(agent, number) {
            let why = "the verifier has not taken enough of the agent's answers yet";
            self.dropped += 1;
            return Err(Refusal::fails(FailureCode::Unavailable, why));
        }
        let talk = self.say(agent, &channel, &name, &data, keep)?;
        self.spoke(agent);
        self.send_answer(agent, (from, &name), number, &data, keep);
        if let Some(request) = self.requests.get_mut(&number) {
            request.led(talk.clone());
        }
        if is_judged {
            self.ask_verdict(number, agent, (data, talk), keep);
        } else if let Some(request) = self.requests.get_mut(&number) {
            request.answers.push((agent, data));
            self.sent += 1;
        }
        if let Some(request) = self.requests.get_mut(&number) {
            request.open.remove(&agent);
        }
        if let Some(actor) = self.actor_mut(agent) {
            actor.asked.remove(&number);
        }
        let terms = self.requests.get(&number).and_then(|request| request.reward);
        if terms.is_some_and(|reward| reward.terms == Terms::First) {
            self.claim(number, agent, agent);
        }
        self.answered(number, keep);
        Ok(())
    }

    /// An agent answers a request of somebody, of a name.
    fn send_answer(
        &mut self,
        from: AgentId,
        (to, name): (AgentId, &Text),
        request: u64,
        data: &Value,
        keep: &mut impl Keep,
    ) {
        let number = self.sent;
        let receiver = Receiver::Asker(to, request);
        self.post(from, &Post { number, to: receiver, name, data, request: None }, keep);
        let sent = Sent {
            number,
            from,
            step: self.step(from),
            to,
            channel: None,
            name,
            data,
            request: Some(request),
            answer: true,
            delivered: true,
        };
        keep.saw(self.now(), &Happened::Sent(sent));
    }

    pub(super) fn message(&mut self, from: AgentId, draft: Draft) -> Arc<Message> {
        Arc::new(self.compose(from, draft))
    }

    fn compose(&mut self, from: AgentId, draft: Draft) -> Message {
        let Draft { channel, name, data, request, talk } = draft;
        let number = self.sent;
        self.sent += 1;
        Message { number, from, channel, name, data, request, sent: self.now(), talk }
    }

    /// Whether a message of an agent would be taken.
    pub(super) fn has_room(&self, from: AgentId, to: AgentId) -> bool {
        self.actor(to).is_some_and(|actor| actor.inbox.held(from) < self.rules.inbox_share)
    }

    /// Hands a message over, or puts it into the inbox; `false` if there is no room for it.
    pub(super) fn deliver(
        &mut self,
        to: AgentId,
        message: &Arc<Message>,
        keep: &mut impl Keep,
    ) -> bool {
        let wanted = self.waits_for(to).is_some_and(|what| message.is(what));
        let fits = wanted || self.put(to, message);
        keep.saw(self.now(), &Happened::Sent(self.sent_to(message, to, fits)));
        if wanted {
            self.took(to, message.number, keep);
            self.hear(to, message.talk.as_ref());
            self.wake(to, message.value(&self.labels), keep);
        }
        fits
    }

    /// Puts a message into an inbox, if there is room for it.
    pub(super) fn put(&mut self, to: AgentId, message: &Arc<Message>) -> bool {
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

    /// Says what holds in a channel; without a name, for messages from one agent to another.
    pub fn set_channel(&mut self, name: &str, rules: super::ChannelRules) {
        self.channels.entry(Text::from(name)).or_default().rules = rules;
        self.find_whether_looked();
    }
}

fn invalid(why: &str) -> Refusal {
    Refusal::Fails(FailureCode::InvalidArgument, why.to_string())
}

/// Whether a wait is for a task of the host.
fn is_task(request: &EffectRequest) -> bool {
    matches!(request.arg("task_id"), Some(Value::Handle(HandleKind::Task, _)))
}
