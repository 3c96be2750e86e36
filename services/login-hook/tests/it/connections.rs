//! Passages through Microsoft without a page, and refresh tokens on their way to the token broker.

use std::time::{Duration, Instant};

use assent_contract::command::{AutomaticGrantRecorded, ConnectionPurpose, Sensitive};
use assent_contract::custody::{Deposited, HeldToken, NotKept};
use assent_contract::query::{LastEvents, LoginState, UserFacts};
use assent_contract::values::{EmailLevel, EmailSync, PersonId};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fake_services::{
    ALL_KINDS, CONNECT_URL, CONSENT, EVERYTHING, NOTHING, Reply, consented, held, holding,
    individual, of_mailbox, set,
};
use crate::fixture::{ANAS_MAILBOX, Fixture, other_sign_in, until};
use crate::microsoft::CONTOSO;

const TOKEN: &str = "a-refresh-token-of-anas";
const KEPT: Deposited = Deposited {
    kept: true,
    reason: None,
};
const NOT_KEPT: Deposited = Deposited {
    kept: false,
    reason: Some(NotKept::Misconfigured),
};

fn with_token(mut body: Value) -> Value {
    body["sign_in"]["refresh_token"] = json!(TOKEN);
    body
}

#[tokio::test]
async fn a_browser_is_sent_for_a_token_that_nobody_holds_and_for_no_other() {
    let fixture = Fixture::start().await.with_broker().await;
    let mut body = fixture.ana_with_everything();
    let return_to = format!("{}/after", fixture.host.origin());
    body["return_to"] = json!(return_to);
    let answer = fixture.decide(&body).await;
    assert_eq!(answer["decision"], "proceed", "{answer}");
    assert_eq!(answer["connect_url"], CONNECT_URL, "{answer}");
    {
        let script = fixture.script();
        let [begun] = script.connections.as_slice() else {
            panic!("{} passages", script.connections.len());
        };
        assert_eq!(begun.purpose, ConnectionPurpose::Custody);
        assert_eq!(begun.microsoft_identity, ANAS_MAILBOX);
        assert_eq!(begun.return_to.as_deref(), Some(return_to.as_str()));
        let hint = begun.login_hint.as_ref().map(|hint| hint.0.as_str());
        assert_eq!(hint, Some("ana@contoso.example"));
    }
    // One that Microsoft wants her to sign in for again, or of another mailbox, is none.
    let another = PersonId {
        object_id: Uuid::from_u128(7),
        ..ANAS_MAILBOX
    };
    let stale = HeldToken {
        reauthentication_required: true,
        ..held(ANAS_MAILBOX)
    };
    for unusable in [stale, held(another)] {
        fixture.passage_ended().await;
        fixture.script().custody = Reply::With(holding(Some(unusable)));
        let answer = fixture.decide(&body).await;
        assert_eq!(answer["connect_url"], CONNECT_URL, "{answer}");
    }
    // Held: it is not asked about again at once.
    fixture.passage_ended().await;
    fixture.script().custody = Reply::With(holding(Some(held(ANAS_MAILBOX))));
    fixture.forget();
    for _ in 0..3 {
        let answer = fixture.decide(&body).await;
        assert_eq!(answer.get("connect_url"), None, "{answer}");
    }
    let script = fixture.script();
    assert_eq!(script.custody_queries.len(), 1);
    assert!(script.connections.is_empty());
}

