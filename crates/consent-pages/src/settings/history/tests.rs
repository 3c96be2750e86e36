use std::sync::Arc;

use assent_contract::codec::{DecodedEvent, Metadata};
use assent_domain::event::{
    Authority, Event, ModeChanged, RevocationReason, UserScopeGranted, UserScopeRevoked,
};
use assent_domain::ids::{
    AccountId, Cloud, ConsentId, Epoch, MicrosoftIdentity, ObjectId, Sequence, Tenant, TenantId,
    UserId,
};
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use assent_domain::permissions::{Kinds, Permission, PermissionSet};
use assent_event_log::RecordedEvent;
use jiff::Timestamp;
use uuid::Uuid;

use super::entries;

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn acme() -> AccountId {
    AccountId::parse("acme").unwrap()
}

fn recorded(sequence: u64, event: Event) -> Arc<RecordedEvent> {
    Arc::new(RecordedEvent {
        sequence: Sequence(sequence),
        decoded: DecodedEvent {
            metadata: Metadata {
                id: Uuid::from_u128(sequence.into()),
                time: Timestamp::UNIX_EPOCH,
                previous: [0; 32].into(),
                traceparent: None,
            },
            event,
        },
        hash: [0; 32].into(),
    })
}

fn granted(authority: Authority) -> Event {
    Event::UserScopeGranted(UserScopeGranted {
        account: acme(),
        user: user("ana"),
        epoch: Epoch(0),
        permissions: PermissionSet::EVERYTHING,
        authority,
        identity: MicrosoftIdentity {
            tenant: Tenant {
                cloud: Cloud::Worldwide,
                id: TenantId(Uuid::nil()),
            },
            object_id: ObjectId(Uuid::nil()),
        },
        scopes: Vec::new(),
    })
}

fn ended(reason: RevocationReason, by: Option<&str>) -> Event {
    Event::UserScopeRevoked(UserScopeRevoked {
        account: acme(),
        user: user("ana"),
        epoch: Epoch(0),
        permissions: Kinds::from_iter([Permission::Email]),
        reason,
        revoked_by: by.map(user),
    })
}

fn changed(to: AuthorizationMethod, email_sync: EmailSync) -> Event {
    Event::ModeChanged(ModeChanged {
        account: acme(),
        from: Mode::default(),
        to: Mode {
            method: to,
            email_sync,
        },
        consent: None,
        changed_by: user("sam"),
    })
}

#[test]
fn each_event_is_a_sentence_with_who_did_it_and_the_newest_is_first() {
    let individual = AuthorizationMethod::UserIndividual;
    let administrator = Authority::AdministratorConsent(ConsentId(Uuid::nil()));
    let events = [
        granted(Authority::User),
        ended(RevocationReason::UserRevoked, Some("ana")),
        ended(RevocationReason::UserDeclined, Some("ana")),
        ended(RevocationReason::MicrosoftWithdrawn, None),
        changed(individual, EmailSync::Limited),
        changed(AuthorizationMethod::AdminConfigured, EmailSync::Full),
        granted(administrator),
    ];
    let events: Vec<_> = (1..)
        .zip(events)
        .map(|(sequence, event)| recorded(sequence, event))
        .collect();
    let told = entries(&events, &user("ana"), &[], None);
    let told: Vec<_> = told
        .recent
        .iter()
        .map(|entry| (entry.what.as_str(), entry.by.as_str()))
        .collect();
    let everything = "Calendar, Contacts and Email (full)";
    assert_eq!(
        told,
        [
            (
                format!("Granted at sign-in: {everything}").as_str(),
                "the administrator's consent"
            ),
            (
                "The company changed to Office 365 administrator configured",
                "sam"
            ),
            ("The company changed to Limited sync of e-mail", "sam"),
            ("Withdrawn at Microsoft: Email", "Microsoft"),
            ("Declined at Microsoft: Email", "you"),
            ("Revoked: Email", "you"),
            (format!("Granted: {everything}").as_str(), "you"),
        ]
    );
}

#[test]
fn what_came_too_late_says_so() {
    let events = [recorded(7, granted(Authority::User))];
    let told = entries(&events, &user("ben"), &[Sequence(7)], None);
    assert!(told.recent[0].what.ends_with("so it counts for nothing"));
    assert_eq!(told.recent[0].by, "ana");
}

#[test]
fn a_long_history_is_on_pages_and_each_line_is_on_one_of_them() {
    let events: Vec<_> = (1..=450)
        .map(|sequence| recorded(sequence, granted(Authority::User)))
        .collect();
    let late = [Sequence(251), Sequence(250)];
    let page = |before: Option<u64>| entries(&events, &user("ana"), &late, before.map(Sequence));

    let first = page(None);
    assert_eq!((first.recent.len(), first.older.len()), (8, 192));
    assert_eq!((first.left_out, first.next), (250, Some(251)));
    assert!(!first.is_continued);
    let last = first.older.last().unwrap();
    assert!(last.what.ends_with("so it counts for nothing"));

    let second = page(first.next);
    assert_eq!((second.recent.len(), second.older.len()), (200, 0));
    assert_eq!((second.left_out, second.next), (50, Some(51)));
    assert!(second.is_continued);
    assert!(second.recent[0].what.ends_with("so it counts for nothing"));

    let third = page(second.next);
    assert_eq!(
        (third.recent.len(), third.left_out, third.next),
        (50, 0, None)
    );
    assert!(page(Some(1)).recent.is_empty());
    assert_eq!(page(Some(u64::MAX)).recent.len(), 200);
}
