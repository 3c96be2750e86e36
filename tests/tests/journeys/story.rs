//! The whole story, by the command that tells it: every step of it is checked there. Here: that it ends well, says
//! what it should, and leaves nothing behind, however it ends.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use assent_dev_stack::profile_directory;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::world::{PATIENCE, eventually};

fn demo(home: &TempDir) -> anyhow::Result<Command> {
    let mut command = Command::new(profile_directory()?.join("xtask"));
    command
        .args(["demo", "--no-build"])
        // Everything a stack writes is in here, and so are its programs' arguments.
        .env("TMPDIR", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

/// Nothing in the directory, and no process that knows of it.
fn nothing_is_left(home: &TempDir) -> anyhow::Result<bool> {
    if std::fs::read_dir(home.path())?.next().is_some() {
        return Ok(false);
    }
    let name = home.path().to_string_lossy().into_owned();
    let processes = std::fs::read_dir("/proc").context("this test needs /proc")?;
    let mut known_to = processes.flatten().filter(|process| {
        let told = |file| std::fs::read(process.path().join(file)).unwrap_or_default();
        let mut told_it = told("cmdline");
        told_it.extend(told("environ"));
        String::from_utf8_lossy(&told_it).contains(&name)
    });
    Ok(known_to.next().is_none())
}

#[test]
fn the_demo_tells_the_story_and_leaves_nothing() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let output = demo(&home)?.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{}\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    for chapter in ["(a)", "(b)", "(c)", "(d)", "(e)", "(f)", "(g)"] {
        ensure!(
            said.contains(&format!("\n{chapter} ")),
            "no {chapter}:\n{said}"
        );
    }
    for word in [
        "full_sync_required",
        "not_an_administrator",
        "auto_grant",
        "managed_by_administrator",
        "unsupported_cloud",
        "consentctl explain acme ana",
        "consentctl doctor",
    ] {
        ensure!(said.contains(word), "nothing of {word}:\n{said}");
    }
    ensure!(nothing_is_left(&home)?, "the demo left something behind");
    Ok(())
}

#[tokio::test]
async fn an_interrupted_demo_leaves_nothing() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let mut process = demo(&home)?.spawn()?;
    // In the middle of starting the stack, where most could be forgotten.
    eventually("the demo has begun", async || {
        Ok(std::fs::read_dir(home.path())?.next().is_some())
    })
    .await?;

    let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    kill_process(id.context("no process id")?, Signal::INT)?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = process.try_wait()? {
            break status;
        }
        ensure!(begun.elapsed() < PATIENCE, "the demo does not stop");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };

    ensure!(status.code() == Some(130), "{status}");
    ensure!(nothing_is_left(&home)?, "the demo left something behind");
    Ok(())
}
