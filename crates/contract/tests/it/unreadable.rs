//! Law 7, as far as the wire goes: what we don't understand is unreadable, and never a
//! panic, and never an event that says something else.

use assent_contract::codec::{Unreadable, decode};
use proptest::collection::{btree_map, vec};
use proptest::prelude::{any, prop, proptest};
use proptest::{prop_assert, prop_oneof};

use crate::stored::Stored;

const MODE_CHANGED: &str = "mode_changed_to_administrator";
const CONSENTED: &str = "admin_consent_granted_by_role";
const GRANTED: &str = "user_scope_granted_by_administrator_consent";
const REVOKED: &str = "user_scope_revoked_by_user";
const ONE_OF_EACH: [&str; 4] = [MODE_CHANGED, CONSENTED, GRANTED, REVOKED];

#[track_caller]
fn assert_body_is_refused(stored: &Stored) {
    let read = stored.read();
    assert!(
        matches!(read, Err(Unreadable::Body(_))),
        "{read:?} of {stored:?}"
    );
}

#[test]
fn an_unknown_field_anywhere() {
    for name in ONE_OF_EACH {
        let stored = Stored::fixture(name);
        for at in objects_of(&stored.body) {
            let mut changed = stored.clone();
            changed.body.insert_str(at, r#""more":1,"#);
            assert_body_is_refused(&changed);
        }
    }
}

/// The places right after each brace that begins an object with fields of ours.
fn objects_of(body: &str) -> Vec<usize> {
    body.match_indices('{').map(|(at, _)| at + 1).collect()
}

#[test]
fn any_missing_field() {
    for name in ONE_OF_EACH {
        let stored = Stored::fixture(name);
        let whole: serde_json::Value = serde_json::from_str(&stored.body).unwrap();
        for field in whole.as_object().unwrap().keys() {
            let mut part = whole.clone();
            part.as_object_mut().unwrap().remove(field);
            let body = part.to_string();
            assert_body_is_refused(&Stored {
                body,
                ..stored.clone()
            });
        }
    }
}

#[test]
fn a_field_of_another_shape() {
    for name in ONE_OF_EACH {
        let stored = Stored::fixture(name);
        let whole: serde_json::Value = serde_json::from_str(&stored.body).unwrap();
        for field in whole.as_object().unwrap().keys() {
            for shape in [serde_json::json!(-1), serde_json::json!({"a": "b"})] {
                let mut other = whole.clone();
                other.as_object_mut().unwrap().insert(field.clone(), shape);
                let body = other.to_string();
                assert_body_is_refused(&Stored {
                    body,
                    ..stored.clone()
                });
            }
        }
    }
}

#[test]
fn the_same_field_twice() {
    assert_body_is_refused(
        &Stored::fixture(GRANTED).with_body(r#""epoch":1,"#, r#""epoch":1,"epoch":1,"#),
    );
}

#[test]
fn an_unknown_value() {
    for (name, known, unknown) in [
        (MODE_CHANGED, r#""user_individual""#, r#""nobody""#),
        (
            MODE_CHANGED,
            r#""admin_configured""#,
            r#""AdminConfigured""#,
        ),
        (CONSENTED, r#""email":"full""#, r#""email":"fuller""#),
        (CONSENTED, r#""cloud":"worldwide""#, r#""cloud":"moon""#),
        (CONSENTED, r#"["role"]"#, r#"["hearsay"]"#),
        (CONSENTED, r#""calendar":true"#, r#""calendar":"true""#),
        (GRANTED, r#""administrator_consent""#, r#""superadmin""#),
        (GRANTED, r#""epoch":1"#, r#""epoch":1.5"#),
        (GRANTED, r#""epoch":1"#, r#""epoch":18446744073709551616"#),
        (GRANTED, r#""user_id":"ana""#, r#""user_id":"a na""#),
        (REVOKED, r#""user_revoked""#, r#""whim""#),
        (REVOKED, r#"["email"]"#, r#"["email","tasks"]"#),
        (REVOKED, r#""revoked_by":"ana""#, r#""revoked_by":"*""#),
    ] {
        assert_body_is_refused(&Stored::fixture(name).with_body(known, unknown));
    }
}

#[test]
fn a_permission_named_twice() {
    assert_body_is_refused(
        &Stored::fixture(REVOKED).with_body(r#"["email"]"#, r#"["email","email"]"#),
    );
}

#[test]
fn a_consent_without_the_ticked_box() {
    for unconfirmed in ["false", "null", "1", r#""true""#] {
        assert_body_is_refused(&Stored::fixture(CONSENTED).with_body(
            r#""administrator_confirmed":true"#,
            &format!(r#""administrator_confirmed":{unconfirmed}"#),
        ));
    }
}

#[test]
fn a_consent_whose_proofs_and_roles_differ() {
    for proof in [
        "[]",
        r#"["grant"]"#,
        r#"["role","grant","role"]"#,
        r#"["grant","role"]"#,
    ] {
        assert_body_is_refused(&Stored::fixture(CONSENTED).with_body(r#"["role"]"#, proof));
    }
    let proof = Stored::fixture("admin_consent_granted_by_grant");
    assert_body_is_refused(&proof.clone().with_body(r#"["grant"]"#, r#"["role"]"#));
    assert_body_is_refused(&proof.with_body(r#"["grant"]"#, "[]"));
}

#[test]
fn a_body_that_is_not_one_json_object() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "not json",
        "\u{feff}{}",
        "{\"account_id\":",
    ] {
        for name in ONE_OF_EACH {
            let body = body.to_owned();
            assert_body_is_refused(&Stored {
                body,
                ..Stored::fixture(name)
            });
        }
    }
    let mut two = Stored::fixture(GRANTED);
    two.body.push_str("{}");
    assert_body_is_refused(&two);
}

#[test]
fn a_body_of_another_type() {
    for name in ONE_OF_EACH {
        for other in ONE_OF_EACH {
            let body = Stored::fixture(other).body;
            let read = Stored {
                body,
                ..Stored::fixture(name)
            }
            .read();
            assert_eq!(read.is_ok(), name == other, "{other} as {name}");
        }
    }
}

#[test]
fn an_unknown_type_or_version() {
    for unknown in [
        "assent.consent.UserScopeGranted.v2",
        "assent.consent.UserScopeGranted",
        "assent.consent.userscopegranted.v1",
        "assent.consent.UserScopeWidened.v1",
        "",
    ] {
        let read = Stored::fixture(GRANTED)
            .with_header("ce-type", unknown)
            .read();
        assert!(
            matches!(&read, Err(Unreadable::UnknownType(name)) if name == unknown),
            "{read:?}"
        );
    }
}

#[test]
fn any_missing_attribute() {
    for name in ONE_OF_EACH {
        let whole = Stored::fixture(name);
        for attribute in whole.headers.keys().filter(|name| name.starts_with("ce-")) {
            let mut part = whole.clone();
            part.headers.remove(attribute);
            let read = part.read();
            assert!(
                matches!(&read, Err(Unreadable::MissingHeader(name)) if name == attribute),
                "{read:?}"
            );
        }
    }
}

#[test]
fn an_attribute_that_can_not_be() {
    for (attribute, value) in [
        ("ce-specversion", "0.3"),
        ("ce-specversion", "2.0"),
        ("ce-datacontenttype", "application/xml"),
        ("ce-id", "1"),
        ("ce-id", ""),
        ("ce-time", "yesterday"),
        ("ce-time", "2026-13-01T00:00:00Z"),
        ("ce-time", "2026-11-24T00:00:00"),
        ("ce-prevhash", ""),
        ("ce-prevhash", "00"),
        ("ce-subject", "accounts/acme/users/ben"),
        ("ce-subject", "accounts/acme"),
    ] {
        let read = Stored::fixture(GRANTED)
            .with_header(attribute, value)
            .read();
        assert!(
            matches!(&read, Err(Unreadable::Header(name)) if *name == attribute),
            "{read:?}"
        );
    }
}

#[test]
fn a_trace_is_not_part_of_the_event() {
    let mut stored = Stored::fixture(MODE_CHANGED);
    assert!(stored.headers.remove("traceparent").is_some());
    assert_eq!(stored.read().unwrap().metadata.traceparent, None);
    assert!(
        stored
            .with_header("traceparent", "%ff nonsense")
            .read()
            .is_ok()
    );
}

#[test]
fn a_subject_that_is_not_ours() {
    for subject in [
        "",
        "consent.events.v1.acme",
        "consent.events.v2.acme.user.ana",
        "consent.events.v1.acme.user.ana.more",
        "consent.events.v1.acme.user.*",
        "consent.events.v1..user.ana",
        "consent.changes.v1.acme.user.ana",
    ] {
        let subject = subject.to_owned();
        let read = Stored {
            subject,
            ..Stored::fixture(GRANTED)
        }
        .read();
        assert!(matches!(read, Err(Unreadable::Subject)), "{read:?}");
    }
}

#[test]
fn a_body_of_another_account_or_user() {
    for (name, ours, theirs) in [
        (
            MODE_CHANGED,
            r#""account_id":"acme""#,
            r#""account_id":"umbrella""#,
        ),
        (
            CONSENTED,
            r#""account_id":"acme""#,
            r#""account_id":"umbrella""#,
        ),
        (
            GRANTED,
            r#""account_id":"acme""#,
            r#""account_id":"umbrella""#,
        ),
        (GRANTED, r#""user_id":"ana""#, r#""user_id":"ben""#),
        (REVOKED, r#""user_id":"ana""#, r#""user_id":"ben""#),
    ] {
        let read = Stored::fixture(name).with_body(ours, theirs).read();
        assert!(matches!(read, Err(Unreadable::WrongAggregate)), "{read:?}");
    }
}

#[test]
fn a_consent_that_is_not_named_as_its_event() {
    let other = "01999999-9999-7000-8000-0000000000ff";
    let read = Stored::fixture(CONSENTED)
        .with_header("ce-id", other)
        .read();
    assert!(matches!(read, Err(Unreadable::WrongConsentId)), "{read:?}");
}

proptest! {
    #[test]
    fn anything_at_all_is_never_a_panic(
        subject in prop_oneof![any::<String>(), "consent\\.events\\.v1\\.[a-z.*>]{0,20}"],
        headers in btree_map("ce-[a-z]{1,8}|traceparent", any::<String>(), 0..8),
        body in vec(any::<u8>(), 0..256),
    ) {
        let header = |name| headers.get(name).map(String::as_str);
        prop_assert!(decode(&subject, header, &body).is_err());
    }

    #[test]
    fn any_body_under_good_headers_is_never_a_panic(
        name in prop::sample::select(Vec::from(ONE_OF_EACH)),
        body in vec(any::<u8>(), 0..256),
    ) {
        let Stored { subject, headers, .. } = Stored::fixture(name);
        let header = |name| headers.get(name).map(String::as_str);
        prop_assert!(matches!(decode(&subject, header, &body), Err(Unreadable::Body(_))));
    }

    #[test]
    fn any_header_on_a_good_body_is_never_a_panic(
        name in prop::sample::select(Vec::from(ONE_OF_EACH)),
        changed in any::<prop::sample::Index>(),
        value in any::<String>(),
    ) {
        let stored = Stored::fixture(name);
        let attribute = stored.headers.keys().nth(changed.index(stored.headers.len())).cloned();
        let read = stored.clone().with_header(&attribute.unwrap(), &value).read();
        if let Ok(read) = read {
            prop_assert!(read.event == stored.read().unwrap().event);
        }
    }
}
