//! Each message as JSON, and with a field more in whichever of its objects.

use assent_contract::change::ChangeMessage;
use assent_contract::command::{
    AutomaticGrantRecorded, BeginConnection, BeginUserConsent, ConnectionPurpose, Evidence,
    ExpectedIdentity, FlowStarted, Reach, RecordAutomaticGrant, RecordWithdrawal, Sensitive,
    UserConsentBegun, WithdrawalRecorded,
};
use assent_contract::problem::{ErrorCode, Problem};
use assent_contract::query::{
    AccountFacts, AccountQuery, ChangesPage, ChangesQuery, LoginState, LoginStateQuery,
    PermissionsAnswer, UserEntry, UserQuery, UsersPage, UsersQuery,
};
use assent_contract::values::{Method, Permission, PersonId};
use assent_domain::account::AccountState;
use serde_json::json;

use super::{
    ID, SET, account_id, allowed, assert_query, assert_tolerant, assert_written_as, id, set,
    tenant, user_facts, user_id,
};

const LOG: &str = "CONSENT_EVENTS@2026-11-24 1:52:22.0 +00:00:00";

#[test]
fn queries() {
    assert_query(
        &UserQuery {
            account_id: account_id(),
            user_id: user_id(),
            at_least: Some(5),
        },
        &json!({"account_id": "acme", "user_id": "ana", "at_least": 5}),
    );
    assert_tolerant(
        &LoginStateQuery {
            account_id: account_id(),
            user_id: user_id(),
            at_least: Some(5),
            wait_ms: Some(187),
        },
        &json!({"account_id": "acme", "user_id": "ana", "at_least": 5, "wait_ms": 187}),
    );
    assert_query(
        &AccountQuery {
            account_id: account_id(),
            at_least: None,
        },
        &json!({"account_id": "acme"}),
    );
    assert_query(
        &UsersQuery {
            account_id: account_id(),
            after: None,
            limit: None,
            at_least: None,
        },
        &json!({"account_id": "acme"}),
    );
    assert_query(
        &UsersQuery {
            account_id: account_id(),
            after: Some(user_id()),
            limit: Some(1000),
            at_least: Some(u64::MAX),
        },
        &json!({"account_id": "acme", "after": "ana", "limit": 1000, "at_least": u64::MAX}),
    );
}

#[test]
fn commands() {
    let record = RecordAutomaticGrant {
        account_id: account_id(),
        user_id: user_id(),
        consent_id: id(),
        permissions: SET,
        tenant: tenant(),
        object_id: id(),
        is_guest: false,
        graph_token: None,
    };
    assert_tolerant(
        &record,
        &json!({
            "account_id": "acme", "user_id": "ana", "consent_id": ID, "permissions": set(),
            "tenant": {"cloud": "worldwide", "id": ID}, "object_id": ID,
        }),
    );
    let record = RecordAutomaticGrant {
        graph_token: Some(Sensitive("hush".to_owned())),
        ..record
    };
    assert_tolerant(
        &record,
        &json!({
            "account_id": "acme", "user_id": "ana", "consent_id": ID, "permissions": set(),
            "tenant": {"cloud": "worldwide", "id": ID}, "object_id": ID, "graph_token": "hush",
        }),
    );
    assert!(!format!("{record:?}").contains("hush"));
    let of_a_guest = RecordAutomaticGrant {
        is_guest: true,
        graph_token: None,
        ..record
    };
    assert_tolerant(
        &of_a_guest,
        &json!({
            "account_id": "acme", "user_id": "ana", "consent_id": ID, "permissions": set(),
            "tenant": {"cloud": "worldwide", "id": ID}, "object_id": ID, "is_guest": true,
        }),
    );
    let begin = BeginUserConsent {
        account_id: account_id(),
        user_id: user_id(),
        permissions: Vec::from([Permission::Calendar, Permission::Email]),
        microsoft_identity: Some(ExpectedIdentity {
            tenant_id: id(),
            object_id: id(),
        }),
        login_hint: Some(Sensitive("O.CiQx".to_owned())),
        unless_answered: true,
        return_to: Some("https://app.example/settings?a=b c".to_owned()),
    };
    assert!(!format!("{begin:?}").contains("CiQx"));
    assert_tolerant(
        &begin,
        &json!({
            "account_id": "acme", "user_id": "ana", "permissions": ["calendar", "email"],
            "microsoft_identity": {"tenant_id": ID, "object_id": ID}, "login_hint": "O.CiQx",
            "unless_answered": true,
            "return_to": "https://app.example/settings?a=b c",
        }),
    );
    assert_tolerant(
        &BeginUserConsent {
            microsoft_identity: None,
            login_hint: None,
            unless_answered: false,
            return_to: None,
            ..begin
        },
        &json!({"account_id": "acme", "user_id": "ana", "permissions": ["calendar", "email"]}),
    );
}

