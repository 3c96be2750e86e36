//! An administrator's consent, and the ways in which it is not given. Each company here is another account.

use anyhow::ensure;
use assent_dev_stack::actors::{
    BEN, CONTOSO, ERIK, FABRIKAM, GRACE, HostUser, NOOR, NORTHWIND_GOV, OLGA, Reaction, Visit,
};
use serde_json::json;

use crate::fixture::{Fixture, admin_consent, authorize_url, ended, query_value, selection, start};

/// What the browser of somebody who wants to be believed asks for.
fn forged(stack: &Fixture, state: &str, rest: &str) -> String {
    format!(
        "{}/callbacks/microsoft/admin-consent?admin_consent=True&state={state}&{rest}",
        stack.base
    )
}

async fn is_untouched(sam: &HostUser) -> anyhow::Result<()> {
    let account = sam.account().await?.ok()?;
    ensure!(
        account.word("/method") == Some("user_individual")
            && account.value("/consent").is_null()
            && account.sequence() == 0,
        "{}",
        account.text
    );
    Ok(())
}

#[tokio::test]
async fn whoever_may_not_consent_changes_nothing() -> anyhow::Result<()> {
    let stack = start().await?;
    let contoso = Some("contoso.example");

    let declined = stack.super_admin("declined", "sam");
    let landing = admin_consent(&stack, &declined, contoso, OLGA, Reaction::Decline).await?;
    ended(&declined, &landing, "declined", Some("declined")).await?;

    let cancelled = stack.super_admin("cancelled", "sam");
    let landing = admin_consent(&stack, &cancelled, contoso, OLGA, Reaction::Cancel).await?;
    ended(&cancelled, &landing, "undetermined", Some("undetermined")).await?;

    let another = stack.super_admin("another-tenant", "sam");
    let landing = admin_consent(&stack, &another, contoso, GRACE, Reaction::Accept).await?;
    ended(&another, &landing, "refused", Some("tenant_mismatch")).await?;

    // Microsoft stops Ben; so he comes back with what Microsoft would have said, and signs in as himself.
    let ordinary = stack.super_admin("ordinary-user", "sam");
    let started = ordinary
        .start_admin_consent(&selection(contoso))
        .await?
        .ok()?;
    let url = authorize_url(&started);
    let visit = stack.microsoft().visit(url, BEN, Reaction::Accept).await?;
    ensure!(visit == Visit::Page("AADSTS90093".to_owned()), "{visit:?}");
    let callback = forged(
        &stack,
        &query_value(url, "state")?,
        &format!("tenant={CONTOSO}"),
    );
    let landing = stack
        .microsoft()
        .walk(&callback, BEN, Reaction::Accept)
        .await?;
    ended(&ordinary, &landing, "refused", Some("not_an_administrator")).await?;

    for sam in [declined, cancelled, another, ordinary] {
        is_untouched(&sam).await?;
    }
    ensure!(stack.last_sequence().await? == 0, "something was recorded");
    Ok(())
}

#[tokio::test]
async fn clouds_that_are_not_served_are_turned_away_and_gcc_is_not() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("northwind", "sam");
    for tenant in ["northwind-gov.example", NORTHWIND_GOV] {
        let started = sam.start_admin_consent(&selection(Some(tenant))).await?;
        started.refused(422, "unsupported_cloud")?;
    }

    // Nobody said which tenant, and the browser says that one.
    let started = sam.start_admin_consent(&selection(None)).await?.ok()?;
    let state = query_value(authorize_url(&started), "state")?;
    let callback = forged(&stack, &state, &format!("tenant={NORTHWIND_GOV}"));
    let landing = stack
        .microsoft()
        .walk(&callback, NOOR, Reaction::Accept)
        .await?;
    ended(&sam, &landing, "refused", Some("unsupported_cloud")).await?;
    is_untouched(&sam).await?;

    let gil = stack.super_admin("fabrikam", "gil");
    let landing = admin_consent(
        &stack,
        &gil,
        Some("fabrikam.example"),
        GRACE,
        Reaction::Accept,
    )
    .await?;
    ended(&gil, &landing, "completed", None).await?;
    let account = gil.account().await?.ok()?;
    ensure!(
        account.word("/consent/tenant_id") == Some(FABRIKAM)
            && account.word("/consent/granted_by/object_id") == Some(GRACE.object_id),
        "{}",
        account.text
    );
    Ok(())
}

