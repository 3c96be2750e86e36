//! Every operation of every service, fuzzed from its own description by Schemathesis: nothing is answered with a fault, and
//! nothing hangs. Bounded, and the same in each run.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use assent_dev_stack::Program;
use assent_dev_stack::actors::ANA;
use futures::future::try_join_all;
use tokio::process::Command;

use crate::fixture::{grant, readiness, start};
use crate::python_library::{clients, library};

/// The name of a directory of packages: what is in it is pinned.
const SCHEMATHESIS: &str = "schemathesis-4.32.5";
const SEED: &str = "20261128";
/// For each operation.
const EXAMPLES: &str = "5";
const PATIENCE: Duration = Duration::from_secs(150);
/// Whoever may do everything there is to do, so that fewer requests end at the door.
const SCOPES: &str =
    "login:decide permissions:read tokens:issue withdrawals:report sessions:end identities:vouch";

async fn fuzz(library: &Path, url: String, token: &str) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let ran = Command::new("python3")
        // No bytecode beside the sources, and nothing from the machine's own packages.
        .args(["-B", "-s", "-m", "schemathesis.cli", "--config-file"])
        .arg(clients().join("fuzzed.toml"))
        .args(["run", &format!("{url}/openapi.json")])
        .args(["--checks", "not_a_server_error"])
        .args(["--phases", "fuzzing"])
        .args(["--seed", SEED, "--max-examples", EXAMPLES])
        .args([
            "--request-timeout",
            "10",
            "--no-shrink",
            "--continue-on-failure",
        ])
        .args(["--suppress-health-check", "all", "--warnings", "off"])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .env("PYTHONPATH", library)
        .env("HYPOTHESIS_STORAGE_DIRECTORY", place.path())
        .current_dir(place.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ran = tokio::time::timeout(PATIENCE, ran).await;
    let ran = ran.with_context(|| format!("{url} was not done in time"))??;
    let said = String::from_utf8_lossy(&ran.stdout);
    let errors = String::from_utf8_lossy(&ran.stderr);
    ensure!(ran.status.success(), "{url}:\n{said}\n{errors}");
    Ok(())
}

#[tokio::test]
async fn no_operation_is_ever_at_fault() -> anyhow::Result<()> {
    let what = "the fuzzing of the services";
    let Some(library) = library(what, SCHEMATHESIS, "fuzzed.txt").await? else {
        return Ok(());
    };
    let stack = start().await?;
    grant(&stack, &stack.user("acme", "ana"), ANA, &["calendar"]).await?;
    let token = stack.host.token_for("sam", "acme").super_admin();
    let token = token.permission("company_settings:manage");
    let token = token.claim("scope", SCOPES).sign();

    let services = [&stack.gateway, &stack.login_hook].into_iter();
    let services = services.chain(&stack.projections);
    let services: Vec<&Program> = services.chain(&stack.token_brokers).collect();
    let fuzzing = services
        .iter()
        .map(|service| fuzz(&library, service.url(), &token));
    try_join_all(fuzzing).await?;
    for service in services {
        let log = service.log_text();
        ensure!(!log.contains("panicked"), "{log}");
        let (status, why) = readiness(service).await?;
        ensure!(status == 200, "{}: {why}", service.url());
    }
    Ok(())
}
