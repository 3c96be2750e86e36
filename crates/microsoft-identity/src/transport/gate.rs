//! The way to a service: open, closed because it fails, or closed because it asked for that.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::Rng as _;
use tokio::time::Instant;

use super::CallError;
use super::circuit::{CallOutcome, Circuit, Ticket};
use crate::health::{CircuitState, HealthReporter, ServiceName};
use crate::metrics;

/// Over how long those spread who all waited for the same moment.
const CROWD: Duration = Duration::from_millis(100);

pub(super) struct Gate {
    service: ServiceName,
    pub(super) label: String,
    state: Mutex<State>,
    health: HealthReporter,
}

struct State {
    circuit: Circuit,
    /// Until when Microsoft wants to be left alone.
    paused_until: Option<Instant>,
}

impl Gate {
    pub(super) fn new(service: ServiceName, health: HealthReporter) -> Self {
        let label = service.label();
        metrics::begin_service(&label);
        Self {
            label,
            service,
            state: Mutex::new(State {
                circuit: Circuit::new(),
                paused_until: None,
            }),
            health,
        }
    }

    /// Waits until the service may be called, or says why that is not before the deadline.
    pub(super) async fn pass(&self, deadline: Instant) -> Result<Permit<'_>, CallError> {
        loop {
            let now = Instant::now();
            if now >= deadline {
                return Err(CallError::TimedOut);
            }
            let Some(until) = self.paused_until(now) else {
                return self.admit(now);
            };
            let then = until + rand::rng().random_range(Duration::ZERO..=CROWD);
            if then >= deadline {
                let retry_after = until.duration_since(now);
                return Err(CallError::Throttled { retry_after });
            }
            tokio::time::sleep_until(then).await;
        }
    }

    /// Nobody passes for so long.
    pub(super) fn pause(&self, pause: Duration) {
        let until = Some(Instant::now() + pause);
        let mut state = self.state();
        state.paused_until = state.paused_until.max(until);
    }

    fn paused_until(&self, now: Instant) -> Option<Instant> {
        self.state().paused_until.filter(|until| *until > now)
    }

    fn admit(&self, now: Instant) -> Result<Permit<'_>, CallError> {
        self.change(|circuit| circuit.admit(now))
            .map(|ticket| Permit {
                gate: self,
                ticket: Some(ticket),
            })
            .map_err(|retry_after| CallError::CircuitOpen { retry_after })
    }

    /// Changes the circuit and tells everybody who has to know.
    fn change<T>(&self, change: impl FnOnce(&mut Circuit) -> T) -> T {
        let mut state = self.state();
        let before = state.circuit.state();
        let result = change(&mut state.circuit);
        let after = state.circuit.state();
        metrics::set_circuit(&self.label, after);
        self.health.report_circuit(&self.service, after);
        match (before, after) {
            (CircuitState::Closed, CircuitState::Open) => self.tell_that_it_fails(),
            (CircuitState::Open | CircuitState::HalfOpen, CircuitState::Closed) => {
                tracing::info!(service = self.label, "Microsoft is well again");
            }
            (_, _) => {}
        }
        result
    }

    fn tell_that_it_fails(&self) {
        const WHAT: &str = "Microsoft fails again and again, and is left alone for a while";
        match self.service {
            ServiceName::SignIn
            | ServiceName::Lookups
            | ServiceName::Claims
            | ServiceName::Graph
            | ServiceName::Autodiscover => {
                tracing::warn!(service = self.label, "{WHAT}");
            }
            ServiceName::National(_) => tracing::debug!(service = self.label, "{WHAT}"),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one call. It is given back even if nobody waits for the answer any more.
pub(super) struct Permit<'a> {
    gate: &'a Gate,
    ticket: Option<Ticket>,
}

impl Permit<'_> {
    /// Tells how the call ended.
    pub(super) fn settle(mut self, outcome: CallOutcome) {
        self.give_back(outcome);
    }

    fn give_back(&mut self, outcome: CallOutcome) {
        if let Some(ticket) = self.ticket.take() {
            let now = Instant::now();
            self.gate
                .change(|circuit| circuit.settle(ticket, outcome, now));
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.give_back(CallOutcome::Inconclusive);
    }
}
