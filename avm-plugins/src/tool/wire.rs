//! What goes to a program or service, and what comes back, as bytes.

use avm_ir::{
    Value,
    value::{Record, from_json, to_json},
};
use avm_vm::FailureCode;
use serde::Deserialize;

use crate::provider::{Call, Outcome, Refusal, Reply};

/// What is sent: the key `input`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Input {
    /// `{"function": …, "args": …}` as JSON.
    Call,
    /// The arguments alone as JSON.
    Args,
    /// The arguments, a text, as they are.
    Text,
}

impl Input {
    /// The bytes of a call.
    pub(super) fn bytes(self, function: &str, args: &Value) -> Result<Vec<u8>, Refusal> {
        let text = match (self, args) {
            (Self::Call, _) => {
                let call = [("function", Value::text(function)), ("args", args.clone())];
                to_json(&Value::Record(Record::from_iter(call)))
            }
            (Self::Args, _) => to_json(args),
            (Self::Text, Value::Text(text)) => text.as_str().to_owned(),
            (Self::Text, other) => {
                let message = format!("takes a text, found {}", other.type_name());
                return Err(Refusal::invalid(message));
            }
        };
        Ok(text.into_bytes())
    }
}

/// What comes back: the key `output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Output {
    /// JSON.
    #[default]
    Json,
    /// Text, without the line end at its end.
    Text,
}

impl Output {
    /// The value of what came back.
    pub(super) fn reply(self, name: &str, call: &Call, bytes: Vec<u8>) -> Outcome {
        let broken = |why: String| Refusal::new(FailureCode::Internal, format!("{name} {why}"));
        let text = String::from_utf8(bytes).map_err(|_| broken("gave no UTF-8 text".to_owned()))?;
        let value = match self {
            Self::Text => Value::text(text.strip_suffix('\n').unwrap_or(&text)),
            Self::Json => {
                // A value in memory is larger than its size; what is too large is refused below.
                let most = call.max_bytes.max(64).saturating_mul(32);
                from_json(&text, most).map_err(|error| broken(format!("gave no JSON: {error}")))?
            }
        };
        call.fits(Reply::new(value, 0))
    }
}

/// Bytes that may come back over the wire. The machine takes short answers whatever the limit.
pub(super) fn most_bytes(call: &Call) -> u64 {
    call.max_bytes.max(64)
}

/// The failure of what sends more than it may.
pub(super) fn too_large(name: &str, most: u64) -> Refusal {
    let message = format!("{name} gave more than {most} bytes and was cut off");
    Refusal::new(FailureCode::TooLarge, message)
}

/// The failure of what takes too long, in the guard's words.
pub(super) fn too_late(name: &str, call: &Call) -> Refusal {
    let message = format!("no answer of {name} within {:?}", call.timeout);
    Refusal::new(FailureCode::Timeout, message)
}

/// The first line of what others wrote, fit for a message.
pub(super) fn first_line(bytes: &[u8]) -> String {
    const MOST: usize = 200;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MOST)]);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    line.chars().filter(|c| !c.is_control()).take(MOST).collect()
}
