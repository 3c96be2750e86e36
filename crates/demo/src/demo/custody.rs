//! Chapter (e): a sync worker borrows tokens, the consent is withdrawn at Microsoft behind our back, and is given again.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use assent_dev_stack::SIMULATOR_CLIENT_ID;
use assent_dev_stack::actors::{BEN, CONTOSO, HostService, OLGA, Reaction, Reply};
use serde_json::json;

use super::narration::Step;
use super::walkthrough::{ACCOUNT, Walkthrough};

/// What Ben has under the administrator's consent.
const DECIDED: &str = "calendar, email (limited)";

pub(crate) async fn a_consent_dies_and_lives_again<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
) -> anyhow::Result<()> {
    walkthrough.narrator.chapter(
        "(e) The sync worker borrows tokens, until the consent is withdrawn at Microsoft",
    )?;
    let worker = walkthrough.stack.token_service(0);
    ben_is_connected(walkthrough).await?;
    borrows(walkthrough, &worker, "asks for a token for Ben's calendar").await?;
    is_withdrawn(walkthrough, &worker).await?;
    is_given_again(walkthrough).await?;
    borrows(walkthrough, &worker, "asks again for Ben's calendar").await
}

/// A login brings a token without a page, where the broker holds none.
async fn ben_is_connected<W: Write>(walkthrough: &mut Walkthrough<'_, W>) -> anyhow::Result<()> {
    let what = "signs in: granted, but there is no token yet";
    let login = walkthrough
        .sign_in("ben", Some(BEN), what, ("auto_grant", DECIDED))
        .await?;
    // The token of his own consent was destroyed when the company switched; unless the broker is slower than he is.
    if let Some(connect) = login.word("/connect_url") {
        let what = "passes Microsoft, which shows no page";
        walkthrough
            .walk(connect, (BEN, Reaction::Accept), what, "completed")
            .await?;
    }
    Ok(())
}

/// The worker is given a token.
async fn borrows<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
    worker: &HostService,
    what: &str,
) -> anyhow::Result<()> {
    let given = ask(walkthrough, worker).await?.ok()?;
    let ends = given.word("/expires_at").context("no end")?;
    let ends = ends.get(11..16).unwrap_or(ends);
    walkthrough.print(
        "sync worker",
        what,
        &format!("given, and ends at {ends} UTC"),
        Some(&given),
    )
}

async fn ask<W: Write>(
    walkthrough: &Walkthrough<'_, W>,
    worker: &HostService,
) -> anyhow::Result<Reply> {
    let at_least = json!({ "at_least": walkthrough.last_sequence });
    let asked = worker.token(ACCOUNT, "ben", "calendar", &at_least).await?;
    Ok(asked)
}

/// Olga takes the consent back, at Microsoft. The first to meet it says so.
async fn is_withdrawn<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
    worker: &HostService,
) -> anyhow::Result<()> {
    let microsoft = walkthrough.microsoft.clone();
    let all = format!("grants?tenant={CONTOSO}");
    microsoft
        .control(reqwest::Method::DELETE, &all, None)
        .await?;
    at_microsoft(
        walkthrough,
        "removes the application's permissions at Microsoft",
        "we are told nothing",
    )?;
    let met = json!({ "error": "invalid_grant", "suberror": "consent_required", "code": 65001 });
    let reported = worker.report(ACCOUNT, "ben", &met).await?.ok()?;
    walkthrough.print(
        "sync worker",
        "meets consent_required, and reports it",
        "Microsoft was asked: withdrawn",
        Some(&reported),
    )?;
    let ben = walkthrough.ben.clone();
    walkthrough
        .sees(
            &ben,
            "has nothing, and is told why in his settings",
            "nothing",
        )
        .await?;
    let refused = ask(walkthrough, worker).await?;
    walkthrough.refused(
        "sync worker",
        "asks for a token for Ben's calendar",
        refused,
        (403, "not_permitted"),
    )?;
    let what = "signs in: a dead consent grants nothing any more";
    let login = walkthrough
        .sign_in("olga", Some(OLGA), what, ("reauthenticate", "nothing"))
        .await?;
    if login.word("/reason") != Some("consent_withdrawn") {
        bail!(login.unexpected("the reason consent_withdrawn"));
    }
    let account = walkthrough.sam.account().await?.ok()?;
    if account.word("/consent/found_withdrawn/since").is_none() {
        bail!(account.unexpected("a consent that was found withdrawn"));
    }
    walkthrough.print(
        "Sam",
        "sees that the consent is dead, and since when",
        "found_withdrawn",
        Some(&account),
    )
}

/// Olga consents again at Microsoft. The next login finds that out.
async fn is_given_again<W: Write>(walkthrough: &mut Walkthrough<'_, W>) -> anyhow::Result<()> {
    let again = json!({
        "tenant": CONTOSO, "client_id": SIMULATOR_CLIENT_ID,
        "scopes": ["openid", "profile", "offline_access", "User.Read", "Calendars.ReadWrite", "Mail.Send"],
    });
    let microsoft = walkthrough.microsoft.clone();
    microsoft
        .control(reqwest::Method::POST, "grants", Some(&again))
        .await?;
    at_microsoft(
        walkthrough,
        "consents again in the Entra admin center",
        "we are told nothing",
    )?;
    let what = "signs in: the consent is tried again";
    let login = walkthrough
        .sign_in("ben", Some(BEN), what, ("reauthenticate", "nothing"))
        .await?;
    let tries = Walkthrough::<W>::authorize_url(&login)?;
    let what = "passes Microsoft, which shows no page";
    walkthrough
        .walk(&tries, (BEN, Reaction::Accept), what, "completed")
        .await?;
    let ben = walkthrough.ben.clone();
    walkthrough.sees(&ben, "has what he had", DECIDED).await
}

/// Something that happened at Microsoft only.
fn at_microsoft<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
    what: &str,
    outcome: &str,
) -> anyhow::Result<()> {
    walkthrough.narrator.step(&Step {
        who: OLGA.name,
        what,
        outcome,
        effective: "",
        sequence: None,
        took: Duration::ZERO,
    })
}
