//! Conditions: comparisons of a register, or of a part of one, with a constant.
//!
//! ```text
//! condition  = conjunction { "or" conjunction }
//! conjunction = comparison { "and" comparison }
//! comparison = path [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) constant ]
//! path       = name { "." name | "[" ( int | text ) "]" }
//! constant   = NULL | true | false | number | text
//! ```
//!
//! A path alone holds where it is `true`. A part that is not there is `NULL`. Values compare as in
//! the language: an int equals the float of the same number, and what has no order is neither less
//! nor greater.

use std::{cmp::Ordering, fmt};

use avm_ir::{
    Value,
    value::{Text, from_json},
};

/// Longest condition, in bytes.
const MAX_LENGTH: usize = 4096;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError {
    /// Where, in characters from 0.
    pub at: usize,
    /// What, and what would be right.
    pub message: String,
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.at + 1, self.message)
    }
}

impl std::error::Error for ExprError {}

/// A register, or a part of what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Name of the register.
    pub name: String,
    /// The way to the part, outermost first.
    pub parts: Vec<Part>,
}

/// One step of the way to a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A field of a record.
    Field(String),
    /// An item of a list; negative ones count from the end.
    Item(i64),
}

impl Path {
    /// Reads a path and nothing else.
    pub fn read(text: &str) -> Result<Self, ExprError> {
        let mut reader = Reader::new(text)?;
        let path = reader.path()?;
        reader.finish()?;
        Ok(path)
    }

    /// The part of the register's value; `None` if it is not there.
    pub fn of<'a>(&self, register: &'a Value) -> Option<&'a Value> {
        self.parts.iter().try_fold(register, |value, part| match (part, value) {
            (Part::Field(name), Value::Record(record)) => record.get(name),
            (Part::Item(_), Value::List(list)) => list.get(part.index(list.len())?),
            _ => None,
        })
    }
}

impl Path {
    /// The register's value with another part; `None` if the way to it is not there. A field may be
    /// new.
    pub fn put(&self, register: &Value, new: Value) -> Option<Value> {
        put(register, &self.parts, new)
    }
}

fn put(value: &Value, parts: &[Part], new: Value) -> Option<Value> {
    let Some((part, inner)) = parts.split_first() else { return Some(new) };
    match (part, value) {
        (Part::Field(name), Value::Record(record)) => {
            let old = record.get(name).unwrap_or(&Value::Null);
            let changed = put(old, inner, new)?;
            let mut record = record.clone();
            record.insert(Text::from(name.as_str()), changed);
            Some(record.into())
        }
        (Part::Item(_), Value::List(list)) => {
            let index = part.index(list.len())?;
            let changed = put(list.get(index)?, inner, new)?;
            let mut list = list.clone();
            list.replace(index, changed);
            Some(Value::List(list))
        }
        _ => None,
    }
}

