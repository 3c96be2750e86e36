//! Microsoft's own libraries for Python and Node, which take the simulator for Entra.
//!
//! The scenarios are in `tests/msal` and `tests/msal_node`. Each file runs twice over TLS: against `https://localhost`,
//! which MSAL is told to trust, and as `login.microsoftonline.com`, where it asks Microsoft's own questions first.

mod library;
mod node_library;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use assent_entra_simulator::{Running, Settings, Transport, start, story};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::fixture::CALLBACK;

/// No file takes more than some seconds.
const PATIENCE: Duration = Duration::from_secs(100);
const MICROSOFT: &str = "https://login.microsoftonline.com";

fn scripts(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(language)
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
    let mut python = Command::new("python3");
    python
        // No bytecode beside the sources, and nothing from the machine's own packages.
        .args(["-B", "-s"])
        .arg(scripts("tests/msal").join("run.py"))
        .arg(file)
        .env("PYTHONPATH", library);
    play(python, file, public_url, expected).await;
}

/// The same in JavaScript. Where there is no Node, that is said.
async fn run_on_node(file: &str, public_url: Option<&str>, expected: usize) {
    let library = tokio::task::spawn_blocking(node_library::find_or_fetch);
    let Some(library) = library.await.unwrap() else {
        return;
    };
    // Modules find their libraries beside themselves, and nowhere else.
    let place = tempfile::tempdir().unwrap();
    for script in std::fs::read_dir(scripts("tests/msal_node")).unwrap() {
        let script = script.unwrap().path();
        std::fs::copy(&script, place.path().join(script.file_name().unwrap())).unwrap();
    }
    std::os::unix::fs::symlink(library, place.path().join("node_modules")).unwrap();
    let mut node = Command::new("node");
    node.arg(place.path().join("run.mjs")).arg(file);
    play(node, file, public_url, expected).await;
}

/// Runs a program that plays scenarios on a simulator of its own.
async fn play(mut program: Command, file: &str, public_url: Option<&str>, expected: usize) {
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
    program
        .env("NODE_EXTRA_CA_CERTS", &ca_file)
        .env("STAGE", fixture.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(PATIENCE, program.output()).await;
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

#[tokio::test]
async fn people_sign_in_by_msal_node_at_localhost() {
    run_on_node("signing_in", None, 7).await;
}

#[tokio::test]
async fn people_sign_in_by_msal_node_at_microsoft() {
    run_on_node("signing_in", Some(MICROSOFT), 7).await;
}

#[tokio::test]
async fn refusals_are_understood_by_msal_node_at_localhost() {
    run_on_node("refusals", None, 8).await;
}

#[tokio::test]
async fn refusals_are_understood_by_msal_node_at_microsoft() {
    run_on_node("refusals", Some(MICROSOFT), 8).await;
}
