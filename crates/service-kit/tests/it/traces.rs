//! Traces leave the example program over OTLP and continue the caller's trace.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::{Router, routing::post};
use tokio::time::timeout;

use crate::program::{SOON, logged, started, terminate};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test]
async fn spans_are_delivered_before_the_program_ends() {
    let received: Arc<Mutex<Vec<u8>>> = Arc::default();
    let collector = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let sink = Arc::clone(&received);
    let collect = async move |body: Bytes| sink.lock().unwrap().extend_from_slice(&body);
    let router = Router::new().route("/v1/traces", post(collect));
    tokio::spawn(async move { axum::serve(collector, router).await.unwrap() });

    let (mut child, mut log) = started(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    let listening = logged(&mut log, "listening").await;
    let base = format!("http://{}", listening["address"].as_str().unwrap());
    let request = reqwest::Client::new()
        .post(format!("{base}/v1/echo?code=hunter2"))
        .header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .json(&serde_json::json!({"text": "hunter2"}));
    assert_eq!(request.send().await.unwrap().status(), 200);
    terminate(&child).await;
    let status = timeout(SOON, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));

    let received = received.lock().unwrap();
    let holds = |bytes: &[u8]| received.windows(bytes.len()).any(|window| window == bytes);
    let trace = u128::from_str_radix(TRACE, 16).unwrap().to_be_bytes();
    assert!(
        holds(b"/v1/echo") && holds(b"answering"),
        "the span arrived"
    );
    assert!(holds(&trace), "it continues the caller's trace");
    assert!(!holds(b"hunter2"), "it holds nothing the caller sent");
}
