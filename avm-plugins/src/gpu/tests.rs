use std::collections::BTreeMap;

use super::*;
use crate::host::NoHost;

/// A machine with two GPUs, the second of which does not tell its load.
struct Two;

impl Probe for Two {
    fn count(&self) -> u32 {
        2
    }

    fn load(&self, index: u32) -> Result<f64, String> {
        if index == 0 { Ok(0.25) } else { Err("not supported".to_owned()) }
    }
}

fn devices(keys: &str) -> (Devices, Arc<NoHost>) {
    let host = Arc::new(NoHost::default());
    let table = toml::from_str(keys).unwrap();
    let settings = Settings { table, ..Settings::empty("gpu", host.clone()) };
    (Devices::with(Box::new(Two), &settings).unwrap(), host)
}

fn call(key: u64) -> Call {
    let mut idempotency_key = [0; 32];
    idempotency_key[..8].copy_from_slice(&key.to_le_bytes());
    Call {
        max_bytes: u64::MAX,
        max_units: u64::MAX,
        max_gas: u64::MAX,
        max_spend: Spend::UNLIMITED,
        timeout: Duration::from_secs(60),
        idempotency_key: idempotency_key.into(),
    }
}

fn code(outcome: Outcome) -> FailureCode {
    outcome.unwrap_err().failure.code
}

#[test]
fn a_lease_is_exclusive_spends_at_once_and_refunds_whole_seconds() {
    let (devices, host) = devices("");
    let leased = devices.allocate(&call(1), "gpu0", 10).unwrap();
    assert_eq!(leased, Reply::ok(0).spending(Spend { gpu: 10_000, ..Spend::NONE }));
    assert_eq!(code(devices.allocate(&call(2), "gpu0", 1)), FailureCode::Unavailable);
    // The same call asked again has what it got.
    assert_eq!(devices.allocate(&call(1), "gpu0", 10).unwrap(), leased);
    devices.allocate(&call(3), "gpu1", 1).unwrap();

    host.sleep(Duration::from_millis(3_400));
    assert_eq!(devices.release(&call(4), "gpu0").unwrap().refund.gpu, 6_000);
    assert_eq!(code(devices.release(&call(5), "gpu0")), FailureCode::NotFound);
    // The other one ended by itself.
    assert_eq!(code(devices.release(&call(6), "gpu1")), FailureCode::NotFound);
    devices.allocate(&call(7), "gpu1", 1).unwrap();
}

#[test]
fn slices_share_a_gpu_up_to_the_whole() {
    let (devices, _) = devices("");
    devices.allocate(&call(1), "cpu/2", 5).unwrap();
    devices.allocate(&call(2), "cpu/3", 5).unwrap();
    assert_eq!(code(devices.allocate(&call(3), "cpu/4", 5)), FailureCode::Unavailable);
    devices.allocate(&call(4), "cpu/6", 5).unwrap();
    assert_eq!(devices.load(&call(5), "cpu").unwrap(), 1.0);
    devices.release(&call(6), "cpu/2").unwrap();
    assert_eq!(devices.load(&call(7), "cpu/8").unwrap(), 0.5);
    for name in ["cpu/9", "cpu/0", "cpu/", "cpu/x"] {
        assert_eq!(code(devices.allocate(&call(8), name, 5)), FailureCode::InvalidArgument);
    }
}

#[test]
fn names_and_loads() {
    let (devices, _) = devices("slots = [\"A100\"]\nmax_seconds = 60");
    assert_eq!(devices.load(&call(1), "gpu0").unwrap(), 0.25);
    let refusal = devices.load(&call(1), "gpu1").unwrap_err();
    assert_eq!(refusal.failure.message, "gpu1 does not tell its load: not supported");
    assert_eq!(devices.load(&call(1), "A100").unwrap(), 0.0);
    for name in ["gpu2", "gpu00", "gpu", "GPU0", ""] {
        let refusal = devices.load(&call(1), name).unwrap_err();
        let there = "there are cpu, gpu0, gpu1, A100";
        assert_eq!(refusal.failure.message, format!("there is no GPU \"{name}\"; {there}"));
    }
    for seconds in [0, 61, u64::MAX] {
        let outcome = devices.allocate(&call(1), "A100", seconds);
        assert_eq!(code(outcome), FailureCode::InvalidArgument);
    }
    let little = Call { max_spend: Spend { gpu: 999, ..Spend::NONE }, ..call(1) };
    assert_eq!(code(devices.allocate(&little, "A100", 1)), FailureCode::OverBudget);
}

