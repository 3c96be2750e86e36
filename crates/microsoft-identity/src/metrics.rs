//! What is counted and measured about Microsoft.

use std::time::{Duration, SystemTime};

use metrics::Unit;

use crate::health::{CircuitState, CredentialPlace};

const REQUESTS: &str = "assent_microsoft_requests_total";
const DURATION: &str = "assent_microsoft_request_duration_seconds";
const RETRIES: &str = "assent_microsoft_retries_total";
const CIRCUIT_OPEN: &str = "assent_microsoft_circuit_open";
const CREDENTIAL_REFUSED: &str = "assent_microsoft_credential_refused_total";
const CERTIFICATE_EXPIRES: &str = "assent_microsoft_certificate_expires_timestamp_seconds";

/// Describes this crate's metrics to the recorder. Call it once, after the recorder is installed.
pub fn describe_metrics() {
    metrics::describe_counter!(
        REQUESTS,
        "Requests to Microsoft by service and outcome, with those that were held back"
    );
    metrics::describe_histogram!(
        DURATION,
        Unit::Seconds,
        "Time from sending a request to Microsoft to the end of its answer"
    );
    metrics::describe_counter!(RETRIES, "Requests to Microsoft that were repeated");
    metrics::describe_gauge!(
        CIRCUIT_OPEN,
        "1 while a service of Microsoft's fails and is left alone"
    );
    metrics::describe_counter!(
        CREDENTIAL_REFUSED,
        "Token requests for which Microsoft did not believe our credential"
    );
    metrics::describe_gauge!(
        CERTIFICATE_EXPIRES,
        "When our certificate ends, in seconds since 1970"
    );
}

pub(crate) fn count_request(service: &str, outcome: &'static str) {
    metrics::counter!(REQUESTS, "service" => service.to_owned(), "outcome" => outcome).increment(1);
}

pub(crate) fn record_duration(service: &str, duration: Duration) {
    metrics::histogram!(DURATION, "service" => service.to_owned()).record(duration);
}

pub(crate) fn count_retry(service: &str) {
    metrics::counter!(RETRIES, "service" => service.to_owned()).increment(1);
}

pub(crate) fn set_circuit(service: &str, state: CircuitState) {
    let open = match state {
        CircuitState::Closed => 0.0,
        CircuitState::Open | CircuitState::HalfOpen => 1.0,
    };
    metrics::gauge!(CIRCUIT_OPEN, "service" => service.to_owned()).set(open);
}

pub(crate) fn count_credential_refusal(credential: CredentialPlace) {
    metrics::counter!(CREDENTIAL_REFUSED, "credential" => credential.as_str()).increment(1);
}

pub(crate) fn set_certificate_expiry(credential: CredentialPlace, at: SystemTime) {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0.0, |since| since.as_secs_f64());
    metrics::gauge!(CERTIFICATE_EXPIRES, "certificate" => credential.as_str()).set(seconds);
}
