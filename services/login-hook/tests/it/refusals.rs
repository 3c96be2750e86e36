//! What is refused, and by which name.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::fixture::{Fixture, other_sign_in, sign_in_with};

/// Asserts that a refusal is this one, and that the description of the API tells of it.
fn expect(refusal: &(StatusCode, Value), status: u16, code: &str) {
    let (actual, body) = refusal;
    let description: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let responses = &description["paths"]["/v1/login-decisions"]["post"]["responses"];
    let described = responses[status.to_string()]["description"].as_str();
    assert!(described.unwrap().contains(code), "{status} {code}");
    assert_eq!(actual.as_u16(), status, "{body}");
    assert_eq!(body["code"], code, "{body}");
    assert!(body["instance"].is_string(), "{body}");
}

#[tokio::test]
async fn a_bad_id_token_is_never_another_sign_in() {
    let fixture = Fixture::start().await;
    for (token, fault) in fixture.microsoft.bad_tokens() {
        let refusal = fixture.ask(&sign_in_with(&token)).await;
        expect(&refusal, 422, "invalid_id_token");
        let detail = refusal.1["detail"].as_str().unwrap();
        assert!(detail.contains(fault), "{detail:?} does not say {fault:?}");
        let text = refusal.1.to_string();
        assert!(token.is_empty() || !text.contains(&token), "{text}");
    }
    // Nobody is asked about a bad token.
    assert_eq!(fixture.script().queries.len(), 0);
}

#[tokio::test]
async fn only_the_hosts_services_may_ask() {
    let fixture = Fixture::start().await;
    let body = other_sign_in().to_string();
    let host = &fixture.host;

    let refusal = fixture.ask_as("nonsense", &body).await;
    expect(&refusal, 401, "unauthenticated");
    let expired = host.service(&["login:decide"]).expired().sign();
    expect(
        &fixture.ask_as(&expired, &body).await,
        401,
        "unauthenticated",
    );

    let other_scope = host.service_token(&["permissions:read"]);
    expect(&fixture.ask_as(&other_scope, &body).await, 403, "forbidden");
    let admin = host.token_for("olga", "acme").super_admin().sign();
    expect(&fixture.ask_as(&admin, &body).await, 403, "forbidden");
    // Who may not ask does not learn what a good request looks like.
    expect(&fixture.ask_as(&admin, "{}").await, 403, "forbidden");

    let of = |account: &str| {
        let service = host.service(&["login:decide"]);
        service.claim("account", account).sign()
    };
    expect(
        &fixture.ask_as(&of("globex"), &body).await,
        403,
        "forbidden",
    );
    assert_eq!(fixture.ask_as(&of("acme"), &body).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_says_more_or_less_is_refused() {
    let fixture = Fixture::start().await;
    let set = |pointer: &str, value: Value| {
        let mut body = other_sign_in();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[field] = value;
        body
    };
    let wrong = [
        set("/surprise", json!(1)),
        set("/sign_in/surprise", json!(1)),
        set("/sign_in/provider", json!("google")),
        set("/sign_in/provider", json!("microsoft")),
        set("/sign_in/id_token", json!("a.b.c")),
        set("/sign_in", json!({})),
        set("/account_id", json!("a b")),
        set("/account_id", json!("")),
        set("/user_id", json!("*")),
        set("/user_id", json!(7)),
        set("/wants", json!({"calendar": true, "contacts": true})),
        set(
            "/wants",
            json!({"calendar": true, "contacts": true, "email": "all"}),
        ),
        set(
            "/wants",
            json!({"calendar": true, "contacts": true, "email": "none", "tasks": true}),
        ),
        set("/at_least", json!(-1)),
        set("/at_least", json!("7")),
        set("/return_to", json!("https://evil.example/")),
        set("/return_to", json!("/settings")),
        json!([]),
        json!({}),
    ];
    for body in wrong {
        expect(&fixture.ask(&body).await, 400, "invalid_request");
    }
    let token = fixture.host.service_token(&["login:decide"]);
    let refusal = fixture.ask_as(&token, "{\"account_id\":").await;
    expect(&refusal, 400, "invalid_request");
    let large = format!("\"{}\"", "x".repeat(100_000));
    let refusal = fixture.ask_as(&token, &large).await;
    expect(&refusal, 413, "payload_too_large");
    assert!(fixture.script().queries.is_empty());
}
