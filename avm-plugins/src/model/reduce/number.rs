//! Numbers and vectors: mean, sum, greatest, least.

use std::cmp::Ordering;

use avm_ir::Value;

use super::misfit;
use crate::provider::Refusal;

/// The sum of numbers: exact while they are ints.
enum Sum {
    Int(i128),
    Float(f64),
}

impl Sum {
    fn of(agg_type: &str, items: &[&Value]) -> Result<Self, Refusal> {
        let mut sum = Self::Int(0);
        for item in items {
            sum = match (sum, item) {
                // A list has too few items for an overflow of 128 bits.
                (Self::Int(sum), Value::Int(int)) => Self::Int(sum + i128::from(*int)),
                (Self::Int(sum), Value::Float(float)) => Self::Float(sum as f64 + float),
                (Self::Float(sum), Value::Int(int)) => Self::Float(sum + *int as f64),
                (Self::Float(sum), Value::Float(float)) => Self::Float(sum + float),
                _ => return Err(misfit(agg_type, items[0], item)),
            };
        }
        Ok(sum)
    }
}

pub(super) fn sum(items: &[&Value]) -> Result<Value, Refusal> {
    if let Some(Value::Vector(_)) = items.first() {
        return vectors("sum", items, 1.0);
    }
    match Sum::of("sum", items)? {
        Sum::Int(sum) => i64::try_from(sum)
            .map(Value::Int)
            .map_err(|_| Refusal::invalid(format!("the sum {sum} is too large for an int"))),
        Sum::Float(sum) => Ok(Value::float(sum)),
    }
}

pub(super) fn average(items: &[&Value]) -> Result<Value, Refusal> {
    let count = items.len() as f64;
    if let Value::Vector(_) = items[0] {
        return vectors("average", items, count);
    }
    let sum = match Sum::of("average", items)? {
        Sum::Int(sum) => sum as f64,
        Sum::Float(sum) => sum,
    };
    // Rounding and overflow must not carry the mean of equal numbers away from them.
    let all = || items.iter().filter_map(|item| number(item));
    let least = all().fold(f64::INFINITY, f64::min);
    let greatest = all().fold(f64::NEG_INFINITY, f64::max);
    let mean = sum / count;
    Ok(Value::float(if mean.is_nan() { mean } else { mean.max(least).min(greatest) }))
}

fn number(item: &Value) -> Option<f64> {
    match item {
        Value::Int(int) => Some(*int as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}

fn vectors(agg_type: &str, items: &[&Value], divisor: f64) -> Result<Value, Refusal> {
    let mut sums: Option<Vec<f64>> = None;
    for item in items {
        let Value::Vector(vector) = item else { return Err(misfit(agg_type, items[0], item)) };
        let sums = sums.get_or_insert_with(|| vec![0.0; vector.len()]);
        if sums.len() != vector.len() {
            let (first, other) = (sums.len(), vector.len());
            return Err(Refusal::invalid(format!(
                "{agg_type} cannot combine vectors of {first} and of {other} components"
            )));
        }
        for (sum, component) in sums.iter_mut().zip(vector.iter()) {
            *sum += f64::from(*component);
        }
    }
    let sums = sums.unwrap_or_default();
    Ok(Value::vector(sums.into_iter().map(|sum| (sum / divisor) as f32).collect()))
}

pub(super) fn max(items: &[&Value]) -> Result<Value, Refusal> {
    extreme("max", items, Ordering::Greater)
}

pub(super) fn min(items: &[&Value]) -> Result<Value, Refusal> {
    extreme("min", items, Ordering::Less)
}

fn extreme(agg_type: &str, items: &[&Value], better: Ordering) -> Result<Value, Refusal> {
    let mut best = items[0];
    for item in items {
        if number(item).is_none() {
            return Err(misfit(agg_type, items[0], item));
        }
        if item.compare(best) == Some(better) {
            best = item;
        }
    }
    Ok(best.clone())
}
