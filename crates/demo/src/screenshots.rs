//! Pictures of the pages, for those who read about them. A change of a page shows in a review as a change of its picture.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, BEN, ERIK, HostUser, OLGA};
use assent_dev_stack::browser::{Browser, Emulation};
use assent_dev_stack::{Stack, StackOptions, TokenBuilder};
use serde_json::json;

/// Where they are kept.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../consent-pages/screenshots");
/// More than any of them should weigh, for everybody who clones.
const MOST_BYTES: u64 = 300_000;

/// Times are the only thing on a page that differs from run to run.
const FREEZE: &str = "for (const time of document.querySelectorAll('time')) time.textContent = '1 December 2026, 12:00 (UTC)'";

/// A page to show, and the name of its pictures.
#[derive(Clone, Copy)]
enum Page {
    HandOff,
    AdministratorConfirmation,
    Account,
    Company,
}

/// The pages to take, in order: the company's page is about what the user's page was about before.
const PAGES: [(&str, Page); 4] = [
    ("hand-off", Page::HandOff),
    (
        "administrator-confirmation",
        Page::AdministratorConfirmation,
    ),
    ("account", Page::Account),
    ("company", Page::Company),
];

pub(crate) async fn take_all() -> anyhow::Result<()> {
    let mut screen = std::io::stdout();
    let options = StackOptions {
        variables: vec![("ASSENT_PRODUCT_NAME".to_owned(), "Example CRM".to_owned())],
        ..StackOptions::default()
    };
    let stack = Stack::start(options)
        .await
        .context("the stack did not come up")?;
    std::fs::create_dir_all(FOLDER)?;
    for (name, page) in PAGES {
        // A browser for each, so that nobody is signed in already.
        let mut browser = Browser::start(Emulation::default()).await?;
        go_to(page, &stack, &browser)
            .await
            .with_context(|| format!("the page {name} was not reached"))?;
        for (emulation, suffix) in [
            (Emulation::default(), ""),
            (Emulation::default().narrow(), "-narrow"),
        ] {
            let file = Path::new(FOLDER).join(format!("{name}{suffix}.png"));
            browser.set_emulation(emulation).await?;
            let bytes = take(&browser, &file).await?;
            writeln!(screen, "{} ({bytes} bytes)", shown(&file).display())?;
        }
    }
    Ok(())
}

/// Walks to the page as whoever sees it.
async fn go_to(page: Page, stack: &Stack, browser: &Browser) -> anyhow::Result<()> {
    match page {
        Page::HandOff => {
            let asked = json!({
                "purpose": "administrator_consent",
                "tenant": "contoso.example",
                "permissions": {"calendar": true, "contacts": true, "email": "full"},
            });
            let sam = manager(stack, ("acme", "Acme"), ("sam", "Sam Sato"));
            let made = sam.make_hand_off(&asked).await?.ok()?;
            let link = made.word("/url").context("there is no link")?;
            browser.open(link).await?;
            browser.sees("What is asked").await?;
        }
        // Of another company than the pages after it, at whose tenant nobody has consented yet.
        Page::AdministratorConfirmation => {
            let asked = json!({
                "administrator_confirmed": true,
                "tenant": "adatum.example",
                "permissions": {"calendar": true, "contacts": true, "email": "full"},
            });
            let dora = manager(stack, ("adatum", "Adatum"), ("dora", "Dora Diaz"));
            let started = dora.start_admin_consent(&asked).await?.ok()?;
            let url = started.word("/authorize_url");
            browser.open(url.context("there is no flow")?).await?;
            browser.at_microsoft().choose_person(ERIK).await?;
            browser.at_microsoft().accept().await?;
            browser.sees("Nothing is recorded yet").await?;
        }
        Page::Account => {
            let ana = stack.host.token_for("ana", "acme");
            open_settings(stack, browser, ana, "/settings/account").await?;
            browser.tick("Calendar").await?;
            browser.tick("Email").await?;
            browser.click_button("Save changes").await?;
            browser.at_microsoft().choose_person(ANA).await?;
            browser.at_microsoft().accept().await?;
            browser.sees("What you granted is on.").await?;
            browser.open(&settings(stack, "/settings/account")).await?;
        }
        Page::Company => {
            let sam = stack.host.token_for("sam", "acme").super_admin();
            let sam = sam.permission("company_settings:manage");
            open_settings(stack, browser, sam, "/settings/company").await?;
            browser
                .choose_radio("Office 365 administrator configured")
                .await?;
            browser.tick("I am an administrator").await?;
            browser.untick("Contacts").await?;
            browser.click_button("Go to O365 Auth").await?;
            browser.at_microsoft().choose_person(OLGA).await?;
            browser.at_microsoft().accept().await?;
            browser
                .sees("The administrator's consent is verified")
                .await?;
            let login = stack.login("acme");
            login.through_microsoft("ben", BEN, 0).await?.ok()?;
            browser.open(&settings(stack, "/settings/company")).await?;
            browser.sees("1 has so far, 1 has not yet").await?;
        }
    }
    Ok(())
}

/// A Super Admin whom the host application names.
fn manager(
    stack: &Stack,
    (account, company): (&str, &str),
    (user, name): (&str, &str),
) -> HostUser {
    stack.with_token(account, user, |token| {
        let token = token.super_admin().permission("company_settings:manage");
        token.claim("name", name).claim("account_name", company)
    })
}

/// The host application opens a session of the settings for whoever the token speaks for.
async fn open_settings(
    stack: &Stack,
    browser: &Browser,
    token: TokenBuilder<'_>,
    page: &str,
) -> anyhow::Result<()> {
    let (action, token) = (settings(stack, "/session"), token.sign());
    let fields = [("token", token.as_str()), ("return_to", page)];
    let host = &stack.host;
    let from = host.page_that_posts(&action, &fields, "Settings", None);
    browser.open(&from).await?;
    browser.click_button("Settings").await?;
    Ok(())
}

fn settings(stack: &Stack, path: &str) -> String {
    format!("{}{path}", stack.gateway.url())
}

async fn take(browser: &Browser, file: &Path) -> anyhow::Result<u64> {
    browser.run(FREEZE).await?;
    browser.screenshot(file).await?;
    let bytes = std::fs::metadata(file)?.len();
    ensure!(
        bytes <= MOST_BYTES,
        "{} has {bytes} bytes, more than {MOST_BYTES}",
        file.display()
    );
    Ok(bytes)
}

/// The path as people write it.
fn shown(file: &Path) -> PathBuf {
    file.canonicalize().unwrap_or_else(|_| file.to_path_buf())
}
