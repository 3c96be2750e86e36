//! Chapters (c) to (f): an Office 365 administrator decides for everyone, and back.

use std::io::Write;
use std::time::Instant;

use anyhow::{Context, bail};
use assent_dev_stack::actors::{ANA, BEN, CONTOSO, NOOR, OLGA, Reaction, Reply, Visit};
use serde_json::json;

use super::stage::Stage;
use super::teller::Step;

pub(crate) async fn the_company_switches<W: Write>(stage: &mut Stage<'_, W>) -> anyhow::Result<()> {
    stage.teller.chapter(
        "(c) Sam, Super Admin, wants the Office 365 administrator to decide for everyone",
    )?;
    let limited = stage
        .sam
        .set_method("user_individual", "limited")
        .await?
        .ok()?;
    stage.tell(
        "Sam",
        "sets email sync to limited",
        "changed",
        Some(&limited),
    )?;
    stage.last_sequence = limited.sequence();
    let ana = stage.ana.clone();
    stage
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
    let refused = stage.sam.start_admin_consent(&selection).await?;
    stage.refused(
        "Sam",
        "starts the administrator consent",
        refused,
        (409, "full_sync_required"),
    )?;
    let full = stage
        .sam
        .set_method("user_individual", "full")
        .await?
        .ok()?;
    stage.last_sequence = full.sequence();
    stage.tell("Sam", "sets email sync to full", "changed", Some(&full))?;

    let started = stage.sam.start_admin_consent(&selection).await?.ok()?;
    stage.tell(
        "Sam",
        "selects calendar and limited email, and starts again",
        "flow started",
        Some(&started),
    )?;
    a_user_tries_to_accept(stage, &started).await?;

    let started = stage.sam.start_admin_consent(&selection).await?.ok()?;
    stage.tell(
        "Sam",
        "starts anew, and sends the link to Olga",
        "flow started",
        Some(&started),
    )?;
    let url = Stage::<W>::authorize_url(&started)?;
    let begun = Instant::now();
    stage
        .accept_and_confirm(
            &url,
            OLGA,
            "administrator of Contoso, accepts at Microsoft",
            &["Acme", "Sam Sato", CONTOSO],
        )
        .await?;
    let answered = Instant::now();
    let account = expect_account(stage, "admin_configured").await?;
    if account.word("/consent/tenant_id") != Some(CONTOSO) {
        bail!(account.unexpected("a consent of Contoso"));
    }
    stage.last_sequence = account.sequence();
    stage.tell(
        "Sam",
        "sees the method switched, proved by Olga's role",
        "admin_configured",
        Some(&account),
    )?;
    stage
        .worker_hears(
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
    stage: &mut Stage<'_, W>,
    started: &Reply,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let url = Stage::<W>::authorize_url(started)?;
    let page = match stage.microsoft.visit(&url, BEN, Reaction::Accept).await? {
        Visit::Page(code) => code,
        Visit::Redirect(_) => bail!("expected Microsoft to stop Ben at \"Need admin approval\""),
    };
    stage.teller.step(&Step {
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
        stage.stack.gateway.url()
    );
    let landing = stage
        .walk(
            &forged,
            (BEN, Reaction::Accept),
            "comes back with a forged \"the administrator consented\"",
            "refused",
        )
        .await?;
    let flow = stage.sam.flow(&landing.flow).await?.ok()?;
    if flow.word("/code") != Some("not_an_administrator") {
        bail!(flow.unexpected("not_an_administrator"));
    }
    stage.tell(
        "Sam",
        "asks how that flow ended",
        "not_an_administrator",
        Some(&flow),
    )?;
    let account = expect_account(stage, "user_individual").await?;
    if account.sequence() != stage.last_sequence {
        bail!(account.unexpected(&format!("sequence {}, as before", stage.last_sequence)));
    }
    stage.tell(
        "Sam",
        "sees that nothing has changed",
        "user_individual",
        Some(&account),
    )
}

pub(crate) async fn ana_has_to_sign_in_again<W: Write>(
    stage: &mut Stage<'_, W>,
) -> anyhow::Result<()> {
    stage
        .teller
        .chapter("(d) Ana, under the administrator's method")?;
    stage
        .sign_in(
            "ana",
            None,
            "signs in the old way, with a password",
            ("reauthenticate", "nothing"),
        )
        .await?;
    let granted = stage
        .sign_in(
            "ana",
            Some(ANA),
            "signs in through Microsoft: granted at once, no page",
            ("auto_grant", "calendar, email (limited)"),
        )
        .await?;
    stage
        .worker_hears(
            Stage::<W>::times(&granted),
            granted.sequence(),
            ("is told: on for Ana", "calendar, email (limited)"),
        )
        .await?;
    stage
        .sign_in(
            "ana",
            Some(ANA),
            "signs in again",
            ("proceed", "calendar, email (limited)"),
        )
        .await?;
    let refused = stage.ana.revoke("email").await?;
    stage.refused(
        "Ana",
        "tries to revoke email",
        refused,
        (409, "managed_by_administrator"),
    )?;
    let ana = stage.ana.clone();
    stage
        .sees(
            &ana,
            "has what the administrator decided",
            "calendar, email (limited)",
        )
        .await
}

pub(crate) async fn another_cloud_is_turned_away<W: Write>(
    stage: &mut Stage<'_, W>,
) -> anyhow::Result<()> {
    stage
        .teller
        .chapter("(e) A company in GCC High, Microsoft's cloud for US defence suppliers")?;
    let nina = stage.stack.super_admin("northwind", "nina");
    let refused = nina
        .start_admin_consent(&json!({
            "administrator_confirmed": true,
            "permissions": {"calendar": true, "contacts": false, "email": "limited"},
            "tenant": "northwind-gov.example",
        }))
        .await?;
    stage.refused(
        "Nina",
        "Super Admin there, starts the administrator consent",
        refused,
        (422, "unsupported_cloud"),
    )?;
    let login = stage.stack.login("northwind");
    let reply = login.through_microsoft("noor", NOOR, 0).await?.ok()?;
    if reply.word("/decision") != Some("unavailable") || reply.effective() != "nothing" {
        bail!(reply.unexpected("unavailable, effective: nothing"));
    }
    stage.tell(
        "Noor",
        "signs in through that cloud",
        "unavailable",
        Some(&reply),
    )
}

pub(crate) async fn back_to_individual<W: Write>(stage: &mut Stage<'_, W>) -> anyhow::Result<()> {
    stage
        .teller
        .chapter("(f) Back to individual authorization: everyone starts from nothing")?;
    let changed = stage
        .sam
        .set_method("user_individual", "full")
        .await?
        .ok()?;
    stage.last_sequence = changed.sequence();
    stage.tell("Sam", "switches back", "user_individual", Some(&changed))?;
    stage
        .worker_hears(
            Stage::<W>::times(&changed),
            changed.sequence(),
            (
                "is told once for the whole company: everyone starts anew",
                "nothing",
            ),
        )
        .await?;
    let ben = stage.ben.clone();
    stage
        .sees(&ben, "has nothing, whatever he granted before", "nothing")
        .await?;
    let reply = stage
        .sign_in(
            "ana",
            Some(ANA),
            "signs in: she is asked anew",
            ("prompt", "nothing"),
        )
        .await?;
    let url = Stage::<W>::authorize_url(&reply)?;
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
        .sees(
            &ana,
            "looks at her permissions",
            "calendar, contacts, email (full)",
        )
        .await
}

async fn expect_account<W: Write>(stage: &Stage<'_, W>, method: &str) -> anyhow::Result<Reply> {
    let account = stage.sam.account().await?.ok()?;
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
