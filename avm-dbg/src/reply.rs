//! What a command gives back: text for people, data for programs.

use avm_ir::{
    Value,
    value::{Record, to_json},
};

/// Values larger than this are named by type and size, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// The answer to a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Whether the command did what it was asked to.
    pub ok: bool,
    /// For people, without a line break at the end.
    pub text: String,
    /// The same as data.
    pub data: Value,
    /// Whether the session is to be left.
    pub quit: bool,
}

impl Reply {
    /// An answer.
    pub const fn new(text: String, data: Value) -> Self {
        Self { ok: true, text, data, quit: false }
    }

    /// A command that could not be done, and why.
    pub fn error(message: String) -> Self {
        let data = record([("error", Value::from(message.as_str()))]);
        Self { ok: false, text: format!("error: {message}"), data, quit: false }
    }

    /// One line of JSON: `{"data": …, "ok": …}`.
    pub fn to_json(&self) -> String {
        to_json(&record([("ok", self.ok.into()), ("data", self.data.clone())]))
    }
}

/// A record of these fields.
pub(crate) fn record<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    Record::from_iter(fields).into()
}

/// A count as a value.
pub(crate) fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A text, or `NULL`.
pub(crate) fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}

/// A list of values.
pub(crate) fn list(items: impl IntoIterator<Item = Value>) -> Value {
    items.into_iter().collect::<Vec<_>>().into()
}

/// A value as data, unless it is too large for that.
pub(crate) fn datum(value: &Value) -> Value {
    if value.size() > MAX_SIZE { Value::from(show(value, 0)) } else { value.clone() }
}

/// A value as JSON on one line, cut after so many characters.
pub(crate) fn show(value: &Value, most: usize) -> String {
    if value.size() > MAX_SIZE {
        return format!("({} of {} bytes)", value.type_name(), value.size());
    }
    cut(to_json(value), most)
}

/// A text, cut after so many characters.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
    text
}
