//! The disk of a projection is full: it answers nothing rather than anything wrong, says why, and goes on by itself once
//! there is room. It needs a small disk of its own, which only root can have; who is not is told that it was skipped.

use std::fs;

use anyhow::{Context as _, ensure};
use assent_dev_stack::actors::ANA;
use serde_json::Value;

use crate::fixture::{eventually, grant, start_with};
use crate::small_disk::SmallDisk;

fn generations(disk: &SmallDisk) -> anyhow::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(disk.path())? {
        let name = entry?.file_name();
        count += usize::from(name.to_string_lossy().starts_with("generation-"));
    }
    Ok(count)
}

#[tokio::test]
async fn a_projection_without_space_answers_nothing_and_goes_on_when_there_is_some()
-> anyhow::Result<()> {
    let Some(disk) = SmallDisk::mount(16)? else {
        println!("skipped: only root can mount a small disk");
        return Ok(());
    };
    let mut stack = start_with(|options| {
        let directory = disk.path().to_string_lossy().into_owned();
        options
            .variables
            .push(("ASSENT_DATA_DIR".to_owned(), directory));
    })
    .await?;
    let (ana, login) = (stack.user("acme", "ana"), stack.login("acme"));
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    login.through_microsoft("ana", ANA, 1).await?.ok()?;

    // The view has to be built anew, and there is no room for it.
    let projection = stack.projections.first_mut().context("no projection")?;
    projection.kill();
    for entry in fs::read_dir(disk.path())? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        }
    }
    let filler = disk.fill()?;
    projection.restart_unready().await?;
    let projection = stack.projections.first().context("no projection")?;
    eventually("readiness says that there is no space", async || {
        let Ok(reply) = reqwest::get(format!("{}/readyz", projection.url())).await else {
            return Ok(false);
        };
        let status = reply.status().as_u16();
        let said: Value = serde_json::from_str(&reply.text().await?)?;
        let reason = said
            .pointer("/dependencies/view/reason")
            .and_then(Value::as_str);
        Ok(status == 503 && reason.is_some_and(|reason| reason.contains("No space left")))
    })
    .await?;
    let asked = stack.service(0).permissions("acme", "ana", 0).await?;
    asked.refused(503, "view_not_ready")?;
    let decided = login.through_microsoft("ana", ANA, 1).await?.ok()?;
    ensure!(
        decided.word("/decision") == Some("proceed")
            && *decided.value("/degraded") == true
            && decided.effective() == "nothing",
        "{}",
        decided.text
    );
    eventually("it is tried several times", async || {
        let log = projection.log_text();
        Ok(3 < log.matches("the log is not followed; trying again").count())
    })
    .await?;
    ensure!(generations(&disk)? <= 1, "each attempt leaves something");

    fs::remove_file(filler)?;
    eventually("the view is back", async || {
        let seen = stack.service(0).permissions("acme", "ana", 1).await?;
        Ok(seen.status == 200 && seen.effective() == "calendar")
    })
    .await?;
    eventually("logins are whole again", async || {
        let decided = login.through_microsoft("ana", ANA, 1).await?.ok()?;
        Ok(decided.effective() == "calendar")
    })
    .await
}
