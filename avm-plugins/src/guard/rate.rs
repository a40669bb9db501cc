//! A rate limit: how long a call has to wait for its turn.

use std::time::Duration;

use super::Rate;

/// A token bucket that holds as many calls as the rate allows in its period, full at first. It is
/// kept as one moment, that at which the bucket will be full again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// Time after which one more call may be made.
    interval: Duration,
    /// Time that a full bucket is worth, less one call.
    burst: Duration,
    full_at: Duration,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        let interval = rate.period / rate.calls.max(1);
        let burst = interval.saturating_mul(rate.calls.saturating_sub(1));
        Self { interval, burst, full_at: Duration::ZERO }
    }

    /// Takes the next turn and tells how long to wait for it.
    ///
    /// # Errors
    /// How long it would be, if that is longer than the caller waits; no turn is taken then.
    pub(super) fn take(&mut self, now: Duration, at_most: Duration) -> Result<Duration, Duration> {
        let full_at = self.full_at.max(now);
        let wait = full_at.saturating_sub(self.burst).saturating_sub(now);
        if wait > at_most {
            return Err(wait);
        }
        self.full_at = full_at.saturating_add(self.interval);
        Ok(wait)
    }
}
