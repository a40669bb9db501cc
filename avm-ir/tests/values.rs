//! Laws of values: one encoding, sizes that are what they say, an order that is one.

use std::cmp::Ordering;

use avm_ir::{
    Value,
    value::{HandleKind, List, MAX_NESTING, Record, Text, decode, encode, from_json, to_json},
    wire::Reader,
};
use proptest::prelude::*;

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::float),
        Just(Value::float(f64::NAN)),
        "\\PC{0,12}".prop_map(|text| Value::text(&text)),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(|bytes| Value::Bytes(bytes.into())),
        prop::collection::vec(any::<f32>(), 0..4).prop_map(Value::vector),
        any::<u64>().prop_map(|id| Value::Handle(HandleKind::Task, id)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::list),
            prop::collection::vec(("[a-d]{1,3}", inner), 0..6).prop_map(|fields| {
                let fields = fields.iter().map(|(name, value)| (name.as_str(), value.clone()));
                Value::Record(fields.collect())
            }),
        ]
    })
}

/// Levels of lists and records, counted the slow way.
fn depth(value: &Value) -> u32 {
    match value {
        Value::List(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Record(record) => 1 + record.iter().map(|(_, v)| depth(v)).max().unwrap_or(0),
        _ => 0,
    }
}

/// The same value built anew, so that whatever containers remember is computed from nothing.
fn rebuilt(value: &Value) -> Value {
    decode(&mut Reader::new(&encode(value))).expect("what was encoded decodes")
}

proptest! {
    #[test]
    fn one_encoding(value in value()) {
        let bytes = encode(&value);
        prop_assert_eq!(bytes.len() as u64, value.encoded_len());
        let mut reader = Reader::new(&bytes);
        let again = decode(&mut reader).expect("what was encoded decodes");
        prop_assert!(reader.end().is_ok());
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(encode(&again), bytes);
    }

    #[test]
    fn decoding_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = decode(&mut Reader::new(&bytes)) {
            prop_assert_eq!(&encode(&value)[..], &bytes[..value.encoded_len() as usize]);
        }
    }

    #[test]
    fn containers_remember_right(
        start in prop::collection::vec(value(), 0..5),
        changes in prop::collection::vec((0..6_usize, 0..5_usize, value()), 0..20),
    ) {
        let mut list = List::from(start);
        let mut record = Record::new();
        for (what, at, value) in changes {
            let shared = list.clone();
            match what {
                0 => list.push(value.clone()),
                1 => drop(list.pop()),
                2 => drop(list.replace(at, value.clone())),
                3 => drop(list.insert(at, value.clone())),
                4 => drop(list.remove(at)),
                _ => drop(record.remove(&format!("f{at}"))),
            }
            record.insert(Text::from(format!("f{at}")), value);
            drop(shared);
        }
        for value in [Value::List(list), Value::Record(record)] {
            let fresh = rebuilt(&value);
            prop_assert_eq!(value.encoded_len(), fresh.encoded_len());
            prop_assert_eq!(value.heap(), fresh.heap());
            prop_assert!(value.nesting() >= depth(&value));
            prop_assert_eq!(fresh.nesting(), depth(&value));
        }
    }

    #[test]
    fn equality_and_order_agree(a in scalar(), b in scalar(), c in scalar()) {
        prop_assert_eq!(a.equals(&b), b.equals(&a));
        if let Some(order) = a.compare(&b) {
            prop_assert_eq!(order == Ordering::Equal, a.equals(&b));
            prop_assert_eq!(b.compare(&a), Some(order.reverse()));
            if order.is_le() && b.compare(&c).is_some_and(Ordering::is_le) {
                prop_assert!(a.compare(&c).is_some_and(Ordering::is_le));
            }
        }
    }

    #[test]
    fn json_round_trip(value in value()) {
        let text = to_json(&value);
        let read = from_json(&text, 1 << 20).expect("our own JSON is JSON");
        prop_assert_eq!(to_json(&read), text);
    }
}

#[test]
fn ints_and_floats_compare_exactly() {
    let (big, float) = (Value::Int((1 << 53) + 1), Value::float(9_007_199_254_740_992.0));
    assert_eq!(big.compare(&float), Some(Ordering::Greater));
    assert!(!big.equals(&float));
    assert!(Value::Int(2).equals(&Value::float(2.0)));
    assert_eq!(Value::Int(i64::MAX).compare(&Value::float(9.3e18)), Some(Ordering::Less));
    assert_eq!(
        Value::Int(i64::MIN).compare(&Value::float(f64::NEG_INFINITY)),
        Some(Ordering::Greater)
    );
    assert_eq!(Value::Int(0).compare(&Value::float(f64::NAN)), None);
    assert_eq!(Value::Int(-1).compare(&Value::float(-1.5)), Some(Ordering::Greater));
}

#[test]
fn nesting_is_exact_where_it_matters() {
    let mut deep = Value::list(Vec::new());
    for _ in 1..MAX_NESTING {
        deep = Value::list(vec![deep]);
    }
    assert_eq!(deep.nesting(), MAX_NESTING);
    // A list that once held something deep and no longer does is as shallow as it looks.
    let mut list = List::from(vec![deep]);
    list.replace(0, Value::Null);
    assert_eq!(list.nesting(), 1);
    // The same where the list that once was deep lies below others.
    let mut deep = Value::list(Vec::new());
    for _ in 1..MAX_NESTING - 2 {
        deep = Value::list(vec![deep]);
    }
    let mut list = List::from(vec![deep]);
    list.pop();
    let mut value = Value::List(list);
    for _ in 0..3 {
        value = Value::list(vec![value]);
    }
    assert_eq!(value.nesting(), 4);
}

#[test]
fn decoding_refuses_other_spellings() {
    let refused = |bytes: &[u8]| decode(&mut Reader::new(bytes)).expect_err("refused").cause;
    assert_eq!(refused(&[11]), "unknown value tag");
    assert_eq!(refused(&[4, 1, 0, 0, 0, 0, 0, 0xF8, 0x7F]), "NaN is not canonical");
    assert_eq!(refused(&[7, 255, 255, 255, 255]), "count larger than the input");
    assert_eq!(refused(&[5, 1, 0, 0, 0, 0xFF]), "text is not UTF-8");
    let mut fields = vec![8, 2, 0, 0, 0];
    fields.extend([1, 0, 0, 0, b'b', 0, 1, 0, 0, 0, b'a', 0]);
    assert_eq!(refused(&fields), "record fields are not in order");
    let deep = [7, 1, 0, 0, 0].repeat(65);
    assert_eq!(refused(&deep), "value nested too deeply");
}

#[test]
fn json_keeps_to_the_limits() {
    assert!(from_json(&"[".repeat(100_000), u64::MAX).is_err());
    assert!(from_json(&format!("[{}1]", "[],".repeat(10_000)), 100_000).is_err());
    let error = from_json("{\"a\": 1,\n \"b\": }", 1000).expect_err("broken");
    assert_eq!((error.line, error.column), (2, 7));
    assert_eq!(
        from_json("18446744073709551615", 0),
        Ok(Value::float(18_446_744_073_709_551_615.0))
    );
    assert_eq!(from_json("1.0", 0), Ok(Value::float(1.0)));
    assert_eq!(to_json(&Value::float(f64::INFINITY)), "null");
    assert_eq!(to_json(&Value::text("a\"\u{1}\n")), "\"a\\\"\\u0001\\n\"");
}
