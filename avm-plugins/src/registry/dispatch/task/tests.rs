use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use avm_ir::verify::CodePlace;

use super::*;
use crate::{
    host::NoHost,
    provider::{Manifest, Provider},
};

/// A cluster whose payloads say how their tasks end: `[end, credits]`.
#[derive(Default)]
struct Mock(Mutex<(u64, BTreeMap<u64, Report>)>);

impl Provider for Mock {
    fn manifest(&self) -> Manifest {
        Manifest::pure("a mock", Vec::new())
    }
}

impl Cluster for Mock {
    fn start(&self, _: &Call, payload: &Value, credits: u64) -> Result<u64, Refusal> {
        let Value::List(wish) = payload else { return Err(Refusal::invalid("no wish")) };
        let [Value::Int(end), Value::Int(wanted)] = wish.as_slice() else {
            return Err(Refusal::invalid("no wish"));
        };
        let end = [TaskEnd::Running, TaskEnd::Complete, TaskEnd::Partial, TaskEnd::Failed]
            [(end % 4) as usize];
        let credits = credits.min(wanted.cast_unsigned());
        let report = Report { end, result: Value::text("R"), credits, message: "broken".into() };
        let mut tasks = self.0.lock().unwrap();
        tasks.0 += 1;
        let number = tasks.0;
        tasks.1.insert(number, report);
        Ok(number)
    }

    fn wait(&self, task: u64, _: Duration) -> Result<Report, Refusal> {
        let report = self.0.lock().unwrap().1.get(&task).cloned();
        report.ok_or_else(|| Refusal::not_found("no task"))
    }

    fn cancel(&self, task: u64) {
        self.0.lock().unwrap().1.remove(&task);
    }
}

struct Bench {
    registry: Registry,
    mock: Arc<Mock>,
    asked: u64,
    /// What is left of the credits.
    left: u64,
}

fn bench(left: u64) -> Bench {
    let mock = Arc::new(Mock::default());
    let mut registry = Registry::new(Arc::new(NoHost::default()));
    let bound = registry.unguarded::<dyn Cluster>("mock", mock.clone());
    registry.clusters.insert("C".to_owned(), bound);
    Bench { registry, mock, asked: 0, left }
}

impl Bench {
    /// Asks and settles as a machine does. `key` for asking what was asked before.
    fn ask_as(&mut self, key: u64, opcode: Opcode, args: &[Value]) -> Result<Value, FailureCode> {
        let answer = self.registry.answer(&request(key, opcode, args, self.left));
        assert!(answer.spent.credits <= self.left, "more than is left");
        self.left = self.left - answer.spent.credits + answer.refund.credits;
        answer.result.map(|outputs| outputs[0].clone()).map_err(|failure| failure.code)
    }

    fn ask(&mut self, opcode: Opcode, args: &[Value]) -> Result<Value, FailureCode> {
        self.asked += 1;
        self.ask_as(self.asked, opcode, args)
    }
}

fn request(key: u64, opcode: Opcode, args: &[Value], credits: u64) -> EffectRequest {
    let mut args: Vec<_> = args.iter().cloned().map(Some).collect();
    args.resize(opcode.info().inputs.len(), None);
    let mut idempotency_key = [0; 32];
    idempotency_key[..8].copy_from_slice(&key.to_le_bytes());
    EffectRequest {
        id: key,
        opcode,
        reach: opcode.info().reach.unwrap(),
        args: args.into_iter().collect(),
        at: CodePlace { region: 0, pc: 0 },
        max_gas: u64::MAX,
        max_bytes: u64::MAX,
        max_units: u64::MAX,
        max_spend: Spend { credits, ..Spend::UNLIMITED },
        code: None,
        idempotency_key: idempotency_key.into(),
    }
}

fn wish(end: i64, nanocredits: i64) -> Value {
    Value::list(vec![Value::Int(end), Value::Int(nanocredits)])
}

fn nano(credits: u64) -> Value {
    Value::float(credits as f64 / 1e9)
}

