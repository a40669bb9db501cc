//! Wallets: what the ledger of a world does for its agents, each time bound to agent and step (P-26,
//! P-54, O-37, O-38).

use alloc::{
    boxed::Box,
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use avm_ir::{Value, value::Text};

use super::{AgentId, Keep, World, actor::State, quoted};
use crate::{
    effect::{Answer, EffectRequest, FailureCode},
    ledger::{self, Cause, Error, Key, Ledger, Money, Order, Owner, Policy, Pool, Wanted, amount},
};

/// The token of rewards, prices and payments that name none.
pub const CREDITS: &str = "AVM_CREDITS";

/// Why an effect of an agent does not take place, or not yet.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It fails.
    Fails(FailureCode, String),
    /// Somebody has to approve it.
    Waits(Box<Wanted>),
}

impl Refusal {
    pub(super) fn fails(code: FailureCode, message: impl Into<String>) -> Self {
        Self::Fails(code, message.into())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::NeedsApproval(wanted) => return Self::Waits(wanted.clone()),
            Error::Insufficient { .. } | Error::Overflow => FailureCode::OverBudget,
            Error::Token | Error::Closed(_) => FailureCode::NotFound,
            Error::Zero | Error::SameWallet | Error::Name | Error::Shares => {
                FailureCode::InvalidArgument
            }
            _ => FailureCode::Denied,
        };
        Self::Fails(code, error.to_string())
    }
}

/// What an order is for, where several belong to one effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Part {
    Payment = 0,
    Reward = 1,
    Message = 2,
    Child = 3,
    Settlement = 4,
    Host = 5,
    End = 6,
}

/// The key of an order: an agent, how often it was started again, one of its effects, and which part
/// of that; or a number of the world's own.
fn key(id: &[u8; 32], lives: u32, number: u64, part: Part) -> Key {
    let mut hasher = blake3::Hasher::new_derive_key("aither avm world order v1");
    hasher.update(id);
    hasher.update(&lives.to_le_bytes());
    hasher.update(&number.to_le_bytes());
    hasher.update(&[part as u8]);
    *hasher.finalize().as_bytes()
}

/// An order that nobody in the world gave.
pub(super) fn of_world(number: u64, part: Part, purpose: &str, time: u64) -> Order<'_> {
    let cause = Cause { agent: None, step: 0, effect: 0 };
    Order { cause, key: key(&[0; 32], 0, number, part), purpose, time }
}

/// What identifies a pool wallet by its name.
pub fn pool_id(name: &str) -> [u8; 32] {
    blake3::derive_key("aither avm pool id v1", name.as_bytes())
}

impl World {
    /// Who has how much of what.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The wallet of an agent.
    pub fn wallet(&self, agent: AgentId) -> Option<Owner> {
        self.actor(agent).map(|actor| Owner::Agent(actor.id))
    }

    /// Makes tokens and gives them to a wallet.
    ///
    /// # Errors
    /// As [`Ledger::mint`].
    pub fn mint(&mut self, to: Owner, money: Money<'_>) -> Result<(), Error> {
        let order = of_world(self.orders, Part::Host, "genesis", self.now());
        self.ledger.mint(&order, to, money)?;
        self.orders += 1;
        Ok(())
    }

    /// Says what an owner may spend; without a policy whatever it has.
    ///
    /// # Errors
    /// [`Error::Policy`].
    pub fn set_spending(&mut self, owner: Owner, policy: Option<Policy>) -> Result<(), Error> {
        self.ledger.set_policy(owner, policy)
    }

    /// Says who shares a pool wallet, and who of them may pay.
    ///
    /// # Errors
    /// As [`Ledger::set_pool`].
    pub fn set_pool(&mut self, name: &str, members: Pool) -> Result<Owner, Error> {
        let id = pool_id(name);
        self.ledger.set_pool(id, members)?;
        self.pools.insert(Text::from(name));
        Ok(Owner::Pool(id))
    }

    /// Names of pool wallets.
    pub fn pools(&self) -> impl Iterator<Item = &str> {
        self.pools.iter().map(|name| name.as_str())
    }

    /// Payments that wait for approval, by agent.
    pub fn approvals(&self) -> impl Iterator<Item = (AgentId, &Wanted)> {
        self.actors.iter().zip(0..).filter_map(|(actor, number)| match &actor.state {
            State::Approval(wanted) => Some((AgentId(number), &**wanted)),
            _ => None,
        })
    }

