//! The spans of what goes over NATS, named as OpenTelemetry's conventions have it.
//!
//! A destination is always a fixed name, a subject of ours without ids or a stream: what a span says, whoever collects
//! traces reads.

use tracing::{Span, info_span};

use super::adopt_traceparent;

/// The span in which this program asks on a subject of NATS, or appends to a stream. What is sent within it carries its
/// [`current_traceparent`](super::current_traceparent).
pub fn sending(destination: &'static str) -> Span {
    info_span!(
        "send",
        otel.name = %format_args!("send {destination}"),
        otel.kind = "producer",
        messaging.system = "nats",
        messaging.operation.name = "send",
        messaging.operation.type = "send",
        messaging.destination.name = destination,
    )
}

/// As [`sending`], as a part of the trace that what is sent came out of.
pub fn sending_within(destination: &'static str, traceparent: &str) -> Span {
    let span = sending(destination);
    adopt_traceparent(&span, traceparent);
    span
}

/// The span in which this program handles what came on a subject or a stream, as a part of the trace that was sent along.
pub fn processing(destination: &'static str, traceparent: Option<&str>) -> Span {
    let span = info_span!(
        parent: None,
        "process",
        otel.name = %format_args!("process {destination}"),
        otel.kind = "consumer",
        messaging.system = "nats",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = destination,
    );
    if let Some(traceparent) = traceparent {
        adopt_traceparent(&span, traceparent);
    }
    span
}