#[tokio::test]
async fn a_tenant_is_proved_and_never_believed() -> anyhow::Result<()> {
    let stack = start().await?;
    let microsoft = stack.microsoft();
    let (sam, contoso) = (stack.super_admin("acme", "sam"), Some(CONTOSO));

    // Another tenant than the one that was asked for.
    let started = sam.start_admin_consent(&selection(contoso)).await?.ok()?;
    let state = query_value(authorize_url(&started), "state")?;
    let callback = forged(&stack, &state, &format!("tenant={FABRIKAM}"));
    let landing = microsoft.walk(&callback, GRACE, Reaction::Accept).await?;
    ended(&sam, &landing, "refused", Some("tenant_mismatch")).await?;

    // A tenant that is none.
    let started = sam.start_admin_consent(&selection(None)).await?.ok()?;
    let state = query_value(authorize_url(&started), "state")?;
    let callback = forged(
        &stack,
        &state,
        "tenant=00000000-0000-4000-8000-00000000dead",
    );
    let landing = microsoft.walk(&callback, OLGA, Reaction::Accept).await?;
    ended(&sam, &landing, "refused", Some("tenant_mismatch")).await?;

    // `admin_consent=True` is there on errors as well.
    let started = sam.start_admin_consent(&selection(contoso)).await?.ok()?;
    let state = query_value(authorize_url(&started), "state")?;
    let callback = forged(
        &stack,
        &state,
        &format!(
            "tenant={CONTOSO}&error=consent_required&error_description=AADSTS65004%3A+declined"
        ),
    );
    let landing = microsoft.walk(&callback, OLGA, Reaction::Accept).await?;
    ended(&sam, &landing, "declined", Some("declined")).await?;

    is_untouched(&sam).await?;
    ensure!(stack.last_sequence().await? == 0, "something was recorded");

    // Once a tenant has consented, the account is that tenant's.
    let landing = admin_consent(&stack, &sam, contoso, OLGA, Reaction::Accept).await?;
    ended(&sam, &landing, "completed", None).await?;
    let started = sam.start_admin_consent(&selection(Some(FABRIKAM))).await?;
    started.refused(409, "tenant_mismatch")?;
    Ok(())
}

#[tokio::test]
async fn the_rules_of_starting_are_told_before_anybody_is_sent_anywhere() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let everything = json!({"calendar": true, "contacts": true, "email": "full"});

    let unticked = json!({"administrator_confirmed": false, "permissions": everything});
    sam.start_admin_consent(&unticked)
        .await?
        .refused(422, "administrator_not_confirmed")?;
    let nothing = json!({
        "administrator_confirmed": true,
        "permissions": {"calendar": false, "contacts": false, "email": "none"},
    });
    sam.start_admin_consent(&nothing)
        .await?
        .refused(422, "nothing_selected")?;
    sam.set_method("admin_configured", "full")
        .await?
        .refused(409, "administrator_consent_required")?;
    ensure!(stack.last_sequence().await? == 0, "something was recorded");

    sam.set_method("user_individual", "limited").await?.ok()?;
    let refused = sam.start_admin_consent(&selection(Some(CONTOSO))).await?;
    refused.refused(409, "full_sync_required")?;
    sam.set_method("user_individual", "full").await?.ok()?;
    // An application administrator of Adatum is enough.
    let landing =
        admin_consent(&stack, &sam, Some("adatum.example"), ERIK, Reaction::Accept).await?;
    ended(&sam, &landing, "completed", None).await?;
    sam.set_method("admin_configured", "limited")
        .await?
        .refused(409, "managed_by_administrator")?;

    // The same again changes nothing.
    let account = sam.account().await?.ok()?;
    let again = sam.set_method("admin_configured", "full").await?.ok()?;
    ensure!(again.sequence() == account.sequence(), "{}", again.text);
    Ok(())
}
