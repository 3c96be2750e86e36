//! Chapters (a) and (b): every user decides for themselves.

use std::io::Write;

use anyhow::bail;
use assent_dev_stack::actors::{ANA, BEN, Reaction};

use super::walkthrough::Walkthrough;

pub(crate) async fn ana_signs_in<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
) -> anyhow::Result<()> {
    walkthrough
        .narrator
        .chapter("(a) Ana signs in; her company lets every user decide for themselves")?;
    let reply = walkthrough
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

    let grant = walkthrough
        .ana
        .start_grant(&["calendar", "email"], Some(ANA))
        .await?
        .ok()?;
    walkthrough.print(
        "Ana",
        "ticks calendar and email, and is sent to Microsoft",
        "flow started",
        Some(&grant),
    )?;
    let url = Walkthrough::<W>::authorize_url(&grant)?;
    walkthrough
        .walk(
            &url,
            (ANA, Reaction::Accept),
            "accepts on Microsoft's page",
            "completed",
        )
        .await?;
    let ana = walkthrough.ana.clone();
    walkthrough
        .sees(&ana, "looks at her permissions", "calendar, email (full)")
        .await?;

    let reply = walkthrough
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
    let url = Walkthrough::<W>::authorize_url(&reply)?;
    walkthrough
        .walk(
            &url,
            (ANA, Reaction::Decline),
            "declines contacts on Microsoft's page",
            "declined",
        )
        .await?;
    walkthrough
        .sees(&ana, "keeps what she granted", "calendar, email (full)")
        .await?;
    walkthrough
        .sign_in(
            "ana",
            Some(ANA),
            "signs in again: she has answered, and is not asked",
            ("proceed", "calendar, email (full)"),
        )
        .await?;
    Ok(())
}

pub(crate) async fn ben_revokes<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
) -> anyhow::Result<()> {
    walkthrough
        .narrator
        .chapter("(b) Ben grants everything, then takes email back")?;
    let reply = walkthrough
        .sign_in(
            "ben",
            None,
            "signs in with a password",
            ("prompt", "nothing"),
        )
        .await?;
    let url = Walkthrough::<W>::authorize_url(&reply)?;
    let landing = walkthrough
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
    let confirmed = walkthrough
        .ben
        .confirm(&landing.flow, &confirm)
        .await?
        .ok()?;
    if confirmed.word("/state") != Some("completed") {
        bail!(confirmed.unexpected("the flow completed"));
    }
    walkthrough.print(
        "Ben",
        "confirms from his own session that it is his",
        "completed",
        Some(&confirmed),
    )?;
    walkthrough
        .worker_receives(
            Walkthrough::<W>::times(&confirmed),
            confirmed.sequence(),
            ("is told: on for Ben", "calendar, contacts, email (full)"),
        )
        .await?;

    let revoked = walkthrough.ben.revoke("email").await?.ok()?;
    if revoked.effective() != "calendar, contacts" {
        bail!(revoked.unexpected("effective: calendar, contacts"));
    }
    walkthrough.last_sequence = revoked.sequence();
    walkthrough.print(
        "Ben",
        "revokes email in Settings > My account",
        "revoked",
        Some(&revoked),
    )?;
    walkthrough
        .worker_receives(
            Walkthrough::<W>::times(&revoked),
            revoked.sequence(),
            (
                "is told, since the click: email is off for Ben",
                "calendar, contacts",
            ),
        )
        .await?;
    walkthrough
        .sign_in(
            "ben",
            None,
            "signs in: he has answered, and is not asked",
            ("proceed", "calendar, contacts"),
        )
        .await?;
    Ok(())
}
