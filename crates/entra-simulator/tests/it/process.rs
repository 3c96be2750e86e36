//! The program itself.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

const PROGRAM: &str = env!("CARGO_BIN_EXE_entra-simulator");
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn it_says_where_it_listens_answers_and_ends_on_sigterm() {
    let mut command = Command::new(PROGRAM);
    command.args([
        "--listen",
        "127.0.0.1:0",
        "--redirect-uri",
        "https://app.example/callback",
    ]);
    let mut child = command
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line: Value = serde_json::from_str(
        &timeout(PATIENCE, lines.next_line())
            .await
            .unwrap()
            .unwrap()
            .unwrap(),
    )
    .unwrap();
    assert_eq!(line["message"], "listening");
    let url = format!(
        "http://{}/contoso.example/v2.0/.well-known/openid-configuration",
        line["address"].as_str().unwrap()
    );
    assert!(reqwest::get(url).await.unwrap().status().is_success());
    let id = child.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .unwrap()
            .success()
    );
    assert_eq!(
        timeout(PATIENCE, child.wait())
            .await
            .unwrap()
            .unwrap()
            .code(),
        Some(0)
    );
}

#[tokio::test]
async fn it_explains_itself() {
    for (argument, expected) in [
        ("--help", "ASSENT_SIMULATOR_LISTEN"),
        ("--version", "entra-simulator "),
    ] {
        let output = Command::new(PROGRAM).arg(argument).output().await.unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains(expected));
    }
}

#[tokio::test]
async fn it_reads_a_seed_and_refuses_a_bad_one() {
    let missing = Command::new(PROGRAM)
        .args(["--seed", "/nowhere/seed.json"])
        .output()
        .await
        .unwrap();
    assert!(!missing.status.success());
    assert!(
        String::from_utf8(missing.stderr)
            .unwrap()
            .contains("cannot read the seed")
    );
}

#[tokio::test]
async fn it_writes_the_authority_before_it_says_that_it_listens() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    let mut command = Command::new(PROGRAM);
    command
        .args(["--listen", "127.0.0.1:0", "--tls-ca-file"])
        .arg(&file);
    let mut child = command
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["message"], "listening");
    let pem = std::fs::read(&file).unwrap();
    let authority = reqwest::Certificate::from_pem(&pem).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .build()
        .unwrap();
    let url = line["base_url"].as_str().unwrap();
    assert!(url.starts_with("https://localhost:"));
    assert!(client.get(url).send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn a_file_that_cannot_be_written_ends_it() {
    let output = Command::new(PROGRAM)
        .args([
            "--listen",
            "127.0.0.1:0",
            "--tls-ca-file",
            "/nowhere/ca.pem",
        ])
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("cannot write /nowhere/ca.pem")
    );
}
