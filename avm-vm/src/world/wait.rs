//! Waiting: one primitive with a timeout, for times, answers and messages.

use alloc::format;

use avm_ir::{Value, value::HandleKind};

use super::{
    AgentId, Happened, SECOND, Wanted, World,
    actor::{State, Wait, What},
    clock::Due,
    quoted,
    request::Request,
    round::Keep,
};
use crate::effect::{Answer, EffectRequest, FailureCode};

/// Longest wait, in nanoseconds.
pub(super) const LONGEST: u64 = 366 * 24 * 60 * 60 * SECOND;

/// A number of seconds that a program gives, in nanoseconds.
pub(super) fn nanoseconds(value: &Value) -> Option<u64> {
    exact_nanoseconds(value).map(|time| time.min(LONGEST))
}

/// The same without a most.
pub(super) fn exact_nanoseconds(value: &Value) -> Option<u64> {
    match value {
        Value::Int(seconds) => Some(u64::try_from(*seconds).ok()?.saturating_mul(SECOND)),
        // Converted once, here, and exact from then on; the cast saturates.
        Value::Float(seconds) if *seconds >= 0.0 => {
            Some(libm::round(*seconds * SECOND as f64) as u64)
        }
        _ => None,
    }
}

impl World {
    /// `WAIT`.
    pub(super) fn wait_time(
        &mut self,
        agent: AgentId,
        request: &EffectRequest,
        keep: &mut impl Keep,
    ) {
        let Some(delay) = request.arg("delay_sec").and_then(nanoseconds) else {
            let message = "WAIT wants a number of seconds that is not negative";
            return self.fail(agent, FailureCode::InvalidArgument, message, keep);
        };
        self.block(agent, What::Time, delay, keep);
    }

    /// `WAIT_FOR_RESPONSE`: a text names the agent's latest open request of that name, and else the
    /// next message of that name; `"*"` is any message. A handle is a request, or an agent whose next
    /// message is waited for.
    pub(super) fn wait_response(
        &mut self,
        agent: AgentId,
        request: &EffectRequest,
        keep: &mut impl Keep,
    ) {
        let timeout = match request.arg("timeout") {
            None | Some(Value::Null) => self.rules.patience,
            Some(value) => match nanoseconds(value) {
                Some(timeout) => timeout,
                None => {
                    let message = "timeout is a number of seconds that is not negative";
                    return self.fail(agent, FailureCode::InvalidArgument, message, keep);
                }
            },
        };
        let own = |name: &_| self.actor(agent).and_then(|actor| actor.requests.get(name).copied());
        let what = match request.arg("task_id") {
            Some(Value::Text(name)) => match own(name) {
                Some(number) => What::Request(number),
                None if name.as_str() == "*" => What::Message(None),
                None => What::Message(Some(name.clone())),
            },
            Some(Value::Handle(HandleKind::Request, number)) => What::Request(*number),
            Some(value @ Value::Handle(HandleKind::Agent, _)) => match self.named(value) {
                Some(from) => What::From(from),
                None => {
                    return self.fail(agent, FailureCode::NotFound, "there is no such agent", keep);
                }
            },
            _ => {
                let message = "what is waited for is a name, a request or an agent";
                return self.fail(agent, FailureCode::InvalidArgument, message, keep);
            }
        };
        self.wait(agent, what, timeout, keep);
    }

    fn wait(&mut self, agent: AgentId, what: What, timeout: u64, keep: &mut impl Keep) {
        match &what {
            What::Request(number) => {
                let request = self.requests.get(number).filter(|request| request.from == agent);
                let Some(request) = request else {
                    let message = "there is no such request, or its answer was taken";
                    return self.fail(agent, FailureCode::NotFound, message, keep);
                };
                if request.is_done() {
                    return self.settle_request(*number, keep);
                }
            }
            What::Message(_) | What::From(_) => {
                let taken = self.actor_mut(agent).and_then(|actor| actor.inbox.take(&what));
                if let Some(message) = taken {
                    self.took(agent, message.number, keep);
                    self.hear(agent, message.talk.as_ref());
                    let value = message.value(&self.labels);
                    return self.reply(agent, Answer::output(value, 0), keep);
                }
            }
            What::Time => {}
        }
        if timeout == 0 && self.again(agent).is_none() {
            return self.fail(agent, FailureCode::Timeout, "there is nothing yet", keep);
        }
        self.block(agent, what, timeout, keep);
    }

