//! Conditions: what must be true of an input.

use std::cmp::Ordering;

use avm_ir::Value;

/// Where in an input something stands: names of fields and positions in lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path(Vec<String>);

impl Path {
    /// `risk.p05`; nothing for the input itself. A point in front does no harm, so that a field
    /// named like a word of the rules can be reached: `.any`.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.strip_prefix('.').unwrap_or(text);
        let names = if text.is_empty() { Vec::new() } else { text.split('.').collect() };
        Self(names.into_iter().map(str::to_owned).collect())
    }

    /// The path to a field of what is here.
    pub(super) fn join(&self, more: &str) -> Self {
        Self([self.0.clone(), Self::parse(more).0].concat())
    }

    /// What is there; `NULL` where there is nothing.
    pub(super) fn find<'a>(&self, input: &'a Value) -> &'a Value {
        let mut here = input;
        for (at, name) in self.0.iter().enumerate() {
            let next = match here {
                Value::Record(record) => record.get(name),
                // An input that is no record may be called by a name, which reads better than "".
                other if at == 0 && name == "value" => Some(other),
                Value::List(list) => name.parse().ok().and_then(|index: usize| list.get(index)),
                _ => None,
            };
            match next {
                Some(next) => here = next,
                None => return &Value::Null,
            }
        }
        here
    }
}

/// A condition on an input.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Field(Path, Test),
}

/// What must be true of what stands at a path.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Compare(Comparison, Operand),
    OneOf(Vec<Operand>),
    NoneOf(Vec<Operand>),
    Exists(bool),
    /// The name of a type, or `number`.
    Type(&'static str),
}

/// Comparisons with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Is,
    IsNot,
    Above,
    AtLeast,
    Below,
    AtMost,
    Contains,
    StartsWith,
    EndsWith,
}

impl Comparison {
    /// Every one, with its word.
    pub(super) const ALL: &'static [(&'static str, Self)] = &[
        ("is", Self::Is),
        ("is_not", Self::IsNot),
        ("above", Self::Above),
        ("at_least", Self::AtLeast),
        ("below", Self::Below),
        ("at_most", Self::AtMost),
        ("contains", Self::Contains),
        ("starts_with", Self::StartsWith),
        ("ends_with", Self::EndsWith),
    ];

    fn holds(self, found: &Value, wanted: &Value) -> bool {
        let order = || found.compare(wanted);
        match self {
            Self::Is => found.equals(wanted),
            Self::IsNot => !found.equals(wanted),
            Self::Above => order() == Some(Ordering::Greater),
            Self::AtLeast => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
            Self::Below => order() == Some(Ordering::Less),
            Self::AtMost => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
            Self::Contains => match (found, wanted) {
                (Value::Text(text), Value::Text(part)) => text.contains(part.as_str()),
                (Value::List(list), item) => list.iter().any(|other| other.equals(item)),
                _ => false,
            },
            Self::StartsWith | Self::EndsWith => match (found, wanted) {
                (Value::Text(text), Value::Text(part)) if self == Self::StartsWith => {
                    text.starts_with(part.as_str())
                }
                (Value::Text(text), Value::Text(part)) => text.ends_with(part.as_str()),
                _ => false,
            },
        }
    }
}

/// What is compared with.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Fixed(Value),
    /// What stands at another path of the same input.
    Path(Path),
}

impl Operand {
    fn value<'a>(&'a self, input: &'a Value) -> &'a Value {
        match self {
            Self::Fixed(value) => value,
            Self::Path(path) => path.find(input),
        }
    }
}

impl Condition {
    /// Whether it is true of an input. What is missing or `NULL`, on either side, makes a
    /// comparison false. Recursion is bounded by [`super::MAX_DEPTH`].
    pub(super) fn holds(&self, input: &Value) -> bool {
        match self {
            Self::All(all) => all.iter().all(|condition| condition.holds(input)),
            Self::Any(any) => any.iter().any(|condition| condition.holds(input)),
            Self::Not(condition) => !condition.holds(input),
            Self::Field(path, test) => test.holds(path.find(input), input),
        }
    }
}

impl Test {
    fn holds(&self, found: &Value, input: &Value) -> bool {
        let there = |value: &Value| !matches!(value, Value::Null);
        let equals = |operand: &Operand| {
            let wanted = operand.value(input);
            there(wanted) && found.equals(wanted)
        };
        match self {
            Self::Exists(exists) => there(found) == *exists,
            Self::Type(name) => match found {
                Value::Int(_) | Value::Float(_) if *name == "number" => true,
                found => found.type_name() == *name,
            },
            _ if !there(found) => false,
            Self::Compare(comparison, operand) => {
                let wanted = operand.value(input);
                there(wanted) && comparison.holds(found, wanted)
            }
            Self::OneOf(choices) => choices.iter().any(equals),
            Self::NoneOf(choices) => !choices.iter().any(equals),
        }
    }
}
