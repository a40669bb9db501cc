//! Properties of the bucket and the breaker.

use std::time::Duration;

use proptest::prelude::*;

use super::super::{Rate, Time, Trip, breaker::Breaker, rate::Bucket};

proptest! {
    #[test]
    fn no_more_calls_than_the_rate_allows(
        calls in 1_u32..20,
        gaps in prop::collection::vec(0_u64..3_000, 1..200),
        patience in 0_u64..2_000,
    ) {
        let period = Duration::from_secs(1);
        let mut bucket = Bucket::new(Rate { calls, period });
        let patience = Duration::from_millis(patience);
        let (mut now, mut starts) = (Duration::ZERO, Vec::new());
        for gap in gaps {
            now += Duration::from_millis(gap);
            match bucket.take(now, patience) {
                Ok(wait) => {
                    prop_assert!(wait <= patience);
                    now += wait;
                    starts.push(now);
                }
                Err(wait) => prop_assert!(wait > patience),
            }
        }
        // A full bucket at once, and the rate from then on.
        for (index, start) in starts.iter().enumerate() {
            let within = starts[index..].iter().filter(|other| **other < *start + period).count();
            prop_assert!(within <= 2 * calls as usize, "{within} calls within {period:?}");
        }
        let span = now.as_nanos() * u128::from(calls) / period.as_nanos();
        prop_assert!(starts.len() as u128 <= u128::from(calls) + span + 1);
    }

    #[test]
    fn a_bucket_is_full_after_its_period(
        calls in 1_u32..20,
        at in 0_u64..10_000,
        burst in 1_usize..40,
    ) {
        let period = Duration::from_secs(1);
        let mut bucket = Bucket::new(Rate { calls, period });
        let now = Duration::from_millis(at);
        let taken = (0..burst).filter(|_| bucket.take(now, Duration::ZERO).is_ok()).count();
        prop_assert_eq!(taken, burst.min(calls as usize));
        let later = now + period;
        prop_assert!((0..calls).all(|_| bucket.take(later, Duration::ZERO).is_ok()));
    }

    #[test]
    fn a_breaker_agrees_with_its_definition(
        failures in 1_u32..6,
        events in prop::collection::vec((0_u64..20, any::<bool>()), 1..200),
    ) {
        let rest = Duration::from_secs(30);
        let mut breaker = Breaker::new(Trip { failures, rest: Time(rest) });
        let (mut now, mut row, mut open_until) = (Duration::ZERO, 0, None);
        for (gap, failed) in events {
            now += Duration::from_secs(gap);
            let admitted = breaker.admit(now);
            match open_until {
                Some(until) if now < until => {
                    prop_assert_eq!(admitted, Err(until - now));
                    continue;
                }
                probed => prop_assert_eq!(admitted, Ok(probed.is_some())),
            }
            let probe = admitted == Ok(true);
            if probe {
                // While the probe is out, nobody else is let through.
                prop_assert!(breaker.admit(now).is_err());
            }
            breaker.record(now, probe, failed);
            row = if failed { row + 1 } else { 0 };
            open_until = match failed {
                true if probe || row >= failures => Some(now + rest),
                true => None,
                false => None,
            };
            if open_until.is_some() {
                row = 0;
            }
        }
    }
}
