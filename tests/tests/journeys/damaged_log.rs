//! A record of the log is damaged on the server's disk. nats-server answers for it as if it had never been, and counts it
//! all the same; what it held is neither forgotten nor guessed at.

use anyhow::{Context as _, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, BEN, HostUser, OLGA, Reaction};
use serde_json::json;

use crate::fixture::{
    admin_consent, authorize_url, effective_by_the_log, eventually, grant, last_sequence, log,
    start, user_history,
};
use crate::session_client::{self, hidden};

const STREAM: &str = "CONSENT_EVENTS";
const DAMAGED: &str = "event_log_damaged";

/// Flips a bit in these records, or back, while the server is away.
pub(crate) async fn flip(stack: &mut Stack, sequences: &[u64]) -> anyhow::Result<()> {
    stack.nats_mut().stop().await;
    for sequence in sequences {
        stack.nats().flip_bit(STREAM, *sequence)?;
    }
    stack.restart_nats().await?;
    Ok(())
}

/// The gateway has found the server again, and says this of a user; `None` is an answer without trouble.
async fn answers(by: &HostUser, code: Option<&str>) -> anyhow::Result<()> {
    eventually("the gateway answers", async || {
        Ok(by.see(by.user_id()).await?.word("/code") == code)
    })
    .await
}

/// The programs' views, the gateway and the log alone say the same.
async fn all_agree(stack: &Stack, user: &HostUser, effective: &str) -> anyhow::Result<()> {
    caught_up(stack).await?;
    let log = log(stack).await?;
    let last = last_sequence(&log).await?;
    let (account, id) = (user.account_id(), user.user_id());
    let folded = effective_by_the_log(&log, account, id).await?;
    let seen = user.see(id).await?.ok()?;
    let answered = stack
        .service(0)
        .permissions(account, id, last)
        .await?
        .ok()?;
    ensure!(
        seen.effective() == effective
            && seen.value("/effective") == &folded
            && answered.value("/effective") == &folded,
        "{} and {}, by the log {folded}",
        seen.text,
        answered.text
    );
    let told = stack.consentctl(&["explain", account, id]).await?;
    ensure!(told.status.success(), "{told:?}");
    Ok(())
}

async fn digest(stack: &Stack) -> anyhow::Result<String> {
    caught_up(stack).await?;
    Ok(stack.service(0).digest().await?.ok()?.text)
}

/// The projection has found the server again as well, and has applied the whole log.
async fn caught_up(stack: &Stack) -> anyhow::Result<()> {
    let last = last_sequence(&log(stack).await?).await?;
    eventually("the projection has caught up", async || {
        let Ok(status) = stack.service(0).status().await else {
            return Ok(false);
        };
        Ok(status.number("/applied_sequence") == Some(last))
    })
    .await
}

/// Throws the view away and has it built anew.
async fn rebuilt_digest(stack: &mut Stack) -> anyhow::Result<String> {
    let data = stack.projection_data(0);
    let projection = stack.projections.first_mut().context("no projection")?;
    projection.kill();
    std::fs::remove_dir_all(data)?;
    projection.restart().await?;
    digest(stack).await
}

