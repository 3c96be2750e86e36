//! Each operation of the API: what it answers, and how it refuses.

use std::time::Duration;

use assent_dev_stack::actors::{ANA, BEN, HostUser, Reaction, Reply};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, authorize_url, confirm_of, state_of};

const USER: &str = "/v1/accounts/acme/users/ana";

/// Every operation for which a token is needed, with a body that is good.
fn operations() -> [(Method, String, Option<Value>); 13] {
    let id = Uuid::nil();
    let permissions = json!({"calendar": true, "contacts": false, "email": "limited"});
    let consent = json!({"administrator_confirmed": true, "permissions": permissions});
    let approval = json!({"purpose": "approval", "permissions": permissions});
    let method = json!({"method": "user_individual", "email_sync": "full"});
    let grant = json!({"permissions": ["calendar"]});
    [
        (Method::GET, "/v1/accounts/acme".to_owned(), None),
        (
            Method::PUT,
            "/v1/accounts/acme/authorization-method".to_owned(),
            Some(method),
        ),
        (
            Method::POST,
            "/v1/accounts/acme/admin-consents".to_owned(),
            Some(consent),
        ),
        (Method::GET, USER.to_owned(), None),
        (Method::POST, format!("{USER}/grants"), Some(grant)),
        (Method::DELETE, format!("{USER}/grants/calendar"), None),
        (Method::DELETE, format!("{USER}/sessions"), None),
        (Method::GET, format!("/v1/flows/{id}"), None),
        (
            Method::POST,
            format!("/v1/flows/{id}/confirmation"),
            Some(json!({"confirm": "x"})),
        ),
        (Method::GET, "/v1/accounts/acme/hand-offs".to_owned(), None),
        (
            Method::POST,
            "/v1/accounts/acme/hand-offs".to_owned(),
            Some(approval),
        ),
        (
            Method::GET,
            format!("/v1/accounts/acme/hand-offs/{id}"),
            None,
        ),
        (
            Method::DELETE,
            format!("/v1/accounts/acme/hand-offs/{id}"),
            None,
        ),
    ]
}

async fn send(by: &HostUser, method: &Method, path: &str, body: Option<&Value>) -> Reply {
    let sent = by.send(method.clone(), path, |request| match body {
        Some(body) => request.json(body),
        None => request,
    });
    sent.await.unwrap()
}

#[tokio::test]
async fn no_operation_is_for_strangers() {
    let fixture = Fixture::start().await;
    let ana = fixture.user("acme", "ana");
    let strangers = [
        (
            "no token",
            ana.clone().bearing("none"),
            401,
            "unauthenticated",
        ),
        (
            "expired",
            fixture.with_token("acme", "ana", |token| {
                token.expires_in(Duration::ZERO).expired()
            }),
            401,
            "unauthenticated",
        ),
        (
            "another key",
            fixture.with_token("acme", "ana", |token| {
                token.role("x").signed_by_another_key()
            }),
            401,
            "unauthenticated",
        ),
    ];
    for (who, stranger, status, code) in strangers {
        for (method, path, body) in operations() {
            let reply = send(&stranger, &method, &path, body.as_ref()).await;
            let refused = reply.refused(status, code);
            assert!(refused.is_ok(), "{who}: {method} {path}: {refused:?}");
        }
    }
    // A good token of another account reaches nothing of this one.
    let other = fixture.super_admin("other", "ana");
    for (method, path, body) in operations() {
        let reply = send(&other, &method, &path, body.as_ref()).await;
        let (status, code) = (reply.status, reply.word("/code").unwrap_or_default());
        let is_refused = matches!((status, code), (403, "forbidden") | (404, "not_found"));
        assert!(is_refused, "{method} {path}: {status} {}", reply.text);
    }
}

#[tokio::test]
async fn what_is_misspelt_is_refused_and_changes_nothing() {
    let fixture = Fixture::start().await;
    let sam = fixture.super_admin("acme", "ana");
    for (method, path, body) in operations() {
        let Some(Value::Object(mut fields)) = body else {
            continue;
        };
        fields.insert("misspelt".to_owned(), json!(true));
        let unknown = send(&sam, &method, &path, Some(&Value::Object(fields))).await;
        let refused = unknown.refused(400, "invalid_request");
        assert!(refused.is_ok(), "{method} {path}: {refused:?}");
        let none = send(&sam, &method, &path, Some(&json!([]))).await;
        let refused = none.refused(400, "invalid_request");
        assert!(refused.is_ok(), "{method} {path}: {refused:?}");
    }
    for path in [
        "/v1/accounts/acme?at_leest=1".to_owned(),
        format!("{USER}?at_least=x"),
        "/v1/accounts/ac%20me".to_owned(),
        "/v1/flows/none".to_owned(),
    ] {
        let reply = send(&sam, &Method::GET, &path, None).await;
        assert_eq!(reply.word("/code"), Some("invalid_request"), "{path}");
    }
    let unknown = format!("{USER}/grants/tasks");
    let reply = send(&sam, &Method::DELETE, &unknown, None).await;
    reply.refused(400, "invalid_request").unwrap();
    let account = sam.account().await.unwrap().ok().unwrap();
    assert_eq!(account.number("/sequence"), Some(0), "{}", account.text);
}

