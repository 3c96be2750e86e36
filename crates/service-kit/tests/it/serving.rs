//! The server on a real socket: observation, limits, draining.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use assent_service_kit::{Bound, ErrorPages, Health, Listen, Runtime, ServeError, bind};
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

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub(crate) async fn serving(router: Router) -> Serving {
    serving_at(any_port().into(), router).await
}

async fn serving_at(listen: Listen, router: Router) -> Serving {
    serving_on(bind(listen).await.unwrap(), router)
}

/// The same, with pages for people.
pub(crate) async fn serving_people(router: Router, people: ErrorPages) -> Serving {
    let bound = bind(any_port()).await.unwrap();
    serving_on(bound.with_error_pages(people), router)
}

fn serving_on(bound: Bound, router: Router) -> Serving {
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
async fn metrics_may_have_a_port_of_their_own() {
    // Taken and given back: nobody else here asks for a port by its number.
    let metrics = bind(any_port()).await.unwrap().address();
    let listen = Listen {
        metrics: Some(metrics),
        ..any_port().into()
    };
    let server = serving_at(listen, Router::new()).await;
    let get = async |url: String| reqwest::get(url).await.unwrap().status().as_u16();
    assert_eq!(get(format!("{}/metrics", server.base)).await, 404);
    assert_eq!(get(format!("{}/livez", server.base)).await, 200);
    assert_eq!(get(format!("http://{metrics}/metrics")).await, 200);
    for other in ["livez", "readyz", ""] {
        assert_eq!(get(format!("http://{metrics}/{other}")).await, 404);
    }
    let taken = Listen {
        metrics: Some(metrics),
        ..any_port().into()
    };
    let refused = bind(taken).await.unwrap_err();
    assert!(refused.to_string().contains(&metrics.to_string()));

    server.runtime.request_shutdown();
    let ended = tokio::time::timeout(Duration::from_secs(5), server.ended);
    ended.await.unwrap().unwrap().unwrap();
    server.runtime.tasks_ended().await;
}

#[tokio::test]
async fn every_answer_of_an_https_address_says_to_come_by_no_other() {
    let router = || Router::new().route("/v1/thing", get(async || "a thing"));
    let https = Listen {
        is_https: true,
        ..any_port().into()
    };
    let (server, plain) = (serving_at(https, router()).await, serving(router()).await);
    for path in ["/v1/thing", "/livez", "/readyz", "/metrics", "/nowhere"] {
        let header = "strict-transport-security";
        let said = reqwest::get(format!("{}{path}", server.base))
            .await
            .unwrap();
        assert_eq!(said.headers()[header], "max-age=31536000", "{path}");
        let said = reqwest::get(format!("{}{path}", plain.base)).await.unwrap();
        assert_eq!(said.headers().get(header), None, "{path}");
    }
    let refused = reqwest::Client::new().delete(format!("{}/v1/thing", server.base));
    let refused = refused.send().await.unwrap();
    assert_eq!(refused.status(), 405);
    assert!(refused.headers().contains_key("strict-transport-security"));
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_names_it() {
    let first = bind(any_port()).await.unwrap();
    let error = bind(first.address()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {}", first.address())
    );
}
