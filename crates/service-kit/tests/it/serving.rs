//! The server on a real socket: observation, limits, draining.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use assent_service_kit::{Health, Runtime, ServeError, bind};
use axum::{Router, routing::get};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub(crate) struct Serving {
    pub(crate) base: String,
    pub(crate) runtime: Runtime,
    pub(crate) health: Health,
    pub(crate) ended: JoinHandle<Result<(), ServeError>>,
}

pub(crate) async fn serving(router: Router) -> Serving {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let bound = bind(any).await.unwrap();
    let base = format!("http://{}", bound.address());
    let (runtime, health) = (Runtime::new(), Health::new());
    let ended = {
        let (runtime, health) = (runtime.clone(), health.clone());
        tokio::spawn(async move { bound.serve(&runtime, router, health).await })
    };
    Serving {
        base,
        runtime,
        health,
        ended,
    }
}

#[tokio::test]
async fn liveness_readiness_and_metrics_are_answered() {
    let router = Router::new().route("/v1/things/{thing}", get(async || "a thing"));
    let server = serving(router).await;
    let base = &server.base;

    let live = reqwest::get(format!("{base}/livez")).await.unwrap();
    assert_eq!(live.status(), 200);
    assert_eq!(live.json::<Value>().await.unwrap(), json!({"status": "ok"}));

    let nats = server.health.dependency("nats");
    nats.not_ready("connection refused; is it running?");
    let ready = reqwest::get(format!("{base}/readyz")).await.unwrap();
    assert_eq!(ready.status(), 503);
    assert_eq!(
        ready.json::<Value>().await.unwrap(),
        json!({"ready": false, "dependencies": {
            "nats": {"ready": false, "reason": "connection refused; is it running?"}
        }})
    );
    nats.ready();
    let ready = reqwest::get(format!("{base}/readyz")).await.unwrap();
    assert_eq!(ready.status(), 200);
    assert_eq!(
        ready.json::<Value>().await.unwrap(),
        json!({"ready": true, "dependencies": {"nats": {"ready": true}}})
    );

    for thing in ["one", "two"] {
        let url = format!("{base}/v1/things/{thing}?code=hunter2");
        assert_eq!(reqwest::get(url).await.unwrap().status(), 200);
    }
    let metrics = reqwest::get(format!("{base}/metrics")).await.unwrap();
    let text = metrics.text().await.unwrap();
    let counted =
        "http_requests_total{method=\"GET\",route=\"/v1/things/{thing}\",status=\"200\"} 2";
    assert!(text.contains(counted), "{text}");
    assert!(
        text.contains("http_request_duration_seconds_bucket"),
        "{text}"
    );
    assert!(
        !text.contains("hunter2") && !text.contains("/things/one"),
        "{text}"
    );
}

#[tokio::test]
async fn a_request_in_flight_finishes_while_no_new_one_is_taken() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
        move || async move {
            entered.notify_one();
            release.notified().await;
            "finished"
        }
    };
    let server = serving(Router::new().route("/slow", get(handler))).await;
    let in_flight = tokio::spawn(reqwest::get(format!("{}/slow", server.base)));
    entered.notified().await;

    server.runtime.request_shutdown();
    let refused = async {
        while reqwest::get(format!("{}/livez", server.base)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), refused)
        .await
        .unwrap();
    assert!(!server.health.is_ready());
    assert!(!server.ended.is_finished());

    release.notify_one();
    let answer = in_flight.await.unwrap().unwrap();
    assert_eq!(answer.text().await.unwrap(), "finished");
    let ended = tokio::time::timeout(Duration::from_secs(5), server.ended);
    ended.await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_names_it() {
    let first = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let error = bind(first.address()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {}", first.address())
    );
}
