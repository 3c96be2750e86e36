//! Settings > My account: an ordinary user's whole job.

use anyhow::ensure;
use assent_dev_stack::actors::{ANA, BEN, DANA, ERIK, Reaction};
use assent_dev_stack::browser::{Emulation, Key};

use crate::fixture::{
    SAVE, Settings, YES, accept_as, admin_consent, ask_for, browser, connect_as, effective,
    is_content, open_account, open_settings, permissions, start, suits_everybody,
};

#[tokio::test]
async fn a_user_grants_revokes_and_grants_again() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    open_account(&browser, &stack, "ana").await?;
    browser.sees("Nothing was granted or revoked yet.").await?;
    ensure!(!browser.is_ticked("Calendar").await?);
    suits_everybody(&mut browser).await?;

    browser
        .click_button("The exact Microsoft scopes of Email")
        .await?;
    browser.sees("Mail.ReadWrite Mail.Send").await?;
    browser.tick("Calendar").await?;
    ask_for(&browser, "Email").await?;
    browser.at_microsoft().choose_person(ANA).await?;
    browser.sees("Permissions requested").await?;
    browser.at_microsoft().accept().await?;
    // Nobody could know whose mailbox it would be.
    browser.sees("Connect this Microsoft account to").await?;
    browser.sees(ANA.object_id).await?;
    browser.sees("Read the calendar").await?;
    ensure!(effective(&stack, "ana").await? == permissions(false, false, "none"));
    suits_everybody(&mut browser).await?;
    browser.click_button(YES).await?;
    browser.sees("What you granted is on.").await?;
    browser
        .sees("Granted: Calendar and Email (full) by you")
        .await?;
    ensure!(browser.path().await? == Settings::Account.path());
    ensure!(!browser.address().await?.contains("confirm"));
    ensure!(effective(&stack, "ana").await? == permissions(true, false, "full"));

    // The support's favourite: untick all, save, tick again, save.
    browser.untick("Calendar").await?;
    browser.untick("Email").await?;
    browser.click_button(SAVE).await?;
    browser.sees("What you unticked is off").await?;
    browser.sees("Off: you took it back").await?;
    ensure!(effective(&stack, "ana").await? == permissions(false, false, "none"));
    suits_everybody(&mut browser).await?;
    ask_for(&browser, "Calendar").await?;
    // Microsoft knows the consent. But she has taken back all that told who she is, so she is asked, there and here.
    browser.at_microsoft().choose_person(ANA).await?;
    browser.click_button(YES).await?;
    browser.sees("What you granted is on.").await?;
    ensure!(effective(&stack, "ana").await? == permissions(true, false, "none"));

    // One takes something back and adds something else in one go.
    browser.untick("Calendar").await?;
    ask_for(&browser, "Contacts").await?;
    browser.sees("Permissions requested").await?;
    ensure!(effective(&stack, "ana").await? == permissions(false, false, "none"));
    browser.at_microsoft().accept().await?;
    browser.sees("What you granted is on.").await?;
    ensure!(effective(&stack, "ana").await? == permissions(false, true, "none"));
    browser.click_button(SAVE).await?;
    browser.sees("There was nothing to change.").await?;
    is_content(&browser).await
}

#[tokio::test]
async fn a_keyboard_is_enough_and_so_is_a_browser_without_scripts() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    browser
        .set_emulation(Emulation::default().without_scripts())
        .await?;
    open_account(&browser, &stack, "ana").await?;
    browser.tab_to("Calendar").await?;
    browser.press(Key::Space).await?;
    browser.tab_to(SAVE).await?;
    browser.press(Key::Enter).await?;
    browser.sees("Pick an account").await?;
    browser.tab_to("Ana Alvarez").await?;
    browser.press(Key::Enter).await?;
    browser.sees("Permissions requested").await?;
    browser.tab_to("Accept").await?;
    browser.press(Key::Enter).await?;
    browser.tab_to(YES).await?;
    browser.press(Key::Enter).await?;
    browser.sees("What you granted is on.").await?;
    // Nobody knows the reader's zone here, so it is said which one is meant.
    browser.sees(" UTC").await?;
    ensure!(effective(&stack, "ana").await? == permissions(true, false, "none"));
    Ok(())
}

