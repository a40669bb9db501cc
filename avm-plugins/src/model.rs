//! Built-in models: small algorithms that need no weights, no network and no key.
//!
//! They exist so that every bundled program runs on a fresh machine. They say what they are: a
//! feature-hashing embedder, two sentence pickers, a list of words with feelings, rules, and a
//! climber of hills. None of them understands language.

pub mod decision;
pub mod extractive;
pub mod hash_embed;
pub mod reduce;
pub mod sentiment;
pub mod summary;
pub mod tuner;
pub mod words;
