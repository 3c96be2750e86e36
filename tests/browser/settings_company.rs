//! Settings > Company: the Super Admin's and the Office 365 administrator's whole job.

use anyhow::ensure;
use assent_dev_stack::actors::{ANA, BEN, DANA, OLGA, Reaction};
use assent_dev_stack::browser::{Emulation, Key};

use crate::fixture::{
    Settings, accept_as, browser, effective, is_content, open_account, open_company, open_settings,
    permissions, stands, start, suits_everybody,
};

const ADMINISTRATOR: &str = "Office 365 administrator configured";
const INDIVIDUALLY: &str = "Users individually authorize";
const CONFIRM: &str = "I am an administrator for my company's Office 365 account";
const VOUCH: &str = "Our mailboxes are in Exchange Online; go on all the same";
const GO: &str = "Go to O365 Auth";

#[tokio::test]
async fn from_the_choice_to_microsoft_and_back_with_a_count_of_who_followed() -> anyhow::Result<()>
{
    let stack = start().await?;
    let mut browser = browser().await?;
    open_company(&browser, &stack).await?;
    ensure!(browser.is_ticked(INDIVIDUALLY).await? && browser.is_ticked("Full sync").await?);
    suits_everybody(&mut browser).await?;

    browser.choose_radio(ADMINISTRATOR).await?;
    browser
        .sees("Confirm that you are an administrator to go on.")
        .await?;
    ensure!(browser.is_disabled(GO).await?);
    browser.tick(CONFIRM).await?;
    ensure!(!browser.is_disabled(GO).await?);
    for name in ["Calendar", "Contacts", "Email"] {
        browser.untick(name).await?;
    }
    browser
        .sees("Select at least one permission to go on.")
        .await?;
    ensure!(browser.is_disabled(GO).await?);
    suits_everybody(&mut browser).await?;
    browser.tick("Calendar").await?;
    browser.tick("Email").await?;
    browser.choose_radio("Limited").await?;
    browser.click_button(GO).await?;

    browser.at_microsoft().choose_person(OLGA).await?;
    browser.sees("review for your organization").await?;
    browser.at_microsoft().accept().await?;
    browser
        .sees("The administrator's consent is verified and recorded")
        .await?;
    ensure!(browser.is_ticked(ADMINISTRATOR).await?);
    browser.sees("Calendar and Email (limited)").await?;
    browser.sees("sam, in the application").await?;
    browser.sees(OLGA.object_id).await?;
    browser
        .sees("Microsoft's sign-in showed the role Global Administrator")
        .await?;
    browser
        .sees("Other users must sign in again through Microsoft")
        .await?;
    browser.sees("0 have so far, 0 have not yet").await?;
    ensure!(browser.is_disabled("Limited sync").await?);
    suits_everybody(&mut browser).await?;

    // The count goes on while Sam looks at it.
    let login = stack.login("acme");
    login.through_microsoft("ana", ANA, 0).await?.ok()?;
    browser.sees("1 has so far, 0 have not yet").await?;
    login.through_microsoft("ben", BEN, 0).await?.ok()?;
    browser.sees("2 have so far, 0 have not yet").await?;
    is_content(&browser).await?;

    // Another selection replaces the first one, for everyone.
    browser.click_link("Change what is granted").await?;
    browser
        .sees("the new selection replaces the one in force")
        .await?;
    ensure!(browser.is_ticked("Limited").await? && !browser.is_ticked("Contacts").await?);
    browser.tick(CONFIRM).await?;
    browser.untick("Email").await?;
    browser.tick("Contacts").await?;
    browser.click_button(GO).await?;
    browser.at_microsoft().accept().await?;
    browser.sees("Calendar and Contacts").await?;
    ensure!(effective(&stack, "ana").await? == permissions(true, false, "none"));

    // And back, after a plain warning.
    browser.choose_radio(INDIVIDUALLY).await?;
    browser.click_button("Save the method").await?;
    browser.sees("ends at once").await?;
    browser
        .sees("At the moment 2 users would lose what they have: 2 lose Calendar, 0 Contacts, 0 Email.")
        .await?;
    suits_everybody(&mut browser).await?;
    browser.click_link("Keep it as it is").await?;
    ensure!(browser.is_ticked(ADMINISTRATOR).await?);
    browser.choose_radio(INDIVIDUALLY).await?;
    browser.click_button("Save the method").await?;
    browser.click_button("Let users authorize").await?;
    browser
        .sees("Nothing is synced for anybody until then.")
        .await?;
    ensure!(browser.is_ticked(INDIVIDUALLY).await?);
    ensure!(effective(&stack, "ana").await? == permissions(false, false, "none"));
    is_content(&browser).await
}

