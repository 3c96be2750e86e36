//! Chapters (c), (d), (f) and (g): an Office 365 administrator decides for everyone, and back.

use std::io::Write;
use std::time::Instant;

use anyhow::{Context, bail};
use assent_dev_stack::actors::{ANA, BEN, CONTOSO, NOOR, OLGA, Reaction, Reply, Visit};
use serde_json::json;

use super::narration::Step;
use super::walkthrough::Walkthrough;

pub(crate) async fn the_company_switches<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
) -> anyhow::Result<()> {
    walkthrough.narrator.chapter(
        "(c) Sam, Super Admin, wants the Office 365 administrator to decide for everyone",
    )?;
    let limited = walkthrough
        .sam
        .set_method("user_individual", "limited")
        .await?
        .ok()?;
    walkthrough.print(
        "Sam",
        "sets email sync to limited",
        "changed",
        Some(&limited),
    )?;
    walkthrough.last_sequence = limited.sequence();
    let ana = walkthrough.ana.clone();
    walkthrough
        .sees(
            &ana,
            "has given full email; limited is what counts now",
            "calendar, email (limited)",
        )
        .await?;

    let selection = json!({
        "administrator_confirmed": true,
        "permissions": {"calendar": true, "contacts": false, "email": "limited"},
        "tenant": "contoso.example",
    });
    let refused = walkthrough.sam.start_admin_consent(&selection).await?;
    walkthrough.refused(
        "Sam",
        "starts the administrator consent",
        refused,
        (409, "full_sync_required"),
    )?;
    let full = walkthrough
        .sam
        .set_method("user_individual", "full")
        .await?
        .ok()?;
    walkthrough.last_sequence = full.sequence();
    walkthrough.print("Sam", "sets email sync to full", "changed", Some(&full))?;

    let started = walkthrough
        .sam
        .start_admin_consent(&selection)
        .await?
        .ok()?;
    walkthrough.print(
        "Sam",
        "selects calendar and limited email, and starts again",
        "flow started",
        Some(&started),
    )?;
    a_user_tries_to_accept(walkthrough, &started).await?;

    let started = walkthrough
        .sam
        .start_admin_consent(&selection)
        .await?
        .ok()?;
    walkthrough.print(
        "Sam",
        "starts anew, and sends the link to Olga",
        "flow started",
        Some(&started),
    )?;
    let url = Walkthrough::<W>::authorize_url(&started)?;
    let begun = Instant::now();
    walkthrough
        .accept_and_confirm(
            &url,
            OLGA,
            "administrator of Contoso, accepts at Microsoft",
            &["Acme", "Sam Sato", CONTOSO],
        )
        .await?;
    let answered = Instant::now();
    let account = expect_account(walkthrough, "admin_configured").await?;
    if account.word("/consent/tenant_id") != Some(CONTOSO) {
        bail!(account.unexpected("a consent of Contoso"));
    }
    walkthrough.last_sequence = account.sequence();
    walkthrough.print(
        "Sam",
        "sees the method switched, proved by Olga's role",
        "admin_configured",
        Some(&account),
    )?;
    walkthrough
        .worker_receives(
            (begun, answered),
            account.sequence(),
            (
                "is told once for the whole company: everyone starts anew",
                "nothing",
            ),
        )
        .await
}

/// Ben opens the link. Microsoft stops him; so he comes back with a forged success instead.
async fn a_user_tries_to_accept<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
    started: &Reply,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let url = Walkthrough::<W>::authorize_url(started)?;
    let page = match walkthrough
        .microsoft
        .visit(&url, BEN, Reaction::Accept)
        .await?
    {
        Visit::Page(code) => code,
        Visit::Redirect(_) => bail!("expected Microsoft to stop Ben at \"Need admin approval\""),
    };
    walkthrough.narrator.step(&Step {
        who: "Ben",
        what: "no administrator, opens the link and tries to accept",
        outcome: &format!("stopped: {page}"),
        effective: "",
        sequence: None,
        took: begun.elapsed(),
    })?;

    let secret = query_value(&url, "state").context("the link has no state")?;
    let forged = format!(
        "{}/callbacks/microsoft/admin-consent?admin_consent=True&tenant={CONTOSO}&state={secret}",
        walkthrough.stack.gateway.url()
    );
    let landing = walkthrough
        .walk(
            &forged,
            (BEN, Reaction::Accept),
            "comes back with a forged \"the administrator consented\"",
            "refused",
        )
        .await?;
    let flow = walkthrough.sam.flow(&landing.flow).await?.ok()?;
    if flow.word("/code") != Some("not_an_administrator") {
        bail!(flow.unexpected("not_an_administrator"));
    }
    walkthrough.print(
        "Sam",
        "asks how that flow ended",
        "not_an_administrator",
        Some(&flow),
    )?;
    let account = expect_account(walkthrough, "user_individual").await?;
    if account.sequence() != walkthrough.last_sequence {
        bail!(account.unexpected(&format!(
            "sequence {}, as before",
            walkthrough.last_sequence
        )));
    }
    walkthrough.print(
        "Sam",
        "sees that nothing has changed",
        "user_individual",
        Some(&account),
    )
}

