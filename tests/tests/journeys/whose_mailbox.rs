//! A permission is of one mailbox, and nobody's mailbox ends up under another's name.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, BEN, HostUser, Landing, OLGA, Person, Reaction, Reply};
use assent_domain::event::Event;
use serde_json::{Value, json};

use crate::fixture::{
    admin_consent, authorize_url, ended, grant, last_sequence, log, start, user_history,
};

fn identity(person: Person) -> Value {
    json!({"tenant_id": person.tenant, "object_id": person.object_id})
}

async fn walk(stack: &Stack, started: Reply, person: Person) -> anyhow::Result<Landing> {
    let started = started.ok()?;
    let url = authorize_url(&started)?;
    Ok(stack
        .microsoft()
        .walk(url, person, Reaction::Accept)
        .await?)
}

/// The link of a flow that names somebody else is sent to that somebody, whom Microsoft asks nothing any more.
#[tokio::test]
async fn a_users_own_word_on_who_they_are_refuses_others_and_spares_no_question()
-> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let ben = stack.user("acme", "ben");
    grant(&stack, &ben, BEN, &["calendar"]).await?;

    let mallory = stack.user("acme", "mallory");
    let started = mallory.start_grant_claiming(&["calendar"], BEN).await?;
    let landing = walk(&stack, started, BEN).await?;
    ended(&mallory, &landing, "awaiting_confirmation", None).await?;
    ensure!(last_sequence(&log).await? == 1, "Ben's mailbox was taken");

    let started = mallory.start_grant_claiming(&["calendar"], ANA).await?;
    let landing = walk(&stack, started, BEN).await?;
    ended(&mallory, &landing, "refused", Some("identity_mismatch")).await?;

    // Whom the log knows need not be asked again, whoever names them.
    for started in [
        ben.start_grant_claiming(&["contacts"], BEN).await?,
        ben.start_grant(&["email"], None).await?,
    ] {
        let landing = walk(&stack, started, BEN).await?;
        ended(&ben, &landing, "completed", None).await?;
    }
    // But whoever names another moves nowhere without a yes.
    let before = last_sequence(&log).await?;
    let started = ben.start_grant_claiming(&["contacts"], ANA).await?;
    let landing = walk(&stack, started, ANA).await?;
    ended(&ben, &landing, "awaiting_confirmation", None).await?;
    ensure!(last_sequence(&log).await? == before, "moved unasked");

    // Whoever has taken everything back is asked anew whose mailbox it is.
    for permission in ["calendar", "contacts", "email"] {
        ben.revoke(permission).await?.ok()?;
    }
    let started = ben.start_grant(&["calendar"], None).await?;
    let landing = walk(&stack, started, BEN).await?;
    ended(&ben, &landing, "awaiting_confirmation", None).await?;
    Ok(())
}

async fn mailbox_is(
    stack: &Stack,
    user: &HostUser,
    person: Option<Person>,
    effective: &str,
) -> anyhow::Result<Reply> {
    let seen = user.see(user.user_id()).await?.ok()?;
    let expected = person.map_or(Value::Null, identity);
    ensure!(
        seen.value("/microsoft_identity") == &expected,
        "{}",
        seen.text
    );
    ensure!(seen.effective() == effective, "{}", seen.text);
    let at_least = seen.number("/sequence").context("no sequence")?;
    let service = stack.service(0);
    let account = user.account_id();
    let projected = service
        .permissions(account, user.user_id(), at_least)
        .await?
        .ok()?;
    ensure!(
        projected.value("/microsoft_identity") == &expected,
        "{}",
        projected.text
    );
    ensure!(projected.effective() == effective, "{}", projected.text);
    Ok(seen)
}

