//! What is told of a user, for each way in which a permission becomes what it is.

use super::{Explanation, PermissionStatus, PermissionTrail, explain};
use crate::account::IllegalEvent;
use crate::event::{Aggregate, Event, RevocationReason};
use crate::ids::Sequence;
use crate::permissions::Permission;
use crate::samples::{
    ADMINISTRATOR, ALL_BUT_EMAIL, CALENDAR, CONTACTS, EMAIL, EVERYTHING, NOTHING, SENDING,
    USERS_FULL, USERS_LIMITED, administered, auto_granted, auto_granted_to, colleague, consented,
    declined, granted, granted_by, mode_changed, revoked, withdrawn,
};

/// Tells of a log whose first event has the sequence 1.
#[track_caller]
fn told(events: impl IntoIterator<Item = Event>) -> Explanation {
    let log: Vec<_> = (1..).map(Sequence).zip(events).collect();
    let line = |of_company: bool| {
        log.iter()
            .filter(move |(_, event)| {
                matches!(event.aggregate(), Aggregate::Account(_)) == of_company
            })
            .map(|(sequence, event)| (*sequence, event))
    };
    explain(line(true), line(false)).unwrap()
}

fn trail<const N: usize>(
    status: PermissionStatus,
    since: Option<u64>,
    because: [u64; N],
) -> PermissionTrail {
    PermissionTrail {
        status,
        since: since.map(Sequence),
        because: because.map(Sequence).into(),
    }
}

#[test]
fn where_nothing_happened_nothing_was_ever_granted() {
    let told = told([]);
    assert_eq!(told, Explanation::default());
    for permission in Permission::ALL {
        assert_eq!(
            *told.trail(permission),
            trail(PermissionStatus::NeverGranted, None, [])
        );
    }
}

#[test]
fn on_by_the_users_own_grant() {
    let told = told([granted(0, CALENDAR), granted(0, EMAIL)]);
    assert_eq!(told.effective, CALENDAR.join(EMAIL));
    assert_eq!(
        told.calendar,
        trail(PermissionStatus::Granted, Some(1), [1])
    );
    assert_eq!(
        told.contacts,
        trail(PermissionStatus::NeverGranted, None, [])
    );
    assert_eq!(told.email, trail(PermissionStatus::Granted, Some(2), [2]));
}

#[test]
fn on_by_the_administrators_consent() {
    let told = told(
        administered(1, CALENDAR)
            .into_iter()
            .chain([auto_granted(1, 1, CALENDAR)]),
    );
    assert_eq!(
        told.calendar,
        trail(PermissionStatus::Granted, Some(3), [1, 2, 3])
    );
    assert_eq!(told.email, trail(PermissionStatus::NeverGranted, None, [2]));
}

#[test]
fn off_by_revocation_refusal_or_withdrawal() {
    let told = told([
        granted(0, CALENDAR.join(CONTACTS)),
        revoked(0, [Permission::Calendar]),
        withdrawn(0, [Permission::Contacts]),
        declined(0, [Permission::Email]),
    ]);
    assert_eq!(told.effective, NOTHING);
    assert_eq!(
        told.calendar,
        trail(
            PermissionStatus::Ended(RevocationReason::UserRevoked),
            Some(2),
            [2]
        )
    );
    assert_eq!(
        told.contacts,
        trail(
            PermissionStatus::Ended(RevocationReason::MicrosoftWithdrawn),
            Some(3),
            [3]
        )
    );
    assert_eq!(
        told.email,
        trail(
            PermissionStatus::Ended(RevocationReason::UserDeclined),
            None,
            [4]
        )
    );
}

#[test]
fn on_again_after_a_revocation() {
    let told = told([
        granted(0, EMAIL),
        revoked(0, [Permission::Email]),
        granted(0, SENDING),
    ]);
    assert_eq!(told.effective, SENDING);
    assert_eq!(told.email, trail(PermissionStatus::Granted, Some(3), [3]));
}

#[test]
fn off_by_a_change_of_method() {
    let told = told(
        [granted(0, EVERYTHING)]
            .into_iter()
            .chain(administered(1, EVERYTHING)),
    );
    assert_eq!(told.effective, NOTHING);
    for permission in Permission::ALL {
        let expected = trail(PermissionStatus::NeverGranted, Some(3), [3]);
        assert_eq!(*told.trail(permission), expected);
    }
}

#[test]
fn off_by_a_change_back_to_the_users() {
    let told = told(administered(1, EVERYTHING).into_iter().chain([
        auto_granted(1, 1, EVERYTHING),
        mode_changed(ADMINISTRATOR, USERS_FULL),
        granted(2, CALENDAR),
    ]));
    assert_eq!(
        told.calendar,
        trail(PermissionStatus::Granted, Some(5), [4, 5])
    );
    assert_eq!(
        told.email,
        trail(PermissionStatus::NeverGranted, Some(4), [4])
    );
}

#[test]
fn capped_by_the_companys_email_sync() {
    let log = [
        granted(0, EVERYTHING),
        mode_changed(USERS_FULL, USERS_LIMITED),
        mode_changed(USERS_LIMITED, USERS_FULL),
    ];
    let capped = told(log.iter().take(2).cloned());
    assert_eq!(capped.effective, ALL_BUT_EMAIL.join(SENDING));
    assert_eq!(
        capped.email,
        trail(PermissionStatus::Granted, Some(2), [1, 2])
    );
    assert_eq!(
        capped.calendar,
        trail(PermissionStatus::Granted, Some(1), [1])
    );

    let full_again = told(log);
    assert_eq!(full_again.effective, EVERYTHING);
    assert_eq!(
        full_again.email,
        trail(PermissionStatus::Granted, Some(3), [1])
    );
}

