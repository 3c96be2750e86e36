//! Requests that nobody should send: each is answered by its code as a problem, and none of it reaches the log.

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{HostUser, Reply};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::fixture::{Fixture, start};

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

/// Every operation that takes a body, with one that is good.
fn operations() -> Vec<(Method, String, Value)> {
    let all = crate::operations::operations().into_iter();
    all.filter_map(|(method, path, body)| Some((method, path, body?)))
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

async fn send_text(
    user: &HostUser,
    method: Method,
    path: &str,
    body: String,
    kind: &'static str,
) -> anyhow::Result<Reply> {
    let reply = user.send(method, path, |request| {
        request.header(header::CONTENT_TYPE, kind).body(body)
    });
    Ok(reply.await?)
}

async fn nothing_was_recorded(stack: &Fixture) -> anyhow::Result<()> {
    ensure!(
        stack.last_sequence().await? == 0,
        "bad input reached the log"
    );
    Ok(())
}

#[tokio::test]
async fn bodies() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "ana");
    for (method, path, good) in operations() {
        for (body, kind, status, code) in mistakes(&good) {
            let shown: String = body.chars().take(60).collect();
            let reply = send_text(&sam, method.clone(), &path, body, kind).await?;
            reply.refused(status, code).context(shown)?;
        }
    }
    for (path, body) in [
        (
            "authorization-method",
            json!({"method": "anarchy", "email_sync": "full"}),
        ),
        ("authorization-method", json!({"method": "user_individual"})),
        (
            "authorization-method",
            json!({"method": "user_individual", "email_sync": 1}),
        ),
    ] {
        let path = format!("/v1/accounts/acme/{path}");
        let reply = sam
            .send(Method::PUT, &path, |request| request.json(&body))
            .await?;
        reply.refused(400, "invalid_request")?;
    }
    let permissions = json!({"calendar": true, "contacts": false, "email": "none"});
    for tenant in [
        "common",
        "organizations",
        "not a domain",
        "../x",
        "nobody.example",
        "",
    ] {
        let body =
            json!({"administrator_confirmed": true, "permissions": permissions, "tenant": tenant});
        let reply = sam.start_admin_consent(&body).await?;
        reply.refused(400, "invalid_request").context(tenant)?;
    }
    for body in [
        json!({"permissions": ["everything"]}),
        json!({"permissions": "calendar"}),
        json!({"permissions": ["calendar"], "microsoft_identity": {"tenant_id": "x", "object_id": "y"}}),
    ] {
        let path = "/v1/accounts/acme/users/ana/grants";
        let reply = sam
            .send(Method::POST, path, |request| request.json(&body))
            .await?;
        reply.refused(400, "invalid_request")?;
    }
    sam.start_grant(&[], None)
        .await?
        .refused(422, "nothing_selected")?;
    nothing_was_recorded(&stack).await
}

#[tokio::test]
async fn ids() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "ana");
    let get = |path: String| {
        let sam = sam.clone();
        async move { sam.send(Method::GET, &path, |request| request).await }
    };
    for id in bad_ids() {
        for (method, path) in [
            (Method::GET, format!("/v1/accounts/{id}")),
            (Method::GET, format!("/v1/accounts/{id}/users/ana")),
            (Method::GET, format!("/v1/accounts/acme/users/{id}")),
            (
                Method::DELETE,
                format!("/v1/accounts/{id}/users/ana/grants/email"),
            ),
            (
                Method::DELETE,
                format!("/v1/accounts/acme/users/{id}/grants/email"),
            ),
            (
                Method::DELETE,
                format!("/v1/accounts/acme/users/ana/grants/{id}"),
            ),
            (Method::GET, format!("/v1/flows/{id}")),
            (Method::GET, format!("/v1/accounts/{id}/hand-offs")),
            (Method::GET, format!("/v1/accounts/acme/hand-offs/{id}")),
            (Method::DELETE, format!("/v1/accounts/acme/hand-offs/{id}")),
        ] {
            let reply = sam.send(method, &path, |request| request).await?;
            reply.refused(400, "invalid_request").context(path)?;
        }
        for (method, path, body) in operations() {
            for path in [
                path.replace("acme", &id),
                path.replace("users/ana", &format!("users/{id}")),
            ] {
                if path.contains(&id) {
                    let reply = sam
                        .send(method.clone(), &path, |request| request.json(&body))
                        .await?;
                    reply.refused(400, "invalid_request").context(path)?;
                }
            }
        }
    }
    for query in [
        "at_least=x",
        "at_least=-1",
        "at_least=18446744073709551616",
        "surprise=1",
    ] {
        for path in ["/v1/accounts/acme", "/v1/accounts/acme/users/ana"] {
            let reply = get(format!("{path}?{query}")).await?;
            reply.refused(400, "invalid_request").context(query)?;
        }
    }
    // A sequence that nobody was ever given.
    get("/v1/accounts/acme?at_least=1000".to_owned())
        .await?
        .refused(504, "not_yet_applied")?;
    get("/v1/nothing".to_owned())
        .await?
        .refused(404, "not_found")?;
    get("/v1/flows/019ab000-0000-7000-8000-000000000000".to_owned())
        .await?
        .refused(404, "not_found")?;
    let patch = sam
        .send(Method::PATCH, "/v1/accounts/acme", |request| request)
        .await?;
    patch.refused(405, "method_not_allowed")?;
    nothing_was_recorded(&stack).await
}

#[tokio::test]
async fn ways_back() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "ana");
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
        let body = json!({"administrator_confirmed": true, "return_to": address,
            "permissions": {"calendar": true, "contacts": false, "email": "none"}});
        let reply = sam.start_admin_consent(&body).await?;
        reply
            .refused(400, "invalid_request")
            .context(address.clone())?;
        let body = json!({"permissions": ["calendar"], "return_to": address});
        let path = "/v1/accounts/acme/users/ana/grants";
        let reply = sam
            .send(Method::POST, path, |request| request.json(&body))
            .await?;
        reply.refused(400, "invalid_request").context(address)?;
    }
    nothing_was_recorded(&stack).await
}
