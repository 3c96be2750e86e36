//! Consents that Microsoft says are withdrawn, and those that live again.

use anyhow::{Context, ensure};
use assent_contract::names;
use assent_dev_stack::actors::{
    ANA, BEN, CONTOSO, FABRIKAM, FARID, HostUser, OLGA, Person, Reaction, Visit,
};
use assent_dev_stack::{NatsUser, SIMULATOR_CLIENT_ID};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Fixture, admin_consent, ended, query_value, start};

/// What the tests' administrators consent to.
fn selected() -> Value {
    json!({"calendar": true, "contacts": false, "email": "limited"})
}

/// A company whose administrator consented; its consent's id.
async fn administered(stack: &Fixture, sam: &HostUser) -> anyhow::Result<String> {
    let landing = admin_consent(stack, sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
    ended(sam, &landing, "completed", None).await?;
    consent_of(sam).await
}

async fn consent_of(sam: &HostUser) -> anyhow::Result<String> {
    let account = sam.account().await?.ok()?;
    let id = account.word("/consent/consent_id").context("a consent")?;
    Ok(id.to_owned())
}

/// What a login records that the gateway may grant unasked.
async fn automatic_grant(
    stack: &Fixture,
    (consent, user, person): (&str, &str, Person),
    permissions: Value,
) -> Result<Value, (u16, String)> {
    let command = json!({
        "account_id": "acme", "user_id": user, "consent_id": consent, "permissions": permissions,
        "tenant": {"cloud": "worldwide", "id": person.tenant}, "object_id": person.object_id,
    });
    let subject = names::COMMAND_RECORD_AUTOMATIC_GRANT;
    stack.command(NatsUser::LoginHook, subject, &command).await
}

/// What the token broker reports of a user.
async fn withdrawal(
    stack: &Fixture,
    (user, person): (&str, Person),
    reach: &str,
    permissions: &[&str],
) -> anyhow::Result<Value> {
    let command = json!({
        "account_id": "acme", "user_id": user, "permissions": permissions,
        "microsoft_identity": {"tenant_id": person.tenant, "object_id": person.object_id},
        "evidence": {
            "reach": reach, "error": "invalid_grant", "suberror": "consent_required", "code": 65001,
        },
    });
    let subject = names::COMMAND_RECORD_WITHDRAWAL;
    let recorded = stack
        .command(NatsUser::TokenBroker, subject, &command)
        .await;
    recorded.map_err(|refused| anyhow::anyhow!("{refused:?}"))
}

/// What a login begins for a user of whom the consent was found withdrawn.
async fn restoration(
    stack: &Fixture,
    (consent, user, person): (&str, &str, Person),
) -> Result<Value, (u16, String)> {
    let command = json!({
        "account_id": "acme", "user_id": user,
        "purpose": {"kind": "restoration", "consent_id": consent, "permissions": selected()},
        "microsoft_identity": {"tenant_id": person.tenant, "object_id": person.object_id},
        "login_hint": hint_of(person),
        "return_to": format!("{}/after", stack.host.origin()),
    });
    let subject = names::COMMAND_BEGIN_CONNECTION;
    stack.command(NatsUser::LoginHook, subject, &command).await
}

/// The name by which Microsoft's sign-in page knows somebody.
fn hint_of(person: Person) -> String {
    format!("{}@contoso.example", person.name.to_lowercase())
}

fn refused(code: &str) -> Result<Value, (u16, String)> {
    Err((409, code.to_owned()))
}

/// Signs in at Microsoft in the browser that is this person's.
async fn has_a_session(stack: &Fixture, person: Person) -> anyhow::Result<()> {
    let callback = format!("{}/callbacks/microsoft/authorize", stack.base);
    let address = reqwest::Url::parse_with_params(
        &format!(
            "{}/{}/oauth2/v2.0/authorize",
            stack.simulator_url(),
            person.tenant
        ),
        [
            ("client_id", SIMULATOR_CLIENT_ID),
            ("response_type", "code"),
            ("redirect_uri", &callback),
            ("scope", "openid profile"),
            ("state", "of-the-host"),
            ("nonce", "of-the-host"),
            (
                "code_challenge",
                "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            ),
            ("code_challenge_method", "S256"),
        ],
    )?;
    let microsoft = stack.microsoft();
    let visit = microsoft
        .visit(address.as_str(), person, Reaction::Accept)
        .await?;
    ensure!(matches!(visit, Visit::Redirect(_)), "{visit:?}");
    Ok(())
}

/// The administrator takes the consent back at Microsoft, which tells nobody.
async fn withdrawn_at_microsoft(stack: &Fixture) -> anyhow::Result<()> {
    let path = format!("grants?tenant={CONTOSO}&consent_type=AllPrincipals");
    stack
        .microsoft()
        .control(Method::DELETE, &path, None)
        .await?;
    Ok(())
}

/// And gives it again there.
async fn given_again_at_microsoft(stack: &Fixture, scopes: &[&str]) -> anyhow::Result<()> {
    let grant = json!({"tenant": CONTOSO, "client_id": SIMULATOR_CLIENT_ID, "scopes": scopes});
    stack
        .microsoft()
        .control(Method::POST, "grants", Some(&grant))
        .await?;
    Ok(())
}

async fn found_withdrawn(sam: &HostUser) -> anyhow::Result<Value> {
    let account = sam.account().await?.ok()?;
    Ok(account.value("/consent/found_withdrawn").clone())
}

#[tokio::test]
async fn a_withdrawal_is_recorded_once_and_holds_back_who_comes_next() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let consent = administered(&stack, &sam).await?;
    ensure!(found_withdrawn(&sam).await?.is_null());
    let granted = automatic_grant(&stack, (&consent, "ana", ANA), selected()).await;
    ensure!(
        granted
            .as_ref()
            .is_ok_and(|granted| granted["effective"] == selected()),
        "{granted:?}"
    );

    // Of another mailbox it says nothing: neither of ana nor, from another tenant, of the consent.
    let another = withdrawal(&stack, ("ana", FARID), "tenant", &["calendar"]).await?;
    ensure!(another["recorded"] == json!([]), "{another}");
    ensure!(found_withdrawn(&sam).await?.is_null());

    let all = ["calendar", "contacts", "email"];
    let first = withdrawal(&stack, ("ana", ANA), "user", &["calendar", "contacts"]).await?;
    ensure!(first["recorded"] == json!(["calendar"]), "{first}");
    let again = withdrawal(&stack, ("ana", ANA), "user", &["calendar", "contacts"]).await?;
    ensure!(again["recorded"] == json!([]), "{again}");
    ensure!(again["sequence"] == first["sequence"], "{again}");

    let ana = stack.user("acme", "ana").see("ana").await?.ok()?;
    ensure!(
        ana.word("/permissions/calendar/state") == Some("withdrawn"),
        "{}",
        ana.text
    );
    ensure!(ana.value("/verified_at").is_null(), "{}", ana.text);
    let receipt = ana.value("/permissions/calendar/receipt");
    ensure!(
        receipt["ended_at"].is_string() && receipt["last_token_expires_at"].is_null(),
        "{}",
        ana.text
    );
    for on_or_never in ["email", "contacts"] {
        let pointer = format!("/permissions/{on_or_never}/receipt");
        ensure!(ana.value(&pointer).is_null(), "{}", ana.text);
    }
    let found = found_withdrawn(&sam).await?;
    ensure!(
        found["permissions"] == json!(["calendar"]) && found["reach"] == "user",
        "{found}"
    );

    // Nobody is granted the calendar on the word of that consent any more, and everybody what it still gives.
    let before = stack.last_sequence().await?;
    let refusal = automatic_grant(&stack, (&consent, "ana", ANA), selected()).await;
    ensure!(refusal == refused("consent_withdrawn"), "{refusal:?}");
    ensure!(stack.last_sequence().await? == before);
    let sending = json!({"calendar": false, "contacts": false, "email": "limited"});
    let granted = automatic_grant(&stack, (&consent, "ben", BEN), selected()).await;
    ensure!(
        granted
            .as_ref()
            .is_ok_and(|granted| granted["effective"] == sending),
        "{granted:?}"
    );
    let refusal = automatic_grant(&stack, (&consent, "ben", BEN), selected()).await;
    ensure!(refusal == refused("consent_withdrawn"), "{refusal:?}");

    // The application is gone from the tenant as a whole.
    let gone = withdrawal(&stack, ("ben", BEN), "tenant", &all).await?;
    ensure!(gone["recorded"] == json!(["email"]), "{gone}");
    let later = found_withdrawn(&sam).await?;
    ensure!(
        later["permissions"] == json!(["calendar", "email"]),
        "{later}"
    );
    ensure!(
        later["reach"] == "tenant" && later["since"] == found["since"],
        "{later}"
    );
    let refusal = automatic_grant(&stack, (&consent, "carl", OLGA), sending).await;
    ensure!(refusal == refused("consent_withdrawn"), "{refusal:?}");

    // An administrator consents anew: that is another consent.
    let renewed = administered(&stack, &sam).await?;
    ensure!(renewed != consent && found_withdrawn(&sam).await?.is_null());
    let granted = automatic_grant(&stack, (&renewed, "ana", ANA), selected()).await;
    ensure!(granted.is_ok(), "{granted:?}");
    Ok(())
}

/// What was granted after Microsoft was asked stands, and is found out about by asking again.
#[tokio::test]
async fn a_withdrawal_is_of_what_was_known_when_microsoft_was_asked() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let consent = administered(&stack, &sam).await?;
    let asked_at = stack.last_sequence().await?;
    let granted = automatic_grant(&stack, (&consent, "ana", ANA), selected()).await;
    ensure!(granted.is_ok(), "{granted:?}");
    let report = |as_of: u64| {
        json!({
            "account_id": "acme", "user_id": "ana", "permissions": ["calendar"], "as_of": as_of,
            "microsoft_identity": {"tenant_id": ANA.tenant, "object_id": ANA.object_id},
            "evidence": {"reach": "user", "error": "invalid_grant"},
        })
    };
    for (as_of, recorded) in [
        (asked_at, json!([])),
        (stack.last_sequence().await?, json!(["calendar"])),
    ] {
        let subject = names::COMMAND_RECORD_WITHDRAWAL;
        let answer = stack
            .command(NatsUser::TokenBroker, subject, &report(as_of))
            .await;
        ensure!(
            answer
                .as_ref()
                .is_ok_and(|answer| answer["recorded"] == recorded),
            "{answer:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn two_brokers_that_report_the_same_record_it_once() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let consent = administered(&stack, &sam).await?;
    let granted = automatic_grant(&stack, (&consent, "ana", ANA), selected()).await;
    ensure!(granted.is_ok(), "{granted:?}");
    let before = stack.last_sequence().await?;
    let report = || withdrawal(&stack, ("ana", ANA), "user", &["calendar", "email"]);
    let (one, another) = tokio::join!(report(), report());
    let recorded = [one?, another?].map(|answer| answer["recorded"].clone());
    ensure!(
        recorded.contains(&json!([])) && recorded.contains(&json!(["calendar", "email"])),
        "{recorded:?}"
    );
    ensure!(stack.last_sequence().await? == before + 1);
    Ok(())
}

#[tokio::test]
async fn a_consent_that_lives_again_is_noticed_without_a_page() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let consent = administered(&stack, &sam).await?;
    let granted = automatic_grant(&stack, (&consent, "ana", ANA), selected()).await;
    ensure!(granted.is_ok(), "{granted:?}");
    withdrawn_at_microsoft(&stack).await?;
    withdrawal(&stack, ("ana", ANA), "user", &["calendar", "email"]).await?;

    // Still dead: a session is there, and no consent.
    has_a_session(&stack, ANA).await?;
    let ana = stack.user("acme", "ana");
    let begun = restoration(&stack, (&consent, "ana", ANA)).await;
    let begun = begun.map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    let url = begun["authorize_url"].as_str().context("an address")?;
    ensure!(
        query_value(url, "prompt")? == "none" && query_value(url, "login_hint")? == hint_of(ANA)
    );
    ensure!(url.contains(CONTOSO), "{url}");
    let landing = stack.microsoft().walk(url, ANA, Reaction::Accept).await?;
    ended(&ana, &landing, "undetermined", Some("consent_required")).await?;
    ensure!(
        landing.address.contains("reason=consent_required"),
        "{landing:?}"
    );
    ensure!(
        landing
            .address
            .starts_with(&format!("{}/after", stack.host.origin())),
        "{landing:?}"
    );

    // Nobody is there whom Microsoft knows.
    let begun = restoration(&stack, (&consent, "ben", BEN)).await.unwrap();
    let url = begun["authorize_url"].as_str().context("an address")?;
    let landing = stack.microsoft().walk(url, BEN, Reaction::Accept).await?;
    let ben = stack.user("acme", "ben");
    ended(&ben, &landing, "undetermined", Some("login_required")).await?;
    ensure!(found_withdrawn(&sam).await?["permissions"] == json!(["calendar", "email"]));

    // It lives again, for the calendar only: that comes back, and the rest does not.
    given_again_at_microsoft(&stack, &["Calendars.ReadWrite", "User.Read"]).await?;
    let only_calendar = json!({"calendar": true, "contacts": false, "email": "none"});
    let command = json!({
        "account_id": "acme", "user_id": "ana",
        "purpose": {"kind": "restoration", "consent_id": consent, "permissions": only_calendar},
        "microsoft_identity": {"tenant_id": ANA.tenant, "object_id": ANA.object_id},
    });
    let subject = names::COMMAND_BEGIN_CONNECTION;
    let begun = stack
        .command(NatsUser::LoginHook, subject, &command)
        .await
        .unwrap();
    let url = begun["authorize_url"].as_str().context("an address")?;
    let landing = stack.microsoft().walk(url, ANA, Reaction::Accept).await?;
    ended(&ana, &landing, "completed", None).await?;
    let seen = ana.see("ana").await?.ok()?;
    ensure!(seen.effective() == "calendar", "{}", seen.text);
    ensure!(found_withdrawn(&sam).await?["permissions"] == json!(["email"]));
    let granted = automatic_grant(&stack, (&consent, "ben", BEN), selected()).await;
    ensure!(
        granted
            .as_ref()
            .is_ok_and(|granted| granted["effective"] == only_calendar),
        "{granted:?}"
    );

    // All of it: and from then on everybody else is granted as before.
    given_again_at_microsoft(&stack, &["Calendars.ReadWrite", "Mail.Send", "User.Read"]).await?;
    has_a_session(&stack, BEN).await?;
    let begun = restoration(&stack, (&consent, "ben", BEN)).await.unwrap();
    let url = begun["authorize_url"].as_str().context("an address")?;
    let landing = stack.microsoft().walk(url, BEN, Reaction::Accept).await?;
    ended(&ben, &landing, "completed", None).await?;
    ensure!(found_withdrawn(&sam).await?.is_null());
    let granted = automatic_grant(&stack, (&consent, "carl", OLGA), selected()).await;
    ensure!(
        granted
            .as_ref()
            .is_ok_and(|granted| granted["effective"] == selected()),
        "{granted:?}"
    );
    // Of ana's e-mail her own events still say that it was withdrawn.
    let refusal = automatic_grant(&stack, (&consent, "ana", ANA), selected()).await;
    ensure!(refusal == refused("consent_withdrawn"), "{refusal:?}");
    Ok(())
}

#[tokio::test]
async fn a_passage_is_for_whom_it_was_begun_and_under_what_is_in_force() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let none = restoration(&stack, (FABRIKAM, "ana", ANA)).await;
    ensure!(none == refused("not_administrator_configured"), "{none:?}");
    let consent = administered(&stack, &sam).await?;
    let other = restoration(&stack, (CONTOSO, "ana", ANA)).await;
    ensure!(other == refused("consent_superseded"), "{other:?}");
    let elsewhere = restoration(&stack, (&consent, "farid", FARID)).await;
    ensure!(elsewhere == refused("tenant_mismatch"), "{elsewhere:?}");

    // Ben has a session, and comes back with what was begun for Ana.
    has_a_session(&stack, BEN).await?;
    let ana = stack.user("acme", "ana");
    let command = json!({
        "account_id": "acme", "user_id": "ana",
        "purpose": {"kind": "restoration", "consent_id": consent, "permissions": selected()},
        "microsoft_identity": {"tenant_id": ANA.tenant, "object_id": ANA.object_id},
        "return_to": format!("{}/after", stack.host.origin()),
    });
    let subject = names::COMMAND_BEGIN_CONNECTION;
    let begun = stack.command(NatsUser::LoginHook, subject, &command).await;
    let begun = begun.map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    let url = begun["authorize_url"].as_str().context("an address")?;
    let before = stack.last_sequence().await?;
    let landing = stack.microsoft().walk(url, BEN, Reaction::Accept).await?;
    ended(&ana, &landing, "refused", Some("identity_mismatch")).await?;

    // The company moves on while the browser is away.
    has_a_session(&stack, ANA).await?;
    let begun = restoration(&stack, (&consent, "ana", ANA)).await.unwrap();
    let url = begun["authorize_url"].as_str().context("an address")?;
    sam.set_method("user_individual", "full").await?.ok()?;
    let landing = stack.microsoft().walk(url, ANA, Reaction::Accept).await?;
    ended(&ana, &landing, "expired", Some("flow_expired")).await?;
    ensure!(
        stack.last_sequence().await? == before + 1,
        "a passage recorded something"
    );
    Ok(())
}

