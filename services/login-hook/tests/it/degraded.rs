//! Logins fail open, permissions fail closed.

use std::time::Duration;

use assent_contract::values::{EmailLevel, EmailSync, Permission};
use assent_dev_stack::NatsServer;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::fake_services::{EVERYTHING, NOTHING, Reply, begun, consented, individual, set};
use crate::fixture::{Fixture, other_sign_in, until};
use crate::microsoft::{CONTOSO, Microsoft, NORTHWIND_GOV};

/// Far above the deadlines of these tests, far below what a user would call held up.
const NOT_HELD_UP: Duration = Duration::from_secs(4);

async fn promptly(fixture: &Fixture, body: &Value) -> Value {
    let began = Instant::now();
    let answer = fixture.decide(body).await;
    let took = began.elapsed();
    assert!(took < NOT_HELD_UP, "{took:?}: {answer}");
    answer
}

/// Nothing is known: the login goes on, and nothing is allowed.
fn expect_unknown(answer: &Value, reason: &str) {
    let expected = json!({
        "decision": "proceed", "reason": reason, "method": null, "effective": NOTHING,
        "allowed": [], "missing": EVERYTHING, "degraded": true, "sequence": null,
    });
    assert_eq!(*answer, expected);
}

#[tokio::test]
async fn without_a_projection_in_time_nothing_is_known() {
    let fixture = Fixture::start_with_deadline("250").await;
    let everything = individual(EmailSync::Full, EVERYTHING, &[]);

    for reply in [
        Reply::Never,
        Reply::After(Duration::from_secs(2), everything.clone()),
    ] {
        fixture.script().state = reply;
        let began = Instant::now();
        let answer = promptly(&fixture, &fixture.microsoft_sign_in(CONTOSO)).await;
        expect_unknown(&answer, "projection_unreachable");
        assert!(began.elapsed() >= Duration::from_millis(240));
    }

    // The projection hears how long it is worth its while to wait, so that whoever is merely ahead hears that.
    let mut ahead = other_sign_in();
    for (at_least, waits) in [(None, false), (Some(7), true)] {
        ahead["at_least"] = json!(at_least);
        fixture.script().state = Reply::With(everything.clone());
        promptly(&fixture, &ahead).await;
        let wait = fixture.script().queries.last().unwrap().wait_ms;
        assert_eq!(wait.is_some(), waits);
        assert!(
            wait.is_none_or(|wait| (100..250).contains(&wait)),
            "{wait:?}"
        );
    }

    let mut admin_without_consent = consented(CONTOSO, EVERYTHING, EVERYTHING);
    admin_without_consent.account.consent = None;
    for (reply, reason) in [
        (Reply::Refuse(504, "not_yet_applied"), "not_yet_applied"),
        (Reply::Refuse(500, "internal_error"), "projection_failed"),
        (Reply::Garbage, "projection_failed"),
        (Reply::With(admin_without_consent), "projection_failed"),
    ] {
        fixture.script().state = reply;
        let answer = promptly(&fixture, &fixture.microsoft_sign_in(CONTOSO)).await;
        expect_unknown(&answer, reason);
    }

    fixture.script().state = Reply::With(everything);
    let answer = promptly(&fixture, &fixture.microsoft_sign_in(CONTOSO)).await;
    assert_eq!(answer["reason"], "all_effective", "{answer}");
    assert_eq!(answer["degraded"], false);
}

/// The value, with each of its words in turn that stands for one of a few replaced by a new one.
fn with_new_words(value: &Value, is_word: fn(&str) -> bool) -> Vec<Value> {
    let paths = pointers(value, String::new());
    let words = paths.into_iter().filter(|(_, text)| is_word(text));
    words
        .map(|(path, _)| {
            let mut newer = value.clone();
            *newer.pointer_mut(&path).unwrap() = json!("unheard_of");
            newer
        })
        .collect()
}

