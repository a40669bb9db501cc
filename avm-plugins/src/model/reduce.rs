//! Combining partial results into one: `REDUCE_MODEL_CALL` (whitepaper §11.3).
//!
//! An item that is `NULL` or NaN is a partial result that failed; it is skipped. Sums are taken in
//! the order of the items, so that the same items give the same bits everywhere.

mod improve;
mod number;
mod vote;

use avm_ir::Value;

use crate::provider::Refusal;

/// The ways to combine.
pub const NAMES: &[&str] = &["average", "sum", "max", "min", "vote", "concat", "improve"];

/// Combines items.
///
/// | name | of | result |
/// |---|---|---|
/// | average | numbers | their mean, a float between the least and the greatest |
/// | average, sum | vectors of one dimension | component by component |
/// | sum | numbers | their sum, an int if all are; of nothing 0 |
/// | max, min | numbers | the greatest or least, the first of equals |
/// | vote | anything | the value that is there most often, the earliest of those |
/// | concat | texts, or lists | the texts with a line break between them, or one list of all items |
/// | improve | a draft and what improves it | records merged, later fields win; the last text that is not empty; else the last |
///
/// # Errors
/// [`avm_vm::FailureCode::InvalidArgument`]: no such way to combine, nothing to combine (but for
/// sum), items that do not go together, a sum beyond what an int holds.
pub fn reduce(agg_type: &str, items: &[Value]) -> Result<Value, Refusal> {
    let items: Vec<&Value> = items.iter().filter(|item| !failed(item)).collect();
    let combine = match agg_type {
        "average" => number::average,
        "sum" => number::sum,
        "max" => number::max,
        "min" => number::min,
        "vote" => vote::vote,
        "concat" => concat,
        "improve" => improve::improve,
        _ => {
            let names = NAMES.join(", ");
            return Err(Refusal::invalid(format!(
                "there is no way \"{agg_type}\" to combine results; there are {names}"
            )));
        }
    };
    if items.is_empty() && agg_type != "sum" {
        return Err(Refusal::invalid(format!("no partial result is there for {agg_type}")));
    }
    combine(&items)
}

fn failed(item: &Value) -> bool {
    matches!(item, Value::Null) || matches!(item, Value::Float(float) if float.is_nan())
}

/// An item that does not go with the first one.
fn misfit(agg_type: &str, first: &Value, item: &Value) -> Refusal {
    let (first, found) = (first.type_name(), item.type_name());
    if first == found {
        return Refusal::invalid(format!("{agg_type} does not combine values of type {found}"));
    }
    Refusal::invalid(format!("{agg_type} cannot combine {first} with {found}"))
}

fn concat(items: &[&Value]) -> Result<Value, Refusal> {
    let first = items[0];
    if matches!(first, Value::Text(_)) {
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            let Value::Text(text) = item else { return Err(misfit("concat", first, item)) };
            texts.push(text.as_str());
        }
        return Ok(Value::from(texts.join("\n")));
    }
    let mut all = Vec::new();
    for item in items {
        let Value::List(list) = item else { return Err(misfit("concat", first, item)) };
        all.extend(list.iter().cloned());
    }
    Ok(Value::list(all))
}

#[cfg(test)]
mod tests;
