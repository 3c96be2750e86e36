//! How our programs start and stop.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use anyhow::{Context, ensure};
use assent_dev_stack::{VaultKeys, profile_directory};

use crate::fixture::start;

const SERVICES: [&str; 4] = [
    "consent-gateway",
    "projection",
    "login-hook",
    "token-broker",
];

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
    let programs = programs.into_iter().chain(&mut stack.projections);
    for program in programs.chain(&mut stack.token_brokers) {
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

/// A key that others can read may be somebody else's by now, so a broker does not go on with it.
#[test]
fn a_broker_needs_keys_that_nobody_else_can_read() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let (empty, readable) = (
        directory.path().join("empty"),
        directory.path().join("keys"),
    );
    std::fs::create_dir(&empty)?;
    VaultKeys::make(&readable)?;
    let key = readable.join("0001.pem");
    std::fs::set_permissions(&key, Permissions::from_mode(0o640))?;
    let garbage = directory.path().join("garbage");
    VaultKeys::make(&garbage)?;
    std::fs::write(garbage.join("0001.pem"), "no key")?;
    for (keys, named) in [
        (directory.path().join("none"), "none"),
        (empty, "consentctl vault init"),
        (readable, "0001.pem"),
        (garbage, "0001.pem"),
    ] {
        let keys = keys.to_string_lossy();
        let variables = [
            (
                "ASSENT_ENTRA_CLIENT_ID",
                "a55e0000-0000-4000-8000-00000000c1d1",
            ),
            ("ASSENT_ENTRA_CLIENT_SECRET", "s3cret"),
            ("ASSENT_HOST_ISSUER", "https://host.example"),
            ("ASSENT_HOST_JWKS_URL", "https://host.example/jwks.json"),
            ("ASSENT_LISTEN", "127.0.0.1:0"),
            ("ASSENT_VAULT_KEYS_DIR", &keys),
        ];
        let output = run("token-broker", &[], &variables)?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(64), "{keys}: {said}");
        ensure!(said.lines().count() == 1, "{keys}: {said}");
        ensure!(
            said.contains("ASSENT_VAULT_KEYS_DIR") && said.contains(named),
            "{keys}: {said}"
        );
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
