//! Requests that nobody should send to the login hook and the projection: each is answered by its code as a problem, and
//! none of it reaches the log. The gateway's are tested beside it.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::ANA;
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::fixture::{FORGERIES, last_sequence, log, start};

/// Ids that are none, as a client that encodes paths properly sends them.
fn bad_ids() -> Vec<String> {
    [
        "a@b", "a%2Ab", "*", "a%20b", "%3E", "%C3%A4", "a%2Fb", "a%00b", "%0A",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(["x".repeat(129)])
    .collect()
}

/// The good body with every mistake a body can have, and how each is answered.
fn mistakes(good: &Value) -> Vec<(String, &'static str, u16, &'static str)> {
    const JSON: &str = "application/json";
    let mut unknown = good.clone();
    if let Some(fields) = unknown.as_object_mut() {
        fields.insert("surprise".to_owned(), json!(1));
    }
    let huge = json!({"padding": "x".repeat(70_000)}).to_string();
    let deep = "[".repeat(10_000);
    let good = good.to_string();
    vec![
        (unknown.to_string(), JSON, 400, "invalid_request"),
        ("{".to_owned(), JSON, 400, "invalid_request"),
        (String::new(), JSON, 400, "invalid_request"),
        ("null".to_owned(), JSON, 400, "invalid_request"),
        ("[]".to_owned(), JSON, 400, "invalid_request"),
        ("\u{0}".to_owned(), JSON, 400, "invalid_request"),
        (format!("{good}{good}"), JSON, 400, "invalid_request"),
        (deep, JSON, 400, "invalid_request"),
        (huge, JSON, 413, "payload_too_large"),
        (good, "text/plain", 415, "unsupported_media_type"),
    ]
}

async fn nothing_was_recorded(stack: &Stack) -> anyhow::Result<()> {
    let log = log(stack).await?;
    ensure!(last_sequence(&log).await? == 0, "bad input reached the log");
    Ok(())
}

#[tokio::test]
async fn bodies() -> anyhow::Result<()> {
    let stack = start().await?;
    let login = stack.login("acme");
    let good = json!({"account_id": "acme", "user_id": "ana", "sign_in": {"provider": "other"}});
    for (body, kind, status, code) in mistakes(&good) {
        let shown: String = body.chars().take(60).collect();
        let reply = login.send(Method::POST, "/v1/login-decisions", |request| {
            request.header(header::CONTENT_TYPE, kind).body(body)
        });
        reply.await?.refused(status, code).context(shown)?;
    }
    nothing_was_recorded(&stack).await
}

/// What an address can't carry, or takes for a place, as well.
fn bad_ids_in_a_body() -> Vec<String> {
    ["a@b", ".", "..", "a*b", "a b", "a%2Eb", ">", "", "ä"]
        .into_iter()
        .map(str::to_owned)
        .chain(["x".repeat(129)])
        .collect()
}

#[tokio::test]
async fn ids() -> anyhow::Result<()> {
    let stack = start().await?;
    for id in bad_ids() {
        for path in [
            format!("/v1/accounts/{id}/users/sam/permissions"),
            format!("/v1/accounts/acme/users/{id}/permissions"),
        ] {
            let reply = stack
                .service(0)
                .send(Method::GET, &path, |request| request)
                .await?;
            reply.refused(400, "invalid_request").context(path)?;
        }
    }
    for id in bad_ids_in_a_body() {
        let id = id.as_str();
        for (account, user) in [(id, "ana"), ("acme", id)] {
            let body =
                json!({"account_id": account, "user_id": user, "sign_in": {"provider": "other"}});
            let reply = stack.login("acme").ask(&body).await?;
            reply
                .refused(400, "invalid_request")
                .context(id.to_owned())?;
        }
    }
    // A sequence that nobody was ever given.
    let late = stack.service(0).permissions("acme", "ana", 1000).await?;
    late.refused(504, "not_yet_applied")?;
    nothing_was_recorded(&stack).await
}

#[tokio::test]
async fn ways_back() -> anyhow::Result<()> {
    let stack = start().await?;
    let origin = stack.host.origin();
    let host = origin.trim_start_matches("http://");
    for address in [
        "https://evil.example/".to_owned(),
        format!("{origin}.evil.example/"),
        format!("http://{host}@evil.example/"),
        format!("http://me:pw@{host}/"),
        format!("https://{host}/"),
        format!("//{host}/"),
        "/settings".to_owned(),
        "javascript:alert(1)".to_owned(),
        format!("{origin}/{}", "x".repeat(2048)),
    ] {
        let body = json!({"account_id": "acme", "user_id": "ana", "return_to": address,
            "sign_in": {"provider": "other"}});
        let reply = stack.login("acme").ask(&body).await?;
        reply.refused(400, "invalid_request").context(address)?;
    }
    nothing_was_recorded(&stack).await
}

#[tokio::test]
async fn id_tokens() -> anyhow::Result<()> {
    let stack = start().await?;
    let (login, microsoft) = (stack.login("acme"), stack.microsoft());
    let ask = async |id_token: &str| {
        let sign_in = json!({"provider": "microsoft", "id_token": id_token});
        let body = json!({"account_id": "acme", "user_id": "ana", "sign_in": sign_in});
        login.ask(&body).await
    };
    // The nonce is known to nobody but the host application, whose sign-in it was.
    for forge in FORGERIES
        .into_iter()
        .filter(|forge| *forge != "wrong_nonce")
    {
        let token = microsoft.id_token(ANA, Some(forge)).await?;
        ask(&token)
            .await?
            .refused(422, "invalid_id_token")
            .context(forge)?;
    }
    for token in ["", "x", "a.b.c", "....", "\u{0}"] {
        ask(token)
            .await?
            .refused(422, "invalid_id_token")
            .context(token)?;
    }
    for sign_in in [
        json!({"provider": "microsoft"}),
        json!({"provider": "other", "id_token": "x"}),
        json!({"provider": "google"}),
        json!({}),
    ] {
        let body = json!({"account_id": "acme", "user_id": "ana", "sign_in": sign_in});
        login.ask(&body).await?.refused(400, "invalid_request")?;
    }
    nothing_was_recorded(&stack).await
}
