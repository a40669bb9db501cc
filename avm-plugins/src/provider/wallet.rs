//! Wallets, as far as an agent alone has one.

use super::Provider;

/// What the agent owns (`CHECK_BALANCE`). Payments need other agents, and so a world.
pub trait Wallet: Provider {
    /// Balance in billionths of the token; `None` if the agent has no account in it.
    fn balance(&self, token: &str) -> Option<u64>;
}
