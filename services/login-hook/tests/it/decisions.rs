//! Every row of the decision table.

use assent_contract::command::{AutomaticGrantRecorded, ExpectedIdentity, Sensitive};
use assent_contract::values::{EmailLevel, EmailSync, Permission, PermissionSet};
use serde_json::{Value, json};

use crate::fake_services::{
    ALL_KINDS, AUTHORIZE_URL, CONSENT, EVERYTHING, NOTHING, Reply, begun, consented, individual,
    set,
};
use crate::fixture::{Fixture, other_sign_in, sign_in_with};
use crate::microsoft::{ANA, CONTOSO, FABRIKAM, HOST_CLIENT, NORTHWIND_GOV, PERSONAL_ACCOUNTS};

const LIMITED: PermissionSet = set(true, true, EmailLevel::Limited);
const CALENDAR: PermissionSet = set(true, false, EmailLevel::None);

fn expect(answer: &Value, decision: &str, reason: &str) {
    assert_eq!(answer["decision"], decision, "{answer}");
    assert_eq!(answer["reason"], reason, "{answer}");
    assert_eq!(answer["degraded"], false, "{answer}");
}

#[tokio::test]
async fn who_wants_nothing_goes_on() {
    let fixture = Fixture::start().await;
    for (state, method) in [
        (
            individual(EmailSync::Full, CALENDAR, &[]),
            "user_individual",
        ),
        (consented(CONTOSO, EVERYTHING, CALENDAR), "admin_configured"),
    ] {
        fixture.script().state = Reply::With(state);
        let mut body = other_sign_in();
        body["wants"] = json!(NOTHING);
        let answer = fixture.decide(&body).await;
        expect(&answer, "proceed", "nothing_wanted");
        assert_eq!(answer["method"], method);
        assert_eq!(answer["effective"], json!(CALENDAR));
        assert_eq!(answer["missing"], json!(NOTHING));
        assert_eq!(answer["sequence"], 42);
    }
}

#[tokio::test]
async fn nothing_can_be_had_in_an_unsupported_cloud() {
    let fixture = Fixture::start().await;
    for state in [
        individual(EmailSync::Limited, NOTHING, &[]),
        consented(NORTHWIND_GOV, LIMITED, NOTHING),
    ] {
        fixture.script().state = Reply::With(state);
        let answer = fixture
            .decide(&fixture.microsoft_sign_in(NORTHWIND_GOV))
            .await;
        expect(&answer, "unavailable", "unsupported_cloud");
        assert_eq!(answer["effective"], json!(NOTHING));
        assert_eq!(answer["missing"], json!(LIMITED));
    }
    assert!(fixture.script().grants.is_empty() && fixture.script().flows.is_empty());
}

#[tokio::test]
async fn under_a_consent_only_its_own_tenant_will_do() {
    let fixture = Fixture::start().await;
    fixture.script().state = Reply::With(consented(CONTOSO, LIMITED, CALENDAR));
    let rows = [
        (other_sign_in(), "not_through_microsoft"),
        (fixture.microsoft_sign_in(FABRIKAM), "another_tenant"),
    ];
    for (body, reason) in rows {
        let answer = fixture.decide(&body).await;
        expect(&answer, "reauthenticate", reason);
        assert_eq!(answer["method"], "admin_configured");
        assert_eq!(answer["effective"], json!(CALENDAR));
        let missing = set(false, true, EmailLevel::Limited);
        assert_eq!(answer["missing"], json!(missing));
    }
}

#[tokio::test]
async fn guests_and_personal_accounts_get_a_decision_and_no_question() {
    let fixture = Fixture::start().await;
    let guest = sign_in_with(&fixture.microsoft.id_token_of_a_guest());
    let personal = fixture.microsoft_sign_in(PERSONAL_ACCOUNTS);
    for state in [
        individual(EmailSync::Full, NOTHING, &[]),
        consented(CONTOSO, EVERYTHING, NOTHING),
    ] {
        fixture.script().state = Reply::With(state);
        for (sign_in, reason) in [(&guest, "guest"), (&personal, "personal_account")] {
            let answer = fixture.decide(sign_in).await;
            expect(&answer, "unavailable", reason);
            assert_eq!(answer["effective"], json!(NOTHING));
            assert!(answer.get("authorize_url").is_none(), "{answer}");
        }
    }
    fixture.script().state = Reply::With(consented(FABRIKAM, EVERYTHING, NOTHING));
    let answer = fixture.decide(&guest).await;
    expect(&answer, "reauthenticate", "another_tenant");
    assert_eq!(answer["tenant_id"], json!(FABRIKAM));
    assert!(fixture.script().grants.is_empty() && fixture.script().flows.is_empty());
}