#[tokio::test]
async fn a_users_no_is_recorded_although_the_grant_is_damaged() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));
    grant(&stack, &ben, BEN, &["contacts"]).await?;
    grant(&stack, &ana, ANA, &["calendar", "email"]).await?;
    let under_way = ana.start_grant(&["contacts"], Some(ANA)).await?.ok()?;
    let damaged = last_sequence(&log(&stack).await?).await?;

    flip(&mut stack, &[damaged]).await?;
    answers(&ana, Some(DAMAGED)).await?;

    // Nothing is decided or told on the ground of what can't be read, and others are not concerned.
    ana.see("ana").await?.refused(503, DAMAGED)?;
    let landing = stack
        .microsoft()
        .walk(authorize_url(&under_way)?, ANA, Reaction::Accept)
        .await?;
    ana.flow(&landing.flow)
        .await?
        .ok()?
        .with_text("/code", DAMAGED)?;
    ensure!(ben.see("ben").await?.ok()?.effective() == "contacts");
    let operator = log(&stack).await?;
    ensure!(last_sequence(&operator).await? == damaged);

    // A no is recorded, once.
    let revoked = ana.revoke("calendar").await?.ok()?;
    ensure!(revoked.sequence() == damaged + 1, "{}", revoked.text);
    ensure!(revoked.effective() == "nothing", "{}", revoked.text);
    ensure!(revoked.word("/permissions/calendar/state") == Some("revoked"));
    ensure!(revoked.word("/permissions/email/state") == Some("unknown"));
    ana.revoke("calendar").await?.ok()?;
    ensure!(last_sequence(&operator).await? == damaged + 1);
    stack
        .service(0)
        .permissions("acme", "ana", damaged + 1)
        .await?
        .ok()?
        .with_effective("email (full)")?;

    // An operator is told which record it is, whose, and where.
    let alarm = stack.gateway.log_text();
    let alarm = alarm
        .lines()
        .filter(|line| line.contains(r#""operator_alarm":"event_log_damaged""#))
        .find(|line| line.contains("log.subject"))
        .context("no alarm")?;
    for said in [
        format!("at sequence {damaged}"),
        "consent.events.v1.acme.user.ana".to_owned(),
        r#""nats.server":"assent-"#.to_owned(),
    ] {
        ensure!(alarm.contains(&said), "{alarm}");
    }
    let doctor = stack.consentctl(&["doctor"]).await?;
    let told = String::from_utf8_lossy(&doctor.stdout);
    ensure!(doctor.status.code() == Some(1), "{told}");
    ensure!(
        told.contains(&format!("{damaged} (consent.events.v1.acme.user.ana)")),
        "{told}"
    );

    // A projection that has to read it says what it waits for, and goes on when it is back.
    let data = stack.projection_data(0);
    let projection = stack.projections.first_mut().context("no projection")?;
    projection.kill();
    std::fs::remove_dir_all(data)?;
    projection.restart_unready().await?;
    let readiness = format!("{}/readyz", projection.url());
    let waits_for = format!("event {damaged} is missing from the log");
    eventually("the projection says what it waits for", async || {
        Ok(reqwest::get(&readiness)
            .await?
            .text()
            .await?
            .contains(&waits_for))
    })
    .await?;

    flip(&mut stack, &[damaged]).await?;
    answers(&ana, None).await?;
    if let Some(projection) = stack.projections.first_mut() {
        projection.ready().await?;
    }
    all_agree(&stack, &ana, "email (full)").await?;
    all_agree(&stack, &ben, "contacts").await?;
    ensure!(digest(&stack).await? == rebuilt_digest(&mut stack).await?);
    let history = user_history(&log(&stack).await?, "acme", "ana").await?;
    ensure!(history.past_damage.len() == 1, "{history:?}");
    let told = stack.consentctl(&["explain", "acme", "ana"]).await?;
    let told = String::from_utf8_lossy(&told.stdout);
    ensure!(
        told.contains("Recorded while the log was damaged"),
        "{told}"
    );
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    all_agree(&stack, &ana, "calendar, email (full)").await?;
    Ok(())
}

#[tokio::test]
async fn a_company_is_not_taken_for_a_new_one_when_its_events_are_damaged() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let changed = sam.set_method("user_individual", "limited").await?.ok()?;
    let damaged = changed.sequence();
    let before = digest(&stack).await?;

    flip(&mut stack, &[damaged]).await?;
    answers(&ana, Some(DAMAGED)).await?;

    sam.account().await?.refused(503, DAMAGED)?;
    sam.set_method("user_individual", "full")
        .await?
        .refused(503, DAMAGED)?;
    sam.start_admin_consent(&crate::fixture::selection(None))
        .await?
        .refused(503, DAMAGED)?;
    ana.start_grant(&["contacts"], Some(ANA))
        .await?
        .refused(503, DAMAGED)?;
    let operator = log(&stack).await?;
    ensure!(last_sequence(&operator).await? == damaged);

    // The view knows the company: what is not held is not revoked, what is held is.
    ana.revoke("contacts").await?.ok()?;
    ensure!(last_sequence(&operator).await? == damaged);
    let revoked = ana.revoke("calendar").await?.ok()?;
    ensure!(revoked.sequence() == damaged + 1, "{}", revoked.text);

    flip(&mut stack, &[damaged]).await?;
    answers(&ana, None).await?;
    all_agree(&stack, &ana, "nothing").await?;
    sam.account()
        .await?
        .ok()?
        .with_text("/email_sync", "limited")?;
    ensure!(digest(&stack).await? != before);
    ensure!(digest(&stack).await? == rebuilt_digest(&mut stack).await?);
    Ok(())
}

