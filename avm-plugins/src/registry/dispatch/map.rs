//! `MAP_MODEL_CALL`: one model asked about every item of a list, side by side (O-10, F7).
//!
//! Neither the results nor what they cost depend on the number of threads or on their timing. Items
//! are started in order, each with its own reservation from the call's [`Purse`]; one that does not
//! fit waits for those before it, so that it fits or fails as it would one after the other.
//!
//! Options weighed: a share of the budget for every item (fails calls that are affordable), a
//! reservation for all together before the first (the same), a task per item on an executor (more
//! machinery than the models' calls need).

use core::time::Duration;
use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::{Builder, scope},
};

use avm_ir::{Value, value::MAX_NESTING};
use avm_vm::{FailureCode, IdempotencyKey, Meter, Spend};

use crate::{
    guard::Ask,
    host::Host,
    provider::{Call, Model, Outcome, Refusal, Reply},
    purse::{Amounts, Hold, Purse},
    registry::Bound,
};

/// How long one thread works alone before others are started: what is done by then is not worth
/// starting them.
const ALONE: Duration = Duration::from_micros(200);

/// Most items that a thread takes at once.
const CHUNK: usize = 32;

/// Asks a model about every item.
///
/// # Errors
/// Every item failed: the first item's failure, short of a meter if all were.
pub(super) fn map(
    model: &Bound<dyn Model>,
    call: &Call,
    items: &[Value],
    workers: usize,
    host: &dyn Host,
) -> Outcome {
    let limit = Amounts { gas: call.max_gas, spend: call.max_spend };
    let map = Map {
        model,
        call,
        items,
        workers: workers.clamp(1, items.len().max(1)),
        host,
        deadline: host.now().saturating_add(call.timeout),
        purse: Purse::new(limit),
        order: Mutex::new(0),
        merge: Mutex::new(Merge::new(call, items.len())),
        merged: Condvar::new(),
    };
    map.run();
    let merge = map.merge.into_inner().unwrap_or_else(PoisonError::into_inner);
    merge.outcome(call)
}

/// An item's number, and its reservation with the tokens in it.
type Taken<'a> = (usize, Result<(Hold<'a>, u64), Refusal>);

struct Map<'a> {
    model: &'a Bound<dyn Model>,
    call: &'a Call,
    items: &'a [Value],
    workers: usize,
    host: &'a dyn Host,
    deadline: Duration,
    purse: Purse,
    /// The next item to start. Held while its reservation is made, so that they are made in order.
    order: Mutex<usize>,
    merge: Mutex<Merge>,
    /// An item was merged.
    merged: Condvar,
}

impl<'a> Map<'a> {
    fn run(&'a self) {
        // What waits for others waits best together.
        let hangs = self.model.manifest.reaches.can_hang();
        let until = self.host.now().saturating_add(ALONE);
        while self.workers > 1 && !hangs && self.host.now() < until {
            if !self.work(1) {
                return;
            }
        }
        scope(|scope| {
            for _ in 1..self.workers {
                let helper = || while self.work(self.chunk()) {};
                // Without another thread this one does it all.
                let _ = Builder::new().spawn_scoped(scope, helper);
            }
            while self.work(self.chunk()) {}
        });
    }

    /// So many items that all threads end at about the same time.
    fn chunk(&self) -> usize {
        let left = self.items.len() - *lock(&self.order);
        (left / (4 * self.workers)).clamp(1, CHUNK)
    }

    /// Takes the next items and asks about them; whether there were any.
    fn work(&self, most: usize) -> bool {
        let holds = self.take(most);
        let any = !holds.is_empty();
        for (index, hold) in holds {
            let outcome = hold.and_then(|(hold, tokens)| {
                let outcome = self.ask(index, tokens);
                hold.settle(&used(&outcome));
                outcome
            });
            lock(&self.merge).put(index, outcome);
            self.merged.notify_all();
        }
        any
    }

