use std::sync::Arc;

use avm_ir::{NameKind, Opcode, Value, value::Record, verify::CodePlace};
use avm_vm::{Answer, EffectRequest, FailureCode, IdempotencyKey, Spend};

use super::{Binding, Origin, Registry};
use crate::{
    builtin::Collections,
    docs::{collection::Limits, persist::Library},
    host::{Host, NoHost},
    model::{extractive, hash_embed},
    store::MemoryStore,
};

fn registry() -> Registry {
    let library = Library::new(Arc::new(MemoryStore::default()), Limits::default());
    let mut registry = Registry::embedded(Arc::new(NoHost::default()));
    registry.set_documents(Arc::new(Collections::new(library, "in memory")));
    registry
}

fn request(opcode: Opcode, args: &[Value]) -> EffectRequest {
    let mut args: Vec<_> = args.iter().cloned().map(Some).collect();
    args.resize(opcode.info().inputs.len(), None);
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

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| Value::text(text)).collect()
}

fn failure(answer: &Answer) -> FailureCode {
    answer.result.as_ref().unwrap_err().code
}

fn output(answer: Answer) -> Value {
    answer.result.unwrap().remove(0)
}

fn embed(registry: &mut Registry, id: &str, text: &str) -> Answer {
    registry.answer(&request(Opcode::DOC_EMBED, &texts(&["C", id, text, hash_embed::NAME])))
}

fn search(registry: &mut Registry, top_k: i64, change: impl FnOnce(&mut EffectRequest)) -> Answer {
    let query = Value::vector(hash_embed::embed("red apples"));
    let mut ask = request(Opcode::DOC_SEARCH, &[Value::text("C"), query, Value::Int(top_k)]);
    change(&mut ask);
    registry.answer(&ask)
}

#[test]
fn names_without_provider_fail_and_say_how_to_bind_one() {
    let mut registry = registry();
    let answer = registry.answer(&request(Opcode::GPU_INFER, &texts(&["X", "hello"])));
    let failure = answer.result.unwrap_err();
    assert_eq!(failure.code, FailureCode::NotGranted);
    assert_eq!(
        failure.message,
        "model \"X\" is not granted; bind it in avm.toml or with --bind model:X=PROVIDER"
    );
    let to = |provider: &str| Binding::to(provider, Origin::Operator);
    registry.bind(NameKind::Model, "X", to(extractive::NAME)).unwrap();
    let answer = registry.answer(&request(Opcode::GPU_INFER, &texts(&["X", "hello"])));
    assert_eq!(output(answer), Value::text(extractive::REFUSAL));
    assert!(registry.bind(NameKind::Model, "X", to("builtin:genius")).is_err());
    assert_eq!(registry.binding(NameKind::Model, "X").unwrap().0, extractive::NAME);
}

#[test]
fn every_instruction_gets_an_answer() {
    for opcode in Opcode::ALL.iter().copied().filter(|opcode| opcode.info().reach.is_some()) {
        for mut registry in [Registry::new(Arc::new(NoHost::default())), registry()] {
            // Whatever the operands: none, and one wrong in each place.
            registry.answer(&request(opcode, &[]));
            let nulls = vec![Value::Null; opcode.info().inputs.len()];
            let answer = registry.answer(&request(opcode, &nulls));
            let takes_nothing = opcode.info().inputs.is_empty();
            assert!(answer.result.is_err() || takes_nothing, "{opcode:?}");
        }
    }
}

#[test]
fn embedded_models_refuse_what_is_not_theirs() {
    let mut registry = registry();
    let record = Value::Record(Record::new());
    for (opcode, args) in [
        (Opcode::GPU_INFER, [Value::text("LLama"), record]),
        (Opcode::GPU_INFER, [Value::text(hash_embed::NAME), Value::text("x")]),
        (Opcode::CALC_EMBED, [Value::text("x"), Value::text("LLama")]),
    ] {
        assert_eq!(
            failure(&registry.answer(&request(opcode, &args))),
            FailureCode::InvalidArgument
        );
    }
}

#[test]
fn documents_are_stored_found_and_deleted() {
    let mut registry = registry();
    for (id, text) in [("a", "red apples"), ("b", "green pears"), ("c", "red apples, ripe")] {
        assert_eq!(embed(&mut registry, id, text).units, hash_embed::DIMENSIONS as u64);
    }
    let answer = search(&mut registry, 2, |_| {});
    assert_eq!(answer.units, 3);
    let Value::List(list) = output(answer) else { panic!("not a list") };
    let Some(Value::Record(first)) = list.get(0) else { panic!("not a record") };
    assert_eq!(first.get("id"), Some(&Value::text("a")));
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["id", "score", "text", "title"]);

    let diverse = search(&mut registry, 2, |ask| ask.args[3] = Some(Value::Bool(true)));
    // Three with the query, and three candidates with each of two results.
    assert_eq!(diverse.units, 3 + 6);

    let fetch = |id| request(Opcode::DOC_FETCH, &texts(&["C", id]));
    assert_eq!(output(registry.answer(&fetch("b"))), Value::text("green pears"));
    assert_eq!(failure(&registry.answer(&fetch("z"))), FailureCode::NotFound);
    let delete = request(Opcode::DELETE_DOC, &texts(&["C", "b"]));
    assert!(registry.answer(&delete).result.is_ok());
    assert_eq!(failure(&registry.answer(&delete)), FailureCode::NotFound);
    let drop = request(Opcode::DELETE_COLLECTION, &texts(&["C"]));
    assert_eq!(registry.answer(&drop).units, 2);
    assert_eq!(failure(&registry.answer(&drop)), FailureCode::NotFound);
    assert_eq!(output(search(&mut registry, 1, |_| {})), Value::list(vec![]));
}

