//! One trace tells a login, and one a grant, from the first request to what came of it last: read by a collector of traces
//! as any other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, ensure};
use assent_contract::names;
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, OLGA, Reaction};
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;

use crate::credentials::variables;
use crate::fixture::{
    admin_consent, authorize_url, eventually, last_sequence, log, query_value, start_with,
    user_history,
};

const ACCOUNT: &str = "zebra-4711";
const USER: &str = "quokka-0815";

/// A span as it arrived.
#[derive(Debug, Clone)]
struct Span {
    service: String,
    name: String,
    kind: SpanKind,
    trace: String,
    id: String,
    parent: String,
    attributes: BTreeMap<String, String>,
    events: usize,
}

impl Span {
    /// What is sent along with what this span does.
    fn traceparent(&self) -> String {
        format!("00-{}-{}-01", self.trace, self.id)
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// Collects traces, as `OTEL_EXPORTER_OTLP_ENDPOINT`.
#[derive(Debug, Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    async fn start() -> anyhow::Result<(Self, String)> {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let sink = collector.clone();
        let take = async move |body: Bytes| sink.take(&body);
        let router = Router::new().route("/v1/traces", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((collector, endpoint))
    }

    fn take(&self, body: &[u8]) {
        // What can't be read is missed by whoever waits for it.
        let request = ExportTraceServiceRequest::decode(body).unwrap_or_default();
        for resource in request.resource_spans {
            let of = read(
                resource
                    .resource
                    .map(|it| it.attributes)
                    .unwrap_or_default(),
            );
            let service = of.get("service.name").cloned().unwrap_or_default();
            for span in resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                self.lock().push(Span {
                    service: service.clone(),
                    kind: span.kind(),
                    name: span.name,
                    trace: hexadecimal(&span.trace_id),
                    id: hexadecimal(&span.span_id),
                    parent: hexadecimal(&span.parent_span_id),
                    attributes: read(span.attributes),
                    events: span.events.len(),
                });
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Span>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spans(&self) -> Vec<Span> {
        self.lock().clone()
    }

    /// The one span of this trace, service and name.
    fn find(&self, trace: &str, service: &str, name: &str) -> Option<Span> {
        let spans = self.spans().into_iter();
        let mut found = spans
            .filter(|span| (span.trace.as_str(), span.service.as_str()) == (trace, service))
            .filter(|span| span.name == name);
        let span = found.next()?;
        assert!(found.next().is_none(), "two spans {name} of {service}");
        Some(span)
    }

    /// Waits for a span, and for it to be a child of another.
    async fn child(&self, parent: &Span, service: &str, name: &str) -> anyhow::Result<Span> {
        let child = self.awaited(&parent.trace, service, name).await?;
        ensure!(
            child.parent == parent.id,
            "{child:?} is not a child of {parent:?}"
        );
        Ok(child)
    }

    async fn awaited(&self, trace: &str, service: &str, name: &str) -> anyhow::Result<Span> {
        let what = format!("there is a span {name} of {service} in trace {trace}");
        eventually(&what, async || {
            Ok(self.find(trace, service, name).is_some())
        })
        .await
        .with_context(|| format!("{:#?}", self.spans()))?;
        self.find(trace, service, name).context("it is gone")
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

fn read(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let pairs = attributes.into_iter();
    pairs.map(|pair| (pair.key, text(pair.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

async fn traced() -> anyhow::Result<(Collector, Stack)> {
    let (collector, endpoint) = Collector::start().await?;
    let stack = start_with(|options| {
        options.variables = variables(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            // What is exported does not depend on what is logged.
            ("RUST_LOG", "warn,assent_service_kit=info"),
        ]);
    })
    .await?;
    Ok((collector, stack))
}

/// A trace that begins with the caller.
fn begun(number: u8) -> (String, String) {
    let trace = format!("{number:02x}").repeat(16);
    let traceparent = format!("00-{trace}-b7ad6b7169203331-01");
    (trace, traceparent)
}

fn is_http(span: &Span, method: &str, route: &str, status: &str) -> anyhow::Result<()> {
    ensure!(
        span.kind == SpanKind::Server
            && span.attribute("http.request.method") == Some(method)
            && span.attribute("http.route") == Some(route)
            && span.attribute("http.response.status_code") == Some(status),
        "{span:?}"
    );
    Ok(())
}

fn is_messaging(span: &Span, kind: SpanKind, destination: &str) -> anyhow::Result<()> {
    let operation = if kind == SpanKind::Producer {
        "send"
    } else {
        "process"
    };
    ensure!(
        span.kind == kind
            && span.attribute("messaging.system") == Some("nats")
            && span.attribute("messaging.operation.type") == Some(operation)
            && span.attribute("messaging.destination.name") == Some(destination),
        "{span:?}"
    );
    Ok(())
}

/// Nothing that a span says is secret, or says of whom it is.
fn tells_nobody(spans: &[Span], secrets: &[&str]) -> anyhow::Result<()> {
    ensure!(!spans.is_empty());
    for span in spans {
        ensure!(span.events == 0, "log lines leave with {span:?}");
        let texts = span.attributes.values().chain([&span.name]);
        for text in texts {
            for secret in secrets.iter().chain(&[ACCOUNT, USER, "@", "eyJ", "Bearer"]) {
                ensure!(!text.contains(secret), "{secret} is in {span:?}");
            }
            let ids = [ANA.tenant, ANA.object_id, OLGA.object_id];
            ensure!(
                !ids.iter().any(|id| text.contains(id)),
                "{span:?} holds an id"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn one_trace_tells_a_login() -> anyhow::Result<()> {
    let (collector, stack) = traced().await?;
    // The administrator decides for everyone, so that a login appends.
    let sam = stack.super_admin(ACCOUNT, "sam");
    sam.set_method("user_individual", "full").await?.ok()?;
    let landing = admin_consent(&stack, &sam, None, OLGA, Reaction::Accept).await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    let at_least = last_sequence(&log(&stack).await?).await?;

    let (trace, traceparent) = begun(0xa1);
    let id_token = stack.microsoft().id_token(ANA, None).await?;
    let body = serde_json::json!({
        "account_id": ACCOUNT, "user_id": USER, "at_least": at_least,
        "sign_in": {"provider": "microsoft", "id_token": id_token},
    });
    let login = stack.login(ACCOUNT);
    let decided = login.send(reqwest::Method::POST, "/v1/login-decisions", |request| {
        request.json(&body).header("traceparent", &traceparent)
    });
    let decided = decided.await?.ok()?;
    ensure!(
        decided.word("/decision") == Some("auto_grant"),
        "{decided:?}"
    );

    let route = "/v1/login-decisions";
    let http = collector
        .awaited(&trace, "login-hook", &format!("POST {route}"))
        .await?;
    ensure!(http.parent == "b7ad6b7169203331", "{http:?}");
    is_http(&http, "POST", route, "200")?;
    let query = names::QUERY_LOGIN_STATE;
    let asked = collector
        .child(&http, "login-hook", &format!("send {query}"))
        .await?;
    is_messaging(&asked, SpanKind::Producer, query)?;
    let answered = collector
        .child(&asked, "projection", &format!("process {query}"))
        .await?;
    is_messaging(&answered, SpanKind::Consumer, query)?;
    let command = names::COMMAND_RECORD_AUTOMATIC_GRANT;
    let sent = collector
        .child(&http, "login-hook", &format!("send {command}"))
        .await?;
    is_messaging(&sent, SpanKind::Producer, command)?;
    let done = collector
        .child(&sent, "consent-gateway", &format!("process {command}"))
        .await?;
    is_messaging(&done, SpanKind::Consumer, command)?;
    let stream = names::EVENT_STREAM;
    let appended = collector
        .child(&done, "consent-gateway", &format!("send {stream}"))
        .await?;
    is_messaging(&appended, SpanKind::Producer, stream)?;
    let applied = collector
        .child(&appended, "projection", &format!("process {stream}"))
        .await?;
    is_messaging(&applied, SpanKind::Consumer, stream)?;
    tells_nobody(&collector.spans(), &[&id_token])
}

#[tokio::test]
async fn one_trace_tells_a_grant_from_the_callback_to_the_change() -> anyhow::Result<()> {
    let (collector, stack) = traced().await?;
    let mut worker = stack.start_sync_worker().await?;

    let ana = stack.user(ACCOUNT, USER);
    let started = ana.start_grant(&["calendar"], Some(ANA)).await?.ok()?;
    let url = authorize_url(&started)?;
    let back = crate::fixture::sent_back(&stack, url, ANA).await?;
    let (code, state) = (query_value(&back, "code")?, query_value(&back, "state")?);
    let (trace, traceparent) = begun(0xb2);
    let browser = ana.clone().in_a_browser();
    let landed = browser.send(reqwest::Method::GET, &back, |request| {
        request.header("traceparent", &traceparent)
    });
    let landed = landed.await?;
    ensure!(landed.status == 303 || landed.status == 302, "{landed:?}");

    let route = "/callbacks/microsoft/authorize";
    let http = collector
        .awaited(&trace, "consent-gateway", &format!("GET {route}"))
        .await?;
    ensure!(http.parent == "b7ad6b7169203331", "{http:?}");
    is_http(&http, "GET", route, &landed.status.to_string())?;
    let stream = names::EVENT_STREAM;
    let appended = collector
        .child(&http, "consent-gateway", &format!("send {stream}"))
        .await?;
    is_messaging(&appended, SpanKind::Producer, stream)?;
    let history = user_history(&log(&stack).await?, ACCOUNT, USER).await?;
    let event = history.events().last().context("nothing is recorded")?;
    ensure!(event.decoded.metadata.traceparent == Some(appended.traceparent()));
    let applied = collector
        .child(&appended, "projection", &format!("process {stream}"))
        .await?;
    is_messaging(&applied, SpanKind::Consumer, stream)?;
    let changes = names::CHANGE_STREAM;
    let sent = collector
        .child(&applied, "projection", &format!("send {changes}"))
        .await?;
    is_messaging(&sent, SpanKind::Producer, changes)?;
    let told = worker.receive(event.sequence.0).await?;
    ensure!(
        told.traceparent == Some(sent.traceparent()),
        "{told:?}, told by {sent:?}"
    );
    // The code was redeemed at Microsoft meanwhile.
    let asked = collector
        .child(&http, "consent-gateway", "POST sign_in")
        .await?;
    ensure!(
        asked.kind == SpanKind::Client
            && asked.attribute("http.request.method") == Some("POST")
            && asked.attribute("http.response.status_code") == Some("200")
            && asked.attribute("server.address") == Some("127.0.0.1"),
        "{asked:?}"
    );
    tells_nobody(&collector.spans(), &[&code, &state])
}
