//! A view that takes the place of one that knew of a no which the log has lost.

use assent_domain::event::{Aggregate, Event, RevocationReason, UserScopeRevoked};
use assent_domain::ids::{Epoch, Sequence};
use assent_domain::permissions::Kinds;
use assent_permission_store::{Entry, Projected, RebuildReason, Refold, RowsCheck, effective};

use crate::log::{account, entry, granted, source, user};
use crate::place::{Place, apply, digest_of, load};

fn revoked(sequence: u64, name: &str) -> Entry {
    entry(
        sequence,
        Event::UserScopeRevoked(UserScopeRevoked {
            account: account("acme"),
            user: user(name),
            epoch: Epoch(0),
            permissions: Kinds {
                calendar: true,
                ..Kinds::NONE
            },
            reason: RevocationReason::UserRevoked,
            revoked_by: None,
        }),
    )
}

fn ben() -> Aggregate {
    Aggregate::User(account("acme"), user("ben"))
}

#[test]
fn whoever_would_be_permitted_more_is_held_until_folded_anew() {
    let kept = [granted(1, "acme", "ana"), granted(2, "acme", "ben")];
    let place = Place::new();
    let former = load(place.fresh(RebuildReason::Missing), &kept);
    // Ben says no, Cleo yes; then the log loses both, and goes on with Dora.
    apply(&former, &[revoked(3, "ben"), granted(4, "acme", "cleo")]);
    let shorter = [&kept[..], &[granted(3, "acme", "dora")]].concat();
    let mut anew = former.start_over(&source()).unwrap();
    anew.add(&shorter).unwrap();
    let (view, held) = anew.finish_holding(&former).unwrap();
    drop(former);
    assert_eq!((held, view.counts().blocked), (1, 1));
    drop(view);

    let view = place.resumed();
    assert_eq!(view.verify(|| {}).unwrap(), RowsCheck::Sound);
    {
        let reading = view.read();
        assert_eq!(reading.held(), 1);
        assert_eq!(reading.held_after(None, 9).unwrap(), [ben()]);
        assert!(reading.held_after(Some(&ben()), 9).unwrap().is_empty());
        assert!(reading.is_held(&ben()).unwrap());
        let acme = reading.account(&account("acme")).unwrap();
        for (name, calendar) in [("ana", true), ("ben", false), ("dora", true)] {
            let user = reading.user(&account("acme"), &user(name)).unwrap();
            assert_eq!(effective(&acme, &user).calendar, calendar, "{name}");
        }
        let ben = reading.user(&account("acme"), &user("ben")).unwrap();
        assert_eq!(ben, Projected::Blocked { at: Sequence(3) });
    }
    // Nothing that comes lets go of him.
    apply(&view, &[granted(4, "acme", "ben")]);
    assert!(view.read().is_held(&ben()).unwrap());

    // Whoever decides has him folded anew from the log as it is.
    let mut refold = Refold::new(ben());
    let log = [&shorter[..], &[granted(4, "acme", "ben")]].concat();
    refold.add(&log[1]);
    refold.add(&log[3]);
    view.replace(&refold, Sequence(4)).unwrap();
    assert_eq!((view.read().held(), view.counts().blocked), (0, 0));
    assert!(!view.read().is_held(&ben()).unwrap());
    assert_eq!(view.digest().unwrap(), digest_of(&log));
    assert_eq!(view.verify(|| {}).unwrap(), RowsCheck::Sound);
}

#[test]
fn nobody_is_held_who_is_permitted_no_more_than_before() {
    let place = Place::new();
    let log = [granted(1, "acme", "ana"), revoked(2, "ana")];
    let former = load(place.fresh(RebuildReason::Missing), &log[..1]);
    let mut anew = former.start_over(&source()).unwrap();
    anew.add(&log).unwrap();
    let (view, held) = anew.finish_holding(&former).unwrap();
    assert_eq!(held, 0);
    assert_eq!(view.digest().unwrap(), digest_of(&log));
}
