//! The wire law, and how the headers are written.

use assent_domain::event::{
    AdminConsentGranted, Aggregate, Authority, Event, ModeChanged, RevocationReason,
    UserScopeGranted, UserScopeRevoked, Verification,
};
use assent_domain::ids::{
    AccountId, Cloud, ConsentId, Epoch, MicrosoftIdentity, ObjectId, RoleId, Scope, Tenant,
    TenantId, UserId,
};
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use assent_domain::permissions::{EmailLevel, PermissionSet};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
use proptest::{option, prop_assert, prop_assert_eq};
use uuid::Uuid;

use super::{DecodedEvent, EncodedEvent, Metadata, Unreadable, decode, encode};
use crate::event_hash::EventHash;
use crate::names::event_subject;

fn uuids() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn accounts() -> impl Strategy<Value = AccountId> {
    "[A-Za-z0-9_-]{1,64}".prop_map(|id| AccountId::parse(&id).unwrap())
}

fn users() -> impl Strategy<Value = UserId> {
    "[A-Za-z0-9_-]{1,64}".prop_map(|id| UserId::parse(&id).unwrap())
}

fn modes() -> impl Strategy<Value = Mode> {
    let methods = [
        AuthorizationMethod::UserIndividual,
        AuthorizationMethod::AdminConfigured,
    ];
    let syncs = [EmailSync::Limited, EmailSync::Full];
    (
        prop::sample::select(Vec::from(methods)),
        prop::sample::select(Vec::from(syncs)),
    )
        .prop_map(|(method, email_sync)| Mode { method, email_sync })
}

fn tenants() -> impl Strategy<Value = Tenant> {
    let clouds = [Cloud::Worldwide, Cloud::GccHigh, Cloud::Dod, Cloud::China];
    (prop::sample::select(Vec::from(clouds)), uuids()).prop_map(|(cloud, id)| Tenant {
        cloud,
        id: TenantId(id),
    })
}

fn permission_sets() -> impl Strategy<Value = PermissionSet> {
    let levels = [EmailLevel::None, EmailLevel::Limited, EmailLevel::Full];
    (
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(Vec::from(levels)),
    )
        .prop_map(|(calendar, contacts, email)| PermissionSet {
            calendar,
            contacts,
            email,
        })
}

fn scopes() -> impl Strategy<Value = Vec<Scope>> {
    vec(any::<String>().prop_map(Scope), 0..4)
}

fn verifications() -> impl Strategy<Value = Verification> {
    let roles = |count| vec(uuids().prop_map(RoleId), count);
    prop_oneof![
        roles(1..4).prop_map(|roles| (roles, false)),
        roles(0..4).prop_map(|roles| (roles, true)),
    ]
    .prop_map(|(roles, tenant_wide_grant)| Verification {
        roles,
        tenant_wide_grant,
    })
}

fn mode_changes() -> impl Strategy<Value = ModeChanged> {
    (accounts(), modes(), modes(), option::of(uuids()), users()).prop_map(
        |(account, from, to, consent, changed_by)| ModeChanged {
            account,
            from,
            to,
            consent: consent.map(ConsentId),
            changed_by,
        },
    )
}

fn consents() -> impl Strategy<Value = AdminConsentGranted> {
    (
        accounts(),
        uuids(),
        tenants(),
        permission_sets(),
        scopes(),
        users(),
        uuids(),
        verifications(),
    )
        .prop_map(
            |(
                account,
                consent,
                tenant,
                permissions,
                scopes,
                requested_by,
                granted_by,
                verification,
            )| AdminConsentGranted {
                account,
                consent: ConsentId(consent),
                tenant,
                permissions,
                scopes,
                requested_by,
                granted_by: ObjectId(granted_by),
                verification,
            },
        )
}

fn grants() -> impl Strategy<Value = UserScopeGranted> {
    (
        accounts(),
        users(),
        any::<u64>(),
        permission_sets(),
        option::of(uuids()),
        tenants(),
        uuids(),
        scopes(),
    )
        .prop_map(
            |(account, user, epoch, permissions, consent, tenant, object_id, scopes)| {
                UserScopeGranted {
                    account,
                    user,
                    epoch: Epoch(epoch),
                    permissions,
                    authority: consent.map_or(Authority::User, |consent| {
                        Authority::AdministratorConsent(ConsentId(consent))
                    }),
                    identity: MicrosoftIdentity {
                        tenant,
                        object_id: ObjectId(object_id),
                    },
                    scopes,
                }
            },
        )
}

fn revocations() -> impl Strategy<Value = UserScopeRevoked> {
    let reasons = [
        RevocationReason::UserRevoked,
        RevocationReason::UserDeclined,
        RevocationReason::MicrosoftWithdrawn,
    ];
    let kinds = permission_sets().prop_map(PermissionSet::kinds);
    (
        accounts(),
        users(),
        any::<u64>(),
        kinds,
        prop::sample::select(Vec::from(reasons)),
        option::of(users()),
    )
        .prop_map(
            |(account, user, epoch, permissions, reason, revoked_by)| UserScopeRevoked {
                account,
                user,
                epoch: Epoch(epoch),
                permissions,
                reason,
                revoked_by,
            },
        )
}

