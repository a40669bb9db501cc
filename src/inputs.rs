//! `--input` and `--ask`: from arguments to values of registers.

use std::path::Path;

use avm_ir::{
    Value,
    value::{Record, from_json},
};
use avm_vm::machine::STATE_REGISTER;

use crate::{
    exit::{Failure, Outcome},
    files,
    output::note,
};

/// The values that the command line gives to registers; none may take more than `memory` bytes.
pub(crate) fn collect(
    inputs: &[String],
    ask: Option<&str>,
    memory: u64,
) -> Outcome<Vec<(String, Value)>> {
    let mut values: Vec<(String, Value)> = Vec::new();
    for input in inputs {
        let Some((name, text)) = input.split_once('=') else {
            return Err(Failure::usage(format!("--input {input}: wants NAME=VALUE")));
        };
        if values.iter().any(|(known, _)| known == name) {
            return Err(Failure::usage(format!("--input {name} is given twice")));
        }
        values.push((name.to_owned(), value(name, text, memory)?));
    }
    if let Some(text) = ask {
        if values.iter().any(|(name, _)| name == STATE_REGISTER) {
            let message = format!("--ask and --input {STATE_REGISTER} both fill {STATE_REGISTER}");
            return Err(Failure::usage(message));
        }
        values.push((STATE_REGISTER.to_owned(), conversation(text)));
    }
    Ok(values)
}

fn value(name: &str, text: &str, memory: u64) -> Outcome<Value> {
    if let Some(path) = text.strip_prefix('@') {
        let path = Path::new(path);
        let json = files::read_text(path, memory)?;
        return from_json(&json, memory).map_err(|error| {
            Failure::files(format!("--input {name}: {}: {error}", path.display()))
        });
    }
    match from_json(text, memory) {
        Ok(value) => Ok(value),
        Err(error) => {
            // Most likely meant as JSON, and a text all the same.
            if text.starts_with(['{', '[', '"']) {
                note(&format!(
                    "note: --input {name} is taken as text, as JSON it is wrong: {error}"
                ));
            }
            Ok(Value::text(text))
        }
    }
}

/// An agent's state at the start of a conversation.
fn conversation(text: &str) -> Value {
    let message = Record::from_iter([("role", Value::text("user")), ("text", Value::text(text))]);
    let messages = Value::list(vec![Value::Record(message)]);
    Value::Record(Record::from_iter([("conversation", messages)]))
}

/// The text of a conversation's last message, if the assistant said it.
pub(crate) fn answer(state: Option<&Value>) -> Option<&str> {
    let Some(Value::Record(state)) = state else { return None };
    let Some(Value::List(conversation)) = state.get("conversation") else { return None };
    let Some(Value::Record(last)) = conversation.as_slice().last() else { return None };
    match (last.get("role"), last.get("text")) {
        (Some(Value::Text(role)), Some(Value::Text(text))) if role.as_str() == "assistant" => {
            Some(text)
        }
        _ => None,
    }
}
