//! Every refusal as a caller meets it: problem+json over a real socket.

use assent_service_kit::{ApiJson, ApiPath, ApiQuery, ErrorPages, Problem};
use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::response::{Html, IntoResponse as _};
use axum::routing::{get, post};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::serving::{serving, serving_people};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Body {
    count: u8,
    part: Option<Part>,
}

/// Says nothing of what it does not know: whoever reads a body refuses that.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Part {
    name: Option<String>,
}

fn router() -> Router {
    Router::new()
        .route("/json", post(async |ApiJson(_): ApiJson<Body>| "ok"))
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
    assert_eq!(json("{\"count\":1}").send().await.unwrap().status(), 200);
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
            json("{\"count\":1,\"part\":{\"name\":\"a\",\"more\":\"hunter2\"}}"),
            400,
            "invalid_request",
            "`part.more`: the field `more` is not known",
        ),
        (
            client.post(format!("{base}/json")).body("{}"),
            415,
            "unsupported_media_type",
            "send the body as application/json",
        ),
        (
            get("/query?count=1&more=1"),
            400,
            "invalid_request",
            "the query is not valid: `more`: the field `more` is not known",
        ),
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
async fn a_callers_request_id_is_given_back_as_it_came() {
    let server = serving(router()).await;
    let url = format!("{}/kept", server.base);
    let sent = "018f0000-0000-7000-8000-000000000001";
    let client = Client::new();
    let id = async |id: &str| {
        let request = client
            .get(&url)
            .header("x-request-id", HeaderValue::from_str(id).unwrap());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()[CACHE_CONTROL], "max-age=60");
        answer.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(id(sent).await, sent);
    let upper = "018F0000-0000-7000-8000-00000000000A";
    for other in [upper, "order 42/ana:7", &"x".repeat(128)] {
        assert_eq!(id(other).await, other);
    }
    for none in ["", &"x".repeat(129)] {
        assert!(Uuid::try_parse(&id(none).await).is_ok(), "{none}");
    }
    // The log and the problem name it by an id of ours.
    let request = client.get(format!("{}/who", server.base));
    let refused = request.header("x-request-id", "hunter2").send();
    let body: Value = refused.await.unwrap().json().await.unwrap();
    let instance = body["instance"].as_str().unwrap();
    assert!(instance.starts_with("urn:uuid:"), "{instance}");
}

/// Status and headers are the problem's, the text is the page's; and what was added to an address is passed over.
#[tokio::test]
async fn people_are_answered_with_a_page_where_programs_get_a_problem() {
    let people = ErrorPages::new(
        |problem| {
            let page = (problem.code() != "unauthenticated")
                .then(|| Html(format!("<h1>{}</h1>", problem.code())).into_response());
            page.map(|mut page| {
                let policy = HeaderValue::from_static("default-src 'none'");
                page.headers_mut().insert("content-security-policy", policy);
                page
            })
        },
        |path| path.strip_suffix('.').map(str::to_owned),
    );
    let server = serving_people(router(), people).await;
    let client = Client::new();
    let person = |request: RequestBuilder| request.header(ACCEPT, "text/html,*/*;q=0.8");
    let get = |path: &str| client.get(format!("{}{path}", server.base));
    for (path, status, code) in [
        ("/nowhere", 404, "not_found"),
        ("/json", 405, "method_not_allowed"),
        ("/path/x", 400, "invalid_request"),
        ("/query?count=hunter2", 400, "invalid_request"),
        ("/bug", 500, "internal_error"),
        ("/panic", 500, "internal_error"),
        ("/nowhere.", 404, "not_found"),
        ("/path/1.", 400, "invalid_request"),
    ] {
        let answer = person(get(path)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let headers = answer.headers().clone();
        assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
        assert_eq!(headers["content-security-policy"], "default-src 'none'");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers.contains_key(ALLOW), status == 405, "{path}");
        let text = answer.text().await.unwrap();
        assert_eq!(text, format!("<h1>{code}</h1>"), "{path}");
        let (told, body, _) = problem(get(path)).await;
        assert_eq!((told, body["code"].as_str()), (status, Some(code)));
    }
    // Where there is no page for something, it is a problem for everybody.
    let (status, ..) = problem(person(get("/who"))).await;
    assert_eq!(status, 401);

    for found in ["/query.?count=1", "/kept.", "/kept"] {
        let answer = get(found).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "ok", "{found}");
    }
    let sent = client.post(format!("{}/json.", server.base));
    let sent = sent
        .header(CONTENT_TYPE, "application/json")
        .body("{\"count\":1}");
    assert_eq!(sent.send().await.unwrap().status(), 200);
    let deleted = client.delete(format!("{}/kept.", server.base)).send().await;
    assert_eq!(deleted.unwrap().status(), 404);
}
