//! Every line of JSON is as `spec/trace.schema.json` says. The part of JSON Schema that it uses is
//! small enough to be checked by hand; a word that is not known here fails.

#[path = "common/run.rs"]
mod common;

use avm_trace::{Filter, json};
use common::{Run, SAMPLE};
use serde_json::{Map, Value};

const SCHEMA: &str = include_str!("../../spec/trace.schema.json");

/// Why a value does not fit a schema.
fn check(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let empty = Map::new();
    let schema = schema.as_object().expect("a schema is an object");
    let fail = |word: &str| Err(format!("{word}: {value}"));
    for (word, rule) in schema {
        match word.as_str() {
            "$schema" | "title" | "description" | "$defs" => {}
            "$ref" => {
                let path = rule.as_str().expect("a path").trim_start_matches('#');
                check(root, root.pointer(path).expect("it is defined"), value)?;
            }
            "type" => {
                let fits = match rule.as_str().expect("a name") {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    other => panic!("type {other} is not known here"),
                };
                if !fits {
                    return fail(word);
                }
            }
            "const" if rule != value => return fail(word),
            "const" => {}
            "enum" => {
                if !rule.as_array().expect("a list").contains(value) {
                    return fail(word);
                }
            }
            "minimum" if value.as_i64() < rule.as_i64() => return fail(word),
            "maximum" if value.as_i64() > rule.as_i64() => return fail(word),
            "minimum" | "maximum" => {}
            "pattern" => {
                assert_eq!(rule, "^[0-9a-f]{64}$", "the one pattern that is known here");
                let text = value.as_str().unwrap_or_default();
                let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
                if text.len() != 64 || !text.chars().all(hex) {
                    return fail(word);
                }
            }
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    check(root, rule, item)?;
                }
            }
            "required" => {
                let object = value.as_object().unwrap_or(&empty);
                let names = rule.as_array().expect("a list");
                let missing =
                    names.iter().filter_map(Value::as_str).find(|n| !object.contains_key(*n));
                if let Some(name) = missing {
                    return Err(format!("{name} is missing: {value}"));
                }
            }
            "properties" => {
                for (name, rule) in rule.as_object().expect("an object") {
                    if let Some(value) = value.get(name) {
                        check(root, rule, value)?;
                    }
                }
            }
            "additionalProperties" => {
                assert_eq!(*rule, Value::Bool(false));
                let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
                let object = value.as_object().unwrap_or(&empty);
                if let Some(name) = object.keys().find(|name| !known.contains_key(*name)) {
                    return Err(format!("{name} is unknown: {value}"));
                }
            }
            "oneOf" => {
                let rules = rule.as_array().expect("a list");
                let fits = rules.iter().filter(|rule| check(root, rule, value).is_ok()).count();
                if fits != 1 {
                    let kind = value["kind"].as_str().unwrap_or_default();
                    let is_line = rules.iter().all(|rule| rule.get("$ref").is_some());
                    let own = root.pointer(&format!("/$defs/{kind}")).filter(|_| is_line);
                    let why = own.map(|rule| check(root, rule, value));
                    return Err(format!("fits {fits} of {word}, {why:?}: {value}"));
                }
            }
            other => panic!("{other} is not known here"),
        }
    }
    Ok(())
}

fn lines(run: &Run) -> Vec<Value> {
    let mut out = String::new();
    json::write(&mut run.reader(), &Filter::default(), 64, &mut out).expect("a whole trace");
    out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn every_line_fits_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let runs = [
        SAMPLE,
        "RETURN 1 / 0\n",
        "SET x = 0\nWHILE true DO\nSET x = x + 1\nKV_STORE \"x\", REPEAT(\"x\", x)\nENDWHILE\n",
    ];
    let mut kinds = std::collections::BTreeSet::new();
    let runs = runs.into_iter().map(Run::of).chain([Run::rewriting()]);
    for run in runs {
        let lines = lines(&run);
        let steps = lines.iter().filter(|line| line["kind"] == "step").count();
        assert_eq!(steps as u64, run.machine.steps());
        for line in lines {
            check(&schema, &schema, &line).unwrap_or_else(|why| panic!("{why}"));
            kinds.insert(line["kind"].as_str().expect("a kind").to_owned());
        }
    }
    let all =
        ["answered", "effect", "end", "log", "rewrite", "step", "store", "trace", "trace_end"];
    assert!(all.iter().all(|kind| kinds.contains(*kind)), "{kinds:?}");
}

#[test]
fn the_check_finds_what_does_not_fit() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let mut all = lines(&Run::of(SAMPLE));
    all.extend(lines(&Run::rewriting()).into_iter().filter(|line| line["kind"] == "rewrite"));
    for line in &all {
        let fields = line.as_object().expect("an object");
        let optional = ["jumped", "status", "function", "file", "line", "value", "deleted"];
        for name in fields.keys().filter(|name| !optional.contains(&name.as_str())) {
            let mut less = fields.clone();
            less.remove(name);
            assert!(check(&schema, &schema, &Value::Object(less)).is_err(), "without {name}");
            let mut other = fields.clone();
            other.insert(name.clone(), Value::Bool(false));
            if name != "note" {
                assert!(check(&schema, &schema, &Value::Object(other)).is_err(), "other {name}");
            }
        }
        let mut more = fields.clone();
        more.insert("unknown".into(), Value::Null);
        assert!(check(&schema, &schema, &Value::Object(more)).is_err());
    }
}
