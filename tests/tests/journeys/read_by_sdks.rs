//! An export of the log is read by the CloudEvents SDKs of other languages, as anybody would read it.

use std::path::Path;
use std::process::Stdio;

use anyhow::ensure;
use assent_dev_stack::actors::{ANA, CONTOSO, OLGA, Reaction};
use assent_dev_stack::{NatsUser, Stack};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::fixture::{admin_consent, connect, eventually, grant, last_sequence, log, start};
use crate::{node_library, python_library};

/// The name of a directory of packages: what is in it is pinned.
const PYTHON: &str = "cloudevents-python-2.2.0";

/// What a program says of each event.
async fn read(mut program: Command, export: &Path) -> anyhow::Result<Vec<Value>> {
    let ran = program.arg(export).stdin(Stdio::null()).output().await?;
    ensure!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let lines = std::str::from_utf8(&ran.stdout)?.lines();
    Ok(lines.map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// An event of everything that there is, and a message that is none.
async fn told() -> anyhow::Result<Stack> {
    let stack = start().await?;
    let (ana, sam) = (
        stack.user("acme", "auth0|ana"),
        stack.super_admin("acme", "sam"),
    );
    grant(&stack, &ana, ANA, &["calendar", "contacts"]).await?;
    ana.revoke("contacts").await?.ok()?;
    let landing = admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    let log = log(&stack).await?;
    let before = last_sequence(&log).await?;
    let gateway = connect(&stack, NatsUser::Gateway).await?;
    gateway
        .publish("consent.events.v1.globex.company", &[], "{}")
        .await?;
    eventually("it is stored", || async {
        Ok(before < last_sequence(&log).await?)
    })
    .await?;
    Ok(stack)
}

/// What an SDK has to say of the log, by what consentctl says of it.
async fn expected(stack: &Stack) -> anyhow::Result<Vec<Value>> {
    let listed = stack
        .consentctl(&["events", "list", "--limit", "0", "--json"])
        .await?;
    let mut expected = Vec::new();
    for line in std::str::from_utf8(&listed.stdout)?.lines() {
        let event: Value = serde_json::from_str(line)?;
        if event.get("id").is_some() {
            expected.push(json!([
                event.get("sequence"),
                event.get("id"),
                event.get("type"),
                event.get("account_id"),
            ]));
        }
    }
    Ok(expected)
}

#[tokio::test]
async fn by_the_sdks_of_python_and_javascript() -> anyhow::Result<()> {
    let stack = told().await?;
    let export = tempfile::tempdir()?;
    let path = export.path().join("log.ndjson");
    let to = path.to_string_lossy().into_owned();
    let ran = stack.consentctl(&["events", "export", "--to", &to]).await?;
    ensure!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let expected = expected(&stack).await?;
    ensure!(4 <= expected.len(), "{expected:?}");

    let mut programs = Vec::new();
    let what = "the CloudEvents SDK of Python";
    if let Some(library) = python_library::library(what, PYTHON, "read_export.txt").await? {
        let mut python = Command::new("python3");
        python
            .args(["-B", "-s"])
            .arg(python_library::clients().join("read_export.py"))
            .env("PYTHONPATH", library);
        programs.push(python);
    }
    let what = "the CloudEvents SDK of JavaScript";
    if let Some(library) = node_library::library(what, &node_library::clients()).await? {
        let mut node = Command::new("node");
        node.arg(node_library::clients().join("read_export.js"))
            .env("NODE_PATH", library);
        programs.push(node);
    }
    for program in programs {
        let said = read(program, &path).await?;
        let told: Vec<Value> = said
            .iter()
            .map(|said| {
                json!([
                    said.get("sequence"),
                    said.get("id"),
                    said.get("type"),
                    said.get("account"),
                ])
            })
            .collect();
        ensure!(told == expected, "{told:?} is not {expected:?}");
        let subjects: Vec<_> = said
            .iter()
            .filter_map(|said| said.get("subject")?.as_str())
            .collect();
        ensure!(
            subjects.contains(&"accounts/acme")
                && subjects.contains(&"accounts/acme/users/auth0|ana"),
            "{subjects:?}"
        );
    }
    Ok(())
}
