//! The messages of one append.

use std::mem;

use assent_contract::codec::{self, Metadata};
use assent_contract::event_hash::EventHash;
use assent_contract::names::EVENT_STREAM;
use async_nats::Subject;
use async_nats::header::{
    HeaderMap, HeaderName, HeaderValue, NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID,
    NATS_BATCH_SEQUENCE, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_EXPECTED_STREAM,
    NATS_MESSAGE_ID, ParseHeaderValueError,
};
use bytes::Bytes;
use uuid::Uuid;

use super::{AppendError, Draft};
use crate::read::Tail;

/// A message that is ready to be sent.
#[derive(Debug)]
pub(super) struct Prepared {
    id: Uuid,
    hash: EventHash,
    subject: Subject,
    headers: HeaderMap,
    body: Bytes,
}

impl Prepared {
    pub(super) fn id(&self) -> Uuid {
        self.id
    }

    pub(super) fn hash(&self) -> EventHash {
        self.hash
    }

    pub(super) fn subject(&self) -> Subject {
        self.subject.clone()
    }

    /// Once, to send it.
    pub(super) fn take_content(&mut self) -> (HeaderMap, Bytes) {
        (mem::take(&mut self.headers), mem::take(&mut self.body))
    }
}

/// Encodes the drafts, each chained to the one before it.
pub(super) fn prepare(tail: Tail, drafts: Vec<Draft>) -> Result<Vec<Prepared>, AppendError> {
    let mut prepared: Vec<Prepared> = Vec::with_capacity(drafts.len());
    let mut batch = Batch::of(&drafts);
    let mut previous = tail.hash;
    for draft in drafts {
        let message = encode(draft, previous)?;
        if prepared
            .first()
            .is_some_and(|first| first.subject != message.subject)
        {
            return Err(AppendError::MixedAggregates);
        }
        previous = message.hash;
        prepared.push(message);
    }
    // The expectation goes with the first alone: the server holds every message of a batch against
    // what was stored before the batch, and refuses a second expectation about the same subject.
    if let Some(first) = prepared.first_mut() {
        let expected = HeaderValue::from(tail.sequence.0);
        first
            .headers
            .insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected);
    }
    for message in &mut prepared {
        batch.mark(&mut message.headers);
    }
    Ok(prepared)
}

fn encode(draft: Draft, previous: EventHash) -> Result<Prepared, AppendError> {
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
    let hash = encoded.hash();
    let mut headers = HeaderMap::new();
    for (name, value) in encoded.headers {
        let value = value
            .parse::<HeaderValue>()
            .map_err(|error: ParseHeaderValueError| AppendError::CannotEncode(error.into()))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    headers.insert(NATS_MESSAGE_ID, id.to_string());
    headers.insert(NATS_EXPECTED_STREAM, EVENT_STREAM);
    Ok(Prepared {
        id,
        hash,
        subject: encoded.subject.into(),
        headers,
        body: encoded.body.into(),
    })
}

/// What ties the messages of an append together, where there are several.
struct Batch {
    id: String,
    size: usize,
    number: usize,
}

impl Batch {
    /// The id of the first event is as unique as a batch's has to be among those under way; the
    /// server takes up to 64 characters.
    fn of(drafts: &[Draft]) -> Self {
        let id = drafts
            .first()
            .map(|draft| draft.id.to_string())
            .unwrap_or_default();
        Self {
            id,
            size: drafts.len(),
            number: 0,
        }
    }

    fn mark(&mut self, headers: &mut HeaderMap) {
        if self.size < 2 {
            return;
        }
        self.number += 1;
        headers.insert(NATS_BATCH_ID, self.id.as_str());
        headers.insert(NATS_BATCH_SEQUENCE, self.number.to_string());
        if self.number == self.size {
            headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
        }
    }
}
