//! What deploy/README.md tells an operator to do, done: the commands are read from it.

use std::process::Stdio;

use anyhow::{Context, bail, ensure};
use assent_dev_stack::actors::{ANA, BEN, Person, Reaction, Visit};
use assent_dev_stack::{
    NatsUser, ProgramError, SIMULATOR_CLIENT_ID, SIMULATOR_CLIENT_SECRET, SIMULATOR_HOST_CLIENT_ID,
    Stack,
};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::fixture::{eventually, grant, last_sequence, log, start};

const MANUAL: &str = include_str!("../../../deploy/README.md");

/// The commands below a heading.
fn commands(heading: &str) -> anyhow::Result<&'static str> {
    let (_, below) = MANUAL
        .split_once(&format!("### {heading}\n"))
        .with_context(|| format!("no heading {heading}"))?;
    let (_, block) = below.split_once("```sh\n").context("no commands")?;
    let (block, _) = block.split_once("```").context("no end of the commands")?;
    Ok(block)
}

/// Runs them as they stand, with consentctl as an operator, and gives what they said.
async fn run(heading: &str, stack: &Stack) -> anyhow::Result<String> {
    run_as(NatsUser::Operator, heading, stack).await
}

async fn run_as(user: NatsUser, heading: &str, stack: &Stack) -> anyhow::Result<String> {
    let store = stack.nats().store_directory();
    let programs = stack.gateway.binary().parent().context("no programs")?;
    let path = std::env::var("PATH")?;
    let ran = tokio::process::Command::new("sh")
        .args(["-euc", commands(heading)?])
        .env("BACKUP", store.with_extension("backup"))
        .env("EXPORT", store.with_file_name("export"))
        .env("ASSENT_NATS_STORE_DIR", store)
        .env("PATH", format!("{}:{path}", programs.display()))
        .envs(stack.nats().environment(user))
        .stdin(Stdio::null())
        .output();
    let ran = ran.await?;
    ensure!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Ok(String::from_utf8(ran.stdout)?)
}

async fn backed_up(stack: &mut Stack) -> anyhow::Result<()> {
    stack.nats_mut().stop().await;
    run("Back up", stack).await?;
    stack.restart_nats().await?;
    // It connects by itself.
    Ok(stack.gateway.ready().await?)
}

/// The server is stopped, and what it had is replaced.
async fn restored(stack: &mut Stack) -> anyhow::Result<()> {
    stack.gateway.terminate().await;
    stack.nats_mut().stop().await;
    run("Restore", stack).await?;
    Ok(stack.restart_nats().await?)
}

async fn list(stack: &Stack) -> anyhow::Result<Vec<Value>> {
    let ran = stack
        .consentctl(&["events", "list", "--limit", "0", "--json"])
        .await?;
    let text = String::from_utf8(ran.stdout)?;
    let lines = text.lines().map(serde_json::from_str);
    Ok(lines.collect::<Result<_, _>>()?)
}

/// What the view says, and what is told to sync workers that ask anew.
async fn everybody_says(stack: &Stack, user: &str, effective: &str) -> anyhow::Result<()> {
    eventually(&format!("{user} has {effective}"), async || {
        let view = stack.service(0).permissions("acme", user, 0).await?;
        Ok(view.status == 200 && view.effective() == effective)
    })
    .await
}

async fn all_is_well(stack: &Stack) -> anyhow::Result<()> {
    eventually("doctor finds nothing", async || {
        let doctor = stack.consentctl(&["doctor"]).await?;
        Ok(doctor.status.success())
    })
    .await
}

