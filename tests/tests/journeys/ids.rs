//! Ids as identity providers give them: the same person in every call, subject, key, page and answer.

use anyhow::ensure;
use assent_dev_stack::actors::{ANA, CONTOSO, OLGA, Reaction};
use serde_json::json;

use crate::fixture::{admin_consent, effective_by_the_log, ended, grant, log, start};

const ACCOUNT: &str = "urn:acme.eu";
const USER: &str = "auth0|5f7c.8ec+1=~";

#[tokio::test]
async fn a_user_of_any_identity_provider_goes_the_whole_way() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let mut worker = stack.start_sync_worker().await?;
    let user = stack.user(ACCOUNT, USER);
    grant(&stack, &user, ANA, &["calendar"]).await?;

    let heard = worker.receive(1).await?;
    let subject = "consent.changes.v1.urn%3Aacme%2Eeu.user.auth0%7C5f7c%2E8ec%2B1%3D%7E";
    ensure!(heard.subject == subject, "{}", heard.subject);
    ensure!(
        (&heard.body["account_id"], &heard.body["user_id"]) == (&json!(ACCOUNT), &json!(USER)),
        "{}",
        heard.body
    );

    let login = stack.login(ACCOUNT);
    let decided = login
        .through_microsoft(USER, ANA, 1)
        .await?
        .decided("prompt")?;
    ensure!(
        decided.value("/effective/calendar") == &json!(true),
        "{}",
        decided.text
    );

    user.see(USER).await?.ok()?.with_text("/user_id", USER)?;
    user.revoke("calendar").await?.ok()?;
    let effective = effective_by_the_log(&log, ACCOUNT, USER).await?;
    ensure!(effective["calendar"] == json!(false), "{effective}");

    // An administrator decides, which goes through flow, page, link index and log of the company.
    let sam = stack.super_admin(ACCOUNT, "auth0|sam");
    let landing = admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
    ended(&sam, &landing, "completed", None).await?;
    sam.make_hand_off(&json!({
        "purpose": "administrator_consent",
        "permissions": {"calendar": true, "contacts": false, "email": "none"},
    }))
    .await?
    .ok()?
    .with_text("/account_id", ACCOUNT)?;
    let listed = sam.hand_offs().await?.ok()?;
    ensure!(listed.text.contains("auth0|sam"), "{}", listed.text);
    Ok(())
}

#[tokio::test]
async fn what_is_no_id_is_refused_with_the_reason() -> anyhow::Result<()> {
    let stack = start().await?;
    let user = stack.user("acme", "ana");
    let refused = user.see("ana@contoso.example").await?;
    let refused = refused.refused(400, "invalid_request")?;
    ensure!(
        refused.text.contains("e-mail addresses change hands"),
        "{}",
        refused.text
    );
    let login = stack.login("acme");
    let refused = login.with_password("ana@contoso.example", 0).await?;
    let refused = refused.refused(400, "invalid_request")?;
    ensure!(
        refused.text.contains("e-mail addresses change hands"),
        "{}",
        refused.text
    );
    Ok(())
}