#[tokio::test]
async fn limited_sync_warns_first_and_stands_in_the_administrators_way() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    let ana = stack.user("acme", "ana");
    let started = ana.start_grant(&["email"], Some(ANA)).await?.ok()?;
    let url = started.word("/authorize_url").unwrap_or_default();
    stack.microsoft().walk(url, ANA, Reaction::Accept).await?;

    open_company(&browser, &stack).await?;
    browser.sees("1 user is connected").await?;
    browser.choose_radio("Limited sync").await?;
    browser.click_button("Save email sync").await?;
    browser.sees("Replies are no longer synced").await?;
    browser.sees("mail routing rules at Microsoft").await?;
    browser
        .sees("this concerns 1 user whose replies are synced")
        .await?;
    ensure!(effective(&stack, "ana").await? == permissions(false, false, "full"));
    suits_everybody(&mut browser).await?;
    browser.click_button("Change to Limited sync").await?;
    browser.sees("Limited sync is on").await?;
    ensure!(effective(&stack, "ana").await? == permissions(false, false, "limited"));

    ensure!(browser.is_disabled(ADMINISTRATOR).await?);
    browser.sees("Full sync has to be selected first.").await?;
    suits_everybody(&mut browser).await?;
    browser.click_button("Select Full sync and go on").await?;
    browser
        .sees("Confirm that you are an administrator to go on.")
        .await?;
    ensure!(effective(&stack, "ana").await? == permissions(false, false, "full"));
    browser.press(Key::Escape).await?;
    browser
        .does_not_see("Confirm that you are an administrator")
        .await?;
    ensure!(browser.is_ticked("Full sync").await? && browser.is_ticked(INDIVIDUALLY).await?);
    is_content(&browser).await
}

#[tokio::test]
async fn a_keyboard_opens_the_dialog_and_leaves_it_where_it_was_opened() -> anyhow::Result<()> {
    let stack = start().await?;
    let browser = browser().await?;
    open_company(&browser, &stack).await?;
    browser.tab_to(INDIVIDUALLY).await?;
    browser.press(Key::Down).await?;
    browser
        .sees("Confirm that you are an administrator to go on.")
        .await?;
    browser.tab_to("Cancel").await?;
    browser.press(Key::Enter).await?;
    browser
        .does_not_see("Confirm that you are an administrator")
        .await?;
    ensure!(browser.is_ticked(INDIVIDUALLY).await?);
    ensure!(
        browser
            .focused()
            .await?
            .starts_with("Office 365 administrator configured"),
        "{}",
        browser.focused().await?
    );
    Ok(())
}

#[tokio::test]
async fn all_of_it_works_without_scripts() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    browser
        .set_emulation(Emulation::default().without_scripts())
        .await?;
    open_company(&browser, &stack).await?;
    browser.choose_radio(ADMINISTRATOR).await?;
    browser.click_button("Continue").await?;
    browser.sees("Office 365 permissions").await?;
    // Nothing holds the button back here, so the answer says what is missing.
    browser.click_button(GO).await?;
    browser
        .sees("Confirm that you are an administrator")
        .await?;
    browser.tick(CONFIRM).await?;
    browser.untick("Contacts").await?;
    browser
        .click_button("Name your organisation at Microsoft")
        .await?;
    browser
        .type_into("Domain or tenant id", "nobody.example")
        .await?;
    browser.click_button(GO).await?;
    browser
        .sees("Microsoft knows no tenant by this name.")
        .await?;
    ensure!(browser.is_ticked(CONFIRM).await? && !browser.is_ticked("Contacts").await?);
    browser
        .type_into("Domain or tenant id", "contoso.example")
        .await?;
    browser.click_button(GO).await?;
    accept_as(&browser, OLGA).await?;
    browser
        .sees("The administrator's consent is verified and recorded")
        .await?;
    browser.sees("Calendar and Email (full)").await?;
    Ok(())
}