#[tokio::test]
async fn a_backup_is_restored_by_the_manual() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let kept = last_sequence(&log(&stack).await?).await?;
    backed_up(&mut stack).await?;

    // What comes after the backup: a yes of each, and a no.
    grant(&stack, &ben, BEN, &["contacts"]).await?;
    ana.revoke("calendar").await?.ok()?;
    everybody_says(&stack, "ben", "contacts").await?;
    everybody_says(&stack, "ana", "nothing").await?;
    let before = list(&stack).await?;

    restored(&mut stack).await?;
    stack.gateway.restart().await?;
    ensure!(last_sequence(&log(&stack).await?).await? == kept);
    // Her no is not on the log any more, and stands all the same.
    everybody_says(&stack, "ben", "nothing").await?;
    everybody_says(&stack, "ana", "nothing").await?;
    eventually("Ana is held back", async || {
        let blocked = stack.consentctl(&["blocked", "list"]).await?;
        let text = String::from_utf8(blocked.stdout)?;
        Ok(text.contains("acme/ana") && text.contains("held back"))
    })
    .await?;

    // What was lost is what the kept list has more; the no is said again.
    let after = list(&stack).await?;
    let lost = before.get(after.len()..).context("nothing was lost")?;
    let kinds: Vec<_> = lost
        .iter()
        .filter_map(|event| event.get("type")?.as_str())
        .collect();
    ensure!(
        kinds.len() == 2 && kinds.iter().any(|kind| kind.contains("UserScopeRevoked")),
        "{kinds:?} {lost:?}"
    );
    ana.revoke("calendar").await?.ok()?;
    let accepted = stack
        .consentctl(&["projection", "accept-log", "--yes"])
        .await?;
    ensure!(accepted.status.success(), "{accepted:?}");
    all_is_well(&stack).await?;
    everybody_says(&stack, "ana", "nothing").await?;
    grant(&stack, &ben, BEN, &["contacts"]).await?;
    everybody_says(&stack, "ben", "contacts").await?;
    all_is_well(&stack).await
}

#[tokio::test]
async fn the_log_alone_is_restored_when_its_end_is_accepted() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    stack.nats_mut().stop().await;
    for stream in LOG {
        stack.nats().back_up(stream)?;
    }
    stack.restart_nats().await?;
    stack.gateway.ready().await?;
    grant(&stack, &ana, ANA, &["contacts"]).await?;
    everybody_says(&stack, "ana", "calendar, contacts").await?;

    stack.gateway.terminate().await;
    stack.nats_mut().stop().await;
    for stream in LOG {
        stack.nats().restore(stream)?;
    }
    stack.restart_nats().await?;
    // The buckets know of more: which end is meant is said by whoever decides it.
    let said = match stack.gateway.restart().await {
        Err(ProgramError::Ended { status, log, .. }) if status.code() == Some(69) => log,
        other => bail!("{other:?}"),
    };
    let last = last_sequence(&log(&stack).await?).await?.to_string();
    ensure!(
        said.contains(&format!("--accept-event-log-end {last}")),
        "{said}"
    );
    stack
        .gateway
        .restart_with(&["--accept-event-log-end", &last])
        .await?;
    everybody_says(&stack, "ana", "calendar").await?;
    stack.gateway.restart().await?;
    all_is_well(&stack).await
}

/// The digest of the view, as a projection answers it.
async fn digest(stack: &Stack) -> anyhow::Result<Value> {
    let answered = stack.service(0).digest().await?.ok()?;
    let digest = answered.body.get("digest");
    digest.cloned().with_context(|| answered.text.clone())
}

/// What each event of the log is, but for the log's own name.
async fn events(stack: &Stack) -> anyhow::Result<Vec<(Value, Value)>> {
    let listed = list(stack).await?;
    let part = |event: &Value, name: &str| event.get(name).cloned().unwrap_or_default();
    Ok(listed
        .iter()
        .map(|event| (part(event, "id"), part(event, "event")))
        .collect())
}

/// The log is put away, and put back from the export by the manual.
async fn put_back(stack: &mut Stack) -> anyhow::Result<String> {
    stack.gateway.terminate().await;
    for projection in &mut stack.projections {
        projection.terminate().await;
    }
    stack.nats_mut().stop().await;
    run("Put the log away", stack).await?;
    stack.restart_nats().await?;
    let said = run_as(NatsUser::Gateway, "Import", stack).await?;
    stack.gateway.restart().await?;
    for projection in &mut stack.projections {
        projection.restart().await?;
    }
    Ok(said)
}

