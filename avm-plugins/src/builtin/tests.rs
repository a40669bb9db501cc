use std::{path::PathBuf, sync::Arc, time::Duration};

use avm_ir::{
    NameKind, Opcode, Value,
    value::{from_json, to_json},
    verify::CodePlace,
};
use avm_vm::{EffectRequest, FailureCode, IdempotencyKey, Spend};

use super::*;
use crate::{
    host::{Host, NoHost},
    provider::{Call, Model, Plugin, Policy, Provider},
    registry::Registry,
};

/// A host with a few files and no clock.
struct Files(&'static [(&'static str, &'static str)]);

impl Host for Files {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let file = self.0.iter().find(|(name, _)| *name == path);
        file.map(|(_, text)| text.as_bytes().to_vec())
            .ok_or_else(|| format!("{path}: no such file"))
    }

    fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(path)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn unix_time(&self) -> i64 {
        0
    }

    fn sleep(&self, _: Duration) {}
}

const FILES: &[(&str, &str)] = &[
    ("d.toml", "[[rule]]\nwhen = { x = { above = 1 } }\nthen = \"$x\"\n[otherwise]\nthen = \"no\""),
    (
        "s.toml",
        "[[require]]\nwhen = { size = { at_most = 100 } }\nreason = \"size ${size} is above 100\"\n\
         [[deny]]\nwhen = { token = \"SCAM\" }\nreason = \"no such token\"",
    ),
    ("bad.toml", "[[rule]]\nwhen = { x = { abov = 1 } }\nthen = 1\n[otherwise]\nthen = 1"),
];

fn settings(keys: &str) -> Settings {
    let table = keys.parse().unwrap();
    Settings { name: "test".to_owned(), table, host: Arc::new(Files(FILES)) }
}

fn request(opcode: Opcode, args: Vec<Option<Value>>) -> EffectRequest {
    EffectRequest {
        id: 0,
        opcode,
        reach: opcode.info().reach.unwrap(),
        args: args.into_iter().collect(),
        at: CodePlace { region: 0, pc: 0 },
        max_gas: u64::MAX,
        max_bytes: u64::MAX,
        max_units: u64::MAX,
        max_spend: Spend::UNLIMITED,
        code: None,
        idempotency_key: IdempotencyKey::Given([0; 32]),
    }
}

fn call() -> Call {
    Call::of(&request(Opcode::GPU_INFER, Vec::new()))
}

fn json(text: &str) -> Value {
    from_json(text, 1 << 20).unwrap()
}

fn infer(model: &dyn Model, input: &str) -> String {
    let input = json(input);
    let shape = &model.manifest().functions[0];
    shape.args.check(&input).unwrap();
    let reply = model.infer(&call(), &input).unwrap();
    assert!(reply.spent.tokens <= model.most_tokens(&input));
    shape.result.check(&reply.outputs[0]).unwrap();
    to_json(&reply.outputs[0])
}

#[test]
fn models_answer_in_the_shape_of_their_manifest() {
    assert_eq!(infer(&Sentiment, "\"good\""), "0.4588");
    assert_eq!(infer(&Sentiment, "{\"text\":\"good\"}"), "0.4588");
    assert_eq!(infer(&Sentiment, "[\"good\",{\"text\":\"bad\"}]"), "0.0");
    assert_eq!(infer(&Summary, "\"Bees hum.\""), "\"Bees hum.\"");
    assert_eq!(infer(&Summary, "{\"text\":[\"Bees hum.\"],\"sentences\":1}"), "\"Bees hum.\"");
    let decision = Decision::new(&settings("")).unwrap();
    assert!(infer(&decision, "0.7").contains("\"BUY\""));
    let own = Decision::new(&settings("rules = 'd.toml'")).unwrap();
    assert_eq!(infer(&own, "{\"x\":2}"), "2");
    assert_eq!(infer(&own, "{\"x\":1}"), "\"no\"");
    assert!(own.manifest().about.contains("operator"));
}

