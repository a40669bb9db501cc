//! The simulated chain through the registry, as the whitepaper's trading agent uses one.

#[path = "support/bench.rs"]
#[allow(dead_code, reason = "each of these tests uses a part of it")]
mod bench;

use avm_ir::{NameKind, Opcode, Value};

use bench::{Bench, json};

const FILE: &str = r#"
account = "agent"
pair = "ETH/USDC"

[accounts.agent]
ETH = 2_000_000_000
USDC = 10_000_000_000_000

[[pools]]
pair = "ETH/USDC"
base = 500_000_000_000
quote = 1_500_000_000_000_000
"#;

fn bench() -> Bench {
    let mut bench = Bench::new(FILE);
    bench.bind(NameKind::Chain, "Ethereum", "builtin:chain", "file = \"chain.toml\"");
    bench
}

fn act(bench: &mut Bench, action: &str, args: &str) -> String {
    let args = [Value::text("Ethereum"), Value::text(action), json(args)];
    bench.ask(Opcode::CHAIN_OP, &args)
}

#[test]
fn a_final_decision_is_swapped() {
    let mut bench = bench();
    let decision = r#"{"action":"SELL","size":0.5,"confidence":0.61,"reason":"p05 is low"}"#;
    let swapped = act(&mut bench, "swapTokens", decision);
    let told = r#""fee":{"billionths":1500000,"token":"ETH"},"get":{"billionths":1494010471559,"token":"USDC"}"#;
    assert!(swapped.contains(told), "{swapped}");
    assert_eq!(
        act(&mut bench, "balance", "null"),
        r#"{"account":"agent","block":1,"tokens":{"ETH":1500000000,"USDC":11494010471559}}"#
    );
    assert_eq!(
        act(&mut bench, "swapTokens", r#"{"action":"NONE","size":1}"#),
        r#"invalid-argument: arguments of swapTokens: .action must be "BUY" | "SELL", found text"#
    );
    assert_eq!(
        act(&mut bench, "mint", "null"),
        "not-found: chain \"Ethereum\" has no function \"mint\"; it has balance, quote, simulate, diff, swapTokens, transfer"
    );
}

#[test]
fn a_chain_is_saved_and_restored() {
    let mut before = bench();
    act(&mut before, "transfer", r#"{"to":"bob","token":"ETH","amount":1}"#);
    let mut after = bench();
    after.registry.restore(&before.registry.save()).unwrap();
    for args in ["null", r#"{"account":"bob"}"#] {
        assert_eq!(act(&mut after, "balance", args), act(&mut before, "balance", args));
    }
    assert_eq!(act(&mut after, "diff", "null"), act(&mut before, "diff", "null"));
}
