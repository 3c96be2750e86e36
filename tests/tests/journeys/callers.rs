//! Who may call what: every wrong token and every wrong role, at every operation.

use anyhow::Context;
use assent_dev_stack::actors::HostUser;
use assent_dev_stack::{Stack, TokenBuilder};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::start;

/// Every operation of the gateway that somebody has to be known for, on `ana` of `acme`.
fn operations() -> Vec<(Method, &'static str, Option<Value>)> {
    vec![
        (Method::GET, "/v1/accounts/acme", None),
        (
            Method::PUT,
            "/v1/accounts/acme/authorization-method",
            Some(json!({"method": "user_individual", "email_sync": "limited"})),
        ),
        (
            Method::POST,
            "/v1/accounts/acme/admin-consents",
            Some(json!({"administrator_confirmed": true,
                "permissions": {"calendar": true, "contacts": false, "email": "none"}})),
        ),
        (
            Method::POST,
            "/v1/accounts/acme/users/ana/grants",
            Some(json!({"permissions": ["calendar"]})),
        ),
        (
            Method::DELETE,
            "/v1/accounts/acme/users/ana/grants/email",
            None,
        ),
        (Method::GET, "/v1/accounts/acme/users/ana", None),
        (Method::DELETE, "/v1/accounts/acme/users/ana/sessions", None),
        (
            Method::GET,
            "/v1/flows/019ab000-0000-7000-8000-000000000000",
            None,
        ),
        (
            Method::POST,
            "/v1/flows/019ab000-0000-7000-8000-000000000000/confirmation",
            Some(json!({"confirm": "x"})),
        ),
    ]
}

async fn refused_everywhere(
    user: &HostUser,
    operations: &[(Method, &str, Option<Value>)],
    status: u16,
    code: &str,
) -> anyhow::Result<()> {
    for (method, path, body) in operations {
        let reply = user.send(method.clone(), path, |request| match body {
            Some(body) => request.json(body),
            None => request,
        });
        reply
            .await?
            .refused(status, code)
            .context((*path).to_owned())?;
    }
    Ok(())
}

/// Tokens that prove nothing.
fn wrong_tokens(stack: &Stack) -> Vec<(&'static str, String)> {
    let good = || {
        let token = stack.host.token_for("ana", "acme");
        token
            .super_admin()
            .permission("company_settings:manage")
            .claim("scope", "login:decide permissions:read")
    };
    let signed = good().sign();
    let (head, _) = signed.rsplit_once('.').unwrap_or_default();
    vec![
        ("expired", good().expired().sign()),
        ("for another service", good().audience("billing").sign()),
        (
            "by another issuer",
            good().issuer("https://evil.example").sign(),
        ),
        ("by another key", good().signed_by_another_key().sign()),
        ("without an end", good().without("exp").sign()),
        ("without a subject", good().without("sub").sign()),
        ("without an issuer", good().without("iss").sign()),
        ("without an audience", good().without("aud").sign()),
        ("without a signature", format!("{head}.")),
        (
            "unsigned",
            format!(
                "eyJhbGciOiJub25lIn0.{}.",
                head.split_once('.').unwrap_or_default().1
            ),
        ),
        ("no token", "x".to_owned()),
    ]
}

#[tokio::test]
async fn tokens() -> anyhow::Result<()> {
    let stack = start().await?;
    let microsoft = stack.microsoft();
    for (method, path, _) in operations() {
        if method == Method::GET {
            let url = format!("{}{path}", stack.gateway.url());
            let reply = microsoft.open(&url).await?;
            reply.refused(401, "unauthenticated").context(path)?;
        }
    }
    for (what, token) in wrong_tokens(&stack) {
        let user = stack.user("acme", "ana").bearing(&token);
        refused_everywhere(&user, &operations(), 401, "unauthenticated")
            .await
            .context(what)?;
        let login = stack.login("acme").bearing(&token);
        let reply = login.with_password("ana", 0).await?;
        reply.refused(401, "unauthenticated").context(what)?;
        let service = stack.service(0).bearing(&token);
        let reply = service.permissions("acme", "ana", 0).await?;
        reply.refused(401, "unauthenticated").context(what)?;
        let reply = service.status().await?;
        reply.refused(401, "unauthenticated").context(what)?;
    }
    Ok(())
}

#[tokio::test]
async fn rights() -> anyhow::Result<()> {
    let stack = start().await?;
    let only = |parts: [&str; 2]| {
        let chosen = operations().into_iter();
        chosen
            .filter(|(_, path, _)| parts.iter().any(|part| path.contains(part)))
            .collect::<Vec<_>>()
    };
    let of_the_company = only(["authorization-method", "admin-consents"]);
    let of_the_company: Vec<_> = of_the_company
        .into_iter()
        .chain(only(["/sessions", "/sessions"]))
        .collect();
    let of_the_user = only(["/grants", "/grants"]);

    // Another account, whatever the rights there.
    let foreign = stack.super_admin("other", "ana");
    let foreign_to = only(["/accounts/", "/accounts/"]);
    refused_everywhere(&foreign, &foreign_to, 403, "forbidden").await?;
    refused_everywhere(&foreign, &only(["/flows/", "/flows/"]), 404, "not_found").await?;

    // Half a manager is none; nor is a service.
    let shapes: [fn(TokenBuilder<'_>) -> TokenBuilder<'_>; 4] = [
        |token| token,
        |token| token.super_admin(),
        |token| token.permission("company_settings:manage"),
        |token| token.role("admin").claim("scope", "permissions:read"),
    ];
    for shape in shapes {
        let somebody = stack.with_token("acme", "ana", shape);
        refused_everywhere(&somebody, &of_the_company, 403, "forbidden").await?;
    }
    let service = stack
        .host
        .service_token(&["permissions:read", "login:decide"]);
    let service = stack.user("acme", "ana").bearing(&service);
    refused_everywhere(&service, &of_the_company, 403, "forbidden").await?;
    refused_everywhere(&service, &of_the_user, 403, "forbidden").await?;
    service.account().await?.ok()?;
    service.see("ana").await?.ok()?;

    // Nobody grants or revokes for others; others do not look, but a Super Admin may.
    let ben = stack.user("acme", "ben");
    refused_everywhere(&ben, &of_the_user, 403, "forbidden").await?;
    ben.see("ana").await?.refused(403, "forbidden")?;
    let sam = stack.super_admin("acme", "sam");
    refused_everywhere(&sam, &of_the_user, 403, "forbidden").await?;
    sam.see("ana").await?.ok()?;
    for half in [
        stack.with_token("acme", "hal", |token| token.role("super_admin")),
        stack.with_token("acme", "hal", |token| {
            token.permission("company_settings:manage")
        }),
    ] {
        half.see("ana").await?.refused(403, "forbidden")?;
    }

    // A service may do what its scopes say, and no more.
    let nothing = stack.host.service_token(&[]);
    let reading = stack.host.service_token(&["permissions:read"]);
    let deciding = stack.host.service_token(&["login:decide"]);
    for token in [&nothing, &reading] {
        let login = stack.login("acme").bearing(token);
        login
            .with_password("ana", 0)
            .await?
            .refused(403, "forbidden")?;
    }
    for token in [&nothing, &deciding] {
        let service = stack.service(0).bearing(token);
        service
            .permissions("acme", "ana", 0)
            .await?
            .refused(403, "forbidden")?;
        service.status().await?.refused(403, "forbidden")?;
    }
    Ok(())
}
