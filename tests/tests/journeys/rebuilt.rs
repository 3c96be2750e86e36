//! An operator has the views rebuilt, of two projections, and nobody notices.

use anyhow::ensure;
use assent_dev_stack::actors::ANA;
use serde_json::Value;

use crate::fixture::{grant, start_with};

#[tokio::test]
async fn an_operator_rebuilds_every_view_and_one_company() -> anyhow::Result<()> {
    let stack = start_with(|options| options.projections = 2).await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar", "contacts"]).await?;

    let ran = stack
        .consentctl(&["projection", "rebuild", "--dry-run"])
        .await?;
    let said = String::from_utf8(ran.stdout)?;
    ensure!(ran.status.success(), "{said}");
    ensure!(said.matches("nothing was changed").count() == 2, "{said}");

    let ran = stack
        .consentctl(&["projection", "rebuild", "--yes", "--json"])
        .await?;
    ensure!(ran.status.success(), "{ran:?}");
    let ended: Value = serde_json::from_slice(&ran.stdout)?;
    let rebuilds = ended["rebuilds"].as_array().map_or(&[][..], Vec::as_slice);
    ensure!(rebuilds.len() == 2, "{ended}");
    for rebuild in rebuilds {
        ensure!(rebuild["outcome"]["result"] == "swapped", "{ended}");
        ensure!(
            rebuild["outcome"]["comparison"]["different"] == 0,
            "{ended}"
        );
    }

    let ran = stack
        .consentctl(&["projection", "rebuild", "--account", "acme", "--yes"])
        .await?;
    let said = String::from_utf8(ran.stdout)?;
    ensure!(ran.status.success(), "{said}");
    ensure!(said.matches("no difference").count() == 2, "{said}");

    // Nobody is asked without a terminal, and nothing is begun.
    let ran = stack.consentctl(&["projection", "rebuild"]).await?;
    ensure!(ran.status.code() == Some(64), "{ran:?}");
    let ran = stack
        .consentctl(&["projection", "rebuild", "--yes", "--replica", "nobody"])
        .await?;
    ensure!(ran.status.code() == Some(64), "{ran:?}");
    let permissions = stack.service(0).permissions("acme", "ana", 0).await?.ok()?;
    ensure!(
        permissions.effective().contains("calendar"),
        "{}",
        permissions.text
    );
    Ok(())
}