/// Where each text in a value is.
fn pointers(value: &Value, path: String) -> Vec<(String, String)> {
    match value {
        Value::String(text) => Vec::from([(path, text.clone())]),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, part)| pointers(part, format!("{path}/{name}")))
            .collect(),
        Value::Array(parts) => (0..)
            .zip(parts)
            .flat_map(|(index, part)| pointers(part, format!("{path}/{index}")))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// Services of a newer version, which answer in words that this one does not know: the login goes
/// on, and nothing is allowed that was not before.
#[tokio::test]
async fn a_word_that_is_new_holds_no_login_up_and_allows_nothing() {
    let fixture = Fixture::start().await;
    let is_word = |text: &str| !text.contains(['-', ':', '/']);
    let mut state = consented(CONTOSO, EVERYTHING, EVERYTHING);
    state.user.answered = Vec::from([Permission::Calendar, Permission::Email]);
    let state = serde_json::to_value(state).unwrap();
    let newer = with_new_words(&state, is_word);
    assert_eq!(newer.len(), 8, "{state}");
    for state in newer {
        let answered = state["user"]["answered"].as_array().unwrap();
        let is_kind = answered.contains(&json!("unheard_of"));
        fixture.script().state = Reply::Json(state);
        let answer = promptly(&fixture, &fixture.microsoft_sign_in(CONTOSO)).await;
        if is_kind {
            assert_eq!(answer["reason"], "all_effective", "{answer}");
        } else {
            expect_unknown(&answer, "projection_failed");
        }
    }

    let calendar = set(true, false, EmailLevel::None);
    fixture.script().state = Reply::With(consented(CONTOSO, EVERYTHING, calendar));
    let granted = json!({"effective": EVERYTHING, "sequence": 43});
    for granted in with_new_words(&granted, is_word) {
        fixture.script().grant = Reply::Json(granted);
        let answer = promptly(&fixture, &fixture.microsoft_sign_in(CONTOSO)).await;
        assert_eq!(answer["reason"], "automatic_grant_failed", "{answer}");
        assert_eq!(answer["effective"], json!(calendar), "{answer}");
    }

    fixture.script().state = Reply::With(individual(EmailSync::Full, NOTHING, &[]));
    let (asked, left_out) = (
        [Permission::Calendar, Permission::Contacts],
        [Permission::Email],
    );
    let mut begun = serde_json::to_value(begun(&asked, &left_out)).unwrap();
    begun["more"] = json!({"of": 1});
    let newer = with_new_words(&begun, is_word);
    assert_eq!(newer.len(), 3);
    for begun in newer {
        fixture.script().flow = Reply::Json(begun);
        let answer = promptly(&fixture, &other_sign_in()).await;
        assert!(answer["authorize_url"].is_string(), "{answer}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_allows_nothing() {
    let fixture = Fixture::start().await;
    let mut state = consented(CONTOSO, EVERYTHING, EVERYTHING);
    state.blocked = true;
    fixture.script().state = Reply::With(state);
    let answer = fixture.decide(&fixture.microsoft_sign_in(CONTOSO)).await;
    assert_eq!(answer["decision"], "proceed");
    assert_eq!(answer["reason"], "blocked");
    assert_eq!(answer["effective"], json!(NOTHING));
    assert_eq!(answer["missing"], json!(EVERYTHING));
    assert_eq!(answer["degraded"], true);
    assert_eq!(answer["sequence"], 42);
    assert!(fixture.script().grants.is_empty());
}

#[tokio::test]
async fn a_grant_that_was_not_recorded_is_not_effective() {
    let fixture = Fixture::start_with_deadline("1000").await;
    let calendar = set(true, false, EmailLevel::None);
    fixture.script().state = Reply::With(consented(CONTOSO, EVERYTHING, calendar));
    for (reply, reason) in [
        (Reply::Never, "automatic_grant_failed"),
        (Reply::Garbage, "automatic_grant_failed"),
        (
            Reply::Refuse(503, "event_log_unavailable"),
            "automatic_grant_failed",
        ),
        (
            Reply::Refuse(409, "consent_superseded"),
            "automatic_grant_refused",
        ),
        (
            Reply::Refuse(409, "not_administrator_configured"),
            "automatic_grant_refused",
        ),
        (
            Reply::Refuse(409, "tenant_mismatch"),
            "automatic_grant_refused",
        ),
    ] {
        fixture.script().grant = reply;
        let answer = promptly(&fixture, &fixture.microsoft_sign_in(CONTOSO)).await;
        let expected = json!({
            "decision": "proceed", "reason": reason, "method": "admin_configured",
            "effective": calendar, "allowed": ["calendar"], "missing": set(false, true, EmailLevel::Full),
            "degraded": true, "sequence": 42,
        });
        assert_eq!(answer, expected);
    }
}

#[tokio::test]
async fn a_prompt_without_a_gateway_has_no_address() {
    let fixture = Fixture::start_with_deadline("1000").await;
    for reply in [
        Reply::Never,
        Reply::Refuse(409, "managed_by_administrator"),
        Reply::Refuse(503, "event_log_unavailable"),
    ] {
        fixture.script().flow = reply;
        let answer = promptly(&fixture, &other_sign_in()).await;
        let expected = json!({
            "decision": "prompt", "reason": "consent_missing", "method": "user_individual",
            "effective": NOTHING, "allowed": [], "missing": EVERYTHING, "degraded": true, "sequence": 42,
        });
        assert_eq!(answer, expected);
    }
}

#[tokio::test]
async fn logins_go_on_without_nats_and_recover_by_themselves() {
    let mut nats = NatsServer::start().await.unwrap();
    nats.kill();
    let mut fixture = Fixture::start_over(nats, "1000", Microsoft::start().await).await;
    let answer = promptly(&fixture, &fixture.microsoft_sign_in(CONTOSO)).await;
    expect_unknown(&answer, "projection_unreachable");

    fixture.nats.restart().await.unwrap();
    fixture.serve_fakes().await;
    let body = fixture.microsoft_sign_in(CONTOSO);
    until("the login hook found NATS", async || {
        fixture.decide(&body).await["degraded"] == false
    })
    .await;

    fixture.nats.kill();
    until("the login hook noticed", async || {
        promptly(&fixture, &body).await["degraded"] == true
    })
    .await;
    let ready = fixture.http.get(format!("{}/readyz", fixture.base));
    let ready: Value = ready.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        ready["ready"], true,
        "it would hold every login up: {ready}"
    );
}

#[tokio::test]
async fn a_token_that_cannot_be_verified_proves_nothing() {
    let microsoft = Microsoft::start().await;
    microsoft.keys_are_down(true);
    let fixture = Fixture::start_alone("1000", microsoft).await;
    fixture.serve_fakes().await;
    let body = fixture.microsoft_sign_in(CONTOSO);
    let answer = promptly(&fixture, &body).await;
    expect_unknown(&answer, "microsoft_keys_unavailable");
    assert!(fixture.script().queries.is_empty());

    fixture.microsoft.keys_are_down(false);
    until("the keys are there", async || {
        fixture.decide(&body).await["reason"] == "consent_missing"
    })
    .await;
}

#[tokio::test]
async fn a_cloud_that_is_not_known_in_time_counts_as_worldwide() {
    let fixture = Fixture::start_with_deadline("500").await;
    fixture.microsoft.metadata_is_silent(true);
    let state = consented(CONTOSO, EVERYTHING, EVERYTHING);
    fixture.script().state = Reply::With(state);
    let body = fixture.microsoft_sign_in(NORTHWIND_GOV);
    let answer = promptly(&fixture, &body).await;
    assert_eq!(answer["decision"], "reauthenticate");
    assert_eq!(answer["reason"], "another_tenant");

    // It is asked again later, and not at every login.
    fixture.microsoft.metadata_is_silent(false);
    until("the cloud is known", async || {
        promptly(&fixture, &body).await["reason"] == "unsupported_cloud"
    })
    .await;
}
