//! Three servers as one cluster, and one or two of them gone, hanging or restarted: nothing that was acknowledged is lost,
//! no login fails, and changes go on as soon as there is a leader.

mod cut_off;
mod flipped_bit;
mod full_disk;
mod leading;
mod leads_again;
mod load;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use assent_dev_stack::Stack;

use self::leading::{leader, server, server_of};
use self::load::{Load, Writes};
use crate::fixture::{eventually, readiness, start_with};

/// How long changes may pause when a server of three dies or hangs. Most of it is the election of another leader; the
/// machines that run this are slow.
const MOST: Duration = Duration::from_secs(15);

async fn start_cluster() -> anyhow::Result<Stack> {
    start_with(|options| {
        options.nats_servers = 3;
        options.projections = 2;
    })
    .await
}

/// Waits until a few changes were acknowledged from now on.
async fn goes_on(stack: &Stack) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let sam = stack.super_admin("waiting", "sam");
    eventually("changes are recorded", async || {
        let full = sam.set_method("user_individual", "full").await;
        let limited = sam.set_method("user_individual", "limited").await;
        Ok(full.is_ok_and(|reply| reply.status == 200)
            && limited.is_ok_and(|reply| reply.status == 200))
    })
    .await?;
    Ok(begun.elapsed())
}

fn longest(writes: &[Writes], from: Instant) -> Duration {
    writes
        .iter()
        .map(|writes| writes.longest_pause(from))
        .max()
        .unwrap_or_default()
}

#[tokio::test]
async fn a_leader_and_a_follower_are_killed() -> anyhow::Result<()> {
    let mut stack = start_cluster().await?;
    let load = Load::begin(&stack);
    goes_on(&stack).await?;

    let led = leader(&stack).await?;
    let killed_at = Instant::now();
    server(&mut stack, &led)?.kill();
    let leader_away = goes_on(&stack).await?;
    server(&mut stack, &led)?.restart().await?;
    server(&mut stack, &led)?.healthy().await?;

    let leads = leader(&stack).await?;
    let follower = stack
        .nats_cluster()
        .map(assent_dev_stack::NatsServer::name)
        .find(|name| *name != leads);
    let follower = follower.context("no follower")?.to_owned();
    server(&mut stack, &follower)?.kill();
    let follower_away = goes_on(&stack).await?;

    let writes = load.end(&stack).await?;
    let most = longest(&writes, killed_at);
    eprintln!(
        "without changes: leader {leader_away:?}, follower {follower_away:?}, the longest {most:?}"
    );
    ensure!(most < MOST, "{most:?} without changes");
    Ok(())
}

#[tokio::test]
async fn a_server_that_hangs_is_left() -> anyhow::Result<()> {
    let mut stack = start_cluster().await?;
    let load = Load::begin(&stack);
    goes_on(&stack).await?;

    let led = leader(&stack).await?;
    let hung_at = Instant::now();
    server(&mut stack, &led)?.freeze();
    let leader_hangs = goes_on(&stack).await?;
    server(&mut stack, &led)?.thaw();
    server(&mut stack, &led)?.healthy().await?;

    // Whether it leads or not: whoever is connected to it has to leave it.
    let ours = server_of(&stack, "consent-gateway").await?;
    server(&mut stack, &ours)?.freeze();
    let ours_hangs = goes_on(&stack).await?;
    // Logins are whole again, though a hook or a projection was connected to it as well.
    let doctor = stack.consentctl(&["doctor"]).await?;
    {
        let server = server(&mut stack, &ours)?;
        server.thaw();
        server.healthy().await?;
    }
    let writes = load.end(&stack).await?;
    let most = longest(&writes, hung_at);
    eprintln!(
        "without changes: leader {leader_hangs:?}, the gateway's {ours_hangs:?}, the longest {most:?}"
    );
    eprintln!("{}", String::from_utf8_lossy(&doctor.stdout));
    ensure!(most < MOST, "{most:?} without changes");
    Ok(())
}

#[tokio::test]
async fn two_of_three_are_gone_and_back() -> anyhow::Result<()> {
    let mut stack = start_cluster().await?;
    let load = Load::begin(&stack);
    goes_on(&stack).await?;

    let mut names: Vec<_> = stack
        .nats_cluster()
        .map(|server| server.name().to_owned())
        .collect();
    let ours = server_of(&stack, "consent-gateway").await?;
    names.retain(|name| *name != ours);
    for name in &names {
        server(&mut stack, name)?.kill();
    }
    let gone_at = Instant::now();
    eventually("the gateway says that it can't record", async || {
        Ok(readiness(&stack.gateway).await?.0 == 503)
    })
    .await?;
    let told = gone_at.elapsed();
    let doctor = stack.consentctl(&["doctor"]).await?;
    eprintln!("{}", String::from_utf8_lossy(&doctor.stdout));
    for name in &names {
        server(&mut stack, name)?.restart().await?;
    }
    let back = goes_on(&stack).await?;
    eventually("the gateway is ready", async || {
        Ok(readiness(&stack.gateway).await?.0 == 200)
    })
    .await?;
    load.end(&stack).await?;
    eprintln!("told after {told:?}, changes {back:?} after they were back");
    ensure!(told < MOST, "told after {told:?}");

    // With nobody left, everything ends at once.
    for server in stack.nats_cluster_mut() {
        server.freeze();
    }
    let Stack {
        gateway,
        login_hook,
        projections,
        ..
    } = &mut stack;
    for program in [gateway, login_hook].into_iter().chain(projections) {
        let begun = Instant::now();
        let ended = program.terminate().await;
        eprintln!(
            "{} ended in {:?}: {ended:?}",
            program.binary().display(),
            begun.elapsed()
        );
        ensure!(ended.is_some_and(|status| status.success()), "{ended:?}");
        ensure!(
            begun.elapsed() < Duration::from_secs(3),
            "{:?} to end",
            begun.elapsed()
        );
    }
    Ok(())
}

#[tokio::test]
async fn servers_are_restarted_one_after_the_other() -> anyhow::Result<()> {
    let mut stack = start_cluster().await?;
    let load = Load::begin(&stack);
    goes_on(&stack).await?;
    let begun = Instant::now();
    let names: Vec<_> = stack
        .nats_cluster()
        .map(|server| server.name().to_owned())
        .collect();
    for name in names {
        let server = server(&mut stack, &name)?;
        server.stop().await;
        server.restart().await?;
        server.healthy().await?;
        goes_on(&stack).await?;
    }
    let writes = load.end(&stack).await?;
    let most = longest(&writes, begun);
    eprintln!("the longest without changes {most:?}");
    ensure!(most < MOST, "{most:?} without changes");
    let logs = stack.logs_text();
    let warnings = logs
        .lines()
        .filter(|line| line.contains("changes could not be told"));
    eprintln!("{} warnings", warnings.count());
    Ok(())
}
