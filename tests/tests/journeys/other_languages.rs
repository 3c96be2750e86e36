//! A host application in TypeScript and a sync worker in Python, on the published descriptions alone, through the whole
//! story: prompt, consent, proceed, a token, a revocation, the administrator's method.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, OLGA, Reaction};
use tempfile::TempDir;
use tokio::process::Command;

use crate::browser::{Browser, Page};
use crate::fixture::{admin_consent, eventually, start_with};
use crate::node_library::{self, clients};
use crate::python_library;
use crate::python_worker::{NATS_PY, Worker};

/// What runs the compiled program in the place of the example application.
const RUN: &str = "#!/bin/sh\nexec node \"${0%/*}/host.mjs\"\n";

/// A directory with the compiled host application; `None`, which is said, where there is no Node.
async fn compiled() -> anyhow::Result<Option<TempDir>> {
    let what = "the host application in TypeScript";
    let Some(modules) = node_library::library(what, &clients()).await? else {
        return Ok(None);
    };
    let place = tempfile::tempdir()?;
    for file in ["host.mts", "known_permissions.mts", "tsconfig.json"] {
        std::fs::copy(clients().join(file), place.path().join(file)).context(file)?;
    }
    // Modules find their libraries beside themselves, and nowhere else.
    symlink(&modules, place.path().join("node_modules"))?;
    let compiler = Command::new("node")
        .arg(modules.join("typescript/bin/tsc"))
        .arg("-p")
        .arg(place.path())
        .stdin(Stdio::null())
        .output();
    let compiler = compiler.await?;
    let said = String::from_utf8_lossy(&compiler.stdout);
    ensure!(compiler.status.success(), "{said}");
    let program = place.path().join("example-host");
    std::fs::write(&program, RUN)?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700))?;
    Ok(Some(place))
}

/// What is allowed, by the host application's page; waits until it is this.
async fn allowed(browser: &mut Browser, expected: &[&str]) -> anyhow::Result<()> {
    let browser = tokio::sync::Mutex::new(browser);
    eventually(&format!("only {expected:?} is allowed"), async || {
        let mut browser = browser.lock().await;
        let page = browser.go("/").await?;
        let items = page.html.split("<li>").skip(1);
        let found: Vec<&str> = items.filter_map(|item| item.split('<').next()).collect();
        Ok(found == expected)
    })
    .await
}

/// Goes on from the sign-in page of Microsoft's to where the browser ends up.
async fn sign_in(browser: &mut Browser) -> anyhow::Result<&Page> {
    browser.go("/").await?;
    browser.submit("/sign-in/acme", &[]).await
}