pub(crate) async fn ana_has_to_sign_in_again<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
) -> anyhow::Result<()> {
    walkthrough
        .narrator
        .chapter("(d) Ana, under the administrator's method")?;
    walkthrough
        .sign_in(
            "ana",
            None,
            "signs in the old way, with a password",
            ("reauthenticate", "nothing"),
        )
        .await?;
    let granted = walkthrough
        .sign_in(
            "ana",
            Some(ANA),
            "signs in through Microsoft: granted at once, no page",
            ("auto_grant", "calendar, email (limited)"),
        )
        .await?;
    walkthrough
        .worker_receives(
            Walkthrough::<W>::times(&granted),
            granted.sequence(),
            ("is told: on for Ana", "calendar, email (limited)"),
        )
        .await?;
    walkthrough
        .sign_in(
            "ana",
            Some(ANA),
            "signs in again",
            ("proceed", "calendar, email (limited)"),
        )
        .await?;
    let refused = walkthrough.ana.revoke("email").await?;
    walkthrough.refused(
        "Ana",
        "tries to revoke email",
        refused,
        (409, "managed_by_administrator"),
    )?;
    let ana = walkthrough.ana.clone();
    walkthrough
        .sees(
            &ana,
            "has what the administrator decided",
            "calendar, email (limited)",
        )
        .await
}

pub(crate) async fn another_cloud_is_turned_away<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
) -> anyhow::Result<()> {
    walkthrough
        .narrator
        .chapter("(f) A company in GCC High, Microsoft's cloud for US defence suppliers")?;
    let nina = walkthrough.stack.super_admin("northwind", "nina");
    let refused = nina
        .start_admin_consent(&json!({
            "administrator_confirmed": true,
            "permissions": {"calendar": true, "contacts": false, "email": "limited"},
            "tenant": "northwind-gov.example",
        }))
        .await?;
    walkthrough.refused(
        "Nina",
        "Super Admin there, starts the administrator consent",
        refused,
        (422, "unsupported_cloud"),
    )?;
    let login = walkthrough.stack.login("northwind");
    let reply = login.through_microsoft("noor", NOOR, 0).await?;
    let reply = reply.decided("unavailable")?.with_effective("nothing")?;
    walkthrough.print(
        "Noor",
        "signs in through that cloud",
        "unavailable",
        Some(&reply),
    )
}

pub(crate) async fn back_to_individual<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
) -> anyhow::Result<()> {
    walkthrough
        .narrator
        .chapter("(g) Back to individual authorization: everyone starts from nothing")?;
    let changed = walkthrough
        .sam
        .set_method("user_individual", "full")
        .await?
        .ok()?;
    walkthrough.last_sequence = changed.sequence();
    walkthrough.print("Sam", "switches back", "user_individual", Some(&changed))?;
    walkthrough
        .worker_receives(
            Walkthrough::<W>::times(&changed),
            changed.sequence(),
            (
                "is told once for the whole company: everyone starts anew",
                "nothing",
            ),
        )
        .await?;
    let ben = walkthrough.ben.clone();
    walkthrough
        .sees(&ben, "has nothing, whatever he granted before", "nothing")
        .await?;
    let reply = walkthrough
        .sign_in(
            "ana",
            Some(ANA),
            "signs in: she is asked anew",
            ("prompt", "nothing"),
        )
        .await?;
    let url = Walkthrough::<W>::authorize_url(&reply)?;
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
        .sees(
            &ana,
            "looks at her permissions",
            "calendar, contacts, email (full)",
        )
        .await
}

async fn expect_account<W: Write>(
    walkthrough: &Walkthrough<'_, W>,
    method: &str,
) -> anyhow::Result<Reply> {
    let account = walkthrough.sam.account().await?.ok()?;
    if account.word("/method") != Some(method) {
        bail!(account.unexpected(&format!("the method {method}")));
    }
    Ok(account)
}

/// A value of an address's query, still encoded.
fn query_value<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = url.split_once('?')?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
