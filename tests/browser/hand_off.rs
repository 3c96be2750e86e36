//! An administrator, who has no account here, follows a link.

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{BEN, OLGA};
use assent_dev_stack::browser::{Emulation, Key};

use serde_json::json;

use crate::fixture::{
    accept_as, browser, is_content, link, open_company, stands, start, suits_everybody,
};

const BOX: &str = "I am an administrator of our organisation's Office 365 account";
const GO_ON: &str = "Go on to Microsoft";
const CONFIRM: &str = "Confirm";
const NOT_ME: &str = "This was not me";

#[tokio::test]
async fn from_the_link_to_the_thank_you_with_the_keyboard_only() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let (link, id) = link(&sam, "administrator_consent").await?;
    let browser = browser().await?;

    // As a mail program made a link of the end of a sentence.
    browser.open(&format!("{link}).")).await?;
    browser.sees("Approval for the application").await?;
    browser
        .sees("You decide for everyone in this account")
        .await?;
    browser.tab_to(BOX).await?;
    browser.press(Key::Space).await?;
    ensure!(browser.is_ticked(BOX).await?);
    browser.tab_to(GO_ON).await?;
    browser.press(Key::Enter).await?;

    browser.sees("Pick an account").await?;
    browser.tab_to("Olga Orlova").await?;
    browser.press(Key::Enter).await?;
    browser.sees("review for your organization").await?;
    browser.tab_to("Accept").await?;
    browser.press(Key::Enter).await?;

    browser.sees("Nothing is recorded yet").await?;
    stands(&sam, &id, "started").await?;
    browser.tab_to(CONFIRM).await?;
    browser.press(Key::Enter).await?;

    browser.sees("Thank you").await?;
    ensure!(browser.path().await? == "/hand-off-outcome");
    is_content(&browser).await?;
    let completed = stands(&sam, &id, "completed").await?;
    ensure!(
        completed.word("/granted_by/object_id") == Some(OLGA.object_id),
        "{}",
        completed.text
    );
    Ok(())
}

#[tokio::test]
async fn nobody_goes_on_before_the_box_is_ticked() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let (link, id) = link(&sam, "administrator_consent").await?;
    let mut browser = browser().await?;

    // The browser itself points at the box.
    browser.open(&link).await?;
    browser.click_button(GO_ON).await?;
    ensure!(browser.address().await? == link);
    ensure!(
        browser.focused().await? == BOX,
        "{}",
        browser.focused().await?
    );
    is_content(&browser).await?;

    // One that does not is told by our page.
    browser
        .run("document.querySelector('form').noValidate = true")
        .await?;
    browser.click_button(GO_ON).await?;
    browser
        .sees("Tick the box if you are an administrator. If you are not, forward the link to one.")
        .await?;
    suits_everybody(&mut browser).await?;
    stands(&sam, &id, "opened").await?;

    browser.tick(BOX).await?;
    browser.click_button(GO_ON).await?;
    browser.sees("Pick an account").await?;
    stands(&sam, &id, "started").await?;
    Ok(())
}

#[tokio::test]
async fn whoever_declines_or_may_not_can_begin_again_also_without_scripts() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let (link, id) = link(&sam, "administrator_consent").await?;
    let mut browser = browser().await?;
    browser
        .set_emulation(Emulation::default().without_scripts())
        .await?;

    browser.open(&link).await?;
    browser.tick(BOX).await?;
    browser.click_button(GO_ON).await?;
    browser.at_microsoft().choose_person(BEN).await?;
    browser.sees("Need admin approval").await?;
    stands(&sam, &id, "started").await?;
    browser.at_microsoft().change_account().await?;
    browser.at_microsoft().choose_person(OLGA).await?;
    browser.at_microsoft().decline().await?;
    browser.sees("The request was declined").await?;
    stands(&sam, &id, "refused").await?;

    browser.open(&link).await?;
    browser.tick(BOX).await?;
    browser.click_button(GO_ON).await?;
    // She is still signed in there.
    browser.at_microsoft().accept().await?;
    browser.click_button(CONFIRM).await?;
    browser.sees("Thank you").await?;
    stands(&sam, &id, "completed").await?;
    is_content(&browser).await?;

    browser.open(&link).await?;
    browser.sees("Already approved").await?;
    Ok(())
}

#[tokio::test]
async fn a_link_that_is_cancelled_meanwhile_says_so() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let (link, id) = link(&sam, "administrator_consent").await?;
    let mut browser = browser().await?;

    browser.open(&link).await?;
    browser.tick(BOX).await?;
    browser.click_button(GO_ON).await?;
    accept_as(&browser, OLGA).await?;
    browser.sees("Nothing is recorded yet").await?;
    sam.cancel_hand_off(&id).await?.ok()?;
    browser.click_button(CONFIRM).await?;
    browser
        .sees("This link was cancelled or has expired, so nothing was recorded")
        .await?;
    suits_everybody(&mut browser).await?;
    is_content(&browser).await?;
    stands(&sam, &id, "cancelled").await?;

    browser.open(&link).await?;
    browser.sees("This link is over").await?;
    suits_everybody(&mut browser).await?;
    Ok(())
}

