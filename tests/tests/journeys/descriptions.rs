//! The descriptions, read by the tools that others read them with; and what the services really say, held against them.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, OLGA, Reaction};
use assent_dev_stack::{NatsUser, Stack};
use assent_messaging::{Connection, Messages, RequestError};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::fixture::{PATIENCE, admin_consent, connect, grant, last_sequence, log, start};
use crate::node_library;

/// What was said, for the program that compares.
#[derive(Default)]
struct Said(Vec<String>);

impl Said {
    fn add(&mut self, of: &str, name: &str, payload: &Value) {
        let line = json!({"of": of, "name": name, "payload": payload});
        self.0.push(line.to_string());
    }
}

async fn printed(stack: &Stack, what: &str) -> anyhow::Result<Value> {
    let ran = stack.consentctl(&["schema", what]).await?;
    let said = String::from_utf8_lossy(&ran.stderr);
    ensure!(ran.status.success(), "{said}");
    Ok(serde_json::from_slice(&ran.stdout)?)
}

/// The events, as an export of the log has them.
async fn hear_events(stack: &Stack, folder: &Path, said: &mut Said) -> anyhow::Result<()> {
    let path = folder.join("log.ndjson");
    let to = path.to_string_lossy().into_owned();
    let ran = stack.consentctl(&["events", "export", "--to", &to]).await?;
    ensure!(ran.status.success(), "{ran:?}");
    for line in std::fs::read_to_string(&path)?.lines() {
        let event: Value = serde_json::from_str(line)?;
        let (kind, data) = (event.get("type"), event.get("data"));
        let kind = kind.and_then(Value::as_str).context("no type")?;
        let name = kind.split('.').rev().nth(1).context("an odd type")?;
        let data = data.context("no data")?;
        said.add("events", name, data);
        said.add("asyncapi", name, data);
    }
    Ok(())
}

/// The changes that were told, until that of the last event.
async fn hear_changes(mut changes: Messages, last: u64, said: &mut Said) -> anyhow::Result<()> {
    let hearing = async {
        while let Some(message) = changes.next().await {
            let change: Value = serde_json::from_slice(&message.payload)?;
            let of_user = message.subject.contains(".user.");
            let name = if of_user {
                "userChanged"
            } else {
                "companyChanged"
            };
            said.add("asyncapi", name, &change);
            if change.get("sequence") == Some(&json!(last)) {
                return Ok(());
            }
        }
        anyhow::bail!("the connection was closed")
    };
    let heard = tokio::time::timeout(PATIENCE, hearing).await;
    heard.context("not every change was told")?
}

/// A question for each request that others may ask.
fn question(operation: &str) -> Option<Value> {
    let user = json!({"account_id": "acme", "user_id": "ana"});
    Some(match operation {
        "permissions" => user,
        "account" | "users" => json!({"account_id": "acme"}),
        "currentChanges" | "blocked" => json!({}),
        "token" => {
            json!({"account_id": "acme", "user_id": "ana", "permission": "calendar", "minimum_seconds": 60})
        }
        _ => return None,
    })
}

/// Asks what is described, as it is described: what is answered, and what is refused.
async fn hear_answers(
    document: &Value,
    worker: &Connection,
    said: &mut Said,
) -> anyhow::Result<usize> {
    let operations = document.pointer("/operations").and_then(Value::as_object);
    let mut asked = 0;
    for (name, operation) in operations.context("no operations")? {
        let Some(question) = question(name) else {
            continue;
        };
        let channel = format!("/channels/{name}");
        let channel = document.pointer(&channel).context("no channel")?;
        let subject = channel.get("address").and_then(Value::as_str);
        let subject = subject.context("no address")?;
        let of_question = channel.get("messages").and_then(Value::as_object);
        let of_question = of_question.and_then(|all| all.keys().next());
        said.add("asyncapi", of_question.context("no message")?, &question);
        let replies = operation
            .pointer("/reply/messages")
            .and_then(Value::as_array);
        let replies = replies.context("no reply")?.iter();
        let names: Vec<&str> = replies
            .filter_map(|reply| reply.get("$ref")?.as_str()?.rsplit('/').next())
            .collect();
        let is_error = |name: &&&str| name.ends_with("Error");
        let (error, answer) = (
            names.iter().find(is_error),
            names.iter().find(|name| !is_error(name)),
        );
        let whole = question.to_string().into_bytes();
        let answered = worker.request(subject, whole, None, PATIENCE).await?;
        let answered = serde_json::from_slice(&answered)?;
        said.add("asyncapi", answer.context("no answer")?, &answered);
        let wrong = json!({"account_id": 7, "after": 7}).to_string();
        let Err(RequestError::Service { body, .. }) = worker
            .request(subject, wrong.into_bytes(), None, PATIENCE)
            .await
        else {
            anyhow::bail!("{subject} took numbers for names");
        };
        let refused = serde_json::from_slice(&body)?;
        said.add("asyncapi", error.context("no error")?, &refused);
        asked += 1;
    }
    Ok(asked)
}