/// An address for the host's page that is none of the host's, and a passage that nobody comes back from.
#[tokio::test]
async fn a_passage_ends_like_any_flow() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let consent = administered(&stack, &sam).await?;
    let command = json!({
        "account_id": "acme", "user_id": "ana",
        "purpose": {"kind": "restoration", "consent_id": consent, "permissions": selected()},
        "microsoft_identity": {"tenant_id": ANA.tenant, "object_id": ANA.object_id},
        "return_to": "https://elsewhere.example/after",
    });
    let subject = names::COMMAND_BEGIN_CONNECTION;
    let begun = stack.command(NatsUser::LoginHook, subject, &command).await;
    ensure!(
        begun == Err((400, "invalid_request".to_owned())),
        "{begun:?}"
    );

    has_a_session(&stack, ANA).await?;
    let begun = restoration(&stack, (&consent, "ana", ANA)).await.unwrap();
    let url = begun["authorize_url"].as_str().context("an address")?;
    stack.clock.advance(SignedDuration::from_mins(16));
    let landing = stack.microsoft().walk(url, ANA, Reaction::Accept).await?;
    ended(
        &stack.user("acme", "ana"),
        &landing,
        "expired",
        Some("flow_expired"),
    )
    .await?;

    // Without a key there is nothing to keep a token for.
    let custody = json!({
        "account_id": "acme", "user_id": "ana", "purpose": {"kind": "custody"},
        "microsoft_identity": {"tenant_id": ANA.tenant, "object_id": ANA.object_id},
    });
    let begun = stack.command(NatsUser::LoginHook, subject, &custody).await;
    ensure!(begun == Err((404, "not_found".to_owned())), "{begun:?}");
    Ok(())
}
