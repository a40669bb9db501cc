//! What tasks compute: a payload read once, then chunk after chunk.

use core::ops::RangeInclusive;

use avm_ir::{Value, value::Record};
use avm_vm::meter::CREDIT;

use super::{
    analysis::{Analysis, Paths},
    summary::Summary,
};
use crate::provider::{Refusal, TaskEnd};

/// Numbers of a chunk of `statistics`.
const CHUNK: usize = 10_000;

/// What a task computes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Job {
    /// See [`Analysis`].
    Analysis(Analysis),
    /// Moments and quantiles of numbers.
    Statistics(Vec<f64>),
}

/// What came of a chunk.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Paths(Paths),
    /// Where the chunk's numbers end.
    Numbers(usize),
}

impl Job {
    /// The job that a payload asks for.
    ///
    /// # Errors
    /// It is nothing that is computed here.
    pub(super) fn read(payload: &Value, seed: i64) -> Result<Self, Refusal> {
        let task = match payload {
            Value::Record(fields) => fields.get("task").cloned().unwrap_or_default(),
            Value::List(_) | Value::Vector(_) => Value::text("statistics"),
            _ => Value::Null,
        };
        match &task {
            Value::Null => Analysis::read(payload, seed).map(Self::Analysis),
            Value::Text(task) if task.as_str() == "analysis" => {
                Analysis::read(payload, seed).map(Self::Analysis)
            }
            Value::Text(task) if task.as_str() == "statistics" => {
                let numbers = match payload {
                    Value::Record(fields) => numbers(fields.get("values").unwrap_or(&Value::Null)),
                    other => numbers(other),
                };
                numbers.map(Self::Statistics)
            }
            other => Err(Refusal::invalid(format!(
                "there is no task {}; there are analysis, statistics",
                shown(other)
            ))),
        }
    }

    /// Chunks of the whole, at least 1.
    pub(super) fn chunks(&self) -> u64 {
        match self {
            Self::Analysis(analysis) => analysis.chunks(),
            Self::Statistics(numbers) => numbers.len().div_ceil(CHUNK) as u64,
        }
    }

    /// Nanocredits that a chunk costs.
    pub(super) const fn price(&self) -> u64 {
        match self {
            Self::Analysis(analysis) => analysis.chunk_credits() * CREDIT,
            Self::Statistics(_) => CREDIT,
        }
    }

    /// Computes a chunk; it depends on nothing but the payload and the index.
    pub(super) fn chunk(&self, index: u64) -> Part {
        match self {
            Self::Analysis(analysis) => Part::Paths(analysis.chunk(index)),
            Self::Statistics(numbers) => {
                let end = (index as usize + 1).saturating_mul(CHUNK);
                Part::Numbers(end.min(numbers.len()))
            }
        }
    }

    /// What the first chunks say; `NULL` if there are none.
    pub(super) fn result<'a>(
        &self,
        end: TaskEnd,
        parts: impl Iterator<Item = &'a Part>,
        credits: u64,
    ) -> Value {
        let mut fields = match self {
            Self::Analysis(analysis) => {
                let chunks: Vec<&Paths> = parts.filter_map(Part::paths).collect();
                analysis.result(&chunks)
            }
            Self::Statistics(numbers) => {
                let count = parts.filter_map(Part::numbers).last().unwrap_or(0);
                let known = numbers.get(..count).unwrap_or_default();
                statistics(known.to_vec())
            }
        };
        if fields.is_empty() {
            return Value::Null;
        }
        fields.push(("status", Value::text(end.name())));
        // A chunk costs whole credits.
        fields.push(("credits", Value::Int((credits / CREDIT).cast_signed())));
        Value::Record(Record::from_iter(fields))
    }
}

impl Part {
    const fn paths(&self) -> Option<&Paths> {
        match self {
            Self::Paths(paths) => Some(paths),
            Self::Numbers(_) => None,
        }
    }

    const fn numbers(&self) -> Option<usize> {
        match self {
            Self::Numbers(end) => Some(*end),
            Self::Paths(_) => None,
        }
    }
}

fn statistics(numbers: Vec<f64>) -> Vec<(&'static str, Value)> {
    let Some(summary) = Summary::of(numbers) else { return Vec::new() };
    vec![
        ("count", summary.count()),
        ("mean", summary.mean()),
        ("stdev", summary.deviation()),
        ("min", summary.quantile(0)),
        ("p05", summary.quantile(50)),
        ("p25", summary.quantile(250)),
        ("median", summary.quantile(500)),
        ("p75", summary.quantile(750)),
        ("p95", summary.quantile(950)),
        ("max", summary.quantile(1000)),
    ]
}

/// A list or vector of finite numbers, at least one.
fn numbers(value: &Value) -> Result<Vec<f64>, Refusal> {
    let numbers: Option<Vec<f64>> = match value {
        Value::List(list) => list.iter().map(float).collect(),
        Value::Vector(vector) => Some(vector.iter().map(|number| f64::from(*number)).collect()),
        _ => None,
    };
    let finite =
        |numbers: &Vec<f64>| !numbers.is_empty() && numbers.iter().all(|number| number.is_finite());
    numbers
        .filter(finite)
        .ok_or_else(|| Refusal::invalid("statistics wants a list of finite numbers, at least one"))
}

const fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(int) => Some(*int as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}

/// A value in a message: a number itself, of others what they are.
fn shown(value: &Value) -> String {
    match value {
        Value::Int(int) => int.to_string(),
        Value::Float(float) => float.to_string(),
        Value::Text(text) if text.len() <= 40 => format!("{:?}", text.as_str()),
        other => other.type_name().to_owned(),
    }
}

/// A number of a payload.
pub(super) fn number(
    fields: &Record,
    name: &str,
    default: Option<f64>,
    range: RangeInclusive<f64>,
) -> Result<f64, Refusal> {
    let value = fields.get(name).unwrap_or(&Value::Null);
    let found = match (value, default) {
        (Value::Null, Some(default)) => Some(default),
        _ => float(value),
    };
    // NaN is in no range.
    found.filter(|number| range.contains(number)).ok_or_else(|| {
        let (low, high) = (range.start(), range.end());
        let shown = shown(value);
        Refusal::invalid(format!("{name} must be a number from {low} to {high}, found {shown}"))
    })
}

/// A whole number of a payload, at least 1.
pub(super) fn whole(fields: &Record, name: &str, default: u64, most: u64) -> Result<u64, Refusal> {
    let value = fields.get(name).unwrap_or(&Value::Null);
    let found = match value {
        Value::Null => Some(default),
        Value::Int(int) => u64::try_from(*int).ok(),
        _ => None,
    };
    found.filter(|number| (1..=most).contains(number)).ok_or_else(|| {
        let shown = shown(value);
        Refusal::invalid(format!("{name} must be an int from 1 to {most}, found {shown}"))
    })
}
