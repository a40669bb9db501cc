//! How a chain begins: its file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ledger::Ledger, pool::Pool};
use crate::settings::BadSettings;

/// Highest fee, in hundredths of a percent.
const MOST_FEE: u64 = 1_000;
const DEFAULT_FEE: u64 = 30;

/// The file `chain.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Genesis {
    block: u32,
    account: Option<String>,
    pair: Option<String>,
    accounts: BTreeMap<String, BTreeMap<String, u64>>,
    pools: Vec<PoolKeys>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolKeys {
    pair: String,
    base: u64,
    quote: u64,
    #[serde(default = "default_fee")]
    fee_bps: u64,
}

const fn default_fee() -> u64 {
    DEFAULT_FEE
}

/// A chain before its first action.
#[derive(Debug, Default)]
pub(super) struct Begin {
    pub(super) block: u64,
    /// Who acts.
    pub(super) account: String,
    /// What is traded where nobody says.
    pub(super) pair: Option<String>,
    pub(super) pools: BTreeMap<String, Pool>,
    pub(super) ledger: Ledger,
}

impl Genesis {
    /// The chain that it describes.
    ///
    /// # Errors
    /// Something in it cannot be, in words that name the place.
    pub(super) fn begin(self) -> Result<Begin, BadSettings> {
        let mut begin = Begin {
            block: u64::from(self.block),
            account: self.account.unwrap_or_else(|| "agent".to_owned()),
            pair: self.pair,
            ..Begin::default()
        };
        let mut balances: Vec<(String, String, u64)> = Vec::new();
        for (account, tokens) in self.accounts {
            if account.starts_with("pool:") {
                return Err(BadSettings(format!("accounts: {account} is the name of a pool")));
            }
            let rows = tokens.into_iter();
            balances.extend(rows.map(|(token, amount)| (account.clone(), token, amount)));
        }
        for keys in self.pools {
            let pool = keys.pool()?;
            balances.push((pool.holder(), pool.base.clone(), keys.base));
            balances.push((pool.holder(), pool.quote.clone(), keys.quote));
            if begin.pools.insert(pool.pair.clone(), pool).is_some() {
                return Err(BadSettings(format!("pools: {} is there twice", keys.pair)));
            }
        }
        if let Some(pair) = begin.pair.as_ref().filter(|pair| !begin.pools.contains_key(*pair)) {
            return Err(BadSettings(format!("pair: there is no pool {pair}")));
        }
        let mut supply: BTreeMap<String, u64> = BTreeMap::new();
        for (holder, token, amount) in balances {
            let supply = supply.entry(token.clone()).or_default();
            *supply = supply.saturating_add(amount);
            if i64::try_from(*supply).is_err() {
                return Err(BadSettings(format!(
                    "{token}: there is more of it than can be counted"
                )));
            }
            begin.ledger.commit([((holder, token), amount)].into());
        }
        Ok(begin)
    }
}

impl PoolKeys {
    fn pool(&self) -> Result<Pool, BadSettings> {
        let pair = &self.pair;
        let bad = |why: &str| BadSettings(format!("pools: {pair}: {why}"));
        let (base, quote) =
            pair.split_once('/').ok_or_else(|| bad("a pair is two tokens, such as ETH/USDC"))?;
        if base.is_empty() || quote.is_empty() || base == quote {
            return Err(bad("a pair is two tokens, such as ETH/USDC"));
        }
        if self.base == 0 || self.quote == 0 {
            return Err(bad("base and quote must be more than 0"));
        }
        if self.fee_bps > MOST_FEE {
            return Err(bad("fee_bps must be at most 1000"));
        }
        let (base, quote) = (base.to_owned(), quote.to_owned());
        Ok(Pool { pair: pair.clone(), base, quote, fee: self.fee_bps })
    }
}
