//! Subjects, streams and services by their public names.

use std::fmt;

use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, UserId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The stream that holds the events.
pub const EVENT_STREAM: &str = "CONSENT_EVENTS";
/// Told after each append, without content: a hint to those who follow the log.
pub const APPENDED: &str = "consent.appended.v1";
/// The subjects of the events.
pub const EVENT_SUBJECTS: [&str; 2] = ["consent.events.v1.*.company", "consent.events.v1.*.user.*"];
/// The stream that holds the last change of each account and user, and with it how far telling has
/// got: the projections' own memory. Whoever wants to know how everything stands asks
/// [`QUERY_CHANGES`]; a message that somebody else got into the stream is told over, not taken out.
pub const CHANGE_STREAM: &str = "CONSENT_CHANGES";
/// The subjects that changes are told on, live. Whoever listens passes over what it can't read: the
/// projections listen too, and tell anew what somebody else's message said wrongly.
pub const CHANGE_SUBJECTS: &str = "consent.changes.v1.>";
/// The stream that holds what operators did.
pub const OPERATION_STREAM: &str = "CONSENT_OPERATIONS";
/// The subjects of what operators did.
pub const OPERATION_SUBJECTS: &str = "consent.operations.v1.>";
/// The key-value bucket that holds the flows under way.
pub const FLOW_BUCKET: &str = "CONSENT_FLOWS";
/// The key-value bucket that holds the browser sessions of the settings pages.
pub const SESSION_BUCKET: &str = "CONSENT_SESSIONS";
/// The key-value bucket that holds the links for administrators.
pub const HAND_OFF_BUCKET: &str = "CONSENT_HAND_OFFS";
/// The key-value bucket that holds what was learnt of Microsoft on the way: nobody's consent rests on it.
pub const OBSERVATION_BUCKET: &str = "CONSENT_OBSERVATIONS";

/// The token broker's key-value bucket: a sealed refresh token for each user that one is held of.
pub const TOKEN_BUCKET: &str = "CONSENT_TOKENS";
/// The token broker's key-value bucket: until when the access tokens last that were handed out. It outlives the refresh
/// token.
pub const RECEIPT_BUCKET: &str = "CONSENT_TOKEN_RECEIPTS";

/// The projection, as a micro service.
pub const PROJECTION_SERVICE: &str = "consent-projection";
/// Each projection by itself, as a micro service for operators.
pub const REPLICA_SERVICE: &str = "consent-projection-replica";
/// The gateway, as a micro service.
pub const GATEWAY_SERVICE: &str = "consent-gateway";

/// The token broker, as a micro service.
pub const TOKEN_BROKER_SERVICE: &str = "consent-token-broker";

/// Hand out an access token, while the permission is effective: for the host's sync workers.
pub const TOKEN_GET: &str = "consent.token.v1.get";
/// What the token broker holds of a user, and how long what it handed out lasts: for our own services.
pub const CUSTODY_STATUS: &str = "consent.custody.v1.status";
/// Take a refresh token that came with a sign-in into custody: for the login hook.
pub const CUSTODY_DEPOSIT: &str = "consent.custody.v1.deposit";

/// What the token broker holds in all, and with which keys: for the gateway and for operators.
pub const CUSTODY_OVERVIEW: &str = "consent.custody.v1.overview";

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
/// The accounts and users of which an event can't be believed, by page.
pub const QUERY_BLOCKED: &str = "consent.query.v1.blocked";
/// How each projection is: every replica answers. For operators.
pub const REPLICA_STATUS: &str = "consent.projection.v1.status";
/// What may be asked of one projection: see [`of_replica`].
pub const REPLICA_DIGEST: &str = "digest";
/// What may be asked of one projection: see [`of_replica`].
pub const REPLICA_ROWS: &str = "rows";
/// What may be asked of one projection: see [`of_replica`].
pub const REPLICA_CHECK_LOG: &str = "check-log";
/// What may be asked of one projection: see [`of_replica`].
pub const REPLICA_ACCEPT_LOG: &str = "accept-log";
/// Record what an administrator's consent gives a user at login.
pub const COMMAND_RECORD_AUTOMATIC_GRANT: &str = "consent.command.v1.record-automatic-grant";
/// Begin a user's own consent.
pub const COMMAND_BEGIN_USER_CONSENT: &str = "consent.command.v1.begin-user-consent";
/// Begin a passage through Microsoft without a page: for a refresh token, or for a consent that lives again.
pub const COMMAND_BEGIN_CONNECTION: &str = "consent.command.v1.begin-connection";
/// Whose passage through Microsoft is over, however it ended: told to login hooks, which offer a user the same passage while it
/// is good.
pub const CONNECTIONS_ENDED: &str = "consent.connections.v1.ended.*.*";
/// Record that a consent is gone at Microsoft.
pub const COMMAND_RECORD_WITHDRAWAL: &str = "consent.command.v1.record-withdrawal";
/// Declare a message of the log void that is no event.
pub const COMMAND_VOID_MESSAGE: &str = "consent.command.v1.void-message";

