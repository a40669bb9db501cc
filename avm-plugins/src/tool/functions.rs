//! Functions that an operator describes for what cannot describe itself.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{provider::Function, settings::BadSettings, shape::Shape};

/// The key `functions`: what can be asked, by name.
pub(super) type Functions = BTreeMap<String, Signature>;

/// What a function takes and gives.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Signature {
    about: String,
    args: Option<String>,
    result: Option<String>,
    repeatable: Option<bool>,
}

/// Whether a provider is bound as a tool or as a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Tool,
    Plugin,
}

/// The functions of a manifest. A tool has `read` and `write` unless its table says otherwise;
/// reading may be repeated. A plugin has those of its table; none may be repeated unless the
/// table says so.
pub(super) fn functions(role: Role, table: &Functions) -> Result<Vec<Function>, BadSettings> {
    if role == Role::Tool && table.is_empty() {
        let read = Function::new("read", "reads", Shape::Any, Shape::Any);
        return Ok(vec![read, Function::new("write", "writes", Shape::Any, Shape::Any).once()]);
    }
    if table.is_empty() {
        let message =
            "a plugin needs functions, such as functions = { score = { result = \"number\" } }";
        return Err(BadSettings::new(message));
    }
    let one = |(name, signature): (&String, &Signature)| {
        if role == Role::Tool && !matches!(name.as_str(), "read" | "write") {
            let message = format!("functions.{name}: a tool has the functions read and write");
            return Err(BadSettings::new(message));
        }
        let shape = |key: &str, text: &Option<String>| match text {
            None => Ok(Shape::Any),
            Some(text) => text
                .parse()
                .map_err(|error| BadSettings::new(format!("functions.{name}.{key}: {error}"))),
        };
        let (args, result) = (shape("args", &signature.args)?, shape("result", &signature.result)?);
        let repeatable = signature.repeatable.unwrap_or(role == Role::Tool && name == "read");
        let about = signature.about.clone();
        Ok(Function { name: name.clone(), about, args, result, repeatable })
    };
    table.iter().map(one).collect()
}

/// Refuses a function that a tool does not have; the registry has looked already for a plugin.
pub(super) fn offered(functions: &[Function], name: &str) -> Result<(), crate::provider::Refusal> {
    if functions.iter().any(|function| function.name == name) {
        return Ok(());
    }
    let word = if name == "read" { "read from" } else { "written to" };
    Err(crate::provider::Refusal::invalid(format!("this tool cannot be {word}")))
}
