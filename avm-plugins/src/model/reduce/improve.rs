//! A draft, improved by what comes after it.

use avm_ir::Value;

use super::misfit;
use crate::provider::Refusal;

/// So a decision and a critic's verdict become the decision that the critic lets pass.
pub(super) fn improve(items: &[&Value]) -> Result<Value, Refusal> {
    let mut best = items[0].clone();
    for item in items.iter().skip(1) {
        match (&mut best, item) {
            (Value::Record(best), Value::Record(more)) => {
                for (name, value) in more.iter() {
                    best.insert(name.clone(), value.clone());
                }
            }
            (Value::Text(_), Value::Text(text)) if text.trim().is_empty() => {}
            (best @ (Value::Int(_) | Value::Float(_)), Value::Int(_) | Value::Float(_)) => {
                *best = (*item).clone();
            }
            (best, item) if best.type_name() == item.type_name() => *best = (*item).clone(),
            (best, item) => return Err(misfit("improve", best, item)),
        }
    }
    Ok(best)
}
