//! Errors, over NATS as over HTTP: RFC 9457 problem details.

use serde::{Deserialize, Serialize};

/// The codes that are no refusal of the domain.
pub mod code {
    /// What was asked for is not there.
    pub const NOT_FOUND: &str = "not_found";
    /// Events of this account or user are damaged in the log, or the log has lost its end.
    pub const EVENT_LOG_DAMAGED: &str = "event_log_damaged";
    /// The log holds an event of this account or user that can't be read.
    pub const EVENT_UNREADABLE: &str = "event_unreadable";
    /// The user has answered about all that was to be asked, with this Microsoft account.
    pub const ALREADY_ANSWERED: &str = "already_answered";
    /// The message is an event, or a newer program's: it can't be declared void.
    pub const MESSAGE_IS_AN_EVENT: &str = "message_is_an_event";
    /// There are as many of something as there may be.
    pub const TOO_MANY_REQUESTS: &str = "too_many_requests";
    /// The write that `at_least` names is not applied yet.
    pub const NOT_YET_APPLIED: &str = "not_yet_applied";
    /// A store holds as much as it may.
    pub const STORE_FULL: &str = "store_full";
    /// A store other than the event log can't be used: it is not there, or takes nothing.
    pub const STORE_UNAVAILABLE: &str = "store_unavailable";
    /// A fault of ours.
    pub const INTERNAL_ERROR: &str = "internal_error";
}

/// The body of an error over NATS; its code is in `Nats-Service-Error` too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable reference that ends in the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: String,
    /// The HTTP status that the same error has over HTTP.
    pub status: u16,
    /// What went wrong this time, and what to do.
    pub detail: String,
    /// The stable name.
    pub code: String,
    /// After how many seconds trying again makes sense, where that is known: `Retry-After`, as over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem with this code.
    pub fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{code}"),
            title: code.replace('_', " "),
            status,
            detail: detail.into(),
            code: code.to_owned(),
            retry_after: None,
        }
    }
}
