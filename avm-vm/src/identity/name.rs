//! Names of agents: `label.avm.net`.

use alloc::{borrow::ToOwned, string::String};
use core::fmt;

/// What every name ends with.
pub const ZONE: &str = "avm.net";
/// Longest name, in bytes.
pub const MAX_NAME: usize = 253;

/// A name that is well formed. Names have one spelling, so equal ones have equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// Takes a text that is a name: labels and the zone.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let labels = text.strip_suffix(ZONE).and_then(|rest| rest.strip_suffix('.'));
        let labels = labels.ok_or(BadName::Zone)?;
        if text.len() > MAX_NAME || !labels.split('.').all(is_label) {
            return Err(BadName::Label);
        }
        Ok(Self(text.to_owned()))
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `b.avm.net` of `a.b.avm.net`; `None` where nobody has the name above.
    pub fn parent(&self) -> Option<Self> {
        let (_, parent) = self.0.split_once('.')?;
        (parent != ZONE).then(|| Self(parent.to_owned()))
    }
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    // "--" after two letters is how DNS writes other alphabets, whose letters look like these.
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
        && bytes.get(2..4) != Some(b"--")
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadName {
    /// It does not end with the zone, or is nothing else.
    Zone,
    /// A label that names do not have, or too many of them.
    Label,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zone => "a name ends with .avm.net, as alice.avm.net does",
            Self::Label => {
                "between its dots a name has 1 to 63 of a-z, 0-9 and -, no - first, last or twice \
                 after two others; it has at most 253 bytes"
            }
        })
    }
}

impl core::error::Error for BadName {}
