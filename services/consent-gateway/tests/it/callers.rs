//! Who may call what: every wrong token and every wrong role, at every operation.

use anyhow::Context;
use assent_dev_stack::TokenBuilder;
use assent_dev_stack::actors::HostUser;
use reqwest::Method;
use serde_json::Value;

use crate::fixture::start;
use crate::operations::operations;

async fn refused_everywhere(
    user: &HostUser,
    operations: &[(Method, String, Option<Value>)],
    status: u16,
    code: &str,
) -> anyhow::Result<()> {
    for (method, path, body) in operations {
        let reply = user.send(method.clone(), path, |request| match body {
            Some(body) => request.json(body),
            None => request,
        });
        reply.await?.refused(status, code).context(path.clone())?;
    }
    Ok(())
}

#[tokio::test]
async fn tokens() -> anyhow::Result<()> {
    let stack = start().await?;
    let microsoft = stack.microsoft();
    for (method, path, _) in operations() {
        if method == Method::GET {
            let url = format!("{}{path}", stack.base);
            let reply = microsoft.open(&url).await?;
            reply.refused(401, "unauthenticated").context(path)?;
        }
    }
    for (what, token) in stack.host.wrong_tokens("ana", "acme") {
        let user = stack.user("acme", "ana").bearing(&token);
        refused_everywhere(&user, &operations(), 401, "unauthenticated")
            .await
            .context(what)?;
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
    Ok(())
}
