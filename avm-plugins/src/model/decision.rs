//! `builtin:decision` and `builtin:critic`: a decision by rules, and a second opinion by rules.
//!
//! What they are: the [rules](crate::rules) that the operator wrote, or the ones in `model/decision.toml` and
//! `model/critic.toml`, applied to an input. What they are not: trading advice, or anything learnt.
//! The rules that come with them are cautious examples that fit the forecast of `builtin:pool`.

use avm_ir::Value;

use crate::{
    provider::Refusal,
    rules::{Checks, Decisions, Verdict},
};

/// Name of the model that decides.
pub const DECISION: &str = "builtin:decision";

/// Name of the plugin that has a second opinion.
pub const CRITIC: &str = "builtin:critic";

/// Larger inputs are refused, which bounds the time of the rules.
pub const MAX_INPUT_BYTES: u64 = 1 << 20;

/// Rules of `builtin:decision` where the operator gives none, as TOML.
pub const DECISION_RULES: &str = include_str!("decision.toml");

/// Rules of `builtin:critic` where the operator gives none, as TOML.
pub const CRITIC_RULES: &str = include_str!("critic.toml");

/// The decision on an input such as a forecast.
///
/// # Errors
/// [`avm_vm::FailureCode::InvalidArgument`]: the input is too large.
pub fn decide(rules: &Decisions, input: &Value) -> Result<Value, Refusal> {
    bounded(input)?;
    Ok(rules.decide(input))
}

/// The verdict on a decision.
///
/// # Errors
/// [`avm_vm::FailureCode::InvalidArgument`]: the decision is no record, or too large.
pub fn judge(rules: &Checks, decision: &Value) -> Result<Verdict, Refusal> {
    if !matches!(decision, Value::Record(_)) {
        let found = decision.type_name();
        return Err(Refusal::invalid(format!("a decision must be a record, found {found}")));
    }
    bounded(decision)?;
    Ok(rules.judge(decision))
}

/// Refuses an input that is too large for rules.
///
/// # Errors
/// [`avm_vm::FailureCode::InvalidArgument`].
pub fn bounded(input: &Value) -> Result<(), Refusal> {
    let bytes = input.size();
    if bytes > MAX_INPUT_BYTES {
        return Err(Refusal::invalid(format!(
            "rules look at no more than {MAX_INPUT_BYTES} bytes, the input has {bytes}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use avm_ir::value::{from_json, to_json};

    use super::*;
    use crate::model::reduce::reduce;

    fn json(text: &str) -> Value {
        from_json(text, 1 << 20).unwrap()
    }

    fn decisions() -> Decisions {
        toml::from_str(DECISION_RULES).unwrap()
    }

    fn critic() -> Checks {
        toml::from_str(CRITIC_RULES).unwrap()
    }

    fn text(value: &Value, name: &str) -> String {
        let Value::Record(record) = value else { panic!("{value:?}") };
        record.get(name).map(to_json).unwrap_or_default()
    }

    #[test]
    fn forecasts_and_moods() {
        for (input, action, size) in [
            (
                r#"{"status":"COMPLETE","price":100,"mean":104.2,"probability_of_gain":0.56,"paths":20000,"drawdown":0.13}"#,
                "BUY",
                "10",
            ),
            (
                r#"{"status":"PARTIAL","price":100,"mean":104.2,"probability_of_gain":0.56,"paths":2000}"#,
                "BUY",
                "5",
            ),
            (
                r#"{"status":"COMPLETE","price":100,"mean":100.5,"probability_of_gain":0.51}"#,
                "BUY",
                "5",
            ),
            (
                r#"{"status":"COMPLETE","price":100,"mean":99,"probability_of_gain":0.51}"#,
                "NONE",
                "0",
            ),
            (r#"{"status":"COMPLETE","mean":0.02,"probability_of_gain":0.55}"#, "BUY", "10"),
            (
                r#"{"status":"COMPLETE","price":100,"mean":96,"probability_of_gain":0.37}"#,
                "SELL",
                "10",
            ),
            (
                r#"{"status":"PARTIAL","price":100,"mean":98,"probability_of_gain":0.44}"#,
                "SELL",
                "5",
            ),
            (
                r#"{"status":"COMPLETE","price":100,"mean":101,"probability_of_gain":0.47}"#,
                "NONE",
                "0",
            ),
            (
                r#"{"status":"FAILED","price":100,"mean":150,"probability_of_gain":0.9}"#,
                "NONE",
                "0",
            ),
            (
                r#"{"status":"COMPLETE","price":100,"mean":150,"probability_of_gain":0.9,"paths":10}"#,
                "NONE",
                "0",
            ),
            (
                r#"{"status":"COMPLETE","price":100,"mean":150,"probability_of_gain":0.9,"drawdown":0.5}"#,
                "NONE",
                "0",
            ),
            ("0.6", "BUY", "5"),
            ("1", "BUY", "5"),
            ("-0.7", "SELL", "5"),
            ("0.1", "NONE", "0"),
            ("\"great\"", "NONE", "0"),
            ("null", "NONE", "0"),
            ("{}", "NONE", "0"),
        ] {
            let decision = decide(&decisions(), &json(input)).unwrap();
            assert_eq!(text(&decision, "action"), format!("\"{action}\""), "{input}");
            assert_eq!(text(&decision, "size"), size, "{input}");
            // What the rules decide, the critic lets pass.
            let verdict = judge(&critic(), &decision).unwrap();
            assert!(verdict.approved, "{input}: {:?}", verdict.reasons);
        }
    }

    #[test]
    fn a_refused_decision_becomes_none() {
        for (decision, reasons) in [
            (r#"{"action":"HODL","size":1,"confidence":0.9,"reason":"why not"}"#, 1),
            (r#"{"action":"BUY","size":1000,"confidence":0.9,"reason":"all in"}"#, 1),
            (r#"{"action":"BUY","size":"10","confidence":2,"reason":""}"#, 3),
            (r#"{"action":"SELL","size":10,"confidence":0.3,"reason":"a hunch"}"#, 1),
            ("{}", 4),
        ] {
            let decision = json(decision);
            let verdict = judge(&critic(), &decision).unwrap();
            assert_eq!(verdict.reasons.len(), reasons, "{:?}", verdict.reasons);
            let verdict = Value::Record(verdict.record);
            let order = reduce("improve", &[decision, verdict]).unwrap();
            assert_eq!(text(&order, "action"), "\"NONE\"");
            assert_eq!(text(&order, "approved"), "false");
        }
        let good = json(r#"{"action":"BUY","size":10,"confidence":0.6,"reason":"likely"}"#);
        let verdict = Value::Record(judge(&critic(), &good).unwrap().record);
        let order = reduce("improve", &[good, verdict]).unwrap();
        assert_eq!(
            to_json(&order),
            r#"{"action":"BUY","approved":true,"confidence":0.6,"reason":"likely","reasons":[],"size":10}"#
        );
        assert!(judge(&critic(), &Value::text("BUY")).is_err());
    }

    #[test]
    fn large_inputs_are_refused() {
        let large = Value::from("x".repeat(MAX_INPUT_BYTES as usize + 1));
        assert!(decide(&decisions(), &large).is_err());
    }
}