#[test]
fn a_late_event_is_named_and_counts_for_nothing() {
    let told = told(
        administered(1, EVERYTHING)
            .into_iter()
            .chain([granted(0, EVERYTHING)]),
    );
    assert_eq!(told.late, [Sequence(3)]);
    assert_eq!(told.effective, NOTHING);
    assert_eq!(told.email, trail(PermissionStatus::NeverGranted, None, [2]));
}

#[test]
fn a_late_revocation_ends_nothing() {
    let told = told(administered(1, EVERYTHING).into_iter().chain([
        auto_granted(1, 1, CALENDAR),
        revoked(0, [Permission::Calendar]),
    ]));
    assert_eq!(told.late, [Sequence(4)]);
    assert_eq!(
        told.calendar,
        trail(PermissionStatus::Granted, Some(3), [1, 2, 3])
    );
}

#[test]
fn left_out_by_a_smaller_consent() {
    let told = told(
        administered(1, EVERYTHING)
            .into_iter()
            .chain([auto_granted(1, 1, EVERYTHING), consented(2, CALENDAR)]),
    );
    assert_eq!(told.effective, CALENDAR);
    assert_eq!(
        told.calendar,
        trail(PermissionStatus::Granted, Some(3), [2, 3, 4])
    );
    assert_eq!(
        told.contacts,
        trail(PermissionStatus::NotInConsent, Some(4), [3, 4])
    );
    assert_eq!(
        told.email,
        trail(PermissionStatus::NotInConsent, Some(4), [3, 4])
    );
}

#[test]
fn left_out_by_a_smaller_consent_after_it_came_back() {
    let told = told(administered(1, EVERYTHING).into_iter().chain([
        auto_granted(1, 1, EVERYTHING),
        withdrawn(1, [Permission::Email]),
        auto_granted(1, 1, EVERYTHING),
        consented(2, CALENDAR),
    ]));
    assert_eq!(
        told.email,
        trail(PermissionStatus::NotInConsent, Some(6), [5, 6])
    );
}

#[test]
fn what_ended_in_an_earlier_epoch_was_never_granted_in_this_one() {
    let told = told(
        [granted(0, EMAIL), revoked(0, [Permission::Email])]
            .into_iter()
            .chain(administered(1, EVERYTHING)),
    );
    assert_eq!(
        told.email,
        trail(PermissionStatus::NeverGranted, Some(2), [4])
    );
}

#[test]
fn capped_by_the_change_of_method_itself() {
    let told = told(
        [
            mode_changed(USERS_FULL, USERS_LIMITED),
            mode_changed(USERS_LIMITED, USERS_FULL),
        ]
        .into_iter()
        .chain(administered(1, EVERYTHING))
        .chain([
            mode_changed(ADMINISTRATOR, USERS_LIMITED),
            granted(2, EMAIL),
        ]),
    );
    assert_eq!(told.effective, SENDING);
    assert_eq!(
        told.email,
        trail(PermissionStatus::Granted, Some(6), [5, 6])
    );
}

#[test]
fn a_log_that_can_not_be_is_not_explained() {
    let impossible = mode_changed(ADMINISTRATOR, USERS_FULL);
    let told = explain([(Sequence(1), &impossible)], []);
    assert_eq!(told, Err(IllegalEvent::FromAnotherMode));
    let grant = granted(0, EVERYTHING);
    let twice = explain([], [(Sequence(1), &grant), (Sequence(1), &grant)]);
    assert_eq!(twice, Err(IllegalEvent::OutOfOrder));
}

#[test]
fn left_behind_with_another_mailbox() {
    let told = told([
        granted(0, CALENDAR.join(CONTACTS)),
        revoked(0, [Permission::Contacts]),
        granted_by(colleague(), 0, EMAIL),
    ]);
    assert_eq!(told.effective, EMAIL);
    assert_eq!(told.moved, [Sequence(3)]);
    assert_eq!(
        told.calendar,
        trail(PermissionStatus::LeftBehind, Some(3), [3])
    );
    // It was off before, and nobody was asked about it for the new mailbox.
    assert_eq!(
        told.contacts,
        trail(PermissionStatus::NeverGranted, Some(2), [])
    );
    assert_eq!(told.email, trail(PermissionStatus::Granted, Some(3), [3]));
}

#[test]
fn granted_again_and_ended_again_for_the_other_mailbox() {
    let told = told([
        granted(0, EVERYTHING),
        granted_by(colleague(), 0, CALENDAR),
        granted_by(colleague(), 0, CONTACTS),
        revoked(0, [Permission::Contacts]),
    ]);
    assert_eq!(
        told.calendar,
        trail(PermissionStatus::Granted, Some(2), [2])
    );
    assert_eq!(
        told.contacts,
        trail(
            PermissionStatus::Ended(RevocationReason::UserRevoked),
            Some(4),
            [4]
        )
    );
    assert_eq!(
        told.email,
        trail(PermissionStatus::LeftBehind, Some(2), [2])
    );
}

#[test]
fn granted_anew_to_another_person_of_the_tenant() {
    let told = told(administered(1, EVERYTHING).into_iter().chain([
        auto_granted(1, 1, EVERYTHING),
        auto_granted_to(colleague(), 1, 1, CALENDAR),
    ]));
    assert_eq!(
        told.calendar,
        trail(PermissionStatus::Granted, Some(4), [1, 2, 4])
    );
    assert_eq!(
        told.email,
        trail(PermissionStatus::LeftBehind, Some(4), [4])
    );
}
