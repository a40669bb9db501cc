//! The guard's keys in the configuration: times, sizes and rates as people write them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, de};

/// How calls of one provider are watched: keys of its table in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Watch {
    /// How long one try may take; 30 s for what can hang.
    pub timeout: Option<Time>,
    /// Largest answer; 1 MiB for what is not deterministic.
    pub max_bytes: Option<Size>,
    /// How often a repeatable call that failed is asked again; 2 for what can hang.
    pub retries: Option<u32>,
    /// Pause before the first retry, 100 ms if left out; doubles with each.
    pub backoff: Option<Time>,
    /// How often it may be asked.
    pub rate: Option<Rate>,
    /// When it is left alone; for what can hang also if left out.
    pub breaker: Option<Trip>,
}

/// A time such as `250ms`, `5s`, `2min` or `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Duration);

/// A size in bytes, such as `64KiB`, `1MiB` or `500`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A rate such as `10/s`, `600/min` or `1000/h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many calls, at least one,
    pub calls: u32,
    /// in that time.
    pub period: Duration,
}

/// When a provider is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trip {
    /// After so many failures in a row; 0 for never.
    pub failures: u32,
    /// For so long.
    pub rest: Time,
}

impl Default for Trip {
    fn default() -> Self {
        Self { failures: 5, rest: Time(Duration::from_secs(30)) }
    }
}

/// Longest time that can be said, in seconds: thirty days.
const LONGEST: u64 = 30 * 86_400;

fn time(text: &str) -> Option<Duration> {
    let (number, unit) = number_and_unit(text)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let millis = number.checked_mul(millis)?;
    Some(Duration::from_millis(millis)).filter(|time| time.as_secs() <= LONGEST)
}

fn size(text: &str) -> Option<u64> {
    let (number, unit) = number_and_unit(text)?;
    let bytes = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(bytes)
}

fn rate(text: &str) -> Option<Rate> {
    let (calls, period) = text.split_once('/')?;
    let period = Duration::from_secs(match period.trim() {
        "s" => 1,
        "min" => 60,
        "h" => 3_600,
        _ => return None,
    });
    let calls = calls.trim().parse().ok()?;
    (1..=1_000_000).contains(&calls).then_some(Rate { calls, period })
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = text[..end].parse().ok()?;
    Some((number, text[end..].trim()))
}

macro_rules! from_text {
    ($type:ident, $read:expr, $what:literal, $from_int:expr) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        let read: fn(&str) -> Option<$type> = $read;
                        read(text.trim())
                            .ok_or_else(|| E::custom(format!("{text:?} is not {}", $what)))
                    }

                    fn visit_i64<E: de::Error>(self, int: i64) -> Result<$type, E> {
                        let read: fn(i64) -> Option<$type> = $from_int;
                        read(int).ok_or_else(|| E::custom(format!("{int} is not {}", $what)))
                    }
                }
                deserializer.deserialize_any(Visitor)
            }
        }
    };
}

from_text!(Time, |text| time(text).map(Time), "a time such as \"250ms\", \"5s\", \"2min\"", |_| {
    None
});
from_text!(Size, |text| size(text).map(Size), "a size such as \"64KiB\" or \"1MiB\"", |int| {
    u64::try_from(int).ok().map(Size)
});
from_text!(Rate, rate, "a rate such as \"10/s\" or \"600/min\"", |_| None);
