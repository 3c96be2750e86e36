//! Chapter (h): the view is lost, twice, and nothing is; then what an operator sees of it all.

use std::io::Write;
use std::time::Instant;

use anyhow::{Context, bail};
use assent_dev_stack::actors::{BEN, Reaction};

use super::stage::{ACCOUNT, Stage};
use super::teller::Step;

const USERS: [&str; 3] = ["ana", "ben", "sam"];

pub(crate) async fn the_projection_is_killed<W: Write>(
    stage: &mut Stage<'_, W>,
) -> anyhow::Result<()> {
    stage
        .teller
        .chapter("(h) The view is killed half-way, and then deleted")?;
    let grant = stage
        .ben
        .start_grant(&["calendar", "email"], Some(BEN))
        .await?
        .ok()?;
    stage.tell(
        "Ben",
        "is sent to Microsoft for calendar and email",
        "flow started",
        Some(&grant),
    )?;
    let process = projection(stage)?.process_id().unwrap_or_default();
    let begun = Instant::now();
    projection(stage)?.kill();
    narrate(
        stage,
        "somebody",
        &format!("kills a projection (SIGKILL to process {process})"),
        "killed",
        begun,
    )?;
    let url = Stage::<W>::authorize_url(&grant)?;
    stage
        .walk(
            &url,
            (BEN, Reaction::Accept),
            "accepts meanwhile",
            "completed",
        )
        .await?;
    let ben = stage.ben.clone();
    stage
        .sees(&ben, "looks at his permissions", "calendar, email (full)")
        .await?;

    let begun = Instant::now();
    projection(stage)?.restart().await?;
    let restarted = answers(stage, 0).await?;
    let other = answers(stage, 1).await?;
    if restarted != other {
        bail!("the restarted projection answers\n{restarted:#?}\nthe other one\n{other:#?}");
    }
    narrate(
        stage,
        "projection",
        "is started again: the same answers as its replica",
        "same answers",
        begun,
    )?;
    let begun = Instant::now();
    let before = digest(stage, 0).await?;
    let replica = digest(stage, 1).await?;
    if before != replica {
        bail!("the restarted projection has the digest {before}, its replica {replica}");
    }
    narrate(
        stage,
        "projection",
        "compares its digest with its replica's",
        &short(&before),
        begun,
    )?;

    let directory = stage.stack.projection_data(0);
    let begun = Instant::now();
    projection(stage)?.kill();
    std::fs::remove_dir_all(&directory)
        .with_context(|| format!("{} cannot be deleted", directory.display()))?;
    narrate(
        stage,
        "somebody",
        "kills it again and deletes its directory",
        "deleted",
        begun,
    )?;
    let begun = Instant::now();
    projection(stage)?.restart().await?;
    let rebuilt = answers(stage, 0).await?;
    let after = digest(stage, 0).await?;
    if (&rebuilt, &after) != (&restarted, &before) {
        bail!("before: digest {before}, {restarted:#?}; rebuilt: digest {after}, {rebuilt:#?}");
    }
    narrate(
        stage,
        "projection",
        "is started again and reads the whole log: same digest",
        &short(&after),
        begun,
    )
}

pub(crate) async fn what_an_operator_sees<W: Write>(
    stage: &mut Stage<'_, W>,
) -> anyhow::Result<()> {
    for arguments in [["explain", ACCOUNT, "ana"].as_slice(), &["doctor"]] {
        let command = format!("consentctl {}", arguments.join(" "));
        let output = stage.stack.consentctl(arguments).await?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!(
                "{command}: expected exit 0, got {}\n{said}{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        stage.teller.quote(&command, &said)?;
    }
    Ok(())
}

/// The projection that has to suffer.
fn projection<'s, W>(
    stage: &'s mut Stage<'_, W>,
) -> anyhow::Result<&'s mut assent_dev_stack::Program> {
    stage
        .stack
        .projections
        .first_mut()
        .context("there is no projection")
}

/// What a projection says of every user, up to the last event.
async fn answers<W>(stage: &Stage<'_, W>, number: usize) -> anyhow::Result<Vec<(String, String)>> {
    let service = stage.stack.service(number);
    let mut answers = Vec::new();
    for user in USERS {
        let reply = service
            .permissions(ACCOUNT, user, stage.last_sequence)
            .await?
            .ok()?;
        answers.push((user.to_owned(), reply.effective()));
    }
    Ok(answers)
}

/// The digest of a projection's view.
async fn digest<W>(stage: &Stage<'_, W>, number: usize) -> anyhow::Result<String> {
    let reply = stage.stack.service(number).digest().await?.ok()?;
    match reply.word("/digest") {
        Some(digest) => Ok(digest.to_owned()),
        None => Err(reply.unexpected("a digest").into()),
    }
}

fn short(digest: &str) -> String {
    format!("{}...", digest.chars().take(16).collect::<String>())
}

fn narrate<W: Write>(
    stage: &mut Stage<'_, W>,
    who: &str,
    what: &str,
    outcome: &str,
    since: Instant,
) -> anyhow::Result<()> {
    stage.teller.step(&Step {
        who,
        what,
        outcome,
        effective: "",
        sequence: None,
        took: since.elapsed(),
    })
}