#[test]
fn a_bad_file_of_rules_is_told_with_its_place() {
    let error = |keys: &str| Decision::new(&settings(keys)).unwrap_err().0;
    assert!(error("rules = 'bad.toml'").contains("bad.toml: "), "{}", error("rules = 'bad.toml'"));
    assert!(error("rules = 'bad.toml'").contains("rule 1, when.x.abov: there is no \"abov\""));
    assert!(error("rules = 's.toml'").contains("these are checks"));
    assert_eq!(error("rules = 'x.toml'"), "x.toml: no such file");
    assert!(error("rule = 'd.toml'").contains("unknown field `rule`"));
    assert!(Critic::new(&settings("rules = 'd.toml'")).is_err());
    assert!(RulePolicy::new(&settings("rules = 'd.toml'")).is_err());
}

#[test]
fn the_critic_takes_one_decision() {
    let critic = Critic::new(&settings("")).unwrap();
    let validate = |args: &str| critic.call(&call(), "validateDecision", &json(args));
    let good = r#"{"action":"BUY","size":10,"confidence":0.6,"reason":"likely"}"#;
    for args in [good.to_owned(), format!("[{good}]")] {
        let reply = validate(&args).unwrap();
        critic.manifest().functions[0].result.check(&reply.outputs[0]).unwrap();
        assert_eq!(to_json(&reply.outputs[0]), r#"{"approved":true,"reasons":[]}"#);
    }
    for args in ["[]", "[1,2]", "\"BUY\"", "[null]"] {
        let code = validate(args).unwrap_err().failure.code;
        assert_eq!(code, FailureCode::InvalidArgument, "{args}");
    }
    let own = Critic::new(&settings("rules = 's.toml'")).unwrap();
    let reply = own.call(&call(), "validateDecision", &json(r#"[{"size":101}]"#)).unwrap();
    assert_eq!(
        to_json(&reply.outputs[0]),
        r#"{"approved":false,"reasons":["size 101 is above 100"]}"#
    );
}

#[test]
fn the_policy_refuses_what_is_not_permitted() {
    let keys = "rules = 's.toml'\n[roles]\ntrader = ['trade', 'read.*']";
    let policy = RulePolicy::new(&settings(keys)).unwrap();
    for (action, permitted) in
        [("trade", true), ("trade.all", false), ("read.tweets", true), ("read", false), ("", false)]
    {
        assert_eq!(policy.permits("trader", action), Ok(permitted), "{action}");
    }
    let unknown = policy.permits("admin", "trade").unwrap_err().failure;
    assert_eq!(unknown.code, FailureCode::NotFound);
    assert_eq!(unknown.message, "there is no role \"admin\"; there are trader");
    assert_eq!(policy.check(&json(r#"{"size":100}"#)), Ok(()));
    let denied = policy.check(&json(r#"{"token":"SCAM"}"#)).unwrap_err().failure;
    assert_eq!(denied.code, FailureCode::Denied);
    assert_eq!(denied.message, "no such token; size NULL is above 100");
    let empty = RulePolicy::new(&settings("")).unwrap();
    assert_eq!(empty.check(&Value::Null).unwrap_err().failure.code, FailureCode::NoProvider);
    assert!(empty.permits("trader", "trade").is_err());
}

#[test]
fn the_paper_s_names_are_bound() {
    let registry = Registry::embedded(Arc::new(NoHost::default()));
    for (kind, name) in [
        (NameKind::Model, "sentimentModel_v2"),
        (NameKind::Model, "DecisionModel"),
        (NameKind::Plugin, "CriticModule"),
    ] {
        let bound = registry.bindings(kind);
        assert!(bound.iter().any(|(bound, ..)| *bound == name), "{name}");
    }
}

fn ask(registry: &mut Registry, opcode: Opcode, args: &[Value]) -> Result<Value, FailureCode> {
    let mut all: Vec<_> = args.iter().cloned().map(Some).collect();
    all.resize(opcode.info().inputs.len(), None);
    let request = request(opcode, all);
    let answer = registry.answer(&request);
    answer.result.map(|mut outputs| outputs.remove(0)).map_err(|failure| failure.code)
}

#[test]
fn a_run_reaches_them() {
    let mut registry = Registry::embedded(Arc::new(NoHost::default()));
    let grades = json("[0.5, null, 1]");
    let mean = ask(&mut registry, Opcode::REDUCE_MODEL_CALL, &[Value::text("average"), grades]);
    assert_eq!(mean, Ok(Value::float(0.75)));
    let bad = [Value::text("median"), json("[1]")];
    let bad = ask(&mut registry, Opcode::REDUCE_MODEL_CALL, &bad);
    assert_eq!(bad, Err(FailureCode::InvalidArgument));
    let mood = [Value::text("sentimentModel_v2"), Value::text("good")];
    assert_eq!(ask(&mut registry, Opcode::GPU_INFER, &mood), Ok(Value::float(0.4588)));
    let key = [Value::text("zz"), Value::text("zz"), Value::text("m")];
    let checked = ask(&mut registry, Opcode::CHECK_SIG, &key);
    assert_eq!(checked, Err(FailureCode::InvalidArgument));
}

/// Who asks with its code, and gets another one; by default nobody has to be bound.
#[test]
fn the_tuner_is_the_default_advisor() {
    let source = "SELF_OBSERVER_MODE true\nSEPARATE_PROMPT [\"HALT\"], \"earn more\" -> r\n\
                  .region A detached perms=read,modify\nSET x = 8\n.endregion\n";
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", source, &mut avm_asm::NoSources, &options);
    let program = avm_ir::verify(assembly.program.expect("it assembles")).expect("it verifies");
    let image = Arc::new(avm_vm::Image::new(program, &avm_ir::Schedule::v1()));
    let mut machine = avm_vm::Machine::new(image, avm_vm::Config::default()).expect("it starts");
    let avm_vm::Pause::Effect(asked) = machine.run(u64::MAX, &mut ()) else { panic!("it asks") };
    let mut registry = Registry::embedded(Arc::new(NoHost::default()));
    let mut ask = |input: Value| {
        let args = [Some(input), Some(Value::text("earn more"))].into_iter().collect();
        let asked = EffectRequest { args, ..asked.as_ref().clone() };
        assert_eq!(registry.provider_of(&asked), Some("builtin:tuner"));
        registry.answer(&asked)
    };
    let answer = ask(Value::text("SET x = 8"));
    let proposal = to_json(&answer.result.expect("a proposal")[0]);
    assert!(proposal.contains(r#""empty":false,"text":"SET x = "#), "{proposal}");
    assert!(answer.spent.tokens > 0);
    // There is nothing to change in it.
    assert_eq!(ask(Value::text("NOP")).result, Ok(vec![Value::Null]));
    let failure = ask(Value::Int(1)).result.expect_err("no code");
    assert_eq!(failure.code, FailureCode::InvalidArgument);
    let other = registry.answer(&EffectRequest { code: None, ..asked.as_ref().clone() });
    assert!(other.result.expect_err("no program").message.contains("without the code"));
}

#[test]
fn keys_of_the_tuner_have_their_ranges() {
    assert!(Tuner::new(&settings("")).is_ok());
    assert!(Tuner::new(&settings("step = 1.0\nmost = 1000\nseed = -1")).is_ok());
    for (keys, why) in [
        ("step = 0.0", "step must be"),
        ("step = 1.5", "step must be"),
        ("step = nan", "step must be"),
        ("most = 0", "most must be"),
        ("most = 1001", "most must be"),
        ("seed = 0.5", "invalid type"),
        ("steps = 1", "unknown field"),
    ] {
        let said = Tuner::new(&settings(keys)).expect_err(keys).0;
        assert!(said.contains(why), "{keys}: {said}");
    }
    let tuner = Tuner::default();
    let refused = tuner.infer(&call(), &Value::text("hello")).expect_err("it answers nothing");
    assert!(refused.failure.message.contains("SEPARATE_PROMPT"), "{refused:?}");
}
