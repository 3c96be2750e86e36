//! Prometheus metrics: one recorder per process, shown at `/metrics`.

use std::sync::OnceLock;
use std::time::Duration;

use assent_metrics::http::{
    ACCEPT_ERRORS, CONNECTIONS_FAILED, CONNECTIONS_LIMIT, CONNECTIONS_OPEN, CONNECTIONS_REFUSED,
    REQUEST_DURATION, REQUESTS,
};
use assent_metrics::service::BUILD_INFO;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// How often histograms are folded, so that one nobody reads stays small.
pub(crate) const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The HTTP durations' buckets in seconds: fine below 10 ms, where a login
/// decision lives, coarse up to the request timeout.
const SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0,
];

/// Installs the process's recorder; later calls change nothing.
pub fn install() {
    RECORDER.get_or_init(|| {
        let installed = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .unwrap_or_default()
            .install_recorder();
        if installed.is_err() {
            tracing::warn!("another metrics recorder is installed; /metrics will stay empty");
        }
        installed.ok()
    });
}

/// Describes a program's metrics, and shows which program and version this is.
pub(crate) fn begin(program: &'static str, version: &'static str) {
    assent_metrics::begin(program);
    BUILD_INFO.with([program, version]).set(1.0);
}

fn recorder() -> Option<&'static PrometheusHandle> {
    RECORDER.get()?.as_ref()
}

/// All metrics in the Prometheus text format.
pub fn render() -> String {
    recorder().map(PrometheusHandle::render).unwrap_or_default()
}

/// Folds what was recorded since the last call.
pub(crate) fn upkeep() {
    if let Some(recorder) = recorder() {
        recorder.run_upkeep();
    }
}

/// Counts one answered request.
pub(crate) fn http_request(method: &'static str, route: &str, status: u16, took: Duration) {
    REQUESTS
        .with([method.to_owned(), route.to_owned(), status.to_string()])
        .increment(1);
    REQUEST_DURATION
        .with([
            method.to_owned(),
            route.to_owned(),
            class(status).to_owned(),
        ])
        .record(took);
}

const fn class(status: u16) -> &'static str {
    match status {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

/// As long as it lives, a connection counts as open.
#[derive(Debug)]
pub(crate) struct ConnectionOpen(());

impl ConnectionOpen {
    pub(crate) fn new() -> Self {
        CONNECTIONS_OPEN.with::<&'static str>([]).increment(1.0);
        Self(())
    }
}

impl Drop for ConnectionOpen {
    fn drop(&mut self) {
        CONNECTIONS_OPEN.with::<&'static str>([]).decrement(1.0);
    }
}

/// Shows how many connections are served at once.
pub(crate) fn connection_limit(most: usize) {
    CONNECTIONS_LIMIT.set_count(u64::try_from(most).unwrap_or(u64::MAX));
}

/// Counts a connection beyond the limit.
pub(crate) fn connection_refused() {
    CONNECTIONS_REFUSED.increment(1);
}

/// Counts a connection that failed.
pub(crate) fn connection_failed(why: &'static str) {
    CONNECTIONS_FAILED.with([why]).increment(1);
}

/// Counts a failure to accept.
pub(crate) fn accept_failed() {
    ACCEPT_ERRORS.increment(1);
}
