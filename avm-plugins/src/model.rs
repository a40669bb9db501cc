//! Built-in models: small algorithms that need no weights, no network and no key.
//!
//! They exist so that every bundled program runs on a fresh machine. They say what they are: a
//! feature-hashing embedder and a sentence picker, neither of which understands language.

pub mod extractive;
pub mod hash_embed;
pub mod reduce;
pub mod sentiment;
pub mod summary;
pub mod words;
