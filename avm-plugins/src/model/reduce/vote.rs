//! The value that is there most often.

use std::collections::BTreeMap;

use avm_ir::{
    Value,
    value::{Record, encode},
};

use crate::provider::Refusal;

pub(super) fn vote(items: &[&Value]) -> Result<Value, Refusal> {
    let mut votes: BTreeMap<Vec<u8>, (usize, usize)> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        votes.entry(encode(&plain(item))).or_insert((0, at)).0 += 1;
    }
    let best = votes.values().max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    let item = best.and_then(|(_, at)| items.get(*at));
    item.map(|item| (*item).clone()).ok_or_else(|| Refusal::invalid("nobody voted"))
}

/// The same for all values that the language calls equal: a float with the number of an int is that
/// int. Recursion is bounded by what nests.
fn plain(value: &Value) -> Value {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    match value {
        // The conversion back is exact for what passed the tests.
        Value::Float(float) if *float >= -TWO_63 && *float < TWO_63 && float.fract() == 0.0 => {
            Value::Int(*float as i64)
        }
        Value::Vector(vector) => Value::vector(vector.iter().map(|x| x + 0.0).collect()),
        Value::List(list) => Value::list(list.iter().map(plain).collect()),
        Value::Record(record) => Value::Record(Record::from_iter(
            record.iter().map(|(name, value)| (name.clone(), plain(value))),
        )),
        other => other.clone(),
    }
}