#[tokio::test]
async fn whoever_is_no_administrator_is_told_so_and_can_send_a_link() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    open_company(&browser, &stack).await?;
    browser.choose_radio(ADMINISTRATOR).await?;
    browser.tick(CONFIRM).await?;
    browser.click_button(GO).await?;
    browser.at_microsoft().choose_person(BEN).await?;
    browser.sees("Need admin approval").await?;
    browser.at_microsoft().go_back_without_consent().await?;
    browser.sees("No answer from Microsoft").await?;
    ensure!(browser.is_ticked(INDIVIDUALLY).await?);

    browser.choose_radio(ADMINISTRATOR).await?;
    browser.untick("Contacts").await?;
    browser
        .click_button("Make a link with this selection")
        .await?;
    browser
        .sees("the method changes for everyone in the company")
        .await?;
    suits_everybody(&mut browser).await?;
    let link = browser
        .run("return document.getElementById('link').value")
        .await?;
    browser.click_link("Back to the settings").await?;
    browser.sees("not opened yet").await?;
    let sam = stack.super_admin("acme", "sam");
    let listed = sam.hand_offs().await?.ok()?;
    let id = listed.word("/hand_offs/0/hand_off_id").unwrap_or_default();

    let olga = crate::fixture::browser().await?;
    olga.open(link.as_str().unwrap_or_default()).await?;
    olga.tick("I am an administrator").await?;
    olga.click_button("Go on to Microsoft").await?;
    olga.at_microsoft().choose_person(OLGA).await?;
    browser.reload().await?;
    browser.sees("somebody is at Microsoft with it").await?;
    olga.at_microsoft().accept().await?;
    olga.click_button("Confirm").await?;
    olga.sees("Thank you").await?;
    stands(&sam, id, "completed").await?;
    browser.reload().await?;
    browser.sees("approved").await?;
    ensure!(browser.is_ticked(ADMINISTRATOR).await?);
    browser.sees(OLGA.object_id).await?;
    Ok(())
}

/// Nothing that is selected would help, so nobody is sent to Microsoft for it.
#[tokio::test]
async fn a_company_with_servers_of_its_own_is_told_before_it_asks() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    let dana = stack.user("adatum", "dana");
    let started = dana.start_grant(&["contacts"], Some(DANA)).await?.ok()?;
    let url = started.word("/authorize_url").unwrap_or_default();
    stack.microsoft().walk(url, DANA, Reaction::Accept).await?;

    let dora = stack.host.token_for("dora", "adatum").super_admin();
    let dora = dora.permission("company_settings:manage");
    open_settings(&browser, &stack, dora, Settings::Company).await?;
    browser.choose_radio(ADMINISTRATOR).await?;
    browser.tick(CONFIRM).await?;
    browser
        .sees("Only mailboxes in Exchange Online can be synced")
        .await?;
    ensure!(browser.is_disabled(GO).await?);
    suits_everybody(&mut browser).await?;
    // One employee's mailbox is not the company's: whoever knows better goes on.
    browser.tick(VOUCH).await?;
    ensure!(!browser.is_disabled(GO).await?);
    browser
        .set_emulation(Emulation::default().without_scripts())
        .await?;
    browser.reload().await?;
    browser.choose_radio(ADMINISTRATOR).await?;
    browser.click_button("Continue").await?;
    browser
        .sees("Only mailboxes in Exchange Online can be synced")
        .await?;
    ensure!(browser.is_disabled(GO).await?);
    is_content(&browser).await
}

#[tokio::test]
async fn only_a_super_admin_sees_the_companys_page() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = browser().await?;
    open_account(&browser, &stack, "ana").await?;
    browser.does_not_see("Company").await?;
    let company = format!("{}/settings/company", stack.gateway.url());
    browser.open(&company).await?;
    browser
        .sees("Only a Super Admin who may manage the company's settings")
        .await?;
    suits_everybody(&mut browser).await?;
    Ok(())
}