    /// Lets an agent wait. A wait that a task interrupted ends when it would have.
    pub(super) fn block(&mut self, agent: AgentId, what: What, timeout: u64, keep: &mut impl Keep) {
        let again = self.again(agent);
        if again.is_some_and(|until| until <= self.now()) {
            return self.over(agent, what, keep);
        }
        let until = again.unwrap_or_else(|| self.now().saturating_add(timeout));
        let timer = self.clock.set(until, agent, None);
        if matches!(what, What::Request(_) | What::From(_)) {
            self.suspects.insert(agent);
        }
        if let Some(actor) = self.actor_mut(agent) {
            actor.state = State::Waits(Wait { what, until, timer });
        }
        self.remember(agent);
        self.cool();
        self.call_due(agent, keep);
    }

    /// What an agent waits for, if it does.
    pub(super) fn waits_for(&self, agent: AgentId) -> Option<&What> {
        match &self.actor(agent)?.state {
            State::Waits(wait) => Some(&wait.what),
            _ => None,
        }
    }

    /// Answers an agent that waits before its timer does, with a message.
    pub(super) fn wake(&mut self, agent: AgentId, output: Value, keep: &mut impl Keep) {
        if self.waits_for(agent).is_some() {
            self.clock.cancel_wait(agent);
            self.reply_with(agent, Some(output), keep);
        }
    }

    /// The time of a wait is over.
    pub(super) fn due(&mut self, due: &Due, keep: &mut impl Keep) {
        let what = match self.actor(due.agent).map(|actor| &actor.state) {
            Some(State::Waits(wait)) if wait.timer == due.timer => wait.what.clone(),
            _ => return,
        };
        self.over(due.agent, what, keep);
    }

    fn over(&mut self, agent: AgentId, what: What, keep: &mut impl Keep) {
        self.let_time_pass(agent);
        if let Some(wanted) = what.wanted() {
            self.ran_out(agent, wanted, keep);
        }
        match what {
            What::Time => self.reply(agent, Answer::outputs(alloc::vec::Vec::new()), keep),
            // What came in time is better than nothing.
            What::Request(number) => self.settle_request(number, keep),
            What::Message(name) => {
                let of =
                    name.map_or_else(alloc::string::String::new, |n| format!(" {}", quoted(&n)));
                let message = format!("no message{of} came in time");
                self.fail(agent, FailureCode::Timeout, &message, keep);
            }
            What::From(from) => {
                let name = self.name(from).unwrap_or_default();
                let message = format!("no message of {} came in time", quoted(name));
                self.fail(agent, FailureCode::Timeout, &message, keep);
            }
        }
    }

    /// Ends a request, and gives whoever made it what came of it.
    fn settle_request(&mut self, number: u64, keep: &mut impl Keep) {
        let Some(request) = self.forget(number) else { return };
        if let Some(actor) = self.actor_mut(request.from)
            && actor.requests.get(&request.name) == Some(&number)
        {
            actor.requests.remove(&request.name);
        }
        let (agent, step) = (request.from, self.step(request.from));
        self.hear(agent, request.talk.as_ref());
        match request.result() {
            Some(_) => keep.saw(self.now(), &Happened::Settled { agent, step, request: number }),
            None => self.ran_out(agent, Wanted::Answer(&request.name), keep),
        }
        match request.result() {
            Some(value) => self.reply(request.from, Answer::output(value, 0), keep),
            None => {
                let message = format!("nobody answered {}", quoted(&request.name));
                self.fail(request.from, FailureCode::Timeout, &message, keep);
            }
        }
    }

    /// Tells that a wait had nothing to show for itself.
    fn ran_out(&self, agent: AgentId, wanted: Wanted<'_>, keep: &mut impl Keep) {
        keep.saw(self.now(), &Happened::RanOut { agent, step: self.step(agent), wanted });
    }

    /// Takes a request out of the world.
    pub(super) fn forget(&mut self, number: u64) -> Option<Request> {
        let request = self.requests.remove(&number)?;
        for agent in &request.open {
            if let Some(actor) = self.actors.get_mut(agent.0 as usize) {
                actor.asked.remove(&number);
            }
        }
        for verdict in &request.judged {
            self.forget(*verdict);
        }
        self.close(&request);
        Some(request)
    }

    /// A request got an answer, or one fewer can answer: if it is done, whoever waits gets it.
    pub(super) fn answered(&mut self, number: u64, keep: &mut impl Keep) {
        let Some(request) = self.requests.get(&number) else { return };
        let from = request.from;
        if !request.is_done() {
            // One fewer can help.
            self.suspects.insert(from);
            return;
        }
        if self.waits_for(from) == Some(&What::Request(number)) {
            self.clock.cancel_wait(from);
            self.settle_request(number, keep);
        }
    }

    /// Fails an agent's effect.
    pub(super) fn fail(
        &mut self,
        agent: AgentId,
        code: FailureCode,
        message: &str,
        keep: &mut impl Keep,
    ) {
        self.reply(agent, Answer::failed(code, message), keep);
    }
}
