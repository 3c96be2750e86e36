//! Every refusal as a caller meets it: problem+json over a real socket.

use assent_service_kit::{ApiForm, ApiJson, ApiPath, ApiQuery, Problem};
use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::routing::{get, post};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::Value;

use crate::serving::serving;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Body {
    count: u8,
}

fn router() -> Router {
    Router::new()
        .route("/json", post(async |ApiJson(_): ApiJson<Body>| "ok"))
        .route("/form", post(async |ApiForm(_): ApiForm<Body>| "ok"))
        .route("/query", get(async |ApiQuery(_): ApiQuery<Body>| "ok"))
        .route("/path/{count}", get(async |ApiPath(_): ApiPath<u8>| "ok"))
        .route("/panic", get(panics))
        .route(
            "/kept",
            get(async || ([(CACHE_CONTROL, "max-age=60")], "ok")),
        )
        .route(
            "/who",
            get(async || Problem::unauthenticated("no token was sent")),
        )
        .route(
            "/bug",
            get(async || Problem::bug(std::io::Error::other("hunter2"))),
        )
}

async fn panics() -> &'static str {
    panic!("hunter2")
}

/// Sends a request and returns its status and problem, checking what all have in common.
async fn problem(request: RequestBuilder) -> (u16, Value, reqwest::header::HeaderMap) {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers[CACHE_CONTROL], "no-store");
    assert_eq!(body["status"], status);
    let code = body["code"].as_str().unwrap();
    assert_eq!(body["type"], format!("/problems/{code}"));
    let id = headers["x-request-id"].to_str().unwrap();
    assert_eq!(body["instance"], format!("urn:uuid:{id}"));
    (status, body, headers)
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
async fn unreadable_requests_are_refused_with_the_reason() {
    let server = serving(router()).await;
    let base = &server.base;
    let client = Client::new();
    let json = |body: &str| {
        client
            .post(format!("{base}/json"))
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(body.to_owned())
    };
    let form = |body: &str| {
        client
            .post(format!("{base}/form"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.to_owned())
    };
    assert_eq!(json("{\"count\":1}").send().await.unwrap().status(), 200);
    assert_eq!(form("count=1").send().await.unwrap().status(), 200);
    let get = |path: &str| client.get(format!("{base}{path}"));

    for (request, status, code, detail) in [
        (
            json("{"),
            400,
            "invalid_request",
            "the body is not valid JSON (line 1, column 1)",
        ),
        (
            json("{\"count\":\"hunter2\"}"),
            400,
            "invalid_request",
            "`count`: expected u8",
        ),
        (
            json("{\"count\":1,\"extra\":2}"),
            400,
            "invalid_request",
            "`extra`: the field `extra` is not known",
        ),
        (
            json("{\"count\":1}{}"),
            400,
            "invalid_request",
            "the body goes on after the JSON value",
        ),
        (json(&" ".repeat(70_000)), 413, "payload_too_large", ""),
        (
            json("{}").header("x", "y"),
            400,
            "invalid_request",
            "the field `count` is missing",
        ),
        (
            client.post(format!("{base}/json")).body("{}"),
            415,
            "unsupported_media_type",
            "send the body as application/json",
        ),
        (
            form("count=hunter2"),
            400,
            "invalid_request",
            "the form is not valid: `count`: a value is not accepted",
        ),
        (
            form("count=1&more=1"),
            400,
            "invalid_request",
            "the form is not valid: `more`: the field `more` is not known",
        ),
        (form(&"x".repeat(70_000)), 413, "payload_too_large", ""),
        (
            get("/query?count=hunter2"),
            400,
            "invalid_request",
            "the query is not valid: `count`: a value is not accepted",
        ),
        (
            get("/query"),
            400,
            "invalid_request",
            "the query is not valid: the field `count` is missing",
        ),
        (
            get("/path/hunter2"),
            400,
            "invalid_request",
            "a part of the path is not valid",
        ),
        (
            get("/nowhere/hunter2"),
            404,
            "not_found",
            "no such path; see /openapi.json where there is one",
        ),
        (get("/bug"), 500, "internal_error", ""),
        (get("/panic"), 500, "internal_error", ""),
    ] {
        let (answered, body, _) = problem(request).await;
        assert_eq!(
            (answered, body["code"].as_str().unwrap()),
            (status, code),
            "{body}"
        );
        assert_eq!(
            body["detail"].as_str().unwrap_or_default(),
            detail,
            "{body}"
        );
    }
}

#[tokio::test]
async fn refusals_carry_the_headers_their_status_asks_for() {
    let server = serving(router()).await;
    let client = Client::new();
    let (status, body, headers) = problem(client.delete(format!("{}/json", server.base))).await;
    assert_eq!(
        (status, body["code"].as_str()),
        (405, Some("method_not_allowed"))
    );
    assert_eq!(headers[ALLOW], "POST");

    let (status, _, headers) = problem(client.get(format!("{}/who", server.base))).await;
    assert_eq!(status, 401);
    assert_eq!(headers[WWW_AUTHENTICATE], "Bearer");
}

#[tokio::test]
async fn a_callers_request_id_is_kept_if_it_is_one() {
    let server = serving(router()).await;
    let url = format!("{}/kept", server.base);
    let sent = "018f0000-0000-7000-8000-000000000001";
    let client = Client::new();
    let id = async |id: &'static str| {
        let request = client
            .get(&url)
            .header("x-request-id", HeaderValue::from_static(id));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()[CACHE_CONTROL], "max-age=60");
        answer.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(id(sent).await, sent);
    assert_ne!(id("hunter2").await, "hunter2");
}
