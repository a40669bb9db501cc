//! `builtin:chain`: a blockchain simulated in memory, for developing and testing what agents do on one.
//!
//! Accounts hold tokens, pools trade pairs of them, and every action that changes something is a block
//! of its own. It is exact and deterministic: amounts are whole billionths of a token. It reaches no
//! network and no real money.

mod action;
mod genesis;
mod ledger;
mod pool;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use avm_ir::{
    Value,
    value::{self, Record},
    wire::Reader,
};
use avm_vm::FailureCode;
use serde::Deserialize;

use self::{
    action::{Action, Swap},
    genesis::{Begin, Genesis},
    ledger::{Draft, Ledger},
    pool::{Pool, Trade},
};
use crate::{
    provider::{Call, Chain, Determinism, Manifest, Outcome, Provider, Refusal, Reply},
    settings::{BadSettings, Settings},
};

/// Actions that are remembered: for `diff`, and for being asked again.
const REMEMBERED: usize = 256;

/// Keys of the configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Keys {
    file: Option<String>,
}

/// A simulated chain.
#[derive(Debug)]
pub struct Simulated {
    account: String,
    pair: Option<String>,
    pools: BTreeMap<String, Pool>,
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    block: u64,
    ledger: Ledger,
    /// Calls that changed something and their receipts, oldest first.
    made: VecDeque<([u8; 32], Value)>,
}