/// The host application reads so many things. Where no token is held (the gateway keeps one where it can, and never lets a
/// consent fail for it), the next login brings one.
async fn reads(browser: &mut Browser, list: &str, things: u32) -> anyhow::Result<()> {
    let browser = tokio::sync::Mutex::new(browser);
    eventually(&format!("{list} can be read"), async || {
        let mut browser = browser.lock().await;
        let page = browser.go(&format!("/sync/{list}")).await?;
        if page.has("no_refresh_token") {
            sign_in(&mut browser).await?;
            return Ok(false);
        }
        page.must_have(&format!(r#""synced":{things},"#))?;
        Ok(true)
    })
    .await
}

async fn with_node_host(place: &TempDir) -> anyhow::Result<Stack> {
    let mut stack = start_with(|options| options.example_host = true).await?;
    let host = stack.example_host.as_mut().context("no host")?;
    host.replace(Some(place.path().to_owned())).await?;
    Ok(stack)
}

#[tokio::test]
async fn a_host_in_typescript_and_a_worker_in_python_walk_the_whole_story() -> anyhow::Result<()> {
    let Some(place) = compiled().await? else {
        return Ok(());
    };
    let what = "the sync worker in Python";
    let python = python_library::library(what, NATS_PY, "requirements.txt").await?;
    let mut stack = with_node_host(&place).await?;
    let host = stack.example_host.as_ref().context("no host")?.url();
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    let mut worker = python
        .map(|library| Worker::start(&stack, &library, "sync_mailbox.py"))
        .transpose()?;
    let mut worker_says = async |line: &str| match &mut worker {
        Some(worker) => worker.says(line).await,
        None => Ok(()),
    };

    // She signs in for the first time. The decision is to prompt, and she is at once on the page that asks.
    let mut browser = Browser::open(&format!("{host}/")).await?;
    browser.submit("/sign-in/acme", &[]).await?;
    let account = [("object_id", ANA.object_id)];
    browser.submit("/account", &account).await?;
    let page = browser.submit("/answer", &[("answer", "accept")]).await?;
    page.must_have("Calendars.ReadWrite")?;
    let page = browser.submit("/answer", &[("answer", "accept")]).await?;
    page.must_have("Hello, Ana")?;
    page.must_have("Your choice was recorded.")?;
    let everything = ["calendar", "contacts", "email.send", "email.read"];
    allowed(&mut browser, &everything).await?;

    // The next login just proceeds, and what is allowed can be read.
    sign_in(&mut browser).await?.must_have("Hello, Ana")?;
    reads(&mut browser, "calendar", 6).await?;
    for line in ["calendar 6", "contacts 4", "email.read 25"] {
        worker_says(line).await?;
    }

    // The settings are a session of their own, which a token of the host's opens.
    browser.go("/settings/account").await?;
    let page = browser.submit("/session", &[]).await?;
    page.must_have("My account")?;
    ensure!(
        page.url.as_str().starts_with(&stack.gateway.url()),
        "{}",
        page.url
    );
    browser.go(&format!("{host}/")).await?;

    // She takes the calendar back: it is not read any more, and no token is given.
    ana.revoke("calendar").await?.ok()?;
    allowed(&mut browser, &["contacts", "email.send", "email.read"]).await?;
    worker_says("calendar stopped").await?;
    let page = browser.go("/sync/calendar").await?;
    page.must_have("not_permitted")?;
    browser
        .go("/sync/contacts")
        .await?
        .must_have(r#""synced":4"#)?;

    // The administrator decides for everybody: all stops, until each signs in again.
    let landing = admin_consent(&stack, &sam, None, OLGA, Reaction::Accept).await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    allowed(&mut browser, &[]).await?;
    worker_says("contacts stopped").await?;
    browser
        .go("/sync/contacts")
        .await?
        .must_have("not_permitted")?;
    let page = sign_in(&mut browser).await?;
    page.must_have("Your administrator has connected Microsoft 365 for you.")?;
    allowed(&mut browser, &["calendar", "email.send"]).await?;
    browser
        .go("/sync/calendar")
        .await?
        .must_have(r#""synced":6"#)?;
    worker_says("calendar 6").await?;

    // Anybody can make an address up.
    let page = browser
        .go("/signed-in?flow=made-up&outcome=completed")
        .await?;
    ensure!(400 <= page.status && page.status < 500, "{}", page.status);

    // What is not known is not permitted; nothing is forgotten, and Assent's absence keeps nobody out.
    stack.nats_mut().kill();
    allowed(&mut browser, &[]).await?;
    sign_in(&mut browser).await?.must_have("Hello, Ana")?;
    stack.restart_nats().await?;
    allowed(&mut browser, &["calendar", "email.send"]).await?;
    let mut host = stack.example_host.take().context("no host")?;
    let ended = host.terminate().await.context("it had to be killed")?;
    ensure!(ended.success(), "{ended}\n{}", host.log_text());
    Ok(())
}

#[test]
fn the_readmes_typescript_is_what_runs() -> anyhow::Result<()> {
    let readme = clients().join("../../../README.md");
    let readme = std::fs::read_to_string(readme)?;
    let (host, permissions) = ("host.mts", "known_permissions.mts");
    let source = [host, permissions].map(|file| std::fs::read_to_string(clients().join(file)));
    let [host, permissions] = source;
    let source = format!("{}{}", host?, permissions?);
    let runs: std::collections::BTreeSet<&str> = source.lines().map(str::trim).collect();
    let mut shown = 0;
    for block in readme.split("```ts\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for line in block.lines().map(str::trim) {
            ensure!(runs.contains(line), "no line of the program: {line}");
            shown += 1;
        }
    }
    ensure!(shown > 10, "README shows only {shown} lines");
    Ok(())
}