/// Her old mailbox is gone, or she just means another one.
#[tokio::test]
async fn a_user_moves_to_another_microsoft_account() -> anyhow::Result<()> {
    const ANOTHER: &str = "Use another Microsoft account";
    let stack = start().await?;
    let mut browser = browser().await?;
    open_account(&browser, &stack, "ana").await?;
    browser.does_not_see("Your Microsoft account").await?;
    ask_for(&browser, "Calendar").await?;
    connect_as(&browser, ANA).await?;
    browser.sees("Your Microsoft account").await?;
    browser.sees(ANA.object_id).await?;
    suits_everybody(&mut browser).await?;

    browser.click_button(ANOTHER).await?;
    // Ana is signed in there, and nevertheless asked.
    browser.sees("Pick an account").await?;
    accept_as(&browser, BEN).await?;
    browser.sees("Connect this Microsoft account to").await?;
    browser.sees(BEN.object_id).await?;
    browser.sees(ANA.object_id).await?;
    browser.click_button(YES).await?;
    browser.sees("What you granted is on.").await?;
    browser.sees(BEN.object_id).await?;
    ensure!(effective(&stack, "ana").await? == permissions(true, false, "none"));
    is_content(&browser).await
}

/// Who granted sending only, while the company allowed no more, can have the rest without revoking anything.
#[tokio::test]
async fn limited_email_is_extended_once_the_company_syncs_fully() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    sam.set_method("user_individual", "limited").await?.ok()?;
    let mut browser = browser().await?;
    open_account(&browser, &stack, "ana").await?;
    browser
        .sees("Nothing is read, so replies are not synced.")
        .await?;
    ask_for(&browser, "Email").await?;
    accept_as(&browser, ANA).await?;
    browser.click_button(YES).await?;
    browser.sees("Granted: Email (limited) by you").await?;

    sam.set_method("user_individual", "full").await?.ok()?;
    browser.reload().await?;
    browser.sees("You granted sending only.").await?;
    suits_everybody(&mut browser).await?;
    browser.click_button("extend it to Full sync").await?;
    browser.sees("Permissions requested").await?;
    browser.at_microsoft().accept().await?;
    browser.sees("What you granted is on.").await?;
    browser.does_not_see("You granted sending only.").await?;
    ensure!(effective(&stack, "ana").await? == permissions(false, false, "full"));

    // And back, by the company: what she granted waits.
    sam.set_method("user_individual", "limited").await?.ok()?;
    browser.reload().await?;
    browser
        .sees("Limited for now: you granted more, but your company has set its e-mail sync to Limited.")
        .await?;
    is_content(&browser).await
}

