//! Counts the log lines that somebody has to be told of.
//!
//! They are counted where they are logged, whatever `RUST_LOG` lets through: an alarm that is not in the log because it was
//! turned down is in the metrics all the same.

use assent_metrics::alarms::{alarm_kind, security_event_kind};
use assent_metrics::service;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

const OPERATOR_ALARM: &str = "operator_alarm";
const SECURITY_EVENT: &str = "security_event";

/// Counts operators' alarms and security events by kind.
pub(super) fn counting<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let only: FilterFn = filter_fn(is_alarm);
    Alarms.with_filter(only)
}

/// Alarms are warnings or errors; spans are none of either.
fn is_alarm(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
        && *metadata.level() <= Level::WARN
        && metadata
            .fields()
            .iter()
            .any(|field| [OPERATOR_ALARM, SECURITY_EVENT].contains(&field.name()))
}

struct Alarms;

impl<S: Subscriber> Layer<S> for Alarms {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Counting);
    }
}

struct Counting;

impl Visit for Counting {
    fn record_str(&mut self, field: &Field, said: &str) {
        match field.name() {
            OPERATOR_ALARM => service::OPERATOR_ALARMS
                .with([alarm_kind(said)])
                .increment(1),
            SECURITY_EVENT => service::SECURITY_EVENTS
                .with([security_event_kind(said)])
                .increment(1),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
