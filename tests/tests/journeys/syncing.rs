//! The example application syncs for real, with tokens of the token broker's, and stops in the middle of a page.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, CONTOSO, Person};
use reqwest::Method;
use serde_json::json;

use crate::browser::Browser;
use crate::fixture::{eventually, start_with};

/// Hirely, where storing a message takes this many milliseconds, with Ana signed in and everything granted.
async fn ana_at_hirely(milliseconds: &str) -> anyhow::Result<(Stack, Browser)> {
    let stack = start_with(|options| {
        options.example_host = true;
        let stores = ("HOST_SYNC_STORE_MS".to_owned(), milliseconds.to_owned());
        options.example_host_variables = Vec::from([stores]);
    })
    .await?;
    let host = stack.example_host.as_ref().context("no example")?;
    let mut browser = Browser::open(&format!("{}/", host.url())).await?;
    sign_in(&mut browser, ANA).await?;
    browser.submit("/answer", &[("answer", "accept")]).await?;
    Ok((stack, browser))
}

async fn sign_in(browser: &mut Browser, person: Person) -> anyhow::Result<()> {
    browser.submit("/sign-in/microsoft", &[]).await?;
    let account = [("object_id", person.object_id)];
    browser.submit("/account", &account).await?;
    browser.submit("/answer", &[("answer", "accept")]).await?;
    Ok(())
}

/// The home page, once it says this.
async fn says(browser: &mut Browser, text: &str) -> anyhow::Result<String> {
    is(browser, text, |page| page.contains(text)).await
}

/// The home page, once it is like this.
async fn is(
    browser: &mut Browser,
    what: &str,
    like: impl Fn(&str) -> bool,
) -> anyhow::Result<String> {
    let browser = tokio::sync::Mutex::new(browser);
    eventually(&format!("Hirely's page: {what}"), async || {
        let mut browser = browser.lock().await;
        Ok(like(&browser.go("/").await?.html))
    })
    .await?;
    Ok(browser.into_inner().page().html.clone())
}

#[tokio::test]
async fn a_mailbox_is_synced_and_what_is_new_in_it() -> anyhow::Result<()> {
    let (stack, mut browser) = ana_at_hirely("0").await?;
    // The simulator's mailboxes have 25 messages, 6 events and 4 contacts.
    for synced in ["25 synced", "6 synced", "4 synced"] {
        says(&mut browser, synced).await?;
    }
    let page = says(&mut browser, "Microsoft last said yes at").await?;
    ensure!(!page.contains("it waits"), "{page}");
    let mailbox = format!("tenants/{CONTOSO}/users/{}/mailbox", ANA.object_id);
    let more = json!({ "messages": 2 });
    let microsoft = stack.microsoft();
    microsoft
        .control(Method::POST, &mailbox, Some(&more))
        .await?;
    says(&mut browser, "27 synced").await?;
    Ok(())
}

#[tokio::test]
async fn a_job_stops_in_the_middle_of_a_page() -> anyhow::Result<()> {
    let (stack, mut browser) = ana_at_hirely("1000").await?;
    // Only of messages there are so many: this is in the second page of ten.
    is(&mut browser, "11 to 16 are synced", |page| {
        (11..=16).any(|synced| page.contains(&format!(">{synced} synced")))
    })
    .await?;
    stack.user("acme", "ana").revoke("email").await?.ok()?;
    let page = says(&mut browser, "E-mail stopped: consent changed").await?;
    ensure!(page.contains("of 10 of its page were stored"), "{page}");
    Ok(())
}

#[tokio::test]
async fn a_missing_consent_that_a_worker_meets_is_recorded_at_once() -> anyhow::Result<()> {
    let (stack, mut browser) = ana_at_hirely("0").await?;
    says(&mut browser, "25 synced").await?;
    let microsoft = stack.microsoft();
    microsoft
        .control(Method::DELETE, &format!("grants?tenant={CONTOSO}"), None)
        .await?;
    // An API that asks Microsoft in Ana's name says what it was told.
    let refused = json!({
        "endpoint": "graph", "count": 3, "status": 401,
        "body": { "error": "invalid_grant", "suberror": "consent_required", "error_codes": [65001] },
    });
    microsoft
        .control(Method::POST, "faults", Some(&refused))
        .await?;
    says(&mut browser, "E-mail stopped: consent changed").await?;
    is(&mut browser, "nothing runs", |page| {
        !page.contains(">Running<")
    })
    .await?;
    let ana = stack.user("acme", "ana").see("ana").await?.ok()?;
    ensure!(
        ana.word("/permissions/calendar/state") == Some("withdrawn"),
        "{}",
        ana.text
    );
    Ok(())
}