    /// Reserves for the next items: all that fit at once, but at least one that may have to wait.
    fn take(&self, most: usize) -> Vec<Taken<'_>> {
        let mut next = lock(&self.order);
        let mut taken = Vec::new();
        let mut merge = lock(&self.merge);
        // The earliest item that is not merged is under way elsewhere, so this ends.
        while merge.is_full() {
            merge = self.merged.wait(merge).unwrap_or_else(PoisonError::into_inner);
        }
        drop(merge);
        while let Some(item) = self.items.get(*next).filter(|_| taken.len() < most) {
            let tokens = self.model.provider.most_tokens(item);
            let spend = Spend { tokens, ..Spend::NONE };
            let amounts = Amounts { gas: self.model.manifest.cost, spend };
            let hold = match taken.is_empty() {
                true => self.purse.reserve(amounts).map_err(|meter| short(meter, &amounts)),
                false => match self.purse.try_reserve(amounts) {
                    Some(hold) => Ok(hold),
                    None => break,
                },
            };
            taken.push((*next, hold.map(|hold| (hold, tokens))));
            *next += 1;
        }
        taken
    }

    fn ask(&self, index: usize, tokens: u64) -> Outcome {
        let timeout = self.deadline.saturating_sub(self.host.now());
        if timeout.is_zero() && !self.call.timeout.is_zero() {
            let message = "the time of the whole call was over before this item";
            return Err(Refusal::new(FailureCode::Timeout, message));
        }
        let key = self.call.idempotency_key.bytes();
        let key = blake3::keyed_hash(&key, &(index as u64).to_le_bytes());
        let call = Call {
            // A model spends tokens and nothing else; time passes for all items together.
            max_spend: Spend { tokens, wall: self.call.max_spend.wall, ..Spend::NONE },
            timeout,
            idempotency_key: IdempotencyKey::Given(*key.as_bytes()),
            ..*self.call
        };
        let input = self.items[index].clone();
        let ask = Ask { function: "infer", args: Some(&self.items[index]) };
        self.model.call(&call, ask, move |model, call| model.infer(call, &input))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn used(outcome: &Outcome) -> Amounts {
    match outcome {
        Ok(reply) => Amounts { gas: reply.cost, spend: reply.spent },
        Err(refusal) => Amounts { gas: 0, spend: refusal.spent },
    }
}

fn short(meter: Meter, amounts: &Amounts) -> Refusal {
    let wants = match meter {
        Meter::Gas => amounts.gas,
        _ => amounts.spend.tokens,
    };
    let (wants, name) = (meter.show(wants), meter.name());
    let message = format!("an item needs {wants} from the budget {name}, which has less left");
    let refusal = Refusal::new(FailureCode::over(meter), message);
    Refusal { short: Some(meter), ..refusal }
}

/// Outcomes put together in the order of the items, whenever they come.
struct Merge {
    /// Outcomes of items that have others before them still under way, and their bytes.
    ahead: BTreeMap<usize, Outcome>,
    ahead_bytes: u64,
    max_bytes: u64,
    /// Bytes that results may have besides the `NULL` that each item has anyway.
    room: u64,
    results: Vec<Value>,
    answered: usize,
    first: Option<Refusal>,
    all_short: bool,
    total: Reply,
}

impl Merge {
    fn new(call: &Call, count: usize) -> Self {
        Self {
            ahead: BTreeMap::new(),
            ahead_bytes: 0,
            max_bytes: call.max_bytes,
            room: call.max_bytes.saturating_sub(count as u64 + 16),
            results: Vec::with_capacity(count),
            answered: 0,
            first: None,
            all_short: true,
            total: Reply::default(),
        }
    }

    /// Whether what waits here takes as much memory as the answer may.
    const fn is_full(&self) -> bool {
        self.ahead_bytes > self.max_bytes
    }

    fn put(&mut self, index: usize, outcome: Outcome) {
        self.ahead_bytes = self.ahead_bytes.saturating_add(size(&outcome));
        self.ahead.insert(index, outcome);
        while let Some(outcome) = self.ahead.remove(&self.results.len()) {
            self.ahead_bytes = self.ahead_bytes.saturating_sub(size(&outcome));
            let merged = self.count(outcome);
            self.results.push(merged);
        }
    }

    /// Counts an outcome and gives the item's result.
    fn count(&mut self, outcome: Outcome) -> Value {
        let refusal = match outcome {
            Ok(reply) => {
                self.total.cost = self.total.cost.saturating_add(reply.cost);
                self.pay(reply.units, &reply.spent, &reply.refund);
                let value = reply.outputs.into_iter().next().unwrap_or_default();
                match self.fit(&value) {
                    Ok(()) => {
                        self.answered += 1;
                        return value;
                    }
                    Err(refusal) => refusal,
                }
            }
            Err(refusal) => {
                self.pay(refusal.units, &refusal.spent, &refusal.refund);
                refusal
            }
        };
        self.all_short &= refusal.short.is_some();
        self.first.get_or_insert(refusal);
        Value::Null
    }

    fn pay(&mut self, units: u64, spent: &Spend, refund: &Spend) {
        let total = &mut self.total;
        total.units = total.units.saturating_add(units);
        total.spent = total.spent.plus(spent);
        total.refund = total.refund.plus(refund);
    }

    fn fit(&mut self, value: &Value) -> Result<(), Refusal> {
        let too_large = |why: &str| Err(Refusal::new(FailureCode::TooLarge, why));
        if value.nesting() >= MAX_NESTING {
            return too_large("the result is nested too deep to be an item of a list");
        }
        let bytes = value.encoded_len();
        match self.room.checked_sub(bytes.saturating_sub(1)) {
            Some(room) => {
                self.room = room;
                Ok(())
            }
            None => too_large("the results of the items before leave too little room for it"),
        }
    }

    fn outcome(self, call: &Call) -> Outcome {
        let Self { results, answered, first, all_short, total, .. } = self;
        match first {
            Some(first) if answered == 0 => {
                let short = first.short.filter(|_| all_short);
                let Reply { units, spent, refund, .. } = total;
                Err(Refusal { units, spent, refund, short, ..first })
            }
            _ => call.fits(Reply { outputs: vec![Value::list(results)], ..total }),
        }
    }
}

fn size(outcome: &Outcome) -> u64 {
    outcome.as_ref().map_or(0, |reply| reply.outputs.iter().map(Value::heap).sum())
}

#[cfg(test)]
mod tests;
