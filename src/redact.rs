//! Fields of values that are not compared: `[test] redact` in `avm.toml`.

use std::borrow::Cow;

use avm_ir::{Value, value::Record};
use serde::Deserialize;

/// What stands for a field that is not compared.
const REDACTED: &str = "[redacted]";

/// Which fields are not compared, wherever in a value they stand.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Rules(Vec<Rule>);

/// A field's name, or the names of fields that stand in one another, last first.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Rule(Vec<String>);

impl TryFrom<String> for Rule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.split('.').any(str::is_empty) {
            return Err(format!(
                "\"{text}\" is no field: wants a name, or a path such as quote.id"
            ));
        }
        Ok(Self(text.rsplit('.').map(str::to_owned).collect()))
    }
}

impl Rules {
    /// These and those of another file.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// A value without the fields that are not compared.
    pub(crate) fn apply<'a>(&self, value: &'a Value) -> Cow<'a, Value> {
        if self.0.is_empty() {
            return Cow::Borrowed(value);
        }
        Cow::Owned(self.without(value, &mut Vec::new()))
    }

    /// Values are nested no deeper than their limit, and so is this.
    fn without<'a>(&self, value: &'a Value, path: &mut Vec<&'a str>) -> Value {
        match value {
            // Items of a list stand where the list does.
            Value::List(items) => {
                Value::list(items.iter().map(|item| self.without(item, path)).collect())
            }
            Value::Record(fields) => {
                let mut record = Record::new();
                for (name, value) in fields.iter() {
                    path.push(name);
                    let value = if self.names(path) {
                        Value::text(REDACTED)
                    } else {
                        self.without(value, path)
                    };
                    path.pop();
                    record.insert(name.clone(), value);
                }
                Value::Record(record)
            }
            other => other.clone(),
        }
    }

    fn names(&self, path: &[&str]) -> bool {
        self.0.iter().any(|Rule(names)| {
            names.len() <= path.len() && names.iter().zip(path.iter().rev()).all(|(a, b)| a == b)
        })
    }
}

/// Where two values differ first, and what is there in each: `quote.price is 3, was 2`.
pub(crate) fn difference(now: &Value, was: &Value) -> String {
    let mut path = String::new();
    let (mut now, mut was) = (Some(now), Some(was));
    loop {
        match (now, was) {
            (Some(Value::Record(a)), Some(Value::Record(b))) => {
                let names = a.iter().chain(b.iter()).map(|(name, _)| name);
                let Some(name) = names.into_iter().find(|name| a.get(name) != b.get(name)) else {
                    break;
                };
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
                (now, was) = (a.get(name), b.get(name));
            }
            (Some(Value::List(a)), Some(Value::List(b))) if a.len() == b.len() => {
                let Some(at) = (0..a.len()).find(|at| a.get(*at) != b.get(*at)) else { break };
                path.push_str(&format!("[{at}]"));
                (now, was) = (a.get(at), b.get(at));
            }
            _ => break,
        }
    }
    let shown = |value: Option<&Value>| value.map_or_else(|| "not there".to_owned(), avm_dbg::show);
    let colon = if path.is_empty() { "" } else { ": " };
    format!("{colon}{path} is {}, was {}", shown(now), shown(was))
}

#[cfg(test)]
mod tests {
    use avm_ir::value::from_json;

    use super::{Rules, difference};

    fn rules(text: &str) -> Rules {
        #[derive(serde::Deserialize)]
        struct Section {
            redact: Rules,
        }
        toml::from_str::<Section>(&format!("redact = {text}")).expect("rules").redact
    }

    #[test]
    fn fields_anywhere_and_paths_at_their_end() {
        let value = |json: &str| from_json(json, 1 << 20).expect("JSON");
        let rules = rules(r#"["took_ms", "quote.id"]"#);
        let all = value(
            r#"{"took_ms":1,"id":2,"quote":{"id":3,"by":[{"took_ms":[4]}]},"a":{"quote":[{"id":5}]},"b":["took_ms"]}"#,
        );
        let rest = value(
            r#"{"took_ms":"[redacted]","id":2,"quote":{"id":"[redacted]","by":[{"took_ms":"[redacted]"}]},"a":{"quote":[{"id":"[redacted]"}]},"b":["took_ms"]}"#,
        );
        assert_eq!(*rules.apply(&all), rest);
        assert_eq!(*Rules::default().apply(&all), all);
        let (now, was) = (value(r#"{"a":[{"b":1},{"b":2}]}"#), value(r#"{"a":[{"b":1},{"c":2}]}"#));
        assert_eq!(difference(&now, &was), ": a[1].b is 2, was not there");
        assert_eq!(difference(&value("1"), &value("2")), " is 1, was 2");
    }
}
