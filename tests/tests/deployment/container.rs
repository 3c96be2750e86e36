//! The container file: taken by its linter, of the toolchain that everything is built with, and with nothing in the image
//! that is not needed.

use anyhow::{Context as _, ensure};

use crate::tools::{accepts, of_environment, root};

const FILE: &str = "deploy/container/Containerfile";

#[test]
fn the_linter_finds_nothing() -> anyhow::Result<()> {
    if let Some(hadolint) = of_environment("hadolint")? {
        accepts(&hadolint, &["--failure-threshold", "info", FILE])?;
    }
    Ok(())
}

#[test]
fn it_is_built_with_our_toolchain_locked_and_runs_as_nobody_from_nothing() -> anyhow::Result<()> {
    let text = std::fs::read_to_string(root().join(FILE))?;
    let toolchain = std::fs::read_to_string(root().join("rust-toolchain.toml"))?;
    let channel = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = "));
    let channel = channel.context("no channel")?.trim_matches('"');
    ensure!(
        text.contains(&format!("rust:{channel}-slim")),
        "another Rust than {channel}"
    );
    ensure!(
        text.contains("cargo build --release --locked"),
        "not locked"
    );
    let (_, image) = text
        .split_once("\nFROM scratch\n")
        .context("not from scratch")?;
    ensure!(image.contains("\nUSER 65532:65532\n"), "runs as root");
    ensure!(!image.contains("RUN "), "there is no shell to run anything");
    Ok(())
}
