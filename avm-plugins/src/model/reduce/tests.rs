use avm_ir::value::{from_json, to_json};
use avm_vm::FailureCode;
use proptest::prelude::*;

use super::*;

fn items(json: &str) -> Vec<Value> {
    match from_json(json, 1 << 20).unwrap() {
        Value::List(list) => list.iter().cloned().collect(),
        other => panic!("{other:?}"),
    }
}

fn combined(agg_type: &str, json: &str) -> String {
    match reduce(agg_type, &items(json)) {
        Ok(value) => to_json(&value),
        Err(refusal) => {
            assert_eq!(refusal.failure.code, FailureCode::InvalidArgument);
            refusal.failure.message
        }
    }
}

#[test]
fn results() {
    for (agg_type, given, wanted) in [
        ("average", "[1,2,3]", "2.0"),
        ("average", "[0.1,0.1,0.1]", "0.1"),
        ("average", "[null,0.5,null,-0.25]", "0.125"),
        ("average", "[9223372036854775807,9223372036854775807]", "9.223372036854776e18"),
        ("average", "[1e308,1e308]", "1e308"),
        ("average", "[1,\"2\"]", "average cannot combine int with text"),
        ("average", "[\"2\"]", "average does not combine values of type text"),
        ("average", "[]", "no partial result is there for average"),
        ("average", "[null]", "no partial result is there for average"),
        ("sum", "[1,null,2]", "3"),
        ("sum", "[1,2.5]", "3.5"),
        ("sum", "[]", "0"),
        ("sum", "[null]", "0"),
        ("sum", "[9223372036854775807,1,-1]", "9223372036854775807"),
        ("sum", "[9223372036854775807,1]", "the sum 9223372036854775808 is too large for an int"),
        ("max", "[1,3,3.0,2]", "3"),
        ("max", "[9007199254740993,9007199254740992.0]", "9007199254740993"),
        ("min", "[1.0,1,null]", "1.0"),
        ("min", "[[1]]", "min does not combine values of type list"),
        ("max", "[]", "no partial result is there for max"),
        ("vote", "[\"a\",\"b\",\"b\",null]", "\"b\""),
        ("vote", "[\"b\",\"a\",\"a\",\"b\"]", "\"b\""),
        ("vote", "[2,1.0,1,2,1]", "1.0"),
        ("vote", "[{\"a\":[1]},{\"a\":[1.0]},3]", "{\"a\":[1]}"),
        ("vote", "[null,null]", "no partial result is there for vote"),
        ("concat", "[\"a\",null,\"b\"]", "\"a\\nb\""),
        ("concat", "[[1],[],[2,3]]", "[1,2,3]"),
        ("concat", "[\"a\",[1]]", "concat cannot combine text with list"),
        ("concat", "[1]", "concat does not combine values of type int"),
        (
            "improve",
            "[{\"action\":\"BUY\",\"size\":10},{\"action\":\"NONE\",\"approved\":false}]",
            "{\"action\":\"NONE\",\"approved\":false,\"size\":10}",
        ),
        ("improve", "[\"draft\",\"better\",\" \",null]", "\"better\""),
        ("improve", "[null,1,2.5]", "2.5"),
        ("improve", "[{\"a\":1},\"text\"]", "improve cannot combine record with text"),
        (
            "mean",
            "[1]",
            "there is no way \"mean\" to combine results; there are average, sum, max, min, vote, \
             concat, improve",
        ),
    ] {
        assert_eq!(combined(agg_type, given), wanted, "{agg_type} {given}");
    }
}

#[test]
fn vectors_are_combined_by_component() {
    let vectors = [Value::vector(vec![1.0, 2.0]), Value::Null, Value::vector(vec![3.0, -2.0])];
    assert_eq!(reduce("sum", &vectors), Ok(Value::vector(vec![4.0, 0.0])));
    assert_eq!(reduce("average", &vectors), Ok(Value::vector(vec![2.0, 0.0])));
    assert!(reduce("max", &vectors).is_err());
    let other = [Value::vector(vec![1.0]), Value::vector(vec![1.0, 2.0])];
    assert!(reduce("sum", &other).is_err());
    assert!(reduce("sum", &[Value::vector(vec![1.0]), Value::Int(1)]).is_err());
}

#[test]
fn what_is_no_number_is_a_failed_part() {
    let parts = [Value::float(f64::NAN), Value::Int(1)];
    for agg_type in ["average", "sum", "max", "min", "vote", "improve"] {
        assert!(reduce(agg_type, &parts).unwrap().equals(&Value::Int(1)), "{agg_type}");
    }
    let infinite = [Value::float(f64::INFINITY), Value::float(f64::NEG_INFINITY)];
    assert_eq!(reduce("average", &infinite), Ok(Value::float(f64::NAN)));
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![any::<i64>().prop_map(Value::Int), any::<f64>().prop_map(Value::float)]
}

fn small() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-2i64..3).prop_map(Value::Int),
        (-2i32..3).prop_map(|x| Value::float(f64::from(x) / 2.0)),
        "[ab ]{0,2}".prop_map(Value::from),
        prop::collection::vec(-1i64..2, 0..3)
            .prop_map(|list| Value::list(list.into_iter().map(Value::Int).collect())),
    ]
}

proptest! {
    #[test]
    fn a_mean_lies_between_the_extremes(items in prop::collection::vec(number(), 1..20)) {
        if let Ok(Value::Float(mean)) = reduce("average", &items) && !mean.is_nan() {
            let as_float = |value: Value| match value {
                Value::Int(int) => int as f64,
                Value::Float(float) => float,
                other => panic!("{other:?}"),
            };
            prop_assert!(mean >= as_float(reduce("min", &items).unwrap()));
            prop_assert!(mean <= as_float(reduce("max", &items).unwrap()));
        }
    }

    #[test]
    fn failed_parts_change_nothing(items in prop::collection::vec(small(), 0..8), at in 0usize..8) {
        let mut more = items.clone();
        more.insert(at.min(items.len()), Value::Null);
        for agg_type in NAMES {
            prop_assert_eq!(reduce(agg_type, &items), reduce(agg_type, &more));
        }
    }

    #[test]
    fn the_winner_has_most_votes(items in prop::collection::vec(small(), 1..12)) {
        if let Ok(winner) = reduce("vote", &items) {
            let votes = |item: &Value| items.iter().filter(|other| other.equals(item)).count();
            let there: Vec<&Value> = items.iter().filter(|item| **item != Value::Null).collect();
            let most = there.iter().map(|item| votes(item)).max().unwrap();
            let first = there.iter().find(|item| votes(item) == most).unwrap();
            prop_assert_eq!(&winner, *first);
        }
    }

    #[test]
    fn ints_are_summed_exactly(items in prop::collection::vec(any::<i64>(), 0..12)) {
        let sum: i128 = items.iter().map(|int| i128::from(*int)).sum();
        let values: Vec<Value> = items.into_iter().map(Value::Int).collect();
        prop_assert_eq!(reduce("sum", &values).ok(), i64::try_from(sum).ok().map(Value::Int));
    }
}
