//! A circuit breaker: a service that fails again and again is left alone for a while, and then asked by one call.
//!
//! It has no clock and no lock of its own; both come from whoever uses it. Libraries for this exist, but none that
//! lets one single probe through and takes the time from outside.

use std::time::Duration;

use tokio::time::Instant;

use crate::health::CircuitState;

const FAILURES_TO_OPEN: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What to tell those who come while the probe is under way.
const A_MOMENT: Duration = Duration::from_secs(1);

/// How a call ended, for the service's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallOutcome {
    /// The service answered, were it with a refusal.
    Answered,
    /// The service did not answer, or with a breakdown of its own.
    Failed,
    /// Nothing can be said: the caller gave up, or the answer was not read to its end.
    Inconclusive,
}

/// The right to make one call. What an earlier state of the circuit admitted does not count any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(u64);

#[derive(Debug)]
pub(super) struct Circuit {
    state: State,
    /// How often the state has changed.
    generation: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant, pause: Duration },
    HalfOpen { pause: Duration },
}

impl Circuit {
    pub(super) fn new() -> Self {
        Self {
            state: State::Closed { failures: 0 },
            generation: 0,
        }
    }

    pub(super) fn state(&self) -> CircuitState {
        match self.state {
            State::Closed { .. } => CircuitState::Closed,
            State::Open { .. } => CircuitState::Open,
            State::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// Whether a call may be made now, or else after how long.
    pub(super) fn admit(&mut self, now: Instant) -> Result<Ticket, Duration> {
        match self.state {
            State::Closed { .. } => {}
            State::Open { until, .. } if now < until => return Err(until.duration_since(now)),
            State::Open { pause, .. } => self.change_to(State::HalfOpen { pause }),
            State::HalfOpen { .. } => return Err(A_MOMENT),
        }
        Ok(Ticket(self.generation))
    }

    /// Takes note of how an admitted call ended.
    pub(super) fn settle(&mut self, ticket: Ticket, outcome: CallOutcome, now: Instant) {
        if ticket.0 != self.generation {
            return;
        }
        match (self.state, outcome) {
            (State::Closed { .. }, CallOutcome::Answered) => {
                self.state = State::Closed { failures: 0 }
            }
            (State::Closed { failures }, CallOutcome::Failed) => {
                let failures = failures.saturating_add(1);
                if failures < FAILURES_TO_OPEN {
                    self.state = State::Closed { failures };
                } else {
                    self.open(now, FIRST_PAUSE);
                }
            }
            (State::HalfOpen { .. }, CallOutcome::Answered) => {
                self.change_to(State::Closed { failures: 0 });
            }
            (State::HalfOpen { pause }, CallOutcome::Failed) => {
                self.open(now, pause.saturating_mul(2).min(LONGEST_PAUSE));
            }
            // The probe came to nothing: the next call is one.
            (State::HalfOpen { pause }, CallOutcome::Inconclusive) => {
                self.change_to(State::Open { until: now, pause });
            }
            (State::Closed { .. }, CallOutcome::Inconclusive) | (State::Open { .. }, _) => {}
        }
    }

    fn open(&mut self, now: Instant, pause: Duration) {
        let until = now + pause;
        self.change_to(State::Open { until, pause });
    }

    fn change_to(&mut self, state: State) {
        self.state = state;
        self.generation = self.generation.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests;
