//! What every journey through pages needs: a stack, a browser in front of it, and what must hold on each page.

use std::io::Write;

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{HostUser, Reply};
use assent_dev_stack::browser::{Browser, Impact, Look};
use assent_dev_stack::{Stack, StackOptions};
use serde_json::json;

pub(crate) async fn start() -> anyhow::Result<Stack> {
    Ok(Stack::start(StackOptions::default()).await?)
}

/// A person's browser: as most have it.
pub(crate) async fn browser() -> anyhow::Result<Browser> {
    Ok(Browser::start(Look::default()).await?)
}

/// A link for an administrator, and its id.
pub(crate) async fn link(by: &HostUser, purpose: &str) -> anyhow::Result<(String, String)> {
    let body = json!({
        "purpose": purpose,
        "permissions": {"calendar": true, "contacts": false, "email": "limited"},
    });
    let made = by.make_hand_off(&body).await?.ok()?;
    let word = |pointer| made.word(pointer).map(str::to_owned);
    word("/url").zip(word("/hand_off_id")).context("no link")
}

/// The link is in this state.
pub(crate) async fn stands(by: &HostUser, id: &str, state: &str) -> anyhow::Result<Reply> {
    let reply = by.hand_off(id).await?.ok()?;
    ensure!(
        reply.word("/state") == Some(state),
        "{}, expected {state}",
        reply.text
    );
    Ok(reply)
}

/// Anybody can use the page that is open: axe-core finds nothing serious, in light and dark, and on the narrowest
/// window nothing has to be scrolled for sideways. What is less than serious is printed.
pub(crate) async fn suits_everybody(browser: &mut Browser) -> anyhow::Result<()> {
    let usual = Look::default();
    for look in [usual, usual.dark(), usual.narrow(), usual.narrow().dark()] {
        browser.change_look(look).await?;
        for finding in browser.accessibility_findings().await? {
            ensure!(
                finding.impact < Impact::Serious,
                "{finding}\non {} as {look:?}",
                browser.path().await?
            );
            let path = browser.path().await?;
            writeln!(std::io::stderr(), "{finding}\non {path} as {look:?}")?;
        }
        let sideways = browser.sideways_scroll().await?;
        ensure!(
            sideways == 0,
            "{} is {sideways} px too wide as {look:?}",
            browser.path().await?
        );
    }
    browser.change_look(usual).await?;
    Ok(())
}

/// The browser had nothing to complain about.
pub(crate) async fn is_content(browser: &Browser) -> anyhow::Result<()> {
    let errors = browser.console_errors().await?;
    ensure!(errors.is_empty(), "{errors:#?}");
    Ok(())
}