#[test]
fn what_is_held_comes_back_once() {
    let mut bench = bench(1_000);
    let migrate = [Value::text("C"), wish(2, 30), nano(100)];
    let task = bench.ask(Opcode::HPC_MIGRATE, &migrate).unwrap();
    assert_eq!(bench.left, 900);
    let status = Ok(Value::text("PARTIAL"));
    assert_eq!(bench.ask(Opcode::WAIT_FOR_TASK, std::slice::from_ref(&task)), status);
    assert_eq!(bench.left, 970);
    assert_eq!(bench.ask(Opcode::WAIT_FOR_TASK, &[Value::text("C")]), status);
    let result = bench.ask(Opcode::WAIT_FOR_RESPONSE, std::slice::from_ref(&task));
    assert_eq!(result, Ok(Value::text("R")));
    // The machine did not take the answer and asks again.
    let again = bench.ask_as(bench.asked, Opcode::WAIT_FOR_RESPONSE, std::slice::from_ref(&task));
    assert_eq!(again, result);
    assert_eq!(bench.left, 970);
    assert_eq!(bench.ask(Opcode::WAIT_FOR_RESPONSE, &[task]), Err(FailureCode::NotFound));
    assert!(bench.mock.0.lock().unwrap().1.is_empty());
}

#[test]
fn a_request_asked_again_starts_one_task_and_gets_the_same_refund() {
    let mut registry = bench(1_000).registry;
    let args = [Value::text("C"), wish(1, 1), nano(10)];
    let start = request(1, Opcode::HPC_MIGRATE, &args, 100);
    let first = registry.answer(&start);
    assert_eq!(registry.answer(&start), first);
    let task = first.result.unwrap().remove(0);
    let wait = request(2, Opcode::WAIT_FOR_RESPONSE, &[task], 90);
    let first = registry.answer(&wait);
    assert_eq!(first.refund.credits, 9);
    assert_eq!(registry.answer(&wait), first);
    let state = registry.save();
    registry.restore(&state).unwrap();
    assert_eq!(registry.answer(&wait), first);
}

#[test]
fn failures_and_time_outs() {
    let mut bench = bench(1_000);
    let failed = [Value::text("C"), wish(3, 40), nano(100)];
    let task = bench.ask(Opcode::HPC_MIGRATE, &failed).unwrap();
    let wait = [task.clone()];
    assert_eq!(bench.ask(Opcode::WAIT_FOR_TASK, &wait), Err(FailureCode::TaskFailed));
    assert_eq!(bench.left, 960);
    assert_eq!(bench.ask(Opcode::WAIT_FOR_TASK, &wait), Err(FailureCode::NotFound));

    let running = [Value::text("C"), wish(0, 40), nano(100)];
    let task = bench.ask(Opcode::HPC_MIGRATE, &running).unwrap();
    let wait = |timeout| [task.clone(), timeout];
    for timeout in [Value::Null, Value::Int(1), Value::float(1e300)] {
        let ended = bench.ask(Opcode::WAIT_FOR_RESPONSE, &wait(timeout));
        assert_eq!(ended, Err(FailureCode::Timeout));
    }
    // Who does not want to wait cannot wait too long.
    let status = bench.ask(Opcode::WAIT_FOR_TASK, &wait(Value::Int(0)));
    assert_eq!(status, Ok(Value::text("RUNNING")));
    let so_far = bench.ask(Opcode::WAIT_FOR_RESPONSE, &wait(Value::float(0.0)));
    assert_eq!(so_far, Ok(Value::text("R")));
    assert_eq!(bench.left, 860);
    for timeout in [Value::Int(-1), Value::float(f64::NAN), Value::text("1")] {
        let ended = bench.ask(Opcode::WAIT_FOR_RESPONSE, &wait(timeout));
        assert_eq!(ended, Err(FailureCode::InvalidArgument));
    }
    for task in [Value::Handle(HandleKind::Task, 99), Value::text("D")] {
        assert_eq!(bench.ask(Opcode::WAIT_FOR_TASK, &[task]), Err(FailureCode::NotFound));
    }
}

#[test]
fn analyses_stay_within_their_budget() {
    let mut bench = bench(1_000);
    let mut analyse = |end, wanted, budget, retries| {
        let before = bench.left;
        let args = [wish(end, wanted), nano(budget), Value::Int(retries)];
        let ended = bench.ask(Opcode::HPC_EXTENDED_ANALYSIS, &args);
        assert!(bench.mock.0.lock().unwrap().1.is_empty());
        (ended.err(), before - bench.left)
    };
    assert_eq!(analyse(1, 30, 100, 2), (None, 30));
    assert_eq!(analyse(2, 300, 100, 0), (None, 100));
    // Three attempts of 40, the last with the 20 that are left.
    assert_eq!(analyse(3, 40, 100, 2), (Some(FailureCode::TaskFailed), 100));
    assert_eq!(analyse(3, 10, 100, 2), (Some(FailureCode::TaskFailed), 30));
    assert_eq!(analyse(0, 5, 100, 2), (Some(FailureCode::Timeout), 5));
    assert_eq!(analyse(3, 0, 1, i64::MAX), (Some(FailureCode::TaskFailed), 0));
    assert_eq!(analyse(1, 1, 736, 0), (Some(FailureCode::OverBudget), 0));
    assert_eq!(analyse(1, 1, 735, 0), (None, 1));
}