/// A passage is good for a while: whoever signs in again is offered the same one, and neither the broker nor the gateway asked.
#[tokio::test]
async fn the_same_passage_is_offered_until_it_was_used() {
    let fixture = Fixture::start().await.with_broker().await;
    let body = fixture.ana_with_everything();
    for _ in 0..5 {
        let answer = fixture.decide(&body).await;
        assert_eq!(answer["connect_url"], CONNECT_URL, "{answer}");
    }
    {
        let script = fixture.script();
        let asked = (script.connections.len(), script.custody_queries.len());
        assert_eq!(asked, (1, 1));
    }
    let begun = async |body: &Value| {
        fixture.forget();
        let answer = fixture.decide(body).await;
        assert_eq!(answer["connect_url"], CONNECT_URL, "{answer}");
        fixture.script().connections.len()
    };
    // It leads back elsewhere.
    let mut elsewhere = body.clone();
    elsewhere["return_to"] = json!(format!("{}/elsewhere", fixture.host.origin()));
    assert_eq!(begun(&elsewhere).await, 1);
    assert_eq!(begun(&elsewhere).await, 0);
    // It was used, however it ended.
    fixture.passage_ended().await;
    assert_eq!(begun(&elsewhere).await, 1);
    // Something was decided since, so that it asks for too little or too much.
    let state = individual(EmailSync::Full, EVERYTHING, &ALL_KINDS);
    let mut later = of_mailbox(state, ANAS_MAILBOX);
    later.user.last_sequence = 41;
    fixture.script().state = Reply::With(later);
    assert_eq!(begun(&elsewhere).await, 1);
    assert_eq!(begun(&elsewhere).await, 0);
}

#[tokio::test]
async fn nobody_is_sent_for_what_is_not_there_to_sync() {
    let fixture = Fixture::start().await.with_broker().await;
    let through_microsoft = fixture.microsoft_sign_in(CONTOSO);
    let another = PersonId {
        object_id: Uuid::from_u128(7),
        ..ANAS_MAILBOX
    };
    let everything = consented(CONTOSO, EVERYTHING, EVERYTHING);
    for (state, body) in [
        // Nothing is effective.
        (
            individual(EmailSync::Full, NOTHING, &ALL_KINDS),
            &through_microsoft,
        ),
        // It is not known whose mailbox it would be.
        (
            of_mailbox(everything.clone(), ANAS_MAILBOX),
            &other_sign_in(),
        ),
        // It is somebody else's.
        (
            of_mailbox(individual(EmailSync::Full, EVERYTHING, &ALL_KINDS), another),
            &through_microsoft,
        ),
    ] {
        fixture.script().state = Reply::With(state);
        let answer = fixture.decide(body).await;
        assert_eq!(answer.get("connect_url"), None, "{answer}");
    }
    // She is on her way to Microsoft already.
    let some = set(true, false, EmailLevel::None);
    let state = individual(EmailSync::Full, some, &[]);
    fixture.script().state = Reply::With(of_mailbox(state, ANAS_MAILBOX));
    let answer = fixture.decide(&through_microsoft).await;
    assert_eq!(answer["decision"], "prompt", "{answer}");
    assert_eq!(answer.get("connect_url"), None, "{answer}");
    assert!(fixture.script().connections.is_empty());
    assert!(fixture.script().custody_queries.is_empty());

    // After an automatic grant there is something.
    let state = consented(CONTOSO, EVERYTHING, NOTHING);
    fixture.script().state = Reply::With(state);
    let answer = fixture.decide(&through_microsoft).await;
    assert_eq!(answer["decision"], "auto_grant", "{answer}");
    assert_eq!(answer["connect_url"], CONNECT_URL, "{answer}");
}

#[tokio::test]
async fn without_a_broker_logins_are_as_they_are() {
    let fixture = Fixture::start().await;
    let body = with_token(fixture.ana_with_everything());
    for _ in 0..3 {
        let began = Instant::now();
        let answer = fixture.decide(&body).await;
        assert_eq!(answer["reason"], "all_effective", "{answer}");
        assert_eq!(
            (answer.get("connect_url"), &answer["degraded"]),
            (None, &json!(false))
        );
        // Its deadlines are five seconds here: nobody waited for one.
        assert!(began.elapsed() < Duration::from_secs(4));
    }
    assert!(fixture.script().connections.is_empty());
}

#[tokio::test]
async fn a_broker_that_is_slow_slows_one_login_by_a_little_and_the_next_not() {
    let fixture = Fixture::start_with_deadline("400")
        .await
        .with_broker()
        .await;
    let body = fixture.ana_with_everything();
    fixture.script().custody = Reply::Never;
    let mut took = Vec::new();
    for _ in 0..4 {
        let began = Instant::now();
        let answer = fixture.decide(&body).await;
        assert_eq!(answer["reason"], "all_effective", "{answer}");
        assert_eq!(
            (answer.get("connect_url"), &answer["degraded"]),
            (None, &json!(false))
        );
        took.push(began.elapsed());
    }
    assert_eq!(fixture.script().custody_queries.len(), 1, "{took:?}");
}

