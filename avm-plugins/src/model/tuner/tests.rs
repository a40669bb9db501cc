use avm_asm::{NoSources, Options, assemble, patch::region_text};
use avm_ir::{
    Program, Value,
    value::{Record, from_json},
};

use proptest::prelude::*;

use super::{Keys, Tuned, neighbours::neighbours, tune};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever stands in a text, its neighbours are texts, and only so many.
    #[test]
    fn any_text_has_neighbours(
        text in "(-|[0-9]{1,20}|0x7F|1e300|<=|!=|GT|\\.region|[a-zé]{1,3}|\"|[ \n,(:;])*",
        step in 0.001..=1.0,
    ) {
        for neighbour in neighbours(&text, step, 7) {
            prop_assert!(neighbour.text != text && neighbour.change.starts_with("line "));
        }
    }
}

fn program(body: &str, tests: &str) -> Program {
    let source = format!(
        "RETURN buy(1, 2)\n.region STRATEGY detached perms=read,modify,execute\n{body}\n.endregion\n\
         .region SAFE detached perms=read,execute\nHALT\n.endregion\n{tests}"
    );
    let assembly = assemble("a.avm", &source, &mut NoSources, &Options::default());
    assembly.program.unwrap_or_else(|| panic!("{source}\n{:?}", assembly.diagnostics))
}

const BUY: &str = ".func buy(before, now)\n  RETURN now - before > 8\n.endfunc";

fn text(program: &Program) -> Value {
    Value::from(region_text(program, "STRATEGY").expect("it has a text"))
}

fn proposal(program: &Program, notes: &[&str], seed: i64, keys: Keys) -> Value {
    let notes: Vec<Value> = notes.iter().map(|note| Value::text(note)).collect();
    let input = Value::list(vec![Value::list(notes), text(program), Value::Int(seed)]);
    text_of(tune(program, &input, keys).expect("it reads the input").proposal)
}

/// The text of a proposal, or `NULL`.
fn text_of(proposal: Value) -> Value {
    match &proposal {
        Value::Record(fields) => fields.get("text").cloned().expect("it has a text"),
        _ => proposal,
    }
}

/// What is offered for each round without a gain, without `.region` and its end.
fn offers(program: &Program, keys: Keys) -> Vec<String> {
    let mut notes = vec![r#"{"score":1}"#];
    let mut offers = Vec::new();
    loop {
        match proposal(program, &notes, 0, keys) {
            Value::Text(text) => offers.push(text.as_str().to_owned()),
            Value::Null => return offers,
            other => panic!("{other:?}"),
        }
        notes.push(r#"{"score":0.5,"kept":false}"#);
    }
}

#[test]
fn every_number_and_comparison_has_its_neighbours() {
    let code = "SET x = -4\nLT x, 1.5 -> b\nIF y - 3 == -2 THEN\n  SET z = [0, 10.0]\nENDIF\n";
    let mut texts: Vec<String> = neighbours(code, 0.5, 0).map(|one| one.text).collect();
    let all = texts.len();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), all, "each is there once");
    let line = |text: &String| {
        let changed = text.lines().zip(code.lines()).filter(|(new, old)| new != old);
        let changed: Vec<&str> = changed.map(|(new, _)| new.trim()).collect();
        assert_eq!(changed.len(), 1, "{text}");
        changed[0].to_owned()
    };
    let mut lines: Vec<String> = texts.iter().map(line).collect();
    lines.sort();
    // Of 1.5 there is a pair for each of five steps, which are written short.
    assert_eq!(lines.iter().filter(|line| line.starts_with("LT")).count(), 10);
    assert!(lines.contains(&"LT x, 1.45312 -> b".to_owned()), "{lines:?}");
    lines.retain(|line| !line.starts_with("LT") && !line.ends_with(".0]") && !line.contains("10."));
    assert_eq!(
        lines,
        [
            "GE x, 1.5 -> b",
            "GT x, 1.5 -> b",
            "IF y - 1 == -2 THEN",
            "IF y - 2 == -2 THEN",
            "IF y - 3 != -2 THEN",
            "IF y - 3 == -1 THEN",
            "IF y - 3 == -3 THEN",
            "IF y - 4 == -2 THEN",
            "IF y - 5 == -2 THEN",
            "LE x, 1.5 -> b",
            "SET x = -2",
            "SET x = -3",
            "SET x = -5",
            "SET x = -6",
            "SET z = [0, 11.25]",
            "SET z = [0, 12.5]",
            "SET z = [0, 7.5]",
            "SET z = [0, 8.75]",
            "SET z = [0, 9.375]",
            "SET z = [0, 9.6875]",
        ]
    );
}

