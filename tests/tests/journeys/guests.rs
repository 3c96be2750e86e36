//! Guests and personal accounts: a decision and a sentence, and no question that could bring nothing.

use anyhow::ensure;
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, CONTOSO, HostUser, OLGA, Person, Reaction, Reply};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{admin_consent, authorize_url, is_decided, last_sequence, log, start};

const PERSONAL_ACCOUNTS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const ALL: &str = "calendar, contacts, email (full)";

/// Gus of Fabrikam, whom Contoso has invited.
async fn gus(stack: &Stack) -> anyhow::Result<Person> {
    const OBJECT_ID: &str = "c0000000-0000-4000-8000-0000000000c7";
    let body = json!({
        "name": "Gus", "upn": "gus@fabrikam.example", "id": OBJECT_ID, "mailbox": "unlicensed",
        "idp": "https://sts.windows.net/f0000000-0000-4000-8000-000000000001/",
    });
    stack
        .microsoft()
        .control(Method::POST, "tenants/contoso.example/users", Some(&body))
        .await?;
    Ok(Person {
        name: "Gus",
        tenant: CONTOSO,
        object_id: OBJECT_ID,
    })
}

/// An ID token of Ana's, but for some claims.
async fn with_claims(stack: &Stack, claims: Value, forge: Option<&str>) -> anyhow::Result<Reply> {
    let body = json!({
        "tenant": ANA.tenant, "user": ANA.object_id, "nonce": "n", "claims": claims, "forge": forge,
        "client_id": assent_dev_stack::SIMULATOR_HOST_CLIENT_ID,
    });
    let minted = stack
        .microsoft()
        .control(Method::POST, "id-token", Some(&body))
        .await?
        .ok()?;
    let login = json!({
        "account_id": "acme", "user_id": "ana",
        "sign_in": {"provider": "microsoft", "id_token": minted.word("/id_token")},
    });
    Ok(stack.login("acme").ask(&login).await?)
}

async fn none_is_asked(stack: &Stack) -> anyhow::Result<()> {
    let issuer = format!("{}/{PERSONAL_ACCOUNTS}/v2.0", stack.simulator.url());
    for (claims, forge, reason) in [
        (json!({"acct": 1}), None, "guest"),
        (
            json!({"idp": "https://sts.windows.net/f0000000-0000-4000-8000-000000000001/"}),
            None,
            "guest",
        ),
        (json!({"idp": "live.com"}), None, "guest"),
        (
            json!({"upn": "ana_fabrikam.example#EXT#@contoso.example"}),
            None,
            "guest",
        ),
        (
            json!({"tid": PERSONAL_ACCOUNTS, "iss": issuer}),
            Some("consumer_key"),
            "personal_account",
        ),
    ] {
        let reply = with_claims(stack, claims, forge).await?.ok()?;
        is_decided(&reply, "unavailable", reason, ALL)?;
        ensure!(
            reply.effective() == "nothing" && reply.word("/authorize_url").is_none(),
            "{}",
            reply.text
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_login_of_who_has_no_mailbox_here_is_decided_about_under_both_methods()
-> anyhow::Result<()> {
    let stack = start().await?;
    none_is_asked(&stack).await?;
    // What is malformed stays an error.
    let tid = json!({"tid": PERSONAL_ACCOUNTS});
    with_claims(&stack, tid, None)
        .await?
        .refused(422, "invalid_id_token")?;

    let sam = stack.super_admin("acme", "sam");
    let landing = admin_consent(&stack, &sam, None, OLGA, Reaction::Accept).await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    with_claims(&stack, json!({"acct": 0}), None)
        .await?
        .decided("auto_grant")?;
    let issuer = format!("{}/{PERSONAL_ACCOUNTS}/v2.0", stack.simulator.url());
    let personal = json!({"tid": PERSONAL_ACCOUNTS, "iss": issuer});
    for (claims, forge, reason) in [
        (json!({"acct": 1}), None, "guest"),
        (personal, Some("consumer_key"), "personal_account"),
    ] {
        let reply = with_claims(&stack, claims, forge)
            .await?
            .decided("unavailable")?
            .with_text("/reason", reason)?;
        ensure!(reply.word("/tenant_id").is_none(), "{}", reply.text);
    }
    Ok(())
}

async fn told(user: &HostUser, flow: &str, says: &str) -> anyhow::Result<()> {
    let flow = user.flow(flow).await?.ok()?;
    ensure!(
        flow.word("/state") == Some("refused")
            && flow
                .word("/detail")
                .is_some_and(|detail| detail.contains(says)),
        "{}",
        flow.text
    );
    Ok(())
}

#[tokio::test]
async fn a_guest_who_accepts_grants_nothing_and_is_told_where_to_go() -> anyhow::Result<()> {
    let stack = start().await?;
    let (log, gus) = (log(&stack).await?, gus(&stack).await?);
    let user = stack.user("acme", "gus");
    for named in [Some(gus), None] {
        let started = user.start_grant(&["calendar"], named).await?.ok()?;
        let landing = stack
            .microsoft()
            .walk(authorize_url(&started)?, gus, Reaction::Accept)
            .await?;
        ensure!(
            landing.outcome == "refused" && landing.address.contains("reason=guest_account"),
            "{landing:?}"
        );
        told(&user, &landing.flow, "your mailbox is in").await?;
    }
    ensure!(last_sequence(&log).await? == 0, "a guest granted something");
    Ok(())
}
