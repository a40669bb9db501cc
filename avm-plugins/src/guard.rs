//! What stands between the registry and every provider: time-out, caps, retries, rate limit, circuit
//! breaker, and the shapes of the manifest. Once, for all of them.
//!
//! A provider that only computes is asked directly, which costs next to nothing. One that can hang
//! is asked in a thread of its own, and left behind when its time is over. All time is the host's.

mod breaker;
mod paid;
mod rate;
mod retry;
#[allow(clippy::disallowed_methods, reason = "what hangs can only be left behind in a thread")]
mod thread;
mod watch;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use avm_ir::Value;
use avm_vm::FailureCode;

pub use watch::{Rate, Size, Time, Trip, Watch};

use crate::{
    host::Host,
    provider::{Call, Determinism, Function, Manifest, Outcome, Refusal},
};
use breaker::Breaker;
use paid::Paid;
use rate::Bucket;
use thread::Hung;

/// Names of the keys in a provider's table that belong to the guard.
pub const KEYS: &[&str] = &["timeout", "max_bytes", "retries", "backoff", "rate", "breaker"];

/// How long a provider that can hang may take, if nobody says otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Largest answer in bytes of what nobody can foresee, if nobody says otherwise.
pub const MAX_BYTES: u64 = 1 << 20;

/// How often a call that may be asked again is asked again, if nobody says otherwise.
pub const RETRIES: u32 = 2;

/// What is asked of a provider.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Function of the manifest.
    pub function: &'a str,
    /// Its arguments, if the manifest has a shape for them.
    pub args: Option<&'a Value>,
}

/// The guard of one bound provider.
pub struct Guard {
    /// What failures call the provider, such as `tool "TwitterAPI"`.
    name: String,
    watch: Watch,
    /// Nothing is configured, so that what cannot hang is asked directly.
    plain: bool,
    host: Arc<dyn Host>,
    bucket: Option<Mutex<Bucket>>,
    breaker: Mutex<Breaker>,
    hung: Hung,
}

impl Guard {
    /// A guard for one provider, which failures call by `name`.
    pub fn new(name: String, watch: Watch, host: Arc<dyn Host>) -> Self {
        let bucket = watch.rate.map(|rate| Mutex::new(Bucket::new(rate)));
        let breaker = Mutex::new(Breaker::new(watch.breaker.unwrap_or_default()));
        let plain = watch == Watch::default();
        Self { name, watch, plain, host, bucket, breaker, hung: Hung::default() }
    }

    /// Asks the provider, if it may be asked now, and checks what comes back.
    ///
    /// # Errors
    /// What the provider says, or why it was not asked, or what is wrong with its answer.
    pub fn call(
        &self,
        call: &Call,
        manifest: &Manifest,
        ask: Ask<'_>,
        job: impl Fn(&Call) -> Outcome + Send + Sync + 'static,
    ) -> Outcome {
        let function = manifest.function(ask.function);
        if let (Some(function), Some(args)) = (function, ask.args) {
            function.args.check(args).map_err(|error| {
                Refusal::invalid(format!("arguments of {}: {error}", function.name))
            })?;
        }
        let call = self.reserved(call, manifest.cost)?;
        let cap = self.max_bytes(manifest);
        let capped = Call { max_bytes: call.max_bytes.min(cap), ..call };
        let mut reply = if self.plain && !manifest.reaches.can_hang() {
            self.asked(&capped, function, &job)?
        } else {
            self.watched(&capped, manifest, function, job)?
        };
        let bytes: u64 = reply.outputs.iter().map(Value::size).sum();
        if bytes > cap {
            let message = format!(
                "the answer of {} has {bytes} bytes, more than its max_bytes {cap}",
                self.name
            );
            let refusal = Refusal::new(FailureCode::TooLarge, message);
            return Err(refusal.after(reply.units).spending(reply.spent));
        }
        reply = call.fits(reply)?;
        reply.cost = reply.cost.saturating_add(manifest.cost);
        Ok(reply)
    }

    /// The call with the provider's own price set aside. What is bought by the gas left shrinks with
    /// it, so that the answer and the price together stay within the reservation.
    fn reserved(&self, call: &Call, cost: u64) -> Result<Call, Refusal> {
        if cost == 0 {
            return Ok(*call);
        }
        let Some(left) = call.max_gas.checked_sub(cost) else {
            let message = format!(
                "a call of {} costs {cost} nanogas, and {} are left for it",
                self.name, call.max_gas
            );
            return Err(Refusal::new(FailureCode::GasLimit, message));
        };
        let share = |amount: u64| {
            let share = u128::from(amount) * u128::from(left) / u128::from(call.max_gas.max(1));
            u64::try_from(share).unwrap_or(u64::MAX)
        };
        let (max_bytes, max_units) = (share(call.max_bytes), share(call.max_units));
        Ok(Call { max_gas: left, max_bytes, max_units, ..*call })
    }

    fn max_bytes(&self, manifest: &Manifest) -> u64 {
        let foreseen = manifest.determinism != Determinism::Outside;
        let default = if foreseen { u64::MAX } else { MAX_BYTES };
        self.watch.max_bytes.map_or(default, |Size(bytes)| bytes)
    }

    /// Asks once, here, and checks the shape of the answer.
    fn asked(
        &self,
        call: &Call,
        function: Option<&Function>,
        job: &impl Fn(&Call) -> Outcome,
    ) -> Outcome {
        let outcome = caught(|| job(call)).unwrap_or_else(|why| Err(self.broke_down(&why)));
        self.checked(outcome, function)
    }

