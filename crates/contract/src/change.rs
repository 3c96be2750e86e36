//! What the projection tells on `consent.changes.v1.…` after it applied an event, and what
//! `consent.query.v1.changes` lists.
//!
//! A program that follows the changes, in any language, does four things:
//!
//! 1. Subscribe to `consent.changes.v1.>`, and make sure that the server has taken the subscription
//!    (`flush`).
//! 2. Ask `consent.query.v1.changes` for how everybody stands, page by page.
//! 3. Of each account and user keep the message with the highest `sequence`, from wherever it came.
//!    What is not known is not permitted, and nothing is begun before the last page was read.
//! 4. Forget all of it and begin with 2. again when the connection was lost, when a message names
//!    another `log` (sequences of two logs are never compared), or when one is missing: each carries
//!    a `Nats-Sequence`, one more than the message before.
//!
//! A user's message counts only where its sequence is not below that of the company's. So a message
//! of a company ends what was known of its users, until they were asked for again:
//! `consent.query.v1.changes` with the `account_id`. What can't be read is passed over: the
//! projections hear it too, and tell anew whom it spoke of.

use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, UserId};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::allowed::Allowed;
use crate::codec::{CONTENT_TYPE, SPEC_VERSION, cloud_event_subject, escape};
use crate::values::{Id, Method, PermissionSet, optional_text, text};

/// The account or the user is different from now on. A change of method is one message
/// for the company, not one for each user: it turns everything off for everyone in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeMessage {
    /// The account.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The user; absent where the company itself changed.
    #[serde(
        default,
        with = "optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Id>)]
    pub user_id: Option<UserId>,
    /// The company's authorization method.
    pub method: Method,
    /// What may be done for the user now; absent where the company itself changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<PermissionSet>,
    /// What `effective` allows, as a list; absent where the company itself changed, and in what was told before there was the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Allowed>,
    /// As of which event of the log this is so: the one that made the change, or a later one where
    /// it had to be told anew. The higher number of two counts, within one log.
    pub sequence: u64,
    /// Which log the sequence is of. Opaque: it is only ever compared. Another value means that
    /// the log is another one, or was set back and goes on differently; sequences of two logs are
    /// never compared, so whoever sees another value forgets what it knows and learns anew. Absent
    /// in an entry of a page, which names the log once for all, and in what was told before there
    /// was this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// Where changes say they come from, before the log that they are of.
pub(crate) const SOURCE: &str = "/assent/projection";

/// The `CloudEvents` type of a change.
pub(crate) const CHANGE_TYPE: &str = "assent.consent.change.v1";

/// The headers that make a change message a `CloudEvent` in binary mode. Its id is the event's place in the log and the
/// message's in the stream of changes, so that what is told anew is another one.
pub fn cloud_event_headers(
    aggregate: &Aggregate,
    log: &str,
    (sequence, stream_sequence): (u64, u64),
) -> [(&'static str, String); 6] {
    let log = utf8_percent_encode(log, NON_ALPHANUMERIC);
    [
        ("ce-specversion", SPEC_VERSION.to_owned()),
        ("ce-id", format!("{sequence}-{stream_sequence}")),
        ("ce-source", escape(&format!("{SOURCE}/{log}"))),
        ("ce-type", CHANGE_TYPE.to_owned()),
        ("ce-subject", escape(&cloud_event_subject(aggregate))),
        ("ce-datacontenttype", CONTENT_TYPE.to_owned()),
    ]
}
