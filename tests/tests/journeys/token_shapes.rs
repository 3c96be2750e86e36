//! Tokens as libraries write them, at each of the places that take one: the gateway's API, its sessions, the login hook and
//! a projection. What is wrong with one is told by the claim's name, and never by its value.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, Reply};
use assent_dev_stack::{SIMULATOR_HOST_CLIENT_ID, Stack};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::start;
use crate::session_client;

async fn everywhere(stack: &Stack, token: &str) -> anyhow::Result<[Reply; 4]> {
    let user = stack.user("acme", "ana").bearing(token);
    let session = user.send(Method::POST, "/session", |request| {
        request.form(&[("token", token), ("return_to", "/settings/account")])
    });
    let login = stack.login("acme").bearing(token);
    let service = stack.service(0).bearing(token);
    Ok([
        user.account().await?,
        login.with_password("ana", 0).await?,
        service.permissions("acme", "ana", 0).await?,
        session.await?,
    ])
}

/// A token that is good everywhere, but for these claims.
fn token(stack: &Stack, claims: &Value) -> anyhow::Result<String> {
    let token = stack.host.token_for("ana", "acme");
    let mut token = token
        .claim("jti", Uuid::now_v7().to_string())
        .claim("scope", "login:decide permissions:read");
    for (name, value) in claims.as_object().context("no claims")? {
        token = token.claim(name, value.clone());
    }
    Ok(token.sign())
}

#[tokio::test]
async fn tokens_are_taken_as_libraries_write_them() -> anyhow::Result<()> {
    let stack = start().await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
    for claims in [
        json!({"scope": ["login:decide", "permissions:read"]}),
        json!({"scope": ["permissions:read login:decide", "other"]}),
        json!({"roles": "super_admin", "permissions": "company_settings:manage"}),
        json!({"roles": null, "permissions": null, "name": null, "account_name": null}),
        json!({"roles": [], "permissions": []}),
        json!({"aud": ["billing", "assent"]}),
        json!({"exp": now + 300.75, "nbf": now + 10.5, "iat": now + 10.5}),
        json!({"exp": now - 10.5}),
    ] {
        let [api, login, projection, session] =
            everywhere(&stack, &token(&stack, &claims)?).await?;
        for reply in [api, login, projection] {
            reply.ok().with_context(|| claims.to_string())?;
        }
        ensure!(session.status == 303, "{claims}: {}", session.text);
    }
    // One string counts like a list of one.
    let sam = json!({"roles": "super_admin", "permissions": "company_settings:manage"});
    let sam = stack.user("acme", "ana").bearing(&token(&stack, &sam)?);
    let method = json!({"method": "user_individual", "email_sync": "limited"});
    let path = "/v1/accounts/acme/authorization-method";
    let changed = sam.send(Method::PUT, path, |request| request.json(&method));
    changed.await?.ok()?;
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_told_by_the_claims_name() -> anyhow::Result<()> {
    let stack = start().await?;
    let (words, hush) = ("must be a string or a list of strings", "secret-value");
    for (claims, says) in [
        (
            json!({"roles": ["super_admin", 7]}),
            format!("roles {words}"),
        ),
        (
            json!({"permissions": {hush: true}}),
            format!("permissions {words}"),
        ),
        (json!({"scope": 7}), format!("scope {words}")),
        (json!({"aud": ["assent", 7]}), format!("aud {words}")),
        (json!({"iss": 7}), "iss must be a string".to_owned()),
        (json!({"sub": 7}), "sub must be a string".to_owned()),
        (
            json!({"account": [hush]}),
            "account must be a string".to_owned(),
        ),
        (json!({"jti": 7}), "jti must be a string".to_owned()),
        (json!({"exp": hush}), "exp must be a number".to_owned()),
        (json!({"nbf": hush}), "nbf must be a number".to_owned()),
        (json!({"iat": hush}), "iat must be a number".to_owned()),
        (json!({"sub": null}), "sub is missing".to_owned()),
        (
            json!({"padding": "x".repeat(9000)}),
            "longer than 8192 bytes".to_owned(),
        ),
    ] {
        let token = token(&stack, &claims)?;
        for reply in everywhere(&stack, &token).await? {
            let reply = reply.refused(401, "unauthenticated")?;
            let detail = reply.word("/detail").unwrap_or_default();
            ensure!(detail.ends_with(&says), "{says}: {detail}");
            ensure!(!reply.text.contains(hush), "{}", reply.text);
        }
        // A person reads a sentence; whoever made the token reads the log.
        let page = session_client::open(&stack, &token, "/settings/account").await?;
        ensure!(
            page.status == 401 && page.text.contains("could not show who you are"),
            "{}",
            page.text
        );
        let log = stack.gateway.log_text();
        let line = log
            .lines()
            .rfind(|line| line.contains("a session was not opened"));
        ensure!(line.is_some_and(|line| line.contains(&says)), "{line:?}");
    }
    ensure!(!stack.logs_text().contains(hush), "a value was logged");
    Ok(())
}

#[tokio::test]
async fn an_id_token_with_very_many_groups_and_roles_is_taken() -> anyhow::Result<()> {
    let stack = start().await?;
    let login = async |groups: usize| -> anyhow::Result<(usize, Reply)> {
        let groups: Vec<Uuid> = (0..groups).map(|_| Uuid::now_v7()).collect();
        let roles: Vec<String> = (0..200)
            .map(|number| format!("Department.Of.Some.Length.Role.{number:03}"))
            .collect();
        let body = json!({"tenant": ANA.tenant, "user": ANA.object_id, "client_id": SIMULATOR_HOST_CLIENT_ID,
            "nonce": "of-the-host-application", "claims": {"groups": groups, "roles": roles}});
        let microsoft = stack.microsoft();
        let minted = microsoft.control(Method::POST, "id-token", Some(&body));
        let minted = minted.await?;
        let id_token = minted.word("/id_token").context("no ID token")?;
        let asked = json!({"account_id": "acme", "user_id": "ana",
            "sign_in": {"provider": "microsoft", "id_token": id_token}});
        Ok((id_token.len(), stack.login("acme").ask(&asked).await?))
    };
    let (length, reply) = login(200).await?;
    ensure!(length > 18_000, "{length}");
    reply.ok()?;
    let (length, reply) = login(700).await?;
    ensure!(length > 32_768, "{length}");
    let reply = reply.refused(422, "invalid_id_token")?;
    let detail = reply.word("/detail").unwrap_or_default();
    ensure!(detail == "the token is longer than 32768 bytes", "{detail}");
    Ok(())
}
