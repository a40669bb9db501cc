//! What stands between the registry and every provider: time-out, caps, retries, rate limit, circuit
//! breaker, and the shapes of the manifest. Once, for all of them.

use std::sync::Arc;

use avm_ir::Value;
use serde::Deserialize;

use crate::{
    host::Host,
    provider::{Call, Manifest, Outcome, Refusal},
};

/// How calls of one provider are watched: keys of its table in the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Watch {}

/// Names of the keys in a provider's table that belong to the guard.
pub const KEYS: &[&str] = &[];

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
    _watch: Watch,
    _host: Arc<dyn Host>,
}

impl Guard {
    /// A guard for one provider.
    pub fn new(watch: Watch, host: Arc<dyn Host>) -> Self {
        Self { _watch: watch, _host: host }
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
        let reply = call.fits(job(call)?)?;
        Ok(reply)
    }
}
