//! Rewards: set aside when something is asked, paid when it is answered, as the channel's rules say
//! (P-83, X-32); and what messages cost (P-79).

use alloc::{format, sync::Arc, vec::Vec};

use avm_ir::{Value, value::Text};

use super::{
    AgentId, Keep, World,
    actor::What,
    channel::Payout,
    money::{CREDITS, Part, Refusal, amount_of, of_world},
    request::{Request, Reward, Terms, Wanted},
    stall::Talk,
    swarm::Draft,
};
use crate::{
    effect::{EffectRequest, FailureCode},
    ledger::{Money, Owner, Settle, Share},
};

impl World {
    /// Sets a reward aside and takes the price of a message. Nothing has moved if it is refused.
    pub(super) fn charge(
        &mut self,
        agent: AgentId,
        request: &EffectRequest,
        channel: &Text,
    ) -> Result<Option<Reward>, Refusal> {
        let reward = match request.arg("reward") {
            None => 0,
            Some(_) => amount_of(request, "reward")?,
        };
        let rules = self.channels.get(channel);
        let now = self.now();
        let sent = rules.and_then(|channel| channel.sent.get(&agent).copied()).unwrap_or_default();
        let rules = rules.map(|channel| &channel.rules);
        if let Some(quota) = rules.and_then(|rules| rules.quota)
            && sent.quota.at(now, quota.window) >= quota.most
        {
            let message =
                format!("the channel takes {} messages of an agent at a time", quota.most);
            return Err(Refusal::Fails(FailureCode::Unavailable, message));
        }
        let price = rules
            .and_then(|rules| rules.price)
            .map_or(0, |price| price.of(sent.price.at(now, price.window).saturating_add(1)));
        let payout = rules.map_or(Payout::First, |rules| rules.payout.clone());
        let Some(wallet) = self.wallet(agent) else { return Ok(None) };
        let reward = match reward {
            0 => None,
            amount => {
                let terms = self.terms(&payout)?;
                let settle = match terms {
                    Terms::First => Settle::First,
                    Terms::Accepted(verifier) => {
                        Settle::Accepted { verifier: self.wallet(verifier).unwrap_or(Owner::Fees) }
                    }
                    // Whoever runs the world splits it.
                    Terms::Split => Settle::Split { arbiter: Owner::Fees },
                };
                let order = self.order(agent, request, Part::Reward, "reward");
                let money = Money { token: CREDITS, amount };
                let receipt = self.ledger.escrow(&order, wallet, money, settle, u64::MAX)?;
                Some(Reward { escrow: receipt.first, terms })
            }
        };
        if price > 0 {
            let order = self.order(agent, request, Part::Message, "message");
            let money = Money { token: CREDITS, amount: price };
            let paid = self.ledger.pay(&order, wallet, Owner::Fees, money);
            // What waits for approval is asked again, and finds its escrow under the same key.
            if let Err(error) = paid {
                let refusal = Refusal::from(error);
                if let (Some(reward), Refusal::Fails(..)) = (reward, &refusal) {
                    self.refund(reward.escrow);
                }
                return Err(refusal);
            }
        }
        if let Some(channel) = self.channels.get_mut(channel)
            && channel.rules.counts()
        {
            let sent = channel.sent.entry(agent).or_default();
            if let Some(quota) = channel.rules.quota {
                sent.quota.add(now, quota.window);
            }
            if let Some(price) = channel.rules.price {
                sent.price.add(now, price.window);
            }
        }
        Ok(reward)
    }

    fn terms(&self, payout: &Payout) -> Result<Terms, Refusal> {
        Ok(match payout {
            Payout::First => Terms::First,
            Payout::Split => Terms::Split,
            Payout::Accepted(name) => {
                let verifier = self.by_name.get(name).copied().filter(|agent| self.acts(*agent));
                let why = || format!("the channel's verifier {name} is not there");
                Terms::Accepted(
                    verifier.ok_or_else(|| Refusal::Fails(FailureCode::Unavailable, why()))?,
                )
            }
        })
    }

