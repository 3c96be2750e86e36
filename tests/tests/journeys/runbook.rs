//! What deploy/runbook.md tells whoever is on call to run, run: every command as it stands there, in the situation that its
//! chapter is about.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, OLGA, Reaction};
use assent_dev_stack::{NatsUser, Stack, profile_directory};

use crate::damaged_log::flip;
use crate::fixture::{admin_consent, eventually, grant, last_sequence, log, start};
use crate::voided::{ANA_LINE, scribble};

const RUNBOOK: &str = include_str!("../../../deploy/runbook.md");
const BLOCKED: &str = "A message blocks somebody";
const LEAKED: &str = "A key or a password leaked";
const LOST: &str = "Refresh tokens are lost";
const DAMAGED: &str = "The log is damaged";
const NATS_DOWN: &str = "NATS is down, or its disk is full";

/// A command, and the exit code that the page says it has.
#[derive(Debug, PartialEq, Eq)]
struct Command {
    line: String,
    ends_with: i32,
}

impl Command {
    fn read(line: &str) -> anyhow::Result<Self> {
        let (line, ends_with) = match line.split_once("# ends with ") {
            Some((line, code)) => (line, code.trim().parse()?),
            None => (line, 0),
        };
        let line = line.trim().to_owned();
        Ok(Self { line, ends_with })
    }
}

struct Chapter {
    heading: &'static str,
    commands: Vec<Command>,
}

fn chapters() -> anyhow::Result<Vec<Chapter>> {
    let chapters = RUNBOOK.split("\n## ").skip(1).map(|chapter| {
        let (heading, text) = chapter.split_once('\n').context("an empty chapter")?;
        let mut commands = Vec::new();
        for block in text.split("```sh\n").skip(1) {
            let (block, _) = block.split_once("```").context("no end of the commands")?;
            let lines = block.lines().filter(|line| !line.trim().is_empty());
            for line in lines {
                commands.push(Command::read(line)?);
            }
        }
        Ok(Chapter { heading, commands })
    });
    chapters.collect()
}

fn chapter(heading: &str) -> anyhow::Result<Chapter> {
    let mut chapters = chapters()?.into_iter();
    let found = chapters.find(|chapter| chapter.heading == heading);
    found.with_context(|| format!("there is no chapter {heading}"))
}

/// Runs a command as an operator would, in a shell, and answers what it said.
async fn run(
    stack: &Stack,
    directory: &Path,
    command: &Command,
    sequence: u64,
) -> anyhow::Result<String> {
    let programs = profile_directory()?;
    let path = std::env::var("PATH").unwrap_or_default();
    let projection = stack.projections.first().context("no projection")?;
    // Sealed tokens are the token broker's alone.
    let is_of_the_vault = command.line.starts_with("consentctl vault");
    let as_the_broker = is_of_the_vault.then(|| stack.nats().environment(NatsUser::TokenBroker));
    let as_the_broker = as_the_broker.into_iter().flatten();
    let token_broker = stack.token_brokers.first().context("no token broker")?;
    let ran = tokio::process::Command::new("sh")
        .args(["-uc", &command.line])
        .current_dir(directory)
        .env("PATH", format!("{}:{path}", programs.display()))
        .envs(stack.operator_environment())
        .env("ACCOUNT", "acme")
        .env("WHO", "ana")
        .env("SEQ", sequence.to_string())
        .env("GATEWAY", stack.gateway.url())
        .env("PROJECTION", projection.url())
        .env("LOGIN_HOOK", stack.login_hook.url())
        .env("ASSENT_VAULT_KEYS_DIR", directory.join("vault-keys"))
        .env("PUBLIC_KEY", directory.join("public.pem"))
        .env("NUMBER", "0001")
        .envs(as_the_broker)
        .env("TOKEN_BROKER", token_broker.url())
        .stdin(Stdio::null())
        .output()
        .await?;
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    ensure!(
        ran.status.code() == Some(command.ends_with),
        "{command:?} ended with {}:\n{said}\n{}",
        ran.status,
        String::from_utf8_lossy(&ran.stderr)
    );
    Ok(said)
}

