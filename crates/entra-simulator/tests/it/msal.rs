//! Microsoft's own library for Python, which takes the simulator for Entra.
//!
//! The scenarios are Python, in `tests/msal`. Each file runs twice over TLS: against `https://localhost`, which MSAL
//! is told to trust, and as `login.microsoftonline.com`, where it asks Microsoft's own questions first.

mod library;

use std::path::{Path, PathBuf};
use std::time::Duration;

use assent_entra_simulator::{Running, Settings, Transport, start, story};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::fixture::CALLBACK;

/// No file takes more than some seconds.
const PATIENCE: Duration = Duration::from_secs(100);
const MICROSOFT: &str = "https://login.microsoftonline.com";

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/msal")
}

async fn simulator(public_url: Option<&str>) -> Running {
    start(Settings {
        public_url: public_url.map(|url| url.parse().unwrap()),
        transport: Transport::Tls,
        ..Settings::story([CALLBACK])
    })
    .await
    .unwrap()
}

/// Runs one file of scenarios, and holds it to having run as many as it has.
async fn run(file: &str, public_url: Option<&str>, expected: usize) {
    let library = tokio::task::spawn_blocking(library::find_or_fetch);
    let library = library
        .await
        .unwrap()
        .unwrap_or_else(|error| panic!("{error}"));
    let running = simulator(public_url).await;
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("ca.pem");
    std::fs::write(&ca_file, running.ca_pem.as_ref().unwrap()).unwrap();
    let fixture = json!({
        "host": running.address.ip(), "port": running.address.port(), "base_url": running.base_url,
        "ca_file": ca_file, "callback": CALLBACK, "client_id": story::ASSENT_CLIENT_ID,
        "client_secret": story::ASSENT_CLIENT_SECRET, "contoso": story::CONTOSO,
        "ana": story::ANA, "olga": story::OLGA, "grace": story::GRACE, "dana": story::DANA,
    });
    let mut python = Command::new("python3");
    python
        // No bytecode beside the sources, and nothing from the machine's own packages.
        .args(["-B", "-s"])
        .arg(scripts().join("run.py"))
        .arg(file)
        .env("PYTHONPATH", library)
        .env("STAGE", fixture.to_string())
        .kill_on_drop(true);
    let output = timeout(PATIENCE, python.output()).await;
    let output = output
        .unwrap_or_else(|_| panic!("{file} did not end"))
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let results: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    for result in &results {
        let why = result["why"].as_str().unwrap_or_default();
        assert_eq!(result["ok"], true, "{}:\n{why}", result["scenario"]);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{file}: {errors}");
    assert_eq!(results.len(), expected, "{said}\n{errors}");
}

#[tokio::test]
async fn people_sign_in_at_localhost() {
    run("signing_in", None, 8).await;
}

#[tokio::test]
async fn people_sign_in_at_microsoft() {
    run("signing_in", Some(MICROSOFT), 8).await;
}

#[tokio::test]
async fn the_application_proves_itself_at_localhost() {
    run("application_only", None, 6).await;
}

#[tokio::test]
async fn the_application_proves_itself_at_microsoft() {
    run("application_only", Some(MICROSOFT), 6).await;
}

#[tokio::test]
async fn refusals_are_understood_at_localhost() {
    run("refusals", None, 10).await;
}

#[tokio::test]
async fn refusals_are_understood_at_microsoft() {
    run("refusals", Some(MICROSOFT), 10).await;
}
