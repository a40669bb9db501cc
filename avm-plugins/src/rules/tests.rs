use avm_ir::value::{from_json, to_json};
use proptest::prelude::*;

use super::*;

fn json(text: &str) -> Value {
    from_json(text, 1 << 20).unwrap()
}

fn rules(file: &str) -> Rules {
    toml::from_str(file).unwrap_or_else(|error| panic!("{error}\n{file}"))
}

/// What is wrong with a file, without the excerpt that the toml crate adds.
fn problem(file: &str) -> String {
    toml::from_str::<Rules>(file).expect_err(file).message().to_owned()
}

/// Whether an input meets a condition.
fn holds(when: &str, input: &str) -> bool {
    let file = format!("[[rule]]\nwhen = {when}\nthen = true\n[otherwise]\nthen = false\n");
    rules(&file).apply(&json(input)) == Value::Bool(true)
}

#[test]
fn the_first_rule_that_holds_gives_the_result() {
    let rules = rules(
        r#"
        [[rule]]
        name = "strong-buy"
        when = { status = "COMPLETE", mean = { above = 0.02 }, "risk.p05" = { at_least = -0.2 } }
        then = { action = "BUY", size = 10, confidence = "$mean", reason = "mean return ${mean}" }
        [[rule]]
        when = { mean = { above = 0.02 } }
        then = { action = "WATCH" }
        [otherwise]
        then = { action = "NONE", reason = "no rule holds" }
        "#,
    );
    for (input, wanted) in [
        (
            r#"{"status":"COMPLETE","mean":0.05,"risk":{"p05":-0.1}}"#,
            r#"{"action":"BUY","confidence":0.05,"reason":"mean return 0.05","size":10}"#,
        ),
        (r#"{"status":"COMPLETE","mean":0.05,"risk":{"p05":-0.3}}"#, r#"{"action":"WATCH"}"#),
        (r#"{"status":"PARTIAL","mean":1}"#, r#"{"action":"WATCH"}"#),
        (r#"{"mean":0.02}"#, r#"{"action":"NONE","reason":"no rule holds"}"#),
        ("7", r#"{"action":"NONE","reason":"no rule holds"}"#),
        ("null", r#"{"action":"NONE","reason":"no rule holds"}"#),
    ] {
        assert_eq!(to_json(&rules.apply(&json(input))), wanted, "{input}");
    }
}

#[test]
fn conditions() {
    let input = r#"{"a":{"b":[10,20]},"f":2.5,"i":3,"n":null,"t":"hello","value":9,"any":1,
        "big":9007199254740993}"#;
    for (when, wanted) in [
        ("{}", true),
        ("{ i = 3, f = 2.5 }", true),
        ("{ i = 3.0 }", true),
        ("{ i = 3, f = 2 }", false),
        ("{ i = { is_not = 4 } }", true),
        ("{ i = { above = 2.9, below = 3.1 } }", true),
        ("{ i = { above = 3 } }", false),
        ("{ i = { at_least = 3, at_most = 3 } }", true),
        ("{ i = { above = 'a' } }", false),
        // 2^53 + 1 is not the float next to it.
        ("{ big = { above = 9007199254740992.0 } }", true),
        ("{ big = 9007199254740992.0 }", false),
        ("{ t = { above = 'ha', below = 'hf' } }", true),
        ("{ t = { contains = 'ell', starts_with = 'he', ends_with = 'lo' } }", true),
        ("{ t = { contains = 3 } }", false),
        ("{ t = { starts_with = 'lo' } }", false),
        ("{ t = { one_of = ['hi', 'hello'] } }", true),
        ("{ t = { none_of = ['hi', 'hello'] } }", false),
        ("{ t = { none_of = ['hi'] } }", true),
        ("{ t = { one_of = [] } }", false),
        ("{ 'a.b' = { contains = 20.0, type = 'list' } }", true),
        ("{ 'a.b' = [10, 20] }", true),
        ("{ 'a.b.1' = 20 }", true),
        ("{ 'a.b.2' = { exists = false } }", true),
        ("{ a.b.0 = { at_most = 10 } }", true),
        ("{ i = { above = '$f' } }", true),
        ("{ f = { above = '$i' } }", false),
        ("{ f = { one_of = ['$i', '$f'] } }", true),
        ("{ f = { is_not = '$nothing' } }", false),
        // What is missing makes every comparison false, and NULL is missing.
        ("{ x = { is_not = 1 } }", false),
        ("{ x = { none_of = [1] } }", false),
        ("{ n = { is_not = 1 } }", false),
        ("{ n = { exists = true } }", false),
        ("{ n = { type = 'null' }, x = { type = 'null' } }", true),
        ("{ i = { exists = true, type = 'int' } }", true),
        ("{ i = { type = 'number' }, f = { type = 'number' } }", true),
        ("{ t = { type = 'number' } }", false),
        ("{ not = { i = 3 } }", false),
        ("{ not = { x = { is_not = 1 } } }", true),
        ("{ any = [{ i = 4 }, { f = { above = 2 } }] }", true),
        ("{ any = [{ i = 4 }, { f = { above = 3 } }] }", false),
        ("{ any = [] }", false),
        ("{ all = [{ i = 3 }, { any = [{ i = 3 }] }] }", true),
        ("{ '.any' = 1 }", true),
        ("{ '' = { type = 'record' }, '.' = { type = 'record' } }", true),
        ("{ value = 9 }", true),
    ] {
        assert_eq!(holds(when, input), wanted, "{when}");
    }
    assert!(holds("{ value = { above = 0.5 } }", "0.6"));
    assert!(holds("{ '' = { above = 0.5 } }", "0.6"));
    assert!(holds("{ 'value.0' = 5, '0' = 5 }", "[5]"));
    assert!(!holds("{ 'a.value' = 3 }", r#"{"a":3}"#));
}

#[test]
fn templates() {
    let file = r#"
        [[rule]]
        when = {}
        then = { a = ["$l", 1, true], b = "$$5", c = "${t} and ${l.0}${x}", d = "$x", e = { f = "$" } }
        [otherwise]
        then = "none"
    "#;
    let error = problem(file);
    assert!(error.contains("rule 1, then.e.f: \"$\": \"\" is not a path"), "{error}");
    let rules = rules(&file.replace(r#"f = "$""#, r#"f = "$value""#));
    assert_eq!(
        to_json(&rules.apply(&json(r#"{"l":[1.5],"t":"x"}"#))),
        r#"{"a":[[1.5],1,true],"b":"$5","c":"x and 1.5NULL","d":null,"e":{"f":null}}"#
    );
    let long = format!(r#"{{"t":"{}"}}"#, "é".repeat(5000));
    let Value::Record(result) = rules.apply(&json(&long)) else { panic!() };
    let Some(Value::Text(text)) = result.get("c") else { panic!() };
    assert_eq!(text.chars_len(), MAX_INSERTED_CHARS + "… and NULLNULL".chars().count());
}

#[test]
fn checks_give_every_reason() {
    let checks: Checks = toml::from_str(
        r#"
        [[require]]
        name = "size"
        when = { size = { at_most = 100 } }
        reason = "size ${size} is above 100"
        [[require]]
        when = { action = { one_of = ["BUY", "SELL"] } }
        reason = "no such action"
        [[deny]]
        when = { token = { starts_with = "SCAM" } }
        reason = "$token"
        [approved]
        then = { by = "rules" }
        [refused]
        then = { action = "NONE", approved = true }
        "#,
    )
    .unwrap();
    let verdict = checks.judge(&json(r#"{"action":"BUY","size":100}"#));
    assert!(verdict.approved && verdict.reasons.is_empty());
    assert_eq!(
        to_json(&Value::Record(verdict.record)),
        r#"{"approved":true,"by":"rules","reasons":[]}"#
    );
    let verdict = checks.judge(&json(r#"{"action":"BUY","size":101,"token":"SCAM2"}"#));
    assert!(!verdict.approved);
    assert_eq!(verdict.reasons, ["SCAM2", "size 101 is above 100"]);
    assert_eq!(
        to_json(&Value::Record(verdict.record)),
        r#"{"action":"NONE","approved":false,"reasons":["SCAM2","size 101 is above 100"]}"#
    );
    assert_eq!(checks.judge(&Value::Null).reasons, ["size NULL is above 100", "no such action"]);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let rule = |rule: &str| problem(&format!("[[rule]]\nname='r'\n{rule}\n[otherwise]\nthen=1"));
    for (found, wanted) in [
        (problem(""), "file: there are no rules"),
        (
            problem("[[rules]]\n"),
            "file: there is no \"rules\"; there are rule, otherwise, deny, require",
        ),
        (
            problem("[[rule]]\nwhen={}\nthen=1"),
            "file: [otherwise] is missing: what to give where no rule holds",
        ),
        (
            problem("rule=1\n[otherwise]\nthen=1"),
            "rule: must be [[rule]], a list of tables, found int",
        ),
        (rule("then=1"), "rule \"r\": \"when\" is missing"),
        (rule("when={}"), "rule \"r\": \"then\" is missing"),
        (
            rule("when={}\nthen=1\nelse=2"),
            "rule \"r\": there is no \"else\"; there are name, when, then",
        ),
        (rule("when=1\nthen=1"), "rule \"r\", when: must be a table, found int"),
        (
            rule("when={mean={abov=1}}\nthen=1"),
            "rule \"r\", when.mean.abov: there is no \"abov\"; there are is, is_not, above, at_least, \
             below, at_most, contains, starts_with, ends_with, one_of, none_of, exists, type",
        ),
        (
            rule("when={mean={above=true}}\nthen=1"),
            "rule \"r\", when.mean.above: must be a number or a text, found bool",
        ),
        (
            rule("when={any=[{},{a={starts_with=1}}]}\nthen=1"),
            "rule \"r\", when.any[1].a.starts_with: must be a text, found int",
        ),
        (
            rule("when={a={}}\nthen=1"),
            "rule \"r\", when.a: nothing is said of it; write { exists = true }",
        ),
        (
            rule("when={a={exists='yes'}}\nthen=1"),
            "rule \"r\", when.a.exists: must be true or false, found text",
        ),
        (
            rule("when={a={one_of='x'}}\nthen=1"),
            "rule \"r\", when.a.one_of: must be a list, found text",
        ),
        (
            rule("when={any={}}\nthen=1"),
            "rule \"r\", when.any: must be a list of tables, found record",
        ),
        (
            rule("when={a='${b} c'}\nthen=1"),
            "rule \"r\", when.a: \"${b} c\": only \"$path\" can be compared with",
        ),
        (
            rule("when={}\nthen={a='$5 each'}"),
            "rule \"r\", then.a: \"$5 each\": \"5 each\" is not a path; write $$ for a text that begins with $",
        ),
        (rule("when={}\nthen='${a'"), "rule \"r\", then: \"${a\" has ${ without }"),
        (rule("when={a=2026-01-01}\nthen=1"), "a date must stand in quotes"),
        (
            problem("[[deny]]\nwhen={}\nreason=''\n[otherwise]\nthen=1"),
            "file: [[rule]] and [otherwise] decide, [[deny]] and [[require]] check; a file does one of the two",
        ),
        (problem("[refused]\nthen={}"), "file: there is no [[deny]] and no [[require]]"),
        (
            problem("[[deny]]\nwhen={}"),
            "deny 1, reason: is missing: what to say where it is broken",
        ),
        (
            problem("[[deny]]\nwhen={}\nreason='r'\n[refused]\nthen=1"),
            "refused, then: must be a table",
        ),
    ] {
        assert_eq!(found, wanted);
    }
    let decisions = "[[rule]]\nwhen={}\nthen=1\n[otherwise]\nthen=1";
    assert!(toml::from_str::<Decisions>(decisions).is_ok());
    let error = toml::from_str::<Checks>(decisions).unwrap_err();
    assert_eq!(
        error.message(),
        "file: [[deny]] and [[require]] are wanted here, these are decisions"
    );
}

#[test]
fn sizes_are_bounded() {
    let rule = |when: &str| format!("[[rule]]\nwhen={when}\nthen=1\n");
    let end = "[otherwise]\nthen=1";
    let many = rule("{}").repeat(MAX_RULES + 1) + end;
    assert_eq!(problem(&many), format!("rule: more than {MAX_RULES} of them"));
    let choices = format!("{{a={{one_of=[{}]}}}}", "1,".repeat(MAX_CONDITIONS / 2 + 1));
    let error = problem(&(rule(&choices).repeat(2) + end));
    assert!(error.ends_with(&format!("the file has more than {MAX_CONDITIONS} conditions")));
    let nested = |levels: usize| {
        let when = "{not=".repeat(levels) + "{a=1}" + &"}".repeat(levels);
        rule(&when) + end
    };
    assert!(toml::from_str::<Rules>(&nested(MAX_DEPTH - 1)).is_ok());
    assert!(problem(&nested(MAX_DEPTH + 1)).ends_with("conditions nest more than 16 levels"));
    assert!(toml::from_str::<Rules>(&nested(60)).is_err());
    // Not only what TOML can hold.
    let mut value = Value::Int(1);
    for _ in 0..50 {
        value = Value::Record(Record::from_iter([("not", value)]));
    }
    let rule = Record::from_iter([("when", value), ("then", Value::Null)]);
    let otherwise = Record::from_iter([("then", Value::Null)]);
    let file = Record::from_iter([
        ("rule", Value::list(vec![Value::Record(rule)])),
        ("otherwise", Value::Record(otherwise)),
    ]);
    assert!(Rules::from_value(&Value::Record(file)).is_err());
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3i64..4).prop_map(Value::Int),
        any::<f64>().prop_map(Value::float),
        "[a$.{}]{0,4}".prop_map(Value::from),
        prop::collection::vec(any::<f32>(), 0..3).prop_map(Value::vector),
    ];
    let name = "a|b|rule|when|then|otherwise|any|not|is|above|one_of|type|deny|reason";
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
            prop::collection::btree_map(name, inner, 0..4)
                .prop_map(|fields| Value::Record(Record::from_iter(fields))),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_rules_or_an_error(file in any_value(), when in any_value(), then in any_value(), input in any_value()) {
        let _ = Rules::from_value(&file);
        let rule = Record::from_iter([("when", when), ("then", then.clone())]);
        let otherwise = Record::from_iter([("then", then)]);
        let file = Record::from_iter([
            ("rule", Value::list(vec![Value::Record(rule)])),
            ("otherwise", Value::Record(otherwise)),
        ]);
        if let Ok(rules) = Rules::from_value(&Value::Record(file)) {
            prop_assert_eq!(rules.apply(&input), rules.apply(&input));
        }
    }

    #[test]
    fn comparisons_agree_with_the_language(a in -4i64..5, b in prop_oneof![(-4i64..5).prop_map(Value::Int), (-4.0..4.0).prop_map(Value::float)]) {
        let a = Value::Int(a);
        let check = |word: &str| {
            let test = Value::Record(Record::from_iter([(word, b.clone())]));
            let when = Value::Record(Record::from_iter([("", test)]));
            let rule = Record::from_iter([("when", when), ("then", Value::Bool(true))]);
            let otherwise = Record::from_iter([("then", Value::Bool(false))]);
            let file = Record::from_iter([
                ("rule", Value::list(vec![Value::Record(rule)])),
                ("otherwise", Value::Record(otherwise)),
            ]);
            Rules::from_value(&Value::Record(file)).unwrap().apply(&a) == Value::Bool(true)
        };
        let order = a.compare(&b).unwrap();
        prop_assert_eq!(check("above"), order.is_gt());
        prop_assert_eq!(check("at_least"), order.is_ge());
        prop_assert_eq!(check("below"), order.is_lt());
        prop_assert_eq!(check("at_most"), order.is_le());
        prop_assert_eq!(check("is"), order.is_eq());
        prop_assert_eq!(check("is_not"), order.is_ne());
    }
}
