//! Chapters (a) and (b): every user decides for themselves.

use std::io::Write;

use anyhow::bail;
use assent_dev_stack::actors::{ANA, BEN, Reaction};

use super::stage::Stage;

pub(crate) async fn ana_signs_in<W: Write>(stage: &mut Stage<'_, W>) -> anyhow::Result<()> {
    stage
        .teller
        .chapter("(a) Ana signs in; her company lets every user decide for themselves")?;
    let reply = stage
        .sign_in(
            "ana",
            Some(ANA),
            "signs in through Microsoft for the first time",
            ("prompt", "nothing"),
        )
        .await?;
    if *reply.value("/missing/contacts") != true {
        bail!(reply.unexpected("contacts among what is missing"));
    }

    let grant = stage
        .ana
        .start_grant(&["calendar", "email"], Some(ANA))
        .await?
        .ok()?;
    stage.tell(
        "Ana",
        "ticks calendar and email, and is sent to Microsoft",
        "flow started",
        Some(&grant),
    )?;
    let url = Stage::<W>::authorize_url(&grant)?;
    stage
        .walk(
            &url,
            (ANA, Reaction::Accept),
            "accepts on Microsoft's page",
            "completed",
        )
        .await?;
    let ana = stage.ana.clone();
    stage
        .sees(&ana, "looks at her permissions", "calendar, email (full)")
        .await?;

    let reply = stage
        .sign_in(
            "ana",
            Some(ANA),
            "signs in again: only contacts are asked for",
            ("prompt", "calendar, email (full)"),
        )
        .await?;
    if *reply.value("/missing/calendar") != false || *reply.value("/missing/contacts") != true {
        bail!(reply.unexpected("contacts, and nothing else, to be missing"));
    }
    let url = Stage::<W>::authorize_url(&reply)?;
    stage
        .walk(
            &url,
            (ANA, Reaction::Decline),
            "declines contacts on Microsoft's page",
            "declined",
        )
        .await?;
    stage
        .sees(&ana, "keeps what she granted", "calendar, email (full)")
        .await?;
    stage
        .sign_in(
            "ana",
            Some(ANA),
            "signs in again: she has answered, and is not asked",
            ("proceed", "calendar, email (full)"),
        )
        .await?;
    Ok(())
}

pub(crate) async fn ben_revokes<W: Write>(stage: &mut Stage<'_, W>) -> anyhow::Result<()> {
    stage
        .teller
        .chapter("(b) Ben grants everything, then takes email back")?;
    let reply = stage
        .sign_in(
            "ben",
            None,
            "signs in with a password",
            ("prompt", "nothing"),
        )
        .await?;
    let url = Stage::<W>::authorize_url(&reply)?;
    let landing = stage
        .walk(
            &url,
            (BEN, Reaction::Accept),
            "accepts; nobody knew yet whose mailbox to expect",
            "awaiting_confirmation",
        )
        .await?;
    let Some(confirm) = landing.confirm else {
        bail!("the browser brought no confirm value back");
    };
    let confirmed = stage.ben.confirm(&landing.flow, &confirm).await?.ok()?;
    if confirmed.word("/state") != Some("completed") {
        bail!(confirmed.unexpected("the flow completed"));
    }
    stage.tell(
        "Ben",
        "confirms from his own session that it is his",
        "completed",
        Some(&confirmed),
    )?;
    stage
        .worker_hears(
            Stage::<W>::times(&confirmed),
            confirmed.sequence(),
            ("is told: on for Ben", "calendar, contacts, email (full)"),
        )
        .await?;

    let revoked = stage.ben.revoke("email").await?.ok()?;
    if revoked.effective() != "calendar, contacts" {
        bail!(revoked.unexpected("effective: calendar, contacts"));
    }
    stage.last_sequence = revoked.sequence();
    stage.tell(
        "Ben",
        "revokes email in Settings > My account",
        "revoked",
        Some(&revoked),
    )?;
    stage
        .worker_hears(
            Stage::<W>::times(&revoked),
            revoked.sequence(),
            (
                "is told, since the click: email is off for Ben",
                "calendar, contacts",
            ),
        )
        .await?;
    stage
        .sign_in(
            "ben",
            None,
            "signs in: he has answered, and is not asked",
            ("proceed", "calendar, contacts"),
        )
        .await?;
    Ok(())
}