    /// Approves the payment that an agent waits with, or refuses it. `false`, and nothing happens, if
    /// it waits with none.
    pub fn approve(&mut self, agent: AgentId, yes: bool, keep: &mut impl Keep) -> bool {
        let Some(actor) = self.actor_mut(agent) else { return false };
        let wanted = match core::mem::replace(&mut actor.state, State::Ready) {
            State::Approval(wanted) => wanted,
            other => {
                actor.state = other;
                return false;
            }
        };
        self.waiting -= 1;
        let approved = match yes {
            true => self.ledger.approve(&wanted).map_err(|error| error.to_string()),
            false => Err(String::from("whoever runs the world refused the payment")),
        };
        match approved {
            Ok(()) => self.asked(agent, keep),
            Err(why) => self.fail(agent, FailureCode::Denied, &why, keep),
        }
        true
    }

    /// An order of an agent's effect.
    pub(super) fn order<'a>(
        &self,
        agent: AgentId,
        request: &EffectRequest,
        part: Part,
        purpose: &'a str,
    ) -> Order<'a> {
        let (id, lives) = self.actor(agent).map_or(([0; 32], 0), |a| (a.id, a.lives()));
        let step = self.machine(agent).map_or(0, |machine| machine.steps());
        let cause = Cause { agent: Some(id), step, effect: request.id };
        Order { cause, key: key(&id, lives, request.id, part), purpose, time: self.now() }
    }

    /// The wallet that an agent acts with: its own, or a pool.
    fn own_wallet(&self, agent: AgentId, request: &EffectRequest) -> Result<Owner, Refusal> {
        match request.arg("wallet") {
            None | Some(Value::Null) => self.wallet(agent).ok_or_else(nobody),
            Some(Value::Text(name)) => Ok(Owner::Pool(pool_id(name))),
            Some(_) => Err(Refusal::fails(
                FailureCode::InvalidArgument,
                "a pool wallet is named by a text",
            )),
        }
    }

    /// `CHECK_BALANCE`.
    pub(super) fn check_balance(
        &self,
        agent: AgentId,
        request: &EffectRequest,
    ) -> Result<Answer, Refusal> {
        let wallet = self.own_wallet(agent, request)?;
        let least = amount_of(request, "min_required")?;
        let token = token_of(request)?;
        let enough = self.ledger.balance(wallet, token) >= least;
        Ok(Answer::output(Value::Bool(enough), 0))
    }

    /// `PAY_AGENT`.
    pub(super) fn pay(
        &mut self,
        agent: AgentId,
        request: &EffectRequest,
    ) -> Result<Answer, Refusal> {
        let from = self.own_wallet(agent, request)?;
        let target = request.arg("target_agent").cloned().unwrap_or_default();
        let to =
            self.named(&target).and_then(|to| self.wallet(to)).ok_or_else(|| match &target {
                Value::Text(name) => {
                    let message = format!("no agent of the world has the name {}", quoted(name));
                    Refusal::Fails(FailureCode::NotFound, message)
                }
                _ => nobody(),
            })?;
        let amount = amount_of(request, "amount")?;
        let money = Money { token: token_of(request)?, amount };
        let purpose = request.text_arg("purpose").unwrap_or_default();
        let order = self.order(agent, request, Part::Payment, purpose);
        self.ledger.pay(&order, from, to, money)?;
        self.did(agent);
        if let Some(payee) = self.named(&target) {
            self.did(payee);
        }
        Ok(Answer::output(Value::text("OK"), 0))
    }

    /// What a program wants to give a child, by token.
    pub(super) fn funds_of(request: &EffectRequest) -> Result<Vec<(Text, u64)>, Refusal> {
        let wrong = |why: ledger::AmountError| {
            Refusal::Fails(FailureCode::InvalidArgument, format!("funds: {why}"))
        };
        let funds: BTreeMap<Text, u64> = match request.arg("funds") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Record(record)) => {
                let money = { record.iter() }
                    .map(|(token, value)| Ok((token.clone(), amount(value).map_err(wrong)?)));
                money.collect::<Result<_, Refusal>>()?
            }
            Some(value) => [(Text::from(CREDITS), amount(value).map_err(wrong)?)].into(),
        };
        Ok(funds.into_iter().filter(|(_, amount)| *amount > 0).collect())
    }
}

fn nobody() -> Refusal {
    Refusal::fails(FailureCode::NotFound, "there is no such agent")
}

/// An operand as an amount.
pub(super) fn amount_of(request: &EffectRequest, operand: &str) -> Result<u64, Refusal> {
    amount(request.arg(operand).unwrap_or(&Value::Int(0)))
        .map_err(|why| Refusal::Fails(FailureCode::InvalidArgument, format!("{operand}: {why}")))
}

fn token_of(request: &EffectRequest) -> Result<&str, Refusal> {
    request
        .text_arg("token_id")
        .ok_or_else(|| Refusal::fails(FailureCode::InvalidArgument, "a token is named by a text"))
}