/// The checking program's findings, and how much it has looked at.
async fn findings(folder: &Path, modules: &Path) -> anyhow::Result<(Vec<String>, u64)> {
    let place = tempfile::tempdir()?;
    let script = place.path().join("check.mjs");
    std::fs::copy(folder_of_checks().join("check.mjs"), &script)?;
    symlink(modules, place.path().join("node_modules"))?;
    let node = Command::new("node")
        .arg(&script)
        .arg(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let node = node.await?;
    let said = String::from_utf8_lossy(&node.stderr);
    ensure!(node.status.success(), "{said}");
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for line in std::str::from_utf8(&node.stdout)?.lines() {
        let report: Value = serde_json::from_str(line)?;
        checked += report.get("count").and_then(Value::as_u64).unwrap_or(0);
        let found = report.get("wrong").and_then(Value::as_array);
        for finding in found.into_iter().flatten().filter_map(Value::as_str) {
            let of = report.get("checked").and_then(Value::as_str);
            wrong.push(format!("{}: {finding}", of.unwrap_or_default()));
        }
    }
    Ok((wrong, checked))
}

fn folder_of_checks() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/descriptions")
}

#[tokio::test]
async fn what_the_services_say_is_what_is_described() -> anyhow::Result<()> {
    let what = "the checks of the descriptions";
    let Some(modules) = node_library::library(what, &folder_of_checks()).await? else {
        return Ok(());
    };
    let stack = start().await?;
    let folder = tempfile::tempdir()?;
    let mut said = Said::default();

    let worker = connect(&stack, NatsUser::SyncWorker).await?;
    let changes = worker.subscribe("consent.changes.v1.>").await?;
    // An answer comes behind the subscription: from here on everything is heard.
    let anything = json!({}).to_string().into_bytes();
    worker
        .request("consent.query.v1.changes", anything, None, PATIENCE)
        .await?;

    // Everything that there is in a log.
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    grant(&stack, &ana, ANA, &["calendar", "contacts", "email"]).await?;
    ana.revoke("contacts").await?.ok()?;
    sam.set_method("user_individual", "limited").await?.ok()?;
    sam.set_method("user_individual", "full").await?.ok()?;
    let document = printed(&stack, "asyncapi").await?;
    hear_answers(&document, &worker, &mut said).await?;
    let landing = admin_consent(&stack, &sam, None, OLGA, Reaction::Accept).await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    stack
        .login("acme")
        .through_microsoft("ana", ANA, 0)
        .await?
        .ok()?;
    sam.set_method("user_individual", "full").await?.ok()?;
    let last = last_sequence(&log(&stack).await?).await?;
    hear_changes(changes, last, &mut said).await?;
    hear_events(&stack, folder.path(), &mut said).await?;

    std::fs::write(folder.path().join("asyncapi.json"), document.to_string())?;
    let events = printed(&stack, "events").await?;
    std::fs::write(folder.path().join("events.json"), events.to_string())?;
    std::fs::write(folder.path().join("messages.ndjson"), said.0.join("\n"))?;
    let services = [&stack.gateway, &stack.login_hook].into_iter();
    let services = services.chain(&stack.token_brokers);
    for (number, service) in services.chain(&stack.projections).enumerate() {
        let reply = reqwest::get(format!("{}/openapi.json", service.url())).await?;
        let description = reply.error_for_status()?.text().await?;
        let name = format!("{number}.openapi.json");
        std::fs::write(folder.path().join(name), description)?;
    }
    let (wrong, checked) = findings(folder.path(), &modules).await?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(30 <= checked, "only {checked} were checked");
    Ok(())
}