#[test]
fn the_default_cluster_is_named_or_the_operators_first() {
    let mut registry = bench(0).registry;
    let own = |registry: &Registry| registry.default_cluster().map(str::to_owned);
    let mut bind = |name: &str, origin| {
        let bound = registry.unguarded::<dyn Cluster>("mock", Arc::new(Mock::default()));
        registry.clusters.insert(name.to_owned(), Bound { origin, ..bound });
        own(&registry)
    };
    assert_eq!(bind("A", Origin::Default).as_deref(), Some("A"));
    assert_eq!(bind("Z", Origin::Config).as_deref(), Some("Z"));
    assert_eq!(bind("Y", Origin::Operator).as_deref(), Some("Y"));
    registry.set_default_cluster("A");
    assert_eq!(own(&registry).as_deref(), Some("A"));
    registry.set_default_cluster("X");
    let ask = request(1, Opcode::HPC_EXTENDED_ANALYSIS, &[wish(1, 0), nano(0)], 0);
    let failure = registry.answer(&ask).result.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "no-provider: no provider bound for subnet \"X\"; bind one with --bind subnet:NAME=builtin:pool"
    );
}

/// What was spent less what came back is what tasks used, whatever a program does.
#[test]
fn the_book_is_exact_over_many_operations() {
    const LIMIT: u64 = 100_000;
    let mut bench = bench(LIMIT);
    let mut random = 3_u64;
    let mut draw = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % below
    };
    // A model of it: what each task holds, and what it uses if it ends.
    let mut held: BTreeMap<u64, (u64, u64, u64)> = BTreeMap::new();
    let mut used = 0;
    let mut ends = [0_u64; 4];
    for _ in 0..100_000 {
        let (end, wanted, credits) = (draw(4), draw(40), draw(50));
        let payload = wish(end as i64, wanted as i64);
        match draw(8) {
            0..=2 => {
                let args = [Value::text("C"), payload, nano(credits)];
                match bench.ask(Opcode::HPC_MIGRATE, &args) {
                    Ok(Value::Handle(HandleKind::Task, id)) => {
                        held.insert(id, (end, credits, wanted.min(credits)));
                    }
                    other => assert_eq!(other, Err(FailureCode::OverBudget)),
                }
            }
            3 => {
                let retries = draw(4);
                let args = [payload, nano(credits), Value::Int(retries as i64)];
                let tries = if end == 3 { retries + 1 } else { 1 };
                match bench.ask(Opcode::HPC_EXTENDED_ANALYSIS, &args) {
                    Err(FailureCode::OverBudget) => assert!(credits > bench.left),
                    _ => used += (wanted * tries).min(credits),
                }
            }
            _ => {
                let Some(id) = held.keys().nth(draw(held.len().max(1) as u64) as usize) else {
                    continue;
                };
                let (id, (end, _, uses)) = (*id, held[id]);
                let opcode = [Opcode::WAIT_FOR_TASK, Opcode::WAIT_FOR_RESPONSE][draw(2) as usize];
                let ended = bench.ask(opcode, &[Value::Handle(HandleKind::Task, id)]);
                ends[end as usize] += 1;
                if end != 0 {
                    assert_eq!(ended.err(), (end == 3).then_some(FailureCode::TaskFailed));
                    held.remove(&id);
                    used += uses;
                }
            }
        }
        let holds: u64 = held.values().map(|(_, credits, _)| credits).sum();
        assert_eq!(LIMIT - bench.left, used + holds);
        if bench.left < 50 || held.len() > 40 {
            // The run ends; another begins.
            let next = self::bench(LIMIT);
            bench = Bench { asked: bench.asked, ..next };
            (held, used) = (BTreeMap::new(), 0);
        }
    }
    assert!(ends.iter().all(|count| *count > 1_000), "{ends:?}");
}
