//! How much faster `MAP_MODEL_CALL` is on two threads than on one: 1000 items of about 0.2 ms each,
//! and 1000 that take next to nothing.
//!
//! ```sh
//! cargo run --release -p avm-plugins --example map_speedup
//! ```
#![allow(clippy::print_stdout, reason = "it is a command")]

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use avm_ir::{Opcode, Value, verify::CodePlace};
use avm_plugins::{host::Host, registry::Registry};
use avm_vm::{EffectRequest, IdempotencyKey, Spend};

const ITEMS: usize = 1000;
const ROUNDS: usize = 9;

/// The clock of this machine and nothing else.
struct Clock(Instant);

impl Host for Clock {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(path.to_owned())
    }

    fn path(&self, path: &str) -> PathBuf {
        path.into()
    }

    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn unix_time(&self) -> i64 {
        0
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

fn main() {
    let sentence = "The harvest of red apples was better in the valley than on the hills. ";
    println!("{:>10}  {:>8}  {:>10}  {:>8}", "item", "1 thread", "2 threads", "of ideal");
    for repeats in [0, 1, 40] {
        let prompt =
            format!("Question: Where was the harvest better?\n\n{}", sentence.repeat(repeats));
        let item = Value::text(if repeats == 0 { "" } else { &prompt });
        let [one, two] = [1, 2].map(|workers| median(workers, &item));
        let ratio = two.as_secs_f64() / (one.as_secs_f64() / 2.0);
        let each = one / ITEMS as u32;
        println!("{each:>10.1?}  {one:>8.1?}  {two:>10.1?}  {ratio:>7.2}x");
    }
}

/// Median time of a map with so many threads.
fn median(workers: usize, item: &Value) -> Duration {
    let mut registry = Registry::embedded(Arc::new(Clock(Instant::now())));
    registry.set_workers(workers);
    let args = [Value::text("LLama"), Value::list(vec![item.clone(); ITEMS])];
    let request = EffectRequest {
        id: 0,
        opcode: Opcode::MAP_MODEL_CALL,
        reach: avm_ir::Reach::Model,
        args: args.into_iter().map(Some).collect(),
        at: CodePlace { region: 0, pc: 0 },
        max_gas: u64::MAX,
        max_bytes: u64::MAX,
        max_units: u64::MAX,
        max_spend: Spend::UNLIMITED,
        code: None,
        idempotency_key: IdempotencyKey::Given([0; 32]),
    };
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let answer = registry.answer(&request);
            let time = start.elapsed();
            assert!(answer.result.is_ok(), "{:?}", answer.result);
            time
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}
