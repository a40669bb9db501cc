//! The query of a URL.

use std::fmt::Write;

use avm_ir::Value;

use crate::provider::Refusal;

/// Longest URL, in bytes.
const LONGEST: usize = 8 << 10;

/// A URL with the fields of a record, in the order of their names, as its query.
pub(super) fn with_query(url: &str, args: &Value) -> Result<String, Refusal> {
    let record = match args {
        Value::Null => return Ok(url.to_owned()),
        Value::Record(record) => record,
        other => {
            let found = other.type_name();
            let message = format!("a query is a record of texts and numbers, found {found}");
            return Err(Refusal::invalid(message));
        }
    };
    let mut url = url.to_owned();
    let mut separator = if url.contains('?') { '&' } else { '?' };
    for (name, value) in record.iter() {
        let text = match value {
            Value::Null => continue,
            Value::Text(text) => text.as_str().to_owned(),
            Value::Int(int) => int.to_string(),
            Value::Float(float) => format!("{float:?}"),
            Value::Bool(is) => is.to_string(),
            other => {
                let found = other.type_name();
                let message = format!("field {name} of a query is a text or number, found {found}");
                return Err(Refusal::invalid(message));
            }
        };
        url.push(separator);
        encode(name, &mut url);
        url.push('=');
        encode(&text, &mut url);
        separator = '&';
        if url.len() > LONGEST {
            return Err(Refusal::invalid(format!(
                "the query makes a URL of more than {LONGEST} bytes"
            )));
        }
    }
    Ok(url)
}

/// Percent-encodes everything but unreserved characters (RFC 3986, section 2.3).
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
