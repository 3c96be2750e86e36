//! One bit of one server's file flips while it is stopped, and then that server leads: the log that it gives lacks a record,
//! and says that it is whole. The projections know better, and say so; a no is recorded all the same; and once that server
//! has copied from the others, all is as it was.

use std::io::Write as _;

use anyhow::{Context as _, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, BEN};

use super::leading::{lead, leader, may_choose_leader, server};
use crate::fixture::{eventually, grant, last_sequence, log, readiness, start_with, user_history};

const STREAM: &str = "CONSENT_EVENTS";
const LOOKS: u32 = 20;

/// Whether each projection says of the log what is expected, `None` being that it is the same.
async fn all_say(stack: &Stack, expected: Option<(u64, &str)>) -> anyhow::Result<()> {
    let compared = eventually("each projection has compared the log", async || {
        for projection in &stack.projections {
            let (status, body) = readiness(projection).await?;
            let log = body.pointer("/dependencies/log").context("no log")?;
            let said = log.pointer("/reason").and_then(|reason| reason.as_str());
            let as_expected = match (expected, said) {
                (None, None) => true,
                (Some((sequence, server)), Some(said)) => {
                    said.contains(&format!("event {sequence} ")) && said.contains(server)
                }
                (None, Some(_)) | (Some(_), None) => false,
            };
            // It serves what it knows: taking it out of service would help nobody.
            if !as_expected || status != 200 {
                return Ok(false);
            }
        }
        Ok(true)
    })
    .await;
    if compared.is_err() {
        for projection in &stack.projections {
            let says = readiness(projection).await?.1;
            writeln!(std::io::stderr(), "{says} {}", projection.log_text())?;
        }
    }
    compared
}

#[tokio::test]
async fn a_bit_flips_in_the_file_of_a_server_that_then_leads() -> anyhow::Result<()> {
    let mut stack = start_with(|options| {
        options.nats_servers = 3;
        options.projections = 2;
        may_choose_leader(options);
    })
    .await?;
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let granted = last_sequence(&log(&stack).await?).await?;
    grant(&stack, &ben, BEN, &["contacts"]).await?;

    let led = leader(&stack).await?;
    let damaged = stack
        .nats_cluster()
        .map(assent_dev_stack::NatsServer::name)
        .find(|name| *name != led);
    let damaged = damaged.context("no follower")?.to_owned();
    {
        let server = server(&mut stack, &damaged)?;
        server.stop().await;
        server.flip_bit(STREAM, granted)?;
        server.restart().await?;
        server.healthy().await?;
    }
    lead(&stack, &damaged).await?;

    all_say(&stack, Some((granted, &damaged))).await?;
    // What was read once stands. Who decides anew finds the record on another server, or finds that it can't: never that it
    // was not.
    let seen = stack.service(0).permissions("acme", "ana", 1).await?.ok()?;
    seen.with_effective("calendar")?;
    let found = || async {
        let seen = ana.see("ana").await?;
        let is_right = seen.status == 200 && seen.effective() == "calendar";
        let is_damaged = seen.word("/code") == Some("event_log_damaged");
        anyhow::Ok((is_right || is_damaged, seen))
    };
    // Another server leads only just.
    eventually("the gateway has found who leads", async || {
        let (_, seen) = found().await?;
        Ok(seen.word("/code") != Some("event_log_unavailable"))
    })
    .await?;
    for _ in 0..LOOKS {
        let (is_so, seen) = found().await?;
        ensure!(is_so, "{}", seen.text);
    }
    ben.see("ben").await?.ok()?.with_effective("contacts")?;

    // Her no is recorded, though the log of whoever leads has no yes of hers.
    let revoked = ana.revoke("calendar").await?.ok()?;
    let last = last_sequence(&log(&stack).await?).await?;
    ensure!(
        granted < revoked.sequence() && revoked.sequence() == last,
        "{}",
        revoked.text
    );
    eventually("her calendar is off", async || {
        let seen = stack.service(0).permissions("acme", "ana", last).await?;
        Ok(seen.status == 200 && seen.effective() == "nothing")
    })
    .await?;

    // The repair: that server's store is removed, and it copies from the others.
    {
        let server = server(&mut stack, &damaged)?;
        server.stop().await;
        std::fs::remove_dir_all(server.store_directory())?;
        server.restart().await?;
        server.healthy().await?;
    }
    lead(&stack, &damaged).await?;
    let compared = stack
        .consentctl(&["projection", "status", "--compare"])
        .await?;
    ensure!(compared.status.success(), "{compared:?}");
    all_say(&stack, None).await?;
    let history = user_history(&log(&stack).await?, "acme", "ana").await?;
    ensure!(
        history
            .events()
            .iter()
            .any(|event| event.sequence.0 == granted),
        "the grant is not back"
    );
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    Ok(())
}