impl Part {
    /// Where it is in a list of so many items.
    fn index(&self, length: usize) -> Option<usize> {
        let Self::Item(index) = self else { return None };
        let from_end = || i64::try_from(length).ok()?.checked_add(*index);
        usize::try_from(if *index < 0 { from_end()? } else { *index }).ok()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for part in &self.parts {
            match part {
                Part::Field(name) if is_name(name) => write!(f, ".{name}")?,
                Part::Field(name) => write!(f, "[{}]", avm_ir::value::to_json(&Value::text(name)))?,
                Part::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// How a path and a constant are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// Longer signs first, as they are looked for.
const RELATIONS: [(&str, Relation); 7] = [
    ("==", Relation::Equal),
    ("!=", Relation::NotEqual),
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("<", Relation::Less),
    (">", Relation::Greater),
    ("=", Relation::Equal),
];

#[derive(Clone, Debug, PartialEq)]
struct Comparison {
    path: Path,
    relation: Relation,
    constant: Value,
}

/// A condition on a place of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Any of these, each all of its comparisons.
    any: Vec<Vec<Comparison>>,
    text: String,
}

impl Condition {
    /// Reads a condition.
    pub fn read(text: &str) -> Result<Self, ExprError> {
        let mut reader = Reader::new(text)?;
        let mut any = vec![vec![reader.comparison()?]];
        while !reader.rest().is_empty() {
            if reader.word("and") {
                let comparison = reader.comparison()?;
                any.last_mut().into_iter().for_each(|all| all.push(comparison.clone()));
            } else if reader.word("or") {
                any.push(vec![reader.comparison()?]);
            } else {
                return Err(reader.error("expected `and`, `or` or the end of the condition"));
            }
        }
        Ok(Self { any, text: text.trim().to_owned() })
    }

    /// The paths in it.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.any.iter().flatten().map(|comparison| &comparison.path)
    }

    /// Whether it holds, given what registers hold.
    pub fn holds<'a>(&self, mut register: impl FnMut(&str) -> Option<&'a Value>) -> bool {
        self.any.iter().any(|all| {
            all.iter().all(|comparison| {
                let value = register(&comparison.path.name);
                let value = value.and_then(|value| comparison.path.of(value));
                comparison.holds(value.unwrap_or(&Value::Null))
            })
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Comparison {
    fn holds(&self, value: &Value) -> bool {
        let order = || value.compare(&self.constant);
        match self.relation {
            Relation::Equal => value.equals(&self.constant),
            Relation::NotEqual => !value.equals(&self.constant),
            Relation::Less => order() == Some(Ordering::Less),
            Relation::Greater => order() == Some(Ordering::Greater),
            Relation::AtMost => order().is_some_and(Ordering::is_le),
            Relation::AtLeast => order().is_some_and(Ordering::is_ge),
        }
    }
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '%' | '@' | '$')
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(in_name)
}

struct Reader<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Result<Self, ExprError> {
        if text.len() > MAX_LENGTH {
            let message = format!("a condition has at most {MAX_LENGTH} bytes");
            return Err(ExprError { at: 0, message });
        }
        Ok(Self { text, at: 0 })
    }

    /// What is left, without space before it.
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        self.at = self.text.len() - rest.trim_start().len();
        &self.text[self.at..]
    }

    fn error(&self, message: impl Into<String>) -> ExprError {
        ExprError { at: self.text[..self.at].chars().count(), message: message.into() }
    }

    fn finish(&mut self) -> Result<(), ExprError> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.error("expected the end")) }
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len() } else { 0 };
        found
    }

    /// A word in any case.
    fn word(&mut self, word: &str) -> bool {
        let found = self.peek_name().eq_ignore_ascii_case(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn peek_name(&mut self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(|c| !in_name(c)).unwrap_or(rest.len())]
    }

    fn name(&mut self, what: &str) -> Result<String, ExprError> {
        let name = self.peek_name();
        if name.is_empty() {
            return Err(self.error(format!("expected {what}")));
        }
        self.at += name.len();
        Ok(name.to_owned())
    }

    fn path(&mut self) -> Result<Path, ExprError> {
        if self.rest().starts_with(|c: char| c.is_ascii_digit() || matches!(c, '"' | '-')) {
            return Err(self.error("expected a register's name; a constant stands on the right"));
        }
        let name = self.name("a register's name")?;
        let mut parts = Vec::new();
        loop {
            if self.sign(".") {
                parts.push(Part::Field(self.name("a field's name")?));
            } else if self.sign("[") {
                let start = self.at;
                parts.push(match self.constant()? {
                    Value::Int(index) => Part::Item(index),
                    Value::Text(name) => Part::Field(name.as_str().to_owned()),
                    _ => {
                        self.at = start;
                        return Err(self.error("expected a whole number or a text"));
                    }
                });
                if !self.sign("]") {
                    return Err(self.error("expected `]`"));
                }
            } else {
                return Ok(Path { name, parts });
            }
        }
    }

    fn comparison(&mut self) -> Result<Comparison, ExprError> {
        let path = self.path()?;
        for (sign, relation) in RELATIONS {
            if self.sign(sign) {
                return Ok(Comparison { path, relation, constant: self.constant()? });
            }
        }
        Ok(Comparison { path, relation: Relation::Equal, constant: Value::Bool(true) })
    }

    fn constant(&mut self) -> Result<Value, ExprError> {
        for (word, value) in [("null", Value::Null), ("true", true.into()), ("false", false.into())]
        {
            if self.word(word) {
                return Ok(value);
            }
        }
        let rest = self.rest();
        let length = match rest.chars().next() {
            Some('"') => text_length(rest),
            _ => rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))),
        };
        let constant = &rest[..length.unwrap_or(rest.len())];
        let wanted = "expected NULL, true, false, a number or a text in double quotes";
        match from_json(constant, 1 << 20) {
            Ok(value) if !constant.is_empty() => {
                self.at += constant.len();
                Ok(value)
            }
            _ => Err(self.error(wanted)),
        }
    }
}

/// Bytes of a text in quotes, up to the quote that ends it.
fn text_length(text: &str) -> Option<usize> {
    let mut escaped = true;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return Some(at + 1),
            '\\' if !escaped => escaped = true,
            _ => escaped = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(condition: &str) -> bool {
        let record = from_json(r#"{"price": null, "items": [1, {"a b": "x"}], "n": 3}"#, 1 << 20);
        let record = record.expect("it is JSON");
        let n = Value::Int(3);
        Condition::read(condition).expect("it reads").holds(|name| match name {
            "r" => Some(&record),
            "size" => Some(&n),
            _ => None,
        })
    }

    #[test]
    fn comparisons_hold_as_in_the_language() {
        for yes in [
            "size > 2",
            "size == 3.0",
            "size >= 3 and size <= 3",
            "size < 0 or r.price == NULL",
            "r.items[0] = 1",
            r#"r.items[-1]["a b"] == "x""#,
            "r.nothing.there == null",
            "r.price != 1",
        ] {
            assert!(holds(yes), "{yes}");
        }
        for no in ["size > 3", "size", "r.items > 3", "size < -1 or size > 5 and size == 3"] {
            assert!(!holds(no), "{no}");
        }
    }

    #[test]
    fn errors_have_a_place() {
        let wrong = [
            ("", 0),
            ("3 < size", 0),
            ("size > ", 7),
            ("size > x", 7),
            ("size > 3 nor", 9),
            ("r.[0]", 2),
            ("r[true] == 1", 2),
            ("r[1 == 1", 4),
            ("ä.b == \"x", 7),
        ];
        for (text, at) in wrong {
            let error = Condition::read(text).expect_err(text);
            assert_eq!(error.at, at, "{text}: {error}");
        }
    }
}
