//! Programs of the previous release beside those of today, in every mix that an upgrade or its
//! reversal passes through: each service talks to each other one across the two versions.
//!
//! `tests/previous-release` names that release; `cargo xtask test` builds it from Git's history.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value has null where it has nothing"
)]

mod story;

use anyhow::ensure;
use assent_dev_stack::actors::{BEN, Reaction};
use assent_dev_stack::{Stack, StackOptions, previous_release};

use crate::story::{Login, landed, story};

/// The three services, the order in which they are upgraded.
const SERVICES: [&str; 3] = ["projection-0", "consent-gateway", "login-hook"];

async fn with_previous(previous: &[&'static str]) -> anyhow::Result<Stack> {
    let options = StackOptions {
        previous: previous.to_vec(),
        // That release had none, and does not know the key that is sealed with.
        token_brokers: 0,
        ..StackOptions::default()
    };
    let stack = Stack::start(options).await?;
    let old = previous_release::find_or_build()?;
    let programs = stack.projections.iter();
    for (name, program) in SERVICES
        .into_iter()
        .zip(programs.chain([&stack.gateway, &stack.login_hook]))
    {
        let is_old = program.binary().starts_with(&old);
        ensure!(
            is_old == previous.contains(&name),
            "{name} is {}",
            program.binary().display()
        );
    }
    Ok(stack)
}

#[tokio::test]
async fn an_old_login_hook_beside_a_new_gateway_and_projection() -> anyhow::Result<()> {
    story(&with_previous(&["login-hook"]).await?, "acme").await
}

#[tokio::test]
async fn an_old_gateway_beside_a_new_login_hook_and_projection() -> anyhow::Result<()> {
    story(&with_previous(&["consent-gateway"]).await?, "acme").await
}

#[tokio::test]
async fn an_old_projection_beside_a_new_gateway_and_login_hook() -> anyhow::Result<()> {
    story(&with_previous(&["projection-0"]).await?, "acme").await
}

#[tokio::test]
async fn a_new_login_hook_beside_an_old_gateway_and_projection() -> anyhow::Result<()> {
    story(
        &with_previous(&["consent-gateway", "projection-0"]).await?,
        "acme",
    )
    .await
}

#[tokio::test]
async fn a_new_gateway_beside_an_old_login_hook_and_projection() -> anyhow::Result<()> {
    story(
        &with_previous(&["login-hook", "projection-0"]).await?,
        "acme",
    )
    .await
}

#[tokio::test]
async fn a_new_projection_beside_an_old_gateway_and_login_hook() -> anyhow::Result<()> {
    story(
        &with_previous(&["login-hook", "consent-gateway"]).await?,
        "acme",
    )
    .await
}

/// They share the queries, and tell each change once between them.
#[tokio::test]
async fn an_old_projection_beside_a_new_one() -> anyhow::Result<()> {
    let options = StackOptions {
        projections: 2,
        previous: Vec::from(["projection-1"]),
        token_brokers: 0,
        ..StackOptions::default()
    };
    let stack = Stack::start(options).await?;
    let mut worker = stack.start_sync_worker().await?;
    for account in ["acme", "adatum"] {
        story(&stack, account).await?;
    }
    let last = stack.service(0).status().await?.ok()?;
    let last = last.number("/applied_sequence").unwrap_or_default();
    worker.receive(last).await?;
    for projection in &stack.projections {
        let told = projection.log_text();
        ensure!(!told.contains("operator_alarm"), "{told}");
    }
    Ok(())
}

/// The same log, buckets and directories from one release to the next and back, a service at a time.
/// What a person had begun before goes on after.
#[tokio::test]
async fn an_upgrade_and_its_reversal_lose_nothing() -> anyhow::Result<()> {
    let mut stack = with_previous(&SERVICES).await?;
    story(&stack, "before").await?;
    let old = previous_release::find_or_build()?;
    for (directory, phase) in [(None, "upgraded"), (Some(old), "reversed")] {
        for service in SERVICES {
            let account = format!("{phase}-{service}");
            let begun = Login::of(&stack, &account, "ben", BEN).await?;
            let url = begun.prompted()?;
            let program = match service {
                "projection-0" => stack.projections.first_mut(),
                "consent-gateway" => Some(&mut stack.gateway),
                _ => Some(&mut stack.login_hook),
            };
            if let Some(program) = program {
                program.replace(directory.clone()).await?;
            }
            let landing = stack.microsoft().walk(&url, BEN, Reaction::Accept).await?;
            landed(&landing)?;
            story(&stack, &account).await?;
        }
    }
    for projection in &stack.projections {
        let told = projection.log_text();
        ensure!(
            !told.contains("the view is set aside"),
            "rows of the other release can't be read: {told}"
        );
    }
    // What was decided at first is as it was.
    let ana = stack.super_admin("before", "sam").see("ana").await?.ok()?;
    ensure!(
        ana.word("/method") == Some("admin_configured"),
        "{}",
        ana.text
    );
    Ok(())
}
