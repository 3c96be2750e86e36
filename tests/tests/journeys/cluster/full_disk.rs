//! The disk of the server that leads is full: another one leads, nothing that was acknowledged is lost, and once there is room
//! and the server was restarted, it has what the others have. Only root can have a small disk; who is not is told that this was
//! skipped.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::leading::{lead, leader, may_choose_leader, server};
use super::load::Load;
use super::{goes_on, longest};
use crate::fixture::{eventually, readiness, start_with};
use crate::small_disk::SmallDisk;

const MOST: Duration = Duration::from_secs(30);
/// For what a server writes before anything is stored, and some of it.
const MEGABYTES: u32 = 48;

#[tokio::test]
async fn the_disk_of_the_server_that_leads_is_full() -> anyhow::Result<()> {
    let mut stack = start_with(|options| {
        options.nats_servers = 3;
        options.projections = 2;
        may_choose_leader(options);
    })
    .await?;
    let full = "nats-2";
    let disk = {
        let server = server(&mut stack, full)?;
        server.stop().await;
        let disk = SmallDisk::mount_on(&server.store_directory(), MEGABYTES);
        server.restart().await?;
        server.healthy().await?;
        disk
    };
    let Some(disk) = disk else {
        println!("skipped: only root can mount a small disk");
        return Ok(());
    };
    let load = Load::begin(&stack);
    goes_on(&stack).await?;
    lead(&stack, full).await?;
    goes_on(&stack).await?;

    let begun = Instant::now();
    let filler = disk.fill()?;
    let paused = goes_on(&stack).await?;
    eventually("another one leads", async || {
        Ok(leader(&stack).await? != full)
    })
    .await?;
    let doctor = stack.consentctl(&["doctor"]).await?;
    writeln!(
        std::io::stderr(),
        "{paused:?} without changes\n{}",
        String::from_utf8_lossy(&doctor.stdout)
    )?;
    eventually("the gateway is ready", async || {
        Ok(readiness(&stack.gateway).await?.0 == 200)
    })
    .await?;

    std::fs::remove_file(filler)?;
    {
        let server = server(&mut stack, full)?;
        server.stop().await;
        server.restart().await?;
        server.healthy().await?;
    }
    goes_on(&stack).await?;
    let writes = load.end(&stack).await?;
    let most = longest(&writes, begun);
    ensure!(most < MOST, "{most:?} without changes");
    // It has what was acknowledged without it.
    lead(&stack, full).await?;
    let compared = stack
        .consentctl(&["projection", "status", "--compare"])
        .await?;
    ensure!(compared.status.success(), "{compared:?}");
    // Its disk can go only once nobody writes there.
    server(&mut stack, full)?.stop().await;
    Ok(())
}
