//! Who may call the login hook and the projection: every wrong token, every wrong scope. The gateway's callers are tested
//! beside it.

use anyhow::Context;

use crate::fixture::start;

#[tokio::test]
async fn tokens() -> anyhow::Result<()> {
    let stack = start().await?;
    for (what, token) in stack.host.wrong_tokens("ana", "acme") {
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
