//! The W3C `traceparent`, handed on whether or not traces are exported.
//!
//! With an exporter the current OpenTelemetry span is the truth. Without one
//! the text rides along in the span's extensions, so that a trace which begins
//! and ends elsewhere is not cut in two here.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::span::Id;
use tracing::{Dispatch, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Registry;
use tracing_subscriber::registry::{LookupSpan as _, SpanRef};
use uuid::Uuid;

const HEADER: &str = "traceparent";

/// The `traceparent` in a span's extensions when nothing exports the span.
struct CarriedTraceparent(String);

/// The `traceparent` to send with a call made within the current span.
///
/// A span without a parent from outside begins a trace of its own. Outside any
/// span there is none.
pub fn current_traceparent() -> Option<String> {
    known_traceparent().or_else(|| {
        in_registry(&Span::current().id()?, |span| {
            let root = span.scope().last()?;
            let fresh = fresh();
            let carried = CarriedTraceparent(fresh.clone());
            root.extensions_mut().replace(carried);
            Some(fresh)
        })
    })
}

/// As [`current_traceparent`], where somebody knows the trace: a collector, or whoever called us. With a question that
/// changes nothing, a trace that begins and ends here is not worth its way.
pub fn known_traceparent() -> Option<String> {
    let span = Span::current();
    if let Some(exported) = format(&span.context()) {
        return Some(exported);
    }
    in_registry(&span.id()?, |span| {
        span.scope().find_map(|span| {
            let extensions = span.extensions();
            let CarriedTraceparent(traceparent) = extensions.get()?;
            Some(traceparent.clone())
        })
    })
}

fn in_registry<T>(id: &Id, look: impl Fn(&SpanRef<'_, Registry>) -> Option<T>) -> Option<T> {
    tracing::dispatcher::get_default(|dispatch: &Dispatch| {
        look(&dispatch.downcast_ref::<Registry>()?.span(id)?)
    })
}

/// Makes a span continue the trace a caller sent; nonsense is ignored.
pub(crate) fn adopt_traceparent(span: &Span, traceparent: &str) {
    let Some(parent) = parse(traceparent) else {
        return;
    };
    if span.set_parent(parent.clone()).is_ok() {
        return;
    }
    let Some(id) = span.id() else { return };
    tracing::dispatcher::get_default(|dispatch: &Dispatch| {
        let registry = dispatch.downcast_ref::<Registry>();
        let span = registry.and_then(|registry| registry.span(&id));
        if let (Some(span), Some(traceparent)) = (span, format(&parent)) {
            let carried = CarriedTraceparent(traceparent);
            span.extensions_mut().replace(carried);
        }
    });
}

/// The context that a `traceparent` names, if it names one.
fn parse(traceparent: &str) -> Option<Context> {
    let headers = HashMap::from([(HEADER.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
    context.has_active_span().then_some(context)
}

/// The `traceparent` of a context, unless the context has no span.
fn format(context: &Context) -> Option<String> {
    let mut headers = HashMap::new();
    TraceContextPropagator::new().inject_context(context, &mut headers);
    headers.remove(HEADER)
}

fn fresh() -> String {
    let (trace, span) = (Uuid::new_v4(), Uuid::new_v4());
    let (span, _) = span.as_u64_pair();
    format!("00-{}-{span:016x}-00", trace.simple())
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn only_a_well_formed_traceparent_is_adopted() {
        assert!(parse(SENT).is_some());
        assert!(parse(&format!("01{}-more", &SENT[2..])).is_some());
        for bad in [
            "",
            "00",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
        assert!(parse(&fresh()).is_some());
    }

    #[test]
    fn a_traceparent_reaches_nested_spans_without_an_exporter() {
        let logs = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
        tracing::subscriber::with_default(Registry::default().with(logs), || {
            assert_eq!(current_traceparent(), None);
            let request = tracing::info_span!("request");
            adopt_traceparent(&request, SENT);
            let _entered = request.entered();
            let inner = tracing::info_span!("inner").entered();
            assert_eq!(current_traceparent().as_deref(), Some(SENT));
            drop(inner);
        });
    }

    #[test]
    fn a_trace_of_our_own_stays_the_same_within_a_request() {
        tracing::subscriber::with_default(Registry::default(), || {
            let _request = tracing::info_span!("request").entered();
            assert_eq!(known_traceparent(), None);
            let first = tracing::info_span!("one").in_scope(current_traceparent);
            assert_eq!(known_traceparent(), first);
            let second = tracing::info_span!("two").in_scope(current_traceparent);
            assert!(first.is_some());
            assert_eq!(first, second);
        });
    }
}
