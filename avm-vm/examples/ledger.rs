//! How fast the ledger is: plain payments, random operations, audit, bytes.
//!
//! `cargo run --release -p avm-vm --example ledger -- 1000000`

#![allow(clippy::print_stdout, reason = "a report on a terminal")]
#![allow(clippy::disallowed_methods, reason = "it measures, and is no part of a run")]

#[path = "../tests/ledger/drive.rs"]
mod drive;

use std::time::Instant;

use avm_vm::ledger::{Cause, Ledger, Money, Order, Owner};
use drive::{Drive, TOKENS};

const AGENTS: u64 = 1_000;

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let ledger = payments(count);
    let start = Instant::now();
    let audit = ledger.audit().expect("it adds up");
    each("audit", audit.records, start);
    let start = Instant::now();
    let bytes = ledger.to_bytes();
    each("to bytes", audit.records, start);
    println!("{:>24} {:>8} bytes a record", "encoded", bytes.len() as u64 / audit.records);
    let start = Instant::now();
    let read = Ledger::from_bytes(&bytes).expect("its own bytes");
    each("from bytes", audit.records, start);
    assert_eq!(read.hash(), ledger.hash());
    drop((ledger, read, bytes));
    random(count);
}

fn payments(count: u64) -> Ledger {
    let keys: Vec<[u8; 32]> =
        (0..count).map(|key| blake3::derive_key("key", &key.to_le_bytes())).collect();
    let id = |agent: u64| *blake3::hash(&agent.to_be_bytes()).as_bytes();
    let agents: Vec<[u8; 32]> = (0..AGENTS).map(id).collect();
    let mut ledger = Ledger::new();
    for (number, agent) in agents.iter().enumerate() {
        let cause = Cause { agent: None, step: 0, effect: number as u64 };
        let order = Order { cause, key: *agent, purpose: "genesis", time: 0 };
        let money = Money { token: TOKENS[0], amount: 1 << 40 };
        ledger.mint(&order, Owner::Agent(*agent), money).expect("genesis");
    }
    let before = resident();
    let start = Instant::now();
    for number in 0..count {
        let place = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (from, to) = (place % AGENTS, (place >> 32) % AGENTS);
        let to = if from == to { (to + 1) % AGENTS } else { to };
        let (from, to) = (agents[from as usize], agents[to as usize]);
        let cause = Cause { agent: Some(from), step: number, effect: number };
        let key = keys[number as usize];
        let order = Order { cause, key, purpose: "work", time: number };
        let money = Money { token: TOKENS[0], amount: 1 + number % 100 };
        ledger.pay(&order, Owner::Agent(from), Owner::Agent(to), money).expect("paid");
    }
    each("payments", count, start);
    println!("{:>24} {:>8} bytes a record", "memory", (resident() - before) / count.max(1));
    ledger
}

fn random(count: u64) {
    let mut drive = Drive::new(7, AGENTS);
    let start = Instant::now();
    for step in 1..=count {
        drive.step();
        if step % (count / 4).max(1) == 0 {
            drive.restart();
            drive.check();
        }
    }
    each("random operations", count, start);
    drive.keep(1_000);
    drive.restart();
    drive.check();
    println!("{:?}", drive.counts);
}

fn each(what: &str, count: u64, start: Instant) {
    let took = start.elapsed();
    let one = took.as_nanos() / u128::from(count.max(1));
    println!("{what:>24} {one:>8} ns each, {} ms", took.as_millis());
}

/// Bytes of memory in use, where the system says so.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}