#[tokio::test]
async fn where_nobody_can_tell_the_epoch_nothing_is_recorded() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let changed = sam.set_method("user_individual", "limited").await?.ok()?;
    for projection in &mut stack.projections {
        projection.kill();
    }

    flip(&mut stack, &[changed.sequence()]).await?;
    answers(&ana, Some(DAMAGED)).await?;

    ana.revoke("calendar").await?.refused(503, DAMAGED)?;
    ensure!(last_sequence(&log(&stack).await?).await? == changed.sequence());
    Ok(())
}

#[tokio::test]
async fn an_administrators_company_stays_one_when_its_events_are_damaged() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    admin_consent(&stack, &sam, None, OLGA, Reaction::Accept).await?;
    let last = last_sequence(&log(&stack).await?).await?;
    let login = stack.login("acme");
    login.with_password("ana", last).await?.ok()?;

    // Its consent, and the switch to it.
    let damaged: Vec<u64> = (1..=last).collect();
    flip(&mut stack, &damaged).await?;
    answers(&ana, Some(DAMAGED)).await?;

    ana.revoke("calendar")
        .await?
        .refused(409, "managed_by_administrator")?;
    sam.set_method("user_individual", "full")
        .await?
        .refused(503, DAMAGED)?;
    login
        .through_microsoft("ana", ANA, last)
        .await?
        .ok()?
        .with_effective("nothing")?;
    ensure!(last_sequence(&log(&stack).await?).await? == last);

    flip(&mut stack, &damaged).await?;
    answers(&ana, None).await?;
    login
        .through_microsoft("ana", ANA, last)
        .await?
        .decided("auto_grant")?;
    let now = sam.account().await?.ok()?;
    ensure!(now.value("/consent") != &json!(null), "{}", now.text);
    Ok(())
}

#[tokio::test]
async fn the_settings_take_back_what_can_not_be_shown() -> anyhow::Result<()> {
    const PAGE: &str = "/settings/account";
    const FORM: &str = "/settings/account/permissions";
    let mut stack = start().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar", "contacts", "email"]).await?;
    let damaged = last_sequence(&log(&stack).await?).await?;
    let visitor = session_client::user(&stack, "acme", "ana").await?;
    // A page that has stood open since before the damage.
    let open = visitor.get(PAGE).await?.text;
    let field = |name| hidden(&open, name).context("no such field");
    let fields = [
        ("proof", field("proof")?),
        ("epoch", field("epoch")?),
        ("shown", field("shown")?),
        ("contacts", "true"),
        ("email", "true"),
    ];

    flip(&mut stack, &[damaged]).await?;
    answers(&ana, Some(DAMAGED)).await?;

    let saved = visitor.post_bare(FORM, &fields).await?;
    ensure!(saved.status == 303, "{}", saved.text);
    let page = visitor.get(PAGE).await?;
    ensure!(page.status == 503, "{}", page.text);
    for said in ["What you take back is recorded", "Take back Contacts"] {
        ensure!(page.text.contains(said), "{}", page.text);
    }
    let saved = visitor.post(PAGE, FORM, &[("shown", "contacts")]).await?;
    ensure!(saved.status == 303, "{}", saved.text);
    // What is ticked can't be granted now.
    let refused = visitor
        .post(PAGE, FORM, &[("shown", ""), ("calendar", "true")])
        .await?;
    ensure!(refused.status == 503, "{}", refused.text);
    ensure!(last_sequence(&log(&stack).await?).await? == damaged + 2);

    flip(&mut stack, &[damaged]).await?;
    answers(&ana, None).await?;
    all_agree(&stack, &ana, "email (full)").await?;
    Ok(())
}
