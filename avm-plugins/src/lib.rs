//! What the outside answers: the providers behind the instructions that reach outside the machine.
//!
//! What computes is deterministic and offline: the same call gives the same bytes on every machine.
//! What reaches files, devices, processes or the network says so in its manifest, and does it only
//! where the operator's configuration points it to.
//!
//! * [`provider`]: what a provider is, one trait per kind.
//! * [`catalogue`]: every provider there is, one line each.
//! * [`registry`]: names bound to providers; sends a machine's request to the right one.
//! * [`grants`]: what the operator allows a program to name.
//! * [`guard`]: time-outs, caps, retries, rate limits and circuit breakers, once for all providers.
//! * [`shape`]: what arguments and results have to look like.
//! * [`settings`], [`host`]: configuration of a provider, and the machine it runs on.
//! * [`builtin`]: the embedded providers, made of the parts below.
//! * [`model`]: the built-in models `builtin:hash-embed` and `builtin:extractive`.
//! * [`rules`]: rules from a file, for decisions, critics and checks.
//! * [`hpc`], [`gpu`], [`chain`]: a pool of tasks, GPU leases, a simulated chain.
//! * [`tool`]: recorded answers, programs of the operator, HTTP services.
//! * [`signature`]: whether a signature is a key's signature of a message.
//! * [`purse`]: what calls side by side may use up together.
//! * [`sql`]: a database in this process, with metered and bounded statements.
//! * [`docs`]: document collections, exact vector search, MMR, and splitting files into passages.
//! * [`store`]: the small durable key-value store that keeps collections between runs.

#![warn(clippy::disallowed_methods)]

pub mod builtin;
pub mod catalogue;
pub mod chain;
pub mod docs;
pub mod gpu;
pub mod grants;
pub mod guard;
pub mod host;
pub mod hpc;
pub mod model;
pub mod provider;
pub mod purse;
pub mod registry;
pub mod rules;
pub mod settings;
pub mod shape;
pub mod signature;
pub mod sql;
#[allow(clippy::disallowed_methods, reason = "the durable store lives in a folder")]
pub mod store;
pub mod tool;
