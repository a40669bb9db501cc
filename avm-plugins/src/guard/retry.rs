//! How long to wait before asking again.

use std::time::Duration;

use super::Time;

/// Pause before the first retry, if nobody says otherwise.
const BACKOFF: Duration = Duration::from_millis(100);

/// Longest pause.
const LONGEST: Duration = Duration::from_secs(10);

/// The pause after so many tries: doubling, capped, and spread over its upper half, so that agents
/// that failed together do not come back together. The spread depends on the call alone, so that
/// the same run waits the same.
pub(super) fn pause(backoff: Option<Time>, tries: u32, key: &[u8; 32]) -> Duration {
    let Time(first) = backoff.unwrap_or(Time(BACKOFF));
    let doubled = first.saturating_mul(1_u32.checked_shl(tries - 1).unwrap_or(u32::MAX));
    let longest = doubled.min(LONGEST.max(first));
    let place = (tries as usize * 2) % (key.len() - 1);
    let spread = u32::from(u16::from_le_bytes([key[place], key[place + 1]]));
    longest / 2 + longest / 2 * spread / u32::from(u16::MAX)
}
