//! Chapter (i): the view is lost, twice, and nothing is; then what an operator sees of it all.

use std::io::Write;
use std::time::Instant;

use anyhow::{Context, bail};
use assent_dev_stack::actors::{BEN, Reaction};

use super::narration::Step;
use super::walkthrough::{ACCOUNT, Walkthrough};

const USERS: [&str; 3] = ["ana", "ben", "sam"];

pub(crate) async fn the_projection_is_killed<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
) -> anyhow::Result<()> {
    walkthrough
        .narrator
        .chapter("(i) The view is killed half-way, and then deleted")?;
    let grant = walkthrough
        .ben
        .start_grant(&["calendar", "email"], Some(BEN))
        .await?
        .ok()?;
    walkthrough.print(
        "Ben",
        "is sent to Microsoft for calendar and email",
        "flow started",
        Some(&grant),
    )?;
    let process = projection(walkthrough)?.process_id().unwrap_or_default();
    let begun = Instant::now();
    projection(walkthrough)?.kill();
    narrate(
        walkthrough,
        "somebody",
        &format!("kills a projection (SIGKILL to process {process})"),
        "killed",
        begun,
    )?;
    let url = Walkthrough::<W>::authorize_url(&grant)?;
    walkthrough
        .walk(
            &url,
            (BEN, Reaction::Accept),
            "accepts meanwhile",
            "completed",
        )
        .await?;
    let ben = walkthrough.ben.clone();
    walkthrough
        .sees(&ben, "looks at his permissions", "calendar, email (full)")
        .await?;

    let begun = Instant::now();
    projection(walkthrough)?.restart().await?;
    let restarted = answers(walkthrough, 0).await?;
    let other = answers(walkthrough, 1).await?;
    if restarted != other {
        bail!("the restarted projection answers\n{restarted:#?}\nthe other one\n{other:#?}");
    }
    narrate(
        walkthrough,
        "projection",
        "is started again: the same answers as its replica",
        "same answers",
        begun,
    )?;
    let begun = Instant::now();
    let before = digest(walkthrough, 0).await?;
    let replica = digest(walkthrough, 1).await?;
    if before != replica {
        bail!("the restarted projection has the digest {before}, its replica {replica}");
    }
    narrate(
        walkthrough,
        "projection",
        "compares its digest with its replica's",
        &short(&before),
        begun,
    )?;

    let directory = walkthrough.stack.projection_data(0);
    let begun = Instant::now();
    projection(walkthrough)?.kill();
    std::fs::remove_dir_all(&directory)
        .with_context(|| format!("{} cannot be deleted", directory.display()))?;
    narrate(
        walkthrough,
        "somebody",
        "kills it again and deletes its directory",
        "deleted",
        begun,
    )?;
    let begun = Instant::now();
    projection(walkthrough)?.restart().await?;
    let rebuilt = answers(walkthrough, 0).await?;
    let after = digest(walkthrough, 0).await?;
    if (&rebuilt, &after) != (&restarted, &before) {
        bail!("before: digest {before}, {restarted:#?}; rebuilt: digest {after}, {rebuilt:#?}");
    }
    narrate(
        walkthrough,
        "projection",
        "is started again and reads the whole log: same digest",
        &short(&after),
        begun,
    )
}

pub(crate) async fn what_an_operator_sees<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
) -> anyhow::Result<()> {
    for arguments in [["explain", ACCOUNT, "ana"].as_slice(), &["doctor"]] {
        let command = format!("consentctl {}", arguments.join(" "));
        let output = walkthrough.stack.consentctl(arguments).await?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!(
                "{command}: expected exit 0, got {}\n{said}{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        walkthrough.narrator.quote(&command, &said)?;
    }
    Ok(())
}

/// The projection that has to suffer.
fn projection<'s, W>(
    walkthrough: &'s mut Walkthrough<'_, W>,
) -> anyhow::Result<&'s mut assent_dev_stack::Program> {
    walkthrough
        .stack
        .projections
        .first_mut()
        .context("there is no projection")
}

/// What a projection says of every user, up to the last event.
async fn answers<W>(
    walkthrough: &Walkthrough<'_, W>,
    number: usize,
) -> anyhow::Result<Vec<(String, String)>> {
    let service = walkthrough.stack.service(number);
    let mut answers = Vec::new();
    for user in USERS {
        let reply = service
            .permissions(ACCOUNT, user, walkthrough.last_sequence)
            .await?
            .ok()?;
        answers.push((user.to_owned(), reply.effective()));
    }
    Ok(answers)
}

/// The digest of a projection's view.
async fn digest<W>(walkthrough: &Walkthrough<'_, W>, number: usize) -> anyhow::Result<String> {
    let reply = walkthrough.stack.service(number).digest().await?.ok()?;
    match reply.word("/digest") {
        Some(digest) => Ok(digest.to_owned()),
        None => Err(reply.unexpected("a digest").into()),
    }
}

fn short(digest: &str) -> String {
    format!("{}...", digest.chars().take(16).collect::<String>())
}

fn narrate<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
    who: &str,
    what: &str,
    outcome: &str,
    since: Instant,
) -> anyhow::Result<()> {
    walkthrough.narrator.step(&Step {
        who,
        what,
        outcome,
        effective: "",
        sequence: None,
        took: since.elapsed(),
    })
}
