//! What would be otherwise, in words.

use assent_domain::event::Aggregate;
use assent_domain::mode::AuthorizationMethod;
use assent_domain::permissions::{EmailLevel, PermissionSet};

use crate::event_text;

/// How a user's permissions would change.
pub(super) struct Changed {
    /// Something would be on that is off now.
    pub(super) on: bool,
    /// Something would be off that is on now.
    pub(super) off: bool,
    pub(super) says: String,
}

pub(super) fn permissions(now: PermissionSet, then: PermissionSet) -> Changed {
    let (gained, lost) = (without(then, now), without(now, then));
    let (on, off) = (
        gained != PermissionSet::NOTHING,
        lost != PermissionSet::NOTHING,
    );
    let mut says = Vec::new();
    if on {
        says.push(format!(
            "{} would be on again",
            event_text::permissions(gained)
        ));
    }
    if off {
        says.push(format!("{} would be off", event_text::permissions(lost)));
    }
    Changed {
        on,
        off,
        says: says.join("; "),
    }
}

/// What one permits and the other does not.
fn without(one: PermissionSet, other: PermissionSet) -> PermissionSet {
    PermissionSet {
        calendar: one.calendar && !other.calendar,
        contacts: one.contacts && !other.contacts,
        email: if other.email < one.email {
            one.email
        } else {
            EmailLevel::None
        },
    }
}

pub(super) fn method(now: AuthorizationMethod, then: AuthorizationMethod) -> String {
    let (now, then) = (event_text::method(now), event_text::method(then));
    format!("the method would be {then}, and is {now} now")
}

pub(super) fn name(aggregate: &Aggregate) -> String {
    match aggregate {
        Aggregate::Account(account) => account.to_string(),
        Aggregate::User(account, user) => format!("{account}/{user}"),
    }
}