#[test]
fn passages_without_a_page() {
    let begin = BeginConnection {
        account_id: account_id(),
        user_id: user_id(),
        purpose: ConnectionPurpose::Custody,
        microsoft_identity: ExpectedIdentity {
            tenant_id: id(),
            object_id: id(),
        },
        login_hint: Some(Sensitive("O.CiQx".to_owned())),
        return_to: Some("https://app.example/after".to_owned()),
    };
    assert!(!format!("{begin:?}").contains("CiQx"));
    assert_tolerant(
        &begin,
        &json!({
            "account_id": "acme", "user_id": "ana", "purpose": {"kind": "custody"},
            "microsoft_identity": {"tenant_id": ID, "object_id": ID}, "login_hint": "O.CiQx",
            "return_to": "https://app.example/after",
        }),
    );
    assert_tolerant(
        &BeginConnection {
            purpose: ConnectionPurpose::Restoration {
                consent_id: id(),
                permissions: SET,
            },
            login_hint: None,
            return_to: None,
            ..begin
        },
        &json!({
            "account_id": "acme", "user_id": "ana",
            "purpose": {"kind": "restoration", "consent_id": ID, "permissions": set()},
            "microsoft_identity": {"tenant_id": ID, "object_id": ID},
        }),
    );
}

#[test]
fn withdrawals() {
    let found = RecordWithdrawal {
        account_id: account_id(),
        user_id: user_id(),
        permissions: Vec::from([Permission::Calendar]),
        microsoft_identity: PersonId {
            tenant_id: id(),
            object_id: id(),
        },
        as_of: Some(5),
        evidence: Evidence {
            reach: Reach::User,
            error: "invalid_grant".to_owned(),
            suberror: Some("consent_required".to_owned()),
            code: Some(65001),
            correlation_id: Some(id()),
            reported_by: Some("calendar-sync".to_owned()),
        },
    };
    assert_tolerant(
        &found,
        &json!({
            "account_id": "acme", "user_id": "ana", "permissions": ["calendar"],
            "microsoft_identity": {"tenant_id": ID, "object_id": ID}, "as_of": 5,
            "evidence": {
                "reach": "user", "error": "invalid_grant", "suberror": "consent_required", "code": 65001,
                "correlation_id": ID, "reported_by": "calendar-sync",
            },
        }),
    );
    assert_tolerant(
        &RecordWithdrawal {
            as_of: None,
            evidence: Evidence {
                reach: Reach::Tenant,
                error: "invalid_grant".to_owned(),
                suberror: None,
                code: None,
                correlation_id: None,
                reported_by: None,
            },
            ..found
        },
        &json!({
            "account_id": "acme", "user_id": "ana", "permissions": ["calendar"],
            "microsoft_identity": {"tenant_id": ID, "object_id": ID},
            "evidence": {"reach": "tenant", "error": "invalid_grant"},
        }),
    );
    for reach in [Reach::User, Reach::Tenant] {
        assert_eq!(json!(reach), reach.as_str());
    }
    assert_tolerant(
        &WithdrawalRecorded {
            recorded: Vec::from([Permission::Calendar]),
            sequence: 6,
        },
        &json!({"recorded": ["calendar"], "sequence": 6}),
    );
}