#[test]
fn the_order_depends_on_code_and_seed_alone() {
    let program = program(BUY, "");
    let first = |seed| proposal(&program, &[], seed, Keys::default());
    assert_eq!(first(0), first(0));
    assert!((1..20).any(|seed| first(seed) != first(0)));
    let seeded = Keys { seed: 3, ..Keys::default() };
    assert_eq!(proposal(&program, &[], 0, seeded), first(3));
    let whole = tune(&program, &text(&program), Keys::default()).expect("a proposal");
    let change = avm_ir::value::to_json(&whole.proposal);
    assert!(change.contains(r#""change":"line 6: "#), "{change}");
}

#[test]
fn what_was_offered_and_not_kept_is_not_offered_again() {
    let program = program(BUY, "");
    let offers = offers(&program, Keys::default());
    let unique: std::collections::BTreeSet<&String> = offers.iter().collect();
    assert_eq!(unique.len(), offers.len());
    // 8 by 2 and by 1, up and down; three other comparisons.
    assert_eq!(offers.len(), 7, "{offers:#?}");
    // A gain is a new beginning.
    let again = proposal(
        &program,
        &[r#"{"score":1}"#, r#"{"score":0}"#, r#"{"score":2}"#],
        0,
        Keys::default(),
    );
    assert_eq!(again, Value::text(offers[0].as_str()));
}

#[test]
fn what_fails_a_test_is_left_out() {
    let tests = ".test \"it waits for a rise\" region=STRATEGY\n  expect NOT buy(10, 10)\n\
                 .endtest\n.test \"it sees a leap\" region=STRATEGY\n  expect buy(1, 11)\n.endtest\n";
    let tested = program(BUY, tests);
    let offers = offers(&tested, Keys::default());
    let gas =
        |most| tune(&tested, &text(&tested), Keys { most, ..Keys::default() }).expect("a code").gas;
    assert!(gas(1) > 0 && gas(1) <= gas(64));
    // Neither `<` nor `<=` passes; 8 + 2 does not see the leap.
    assert_eq!(offers.len(), 4, "{offers:#?}");
    assert!(offers.iter().all(|text| !text.contains("LT %") && !text.contains("LE %")));
}

/// Where the code fails a test of its own, a change that passes more is what is looked for.
#[test]
fn a_region_that_fails_its_tests_is_mended() {
    let broken = BUY.replace('>', "<");
    let tests = ".test \"up\" region=STRATEGY\n  expect buy(1, 20)\n.endtest\n\
                 .test \"down\" region=STRATEGY\n  expect NOT buy(20, 1)\n.endtest\n";
    let program = program(&broken, tests);
    let Value::Text(text) = proposal(&program, &[], 0, Keys::default()) else {
        panic!("nothing proposed")
    };
    assert!(text.contains("GT %") || text.contains("GE %"), "{text}");
    // Where no change passes more, there is none to make.
    let hopeless =
        ".test \"never\" region=STRATEGY\n  expect buy(1, 1) AND NOT buy(1, 1)\n.endtest\n";
    let program = self::program(BUY, hopeless);
    assert_eq!(proposal(&program, &[], 0, Keys::default()), Value::Null);
}

#[test]
fn a_step_is_bounded() {
    let program = program(&BUY.replace('8', "1000"), "");
    let keys = Keys { step: 0.1, ..Keys::default() };
    for text in offers(&program, keys) {
        let line = text.lines().find(|line| line.contains("%2, ")).expect("the comparison");
        let digits = line.split([',', '-']).nth(1).expect("its number").trim();
        let number: i64 = digits.parse().expect("a number");
        assert!((900..=1100).contains(&number), "{text}");
    }
    let few = Keys { most: 2, ..Keys::default() };
    assert_eq!(offers(&program, few).len(), 2);
}

#[test]
fn inputs_in_all_forms() {
    let program = program(BUY, "");
    let code = text(&program);
    let record = Value::Record(Record::from_iter([("code", code.clone())]));
    let plain = tune(&program, &code, Keys::default());
    assert!(matches!(plain, Ok(Tuned { proposal: Value::Record(_), gas: 0 })));
    assert_eq!(tune(&program, &record, Keys::default()), plain);
    // The body alone will do where one region can be changed.
    let body = Value::text(BUY);
    let tuned = tune(&program, &body, Keys::default());
    assert!(matches!(tuned, Ok(Tuned { proposal: Value::Record(_), .. })));
    for (input, why) in [
        ("null", "the input has no code"),
        ("[[\"a note\"], 7]", "the input has no code"),
        ("{\"logs\": []}", "the input has no code"),
        ("\".region OTHER\\nHALT\\n.endregion\"", "OTHER"),
        ("\".region main\\nHALT\\n.endregion\"", "main"),
        ("\".region SAFE\\nHALT\\n.endregion\"", "SAFE cannot be modified"),
        ("\".func buy(a, b)\\n  RETURN a +\\n.endfunc\"", "a value is missing"),
    ] {
        let input = from_json(input, 1 << 16).expect("JSON");
        let refused = tune(&program, &input, Keys::default()).expect_err(why);
        assert!(refused.failure.message.contains(why), "{refused:?}");
    }
}
