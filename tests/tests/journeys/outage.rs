//! NATS is away: logins go on without permissions, writes say so, and nobody has to restart anything.

use anyhow::ensure;
use assent_dev_stack::actors::ANA;

use crate::fixture::{eventually, grant, start};

#[tokio::test]
async fn without_nats_logins_go_on_and_writes_say_so() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    let login = stack.login("acme");
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    login.through_microsoft("ana", ANA, 1).await?.ok()?;

    stack.nats_mut().kill();
    let reply = login.through_microsoft("ana", ANA, 1).await?.ok()?;
    ensure!(
        reply.word("/decision") == Some("proceed")
            && *reply.value("/degraded") == true
            && reply.effective() == "nothing",
        "{}",
        reply.text
    );
    for reply in [
        sam.set_method("user_individual", "limited").await?,
        ana.start_grant(&["email"], Some(ANA)).await?,
        ana.revoke("calendar").await?,
        ana.see("ana").await?,
        sam.account().await?,
    ] {
        let reply = reply.refused(503, "event_log_unavailable")?;
        let seconds = reply
            .header("retry-after")
            .and_then(|text| text.parse::<u32>().ok());
        ensure!(
            seconds.is_some_and(|seconds| seconds > 0),
            "{:?}",
            reply.headers
        );
    }
    // The view is the projection's own: it goes on answering what it knows.
    let seen = stack.service(0).permissions("acme", "ana", 1).await?;
    seen.ok()?.with_effective("calendar")?;

    stack.restart_nats().await?;
    eventually("the gateway writes again", async || {
        Ok(sam.set_method("user_individual", "limited").await?.status == 200)
    })
    .await?;
    eventually("logins are whole again", async || {
        let reply = login.through_microsoft("ana", ANA, 2).await?.ok()?;
        Ok(*reply.value("/degraded") == false && reply.effective() == "calendar")
    })
    .await?;
    for program in [&mut stack.gateway, &mut stack.login_hook] {
        ensure!(program.ended().is_none(), "a service gave up");
    }
    ensure!(
        stack
            .projections
            .iter_mut()
            .all(|program| program.ended().is_none()),
        "a projection gave up"
    );
    Ok(())
}