/// Runs a chapter, one command after the other. A command may be early: it is given the time that an operator takes.
async fn run_chapter(stack: &Stack, chapter: &Chapter, sequence: u64) -> anyhow::Result<String> {
    let mut said = String::new();
    let directory = tempfile::tempdir()?;
    if [LEAKED, LOST].contains(&chapter.heading) {
        let init = Command::read("consentctl vault init")?;
        run(stack, directory.path(), &init, sequence).await?;
    }
    for command in &chapter.commands {
        let heading = chapter.heading;
        let last = RefCell::new(None);
        let what = format!("{heading}: {command:?}");
        let ended = eventually(&what, async || {
            let ran = run(stack, directory.path(), command, sequence).await;
            let is_done = ran.is_ok();
            last.replace(Some(ran));
            Ok(is_done)
        });
        let ended = ended.await;
        let ran = last.into_inner().context("it did not run")?;
        said.push_str(&ran?);
        ended?;
    }
    Ok(said)
}

#[tokio::test]
async fn the_commands_for_a_stack_that_runs_work_as_they_stand() -> anyhow::Result<()> {
    let stack = start().await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let asked_about = last_sequence(&log(&stack).await?).await?;
    ana.revoke("calendar").await?.ok()?;
    sam.set_method("user_individual", "full").await?.ok()?;
    admin_consent(&stack, &sam, None, OLGA, Reaction::Accept).await?;
    stack
        .login("acme")
        .through_microsoft("ana", ANA, asked_about)
        .await?
        .ok()?;
    stack.user("acme", "ben").see("ana").await?;

    let mut ran = BTreeSet::new();
    for chapter in chapters()? {
        if [BLOCKED, DAMAGED, NATS_DOWN].contains(&chapter.heading) {
            continue;
        }
        let heading = chapter.heading;
        ensure!(
            !chapter.commands.is_empty(),
            "{heading} says nothing to run"
        );
        let said = run_chapter(&stack, &chapter, asked_about).await?;
        for words in says(heading) {
            ensure!(
                said.contains(words),
                "{heading} does not show {words:?}:\n{said}"
            );
        }
        ran.insert(heading);
    }
    ensure!(ran.len() > 10, "{ran:?}");
    Ok(())
}

/// What an operator is to see there.
fn says(heading: &str) -> &'static [&'static str] {
    match heading {
        "A permission is wrong" => &["calendar", "admin_configured"],
        "A customer asks who allowed this" => &[
            "UserScopeGranted",
            "UserScopeRevoked",
            "AdminConsentGranted",
        ],
        "The view lags" => &["assent_projection_lag_events 0", "\"ready\":true"],
        "Prove that nothing is missing" => &["assent_checkpoint_holds 1"],
        "Microsoft is down" => &["assent_microsoft_circuit_open{api=\"sign_in\"} 0"],
        "A security event" => &["kind=\"administrator_flow_disowned\""],
        "An operator's alarm" => &["kind=\"view_rebuilt\"} 0"],
        "Logins are degraded" => &["decision=\"auto_grant\""],
        _ => &[],
    }
}

#[tokio::test]
async fn the_commands_for_a_message_that_blocks_somebody_get_past_it() -> anyhow::Result<()> {
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let junk = scribble(&stack, ANA_LINE).await?;
    let said = run_chapter(&stack, &chapter(BLOCKED)?, junk).await?;
    for words in ["acme/ana", "is void"] {
        ensure!(said.contains(words), "{said}");
    }
    ensure!(ana.see("ana").await?.ok()?.effective() == "calendar");
    Ok(())
}

#[tokio::test]
async fn the_commands_for_a_damaged_log_say_what_is_damaged() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let damaged = last_sequence(&log(&stack).await?).await?;
    grant(&stack, &ana, ANA, &["contacts"]).await?;
    flip(&mut stack, &[damaged]).await?;
    let said = run_chapter(&stack, &chapter(DAMAGED)?, damaged).await?;
    ensure!(said.contains("acme"), "{said}");
    Ok(())
}

#[tokio::test]
async fn the_commands_without_nats_say_so() -> anyhow::Result<()> {
    let mut stack = start().await?;
    stack.nats_mut().stop().await;
    let said = run_chapter(&stack, &chapter(NATS_DOWN)?, 1).await?;
    ensure!(said.contains("\"ready\":false"), "{said}");
    Ok(())
}