#[test]
fn bad_operands_are_failures() {
    let mut registry = registry();
    embed(&mut registry, "a", "red apples");
    for top_k in [i64::MIN, -1, 0, 1001, i64::MAX] {
        let answer = search(&mut registry, top_k, |_| {});
        assert_eq!(failure(&answer), FailureCode::InvalidArgument, "{top_k}");
    }
    for lambda in [-0.1, 1.1, f64::NAN] {
        let answer = search(&mut registry, 1, |ask| {
            ask.args[3] = Some(Value::Bool(true));
            ask.args[4] = Some(Value::Float(lambda));
        });
        assert_eq!(failure(&answer), FailureCode::InvalidArgument, "{lambda}");
    }
    let short = search(&mut registry, 1, |ask| ask.args[1] = Some(Value::vector(vec![1.0])));
    assert_eq!(failure(&short), FailureCode::InvalidArgument);
    let mut store = texts(&["C", "b", "text"]);
    store.push(Value::vector(vec![1.0, 2.0]));
    let answer = registry.answer(&request(Opcode::DOC_STORE, &store));
    assert_eq!(failure(&answer), FailureCode::InvalidArgument);
}

#[test]
fn limits_of_a_call_hold() {
    let mut registry = registry();
    for id in ["a", "b", "c"] {
        embed(&mut registry, id, "red apples");
    }
    let poor = search(&mut registry, 3, |ask| ask.max_units = 2);
    assert_eq!((failure(&poor), poor.units), (FailureCode::GasLimit, 3));
    let narrow = search(&mut registry, 3, |ask| ask.max_bytes = 70);
    assert_eq!((failure(&narrow), narrow.units), (FailureCode::TooLarge, 3));

    let mut ask = request(Opcode::DOC_EMBED, &texts(&["C", "d", "text", hash_embed::NAME]));
    ask.max_units = 383;
    assert_eq!(failure(&registry.answer(&ask)), FailureCode::GasLimit);
    let fetch = request(Opcode::DOC_FETCH, &texts(&["C", "d"]));
    assert_eq!(failure(&registry.answer(&fetch)), FailureCode::NotFound, "stored unpaid");

    let mut drop = request(Opcode::DELETE_COLLECTION, &texts(&["C"]));
    drop.max_units = 2;
    assert_eq!(failure(&registry.answer(&drop)), FailureCode::GasLimit);
    drop.max_units = 3;
    assert_eq!(registry.answer(&drop).units, 3);
}

#[test]
fn the_clock_is_the_hosts() {
    let host = Arc::new(NoHost::default());
    let mut registry = Registry::new(Arc::clone(&host) as Arc<dyn Host>);
    let now = request(Opcode::GET_CURRENT_TIME, &[]);
    assert_eq!(failure(&registry.answer(&now)), FailureCode::NoProvider);
    registry.set_clock();
    host.sleep(std::time::Duration::from_secs(1_700_000_000));
    assert_eq!(output(registry.answer(&now)), Value::Int(1_700_000_000));
    assert_eq!(registry.provider_of(&now), Some("clock"));
}

#[test]
fn handles_stand_for_names_and_survive() {
    let mut registry = registry();
    let handle = output(registry.answer(&request(Opcode::LOAD_MODEL, &texts(&["LLama"]))));
    let ask = request(Opcode::GPU_INFER, &[handle, Value::text("hello")]);
    assert_eq!(output(registry.answer(&ask)), Value::text(extractive::REFUSAL));
    let saved = registry.save();
    let mut other = self::registry();
    other.restore(&saved).unwrap();
    assert_eq!(output(other.answer(&ask)), Value::text(extractive::REFUSAL));
}

#[test]
fn what_is_granted_and_has_no_provider_says_so() {
    let mut registry = registry();
    let join = request(Opcode::SWARM_CONNECT, &texts(&["TradingSwarm"]));
    assert_eq!(failure(&registry.answer(&join)), FailureCode::NotGranted);
    registry.grants_mut().allow(NameKind::Channel, "TradingSwarm", Origin::Config);
    assert_eq!(failure(&registry.answer(&join)), FailureCode::NoProvider);
}
