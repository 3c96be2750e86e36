//! The story that a newcomer clicks through with `cargo xtask up`, in the example application.

use anyhow::ensure;
use assent_dev_stack::actors::{ANA, BEN, DANA, ERIK, OLGA};
use assent_dev_stack::browser::Browser;
use assent_dev_stack::{Stack, StackOptions};

use crate::fixture::{accept_as, browser, is_content, suits_everybody};

/// On Microsoft's page, what tells the two questions apart.
const CALENDARS: &str = "Have full access to your calendars";

#[tokio::test]
async fn a_newcomer_plays_ana_ben_the_super_admin_and_the_administrator() -> anyhow::Result<()> {
    let stack = Stack::start(StackOptions {
        example_host: true,
        ..StackOptions::default()
    })
    .await?;
    let home = stack.host.origin();

    // Ana is asked at her first login, and accepts.
    let mut ana = browser().await?;
    ana.open(&home).await?;
    suits_everybody(&mut ana).await?;
    ana.click_button("Sign in with Microsoft").await?;
    ana.at_microsoft().choose_person(ANA).await?;
    // To sign in with her account at all, and then what may be synced.
    ana.at_microsoft().accept().await?;
    ana.sees(CALENDARS).await?;
    ana.at_microsoft().accept().await?;
    ana.sees("Hello, Ana").await?;
    syncs(&ana, &["Running", "Running", "Running"]).await?;
    suits_everybody(&mut ana).await?;

    // She takes e-mail back in the settings, and its sync stops.
    ana.open(&format!("{home}/settings/account")).await?;
    ana.sees("Sync with Microsoft 365").await?;
    ana.untick("Email").await?;
    ana.click_button("Save changes").await?;
    ana.sees("What you unticked is off").await?;
    ana.click_link("Hirely").await?;
    syncs(&ana, &["Running", "Running", "Stopped"]).await?;
    is_content(&ana).await?;

    // Ben declines. He is in all the same, and is not asked again.
    let ben = browser().await?;
    for asked in [true, false] {
        ben.open(&home).await?;
        if !asked {
            ben.click_button("Sign out").await?;
        }
        ben.click_button("Sign in with Microsoft").await?;
        ben.at_microsoft().choose_person(BEN).await?;
        if asked {
            ben.at_microsoft().accept().await?;
            ben.sees(CALENDARS).await?;
            ben.at_microsoft().decline().await?;
        }
        ben.sees("Hello, Ben").await?;
        syncs(&ben, &["Stopped", "Stopped", "Stopped"]).await?;
    }

    // Sam lets the administrator decide, who is Olga.
    let sam = browser().await?;
    sam.open(&home).await?;
    sam.click_button("Sign in with password").await?;
    sam.sees("Hello, Sam").await?;
    sam.open(&format!("{home}/settings/company")).await?;
    sam.sees("Permissions for Email/Calendar integration")
        .await?;
    sam.choose_radio("Office 365 administrator configured")
        .await?;
    sam.tick("I am an administrator").await?;
    sam.untick("Contacts").await?;
    sam.choose_radio("Limited").await?;
    sam.click_button("Go to O365 Auth").await?;
    accept_as(&sam, OLGA).await?;
    sam.sees("The administrator's consent is verified").await?;
    sam.sees("0 have so far, 2 have not yet").await?;

    // Everything of everybody has stopped, until they sign in through Microsoft again.
    ana.reload().await?;
    syncs(&ana, &["Stopped", "Stopped", "Stopped"]).await?;
    ana.click_button("Sign out").await?;
    ana.click_button("Sign in with Microsoft").await?;
    ana.at_microsoft().choose_person(ANA).await?;
    ana.sees("Your administrator has connected Microsoft 365 for you")
        .await?;
    // Limited e-mail is sent, so there is nothing of it to sync.
    ana.sees("Sending only").await?;
    syncs(&ana, &["Running", "Stopped", "Stopped"]).await?;
    sam.sees("1 has so far, 1 has not yet").await?;
    is_content(&ana).await
}

/// Microsoft's default policy lets Dana approve little, and says so on a page that leads nowhere.
#[tokio::test]
async fn dana_gets_out_of_microsofts_dead_end_with_a_link_for_erik() -> anyhow::Result<()> {
    let stack = Stack::start(StackOptions {
        example_host: true,
        ..StackOptions::default()
    })
    .await?;
    let home = stack.host.origin();
    let dana = browser().await?;
    dana.open(&home).await?;
    dana.click_button("Sign in with Microsoft").await?;
    accept_as(&dana, DANA).await?;
    dana.sees("Need admin approval").await?;
    dana.at_microsoft().go_back_without_consent().await?;
    dana.sees("Hello, Dana").await?;
    syncs(&dana, &["Stopped", "Stopped", "Stopped"]).await?;

    // The settings have a link for whoever can approve it.
    dana.open(&format!("{home}/settings/account")).await?;
    dana.click_button("Make a link for my administrator")
        .await?;
    dana.sees("Send this link to your administrator").await?;
    let link = dana
        .run("return document.getElementById('link').value")
        .await?;
    let erik = browser().await?;
    erik.open(link.as_str().unwrap_or_default()).await?;
    erik.tick("I am an administrator").await?;
    erik.click_button("Go on to Microsoft").await?;
    accept_as(&erik, ERIK).await?;
    // The link of an application that names its users and companies says who asks.
    erik.sees("Adatum, account adatum").await?;
    erik.sees("Dana Dahl, user dana").await?;
    erik.click_button("Confirm").await?;
    erik.sees("Thank you").await?;

    // From now on she decides: her next login asks for all that nobody has approved yet.
    dana.open(&home).await?;
    dana.click_button("Sign out").await?;
    dana.click_button("Sign in with Microsoft").await?;
    dana.at_microsoft().choose_person(DANA).await?;
    dana.sees("Read your contacts").await?;
    dana.does_not_see(CALENDARS).await?;
    dana.at_microsoft().accept().await?;
    dana.sees("Hello, Dana").await?;
    syncs(&dana, &["Running", "Running", "Running"]).await?;
    dana.open(&format!("{home}/settings/account")).await?;
    dana.sees("The mailbox is on a server of your company's own.")
        .await?;
    dana.does_not_see("Make a link for my administrator")
        .await?;
    Ok(())
}

/// How the sync of calendar, contacts and e-mail stands, once the page has been loaded often enough.
async fn syncs(browser: &Browser, expected: &[&str; 3]) -> anyhow::Result<()> {
    let script = "return ['calendar', 'contacts', 'e-mail'].map(
        (kind) => document.querySelector(`#${kind} [data-label=Sync] .state`)?.textContent ?? 'nothing')";
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let shown = browser.run(script).await?;
        if shown == serde_json::json!(expected) {
            return Ok(());
        }
        ensure!(
            std::time::Instant::now() < deadline,
            "{shown}, expected {expected:?}"
        );
        browser.reload().await?;
    }
}
