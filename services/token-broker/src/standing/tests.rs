use assent_contract::values::PersonId;
use assent_domain::permissions::PermissionSet;
use serde_json::json;
use uuid::Uuid;

use super::*;

const ANA: PersonId = PersonId {
    tenant_id: Uuid::from_u128(1),
    object_id: Uuid::from_u128(2),
};

fn record(sequence: u64, epoch: Option<u64>) -> TokenRecord {
    let mut record = json!({
        "version": 1, "key_id": "0123456789abcdef", "tenant_id": ANA.tenant_id, "object_id": ANA.object_id,
        "client_id": "client", "sequence": sequence, "stored_at": "2026-11-28T10:00:00Z",
        "verified_at": "2026-11-28T10:00:00Z", "enc": "", "ciphertext": "",
    });
    if let Some(epoch) = epoch {
        record["epoch"] = json!(epoch);
    }
    serde_json::from_value(record).unwrap()
}

/// The company is in its second epoch, since event 10; the user's last event is number 14.
fn permitted() -> Permitted {
    Permitted {
        effective: PermissionSet {
            calendar: true,
            ..PermissionSet::NOTHING
        },
        mailbox: Some(ANA),
        epoch: 1,
        consent_recorded_at: None,
        users_last_event: 14,
        last_event: 14,
        is_blocked: false,
        sequence: 20,
        stamp: crate::permissions::Stamp::default(),
    }
}

#[test]
fn what_is_of_another_epoch_has_no_use_though_the_mailbox_is_the_same() {
    for (epoch, ending_of_it) in [
        (0, Some(Ending::EarlierEpoch)),
        (1, None),
        (2, Some(Ending::EarlierEpoch)),
    ] {
        // Wherever it stands in the log: that of an earlier epoch was put after the change, too.
        for sequence in [5, 14, 20] {
            let record = record(sequence, Some(epoch));
            assert_eq!(ending(&permitted(), &record), ending_of_it, "{sequence}");
        }
    }
}

#[test]
fn a_record_without_an_epoch_counts_where_it_can_be_of_no_other() {
    let individual = permitted();
    let first = Permitted {
        epoch: 0,
        ..permitted()
    };
    let administered = Permitted {
        consent_recorded_at: Some(10),
        ..permitted()
    };
    for (permitted, sequence, counts) in [
        (individual, 9, false),
        (individual, 13, false),
        (individual, 14, true),
        (individual, 17, true),
        (first, 1, true),
        (administered, 9, false),
        (administered, 10, true),
        (administered, 13, true),
    ] {
        let ending = ending(&permitted, &record(sequence, None));
        let expected = (!counts).then_some(Ending::EarlierEpoch);
        assert_eq!(ending, expected, "{permitted:?} {sequence}");
    }
}

#[test]
fn whoever_is_blocked_keeps_it_and_else_nothing_effective_is_nothing_kept() {
    let nothing = Permitted {
        effective: PermissionSet::NOTHING,
        mailbox: None,
        ..permitted()
    };
    let blocked = Permitted {
        is_blocked: true,
        ..nothing
    };
    let moved = Permitted {
        mailbox: Some(PersonId {
            object_id: Uuid::from_u128(3),
            ..ANA
        }),
        ..permitted()
    };
    let record = record(14, Some(1));
    assert_eq!(ending(&nothing, &record), Some(Ending::NothingEffective));
    assert_eq!(ending(&blocked, &record), None);
    assert_eq!(ending(&moved, &record), Some(Ending::AnotherMailbox));
}

#[test]
fn a_yes_confirms_what_was_decided_before_it() {
    let mut record = record(14, Some(1));
    assert!(!is_confirmed(&permitted(), &record), "not used yet");
    record.confirmed = 14;
    assert!(is_confirmed(&permitted(), &record));
    let decided_since = Permitted {
        last_event: 15,
        ..permitted()
    };
    assert!(!is_confirmed(&decided_since, &record));
}