#[tokio::test]
async fn times_are_in_the_readers_zone() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    let sam = stack.super_admin("acme", "sam");
    sam.set_method("user_individual", "limited").await?.ok()?;
    open_account(&browser, &stack, "ana").await?;
    browser
        .sees("The company changed to Limited sync of e-mail")
        .await?;
    let time = "return document.querySelector('time').textContent";
    ensure!(browser.run(time).await?.to_string().contains("UTC"));
    let tokyo = Emulation {
        time_zone: "Asia/Tokyo",
        ..Emulation::default()
    };
    browser.set_emulation(tokyo).await?;
    browser.reload().await?;
    browser
        .sees("The company changed to Limited sync of e-mail")
        .await?;
    let shown = browser.run(time).await?.to_string();
    ensure!(shown.contains("GMT+9"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_decline_and_a_part_of_it_are_told_apart() -> anyhow::Result<()> {
    let stack = start().await?;
    let browser = browser().await?;
    open_account(&browser, &stack, "ana").await?;
    ask_for(&browser, "Contacts").await?;
    browser.at_microsoft().choose_person(ANA).await?;
    browser.at_microsoft().decline().await?;
    browser.sees("Declined at Microsoft").await?;
    browser.sees("so nothing was granted").await?;
    browser.sees("Off: declined at Microsoft").await?;
    ensure!(!browser.is_ticked("Contacts").await?);

    // Microsoft's page lets people accept a part; here somebody does so in another window.
    let ana = stack.user("acme", "ana");
    let started = ana
        .start_grant(&["calendar", "contacts"], Some(ANA))
        .await?
        .ok()?;
    let url = started.word("/authorize_url").unwrap_or_default();
    let partly = Reaction::AcceptOnly(&["Calendars.ReadWrite"]);
    let landing = stack.microsoft().walk(url, ANA, partly).await?;
    let back = format!(
        "{}/settings/account?flow={}&outcome={}",
        stack.gateway.url(),
        landing.flow,
        landing.outcome
    );
    browser.open(&back).await?;
    browser.sees("Recorded, with a remark").await?;
    browser.sees("Microsoft granted only a part").await?;
    ensure!(browser.is_ticked("Calendar").await? && !browser.is_ticked("Contacts").await?);
    Ok(())
}

/// A tenant whose users may not consent: Microsoft leads them into a dead end, the settings lead out of it.
#[tokio::test]
async fn from_microsofts_dead_end_to_the_administrators_approval() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    let dana = || stack.host.token_for("dana", "adatum");
    open_settings(&browser, &stack, dana(), Settings::Account).await?;
    ask_for(&browser, "Calendar").await?;
    browser.at_microsoft().choose_person(DANA).await?;
    browser.sees("Need admin approval").await?;
    browser.at_microsoft().go_back_without_consent().await?;
    browser.sees("No answer from Microsoft").await?;
    browser
        .sees("Make a link here and send it to your Office 365 administrator")
        .await?;
    browser
        .click_button("Make a link for my administrator")
        .await?;
    browser.sees("Send this link to your administrator").await?;
    let link = browser
        .run("return document.getElementById('link').value")
        .await?;
    let link = link.as_str().unwrap_or_default().to_owned();
    ensure!(link.contains("/hand-off/"), "{link}");
    suits_everybody(&mut browser).await?;
    browser.click_link("Back to the settings").await?;
    browser.sees("not opened yet").await?;
    suits_everybody(&mut browser).await?;
    is_content(&browser).await?;

    // The administrator, elsewhere.
    let administrator = crate::fixture::browser().await?;
    administrator.open(&link).await?;
    administrator.tick("I am an administrator").await?;
    administrator.click_button("Go on to Microsoft").await?;
    accept_as(&administrator, ERIK).await?;
    administrator.click_button("Confirm").await?;
    administrator.sees("Thank you").await?;

    browser.reload().await?;
    browser.sees("approved").await?;
    ask_for(&browser, "Calendar").await?;
    browser.at_microsoft().choose_person(DANA).await?;
    browser.click_button(YES).await?;
    // Granted, but of no use: this company's mailboxes are on a server of its own.
    browser.sees("Recorded, with a remark").await?;
    browser
        .sees("The mailbox is on a server of your company's own.")
        .await?;
    ensure!(browser.is_ticked("Calendar").await?);
    suits_everybody(&mut browser).await?;
    Ok(())
}

#[tokio::test]
async fn under_the_administrators_method_the_boxes_only_say_what_is() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    admin_consent(&stack).await?;
    open_account(&browser, &stack, "ana").await?;
    browser
        .sees("Your company's Office 365 administrator decides this")
        .await?;
    browser
        .sees("You have not signed in through Microsoft since then.")
        .await?;
    for name in ["Calendar", "Contacts", "Email"] {
        ensure!(browser.is_disabled(name).await?, "{name}");
        ensure!(!browser.is_ticked(name).await?, "{name}");
    }
    browser.does_not_see(SAVE).await?;

    stack
        .login("acme")
        .through_microsoft("ana", ANA, 0)
        .await?
        .decided("auto_grant")?;
    browser.reload().await?;
    browser
        .sees("Granted at sign-in: Calendar and Email (limited)")
        .await?;
    browser.does_not_see("You have not signed in").await?;
    ensure!(browser.is_ticked("Calendar").await? && !browser.is_ticked("Contacts").await?);
    browser.sees("sam asked for it").await?;
    suits_everybody(&mut browser).await?;
    is_content(&browser).await
}
