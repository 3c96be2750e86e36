//! What every service does: readiness, metrics, traces, a description, an orderly end.

use serde_json::Value;

use crate::fixture::{Fixture, other_sign_in, until};
use crate::microsoft::CONTOSO;

#[tokio::test]
async fn it_becomes_ready_and_counts_its_decisions() {
    let fixture = Fixture::start().await;
    let get = |path: &str| fixture.http.get(format!("{}{path}", fixture.base)).send();
    until("ready", async || {
        get("/readyz").await.unwrap().status() == 200
    })
    .await;
    let ready: Value = get("/readyz").await.unwrap().json().await.unwrap();
    for dependency in ["nats", "microsoft_keys", "host_keys"] {
        assert_eq!(ready["dependencies"][dependency]["ready"], true, "{ready}");
    }

    fixture.decide(&fixture.microsoft_sign_in(CONTOSO)).await;
    let metrics = get("/metrics").await.unwrap().text().await.unwrap();
    let counted = r#"assent_login_decisions_total{decision="prompt",reason="consent_missing"}"#;
    assert!(metrics.contains(counted), "{metrics}");
    for name in [
        "assent_login_query_duration_seconds",
        "assent_login_command_duration_seconds",
        "assent_dependency_up",
    ] {
        assert!(metrics.contains(name), "{name} is not in {metrics}");
    }
}

#[tokio::test]
async fn it_describes_itself_to_anyone() {
    let fixture = Fixture::start().await;
    let answer = fixture.http.get(format!("{}/openapi.json", fixture.base));
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let description: Value = answer.json().await.unwrap();
    assert_eq!(description["openapi"], "3.1.0");
}

/// Spans carry a trace, and there are no spans without a subscriber, which a program installs
/// before its runtime.
#[test]
fn a_trace_goes_on_over_nats() {
    let telemetry = assent_service_kit::telemetry::install("login-hook").unwrap();
    let tokio = tokio::runtime::Runtime::new().unwrap();
    tokio.block_on(async {
        let fixture = Fixture::start().await;
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let request = fixture
            .http
            .post(format!("{}/v1/login-decisions", fixture.base))
            .header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"))
            .bearer_auth(fixture.host.service_token(&["login:decide"]))
            .json(&other_sign_in());
        assert_eq!(request.send().await.unwrap().status(), 200);
        let traceparents = fixture.script().traceparents.clone();
        assert_eq!(traceparents.len(), 2, "a query and a command");
        for traceparent in traceparents {
            assert!(traceparent.unwrap().contains(trace));
        }
    });
    drop(tokio);
    telemetry.flush();
}

#[tokio::test]
async fn it_stops_when_asked() {
    let fixture = Fixture::start().await;
    fixture.runtime.request_shutdown();
    until("it stopped listening", async || {
        let live = fixture.http.get(format!("{}/livez", fixture.base));
        live.send().await.is_err()
    })
    .await;
    fixture.runtime.tasks_ended().await;
    assert_eq!(fixture.runtime.died(), None);
}
