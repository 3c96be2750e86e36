//! The flattened account, the ids that are refused, and states over the wire.

use assent_contract::command::BeginUserConsent;
use assent_contract::query::{
    AccountAnswer, AccountFacts, AccountQuery, NoConsent, UserFacts, UserQuery, UsersQuery,
};
use assent_contract::values::Identity;
use assent_domain::account::{AccountState, Authorization, Consent};
use assent_domain::ids::{ConsentId, Epoch, MicrosoftIdentity, ObjectId, Sequence, TenantId};
use assent_domain::permissions::PermissionSet as DomainPermissionSet;
use assent_domain::user::UserState;
use serde_json::{Value, json};

use super::{
    ID, account, account_facts, account_id, assert_tolerant, default_account, id, set, tenant,
    user_facts,
};

#[test]
fn an_accounts_facts_lie_beside_its_name() {
    assert_tolerant(
        &account(),
        &json!({
            "account_id": "acme", "method": "admin_configured", "email_sync": "full",
            "epoch": u64::MAX, "last_sequence": 7, "blocked": false, "sequence": 9,
            "consent": {
                "consent_id": ID, "permissions": set(), "recorded_at": 6,
                "tenant": {"cloud": "worldwide", "id": ID},
            },
        }),
    );
    assert_tolerant(
        &default_account(),
        &json!({
            "account_id": "acme", "method": "user_individual", "email_sync": "full",
            "epoch": 0, "consent": null, "last_sequence": 0, "blocked": false, "sequence": 9,
        }),
    );
}

#[test]
fn an_account_is_not_read_with_other_values() {
    let whole = serde_json::to_value(account()).unwrap();
    let with = |field: &str, value: Value| {
        let mut changed = whole.clone();
        changed
            .as_object_mut()
            .unwrap()
            .insert(field.to_owned(), value);
        serde_json::from_value::<AccountAnswer>(changed)
    };
    for (field, value) in [
        ("method", json!("nobody")),
        ("email_sync", json!("none")),
        ("epoch", json!(-1)),
        ("epoch", json!("1")),
        ("account_id", json!("a b")),
        ("blocked", json!(null)),
        ("consent", json!({})),
        ("consent", json!({"more": 1})),
    ] {
        assert!(with(field, value.clone()).is_err(), "{field}: {value}");
    }
    for field in [
        "account_id",
        "method",
        "email_sync",
        "epoch",
        "last_sequence",
        "blocked",
        "sequence",
    ] {
        let mut part = whole.clone();
        part.as_object_mut().unwrap().remove(field);
        assert!(
            serde_json::from_value::<AccountAnswer>(part).is_err(),
            "without {field}"
        );
    }
}

#[test]
fn ids_that_would_address_others_are_refused() {
    let too_long = "x".repeat(129);
    for bad in ["", "a@b", "*", ">", "a b", "a\u{0}", "ü", "a/b", &too_long] {
        let both = |account: &str, user: &str| json!({"account_id": account, "user_id": user});
        assert!(
            serde_json::from_value::<UserQuery>(both(bad, "ana")).is_err(),
            "{bad:?}"
        );
        assert!(
            serde_json::from_value::<UserQuery>(both("acme", bad)).is_err(),
            "{bad:?}"
        );
        let query = json!({"account_id": bad});
        assert!(
            serde_json::from_value::<AccountQuery>(query).is_err(),
            "{bad:?}"
        );
        let query = json!({"account_id": "acme", "after": bad});
        assert!(
            serde_json::from_value::<UsersQuery>(query).is_err(),
            "{bad:?}"
        );
        let command = json!({"account_id": "acme", "user_id": bad, "permissions": []});
        assert!(
            serde_json::from_value::<BeginUserConsent>(command).is_err(),
            "{bad:?}"
        );
    }
    let longest = "x".repeat(64);
    let query = json!({"account_id": longest, "user_id": longest});
    assert!(serde_json::from_value::<UserQuery>(query).is_ok());
}

/// An id with escapes in it can't be borrowed from the text, and is read all the same.
#[test]
fn ids_may_be_written_with_escapes() {
    let query: UserQuery =
        serde_json::from_str(r#"{"account_id": "\u0061cme", "user_id": "ana"}"#).unwrap();
    assert_eq!(query.account_id, account_id());
}

#[test]
fn what_is_optional_may_be_null() {
    let query: UsersQuery =
        serde_json::from_value(json!({"account_id": "acme", "after": null, "at_least": null}))
            .unwrap();
    assert_eq!((query.after, query.at_least), (None, None));
}

#[test]
fn states_come_back_from_the_wire_as_they_went() {
    let identity = MicrosoftIdentity::from(Identity {
        tenant: tenant(),
        object_id: id(),
    });
    assert_eq!(
        (identity.tenant.id, identity.object_id),
        (TenantId(id()), ObjectId(id()))
    );
    let consented = AccountState {
        authorization: Authorization::AdminConfigured {
            consent: Consent {
                id: ConsentId(id()),
                permissions: DomainPermissionSet::EVERYTHING,
                tenant: tenant().into(),
                recorded_at: Sequence(4),
            },
        },
        epoch: Epoch(1),
        last_sequence: Sequence(5),
        ..AccountState::default()
    };
    for state in [AccountState::default(), consented] {
        assert_eq!(
            AccountState::try_from(&AccountFacts::from(&state)),
            Ok(state)
        );
    }
    let facts = user_facts();
    let state = UserState::from(&facts);
    assert_eq!(UserFacts::from(&state), facts);
    assert_eq!(
        UserState::from(&UserFacts::from(&UserState::default())),
        UserState::default()
    );
}

#[test]
fn the_administrators_method_without_a_consent_is_no_state() {
    let facts = AccountFacts {
        consent: None,
        ..account_facts()
    };
    assert_eq!(AccountState::try_from(&facts), Err(NoConsent));
}