#[tokio::test]
async fn a_refresh_token_goes_to_the_broker_and_nowhere_else() {
    let fixture = Fixture::start().await.with_broker().await;
    let answer = fixture
        .decide(&with_token(fixture.ana_with_everything()))
        .await;
    assert_eq!(answer["reason"], "all_effective", "{answer}");
    assert_eq!(answer.get("connect_url"), None, "{answer}");
    {
        let script = fixture.script();
        let [deposit] = script.deposits.as_slice() else {
            panic!("{} deposits", script.deposits.len());
        };
        assert_eq!(deposit.microsoft_identity, ANAS_MAILBOX);
        assert_eq!(deposit.refresh_token, Sensitive(TOKEN.to_owned()));
        assert_eq!(deposit.at_least, Some(42));
        assert!(!format!("{deposit:?}").contains(TOKEN));
        assert!(script.custody_queries.is_empty() && script.connections.is_empty());
    }
    // Where nothing is effective, or it is another's mailbox, it goes nowhere.
    fixture.forget();
    fixture.script().state = Reply::With(individual(EmailSync::Full, NOTHING, &ALL_KINDS));
    fixture.script().flow = Reply::Refuse(409, "already_answered");
    let answer = fixture
        .decide(&with_token(fixture.microsoft_sign_in(CONTOSO)))
        .await;
    assert_eq!(answer["decision"], "proceed", "{answer}");
    assert!(fixture.script().deposits.is_empty());

    // One that is not kept leads to the passage, as if there had been none.
    fixture.script().deposited = Reply::With(NOT_KEPT);
    let user = json!("ben");
    let mut body = with_token(fixture.ana_with_everything());
    body["user_id"] = user;
    let answer = fixture.decide(&body).await;
    assert_eq!(answer["connect_url"], CONNECT_URL, "{answer}");

    // After an automatic grant it is handed over with the sequence of that.
    fixture.forget();
    let state = consented(CONTOSO, EVERYTHING, NOTHING);
    fixture.script().state = Reply::With(state);
    fixture.script().deposited = Reply::With(KEPT);
    let answer = fixture
        .decide(&with_token(fixture.microsoft_sign_in(CONTOSO)))
        .await;
    assert_eq!(answer["decision"], "auto_grant", "{answer}");
    assert_eq!(fixture.script().deposits[0].at_least, Some(43));
}

