//! A consent that is withdrawn at Microsoft, which tells nobody, and one that is given there again.

use std::time::Duration;

use anyhow::{Context, ensure};
use assent_contract::names::COMMAND_RECORD_WITHDRAWAL;
use assent_dev_stack::actors::{ANA, BEN, CONTOSO, OLGA, Person, Reaction, Reply};
use assent_dev_stack::{NatsUser, SIMULATOR_CLIENT_ID, Stack};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{admin_consent, authorize_url, connect, start_with};

const DEADLINE: Duration = Duration::from_secs(5);
/// Where the host application's own sign-in at Microsoft comes back to.
const RETURN: &str = "http://127.0.0.1:9/signed-in";
const ALL_OF_IT: &str = "calendar, email (limited)";

/// What the token broker reports once Microsoft has refused a refresh; the sequence of what was recorded.
async fn report(stack: &Stack, user: &str, person: Person) -> anyhow::Result<u64> {
    let broker = connect(stack, NatsUser::TokenBroker).await?;
    let command = json!({
        "account_id": "acme", "user_id": user, "permissions": ["calendar", "email"],
        "microsoft_identity": {"tenant_id": person.tenant, "object_id": person.object_id},
        "evidence": {
            "reach": "user", "error": "invalid_grant", "suberror": "consent_required", "code": 65001,
        },
    });
    let payload = command.to_string().into_bytes();
    let answer = broker
        .request(COMMAND_RECORD_WITHDRAWAL, payload, None, DEADLINE)
        .await?;
    let recorded: Value = serde_json::from_slice(&answer)?;
    ensure!(
        recorded.get("recorded") == Some(&json!(["calendar", "email"])),
        "{recorded}"
    );
    let sequence = recorded.get("sequence");
    sequence.and_then(Value::as_u64).context("a sequence")
}

/// What the host application wants for everybody here: what the administrator consented to.
async fn signs_in(stack: &Stack, user: &str, person: Person) -> anyhow::Result<Reply> {
    // In their own browser, which has a session at Microsoft from then on.
    stack
        .microsoft()
        .sign_in(person, "openid profile", RETURN)
        .await?;
    let after = format!("{}/after", stack.host.origin());
    let account = stack.super_admin("acme", "sam").account().await?.ok()?;
    let id_token = stack.microsoft().id_token(person, None).await?;
    let body = json!({
        "account_id": "acme", "user_id": user, "return_to": after, "at_least": account.number("/sequence"),
        "sign_in": {"provider": "microsoft", "id_token": id_token},
    });
    Ok(stack.login("acme").ask(&body).await?.ok()?)
}

#[tokio::test]
async fn it_is_noticed_when_it_dies_and_when_it_lives_again() -> anyhow::Result<()> {
    let stack = start_with(|options| {
        options.simulator_arguments = ["--redirect-uri", RETURN].map(str::to_owned).to_vec();
    })
    .await?;
    let sam = stack.super_admin("acme", "sam");
    admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
    let granted = signs_in(&stack, "ana", ANA).await?.decided("auto_grant")?;
    granted.with_effective(ALL_OF_IT)?;
    let mut worker = stack.start_sync_worker().await?;

    // At Microsoft, behind our back.
    let path = format!("grants?tenant={CONTOSO}&consent_type=AllPrincipals");
    stack
        .microsoft()
        .control(Method::DELETE, &path, None)
        .await?;
    let recorded = report(&stack, "ana", ANA).await?;
    let told = worker.receive(recorded).await?;
    ensure!(told.effective() == "nothing", "{}", told.effective());
    let account = sam.account().await?.ok()?;
    ensure!(
        account.word("/consent/found_withdrawn/since").is_some(),
        "{}",
        account.text
    );

    // Neither Ana nor a newcomer is granted anything on its word, and Microsoft says that it is still dead.
    for (user, person) in [("ana", ANA), ("ben", BEN)] {
        let answer = signs_in(&stack, user, person)
            .await?
            .decided("reauthenticate")?;
        ensure!(
            answer.word("/reason") == Some("consent_withdrawn"),
            "{}",
            answer.text
        );
        let answer = answer.with_effective("nothing")?;
        let landing = stack
            .microsoft()
            .walk(authorize_url(&answer)?, person, Reaction::Accept)
            .await?;
        ensure!(landing.outcome == "undetermined", "{landing:?}");
        ensure!(
            landing.address.contains("reason=consent_required"),
            "{landing:?}"
        );
    }

    // It is given again, and whoever passes Microsoft next has everything at once.
    let scopes = ["Calendars.ReadWrite", "Mail.Send", "User.Read"];
    let grant = json!({"tenant": CONTOSO, "client_id": SIMULATOR_CLIENT_ID, "scopes": scopes});
    stack
        .microsoft()
        .control(Method::POST, "grants", Some(&grant))
        .await?;
    let answer = signs_in(&stack, "ben", BEN)
        .await?
        .decided("reauthenticate")?;
    let landing = stack
        .microsoft()
        .walk(authorize_url(&answer)?, BEN, Reaction::Accept)
        .await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    let seen = stack.user("acme", "ben").see("ben").await?.ok()?;
    let restored = seen.with_effective(ALL_OF_IT)?.sequence();
    worker.receive(restored).await?;
    let account = sam.account().await?.ok()?;
    ensure!(
        account.value("/consent/found_withdrawn").is_null(),
        "{}",
        account.text
    );
    let next = stack
        .login("acme")
        .through_microsoft("ben", BEN, restored)
        .await?;
    next.decided("proceed")?.with_effective(ALL_OF_IT)?;
    // A newcomer is granted without further ado, and Ana passes Microsoft once.
    signs_in(&stack, "carl", OLGA)
        .await?
        .decided("auto_grant")?;
    let answer = signs_in(&stack, "ana", ANA)
        .await?
        .decided("reauthenticate")?;
    let landing = stack
        .microsoft()
        .walk(authorize_url(&answer)?, ANA, Reaction::Accept)
        .await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    Ok(())
}
