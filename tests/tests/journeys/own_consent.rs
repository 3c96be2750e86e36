//! A user's own consent: whole, in part, refused in three ways, and by the wrong person.

use anyhow::ensure;
use assent_dev_stack::actors::{ANA, DANA, OLGA, Reaction, Visit};
use serde_json::json;

use crate::fixture::{
    admin_consent, authorize_url, ended, grant, last_sequence, log, query_value, start,
};

#[tokio::test]
async fn the_three_noes_are_not_mixed() -> anyhow::Result<()> {
    let stack = start().await?;
    let (log, microsoft) = (log(&stack).await?, stack.microsoft());

    // Nobody knows: left without an answer, or stopped by Microsoft and gone back.
    let ana = stack.user("acme", "ana");
    let started = ana.start_grant(&["contacts"], Some(ANA)).await?.ok()?;
    let landing = microsoft
        .walk(authorize_url(&started)?, ANA, Reaction::Cancel)
        .await?;
    ended(&ana, &landing, "undetermined", Some("undetermined")).await?;

    let dana = stack.user("adatum", "dana");
    let started = dana.start_grant(&["calendar"], Some(DANA)).await?.ok()?;
    let url = authorize_url(&started)?;
    let visit = microsoft.visit(url, DANA, Reaction::Accept).await?;
    ensure!(visit == Visit::Page("AADSTS90094".to_owned()), "{visit:?}");
    let landing = microsoft.walk(url, DANA, Reaction::Return).await?;
    ended(&dana, &landing, "undetermined", Some("undetermined")).await?;

    // May not: Microsoft says so in its answer.
    let started = dana.start_grant(&["calendar"], Some(DANA)).await?.ok()?;
    let state = query_value(authorize_url(&started)?, "state")?;
    let callback = format!(
        "{}/callbacks/microsoft/authorize?error=access_denied&error_description=AADSTS90094%3A+admin&state={state}",
        stack.gateway.url()
    );
    let landing = microsoft.walk(&callback, DANA, Reaction::Accept).await?;
    ended(
        &dana,
        &landing,
        "refused",
        Some("administrator_approval_required"),
    )
    .await?;
    ensure!(last_sequence(&log).await? == 0, "something was recorded");

    // Declined: the user's own answer, and recorded.
    let started = ana.start_grant(&["contacts"], Some(ANA)).await?.ok()?;
    let landing = microsoft
        .walk(authorize_url(&started)?, ANA, Reaction::Decline)
        .await?;
    ended(&ana, &landing, "declined", Some("declined")).await?;
    ensure!(
        last_sequence(&log).await? == 1,
        "a decline is recorded, once"
    );
    let seen = ana.see("ana").await?.ok()?;
    ensure!(
        seen.word("/permissions/contacts/state") == Some("declined")
            && seen.value("/permissions/contacts/because") == &json!([1]),
        "{}",
        seen.text
    );
    Ok(())
}

#[tokio::test]
async fn what_microsoft_granted_counts_and_no_more() -> anyhow::Result<()> {
    let stack = start().await?;
    let microsoft = stack.microsoft();
    let ana = stack.user("acme", "ana");
    let started = ana
        .start_grant(&["calendar", "contacts"], Some(ANA))
        .await?
        .ok()?;
    let only = Reaction::AcceptOnly(&["User.Read", "Calendars.ReadWrite"]);
    let landing = microsoft.walk(authorize_url(&started)?, ANA, only).await?;
    ended(&ana, &landing, "completed", Some("partial_grant")).await?;
    ana.see("ana").await?.ok()?.with_effective("calendar")?;

    // Under limited sync, more is never asked for.
    let sam = stack.super_admin("acme", "sam");
    sam.set_method("user_individual", "limited").await?.ok()?;
    let started = ana.start_grant(&["email"], None).await?.ok()?;
    let scope = query_value(authorize_url(&started)?, "scope")?;
    ensure!(
        scope.contains("Mail.Send") && !scope.contains("Mail.ReadWrite"),
        "{scope}"
    );
    let landing = microsoft
        .walk(authorize_url(&started)?, ANA, Reaction::Accept)
        .await?;
    ended(&ana, &landing, "completed", None).await?;
    ana.see("ana")
        .await?
        .ok()?
        .with_effective("calendar, email (limited)")?;

    // Revoked, and granted again: Microsoft has nothing to ask by now.
    ana.revoke("email").await?.ok()?;
    let seen = ana.see("ana").await?.ok()?;
    ensure!(
        seen.effective() == "calendar" && seen.word("/permissions/email/state") == Some("revoked"),
        "{}",
        seen.text
    );
    grant(&stack, &ana, ANA, &["email"]).await?;
    ana.see("ana")
        .await?
        .ok()?
        .with_effective("calendar, email (limited)")?;
    Ok(())
}

#[tokio::test]
async fn an_answer_to_an_old_question_is_none_to_a_new_one() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let microsoft = stack.microsoft();
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    let started = ana.start_grant(&["calendar"], Some(ANA)).await?.ok()?;
    let landing = admin_consent(
        &stack,
        &sam,
        Some("contoso.example"),
        OLGA,
        Reaction::Accept,
    )
    .await?;
    ended(&sam, &landing, "completed", None).await?;

    let refused = ana.start_grant(&["calendar"], Some(ANA)).await?;
    refused.refused(409, "managed_by_administrator")?;
    ana.revoke("calendar")
        .await?
        .refused(409, "managed_by_administrator")?;
    let back = sam.set_method("user_individual", "full").await?.ok()?;
    let landing = microsoft
        .walk(authorize_url(&started)?, ANA, Reaction::Accept)
        .await?;
    ended(&ana, &landing, "expired", Some("flow_expired")).await?;
    ensure!(
        last_sequence(&log).await? == back.sequence(),
        "an old answer was recorded"
    );
    Ok(())
}
