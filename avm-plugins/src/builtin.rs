//! The embedded providers: what every `avm` carries and what answers without network, key or weights.

mod balances;
mod critic;
mod decision;
mod documents;
mod extractive;
mod hash_embed;
mod policy;
mod sentiment;
mod summary;
mod tuner;

use serde::de::DeserializeOwned;

pub use balances::Balances;
pub use critic::Critic;
pub use decision::Decision;
pub use documents::Collections;
pub use extractive::Extractive;
pub use hash_embed::HashEmbed;
pub use policy::RulePolicy;
pub use sentiment::Sentiment;
pub use summary::Summary;
pub use tuner::Tuner;

use crate::settings::{BadSettings, Settings};

/// The rules of a file that the configuration names, or else those that the provider brings.
fn rules_or<T: DeserializeOwned>(
    settings: &Settings,
    path: Option<String>,
    embedded: &str,
) -> Result<T, BadSettings> {
    match path {
        Some(path) => settings.toml(&path),
        None => toml::from_str(embedded).map_err(|error| BadSettings::new(error.message())),
    }
}

#[cfg(test)]
mod tests;