#[tokio::test]
async fn a_users_grant_from_its_start_to_its_revocation() {
    let fixture = Fixture::start().await;
    let ana = fixture.user("acme", "ana");
    let started = ana.start_grant(&["calendar", "contacts"], None).await;
    let started = started.unwrap().ok().unwrap();
    assert_eq!(started.status, 201);
    let flow = started.word("/flow_id").unwrap().to_owned();
    let landing = fixture
        .microsoft()
        .walk(authorize_url(&started), ANA, Reaction::Accept)
        .await
        .unwrap();
    assert_eq!(
        (landing.flow.as_str(), landing.outcome.as_str()),
        (flow.as_str(), "awaiting_confirmation")
    );
    let ben = fixture.user("acme", "ben");
    let confirm = confirm_of(&landing);
    ben.flow(&flow)
        .await
        .unwrap()
        .refused(404, "not_found")
        .unwrap();
    ben.confirm(&flow, confirm)
        .await
        .unwrap()
        .refused(404, "not_found")
        .unwrap();
    let namesake = fixture.user("other", "ana");
    let confirmed = namesake.confirm(&flow, confirm).await.unwrap();
    confirmed.refused(404, "not_found").unwrap();
    ana.confirm(&flow, "guessed")
        .await
        .unwrap()
        .refused(400, "invalid_request")
        .unwrap();
    let confirmed = ana.confirm(&flow, confirm).await.unwrap().ok().unwrap();
    assert_eq!(confirmed.word("/state"), Some("completed"));
    assert_eq!(confirmed.header("assent-sequence"), Some("1"));
    ana.confirm(&flow, confirm)
        .await
        .unwrap()
        .refused(409, "flow_already_used")
        .unwrap();

    let seen = ana.see("ana").await.unwrap().ok().unwrap();
    assert_eq!(seen.effective(), "calendar, contacts");
    let revoked = ana.revoke("calendar").await.unwrap().ok().unwrap();
    assert_eq!(revoked.header("assent-sequence"), Some("2"));
    assert_eq!(revoked.effective(), "contacts");
    // Once more is no event, and no error.
    let again = ana.revoke("calendar").await.unwrap().ok().unwrap();
    assert_eq!(again.header("assent-sequence"), Some("2"));
}

#[tokio::test]
async fn somebody_elses_microsoft_account_is_refused() {
    let fixture = Fixture::start().await;
    let ana = fixture.user("acme", "ana");
    let finish = async |permission: &str, expected, by, outcome: &str| {
        let started = ana.start_grant(&[permission], expected).await.unwrap();
        let started = started.ok().unwrap();
        let microsoft = fixture.microsoft();
        let url = authorize_url(&started);
        let landing = microsoft.walk(url, by, Reaction::Accept).await.unwrap();
        assert_eq!(landing.outcome, outcome);
        state_of(&ana, &landing.flow).await.1
    };
    let mismatch = Some("identity_mismatch".to_owned());
    let by_another = finish("calendar", Some(ANA), BEN, "refused").await;
    assert_eq!(by_another, mismatch);
    let seen = ana.see("ana").await.unwrap().ok().unwrap();
    assert_eq!(seen.effective(), "nothing");

    // Once granted, the gateway itself remembers whom to expect.
    finish("calendar", Some(ANA), ANA, "completed").await;
    let by_another = finish("contacts", None, BEN, "refused").await;
    assert_eq!(by_another, mismatch);
    let seen = ana.see("ana").await.unwrap().ok().unwrap();
    assert_eq!(seen.effective(), "calendar");
}

#[tokio::test]
async fn the_rules_of_a_companys_settings() {
    let fixture = Fixture::start().await;
    let (ana, sam) = (
        fixture.user("acme", "ana"),
        fixture.super_admin("acme", "sam"),
    );
    let by_user = ana.set_method("user_individual", "limited").await.unwrap();
    by_user.refused(403, "forbidden").unwrap();
    let limited = sam
        .set_method("user_individual", "limited")
        .await
        .unwrap()
        .ok()
        .unwrap();
    assert_eq!(limited.header("assent-sequence"), Some("1"));
    assert_eq!(limited.word("/email_sync"), Some("limited"));
    let same = sam
        .set_method("user_individual", "limited")
        .await
        .unwrap()
        .ok()
        .unwrap();
    assert_eq!(same.header("assent-sequence"), Some("1"));
    // Only an administrator's consent leads there.
    let to_administrator = sam.set_method("admin_configured", "full").await.unwrap();
    to_administrator
        .refused(409, "administrator_consent_required")
        .unwrap();

    let start = async |body: Value| sam.start_admin_consent(&body).await.unwrap();
    let everything = json!({"calendar": true, "contacts": true, "email": "full"});
    let nothing = json!({"calendar": false, "contacts": false, "email": "none"});
    let unticked = start(json!({"permissions": everything})).await;
    unticked
        .refused(422, "administrator_not_confirmed")
        .unwrap();
    let empty = start(json!({"administrator_confirmed": true, "permissions": nothing})).await;
    empty.refused(422, "nothing_selected").unwrap();
    let elsewhere = json!({
        "administrator_confirmed": true,
        "permissions": everything,
        "return_to": "https://evil.example/",
    });
    start(elsewhere)
        .await
        .refused(400, "invalid_request")
        .unwrap();
}