    /// Gives the reward of a request to whoever answered it, if that is who gets it. A policy of the
    /// payer may refuse; then the next one may.
    pub(super) fn claim(&mut self, number: u64, winner: AgentId, judge: AgentId) {
        let Some(reward) = self.requests.get(&number).and_then(|request| request.reward) else {
            return;
        };
        let Some(to) = self.wallet(winner) else { return };
        let Some(effect) = self.machine(judge).and_then(|machine| machine.pending().cloned())
        else {
            return;
        };
        let order = self.order(judge, &effect, Part::Settlement, "reward");
        if self.ledger.claim(&order, reward.escrow, to).is_ok()
            && let Some(request) = self.requests.get_mut(&number)
        {
            request.reward = None;
            let asker = request.from;
            self.did(winner);
            self.did(asker);
        }
    }

    /// A request is over: what was set aside for it is split, or goes back.
    pub(super) fn close(&mut self, request: &Request) {
        let Some(Reward { escrow, terms }) = request.reward else { return };
        let shares: Vec<Share> = { request.answers.iter() }
            .filter_map(|(agent, _)| Some(Share { to: self.wallet(*agent)?, weight: 1 }))
            .collect();
        if terms == Terms::Split && !shares.is_empty() {
            let order = of_world(escrow, Part::Settlement, "reward", self.now());
            if self.ledger.split(&order, escrow, &shares).is_ok() {
                return;
            }
        }
        self.refund(escrow);
    }

    fn refund(&mut self, escrow: u64) {
        let order = of_world(escrow, Part::Reward, "reward", self.now());
        // What was settled in the meantime stays so.
        let _ = self.ledger.refund(&order, escrow);
    }

    /// Asks the verifier of a request whether it accepts an answer, by a message of the request's name
    /// and the answer, which it answers with a bool.
    pub(super) fn ask_verdict(
        &mut self,
        of: u64,
        candidate: AgentId,
        (answer, talk): (Value, Option<Arc<Talk>>),
        keep: &mut impl Keep,
    ) {
        let request = self.requests.get(&of);
        let Some((verifier, asker, name, channel)) = request.and_then(|request| {
            Some((request.verifier?, request.from, request.name.clone(), request.channel.clone()))
        }) else {
            return;
        };
        let number = self.sent;
        let draft = Draft {
            channel: None,
            name: name.clone(),
            data: answer.clone(),
            request: Some(number),
            talk,
        };
        let message = self.message(candidate, draft);
        self.deliver(verifier, &message, keep);
        let wanted = Wanted::Verdict { of, candidate, answer };
        self.open(number, Request::new(asker, (channel, name), wanted, [verifier].into()));
        if let Some(request) = self.requests.get_mut(&of) {
            request.judged.insert(number);
        }
    }

    /// Whether the verifier of a request has room for an answer of an agent.
    pub(super) fn verifier_takes(&self, candidate: AgentId, of: u64) -> bool {
        let Some(request) = self.requests.get(&of) else { return false };
        request.verifier.is_none_or(|verifier| {
            let waits = self.waits_for(verifier).is_some_and(|what| match what {
                What::Message(name) => name.as_ref().is_none_or(|name| *name == request.name),
                What::From(from) => *from == candidate,
                What::Time | What::Request(_) => false,
            });
            waits || self.acts(verifier) && self.has_room(candidate, verifier)
        })
    }

    /// A verifier spoke, or is gone.
    pub(super) fn judge(&mut self, number: u64, accepts: bool, keep: &mut impl Keep) {
        let Some(verdict) = self.forget(number) else { return };
        let Wanted::Verdict { of, candidate, answer } = verdict.wanted else { return };
        let Some(request) = self.requests.get_mut(&of) else { return };
        request.judged.remove(&number);
        let verifier = request.verifier;
        if accepts {
            request.answers.push((candidate, answer));
            if let Some(verifier) = verifier {
                self.claim(of, candidate, verifier);
            }
        }
        self.answered(of, keep);
    }
}