#[tokio::test]
async fn what_was_granted_of_one_mailbox_is_nothing_for_another() -> anyhow::Result<()> {
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    mailbox_is(&stack, &ana, None, "nothing").await?;
    grant(&stack, &ana, ANA, &["calendar", "email"]).await?;
    mailbox_is(&stack, &ana, Some(ANA), "calendar, email (full)").await?;

    // Somebody else signs in under the same user: nothing of it is theirs, and they are asked about all of it.
    let login = stack.login("acme");
    let decided = login.through_microsoft("ana", BEN, 1).await?.ok()?;
    ensure!(
        (decided.word("/decision"), decided.word("/reason"))
            == (Some("prompt"), Some("another_mailbox")),
        "{}",
        decided.text
    );
    ensure!(decided.effective() == "nothing", "{}", decided.text);
    ensure!(
        decided.value("/missing") == &json!({"calendar": true, "contacts": true, "email": "full"}),
        "{}",
        decided.text
    );
    ensure!(
        stack
            .login_hook
            .log_text()
            .contains("\"security_event\":\"another_mailbox\""),
        "nobody was told"
    );

    // It is theirs from the moment that they say yes, and the old one's no more.
    let url = decided.word("/authorize_url").context("no address")?;
    let only = Reaction::AcceptOnly(&["User.Read", "Contacts.Read"]);
    let landing = stack.microsoft().walk(url, BEN, only).await?;
    ended(&ana, &landing, "completed", Some("partial_grant")).await?;
    let seen = mailbox_is(&stack, &ana, Some(BEN), "contacts").await?;
    ensure!(
        seen.word("/permissions/calendar/state") == Some("another_mailbox"),
        "{}",
        seen.text
    );
    login
        .through_microsoft("ana", ANA, 2)
        .await?
        .ok()?
        .with_text("/reason", "another_mailbox")?
        .with_effective("nothing")?;

    ana.revoke("contacts").await?.ok()?;
    mailbox_is(&stack, &ana, None, "nothing").await?;
    login
        .through_microsoft("ana", ANA, 3)
        .await?
        .ok()?
        .with_text("/reason", "another_mailbox")?;
    Ok(())
}

#[tokio::test]
async fn another_person_of_the_tenant_is_granted_anew_under_their_own_id() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let landing = admin_consent(
        &stack,
        &sam,
        Some("contoso.example"),
        OLGA,
        Reaction::Accept,
    )
    .await?;
    ended(&sam, &landing, "completed", None).await?;
    let login = stack.login("acme");
    let mut at_least = 2;
    for (person, decision) in [
        (ANA, "auto_grant"),
        (ANA, "proceed"),
        (BEN, "auto_grant"),
        (BEN, "proceed"),
        (ANA, "auto_grant"),
    ] {
        let decided = login
            .through_microsoft("ana", person, at_least)
            .await?
            .decided(decision)?
            .with_effective("calendar, email (limited)")?;
        at_least = decided.number("/sequence").context("no sequence")?;
        let ana = stack.user("acme", "ana");
        mailbox_is(&stack, &ana, Some(person), "calendar, email (limited)").await?;
    }
    let log = log(&stack).await?;
    let recorded = user_history(&log, "acme", "ana").await?;
    let people: Vec<_> = recorded
        .events()
        .iter()
        .filter_map(|event| match &event.decoded.event {
            Event::UserScopeGranted(granted) => Some(granted.identity.object_id.0.to_string()),
            Event::UserScopeRevoked(_) | Event::ModeChanged(_) | Event::AdminConsentGranted(_) => {
                None
            }
        })
        .collect();
    ensure!(
        people == [ANA.object_id, BEN.object_id, ANA.object_id],
        "{people:?}"
    );
    ensure!(
        stack
            .gateway
            .log_text()
            .contains("\"security_event\":\"another_mailbox\""),
        "nobody was told"
    );

    // And whoever has to sign in again is told where.
    login
        .with_password("ana", at_least)
        .await?
        .ok()?
        .decided("reauthenticate")?
        .with_text("/tenant_id", ANA.tenant)?;
    Ok(())
}