impl Simulated {
    /// The chain of the key `file`; without it there are neither accounts nor pools.
    ///
    /// # Errors
    /// The file cannot be read or describes no chain.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        let Keys { file } = settings.read()?;
        let begin = match &file {
            Some(path) => {
                let genesis: Genesis = settings.toml(path)?;
                genesis.begin().map_err(|BadSettings(why)| BadSettings(format!("{path}: {why}")))?
            }
            None => Genesis::default().begin()?,
        };
        let Begin { block, account, pair, pools, ledger } = begin;
        let state = Mutex::new(State { block, ledger, made: VecDeque::new() });
        Ok(Self { account, pair, pools, state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held would be a bug of ours; what it holds is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pool(&self, pair: Option<&str>) -> Result<&Pool, Refusal> {
        let Some(pair) = pair.or(self.pair.as_deref()) else {
            let message = "no pair is named, and the chain's file names none";
            return Err(Refusal::invalid(message));
        };
        self.pools.get(pair).ok_or_else(|| {
            let known: Vec<&str> = self.pools.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Refusal::not_found(format!("the chain has no pool \"{pair}\"; it has {known}"))
        })
    }

    /// What a trade pays and gets.
    fn price(&self, swap: &Swap, draft: &Draft<'_>) -> Result<(&Pool, Trade), Refusal> {
        let pool = self.pool(swap.pair.as_deref())?;
        let holder = pool.holder();
        let (base, quote) = (draft.get(&holder, &pool.base), draft.get(&holder, &pool.quote));
        let trade = match swap.buys {
            true => pool.buy(swap.size, quote, base)?,
            false => pool.sell(swap.size, base, quote)?,
        };
        let limit = |why: String| Err(Refusal::new(FailureCode::Denied, why));
        if let Some(most) = swap.max_pay.filter(|most| trade.pay > *most) {
            return limit(format!("the trade pays {} billionths, max_pay is {most}", trade.pay));
        }
        if let Some(least) = swap.min_get.filter(|least| trade.get < *least) {
            return limit(format!("the trade gets {} billionths, min_get is {least}", trade.get));
        }
        Ok((pool, trade))
    }

    /// Drafts an action and says what it is about.
    fn draft(
        &self,
        draft: &mut Draft<'_>,
        action: &Action,
    ) -> Result<Vec<(&'static str, Value)>, Refusal> {
        match action {
            Action::Swap(swap) => {
                let (pool, trade) = self.price(swap, draft)?;
                let (pays, gets) = match swap.buys {
                    true => (&pool.quote, &pool.base),
                    false => (&pool.base, &pool.quote),
                };
                let holder = pool.holder();
                draft.pay(&self.account, &holder, pays, trade.pay)?;
                draft.pay(&holder, &self.account, gets, trade.get)?;
                Ok(action::told(swap, pool, trade))
            }
            Action::Transfer(transfer) => {
                if transfer.to.is_empty() || transfer.to.starts_with("pool:") {
                    return Err(Refusal::invalid("to must be an account"));
                }
                draft.pay(&self.account, &transfer.to, &transfer.token, transfer.amount)?;
                Ok(Vec::new())
            }
        }
    }

    fn simulate(&self, args: &Value) -> Outcome {
        let fields = action::record(args)?;
        let function = action::text(fields, "action")?.unwrap_or_default();
        let wish = fields.get("args").unwrap_or(&Value::Null);
        let action = Action::read(&function, wish).unwrap_or_else(|| {
            let message = format!("\"{function}\" changes nothing; swapTokens and transfer do");
            Err(Refusal::invalid(message))
        })?;
        let state = self.state();
        let mut draft = Draft::new(&state.ledger);
        let mut receipt = self.draft(&mut draft, &action)?;
        receipt.push(("block", Value::Int((state.block + 1).cast_signed())));
        receipt.push(("diff", draft.diff()));
        Ok(Reply::new(Value::Record(Record::from_iter(receipt)), 0))
    }

    fn execute(&self, call: &Call, action: &Action) -> Outcome {
        let mut state = self.state();
        let key = call.idempotency_key.bytes();
        if let Some((_, receipt)) = state.made.iter().find(|(made, _)| *made == key) {
            return call.fits(Reply::new(receipt.clone(), 0));
        }
        let mut draft = Draft::new(&state.ledger);
        let mut receipt = self.draft(&mut draft, action)?;
        let block = state.block + 1;
        receipt.push(("tx", Value::text(&transaction(block, &key))));
        receipt.push(("block", Value::Int(block.cast_signed())));
        receipt.push(("diff", draft.diff()));
        // Nothing is changed for an answer that nobody can take.
        let receipt = Value::Record(Record::from_iter(receipt));
        let reply = call.fits(Reply::new(receipt.clone(), 0))?;
        let changes = draft.changes();
        state.ledger.commit(changes);
        state.block = block;
        state.made.push_back((key, receipt));
        if state.made.len() > REMEMBERED {
            state.made.pop_front();
        }
        Ok(reply)
    }

    fn balance(&self, args: &Value) -> Outcome {
        let none = Record::new();
        let fields = if *args == Value::Null { &none } else { action::record(args)? };
        let account = action::text(fields, "account")?.unwrap_or_else(|| self.account.clone());
        let state = self.state();
        let block = ("block", Value::Int(state.block.cast_signed()));
        let named = ("account", Value::text(&account));
        let answer = match action::text(fields, "token")? {
            Some(token) => {
                let amount = state.ledger.get(&account, &token).cast_signed();
                let token = ("token", Value::text(&token));
                Record::from_iter([named, token, ("billionths", Value::Int(amount)), block])
            }
            None => {
                let tokens = state.ledger.of(&account);
                let tokens =
                    tokens.map(|(token, amount)| (token, Value::Int(amount.cast_signed())));
                let tokens = ("tokens", Value::Record(Record::from_iter(tokens)));
                Record::from_iter([named, tokens, block])
            }
        };
        Ok(Reply::new(Value::Record(answer), 0))
    }

    fn quote(&self, args: &Value) -> Outcome {
        let swap = action::swap(args)?;
        let state = self.state();
        let (pool, trade) = self.price(&swap, &Draft::new(&state.ledger))?;
        let told = action::told(&swap, pool, trade);
        Ok(Reply::new(Value::Record(Record::from_iter(told)), 0))
    }

    /// The receipt of the latest action, or of a block.
    fn diff(&self, args: &Value) -> Outcome {
        let none = Record::new();
        let fields = if *args == Value::Null { &none } else { action::record(args)? };
        let state = self.state();
        let found = match fields.get("block") {
            None | Some(Value::Null) => state.made.back(),
            Some(block) => state.made.iter().find(|(_, receipt)| match receipt {
                Value::Record(receipt) => receipt.get("block") == Some(block),
                _ => false,
            }),
        };
        let (_, receipt) = found
            .ok_or_else(|| Refusal::not_found("no action is remembered there, or none was made"))?;
        Ok(Reply::new(receipt.clone(), 0))
    }
}

/// The id of a transaction.
fn transaction(block: u64, key: &[u8; 32]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("aither builtin:chain transaction v1");
    hasher.update(&block.to_le_bytes());
    hasher.update(key);
    hasher.finalize().to_hex().to_string()
}

impl Provider for Simulated {
    fn manifest(&self) -> Manifest {
        let about = "a chain simulated in memory; no network and no real money";
        Manifest {
            determinism: Determinism::Stateful,
            ..Manifest::pure(about, action::functions())
        }
    }

    fn save(&self) -> Value {
        let state = self.state();
        let row = |((holder, token), amount): (&ledger::Slot, &u64)| {
            let amount = Value::Int(amount.cast_signed());
            Value::list(vec![Value::text(holder), Value::text(token), amount])
        };
        let made = |(key, receipt): &([u8; 32], Value)| {
            let receipt = Value::Bytes(value::encode(receipt).into());
            Value::list(vec![Value::Bytes(key.to_vec().into()), receipt])
        };
        Value::Record(Record::from_iter([
            ("block", Value::Int(state.block.cast_signed())),
            ("ledger", Value::list(state.ledger.0.iter().map(row).collect())),
            ("made", Value::list(state.made.iter().map(made).collect())),
        ]))
    }

    fn restore(&self, saved: &Value) -> Result<(), Refusal> {
        if *saved == Value::Null {
            return Ok(());
        }
        let read = read(saved);
        *self.state() = read.ok_or_else(|| Refusal::invalid("the chain is not what was saved"))?;
        Ok(())
    }
}

fn read(saved: &Value) -> Option<State> {
    let Value::Record(saved) = saved else { return None };
    let Value::Int(block) = saved.get("block")? else { return None };
    let (Value::List(ledger), Value::List(made)) = (saved.get("ledger")?, saved.get("made")?)
    else {
        return None;
    };
    let mut state = State { block: u64::try_from(*block).ok()?, ..State::default() };
    let mut supply: BTreeMap<String, u64> = BTreeMap::new();
    for row in ledger.iter() {
        let Value::List(row) = row else { return None };
        let [Value::Text(holder), Value::Text(token), Value::Int(amount)] = row.as_slice() else {
            return None;
        };
        let amount = u64::try_from(*amount).ok()?;
        let supply = supply.entry(token.to_string()).or_default();
        *supply = supply.checked_add(amount).filter(|sum| i64::try_from(*sum).is_ok())?;
        state.ledger.commit([((holder.to_string(), token.to_string()), amount)].into());
    }
    for row in made.iter().take(REMEMBERED) {
        let Value::List(row) = row else { return None };
        let [Value::Bytes(key), Value::Bytes(receipt)] = row.as_slice() else { return None };
        let receipt = value::decode(&mut Reader::new(receipt)).ok()?;
        state.made.push_back((key.as_slice().try_into().ok()?, receipt));
    }
    Some(state)
}

impl Chain for Simulated {
    fn act(&self, call: &Call, action: &str, args: &Value) -> Outcome {
        match action {
            "balance" => self.balance(args),
            "quote" => self.quote(args),
            "simulate" => self.simulate(args),
            "diff" => self.diff(args),
            _ => match Action::read(action, args) {
                Some(action) => self.execute(call, &action?),
                None => Err(Refusal::not_found(format!("the chain has no action \"{action}\""))),
            },
        }
    }
}

#[cfg(test)]
mod tests;
