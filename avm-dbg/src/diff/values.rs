//! Parts of values that differ.

use std::{collections::BTreeSet, fmt};

use avm_ir::Value;

use super::MAX_VALUE;
use crate::reply::{datum, record, show};

/// Most differences that are looked for.
const MOST: usize = 1000;

/// A part that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// The register and the way to the part, as it is written in a command.
    pub path: String,
    /// What the old run has there, if it has the part.
    pub was: Option<Value>,
    /// What the new one has.
    pub now: Option<Value>,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value>| match value {
            Some(value) => show(value, MAX_VALUE),
            None => String::from("not there"),
        };
        write!(f, "{} is {}, was {}", self.path, shown(&self.now), shown(&self.was))
    }
}

impl Changed {
    pub(super) fn datum(&self) -> Value {
        let side = |value: &Option<Value>| value.as_ref().map_or(Value::Null, datum);
        record([
            ("path", self.path.as_str().into()),
            ("was", side(&self.was)),
            ("now", side(&self.now)),
        ])
    }
}

/// The first few on one line.
pub(super) fn several(all: &[Changed]) -> String {
    /// Most that are told.
    const TOLD: usize = 3;
    let mut told: Vec<String> = all.iter().take(TOLD).map(ToString::to_string).collect();
    if all.len() > TOLD {
        told.push(format!("… {} more", all.len() - TOLD));
    }
    told.join("; ")
}

/// Adds the parts of a value that differ. Nesting of values is bounded.
pub fn changes(path: &str, was: Option<&Value>, now: Option<&Value>, all: &mut Vec<Changed>) {
    if was == now || all.len() >= MOST {
        return;
    }
    match (was, now) {
        (Some(Value::Record(was)), Some(Value::Record(now))) => {
            let names: BTreeSet<&str> =
                was.iter().chain(now.iter()).map(|(name, _)| name.as_str()).collect();
            for name in names {
                let simple = name.chars().all(|c| c.is_alphanumeric() || c == '_');
                let path = match simple && !name.is_empty() {
                    true => format!("{path}.{name}"),
                    false => format!("{path}[{}]", show(&name.into(), usize::MAX)),
                };
                changes(&path, was.get(name), now.get(name), all);
            }
        }
        (Some(Value::List(was)), Some(Value::List(now))) => {
            for at in 0..was.len().max(now.len()) {
                changes(&format!("{path}[{at}]"), was.get(at), now.get(at), all);
            }
        }
        _ => {
            let path = path.to_owned();
            all.push(Changed { path, was: was.cloned(), now: now.cloned() });
        }
    }
}
