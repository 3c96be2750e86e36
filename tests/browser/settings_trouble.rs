//! What goes wrong in browsers: back buttons, impatient clicks, two tabs, sessions and requests that are over, frames.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, BEN};

use crate::fixture::{
    SAVE, Settings, accept_as, admin_consent, ask_for, browser, connect_as, effective, is_content,
    open_account, open_company, permissions, posts_session, start, suits_everybody,
};

#[tokio::test]
async fn an_impatient_double_click_saves_once() -> anyhow::Result<()> {
    let stack = start().await?;
    let browser = browser().await?;
    open_account(&browser, &stack, "ana").await?;
    browser.tick("Calendar").await?;
    browser.double_click_button(SAVE).await?;
    connect_as(&browser, ANA).await?;
    ensure!(log_length(&stack).await? == 1);
    browser.untick("Calendar").await?;
    browser.double_click_button(SAVE).await?;
    browser.sees("What you unticked is off").await?;
    ensure!(log_length(&stack).await? == 2);
    is_content(&browser).await
}

#[tokio::test]
async fn the_back_button_repeats_nothing_and_leaves_everything_usable() -> anyhow::Result<()> {
    let stack = start().await?;
    let browser = browser().await?;
    open_account(&browser, &stack, "ana").await?;
    ask_for(&browser, "Calendar").await?;
    browser.sees("Pick an account").await?;
    // Back from Microsoft, second thoughts, and on with something else.
    browser.back().await?;
    browser.sees("Sync with Microsoft 365").await?;
    browser.untick("Calendar").await?;
    ask_for(&browser, "Contacts").await?;
    connect_as(&browser, ANA).await?;
    ensure!(effective(&stack, "ana").await? == permissions(false, true, "none"));

    // Back onto Microsoft's page, which is answered already.
    browser.back().await?;
    let account = format!("{}/settings/account", stack.gateway.url());
    browser.open(&account).await?;
    browser.sees("Granted: Contacts by you").await?;
    ensure!(log_length(&stack).await? == 1);
    Ok(())
}

#[tokio::test]
async fn a_tab_that_stood_open_takes_nothing_back_that_another_one_granted() -> anyhow::Result<()> {
    let stack = start().await?;
    let browser = browser().await?;
    open_account(&browser, &stack, "ana").await?;
    let old = browser.this_tab().await?;
    browser.new_tab().await?;
    browser
        .open(&format!("{}/settings/account", stack.gateway.url()))
        .await?;
    ask_for(&browser, "Calendar").await?;
    connect_as(&browser, ANA).await?;

    browser.go_to_tab(&old).await?;
    ensure!(!browser.is_ticked("Calendar").await?);
    ask_for(&browser, "Contacts").await?;
    browser.at_microsoft().accept().await?;
    browser.sees("What you granted is on.").await?;
    ensure!(effective(&stack, "ana").await? == permissions(true, true, "none"));
    Ok(())
}

#[tokio::test]
async fn a_page_that_somebody_else_overtook_changes_nothing() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    open_company(&browser, &stack).await?;
    let sue = stack.super_admin("acme", "sue");
    sue.set_method("user_individual", "limited").await?.ok()?;
    // The page still shows Full sync, and its other choice.
    browser
        .choose_radio("Office 365 administrator configured")
        .await?;
    browser.tick("I am an administrator").await?;
    browser.click_button("Go to O365 Auth").await?;
    browser
        .sees("Somebody changed these settings meanwhile")
        .await?;
    ensure!(browser.is_ticked("Limited sync").await?);
    suits_everybody(&mut browser).await?;
    ensure!(log_length(&stack).await? == 1);

    open_account(&browser, &stack, "ana").await?;
    admin_consent(&stack).await?;
    ask_for(&browser, "Calendar").await?;
    browser
        .sees("Somebody changed these settings meanwhile")
        .await?;
    browser
        .sees("Your company's Office 365 administrator decides this")
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_session_that_is_over_says_so_and_changes_nothing() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    open_company(&browser, &stack).await?;
    let old = browser.this_tab().await?;
    browser.new_tab().await?;
    browser
        .open(&format!("{}/settings/account", stack.gateway.url()))
        .await?;
    browser.click_button("Leave the settings").await?;
    browser.sees("You have left the settings").await?;
    browser.go_to_tab(&old).await?;
    browser.choose_radio("Limited sync").await?;
    browser.click_button("Save email sync").await?;
    browser.sees("Your session is over").await?;
    suits_everybody(&mut browser).await?;
    ensure!(log_length(&stack).await? == 0);

    // Another session does not make the old page's forms good again.
    open_company(&browser, &stack).await?;
    let first = browser.this_tab().await?;
    browser.new_tab().await?;
    open_account(&browser, &stack, "ben").await?;
    browser.go_to_tab(&first).await?;
    browser.choose_radio("Limited sync").await?;
    browser.click_button("Save email sync").await?;
    browser.sees("This page is out of date").await?;
    suits_everybody(&mut browser).await?;
    ensure!(log_length(&stack).await? == 0);
    Ok(())
}

#[tokio::test]
async fn a_request_that_the_company_has_moved_on_from_grants_nothing() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    open_account(&browser, &stack, "ana").await?;
    ask_for(&browser, "Contacts").await?;
    browser.at_microsoft().choose_person(ANA).await?;
    browser.sees("Permissions requested").await?;
    admin_consent(&stack).await?;
    browser.at_microsoft().accept().await?;
    browser
        .sees("Your company's Office 365 administrator decides this")
        .await?;
    suits_everybody(&mut browser).await?;
    ensure!(effective(&stack, "ana").await? == permissions(false, false, "none"));
    Ok(())
}

#[tokio::test]
async fn somebody_elses_account_at_microsoft_is_not_taken_for_the_users_own() -> anyhow::Result<()>
{
    let stack = start().await?;
    let browser = browser().await?;
    open_account(&browser, &stack, "ana").await?;
    ask_for(&browser, "Calendar").await?;
    connect_as(&browser, ANA).await?;

    let other = crate::fixture::browser().await?;
    open_account(&other, &stack, "ana").await?;
    ask_for(&other, "Contacts").await?;
    accept_as(&other, BEN).await?;
    other
        .sees("another Microsoft account than the one expected")
        .await?;
    // Trying again is no way into the same mismatch.
    ask_for(&other, "Contacts").await?;
    other.sees("Sign in to Contoso").await?;
    ensure!(effective(&stack, "ana").await? == permissions(true, false, "none"));
    Ok(())
}

#[tokio::test]
async fn in_the_hosts_own_page_a_link_leads_out_of_the_frame_to_microsoft() -> anyhow::Result<()> {
    let stack = start().await?;
    let browser = browser().await?;
    let token = stack.host.token_for("ana", "acme");
    let host = posts_session(&stack, token, Settings::Account, Some("Settings of Assent"));
    browser.open(&host).await?;
    browser.click_button("Settings").await?;
    browser.enter_frame("Settings of Assent").await?;
    browser.sees("Sync with Microsoft 365").await?;
    ask_for(&browser, "Calendar").await?;
    browser.click_link("Go on to Microsoft").await?;
    browser.leave_frames().await?;
    connect_as(&browser, ANA).await?;
    ensure!(browser.path().await? == Settings::Account.path());
    Ok(())
}

/// The last event of acme and of Ana: how many there are, as nobody else does anything.
async fn log_length(stack: &Stack) -> anyhow::Result<u64> {
    let ana = stack.user("acme", "ana").see("ana").await?.ok()?;
    ana.number("/sequence").context("no sequence")
}
