//! What the operations of the API do, and the rules by which they refuse. Who may call them is in `callers`, what they are
//! sent that they can't read in `bad_input`.

use assent_dev_stack::actors::{ANA, BEN, Reaction};
use serde_json::{Value, json};

use crate::fixture::{Fixture, authorize_url, confirm_of, state_of};

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
