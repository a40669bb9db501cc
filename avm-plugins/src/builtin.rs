//! The embedded providers: what every `avm` carries and what answers without network, key or weights.

mod balances;
mod documents;
mod extractive;
mod hash_embed;

pub use balances::Balances;
pub use documents::Collections;
pub use extractive::Extractive;
pub use hash_embed::HashEmbed;
