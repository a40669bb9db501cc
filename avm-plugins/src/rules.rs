//! Rules from a file: one small engine for decisions, for critics and for security checks.
//!
//! A file of *decisions* has `[[rule]]`s, of which the first that holds gives the result, and an
//! `[otherwise]`, so that there always is one. A file of *checks* has `[[deny]]` and `[[require]]`,
//! which are all looked at, and gives a verdict with the reasons of those that were broken.
//!
//! ```toml
//! [[rule]]
//! name = "strong-buy"
//! when = { status = "COMPLETE", mean = { above = 0.02 }, "risk.p05" = { at_least = -0.2 } }
//! then = { action = "BUY", size = 10, confidence = "$mean", reason = "mean return ${mean}" }
//!
//! [otherwise]
//! then = { action = "NONE", reason = "no rule holds" }
//! ```
//!
//! `when` is a table of paths into the input and what must be true there; all of it must. Where the
//! input has nothing or `NULL` at a path every comparison is false, so a [`Checks`] file guards best
//! with `[[require]]`: what is missing is refused.
//!
//! The engine reads no files and knows no format: [`Rules`] is read from whatever serde reads, or
//! from a [`Value`]. There are no loops and no arithmetic, so applying rules takes time in
//! proportion to the conditions and the input, and the same input gives the same result everywhere.

mod compile;
mod condition;
mod data;
mod template;

use avm_ir::{
    Value,
    value::{Record, Text},
};
use serde::{Deserialize, Deserializer, de::Error as _};

use condition::Condition;
use template::Template;

/// Most rules, or checks, of a file.
pub const MAX_RULES: usize = 1000;

/// Most comparisons of a file, each choice of `one_of` and `none_of` counted.
pub const MAX_CONDITIONS: usize = 10_000;

/// Deepest nesting of conditions and of the table under `then`.
pub const MAX_DEPTH: usize = 16;

/// What of one value is written into a text such as `"mean ${mean}"`, in characters.
pub const MAX_INSERTED_CHARS: usize = 200;

/// Why something is not a file of rules: where, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct RuleError {
    /// The rule and the key, such as `rule "buy", when.mean`.
    pub place: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

/// Rules of either kind.
#[derive(Clone, Debug)]
pub enum Rules {
    /// `[[rule]]` and `[otherwise]`.
    Decisions(Decisions),
    /// `[[deny]]` and `[[require]]`.
    Checks(Checks),
}

/// Rules of which the first that holds gives the result.
#[derive(Clone, Debug)]
pub struct Decisions {
    rules: Vec<Rule>,
    otherwise: Template,
}

#[derive(Clone, Debug)]
struct Rule {
    when: Condition,
    then: Template,
}

/// Checks that must all pass.
#[derive(Clone, Debug)]
pub struct Checks {
    checks: Vec<Check>,
    approved: Option<Template>,
    refused: Option<Template>,
}

#[derive(Clone, Debug)]
struct Check {
    /// Whether the condition must not hold, rather than must.
    deny: bool,
    when: Condition,
    reason: Template,
}

/// What checks say of an input.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Whether every check passed.
    pub approved: bool,
    /// The reasons of those that did not, in the order of the file with `deny` first.
    pub reasons: Vec<String>,
    /// `{approved, reasons}` and the fields under `[approved]` or `[refused]`.
    pub record: Record,
}

impl Rules {
    /// Rules from the value that a file holds.
    ///
    /// # Errors
    /// A key, type or size that rules do not have; the place is named.
    pub fn from_value(file: &Value) -> Result<Self, RuleError> {
        compile::file(file)
    }

    /// The result of the rule that holds, or the record of the verdict.
    pub fn apply(&self, input: &Value) -> Value {
        match self {
            Self::Decisions(decisions) => decisions.decide(input),
            Self::Checks(checks) => Value::Record(checks.judge(input).record),
        }
    }

    /// These as decisions.
    ///
    /// # Errors
    /// These are checks.
    pub fn decisions(self) -> Result<Decisions, RuleError> {
        match self {
            Self::Decisions(decisions) => Ok(decisions),
            Self::Checks(_) => Err(wrong_kind("[[rule]] and [otherwise]", "checks")),
        }
    }

    /// These as checks.
    ///
    /// # Errors
    /// These are decisions.
    pub fn checks(self) -> Result<Checks, RuleError> {
        match self {
            Self::Checks(checks) => Ok(checks),
            Self::Decisions(_) => Err(wrong_kind("[[deny]] and [[require]]", "decisions")),
        }
    }
}

fn wrong_kind(wanted: &str, found: &str) -> RuleError {
    RuleError {
        place: "file".to_owned(),
        problem: format!("{wanted} are wanted here, these are {found}"),
    }
}

impl Decisions {
    /// What the first rule says whose `when` holds, or `[otherwise]`.
    pub fn decide(&self, input: &Value) -> Value {
        let rule = self.rules.iter().find(|rule| rule.when.holds(input));
        rule.map_or(&self.otherwise, |rule| &rule.then).fill(input)
    }
}

impl Checks {
    /// Looks at every check.
    pub fn judge(&self, input: &Value) -> Verdict {
        let broken = self.checks.iter().filter(|check| check.when.holds(input) == check.deny);
        let reasons: Vec<String> =
            broken.map(|check| avm_ir::value::to_text(&check.reason.fill(input))).collect();
        let approved = reasons.is_empty();
        let more = if approved { &self.approved } else { &self.refused };
        let mut record = match more.as_ref().map(|more| more.fill(input)) {
            Some(Value::Record(record)) => record,
            _ => Record::new(),
        };
        record.insert(Text::from("approved"), Value::Bool(approved));
        let list = reasons.iter().map(|reason| Value::text(reason)).collect();
        record.insert(Text::from("reasons"), Value::list(list));
        Verdict { approved, reasons, record }
    }
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::from_value(&data::read(from)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Decisions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Rules::deserialize(from)?.decisions().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Checks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Rules::deserialize(from)?.checks().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
