//! A login sends nobody into the same dead end twice, and the settings say beforehand what needs an administrator.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ADATUM, ANA, Person, Reaction, Reply};
use reqwest::Method;
use serde_json::json;

use crate::fixture::{authorize_url, grant, is_decided, query_value, start};

/// An ordinary user of Adatum with a mailbox in Exchange Online.
pub(crate) async fn finn(stack: &Stack) -> anyhow::Result<Person> {
    const OBJECT_ID: &str = "ada00000-0000-4000-8000-0000000000f1";
    let body = json!({"name": "Finn", "upn": "finn@adatum.example", "id": OBJECT_ID});
    let path = "tenants/adatum.example/users";
    stack
        .microsoft()
        .control(Method::POST, path, Some(&body))
        .await?;
    Ok(Person {
        name: "Finn",
        tenant: ADATUM,
        object_id: OBJECT_ID,
    })
}

/// What the settings say beside each box: whether an administrator has to approve.
pub(crate) fn approvals(reply: &Reply) -> [Option<&str>; 3] {
    ["calendar", "contacts", "email"]
        .map(|permission| reply.word(&format!("/permissions/{permission}/approval")))
}

#[tokio::test]
async fn the_settings_say_beforehand_what_needs_an_administrator() -> anyhow::Result<()> {
    let stack = start().await?;
    let microsoft = stack.microsoft();
    let (finn, person) = (stack.user("adatum", "finn"), finn(&stack).await?);

    // Nothing is known yet: Microsoft's default is the guess, and the settings say so beside the box.
    let seen = finn.see("finn").await?.ok()?;
    ensure!(
        approvals(&seen) == [Some("likely"), Some("not_needed"), Some("likely")],
        "{}",
        seen.text
    );
    // Finn himself may try whenever he likes: policies change.
    microsoft
        .control(
            Method::PATCH,
            "tenants/adatum.example",
            Some(&json!({"policy": "legacy"})),
        )
        .await?;
    grant(&stack, &finn, person, &["calendar"]).await?;
    let seen = finn.see("finn").await?.ok()?;
    ensure!(
        approvals(&seen) == [Some("not_needed"), Some("not_needed"), Some("likely")],
        "{}",
        seen.text
    );
    Ok(())
}

#[tokio::test]
async fn a_tenants_own_word_counts_for_all_its_users_of_that_company_only() -> anyhow::Result<()> {
    let stack = start().await?;
    let microsoft = stack.microsoft();
    let (finn, person) = (stack.user("adatum", "finn"), finn(&stack).await?);
    let calendar = json!({"calendar": true, "contacts": false, "email": "none"});

    let started = finn.start_grant(&["calendar"], Some(person)).await?.ok()?;
    let url = started.word("/authorize_url").context("no flow")?;
    let state = query_value(url, "state")?;
    let callback = format!(
        "{}/callbacks/microsoft/authorize?error=access_denied&error_description=AADSTS90094%3A+x&state={state}",
        stack.gateway.url()
    );
    let landing = microsoft.walk(&callback, person, Reaction::Accept).await?;
    ensure!(
        landing.outcome == "refused"
            && landing
                .address
                .contains("reason=administrator_approval_required"),
        "{landing:?}"
    );
    let flow = finn.flow(&landing.flow).await?.ok()?;
    ensure!(
        flow.word("/detail")
            .is_some_and(|detail| detail.contains("link")),
        "{}",
        flow.text
    );

    // A colleague who was never there is spared it; in another company nobody has heard of it.
    let colleague = stack.login("adatum");
    let reply = colleague
        .wanting("colleague", person, &calendar)
        .await?
        .ok()?;
    is_decided(
        &reply,
        "proceed",
        "administrator_approval_required",
        "calendar",
    )?;
    let elsewhere = stack
        .login("another")
        .wanting("finn", person, &calendar)
        .await?
        .ok()?;
    is_decided(&elsewhere, "prompt", "consent_missing", "calendar")?;
    Ok(())
}

/// Anybody can say to be of a tenant, and make up what it answers. Nobody else is spared a question for it.
#[tokio::test]
async fn who_only_says_to_be_of_a_tenant_teaches_nothing_about_it() -> anyhow::Result<()> {
    let stack = start().await?;
    let eve = stack.user("acme", "eve");
    let all = ["calendar", "contacts", "email"];
    let started = eve.start_grant_claiming(&all, ANA).await?.ok()?;
    let state = query_value(authorize_url(&started)?, "state")?;
    let callback = format!(
        "{}/callbacks/microsoft/authorize?error=access_denied&error_description=AADSTS90094&state={state}",
        stack.gateway.url()
    );
    let landed = stack.microsoft().open(&callback).await?;
    let to = landed.header("location").context("not sent on")?;
    ensure!(to.contains("administrator_approval_required"), "{to}");
    let login = stack.login("acme");
    let decided = login.through_microsoft("ana", ANA, 0).await?.ok()?;
    ensure!(
        decided.word("/decision") == Some("prompt") && decided.value("/needs_approval").is_null(),
        "{}",
        decided.text
    );
    Ok(())
}
