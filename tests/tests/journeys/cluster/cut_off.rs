//! A server is cut off from the two others. It lives, it answers the pings of its clients, and it can do nothing for them: so
//! they leave it for one that can.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::leading::{server, server_of};
use super::load::Load;
use super::{goes_on, longest};
use crate::fixture::{eventually, readiness, start_with};

/// How long changes may pause. Where the server leads, it has to notice that it is alone, and another one to be elected; and
/// whoever is connected to it has to see that waiting was in vain.
const MOST: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_server_is_cut_off_from_the_others() -> anyhow::Result<()> {
    let mut stack = start_with(|options| {
        options.nats_servers = 3;
        options.projections = 2;
        options.severable = true;
    })
    .await?;
    let load = Load::begin(&stack);
    goes_on(&stack).await?;
    let begun = Instant::now();

    let name = server_of(&stack, "consent-gateway").await?;
    server(&mut stack, &name)?.cut_off();
    let paused = goes_on(&stack).await?;
    eventually("the gateway is ready", async || {
        Ok(readiness(&stack.gateway).await?.0 == 200)
    })
    .await?;
    let cut_off = server(&mut stack, &name)?;
    ensure!(
        !cut_off.has_client("consent-gateway").await,
        "the gateway stayed"
    );
    writeln!(std::io::stderr(), "{paused:?} without changes")?;
    cut_off.join_again();
    cut_off.healthy().await?;
    goes_on(&stack).await?;
    let writes = load.end(&stack).await?;
    let most = longest(&writes, begun);
    ensure!(most < MOST, "{most:?} without changes");
    Ok(())
}
