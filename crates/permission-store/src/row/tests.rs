use assent_domain::account::{AccountState, Authorization, Consent};
use assent_domain::ids::{
    Cloud, ConsentId, Epoch, MicrosoftIdentity, ObjectId, Sequence, Tenant, TenantId,
};
use assent_domain::mode::EmailSync;
use assent_domain::permissions::{EmailLevel, Kinds, PermissionSet};
use assent_domain::user::{LastEvents, UserState};
use proptest::prelude::*;
use uuid::Uuid;

use super::Stored;
use crate::projected::Projected;

fn sets() -> impl Strategy<Value = PermissionSet> {
    let levels = prop_oneof![
        Just(EmailLevel::None),
        Just(EmailLevel::Limited),
        Just(EmailLevel::Full)
    ];
    (any::<bool>(), any::<bool>(), levels).prop_map(|(calendar, contacts, email)| PermissionSet {
        calendar,
        contacts,
        email,
    })
}

fn uuids() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn tenants() -> impl Strategy<Value = Tenant> {
    let clouds = prop_oneof![
        Just(Cloud::Worldwide),
        Just(Cloud::GccHigh),
        Just(Cloud::Dod),
        Just(Cloud::China)
    ];
    (clouds, uuids()).prop_map(|(cloud, id)| Tenant {
        cloud,
        id: TenantId(id),
    })
}

fn consents() -> impl Strategy<Value = Consent> {
    (uuids(), sets(), tenants(), any::<u64>()).prop_map(|(id, permissions, tenant, at)| Consent {
        id: ConsentId(id),
        permissions,
        tenant,
        recorded_at: Sequence(at),
    })
}

fn accounts() -> impl Strategy<Value = AccountState> {
    let authorizations = prop_oneof![
        prop::option::of(consents())
            .prop_map(|awaiting_switch| Authorization::UserIndividual { awaiting_switch }),
        consents().prop_map(|consent| Authorization::AdminConfigured { consent }),
    ];
    let syncs = prop_oneof![Just(EmailSync::Limited), Just(EmailSync::Full)];
    (authorizations, syncs, any::<u64>(), any::<u64>()).prop_map(
        |(authorization, email_sync, epoch, last)| AccountState {
            authorization,
            email_sync,
            epoch: Epoch(epoch),
            last_sequence: Sequence(last),
        },
    )
}

fn kinds() -> impl Strategy<Value = Kinds> {
    any::<(bool, bool, bool)>().prop_map(|(calendar, contacts, email)| Kinds {
        calendar,
        contacts,
        email,
    })
}

fn users() -> impl Strategy<Value = UserState> {
    let identities = prop::option::of((tenants(), uuids())).prop_map(|identity| {
        identity.map(|(tenant, id)| MicrosoftIdentity {
            tenant,
            object_id: ObjectId(id),
        })
    });
    let numbers = (any::<u64>(), any::<u64>());
    let at = || prop_oneof![Just(0), any::<u64>()].prop_map(Sequence);
    let last = || {
        (at(), at(), at()).prop_map(|(calendar, contacts, email)| LastEvents {
            calendar,
            contacts,
            email,
        })
    };
    (
        sets(),
        sets(),
        (kinds(), kinds(), kinds()),
        last(),
        last(),
        identities,
        numbers,
    )
        .prop_map(
            |(
                own,
                automatic,
                (answered, declined, left_behind),
                last_no,
                last_withdrawal,
                identity,
                (epoch, last),
            )| {
                UserState {
                    epoch: Epoch(epoch),
                    own,
                    automatic,
                    answered,
                    declined,
                    left_behind,
                    last_no,
                    last_withdrawal,
                    identity,
                    last_sequence: Sequence(last),
                }
            },
        )
}

fn round_trips<S: Stored + PartialEq + std::fmt::Debug>(state: &Projected<S>) {
    let row = S::write(state);
    assert_eq!(S::read(&row).as_ref(), Ok(state));
    for length in 0..row.len() {
        assert!(S::read(&row[..length]).is_err(), "a row cut short was read");
    }
    assert!(
        S::read(&[&row[..], &[0]].concat()).is_err(),
        "a row with a byte too many was read"
    );
}

proptest! {
    #[test]
    fn accounts_are_read_as_they_were_written(state in accounts(), at in any::<u64>()) {
        round_trips(&Projected::Known(state));
        round_trips::<AccountState>(&Projected::Blocked { at: Sequence(at) });
    }

    #[test]
    fn users_are_read_as_they_were_written(state in users(), at in any::<u64>()) {
        round_trips(&Projected::Known(state));
        round_trips::<UserState>(&Projected::Blocked { at: Sequence(at) });
    }

    #[test]
    fn any_bytes_are_refused_or_read_but_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(state) = AccountState::read(&bytes) {
            prop_assert_eq!(AccountState::read(&AccountState::write(&state)), Ok(state));
        }
        if let Ok(state) = UserState::read(&bytes) {
            prop_assert_eq!(UserState::read(&UserState::write(&state)), Ok(state));
        }
    }
}