const CONNECTION_ENDED: &str = "consent.connections.v1.ended.";
const REBUILD_VIEW: &str = "consent.command.v1.rebuild-view.";
const VOIDS: &str = "consent.operations.v1.void.";
const EVENTS: &str = "consent.events.v1.";
const CHANGES: &str = "consent.changes.v1.";

/// The subject on which one projection is asked to build its view anew, by its instance.
pub fn rebuild_view(instance: &str) -> String {
    format!("{REBUILD_VIEW}{instance}")
}

/// The subjects of the events of an account's users.
pub fn event_subjects_of_users(account: &AccountId) -> String {
    format!("{EVENTS}{}.user.*", id_token(account.as_str()))
}

/// The subject that an aggregate's events are appended to.
pub fn event_subject(aggregate: &Aggregate) -> String {
    subject(EVENTS, aggregate)
}

/// The subject on which an aggregate's changes are told.
pub fn change_subject(aggregate: &Aggregate) -> String {
    subject(CHANGES, aggregate)
}

/// The subject on which one projection is asked for something, by the instance that its status names.
pub fn of_replica(what: &str, instance: &str) -> String {
    format!("consent.projection.v1.{what}.{instance}")
}

/// The aggregate that an event's subject names; `None` for a subject that is not ours.
pub fn aggregate_of_event_subject(subject: &str) -> Option<Aggregate> {
    aggregate(EVENTS, subject)
}

/// The aggregate that a change's subject names; `None` for a subject that is not ours.
pub fn aggregate_of_change_subject(subject: &str) -> Option<Aggregate> {
    aggregate(CHANGES, subject)
}

/// Whether the log takes messages on a subject, be it one of ours ([`aggregate_of_event_subject`]) or not.
pub fn is_subject_of_the_log(subject: &str) -> bool {
    let Some(rest) = subject.strip_prefix(EVENTS) else {
        return false;
    };
    let tokens: Vec<_> = rest.split('.').collect();
    let is_token = |token: &str| !token.is_empty() && token != "*" && token != ">";
    match tokens.as_slice() {
        [account, "company"] => is_token(account),
        [account, "user", user] => is_token(account) && is_token(user),
        _ => false,
    }
}

fn aggregate(prefix: &str, subject: &str) -> Option<Aggregate> {
    let mut tokens = subject.strip_prefix(prefix)?.split('.');
    let account = id_of_token(tokens.next()?, AccountId::parse)?;
    let aggregate = match (tokens.next()?, tokens.next()) {
        ("company", None) => Aggregate::Account(account),
        ("user", Some(user)) => Aggregate::User(account, id_of_token(user, UserId::parse)?),
        _ => return None,
    };
    tokens.next().is_none().then_some(aggregate)
}

/// The subject of the record that declares a message of a log void: one for each message, so that
/// the server itself keeps a second record about it out. `log` is when the log was created.
pub fn void_subject(log: &str, sequence: u64) -> String {
    let log: String = log
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    format!("{VOIDS}{log}.{sequence}")
}

/// What stands for an id in one token of a subject or of a bucket's key: the id, with everything but
/// `A-Z a-z 0-9 _ -` percent-encoded (`auth0|5f7c` is `auth0%7C5f7c`), for a dot would begin another token.
pub fn id_token(id: &str) -> impl fmt::Display {
    utf8_percent_encode(id, TOKEN)
}

const TOKEN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

/// The key of a user's record in the token broker's buckets.
pub fn token_key(account: &AccountId, user: &UserId) -> String {
    format!("{}.{}", id_token(account.as_str()), id_token(user.as_str()))
}

/// Whose record stands under a key of the token broker's buckets; `None` for what is no such key.
pub fn user_of_token_key(key: &str) -> Option<(AccountId, UserId)> {
    let (account, user) = key.split_once('.')?;
    let account = id_of_token(account, AccountId::parse)?;
    Some((account, id_of_token(user, UserId::parse)?))
}