#[test]
fn a_machine_without_driver_has_the_cpu() {
    let devices = Devices::new(&Settings::empty("gpu", Arc::new(NoHost::default()))).unwrap();
    devices.allocate(&call(1), CPU, 1).unwrap();
    assert!(devices.load(&call(2), "gpu4000000000").is_err());
}

#[test]
fn leases_stand_still_while_a_run_is_suspended() {
    let (before, host) = devices("");
    assert_eq!(before.save(), Value::Null);
    before.allocate(&call(1), "gpu0/2", 10).unwrap();
    before.allocate(&call(2), "gpu0/2", 20).unwrap();
    host.sleep(Duration::from_secs(4));
    let saved = before.save();
    let (after, later) = devices("");
    later.sleep(Duration::from_secs(1_000_000));
    after.restore(&saved).unwrap();
    assert_eq!(after.save(), saved);
    assert_eq!(code(after.allocate(&call(3), "gpu0/8", 1)), FailureCode::Unavailable);
    assert_eq!(after.release(&call(4), "gpu0/2").unwrap().refund.gpu, 6_000);
    assert_eq!(after.release(&call(5), "gpu0/2").unwrap().refund.gpu, 16_000);
    for wrong in [Value::Int(1), Value::list(vec![Value::Null])] {
        assert!(after.restore(&wrong).is_err());
    }
}

/// What was spent less what came back is what was used, whatever a program does.
#[test]
fn the_book_is_exact_over_many_operations() {
    let (devices, host) = devices("");
    let mut random = 7_u64;
    let mut draw = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % below
    };
    let names = ["cpu", "cpu/2", "cpu/5", "gpu0", "gpu0/3", "gpu1/8"];
    let (limit, mut spent, mut used) = (40_000_000_u64, 0_u64, 0_u64);
    // A model of it: when each lease began and how long it is, in milliseconds.
    let mut model: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for step in 0..100_000 {
        let now = host.now().as_millis() as u64;
        for leases in model.values_mut() {
            let ended = |(begun, length): &(u64, u64)| begun + length <= now;
            used += leases.iter().filter(|l| ended(l)).map(|(_, length)| length).sum::<u64>();
            leases.retain(|lease| !ended(lease));
        }
        let name = names[draw(names.len() as u64) as usize];
        match draw(4) {
            0 | 1 => {
                let seconds = draw(30) + 1;
                let max_spend = Spend { gpu: limit - spent, ..Spend::UNLIMITED };
                let call = Call { max_spend, ..call(step) };
                match devices.allocate(&call, name, seconds) {
                    Ok(reply) => {
                        assert_eq!(reply.spent.gpu, seconds * 1000);
                        spent += reply.spent.gpu;
                        model.entry(name).or_default().push((now, seconds * 1000));
                    }
                    Err(refusal) => assert_eq!((refusal.spent, refusal.refund), <_>::default()),
                }
            }
            2 => {
                let leases = model.entry(name).or_default();
                match devices.release(&call(step), name) {
                    Ok(reply) => {
                        let (begun, length) = leases.remove(0);
                        // Whole seconds begun are used.
                        let use_of_it = (now - begun).div_ceil(1000) * 1000;
                        assert_eq!(reply.refund.gpu, length - use_of_it);
                        assert!(reply.refund.gpu <= spent);
                        spent -= reply.refund.gpu;
                        used += use_of_it;
                    }
                    Err(_) => assert!(leases.is_empty(), "{name} at {step}"),
                }
            }
            _ => host.sleep(Duration::from_millis(draw(2_500))),
        }
        assert!(spent <= limit);
    }
    let held: u64 = model.values().flatten().map(|(_, length)| length).sum();
    assert_eq!(spent, used + held);
    assert!(spent > limit / 2 && used > 0);
}
