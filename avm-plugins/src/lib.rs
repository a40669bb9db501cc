//! What the outside answers: the providers behind the instructions that reach outside the machine.
//!
//! The modules here are deterministic and offline. They know no network, no clock and no
//! randomness, so the same call gives the same bytes on every machine. Only [`store`] touches a
//! disk, under a folder its caller names.
//!
//! * [`provider`]: what a provider is, one trait per kind.
//! * [`registry`]: names bound to providers; sends a machine's request to the right one.
//! * [`builtin`]: the embedded providers, made of the parts below.
//! * [`model`]: the built-in models `builtin:hash-embed` and `builtin:extractive`.
//! * [`docs`]: document collections, exact vector search, MMR, and splitting files into passages.
//! * [`store`]: the small durable key-value store that keeps collections between runs.

#![warn(clippy::disallowed_methods)]

pub mod builtin;
pub mod docs;
pub mod model;
pub mod provider;
pub mod registry;
#[allow(clippy::disallowed_methods, reason = "the durable store lives in a folder")]
pub mod store;
