//! `avm.toml`: what an operator wants every time, beside the program or in a folder above it.
//!
//! ```toml
//! [models]
//! LLama = "builtin:extractive"
//!
//! [run]
//! gas = "250"            # text, so that 0.001 is exact; a whole number will do
//! memory = "64MiB"
//! on_exhausted = "halt"  # or "suspend", "deny"
//! ```
//!
//! The command line wins. A key that nobody knows is an error: a misspelt limit must not be no limit.

use std::{collections::BTreeMap, fmt::Display, path::Path, str::FromStr};

use avm_ir::gas::Gas;
use clap::ValueEnum;
use serde::{Deserialize, Deserializer, de};

use crate::{
    cli::OnExhausted,
    exit::{Failure, Outcome},
    files,
};

/// Name of the file.
pub(crate) const NAME: &str = "avm.toml";
/// Largest file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Providers of models by name.
    #[serde(default)]
    pub(crate) models: BTreeMap<String, String>,
    /// Limits of a run.
    #[serde(default)]
    pub(crate) run: Run,
}

/// Limits of a run.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    /// Nanogas granted.
    #[serde(default, deserialize_with = "gas")]
    pub(crate) gas: Option<Gas>,
    /// Memory in bytes.
    #[serde(default, deserialize_with = "memory")]
    pub(crate) memory: Option<u64>,
    /// What happens when the gas is used up.
    #[serde(default, deserialize_with = "policy")]
    pub(crate) on_exhausted: Option<OnExhausted>,
}

/// The configuration for a program: the nearest file in its folder or above; the empty one if there
/// is none. A program from standard input belongs to the current folder.
pub(crate) fn load(program: &Path) -> Outcome<Config> {
    let folder = files::folder_of(program);
    // A folder that cannot be resolved has no program either; its own error is the better one.
    let Ok(folder) = std::fs::canonicalize(folder) else { return Ok(Config::default()) };
    for folder in folder.ancestors() {
        let path = folder.join(NAME);
        if path.is_file() {
            return parse(&path);
        }
    }
    Ok(Config::default())
}

fn parse(path: &Path) -> Outcome<Config> {
    let text = files::read_text(path, MAX_BYTES)?;
    toml::from_str(&text).map_err(|error| Failure::files(format!("{}: {error}", path.display())))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

fn written<'de, T, D: Deserializer<'de>, E: Display>(
    input: D,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, D::Error> {
    let text = match Written::deserialize(input) {
        Ok(Written::Number(number)) => number.to_string(),
        Ok(Written::Text(text)) => text,
        Err(_) => return Err(de::Error::custom("expected a text or a whole number")),
    };
    read(&text).map(Some).map_err(de::Error::custom)
}

fn gas<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Gas>, D::Error> {
    written(input, Gas::from_str)
}

fn memory<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    written(input, crate::bytes::parse)
}

fn policy<'de, D: Deserializer<'de>>(input: D) -> Result<Option<OnExhausted>, D::Error> {
    written(input, |text| {
        OnExhausted::from_str(text, false).map_err(|_| "expected \"halt\", \"suspend\" or \"deny\"")
    })
}