#[tokio::test]
async fn an_export_is_put_back_by_the_manual_and_is_the_same_log() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));
    grant(&stack, &ana, ANA, &["calendar", "contacts"]).await?;
    let first_no = ana.revoke("contacts").await?.ok()?;
    run("Export", &stack).await?;
    grant(&stack, &ben, BEN, &["contacts"]).await?;
    everybody_says(&stack, "ben", "contacts").await?;
    // It grows.
    run("Export", &stack).await?;
    let (kept, then) = (events(&stack).await?, digest(&stack).await?);

    // What a directory of one's own says is what a projection says, from the log and from the export.
    for (name, from) in [("log", None), ("export", Some("export"))] {
        let store = stack.nats().store_directory();
        let to = store.with_extension(format!("view-of-{name}"));
        let from = from.map(|name| store.with_file_name(name));
        let mut arguments = vec!["replay", "--json", "--to", to.to_str().context("a path")?];
        if let Some(from) = &from {
            arguments.extend(["--from", from.to_str().context("a path")?]);
        }
        let ran = stack.consentctl(&arguments).await?;
        let built: Value = serde_json::from_slice(&ran.stdout)?;
        ensure!(built.get("digest") == Some(&then), "{built} {then}");
    }

    // What comes after the export is named before anything is put away.
    ana.revoke("calendar").await?.ok()?;
    everybody_says(&stack, "ana", "nothing").await?;
    let preview = run("Preview", &stack).await?;
    ensure!(
        preview.contains("acme/ana                 calendar would be on again"),
        "{preview}"
    );
    let mut worker = stack.start_sync_worker().await?;
    let said = put_back(&mut stack).await?;
    ensure!(said.contains("read back from the log"), "{said}");
    // Her no is not on the log any more: whoever imported it had read so, and decided.
    everybody_says(&stack, "ben", "contacts").await?;
    everybody_says(&stack, "ana", "calendar").await?;
    ensure!(events(&stack).await? == kept);
    ensure!(digest(&stack).await? == then);
    let told = worker.receive(first_no.sequence()).await?;
    ensure!(
        told.subject.ends_with("acme.user.ana") && told.effective() == "calendar",
        "{told:?}"
    );
    all_is_well(&stack).await?;

    // The log goes on, and so does the export of it, into another directory.
    ana.revoke("calendar").await?.ok()?;
    everybody_says(&stack, "ana", "nothing").await?;
    all_is_well(&stack).await
}

const LOG: [&str; 3] = ["CONSENT_EVENTS", "CONSENT_OPERATIONS", "CONSENT_CHANGES"];

const BACK: &str = "http://127.0.0.1:9/microsoft/sync";

/// Where Microsoft sends the host application back to that asks without a page.
async fn asked_silently(stack: &Stack, client: &str, person: Person) -> anyhow::Result<Url> {
    let address = format!(
        "{}/{}/oauth2/v2.0/authorize",
        stack.simulator.url(),
        person.tenant
    );
    let mut address = Url::parse(&address)?;
    address.query_pairs_mut().extend_pairs([
        ("client_id", client),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("scope", "openid offline_access Calendars.ReadWrite"),
        ("prompt", "none"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let microsoft = stack.microsoft();
    match microsoft
        .visit(address.as_str(), person, Reaction::Accept)
        .await?
    {
        Visit::Redirect(back) => Ok(Url::parse(&back)?),
        Visit::Page(code) => bail!("a page: {code}"),
    }
}

/// The example of RFC 7636.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn of(back: &Url, name: &str) -> Option<String> {
    let mut pairs = back.query_pairs();
    pairs
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

/// The application at Microsoft has an address of the host application's, too.
async fn register(stack: &Stack, client: &str) -> anyhow::Result<()> {
    let path = format!("applications/{client}");
    let change = json!({"redirect_uris": [BACK]});
    stack
        .microsoft()
        .control(Method::PATCH, &path, Some(&change))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_host_gets_a_token_to_sync_with_by_the_same_application_and_by_no_other()
-> anyhow::Result<()> {
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    for client in [SIMULATOR_CLIENT_ID, SIMULATOR_HOST_CLIENT_ID] {
        register(&stack, client).await?;
    }

    let back = asked_silently(&stack, SIMULATOR_CLIENT_ID, ANA).await?;
    let code = of(&back, "code").with_context(|| back.to_string())?;
    let form = [
        ("client_id", SIMULATOR_CLIENT_ID),
        ("client_secret", SIMULATOR_CLIENT_SECRET),
        ("grant_type", "authorization_code"),
        ("redirect_uri", BACK),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let address = format!("{}/{}/oauth2/v2.0/token", stack.simulator.url(), ANA.tenant);
    let answer = reqwest::Client::new()
        .post(address)
        .form(&form)
        .send()
        .await?;
    let answer: Value = serde_json::from_str(&answer.text().await?)?;
    for token in ["access_token", "refresh_token"] {
        ensure!(answer.get(token).is_some(), "{answer}");
    }
    let scope = answer
        .get("scope")
        .and_then(Value::as_str)
        .unwrap_or_default();
    ensure!(scope.contains("Calendars.ReadWrite"), "{answer}");

    // Consent is given to an application: to this one nobody gave any.
    let back = asked_silently(&stack, SIMULATOR_HOST_CLIENT_ID, ANA).await?;
    ensure!(of(&back, "code").is_none(), "{back}");
    let told = of(&back, "error_description").unwrap_or_default();
    ensure!(told.contains("AADSTS65001"), "{back}");
    Ok(())
}
