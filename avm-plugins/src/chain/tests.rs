use std::{path::PathBuf, sync::Arc, time::Duration};

use avm_vm::Spend;

use super::*;
use crate::host::Host;

const FILE: &str = r#"
block = 100
account = "agent"
pair = "ETH/USDC"

[accounts.agent]
ETH = 2_000_000_000
USDC = 10_000_000_000_000

[[pools]]
pair = "ETH/USDC"
base = 500_000_000_000
quote = 1_500_000_000_000_000
fee_bps = 30

[[pools]]
pair = "TAO/USDC"
base = 1_000_000_000_000
quote = 400_000_000_000_000
"#;

/// A host with one file.
struct OneFile(&'static str);

impl Host for OneFile {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.as_bytes().to_vec())
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

fn made(file: &'static str) -> Result<Simulated, BadSettings> {
    let table = toml::from_str("file = \"chain.toml\"").unwrap();
    Simulated::new(&Settings { table, ..Settings::empty("Ethereum", Arc::new(OneFile(file))) })
}

fn chain() -> Simulated {
    made(FILE).unwrap()
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

fn json(text: &str) -> Value {
    value::from_json(text, u64::MAX).unwrap()
}

/// Acts with arguments as JSON, checks the shapes of the manifest, and gives JSON.
fn act(chain: &Simulated, key: u64, action: &str, args: &str) -> Result<String, String> {
    let (args, manifest) = (json(args), chain.manifest());
    let function = manifest.function(action).unwrap();
    function.args.check(&args).map_err(|error| error.to_string())?;
    let reply =
        chain.act(&call(key), action, &args).map_err(|refusal| refusal.failure.to_string())?;
    function.result.check(&reply.outputs[0]).unwrap();
    Ok(value::to_json(&reply.outputs[0]))
}

fn field(json_text: &str, name: &str) -> Value {
    let Value::Record(record) = json(json_text) else { panic!("{json_text}") };
    record.get(name).cloned().unwrap_or_default()
}

#[test]
fn a_decision_is_a_trade() {
    let chain = chain();
    let decision = r#"{"action":"BUY","size":1,"confidence":0.7,"reason":"mean return 0.05"}"#;
    let quote = act(&chain, 1, "quote", decision).unwrap();
    // 1 of 500 ETH: 1,500,000 / 499, and a fee of 0.3 %.
    assert_eq!(
        quote,
        r#"{"fee":{"billionths":9045171587,"token":"USDC"},"get":{"billionths":1000000000,"token":"ETH"},"pair":"ETH/USDC","pay":{"billionths":3015057195636,"token":"USDC"}}"#
    );
    let simulated =
        act(&chain, 2, "simulate", &format!(r#"{{"action":"swapTokens","args":{decision}}}"#));
    let swapped = act(&chain, 3, "swapTokens", decision).unwrap();
    assert_eq!(field(&simulated.unwrap(), "diff"), field(&swapped, "diff"));
    assert_eq!(field(&swapped, "pay"), field(&quote, "pay"));
    assert_eq!(field(&swapped, "block"), Value::Int(101));
    assert_eq!(
        value::to_json(&field(&swapped, "diff")),
        concat!(
            r#"[{"after":3000000000,"before":2000000000,"holder":"agent","token":"ETH"},"#,
            r#"{"after":6984942804364,"before":10000000000000,"holder":"agent","token":"USDC"},"#,
            r#"{"after":499000000000,"before":500000000000,"holder":"pool:ETH/USDC","token":"ETH"},"#,
            r#"{"after":1503015057195636,"before":1500000000000000,"holder":"pool:ETH/USDC","token":"USDC"}]"#,
        )
    );
    assert_eq!(act(&chain, 4, "diff", "null").unwrap(), swapped);
    assert_eq!(act(&chain, 4, "diff", r#"{"block":101}"#).unwrap(), swapped);
    assert_eq!(
        act(&chain, 5, "balance", "null").unwrap(),
        r#"{"account":"agent","block":101,"tokens":{"ETH":3000000000,"USDC":6984942804364}}"#
    );
    let sold = act(&chain, 6, "swapTokens", r#"{"action":"SELL","size":1.0}"#).unwrap();
    assert_eq!(
        value::to_json(&field(&sold, "get")),
        r#"{"billionths":2997030006228,"token":"USDC"}"#
    );
}

#[test]
fn a_call_acts_once() {
    let chain = chain();
    let pay = r#"{"to":"bob","token":"ETH","amount":0.5}"#;
    let first = act(&chain, 1, "transfer", pay).unwrap();
    assert_eq!(act(&chain, 1, "transfer", pay).unwrap(), first);
    let bob = r#"{"account":"bob","token":"ETH"}"#;
    assert_eq!(
        act(&chain, 2, "balance", bob).unwrap(),
        r#"{"account":"bob","billionths":500000000,"block":101,"token":"ETH"}"#
    );
    let again = self::chain();
    again.restore(&chain.save()).unwrap();
    assert_eq!(act(&again, 1, "transfer", pay).unwrap(), first);
    assert_eq!(again.save(), chain.save());
    // An answer that nobody can take changes nothing.
    let small = Call { max_bytes: 80, ..call(3) };
    let refusal = chain.act(&small, "transfer", &json(pay)).unwrap_err();
    assert_eq!(refusal.failure.code, FailureCode::TooLarge);
    assert_eq!(again.save(), chain.save());
    for wrong in [Value::Int(1), json(r#"{"block":-1,"ledger":[],"made":[]}"#)] {
        assert!(again.restore(&wrong).is_err());
    }
}

#[test]
fn what_cannot_be_done_is_refused() {
    let chain = chain();
    let before = chain.save();
    for (action, args, why) in [
        (
            "swapTokens",
            r#"{"action":"HOLD","size":1}"#,
            r#".action must be "BUY" | "SELL", found text"#,
        ),
        ("swapTokens", r#"{"action":"BUY"}"#, ".size must be number, found null"),
        (
            "swapTokens",
            r#"{"action":"BUY","size":0}"#,
            "invalid-argument: size must be a number of tokens above 0",
        ),
        (
            "swapTokens",
            r#"{"action":"SELL","size":1e300}"#,
            "invalid-argument: size must be a number of tokens above 0",
        ),
        (
            "swapTokens",
            r#"{"action":"SELL","size":3}"#,
            "denied: agent has 2000000000 billionths of ETH, and 3000000000 are needed",
        ),
        (
            "swapTokens",
            r#"{"action":"BUY","size":500}"#,
            "denied: the pool ETH/USDC has 500000000000 billionths, not more than 500000000000",
        ),
        (
            "swapTokens",
            r#"{"action":"BUY","size":1,"max_pay":3000}"#,
            "denied: the trade pays 3015057195636 billionths, max_pay is 3000000000000",
        ),
        (
            "swapTokens",
            r#"{"action":"SELL","size":1,"min_get":3000}"#,
            "denied: the trade gets 2985047814657 billionths, min_get is 3000000000000",
        ),
        (
            "swapTokens",
            r#"{"action":"BUY","size":1,"pair":"DOGE/USDC"}"#,
            "not-found: the chain has no pool \"DOGE/USDC\"; it has ETH/USDC, TAO/USDC",
        ),
        (
            "transfer",
            r#"{"to":"pool:ETH/USDC","token":"ETH","amount":1}"#,
            "invalid-argument: to must be an account",
        ),
        (
            "simulate",
            r#"{"action":"balance","args":null}"#,
            "invalid-argument: \"balance\" changes nothing; swapTokens and transfer do",
        ),
        ("diff", "null", "not-found: no action is remembered there, or none was made"),
    ] {
        assert_eq!(act(&chain, 1, action, args), Err(why.to_owned()));
    }
    assert_eq!(chain.save(), before);
    let empty = Simulated::new(&Settings::empty("Ethereum", Arc::new(OneFile("")))).unwrap();
    assert_eq!(
        act(&empty, 1, "swapTokens", r#"{"action":"BUY","size":1,"pair":"ETH/USDC"}"#),
        Err("not-found: the chain has no pool \"ETH/USDC\"; it has none".to_owned())
    );
}

#[test]
fn files_that_describe_no_chain() {
    for (file, why) in [
        ("[[pools]]\npair = \"ETH\"\nbase = 1\nquote = 1", "ETH: a pair is two tokens"),
        ("[[pools]]\npair = \"A/B\"\nbase = 0\nquote = 1", "base and quote must be more than 0"),
        ("[[pools]]\npair = \"A/B\"\nbase = 1\nquote = 1\nfee_bps = 2000", "at most 1000"),
        ("pair = \"A/B\"", "pair: there is no pool A/B"),
        ("[accounts.\"pool:A/B\"]\nA = 1", "is the name of a pool"),
        ("[accounts.a]\nA = -1", "chain.toml: "),
        (
            "[accounts.a]\nA = 9_000_000_000_000_000_000\n[accounts.b]\nA = 1_000_000_000_000_000_000",
            "A: there is more of it than can be counted",
        ),
        ("blok = 1", "unknown field"),
    ] {
        let error = made(file).unwrap_err().to_string();
        assert!(error.contains(why) && error.starts_with("chain.toml: "), "{error}");
    }
}

/// Nothing is made or lost, no pool loses, and what is simulated is what happens.
#[test]
fn any_actions_keep_the_books() {
    let chain = chain();
    let supply = |chain: &Simulated| {
        let mut supply: BTreeMap<String, u64> = BTreeMap::new();
        for ((_, token), amount) in &chain.state().ledger.0 {
            *supply.entry(token.clone()).or_default() += amount;
        }
        supply
    };
    let product = |chain: &Simulated, pool: &Pool| {
        let ledger = &chain.state().ledger;
        let side = |token| u128::from(ledger.get(&pool.holder(), token));
        side(&pool.base) * side(&pool.quote)
    };
    let before = supply(&chain);
    let mut random = 11_u64;
    let mut draw = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % below
    };
    let mut made = 0;
    for key in 0..4_000 {
        let (size, side) = (draw(3_000_000) as f64 / 1e6, ["BUY", "SELL"][draw(2) as usize]);
        let pair = ["ETH/USDC", "TAO/USDC"][draw(2) as usize];
        let (action, args) = match draw(10) {
            0 => ("transfer", format!(r#"{{"to":"bob","token":"USDC","amount":{}}}"#, size / 1e3)),
            _ => {
                ("swapTokens", format!(r#"{{"action":"{side}","size":{size:?},"pair":"{pair}"}}"#))
            }
        };
        let products: Vec<u128> = chain.pools.values().map(|pool| product(&chain, pool)).collect();
        let old = chain.state().ledger.clone();
        let wish = format!(r#"{{"action":"{action}","args":{args}}}"#);
        let simulated = act(&chain, key, "simulate", &wish);
        assert_eq!(chain.state().ledger, old);
        let done = act(&chain, key, action, &args);
        let new = chain.state().ledger.clone();
        let (Ok(simulated), Ok(done)) = (&simulated, &done) else {
            assert_eq!((simulated, &new), (done, &old), "{args}");
            continue;
        };
        made += 1;
        let diff = field(done, "diff");
        assert_eq!(field(simulated, "diff"), diff);
        assert_eq!(field(simulated, "block"), field(done, "block"));
        let slots: std::collections::BTreeSet<_> = old.0.keys().chain(new.0.keys()).collect();
        let changed = slots.into_iter().filter(|slot| old.0.get(*slot) != new.0.get(*slot));
        let changed: Vec<Value> = changed
            .map(|(holder, token)| {
                let amount = |ledger: &Ledger| Value::Int(ledger.get(holder, token).cast_signed());
                Value::Record(Record::from_iter([
                    ("holder", Value::text(holder)),
                    ("token", Value::text(token)),
                    ("before", amount(&old)),
                    ("after", amount(&new)),
                ]))
            })
            .collect();
        assert_eq!(diff, Value::list(changed));
        for (pool, old) in chain.pools.values().zip(products) {
            assert!(product(&chain, pool) >= old);
        }
    }
    assert_eq!(supply(&chain), before);
    assert!(made > 1_000, "{made}");
}
