//! What a provider is: one trait per kind of thing that a program can reach.
//!
//! A provider does the work and knows nothing of machines, bindings, grants or journals. What is the
//! same for all of them is done once, outside of them: which name goes to which provider and whether
//! the operator grants it ([`Registry`](crate::registry::Registry)), time-outs, retries, rate limits,
//! circuit breakers, response caps and shapes ([`Guard`](crate::guard::Guard)).
//!
//! A provider describes itself by a [`Manifest`], is called with a reservation ([`Call`]), and gives
//! a value with what it used up ([`Reply`]) or a typed failure ([`Refusal`]), never a panic: the
//! program sees the failure in the status word of the instruction's class and goes on.
//!
//! A new provider of an existing kind is one file in [`builtin`](crate::builtin) and one line in the
//! [`catalogue`](crate::catalogue).

mod call;
mod chain;
mod cluster;
mod coder;
mod documents;
mod gpus;
mod manifest;
mod model;
mod plugin;
mod policy;
mod sql;
mod tool;
mod wallet;

pub use call::{Call, Outcome, Refusal, Reply, answer};
pub use chain::Chain;
pub use cluster::{Cluster, Report, TaskEnd};
pub use coder::Coder;
pub use documents::{Documents, Found, Query};
pub use gpus::Gpus;
pub use manifest::{Determinism, Function, Manifest, Reaches};
pub use model::{Model, tokens_of};
pub use plugin::Plugin;
pub use policy::Policy;
pub use sql::Sql;
pub use tool::Tool;
pub use wallet::Wallet;

use avm_ir::Value;

/// What all kinds of providers have in common. Providers are shared between threads; what they
/// remember is behind a lock of their own.
pub trait Provider: Send + Sync {
    /// What it is, what it can do, what it costs and what it reaches.
    fn manifest(&self) -> Manifest;

    /// What it has to remember when a run is suspended; `NULL` if nothing.
    fn save(&self) -> Value {
        Value::Null
    }

    /// Takes back what [`Self::save`] gave.
    ///
    /// # Errors
    /// It is not something that this provider saved.
    fn restore(&self, state: &Value) -> Result<(), Refusal> {
        match state {
            Value::Null => Ok(()),
            _ => Err(Refusal::invalid("this provider keeps no state")),
        }
    }
}
