//! How our programs start and stop.

use std::process::{Command, Output};

use anyhow::{Context, ensure};
use assent_dev_stack::profile_directory;

use crate::fixture::start;

const SERVICES: [&str; 3] = ["consent-gateway", "projection", "login-hook"];

fn run(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Output> {
    let binary = profile_directory()?.join(program);
    Command::new(&binary)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .with_context(|| binary.display().to_string())
}

#[tokio::test]
async fn sigterm_drains_every_service() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let programs = [
        &mut stack.gateway,
        &mut stack.login_hook,
        &mut stack.simulator,
    ];
    for program in programs.into_iter().chain(&mut stack.projections) {
        let status = program.terminate().await.context("it had to be killed")?;
        ensure!(
            status.code() == Some(0),
            "{}: {status}\n{}",
            program.log_file().display(),
            program.log_text()
        );
    }
    Ok(())
}

#[test]
fn a_bad_configuration_is_one_line_and_64() -> anyhow::Result<()> {
    for service in SERVICES {
        for variables in [
            [("ASSENT_LISTEN", "here")].as_slice(),
            &[("ASSENT_LISTENS", "127.0.0.1:0")],
            &[("ASSENT_NATS_URL", "http://127.0.0.1")],
            &[("ASSENT_NATS_URL", "nats://gateway:hunter2@127.0.0.1:1")],
            &[("ASSENT_METRICS_LISTEN", "there")],
        ] {
            let output = run(service, &[], variables)?;
            let said = String::from_utf8(output.stderr)?;
            ensure!(
                output.status.code() == Some(64),
                "{service} {variables:?}: {said}"
            );
            ensure!(said.lines().count() == 1, "{service} {variables:?}: {said}");
            ensure!(output.stdout.is_empty(), "{service} {variables:?}");
            ensure!(!said.contains("hunter2"), "{service}: {said}");
        }
    }
    Ok(())
}

#[test]
fn every_program_says_what_it_is() -> anyhow::Result<()> {
    for program in SERVICES
        .into_iter()
        .chain(["entra-simulator", "consentctl"])
    {
        for argument in ["--help", "--version"] {
            let output = run(program, &[argument], &[])?;
            ensure!(
                output.status.success(),
                "{program} {argument}: {}",
                output.status
            );
            let said = String::from_utf8(output.stdout)?;
            ensure!(said.contains(program), "{program} {argument}: {said}");
        }
    }
    Ok(())
}
