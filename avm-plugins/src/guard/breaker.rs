//! A circuit breaker: what fails again and again is left alone for a while.

use std::time::Duration;

use super::Trip;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Calls go through; so many in a row have failed.
    Closed(u32),
    /// Nothing goes through until then.
    Open(Duration),
    /// One call is under way to see whether it is well again.
    Probing,
}

/// The breaker of one provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct Breaker {
    trip: Trip,
    state: State,
}

impl Breaker {
    pub(super) const fn new(trip: Trip) -> Self {
        Self { trip, state: State::Closed(0) }
    }

    /// How long calls are refused still; `None` if one may be made now. Changes nothing.
    pub(super) fn refuses(&self, now: Duration) -> Option<Duration> {
        match self.state {
            State::Closed(_) => None,
            State::Open(until) => Some(until.saturating_sub(now)).filter(|left| !left.is_zero()),
            State::Probing => Some(self.trip.rest.0),
        }
    }

    /// Lets a call through, and tells whether it is the probe. Every call let through is to be
    /// recorded.
    ///
    /// # Errors
    /// How long calls are refused still.
    pub(super) fn admit(&mut self, now: Duration) -> Result<bool, Duration> {
        if let Some(left) = self.refuses(now) {
            return Err(left);
        }
        let probe = matches!(self.state, State::Open(_));
        if probe {
            self.state = State::Probing;
        }
        Ok(probe)
    }

    /// Takes note of how a call went.
    pub(super) fn record(&mut self, now: Duration, probe: bool, failed: bool) {
        let open = State::Open(now.saturating_add(self.trip.rest.0));
        self.state = match (self.state, failed) {
            (State::Probing, true) if probe => open,
            (State::Probing, false) if probe => State::Closed(0),
            (State::Closed(_), false) => State::Closed(0),
            (State::Closed(failures), true) => {
                let failures = failures.saturating_add(1);
                // No number of failures stands for never.
                let trips = self.trip.failures > 0 && failures >= self.trip.failures;
                if trips { open } else { State::Closed(failures) }
            }
            // A call from before it opened says nothing about now.
            (state, _) => state,
        };
    }
}
