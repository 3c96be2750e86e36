//! Fixtures of the journeys through pages: a stack, a browser in front of it, and what must hold on each page.

use std::io::Write;

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{HostUser, OLGA, Person, Reaction, Reply};
use assent_dev_stack::browser::{Browser, Emulation, Impact};
use assent_dev_stack::{Stack, StackOptions, TokenBuilder};
use serde_json::{Value, json};

pub(crate) async fn start() -> anyhow::Result<Stack> {
    Ok(Stack::start(StackOptions::default()).await?)
}

/// A person's browser: as most have it.
pub(crate) async fn browser() -> anyhow::Result<Browser> {
    Ok(Browser::start(Emulation::default()).await?)
}

/// The pages that a session of the settings leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settings {
    Company,
    Account,
}

impl Settings {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Company => "/settings/company",
            Self::Account => "/settings/account",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Company => "Permissions for Email/Calendar integration",
            Self::Account => "Sync with Microsoft 365",
        }
    }
}

/// The host application vouches for a user, who opens the settings by a button of its page.
pub(crate) async fn open_settings(
    browser: &Browser,
    stack: &Stack,
    token: TokenBuilder<'_>,
    page: Settings,
) -> anyhow::Result<()> {
    let host = posts_session(stack, token, page, None);
    browser.open(&host).await?;
    browser.click_button("Settings").await?;
    browser.sees(page.title()).await?;
    Ok(())
}

/// The host application's page with that button; `frame`: with the settings in a frame of this title.
pub(crate) fn posts_session(
    stack: &Stack,
    token: TokenBuilder<'_>,
    page: Settings,
    frame: Option<&str>,
) -> String {
    let (action, token) = (format!("{}/session", stack.gateway.url()), token.sign());
    let fields = [("token", token.as_str()), ("return_to", page.path())];
    let host = &stack.host;
    host.page_that_posts(&action, &fields, "Settings", frame)
}

/// Settings > My account of an ordinary user of acme.
pub(crate) async fn open_account(
    browser: &Browser,
    stack: &Stack,
    user: &str,
) -> anyhow::Result<()> {
    let token = stack.host.token_for(user, "acme");
    open_settings(browser, stack, token, Settings::Account).await
}

/// Settings > Company, as Sam, Super Admin of acme.
pub(crate) async fn open_company(browser: &Browser, stack: &Stack) -> anyhow::Result<()> {
    open_settings(browser, stack, sam(stack), Settings::Company).await
}

/// What the host application says of Sam.
pub(crate) fn sam(stack: &Stack) -> TokenBuilder<'_> {
    let token = stack.host.token_for("sam", "acme").super_admin();
    token.permission("company_settings:manage")
}

/// Olga consents for everyone in acme: calendar and limited e-mail.
pub(crate) async fn admin_consent(stack: &Stack) -> anyhow::Result<()> {
    let sam = stack.super_admin("acme", "sam");
    let email_sync = sam.set_method("user_individual", "full").await?;
    email_sync.ok()?;
    let body = json!({
        "administrator_confirmed": true,
        "permissions": {"calendar": true, "contacts": false, "email": "limited"},
    });
    let started = sam.start_admin_consent(&body).await?.ok()?;
    let url = started.word("/authorize_url").context("no address")?;
    let landing = stack.microsoft().walk(url, OLGA, Reaction::Accept).await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    Ok(())
}

/// The button that saves what is ticked in Settings > My account.
pub(crate) const SAVE: &str = "Save changes";
/// The button that confirms whose mailbox it is.
pub(crate) const YES: &str = "Yes, connect it";

/// Ticks a box of Settings > My account and saves: Microsoft's page comes next, or the settings again.
pub(crate) async fn ask_for(browser: &Browser, permission: &str) -> anyhow::Result<()> {
    browser.tick(permission).await?;
    browser.click_button(SAVE).await?;
    Ok(())
}

/// Picks an account at Microsoft, and accepts there.
pub(crate) async fn accept_as(browser: &Browser, person: Person) -> anyhow::Result<()> {
    browser.at_microsoft().choose_person(person).await?;
    browser.at_microsoft().accept().await?;
    Ok(())
}

/// Accepts at Microsoft for the first time, so that whose mailbox it is has to be confirmed.
pub(crate) async fn connect_as(browser: &Browser, person: Person) -> anyhow::Result<()> {
    accept_as(browser, person).await?;
    browser.click_button(YES).await?;
    browser.sees("What you granted is on.").await?;
    Ok(())
}

/// What a user of acme may be done for, by the API.
pub(crate) async fn effective(stack: &Stack, user: &str) -> anyhow::Result<Value> {
    let seen = stack.user("acme", user).see(user).await?.ok()?;
    let effective = seen.body.pointer("/effective").cloned();
    effective.with_context(|| seen.text.clone())
}

/// A permission set, as the API tells it.
pub(crate) fn permissions(calendar: bool, contacts: bool, email: &str) -> Value {
    json!({"calendar": calendar, "contacts": contacts, "email": email})
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
    let usual = Emulation::default();
    for emulation in [usual, usual.dark(), usual.narrow(), usual.narrow().dark()] {
        browser.set_emulation(emulation).await?;
        for finding in browser.accessibility_findings().await? {
            ensure!(
                finding.impact < Impact::Serious,
                "{finding}\non {} as {emulation:?}",
                browser.path().await?
            );
            let path = browser.path().await?;
            writeln!(std::io::stderr(), "{finding}\non {path} as {emulation:?}")?;
        }
        let sideways = browser.sideways_scroll().await?;
        ensure!(
            sideways == 0,
            "{} is {sideways} px too wide as {emulation:?}",
            browser.path().await?
        );
    }
    browser.set_emulation(usual).await?;
    Ok(())
}

/// The browser had nothing to complain about.
pub(crate) async fn is_content(browser: &Browser) -> anyhow::Result<()> {
    let errors = browser.console_errors().await?;
    ensure!(errors.is_empty(), "{errors:#?}");
    Ok(())
}