#[tokio::test]
async fn every_page_suits_everybody() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let mut browser = browser().await?;
    for purpose in ["approval", "administrator_consent"] {
        let (link, _) = link(&sam, purpose).await?;
        browser.open(&link).await?;
        browser.sees("What happens if you accept").await?;
        suits_everybody(&mut browser).await?;
        is_content(&browser).await?;
    }
    browser.tick(BOX).await?;
    browser.click_button(GO_ON).await?;
    // The simulator's pages are looked at by people, too.
    browser.sees("Pick an account").await?;
    suits_everybody(&mut browser).await?;
    browser.at_microsoft().choose_person(OLGA).await?;
    browser.sees("Permissions requested").await?;
    suits_everybody(&mut browser).await?;
    browser.at_microsoft().accept().await?;
    browser.sees("What happens if you confirm").await?;
    suits_everybody(&mut browser).await?;
    is_content(&browser).await?;
    browser.click_button(CONFIRM).await?;
    browser.sees("Thank you").await?;
    suits_everybody(&mut browser).await?;
    is_content(&browser).await?;

    browser
        .open(&format!("{}/hand-off/nobodys", stack.gateway.url()))
        .await?;
    browser.sees("There is no such link").await?;
    suits_everybody(&mut browser).await?;
    Ok(())
}

/// An administrator comes by an address that somebody sent her: she learns whom it is for, looks again, and says no.
#[tokio::test]
async fn an_administrator_who_was_led_here_says_that_it_was_not_her() -> anyhow::Result<()> {
    let stack = start().await?;
    let eve = stack.with_token("evil", "eve", |token| {
        let token = token.super_admin().permission("company_settings:manage");
        token.claim("name", "Eve Evans").claim(
            "account_name",
            "Evans & Sons, Purveyors of Practically Everything",
        )
    });
    let asked = json!({"administrator_confirmed": true, "tenant": "contoso.example",
        "permissions": {"calendar": true, "contacts": true, "email": "full"}});
    let started = eve.start_admin_consent(&asked).await?.ok()?;
    let (url, flow) = started
        .word("/authorize_url")
        .zip(started.word("/flow_id"))
        .context("no flow")?;
    let mut browser = browser().await?;
    browser.open(url).await?;
    accept_as(&browser, OLGA).await?;
    for shown in [
        "Evans & Sons, Purveyors of Practically Everything, account evil",
        "Eve Evans, user eve",
        "contoso.example",
        OLGA.object_id,
        "Mail.ReadWrite Mail.Send",
    ] {
        browser.sees(shown).await?;
    }
    suits_everybody(&mut browser).await?;
    browser.reload().await?;
    let page = browser.address().await?;
    browser.click_button(NOT_ME).await?;
    browser.sees("The request was declined").await?;
    suits_everybody(&mut browser).await?;
    eve.flow(flow)
        .await?
        .ok()?
        .with_text("/state", "declined")?;
    eve.account()
        .await?
        .ok()?
        .with_text("/method", "user_individual")?;

    browser.open(&page).await?;
    browser.sees("This was answered already").await?;
    suits_everybody(&mut browser).await?;
    browser.click_link("Go on").await?;
    browser.sees("The request was declined").await?;
    // Somebody who guesses.
    let (guessed, _) = page.rsplit_once('.').context("no secret")?;
    browser.open(&format!("{guessed}.x")).await?;
    browser.sees("There is nothing to confirm here").await?;
    suits_everybody(&mut browser).await?;
    Ok(())
}

/// A Super Admin who is an administrator at Microsoft, begins in one browser and goes on in another, without scripts.
#[tokio::test]
async fn whoever_changes_the_browser_confirms_and_comes_to_where_they_belong() -> anyhow::Result<()>
{
    let stack = start().await?;
    let here = browser().await?;
    open_company(&here, &stack).await?;
    here.choose_radio("Office 365 administrator configured")
        .await?;
    here.tick("I am an administrator for my company's Office 365 account")
        .await?;
    here.click_button("Go to O365 Auth").await?;
    here.sees("Pick an account").await?;
    let address = here.address().await?;

    let mut there = browser().await?;
    there
        .set_emulation(Emulation::default().without_scripts())
        .await?;
    there.open(&address).await?;
    accept_as(&there, OLGA).await?;
    there.sees("Nothing is recorded yet").await?;
    there.click_button(CONFIRM).await?;
    there.sees("Done: the permissions were recorded").await?;
    ensure!(there.path().await? == "/settings/company");
    is_content(&there).await?;
    here.open(&format!("{}/settings/company", stack.gateway.url()))
        .await?;
    here.sees(OLGA.object_id).await?;
    Ok(())
}
