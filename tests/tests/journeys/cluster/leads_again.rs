//! A server that leads, leads no more, and leads again before anybody looked: what it gives is read anew all the same, as it
//! may have got it from the others in between.

use anyhow::{Context as _, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::ANA;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::leading::{lead, leader, may_choose_leader};
use crate::fixture::{eventually, grant, start_with};

/// How often the projection has compared the log with its view.
async fn comparisons(stack: &Stack) -> anyhow::Result<u64> {
    let said = stack
        .consentctl(&["projection", "status", "--json"])
        .await?;
    let said: Value = serde_json::from_slice(&said.stdout)?;
    let checks = said.pointer("/replicas/0/log_check/checks");
    let checks = checks.with_context(|| said.to_string())?;
    checks.as_u64().context("no number")
}

#[tokio::test]
async fn whoever_leads_anew_is_compared_anew() -> anyhow::Result<()> {
    let stack = start_with(|options| {
        options.nats_servers = 3;
        may_choose_leader(options);
    })
    .await?;
    grant(&stack, &stack.user("acme", "ana"), ANA, &["calendar"]).await?;
    let led = leader(&stack).await?;
    let mut others = stack.nats_cluster().map(|server| server.name().to_owned());
    let other = others.find(|name| *name != led).context("no other")?;
    eventually("the log was compared", async || {
        Ok(0 < comparisons(&stack).await?)
    })
    .await?;
    let before = comparisons(&stack).await?;

    // It sees nothing of it.
    let projection = stack.projections.first().context("no projection")?;
    let id = projection.process_id().context("it does not run")?;
    let projection = Pid::from_raw(i32::try_from(id)?).context("no process")?;
    kill_process(projection, Signal::STOP)?;
    lead(&stack, &other).await?;
    lead(&stack, &led).await?;
    kill_process(projection, Signal::CONT)?;

    eventually("the log was compared once more", async || {
        Ok(before < comparisons(&stack).await?)
    })
    .await?;
    ensure!(leader(&stack).await? == led, "another one leads");
    Ok(())
}
