//! What is asked of the token broker, and what it answers.

use assent_contract::command::Sensitive;
use assent_contract::custody::{
    CustodyCount, CustodyOverview, CustodyQuery, CustodyStatus, Deposit, Deposited, HandedOut,
    HeldToken, NotKept, TokenAnswer, TokenRequest,
};
use assent_contract::values::{Permission, PersonId};
use jiff::Timestamp;
use serde_json::json;

use super::{ID, SET, account_id, allowed, assert_query, assert_tolerant, id, set, user_id};

const TIME: &str = "2026-11-28T10:00:00Z";

fn time() -> Timestamp {
    TIME.parse().unwrap()
}

fn person() -> PersonId {
    PersonId {
        tenant_id: id(),
        object_id: id(),
    }
}

#[test]
fn tokens() {
    let request = TokenRequest {
        account_id: account_id(),
        user_id: user_id(),
        permission: Permission::Contacts,
        minimum_seconds: None,
        at_least: None,
    };
    assert_query(
        &request,
        &json!({"account_id": "acme", "user_id": "ana", "permission": "contacts"}),
    );
    assert_query(
        &TokenRequest {
            minimum_seconds: Some(3000),
            at_least: Some(7),
            ..request
        },
        &json!({
            "account_id": "acme", "user_id": "ana", "permission": "contacts", "minimum_seconds": 3000, "at_least": 7,
        }),
    );
    let answer = TokenAnswer {
        access_token: Sensitive("hush".to_owned()),
        token_type: "Bearer".to_owned(),
        expires_at: time(),
        scope: "Contacts.Read".to_owned(),
        tenant_id: id(),
        object_id: id(),
        effective: SET,
        allowed: SET.into(),
        verified_at: time(),
        sequence: 9,
    };
    assert!(!format!("{answer:?}").contains("hush"));
    assert_tolerant(
        &answer,
        &json!({
            "access_token": "hush", "token_type": "Bearer", "expires_at": TIME, "scope": "Contacts.Read", "tenant_id": ID,
            "object_id": ID, "effective": set(), "allowed": allowed(), "verified_at": TIME, "sequence": 9,
        }),
    );
}

#[test]
fn custody() {
    assert_tolerant(
        &CustodyQuery {
            account_id: account_id(),
            user_id: user_id(),
        },
        &json!({"account_id": "acme", "user_id": "ana"}),
    );
    assert_tolerant(
        &CustodyStatus {
            held: Some(HeldToken {
                microsoft_identity: person(),
                since: time(),
                verified_at: time(),
                reauthentication_required: true,
            }),
            handed_out: Vec::from([HandedOut {
                permission: Permission::Email,
                last_at: time(),
                expires_at: time(),
            }]),
        },
        &json!({
            "held": {
                "microsoft_identity": {"tenant_id": ID, "object_id": ID}, "since": TIME, "verified_at": TIME,
                "reauthentication_required": true,
            },
            "handed_out": [{"permission": "email", "last_at": TIME, "expires_at": TIME}],
        }),
    );
    let deposit = Deposit {
        account_id: account_id(),
        user_id: user_id(),
        microsoft_identity: person(),
        refresh_token: Sensitive("hush".to_owned()),
        at_least: Some(3),
    };
    assert!(!format!("{deposit:?}").contains("hush"));
    assert_tolerant(
        &deposit,
        &json!({
            "account_id": "acme", "user_id": "ana", "microsoft_identity": {"tenant_id": ID, "object_id": ID},
            "refresh_token": "hush", "at_least": 3,
        }),
    );
    let deposited = |kept, reason| Deposited { kept, reason };
    assert_tolerant(&deposited(true, None), &json!({"kept": true}));
    for (why, word) in [
        (NotKept::NothingEffective, "nothing_effective"),
        (NotKept::AnotherMailbox, "another_mailbox"),
        (NotKept::Refused, "refused"),
        (NotKept::MicrosoftUnavailable, "microsoft_unavailable"),
        (NotKept::Misconfigured, "misconfigured"),
    ] {
        let json = json!({"kept": false, "reason": word});
        assert_tolerant(&deposited(false, Some(why)), &json);
    }
    assert_tolerant(
        &CustodyOverview {
            keys: Vec::from(["0123456789abcdef".to_owned()]),
            verify_every_seconds: 3600,
            counted: Some(CustodyCount {
                at: time(),
                held: 3,
                awaiting_sign_in: 1,
                oldest_verified_at: Some(time()),
            }),
        },
        &json!({
            "keys": ["0123456789abcdef"], "verify_every_seconds": 3600,
            "counted": {"at": TIME, "held": 3, "awaiting_sign_in": 1, "oldest_verified_at": TIME},
        }),
    );
    let newer: Deposited =
        serde_json::from_value(json!({"kept": false, "reason": "a_new_one"})).unwrap();
    assert_eq!(newer, deposited(false, Some(NotKept::Other)));
}