/// Any event with what is recorded beside it.
fn recorded() -> impl Strategy<Value = DecodedEvent> {
    let events = prop_oneof![
        mode_changes().prop_map(Event::ModeChanged),
        consents().prop_map(Event::AdminConsentGranted),
        grants().prop_map(Event::UserScopeGranted),
        revocations().prop_map(Event::UserScopeRevoked),
    ];
    (
        events,
        uuids(),
        0_i64..253_402_200_000,
        0_i32..1_000_000_000,
        any::<[u8; 32]>(),
        option::of(any::<String>()),
    )
        .prop_map(|(event, id, second, nanosecond, hash, traceparent)| {
            let id = match &event {
                Event::AdminConsentGranted(granted) => granted.consent.0,
                Event::ModeChanged(_) | Event::UserScopeGranted(_) | Event::UserScopeRevoked(_) => {
                    id
                }
            };
            let metadata = Metadata {
                id,
                time: Timestamp::new(second, nanosecond).unwrap(),
                previous: EventHash::from(hash),
                traceparent,
            };
            DecodedEvent { metadata, event }
        })
}

fn decode_encoded(encoded: &EncodedEvent) -> Result<DecodedEvent, Unreadable> {
    let header = |wanted| {
        let found = encoded.headers.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    decode(&encoded.subject, header, &encoded.body)
}

proptest! {
    #[test]
    fn what_is_written_is_read(recorded in recorded()) {
        let encoded = encode(&recorded.event, &recorded.metadata).unwrap();
        prop_assert_eq!(decode_encoded(&encoded).unwrap(), recorded);
    }

    #[test]
    fn what_is_read_is_written_again_byte_for_byte(recorded in recorded()) {
        let encoded = encode(&recorded.event, &recorded.metadata).unwrap();
        let read = decode_encoded(&encoded).unwrap();
        let again = encode(&read.event, &read.metadata).unwrap();
        prop_assert_eq!(again.hash(), encoded.hash());
        prop_assert_eq!(again, encoded);
    }

    /// So that no value can end a header, or begin another one.
    #[test]
    fn headers_are_printable_and_have_no_spaces(recorded in recorded()) {
        let encoded = encode(&recorded.event, &recorded.metadata).unwrap();
        for (name, value) in encoded.headers {
            prop_assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{name}: {value:?}");
        }
    }

    /// Law 7: without any one of its attributes an event can't be read.
    #[test]
    fn every_attribute_is_needed(recorded in recorded(), missing in any::<prop::sample::Index>()) {
        let mut encoded = encode(&recorded.event, &recorded.metadata).unwrap();
        encoded.headers.retain(|(name, _)| name.starts_with("ce-"));
        let (missing, _) = encoded.headers.remove(missing.index(encoded.headers.len()));
        match decode_encoded(&encoded) {
            Err(Unreadable::MissingHeader(name)) => prop_assert_eq!(name, missing),
            other => prop_assert!(false, "{other:?} without {missing}"),
        }
    }

    /// Law 7: an event is not read where it does not belong.
    #[test]
    fn an_event_is_of_its_own_subject_alone(
        recorded in recorded(),
        account in accounts(),
        user in option::of(users()),
    ) {
        let elsewhere = match user {
            None => Aggregate::Account(account),
            Some(user) => Aggregate::User(account, user),
        };
        let mut encoded = encode(&recorded.event, &recorded.metadata).unwrap();
        encoded.subject = event_subject(&elsewhere);
        let is_at_home = elsewhere == recorded.event.aggregate();
        prop_assert_eq!(decode_encoded(&encoded).is_ok(), is_at_home);
    }

    /// Law 7: an event that was cut short can't be read.
    #[test]
    fn a_part_of_a_body_is_no_body(recorded in recorded(), end in any::<prop::sample::Index>()) {
        let mut encoded = encode(&recorded.event, &recorded.metadata).unwrap();
        encoded.body.truncate(end.index(encoded.body.len()));
        prop_assert!(matches!(decode_encoded(&encoded), Err(Unreadable::Body(_))));
    }

    /// Law 7: whatever is there instead of an event, reading it ends well.
    #[test]
    fn one_changed_byte_is_never_a_panic(
        recorded in recorded(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut encoded = encode(&recorded.event, &recorded.metadata).unwrap();
        let at = at.index(encoded.body.len());
        encoded.body[at] = byte;
        if let Ok(read) = decode_encoded(&encoded) {
            prop_assert_eq!(read.event.aggregate(), recorded.event.aggregate());
        }
    }
}

#[test]
fn what_is_not_printable_is_percent_encoded() {
    for (plain, written) in [
        ("00-4bf9-00f0-01", "00-4bf9-00f0-01"),
        ("a b", "a%20b"),
        ("100%", "100%25"),
        ("%20", "%2520"),
        ("\"q\"", "%22q%22"),
        ("a\r\nb", "a%0D%0Ab"),
        ("\u{7f}", "%7F"),
        ("ü€", "%C3%BC%E2%82%AC"),
    ] {
        assert_eq!(super::escape(plain), written);
        assert_eq!(super::unescape(written), plain);
    }
}

/// Others may escape more than they have to.
#[test]
fn values_are_unescaped_wherever_they_are_read() {
    assert_eq!(super::unescape("%61%2f%2Fb"), "a//b");
    assert_eq!(super::unescape("%zz%"), "%zz%");
    assert_eq!(super::unescape("%ff"), "\u{fffd}");
}
