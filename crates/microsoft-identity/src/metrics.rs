//! What is counted and measured about Microsoft.

use std::time::{Duration, SystemTime};

use assent_metrics::microsoft::{
    CERTIFICATE_EXPIRES, CIRCUIT_OPEN, CLOCK_OFFSET, CREDENTIAL_REFUSED, REQUEST_DURATION,
    REQUESTS, RETRIES,
};

use crate::health::{CircuitState, CredentialPlace};

/// Shows a service before it was asked anything.
pub(crate) fn begin_service(api: &str) {
    RETRIES.with([api.to_owned()]).increment(0);
    set_circuit(api, CircuitState::Closed);
}

pub(crate) fn count_request(api: &str, outcome: &'static str) {
    REQUESTS
        .with([api.to_owned(), outcome.to_owned()])
        .increment(1);
}

pub(crate) fn record_duration(api: &str, duration: Duration) {
    REQUEST_DURATION.with([api.to_owned()]).record(duration);
}

pub(crate) fn count_retry(api: &str) {
    RETRIES.with([api.to_owned()]).increment(1);
}

pub(crate) fn set_circuit(api: &str, state: CircuitState) {
    let open = match state {
        CircuitState::Closed => 0.0,
        CircuitState::Open | CircuitState::HalfOpen => 1.0,
    };
    CIRCUIT_OPEN.with([api.to_owned()]).set(open);
}

pub(crate) fn count_credential_refusal(credential: CredentialPlace) {
    CREDENTIAL_REFUSED.with([credential.as_str()]).increment(1);
}

pub(crate) fn set_certificate_expiry(credential: CredentialPlace, at: SystemTime) {
    CERTIFICATE_EXPIRES
        .with([credential.as_str()])
        .set(seconds_between(SystemTime::UNIX_EPOCH, at));
}

/// Microsoft said that it was then, and it was now by our clock.
pub(crate) fn set_clock_offset(then: SystemTime, now: SystemTime) {
    CLOCK_OFFSET.set(seconds_between(then, now));
}

/// How much later the second is; negative if it is earlier.
fn seconds_between(earlier: SystemTime, later: SystemTime) -> f64 {
    match later.duration_since(earlier) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}
