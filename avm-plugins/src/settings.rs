//! What a provider is configured with: a table of the operator's configuration and the files that
//! it names.

use std::sync::Arc;

use avm_ir::{
    Value,
    value::{MAX_NESTING, Record},
};
use serde::de::DeserializeOwned;

use crate::host::Host;

/// What the operator says about one provider.
#[derive(Clone)]
pub struct Settings {
    /// The name that it is bound to, such as `TwitterAPI`.
    pub name: String,
    /// Its keys, without those that the guard takes.
    pub table: toml::Table,
    /// Files, clock and everything else of the machine it runs on.
    pub host: Arc<dyn Host>,
}

/// Why a provider cannot be made as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(pub String);

impl BadSettings {
    /// What is wrong, in words that name the key.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl Settings {
    /// No keys.
    pub fn empty(name: &str, host: Arc<dyn Host>) -> Self {
        Self { name: name.to_owned(), table: toml::Table::new(), host }
    }

    /// The keys as a structure; it should refuse unknown fields.
    ///
    /// # Errors
    /// A key is missing, unknown or of the wrong type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, BadSettings> {
        let read = self.table.clone().try_into();
        read.map_err(|error: toml::de::Error| BadSettings::new(error.message()))
    }

    /// The text of a file that the configuration names, relative to the configuration's folder.
    ///
    /// # Errors
    /// The file cannot be read or is no UTF-8 text.
    pub fn text(&self, path: &str) -> Result<String, BadSettings> {
        let bytes = self.host.read(path).map_err(BadSettings)?;
        String::from_utf8(bytes).map_err(|_| BadSettings(format!("{path}: not UTF-8 text")))
    }

    /// A TOML file that the configuration names, as a structure.
    ///
    /// # Errors
    /// The file cannot be read, or is not what it should be; the message has the place.
    pub fn toml<T: DeserializeOwned>(&self, path: &str) -> Result<T, BadSettings> {
        let text = self.text(path)?;
        toml::from_str(&text).map_err(|error| BadSettings(format!("{path}: {error}")))
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A value as TOML writes it; a date is its text.
///
/// # Errors
/// It is nested too deeply.
pub fn value(from: &toml::Value) -> Result<Value, String> {
    let value = convert(from);
    // Room for the list or record that a program puts it into.
    if value.nesting() + 2 > MAX_NESTING {
        return Err("nested too deeply".to_owned());
    }
    Ok(value)
}

/// Recursion is bounded by what the TOML reader lets nest.
fn convert(from: &toml::Value) -> Value {
    match from {
        toml::Value::String(text) => Value::text(text),
        toml::Value::Integer(int) => Value::Int(*int),
        toml::Value::Float(float) => Value::float(*float),
        toml::Value::Boolean(is) => Value::Bool(*is),
        toml::Value::Datetime(date) => Value::from(date.to_string()),
        toml::Value::Array(items) => Value::list(items.iter().map(convert).collect()),
        toml::Value::Table(table) => {
            let fields = table.iter().map(|(name, value)| (name.as_str(), convert(value)));
            Value::Record(Record::from_iter(fields))
        }
    }
}
