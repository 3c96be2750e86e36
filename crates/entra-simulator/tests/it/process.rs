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
