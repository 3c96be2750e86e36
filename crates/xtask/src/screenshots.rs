//! Pictures of the pages, for those who read about them. A change of a page shows in a review as a change of its picture.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use assent_dev_stack::browser::{Browser, Look};
use assent_dev_stack::{Stack, StackOptions};
use serde_json::json;

use crate::programs;

/// Where they are kept.
const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../services/consent-gateway/screenshots"
);
/// More than any of them should weigh, for everybody who clones.
const MOST_BYTES: u64 = 150_000;

/// Times are the only thing on a page that differs from run to run.
const FREEZE: &str = "for (const time of document.querySelectorAll('time')) time.textContent = '1 December 2026, 12:00 (UTC)'";

/// A page to show, and the name of its pictures.
#[derive(Clone, Copy)]
enum Page {
    HandOff,
}

const PAGES: [(&str, Page); 1] = [("hand-off", Page::HandOff)];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run the programs as they are, without building them first
    #[arg(long)]
    no_build: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut screen = std::io::stdout();
    if !arguments.no_build {
        writeln!(screen, "{}", programs::build()?)?;
    }
    programs::until_interrupted(async {
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
            let mut browser = Browser::start(Look::default()).await?;
            go_to(page, &stack, &browser)
                .await
                .with_context(|| format!("the page {name} was not reached"))?;
            for (look, suffix) in [(Look::default(), ""), (Look::default().narrow(), "-narrow")] {
                let file = Path::new(FOLDER).join(format!("{name}{suffix}.png"));
                browser.change_look(look).await?;
                let bytes = take(&browser, &file).await?;
                writeln!(screen, "{} ({bytes} bytes)", shown(&file).display())?;
            }
        }
        Ok(())
    })
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
            let sam = stack.super_admin("acme", "sam");
            let made = sam.make_hand_off(&asked).await?.ok()?;
            let link = made.word("/url").context("there is no link")?;
            browser.open(link).await?;
            browser.sees("What is asked").await?;
        }
    }
    Ok(())
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