#[test]
fn answers() {
    assert_tolerant(
        &AutomaticGrantRecorded {
            effective: SET,
            sequence: 5,
        },
        &json!({"effective": set(), "sequence": 5}),
    );
    assert_tolerant(
        &FlowStarted {
            flow_id: id(),
            authorize_url: "https://login.example/authorize".to_owned(),
            expires_at: "2026-11-24T00:10:00Z".parse().unwrap(),
        },
        &json!({
            "flow_id": ID, "authorize_url": "https://login.example/authorize",
            "expires_at": "2026-11-24T00:10:00Z",
        }),
    );
    assert_tolerant(
        &UserConsentBegun {
            flow_id: id(),
            authorize_url: "https://login.example/authorize".to_owned(),
            expires_at: "2026-11-24T00:10:00Z".parse().unwrap(),
            permissions: Vec::from([Permission::Contacts]),
            needs_approval: Vec::from([Permission::Calendar, Permission::Email]),
        },
        &json!({
            "flow_id": ID, "authorize_url": "https://login.example/authorize",
            "expires_at": "2026-11-24T00:10:00Z", "permissions": ["contacts"],
            "needs_approval": ["calendar", "email"],
        }),
    );
    assert_tolerant(
        &PermissionsAnswer {
            account_id: account_id(),
            user_id: user_id(),
            method: Method::UserIndividual,
            effective: SET,
            allowed: SET.into(),
            microsoft_identity: Some(PersonId {
                tenant_id: id(),
                object_id: id(),
            }),
            sequence: 5,
            log: Some(LOG.to_owned()),
        },
        &json!({
            "account_id": "acme", "user_id": "ana", "method": "user_individual",
            "effective": set(), "allowed": allowed(), "microsoft_identity": {"tenant_id": ID, "object_id": ID},
            "sequence": 5, "log": LOG,
        }),
    );
    assert_tolerant(
        &UsersPage {
            account_id: account_id(),
            users: Vec::from([UserEntry {
                user_id: user_id(),
                effective: SET,
                allowed: SET.into(),
                last_sequence: 4,
            }]),
            next: Some(user_id()),
            sequence: 5,
        },
        &json!({
            "account_id": "acme", "next": "ana", "sequence": 5,
            "users": [{"user_id": "ana", "effective": set(), "allowed": allowed(), "last_sequence": 4}],
        }),
    );
    let default = AccountFacts::from(&AccountState::default());
    assert_tolerant(
        &LoginState {
            account: default,
            user: user_facts(),
            blocked: true,
            sequence: 5,
        },
        &json!({
            "account": {
                "method": "user_individual", "email_sync": "full", "epoch": 0,
                "consent": null, "last_sequence": 0,
            },
            "user": {
                "epoch": 3, "own": set(), "automatic": set(), "answered": ["calendar", "email"],
                "identity": {"tenant": {"cloud": "worldwide", "id": ID}, "object_id": ID},
                "last_sequence": u64::MAX,
            },
            "blocked": true, "sequence": 5,
        }),
    );
}

#[test]
fn changes_say_whom_they_concern() {
    let of_user = ChangeMessage {
        account_id: account_id(),
        user_id: Some(user_id()),
        method: Method::UserIndividual,
        effective: Some(SET),
        allowed: Some(SET.into()),
        sequence: 5,
        log: Some(LOG.to_owned()),
    };
    assert_tolerant(
        &of_user,
        &json!({
            "account_id": "acme", "user_id": "ana", "method": "user_individual",
            "effective": set(), "allowed": allowed(), "sequence": 5, "log": LOG,
        }),
    );
    let of_company = ChangeMessage {
        user_id: None,
        effective: None,
        allowed: None,
        method: Method::AdminConfigured,
        // As it was told before there was the field, and as the entry of a page.
        log: None,
        ..of_user
    };
    let entry = json!({"account_id": "acme", "method": "admin_configured", "sequence": 5});
    assert_tolerant(&of_company, &entry);
    assert_query(
        &ChangesQuery {
            account_id: Some(account_id()),
            after: Some("a1".to_owned()),
            limit: Some(400),
        },
        &json!({"account_id": "acme", "after": "a1", "limit": 400}),
    );
    assert_query(&ChangesQuery::default(), &json!({}));
    assert_tolerant(
        &ChangesPage {
            log: LOG.to_owned(),
            sequence: 9,
            changes: vec![of_company],
            next: Some("a1".to_owned()),
        },
        &json!({"log": LOG, "sequence": 9, "changes": [entry], "next": "a1"}),
    );
}

#[test]
fn a_problem_is_named_by_its_code() {
    let problem = Problem::new(ErrorCode::ConcurrentChange, "try again");
    assert_written_as(
        &problem,
        &json!({
            "type": "/problems/concurrent_change", "title": "It was changed at the same time", "status": 409,
            "detail": "try again", "code": "concurrent_change",
        }),
    );
}
