//! What the outside answers: the providers behind the instructions that reach outside the machine.
//!
//! The modules here are pure, deterministic and offline. They know no network, no clock and no
//! randomness, so the same call gives the same bytes on every machine. Only [`store`] touches a
//! disk, under a folder its caller names.
//!
//! * [`model`]: the built-in models `builtin:hash-embed` and `builtin:extractive`.
//! * [`docs`]: document collections, exact vector search, MMR, and splitting files into passages.
//! * [`store`]: the small durable key-value store that keeps collections between runs.

pub mod docs;
pub mod model;
pub mod store;