/// The subject on which it is told that a user's passage through Microsoft is over.
pub fn connection_ended(account: &AccountId, user: &UserId) -> String {
    format!("{CONNECTION_ENDED}{}", token_key(account, user))
}

/// Whose passage is over, by the subject on which that is told; `None` for a subject that is not ours.
pub fn user_of_connection_ended(subject: &str) -> Option<(AccountId, UserId)> {
    user_of_token_key(subject.strip_prefix(CONNECTION_ENDED)?)
}

/// The id that a token stands for. Of the ways to write one only that of [`id_token`] is taken, so that nobody has two
/// lines of events.
fn id_of_token<T: fmt::Display, E>(token: &str, parse: fn(&str) -> Result<T, E>) -> Option<T> {
    let text = percent_decode_str(token).decode_utf8().ok()?;
    let id = parse(&text).ok()?;
    (id_token(&text).to_string() == token).then_some(id)
}

fn subject(prefix: &str, aggregate: &Aggregate) -> String {
    match aggregate {
        Aggregate::Account(account) => format!("{prefix}{}.company", id_token(account.as_str())),
        Aggregate::User(account, user) => format!(
            "{prefix}{}.user.{}",
            id_token(account.as_str()),
            id_token(user.as_str())
        ),
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::event::Aggregate;
    use assent_domain::ids::{AccountId, UserId};

    use super::{
        aggregate_of_change_subject, aggregate_of_event_subject, change_subject, connection_ended,
        event_subject, user_of_connection_ended, void_subject,
    };

    #[test]
    fn each_message_of_each_log_has_a_subject_to_be_declared_void_on() {
        assert_eq!(
            void_subject("2026-11-23T10:00:00.123456789Z", 7),
            "consent.operations.v1.void.2026-11-23T10-00-00-123456789Z.7"
        );
    }

    fn company(account: &str) -> Aggregate {
        Aggregate::Account(AccountId::parse(account).unwrap())
    }

    fn user(account: &str, user: &str) -> Aggregate {
        Aggregate::User(
            AccountId::parse(account).unwrap(),
            UserId::parse(user).unwrap(),
        )
    }

    #[test]
    fn a_subject_says_an_id_in_one_token() {
        for (aggregate, subject) in [
            (company("acme"), "consent.events.v1.acme.company"),
            (
                user("acme", "ana_B-1"),
                "consent.events.v1.acme.user.ana_B-1",
            ),
            (
                user("urn:acme", "auth0|5f7c"),
                "consent.events.v1.urn%3Aacme.user.auth0%7C5f7c",
            ),
            (
                user("acme.eu", "a.b+c=~"),
                "consent.events.v1.acme%2Eeu.user.a%2Eb%2Bc%3D%7E",
            ),
        ] {
            assert_eq!(event_subject(&aggregate), subject);
        }
    }

    proptest::proptest! {
        #[test]
        fn every_id_comes_back_from_its_subject(
            account in "[A-Za-z0-9_|:+=~.-]{3,128}",
            id in "[A-Za-z0-9_|:+=~.-]{3,128}",
        ) {
            for aggregate in [company(&account), user(&account, &id)] {
                let subject = event_subject(&aggregate);
                let tokens = subject.split('.').count();
                proptest::prop_assert!(tokens == 5 || tokens == 6, "{}", subject);
                proptest::prop_assert_eq!(aggregate_of_event_subject(&subject), Some(aggregate));
            }
        }
    }

    #[test]
    fn the_end_of_a_passage_names_its_user() {
        let (account, user) = (
            AccountId::parse("acme.eu").unwrap(),
            UserId::parse("auth0|ana").unwrap(),
        );
        let subject = connection_ended(&account, &user);
        assert_eq!(
            subject,
            "consent.connections.v1.ended.acme%2Eeu.auth0%7Cana"
        );
        assert_eq!(user_of_connection_ended(&subject), Some((account, user)));
        let foreign = "consent.connections.v1.ended.acme";
        assert_eq!(user_of_connection_ended(foreign), None);
    }

    #[test]
    fn a_subject_names_its_aggregate_and_back() {
        for aggregate in [company("acme"), user("acme", "ana")] {
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
            // Other ways to write acme and auth0|5f7c.
            "consent.events.v1.%61cme.company",
            "consent.events.v1.acme.user.auth0|5f7c",
            "consent.events.v1.acme.user.auth0%7c5f7c",
            "consent.events.v1.acme.user.%",
            "consent.events.v1.acme.user.%FF",
            "consent.events.v1.acme.user.%40",
        ] {
            assert_eq!(aggregate_of_event_subject(foreign), None, "{foreign}");
        }
    }
}