/// The broker tries the token at Microsoft, which may take its time: the login goes on, and so does the broker.
#[tokio::test]
async fn no_login_waits_for_microsoft_to_be_tried() {
    let fixture = Fixture::start_with_deadline("400")
        .await
        .with_broker()
        .await;
    let body = with_token(fixture.ana_with_everything());
    let late = Duration::from_secs(2);
    fixture.script().deposited = Reply::After(late, KEPT);
    let began = Instant::now();
    let answer = fixture.decide(&body).await;
    assert_eq!(answer["reason"], "all_effective", "{answer}");
    assert_eq!(
        (answer.get("connect_url"), &answer["degraded"]),
        (None, &json!(false))
    );
    assert!(began.elapsed() < late, "{:?}", began.elapsed());
    // What came of it is known later on.
    fixture.script().custody = Reply::With(holding(Some(held(ANAS_MAILBOX))));
    let without = fixture.ana_with_everything();
    until("the deposit is known", async || {
        fixture.forget();
        fixture.decide(&without).await;
        fixture.script().custody_queries.is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_is_of_a_sign_in_through_microsoft_only() {
    let fixture = Fixture::start().await;
    let (status, problem) = fixture.ask(&with_token(other_sign_in())).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    assert_eq!(problem["code"], "invalid_request", "{problem}");
    assert!(!problem.to_string().contains(TOKEN), "{problem}");
}

fn withdrawn(state: LoginState) -> LoginState {
    let state = of_mailbox(state, ANAS_MAILBOX);
    LoginState {
        user: UserFacts {
            last_withdrawal: Some(LastEvents {
                calendar: 9,
                contacts: 0,
                email: 9,
            }),
            ..state.user
        },
        ..state
    }
}

#[tokio::test]
async fn a_withdrawn_consent_leads_through_microsoft() {
    let fixture = Fixture::start().await;
    let contacts = set(false, true, EmailLevel::None);
    let of_this_user = withdrawn(consented(CONTOSO, EVERYTHING, contacts));
    let of_the_consent = consented(CONTOSO, EVERYTHING, NOTHING);
    for (state, effective, grants) in [(of_this_user, contacts, 0), (of_the_consent, NOTHING, 1)] {
        fixture.forget();
        fixture.script().state = Reply::With(state);
        fixture.script().grant = Reply::Refuse(409, "consent_withdrawn");
        let answer = fixture.decide(&fixture.microsoft_sign_in(CONTOSO)).await;
        assert_eq!(answer["decision"], "reauthenticate", "{answer}");
        assert_eq!(answer["reason"], "consent_withdrawn", "{answer}");
        assert_eq!(answer["authorize_url"], CONNECT_URL, "{answer}");
        assert_eq!(answer["tenant_id"], json!(CONTOSO), "{answer}");
        assert_eq!(answer["effective"], json!(effective), "{answer}");
        assert_eq!(answer["degraded"], false, "{answer}");
        let script = fixture.script();
        assert_eq!(script.grants.len(), grants);
        let [begun] = script.connections.as_slice() else {
            panic!("{} passages", script.connections.len());
        };
        let restoration = ConnectionPurpose::Restoration {
            consent_id: CONSENT,
            permissions: EVERYTHING,
        };
        assert_eq!(
            (begun.purpose, begun.microsoft_identity),
            (restoration, ANAS_MAILBOX)
        );
    }

    // What lives of it is granted, be it dead for this user or by what the gateway has noted; the rest leads through Microsoft.
    let of_this_user = withdrawn(consented(CONTOSO, EVERYTHING, NOTHING));
    let of_the_consent = consented(CONTOSO, EVERYTHING, NOTHING);
    for state in [of_this_user, of_the_consent] {
        fixture.forget();
        fixture.script().state = Reply::With(state);
        fixture.script().grant = Reply::With(AutomaticGrantRecorded {
            effective: contacts,
            sequence: 43,
        });
        let answer = fixture.decide(&fixture.microsoft_sign_in(CONTOSO)).await;
        assert_eq!(answer["decision"], "reauthenticate", "{answer}");
        assert_eq!(answer["reason"], "consent_withdrawn", "{answer}");
        assert_eq!(answer["authorize_url"], CONNECT_URL, "{answer}");
        assert_eq!(answer["effective"], json!(contacts), "{answer}");
        assert_eq!(answer["sequence"], 43, "{answer}");
        assert_eq!(fixture.script().grants.len(), 1);
    }
    fixture.script().grant = Reply::Refuse(409, "consent_withdrawn");

    // What it still gives is not held back.
    fixture.forget();
    let mut body = fixture.microsoft_sign_in(CONTOSO);
    body["wants"] = json!(contacts);
    let state = withdrawn(consented(CONTOSO, EVERYTHING, contacts));
    fixture.script().state = Reply::With(state);
    assert_eq!(fixture.decide(&body).await["reason"], "all_effective");

    // Without a gateway that begins it, it is said all the same.
    let state = withdrawn(consented(CONTOSO, EVERYTHING, contacts));
    fixture.script().state = Reply::With(state);
    fixture.script().connection = Reply::Refuse(503, "event_log_unavailable");
    let answer = fixture.decide(&fixture.microsoft_sign_in(CONTOSO)).await;
    assert_eq!(answer["reason"], "consent_withdrawn", "{answer}");
    assert_eq!(
        (answer.get("authorize_url"), &answer["degraded"]),
        (None, &json!(true))
    );
}
