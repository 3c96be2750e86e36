//! The messages of one append.

use assent_contract::codec::{self, Metadata};
use assent_contract::event_hash::EventHash;
use assent_contract::names::EVENT_STREAM;
use assent_messaging::jetstream::{Append, Expected, NewMessage};
use uuid::Uuid;

use super::{AppendError, Draft};
use crate::entry::LogEntry;
use crate::history::Tail;

/// What is known of a message of ours by the time that it is sent.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) id: Uuid,
    pub(super) hash: EventHash,
    pub(super) subject: String,
}

impl Prepared {
    /// Whether a stored message is this one.
    pub(super) fn is_stored_as(&self, stored: &LogEntry) -> bool {
        stored.header("ce-id").and_then(|id| id.parse().ok()) == Some(self.id)
    }
}

/// Encodes the drafts, each chained to the one before it.
pub(super) fn prepare(
    tail: Tail,
    drafts: Vec<Draft>,
) -> Result<(Vec<Prepared>, Append), AppendError> {
    let mut prepared: Vec<Prepared> = Vec::with_capacity(drafts.len());
    let mut messages: Vec<NewMessage> = Vec::with_capacity(drafts.len());
    let mut previous = tail.hash;
    for draft in drafts {
        let (ours, message) = encode(draft, previous)?;
        if prepared
            .first()
            .is_some_and(|first| first.subject != ours.subject)
        {
            return Err(AppendError::MixedAggregates);
        }
        previous = ours.hash;
        prepared.push(ours);
        messages.push(message);
    }
    if let Some(first) = messages.first_mut() {
        first.expected = Expected::LastOnSubject(tail.sequence.0);
    }
    let append = Append {
        stream: Some(EVENT_STREAM),
        messages,
        batch: None,
    };
    Ok((prepared, append))
}

fn encode(draft: Draft, previous: EventHash) -> Result<(Prepared, NewMessage), AppendError> {
    let Draft {
        id,
        time,
        traceparent,
        event,
    } = draft;
    let metadata = Metadata {
        id,
        time,
        previous,
        traceparent,
    };
    let encoded = codec::encode(&event, &metadata)
        .map_err(|error| AppendError::CannotEncode(error.into()))?;
    let prepared = Prepared {
        id,
        hash: encoded.hash(),
        subject: encoded.subject.clone(),
    };
    let message = NewMessage {
        subject: encoded.subject,
        id: Some(id.to_string()),
        expected: Expected::Anything,
        headers: encoded
            .headers
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect(),
        payload: encoded.body.into(),
    };
    Ok((prepared, message))
}