#[tokio::test]
async fn what_the_consent_gives_is_effective_already() {
    let fixture = Fixture::start().await;
    fixture.script().state = Reply::With(consented(CONTOSO, LIMITED, EVERYTHING));
    let answer = fixture.decide(&fixture.microsoft_sign_in(CONTOSO)).await;
    expect(&answer, "proceed", "all_effective");
    assert_eq!(answer["effective"], json!(LIMITED));
    // Full e-mail is wanted, but the consent does not give it: it is not missing.
    assert_eq!(answer["missing"], json!(NOTHING));
    assert!(fixture.script().grants.is_empty());
}

#[tokio::test]
async fn what_the_consent_gives_is_recorded_before_the_answer() {
    let fixture = Fixture::start().await;
    fixture.script().state = Reply::With(consented(CONTOSO, LIMITED, CALENDAR));
    fixture.script().grant = Reply::With(AutomaticGrantRecorded {
        effective: LIMITED,
        sequence: 99,
    });
    let answer = fixture.decide(&fixture.microsoft_sign_in(CONTOSO)).await;
    expect(&answer, "auto_grant", "administrator_consented");
    assert_eq!(answer["effective"], json!(LIMITED));
    assert_eq!(answer["missing"], json!(NOTHING));
    assert_eq!(answer["sequence"], 99);
    assert_eq!(answer.get("authorize_url"), None);

    let script = fixture.script();
    let [grant] = script.grants.as_slice() else {
        panic!("{} grants", script.grants.len());
    };
    assert_eq!(grant.consent_id, CONSENT);
    assert_eq!(grant.permissions, EVERYTHING);
    assert_eq!((grant.tenant.id, grant.object_id), (CONTOSO, ANA));
    assert_eq!(grant.account_id.as_str(), "acme");
    assert_eq!(grant.user_id.as_str(), "ana");
    assert!(script.flows.is_empty());
}

#[tokio::test]
async fn a_user_is_prompted_for_exactly_what_is_missing() {
    let fixture = Fixture::start().await;
    let state = individual(EmailSync::Limited, CALENDAR, &[Permission::Calendar]);
    fixture.script().state = Reply::With(state);
    let mut body = fixture.microsoft_sign_in(CONTOSO);
    let return_to = format!("{}/after?x=1", fixture.host.origin());
    body["return_to"] = json!(return_to);
    body["at_least"] = json!(41);
    let answer = fixture.decide(&body).await;
    expect(&answer, "prompt", "consent_missing");
    assert_eq!(answer["method"], "user_individual");
    assert_eq!(answer["effective"], json!(CALENDAR));
    assert_eq!(
        answer["missing"],
        json!(set(false, true, EmailLevel::Limited))
    );
    assert_eq!(answer["authorize_url"], AUTHORIZE_URL);

    {
        let script = fixture.script();
        assert_eq!(script.queries.len(), 1);
        assert_eq!(script.queries[0].at_least, Some(41));
        let flow = &script.flows[0];
        assert_eq!(flow.permissions, [Permission::Contacts, Permission::Email]);
        let ana = ExpectedIdentity {
            tenant_id: CONTOSO,
            object_id: ANA,
        };
        assert_eq!(flow.microsoft_identity, Some(ana));
        let hint = flow.login_hint.as_ref().map(|hint| hint.0.as_str());
        assert_eq!(hint, Some("ana@contoso.example"));
        assert_eq!(flow.return_to.as_deref(), Some(return_to.as_str()));
    }

    // Through another provider nobody is expected at Microsoft.
    fixture.forget();
    fixture.decide(&other_sign_in()).await;
    let script = fixture.script();
    assert_eq!(script.flows[0].microsoft_identity, None);
    assert_eq!(script.flows[0].login_hint, None);
}

#[tokio::test]
async fn nobody_is_sent_into_a_known_dead_end() {
    let fixture = Fixture::start().await;
    let (out_of_reach, within_reach) = (
        [Permission::Calendar, Permission::Email],
        [Permission::Contacts],
    );
    fixture.script().flow = Reply::With(begun(&within_reach, &out_of_reach));
    let answer = fixture.decide(&other_sign_in()).await;
    expect(&answer, "prompt", "consent_missing");
    assert_eq!(answer["missing"], json!(set(false, true, EmailLevel::None)));
    assert_eq!(
        answer["needs_approval"],
        json!(set(true, false, EmailLevel::Full))
    );
    assert_eq!(answer["authorize_url"], AUTHORIZE_URL);

    fixture.script().flow = Reply::Refuse(409, "administrator_approval_required");
    let answer = fixture.decide(&other_sign_in()).await;
    expect(&answer, "proceed", "administrator_approval_required");
    assert_eq!(answer["missing"], json!(EVERYTHING));
    assert_eq!(answer["needs_approval"], json!(EVERYTHING));
    assert_eq!(answer["degraded"], false);
    assert!(answer.get("authorize_url").is_none());
}

