//! Subjects, streams and services by their public names.

use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, UserId};

/// The stream that holds the events.
pub const EVENT_STREAM: &str = "CONSENT_EVENTS";
/// The subjects of the events.
pub const EVENT_SUBJECTS: [&str; 2] = ["consent.events.v1.*.company", "consent.events.v1.*.user.*"];
/// The stream that holds the last change of each account and user, and with it how far telling has
/// got: the projections' own memory. Whoever wants to know how everything stands asks
/// [`QUERY_CHANGES`]; a message that somebody else got into the stream is told over, not taken out.
pub const CHANGE_STREAM: &str = "CONSENT_CHANGES";
/// The subjects that changes are told on, live. Whoever listens passes over what it can't read: the
/// projections listen too, and tell anew what somebody else's message said wrongly.
pub const CHANGE_SUBJECTS: &str = "consent.changes.v1.>";
/// The key-value bucket that holds the flows under way.
pub const FLOW_BUCKET: &str = "CONSENT_FLOWS";
/// The key-value bucket that holds the browser sessions of the settings pages.
pub const SESSION_BUCKET: &str = "CONSENT_SESSIONS";
/// The key-value bucket that holds the links for administrators.
pub const HAND_OFF_BUCKET: &str = "CONSENT_HAND_OFFS";
/// The key-value bucket that holds what was learnt of Microsoft on the way: nobody's consent rests on it.
pub const OBSERVATION_BUCKET: &str = "CONSENT_OBSERVATIONS";

/// The projection, as a micro service.
pub const PROJECTION_SERVICE: &str = "consent-projection";
/// The gateway, as a micro service.
pub const GATEWAY_SERVICE: &str = "consent-gateway";

/// What may be done for a user now.
pub const QUERY_PERMISSIONS: &str = "consent.query.v1.permissions";
/// All that the decision at a login needs.
pub const QUERY_LOGIN_STATE: &str = "consent.query.v1.login-state";
/// An account.
pub const QUERY_ACCOUNT: &str = "consent.query.v1.account";
/// The users of an account, by page.
pub const QUERY_USERS: &str = "consent.query.v1.users";
/// How everybody stands, by page, in the shape of changes: what a sync worker begins with.
pub const QUERY_CHANGES: &str = "consent.query.v1.changes";
/// Record what an administrator's consent gives a user at login.
pub const COMMAND_RECORD_AUTOMATIC_GRANT: &str = "consent.command.v1.record-automatic-grant";
/// Begin a user's own consent.
pub const COMMAND_BEGIN_USER_CONSENT: &str = "consent.command.v1.begin-user-consent";

const EVENTS: &str = "consent.events.v1.";
const CHANGES: &str = "consent.changes.v1.";

/// The subject that an aggregate's events are appended to.
pub fn event_subject(aggregate: &Aggregate) -> String {
    subject(EVENTS, aggregate)
}

/// The subject on which an aggregate's changes are told.
pub fn change_subject(aggregate: &Aggregate) -> String {
    subject(CHANGES, aggregate)
}

/// The aggregate that an event's subject names; `None` for a subject that is not ours.
pub fn aggregate_of_event_subject(subject: &str) -> Option<Aggregate> {
    aggregate(EVENTS, subject)
}

/// The aggregate that a change's subject names; `None` for a subject that is not ours.
pub fn aggregate_of_change_subject(subject: &str) -> Option<Aggregate> {
    aggregate(CHANGES, subject)
}

fn aggregate(prefix: &str, subject: &str) -> Option<Aggregate> {
    let mut tokens = subject.strip_prefix(prefix)?.split('.');
    let account = AccountId::parse(tokens.next()?).ok()?;
    let aggregate = match (tokens.next()?, tokens.next()) {
        ("company", None) => Aggregate::Company(account),
        ("user", Some(user)) => Aggregate::User(account, UserId::parse(user).ok()?),
        _ => return None,
    };
    tokens.next().is_none().then_some(aggregate)
}

fn subject(prefix: &str, aggregate: &Aggregate) -> String {
    match aggregate {
        Aggregate::Company(account) => format!("{prefix}{account}.company"),
        Aggregate::User(account, user) => format!("{prefix}{account}.user.{user}"),
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::event::Aggregate;
    use assent_domain::ids::{AccountId, UserId};

    use super::{
        aggregate_of_change_subject, aggregate_of_event_subject, change_subject, event_subject,
    };

    #[test]
    fn a_subject_names_its_aggregate_and_back() {
        let account = AccountId::parse("acme").unwrap();
        let user = UserId::parse("ana").unwrap();
        for aggregate in [
            Aggregate::Company(account.clone()),
            Aggregate::User(account, user),
        ] {
            let subject = event_subject(&aggregate);
            assert_eq!(
                aggregate_of_event_subject(&subject),
                Some(aggregate.clone())
            );
            assert_eq!(aggregate_of_change_subject(&subject), None);
            let subject = change_subject(&aggregate);
            assert_eq!(aggregate_of_change_subject(&subject), Some(aggregate));
        }
        for foreign in [
            "consent.events.v1.acme",
            "consent.events.v1.acme.company.x",
            "consent.events.v1.acme.user",
            "consent.events.v1.acme.user.*",
            "consent.events.v1.acme.user.ana.x",
            "consent.events.v2.acme.company",
        ] {
            assert_eq!(aggregate_of_event_subject(foreign), None, "{foreign}");
        }
    }
}
