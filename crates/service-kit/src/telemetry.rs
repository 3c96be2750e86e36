//! Logs and traces.
//!
//! Logs go to standard error: JSON lines where a machine reads them, plain text
//! on a terminal. `RUST_LOG` chooses what is logged. Traces go over OTLP/HTTP
//! when `OTEL_EXPORTER_OTLP_ENDPOINT` is set; a `traceparent` is handed on
//! either way.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

mod alarms;
mod spans;
mod traceparent;

use crate::error_chain::with_sources;

pub use spans::{processing, sending, sending_within};
pub(crate) use traceparent::adopt_traceparent;
pub use traceparent::{current_traceparent, known_traceparent};

/// Whether a collector gets the spans of this process.
static EXPORTED: AtomicBool = AtomicBool::new(false);

pub(crate) fn spans_are_exported() -> bool {
    EXPORTED.load(Ordering::Relaxed)
}

/// Where OpenTelemetry's exporters find their collector.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

/// Why logs and traces cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `RUST_LOG` is not a filter.
    #[error("RUST_LOG: expected a filter such as `info` or `warn,my_crate=debug`")]
    Filter,
    /// The exporter refuses its settings.
    #[error("{ENDPOINT}: the trace exporter cannot be built")]
    Exporter(#[source] opentelemetry_otlp::ExporterBuildError),
    /// A subscriber is installed already.
    #[error("logging is set up already")]
    Installed(#[source] tracing_subscriber::util::TryInitError),
}

/// Keeps the exporter until the program ends.
#[derive(Debug)]
#[must_use]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sends the spans still held; call it once the tokio runtime has ended.
    pub fn flush(self) {
        if let Some(Err(error)) = self.traces.map(|traces| traces.shutdown()) {
            tracing::warn!(
                error = %with_sources(&error),
                "the last traces were not delivered"
            );
        }
    }
}

/// Sets up logs and traces for the whole process.
///
/// Call it outside tokio: the exporter's client starts a runtime of its own.
pub fn install(program: &'static str) -> Result<Telemetry, TelemetryError> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => {
            EnvFilter::try_new(filter).map_err(|_| TelemetryError::Filter)?
        }
        Ok(_) | Err(_) => EnvFilter::new("info"),
    };
    let traces = exporter(program)?;
    // Only spans of ours leave, and no log lines: these may name who it was about. What is exported does not depend on
    // what is logged.
    let spans = traces.as_ref().map(|traces| {
        tracing_opentelemetry::layer()
            .with_tracer(traces.tracer(program))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(move |metadata| {
                metadata.is_span()
                    && *metadata.level() <= Level::INFO
                    && is_ours(program, metadata.target())
            }))
    });
    let format = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let logs = if std::io::stderr().is_terminal() {
        format.boxed()
    } else {
        format.with_ansi(false).json().flatten_event(true).boxed()
    };
    let logs =
        logs.with_filter(filter.and(filter_fn(move |metadata| may_be_logged(program, metadata))));
    tracing_subscriber::registry()
        .with(logs)
        .with(spans)
        .with(alarms::counting())
        .try_init()
        .map_err(TelemetryError::Installed)?;
    EXPORTED.store(traces.is_some(), Ordering::Relaxed);
    Ok(Telemetry { traces })
}

/// Libraries log at `trace` what they send and receive, and that may be a token or a password. So
/// whatever `RUST_LOG` says, only our own crates and the program itself are heard below `debug`.
pub fn may_be_logged(program: &str, metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::DEBUG || is_ours(program, metadata.target())
}

fn is_ours(program: &str, target: &str) -> bool {
    let crate_name = target.split("::").next().unwrap_or_default();
    crate_name.starts_with("assent_") || crate_name == program.replace('-', "_")
}

fn exporter(program: &'static str) -> Result<Option<SdkTracerProvider>, TelemetryError> {
    let wanted = [ENDPOINT, TRACES_ENDPOINT]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if !wanted {
        return Ok(None);
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .build()
        .map_err(TelemetryError::Exporter)?;
    let resource = Resource::builder().with_service_name(program).build();
    Ok(Some(
        SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build(),
    ))
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_our_own_crates_are_ours() {
        for ours in ["assent_messaging::request", "login_hook", "login_hook::app"] {
            assert!(is_ours("login-hook", ours), "{ours}");
        }
        for others in ["async_nats::connection", "log", "", "login_hooks"] {
            assert!(!is_ours("login-hook", others), "{others}");
        }
    }
}
