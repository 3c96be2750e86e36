//! Changes as they are written.

use assent_contract::change::ChangeMessage;
use assent_contract::event_hash::EventHash;
use assent_contract::names;
use assent_domain::event::Aggregate;
use assent_domain::mode::AuthorizationMethod;
use assent_domain::permissions::PermissionSet;
use assent_messaging::{Anew, Change as Message, Position};
use assent_permission_store::AggregateChange;
use assent_service_kit::telemetry::current_traceparent;
use tracing::Span;

use super::TracedChange;
use crate::announce_error::AnnounceError;

/// The position of a log of which nothing was told.
pub(super) fn beginning(log: &str) -> Position {
    Position {
        log: log.to_owned(),
        through: 0,
        hash: EventHash::NONE.to_string(),
        mending: None,
    }
}

/// A change, without the name of its log.
pub(crate) fn change_message(change: &AggregateChange) -> ChangeMessage {
    let (account, user) = match &change.aggregate {
        Aggregate::Account(account) => (account, None),
        Aggregate::User(account, user) => (account, Some(user)),
    };
    ChangeMessage {
        account_id: account.clone(),
        user_id: user.cloned(),
        method: change.method.into(),
        effective: change.effective.map(Into::into),
        allowed: change.effective.map(Into::into),
        sequence: change.sequence.0,
        log: None,
    }
}

/// How somebody stands whom the log does not know.
pub(super) fn nothing(
    aggregate: Aggregate,
    as_of: assent_domain::ids::Sequence,
) -> AggregateChange {
    let effective = match &aggregate {
        Aggregate::Account(_) => None,
        Aggregate::User(..) => Some(PermissionSet::NOTHING),
    };
    AggregateChange {
        aggregate,
        sequence: as_of,
        method: AuthorizationMethod::default(),
        effective,
    }
}

/// A change that an event made. It says within which span it is told, or else within which its event was applied.
pub(super) fn message(
    announced: &TracedChange,
    log: &str,
    telling: Option<&Span>,
) -> Result<Message, AnnounceError> {
    let change = &announced.change;
    Ok(Message {
        source_sequence: change.sequence.0,
        hash: announced.entry.hash().to_string(),
        subject: names::change_subject(&change.aggregate),
        payload: body(change, log)?,
        traceparent: telling
            .and_then(|span| span.in_scope(current_traceparent))
            .or_else(|| announced.traceparent.clone()),
    })
}

/// How somebody stands, told anew.
pub(super) fn anew(change: &AggregateChange, position: Position) -> Result<Anew, AnnounceError> {
    Ok(Anew {
        sequence: change.sequence.0,
        subject: names::change_subject(&change.aggregate),
        payload: body(change, &position.log)?,
        position,
    })
}

fn body(change: &AggregateChange, log: &str) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&ChangeMessage {
        log: Some(log.to_owned()),
        ..change_message(change)
    })
}