    /// Asks within the time, as often as it may, as fast as it may.
    fn watched(
        &self,
        call: &Call,
        manifest: &Manifest,
        function: Option<&Function>,
        job: impl Fn(&Call) -> Outcome + Send + Sync + 'static,
    ) -> Outcome {
        let can_hang = manifest.reaches.can_hang();
        let default = if can_hang { TIMEOUT } else { Duration::MAX };
        let timeout = self.watch.timeout.map_or(default, |Time(time)| time);
        let retries = match function.is_some_and(|function| function.repeatable) {
            true => self.watch.retries.unwrap_or(if can_hang { RETRIES } else { 0 }),
            false => 0,
        };
        let breaks = can_hang || self.watch.breaker.is_some();
        let deadline = self.host.now().saturating_add(call.timeout);
        let job = Arc::new(job);
        let mut paid = Paid::default();
        let mut tries = 0;
        let mut last: Option<Refusal> = None;
        loop {
            tries += 1;
            let left = deadline.saturating_sub(self.host.now()).min(timeout);
            let this = paid.rest(&Call { timeout: left, ..*call });
            let probe = match self.admit(left, breaks) {
                Ok(probe) => probe,
                // Nobody was asked. Why the try before failed says more.
                Err(refusal) => return Err(last.map_or(refusal, |last| again(last, tries - 1))),
            };
            let outcome = if can_hang {
                let (ask, call) = (Arc::clone(&job), this);
                let asked = self.hung.run(&self.name, left, move || ask(&call));
                self.checked(asked, function)
            } else {
                self.asked(&this, function, &*job)
            };
            let code = outcome.as_ref().err().map(|refusal| refusal.failure.code);
            if breaks {
                lock(&self.breaker).record(self.host.now(), probe, code.is_some_and(is_trouble));
            }
            let refusal = match outcome {
                Ok(reply) => return Ok(paid.with_reply(reply)),
                Err(refusal) => paid.with(refusal),
            };
            if tries > retries || !code.is_some_and(may_pass) {
                return Err(again(refusal, tries));
            }
            let pause = retry::pause(self.watch.backoff, tries, &call.idempotency_key.bytes());
            if self.host.now().saturating_add(pause) >= deadline {
                return Err(again(refusal, tries));
            }
            paid.add(&refusal);
            last = Some(refusal);
            self.host.sleep(pause);
        }
    }

    /// Waits until the provider may be asked; tells whether this call is the breaker's probe.
    fn admit(&self, timeout: Duration, breaks: bool) -> Result<bool, Refusal> {
        let unavailable = |message| Refusal::new(FailureCode::Unavailable, message);
        let resting = |left: Duration| {
            let (name, seconds) = (&self.name, left.as_secs_f64());
            unavailable(format!("{name} failed too often and rests for {seconds:.1} s more"))
        };
        if breaks {
            lock(&self.breaker)
                .refuses(self.host.now())
                .map_or(Ok(()), |left| Err(resting(left)))?;
        }
        if let Some(bucket) = &self.bucket {
            let taken = lock(bucket).take(self.host.now(), timeout);
            let wait = taken.map_err(|wait| {
                let (name, seconds) = (&self.name, wait.as_secs_f64());
                unavailable(format!(
                    "the rate of {name} is used up for {seconds:.1} s, longer than its time-out"
                ))
            })?;
            if !wait.is_zero() {
                self.host.sleep(wait);
            }
        }
        match breaks {
            true => lock(&self.breaker).admit(self.host.now()).map_err(resting),
            false => Ok(false),
        }
    }

    /// Refuses an answer that is not what the manifest promises.
    fn checked(&self, outcome: Outcome, function: Option<&Function>) -> Outcome {
        let reply = outcome?;
        let Some(function) = function else { return Ok(reply) };
        // Only functions with one output have a shape for it.
        if let [output] = reply.outputs.as_slice() {
            function.result.check(output).map_err(|error| {
                let message = format!("answer of {}: {error}", self.name);
                let refusal = Refusal::new(FailureCode::Internal, message);
                refusal.after(reply.units).spending(reply.spent)
            })?;
        }
        Ok(reply)
    }

    fn broke_down(&self, why: &str) -> Refusal {
        Refusal::new(FailureCode::Internal, format!("{} broke down: {why}", self.name))
    }
}

/// Failures that speak of the provider's health, not of what it was asked.
const fn is_trouble(code: FailureCode) -> bool {
    matches!(code, FailureCode::Unavailable | FailureCode::Timeout | FailureCode::Internal)
}

/// Failures that may be gone when asked again.
const fn may_pass(code: FailureCode) -> bool {
    matches!(code, FailureCode::Unavailable | FailureCode::Timeout)
}

/// The failure of the last of several tries.
fn again(mut refusal: Refusal, tries: u32) -> Refusal {
    if tries > 1 {
        let message = &mut refusal.failure.message;
        message.push_str(&format!(" (asked {tries} times)"));
    }
    refusal
}

/// What a provider gives, or what it panicked with.
fn caught(job: impl FnOnce() -> Outcome) -> Result<Outcome, String> {
    // Nothing half-done is looked at afterwards: a provider's own locks are its business.
    catch_unwind(AssertUnwindSafe(job)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        text.unwrap_or_else(|| "a panic without words".to_owned())
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
