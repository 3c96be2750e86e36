//! Prometheus metrics: one recorder per process, shown at `/metrics`.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

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
        let builder = PrometheusBuilder::new();
        let recorder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .unwrap_or_default()
            .build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed; /metrics will stay empty");
        }
        metrics::describe_counter!("http_requests_total", "HTTP requests answered");
        metrics::describe_histogram!(
            "http_request_duration_seconds",
            metrics::Unit::Seconds,
            "Time to answer an HTTP request"
        );
        metrics::describe_gauge!("http_connections_open", "Connections that are served");
        metrics::describe_gauge!(
            "http_connections_limit",
            "How many connections are served at once"
        );
        metrics::describe_counter!(
            "http_connections_refused_total",
            "Connections beyond the limit, on which only /livez, /readyz and /metrics were answered"
        );
        metrics::describe_counter!(
            "http_connections_failed_total",
            "Connections that ended otherwise than by agreement, by why"
        );
        metrics::describe_counter!(
            "http_accept_errors_total",
            "Times at which no connection could be accepted"
        );
        handle
    });
}

/// Shows which program and version this is.
pub(crate) fn build_info(program: &'static str, version: &'static str) {
    metrics::gauge!("build_info", "program" => program, "version" => version).set(1.0);
}

/// All metrics in the Prometheus text format.
pub fn render() -> String {
    RECORDER
        .get()
        .map(PrometheusHandle::render)
        .unwrap_or_default()
}

/// Folds what was recorded since the last call.
pub(crate) fn upkeep() {
    if let Some(recorder) = RECORDER.get() {
        recorder.run_upkeep();
    }
}

/// Counts one answered request.
pub(crate) fn http_request(method: &'static str, route: &str, status: u16, took: Duration) {
    let labels = [
        metrics::Label::from_static_parts("method", method),
        metrics::Label::new("route", route.to_owned()),
        metrics::Label::new("status", status.to_string()),
    ];
    metrics::counter!("http_requests_total", labels.iter()).increment(1);
    metrics::histogram!("http_request_duration_seconds", labels.iter()).record(took);
}

/// As long as it lives, a connection counts as open.
#[derive(Debug)]
pub(crate) struct ConnectionOpen(metrics::Gauge);

impl ConnectionOpen {
    pub(crate) fn new() -> Self {
        let open = metrics::gauge!("http_connections_open");
        open.increment(1.0);
        Self(open)
    }
}

impl Drop for ConnectionOpen {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Shows how many connections are served at once.
pub(crate) fn connection_limit(most: usize) {
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    metrics::gauge!("http_connections_limit").set(most);
    metrics::counter!("http_connections_refused_total").increment(0);
}

/// Counts a connection beyond the limit.
pub(crate) fn connection_refused() {
    metrics::counter!("http_connections_refused_total").increment(1);
}

/// Counts a connection that failed.
pub(crate) fn connection_failed(why: &'static str) {
    metrics::counter!("http_connections_failed_total", "why" => why).increment(1);
}

/// Counts a failure to accept.
pub(crate) fn accept_failed() {
    metrics::counter!("http_accept_errors_total").increment(1);
}