#[tokio::test]
async fn an_access_token_goes_along_with_an_automatic_grant_and_nowhere_else() {
    let fixture = Fixture::start().await;
    fixture.script().state = Reply::With(consented(CONTOSO, EVERYTHING, NOTHING));
    let mut body = fixture.microsoft_sign_in(CONTOSO);
    body["sign_in"]["access_token"] = json!("graph-token");
    let answer = fixture.decide(&body).await;
    expect(&answer, "auto_grant", "administrator_consented");
    let sent = fixture.script().grants[0].graph_token.clone();
    assert_eq!(sent, Some(Sensitive("graph-token".to_owned())));

    fixture.forget();
    body["sign_in"]
        .as_object_mut()
        .unwrap()
        .remove("access_token");
    fixture.decide(&body).await;
    assert_eq!(fixture.script().grants[0].graph_token, None);
}

/// The log does not say of which account an answer is; the gateway may know.
#[tokio::test]
async fn who_has_answered_as_somebody_else_is_asked_and_nobody_twice() {
    let fixture = Fixture::start().await;
    fixture.script().state = Reply::With(individual(EmailSync::Full, CALENDAR, &ALL_KINDS));
    let mut expected = Vec::new();
    for (reply, decision, reason) in [
        (
            Reply::With(begun(&[Permission::Email], &[])),
            "prompt",
            "another_mailbox",
        ),
        (
            Reply::Refuse(409, "already_answered"),
            "proceed",
            "already_answered",
        ),
        (
            Reply::Refuse(409, "administrator_approval_required"),
            "proceed",
            "administrator_approval_required",
        ),
        (
            Reply::Refuse(503, "event_log_unavailable"),
            "proceed",
            "already_answered",
        ),
        (
            Reply::Refuse(400, "invalid_request"),
            "proceed",
            "already_answered",
        ),
        (Reply::Never, "proceed", "already_answered"),
    ] {
        fixture.script().flow = reply;
        let answer = fixture.decide(&fixture.microsoft_sign_in(CONTOSO)).await;
        expect(&answer, decision, reason);
        expected.push(true);
    }
    let asked: Vec<_> = fixture
        .script()
        .flows
        .iter()
        .map(|flow| flow.unless_answered)
        .collect();
    assert_eq!(asked, expected);

    // What nobody has answered is asked without further ado, and the gateway may know better.
    fixture.script().state = Reply::With(individual(EmailSync::Full, CALENDAR, &[]));
    fixture.script().flow = Reply::Refuse(409, "already_answered");
    let answer = fixture.decide(&fixture.microsoft_sign_in(CONTOSO)).await;
    expect(&answer, "proceed", "already_answered");
    let last = fixture.script().flows.pop();
    assert!(last.is_some_and(|flow| !flow.unless_answered));
}

#[tokio::test]
async fn who_has_answered_is_not_asked_again() {
    let fixture = Fixture::start().await;
    let all = ALL_KINDS;
    fixture.script().state = Reply::With(individual(EmailSync::Full, CALENDAR, &all));
    let answer = fixture.decide(&other_sign_in()).await;
    expect(&answer, "proceed", "already_answered");
    assert_eq!(answer["missing"], json!(set(false, true, EmailLevel::Full)));

    fixture.script().state = Reply::With(individual(EmailSync::Limited, EVERYTHING, &all));
    let answer = fixture.decide(&other_sign_in()).await;
    expect(&answer, "proceed", "all_effective");
    assert_eq!(answer["effective"], json!(LIMITED));
    assert_eq!(answer["missing"], json!(NOTHING));
    assert!(fixture.script().flows.is_empty());
}

#[tokio::test]
async fn everything_is_wanted_unless_the_host_says_otherwise() {
    let fixture = Fixture::start().await;
    let answer = fixture.decide(&other_sign_in()).await;
    assert_eq!(answer["missing"], json!(EVERYTHING));

    let mut body = other_sign_in();
    body["wants"] = json!(CALENDAR);
    let answer = fixture.decide(&body).await;
    assert_eq!(answer["missing"], json!(CALENDAR));
}

#[tokio::test]
async fn a_token_for_the_host_applications_own_sign_in_is_taken_too() {
    let fixture = Fixture::start().await;
    fixture.script().state = Reply::With(consented(CONTOSO, LIMITED, LIMITED));
    let body = sign_in_with(&fixture.microsoft.id_token_for(HOST_CLIENT));
    expect(&fixture.decide(&body).await, "proceed", "all_effective");
}
