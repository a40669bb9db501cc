//! Counting a statement's work and stopping it.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{host::Host, provider::Call};

/// Steps of the database in a unit of work; it looks at the limits as often.
pub(super) const PERIOD: i32 = 1000;

const STEPS: u64 = PERIOD as u64;

/// What a statement may do.
#[derive(Clone, Copy, Debug)]
pub(super) enum May {
    /// Everything: it is ours.
    Anything,
    /// Read; why not more.
    Read(&'static str),
    /// Change tables.
    Change,
}

/// Why a statement was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It took more steps than the call affords.
    Work,
    /// It took more time than the call has.
    Time,
}

/// Shared with the database, which asks it.
pub(super) struct Watch {
    host: Arc<dyn Host>,
    state: Mutex<State>,
}

struct State {
    may: May,
    /// Whether a statement of a program runs; compiling one is not counted in steps.
    runs: bool,
    /// Times that a period was over.
    turns: u64,
    /// Bytes of query, parameters and rows, each of which counts like a step.
    bytes: u64,
    most: u64,
    until: Duration,
    stop: Option<Stop>,
    refused: Option<&'static str>,
}

impl Watch {
    pub(super) fn new(host: Arc<dyn Host>) -> Self {
        let state = State {
            may: May::Anything,
            runs: false,
            turns: 0,
            bytes: 0,
            most: 0,
            until: Duration::MAX,
            stop: None,
            refused: None,
        };
        Self { host, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what the next statements may do.
    pub(super) fn may(&self, may: May) {
        let mut state = self.state();
        state.may = may;
        state.runs = false;
    }

    /// No statement of a program runs, and nothing is left to be stopped.
    pub(super) fn rest(&self) {
        self.may(May::Anything);
        self.state().until = Duration::MAX;
    }

    /// A call starts: its time counts from here.
    pub(super) fn call(&self, call: &Call) {
        let until = self.host.now().saturating_add(call.timeout);
        let mut state = self.state();
        state.until = until;
        state.most = call.max_units.saturating_mul(STEPS);
        (state.turns, state.bytes) = (0, 0);
        (state.stop, state.refused) = (None, None);
    }

    /// The statement is compiled and starts.
    pub(super) fn start(&self) {
        self.state().runs = true;
    }

    /// Counts bytes that were read or written; whether that is affordable.
    pub(super) fn pay(&self, bytes: u64) -> bool {
        let mut state = self.state();
        state.bytes = state.bytes.saturating_add(bytes);
        state.covered()
    }

    /// A period is over; whether the statement is stopped.
    pub(super) fn turn(&self) -> bool {
        let mut state = self.state();
        if state.runs {
            state.turns += 1;
            if !state.covered() {
                state.stop = Some(Stop::Work);
            }
        }
        if state.stop.is_none() && state.until < Duration::MAX && self.host.now() > state.until {
            state.stop = Some(Stop::Time);
        }
        state.stop.is_some()
    }

    /// Whether what is asked is allowed; notes why not.
    pub(super) fn allowed(&self, check: impl Fn(May) -> Result<(), &'static str>) -> bool {
        let mut state = self.state();
        let refused = check(state.may).err();
        state.refused = state.refused.or(refused);
        refused.is_none()
    }

    pub(super) fn stopped(&self) -> Option<Stop> {
        self.state().stop
    }

    pub(super) fn refused(&self) -> Option<&'static str> {
        self.state().refused
    }

    /// Times that a period was over in the last statement.
    #[cfg(test)]
    pub(super) fn turns(&self) -> u64 {
        self.state().turns
    }

    /// Units of work so far, from the database's exact count of steps, of which it keeps the last
    /// 32 bits.
    pub(super) fn units(&self, steps: u32) -> u64 {
        let state = self.state();
        let about = state.turns.saturating_mul(STEPS);
        let exact = (about & !u64::from(u32::MAX)) | u64::from(steps);
        let exact = if exact < about { exact.saturating_add(1 << 32) } else { exact };
        exact.saturating_add(state.bytes).div_ceil(STEPS)
    }
}

impl State {
    const fn covered(&self) -> bool {
        self.turns.saturating_mul(STEPS).saturating_add(self.bytes) <= self.most
    }
}
