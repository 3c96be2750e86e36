//! The id of a request.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue};
use uuid::Uuid;

/// The header that carries the id, in requests and answers.
pub(crate) const HEADER: &str = "x-request-id";

/// A longer name is not given back.
const LONGEST: usize = 128;

/// The name of one request, in its answer and in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId(Uuid);

impl RequestId {
    /// The caller's own id if it is a UUID, else a new one. Any other text is
    /// not taken over: it would end in our logs.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let sent = headers.get(HEADER).and_then(|id| id.to_str().ok());
        Self(
            sent.and_then(|id| Uuid::try_parse(id).ok())
                .unwrap_or_else(Uuid::now_v7),
        )
    }

    /// What the answer calls the request: as its caller did, where that is short and plain, whatever our log calls it.
    pub(crate) fn told(headers: &HeaderMap) -> Option<HeaderValue> {
        let sent = headers.get(HEADER)?;
        let is_plain = sent
            .as_bytes()
            .iter()
            .all(|byte| (b' '..=b'~').contains(byte));
        let is_short = (1..=LONGEST).contains(&sent.len());
        (is_plain && is_short).then(|| sent.clone())
    }

    pub(crate) fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.urn())
    }
}
