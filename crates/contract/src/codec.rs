//! A whole event on the wire: CloudEvents 1.0 in binary mode over NATS headers.
//!
//! Everything that a reader must believe is in the `ce-` headers and the body; the hash
//! chain covers exactly those.

use std::borrow::Cow;

use assent_domain::event::{Aggregate, Event};
use assent_domain::ids::{AccountId, UserId};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::body;
use crate::event_hash::EventHash;
use crate::names::{aggregate_of_event_subject, event_subject};

/// Where events say they come from.
pub const SOURCE: &str = "/assent/consent-gateway";

pub(crate) const SPEC_VERSION: &str = "1.0";
pub(crate) const CONTENT_TYPE: &str = "application/json";
const MODE_CHANGED: &str = "assent.consent.ModeChanged.v1";
const ADMIN_CONSENT_GRANTED: &str = "assent.consent.AdminConsentGranted.v1";
const USER_SCOPE_GRANTED: &str = "assent.consent.UserScopeGranted.v1";
const USER_SCOPE_REVOKED: &str = "assent.consent.UserScopeRevoked.v1";

/// What the CloudEvents NATS binding escapes in header values.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// What is recorded beside the event itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The event's own id (a UUIDv7); also what the server removes duplicates by.
    pub id: Uuid,
    /// When it was recorded.
    pub time: Timestamp,
    /// The hash of its predecessor on its subject.
    pub previous: EventHash,
    /// The trace that it was recorded in.
    pub traceparent: Option<String>,
}

/// An event as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent {
    /// The subject to append to.
    pub subject: String,
    /// The headers, without those of the transport.
    pub headers: Vec<(&'static str, String)>,
    /// The JSON body.
    pub body: Vec<u8>,
}

impl EncodedEvent {
    /// The hash that the next event on the subject names.
    pub fn hash(&self) -> EventHash {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        EventHash::compute(&self.subject, headers, &self.body)
    }
}

/// An event as it came from the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedEvent {
    /// What was recorded beside it.
    pub metadata: Metadata,
    /// The event.
    pub event: Event,
}

/// Why an event can't be read. Its aggregate must not be believed from here on.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The subject is none that we append to.
    #[error("the subject names no account or user")]
    Subject,
    /// A header that every event has is not there.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// A header holds what it can't hold.
    #[error("the header {0} can't be read")]
    Header(&'static str),
    /// A type or version that this program does not know.
    #[error("the event type {0:?} is not known")]
    UnknownType(String),
    /// The body is not what the type says.
    #[error("the body does not fit the event type")]
    Body(#[source] serde_json::Error),
    /// The body speaks of another account or user than the subject.
    #[error("the body is of another aggregate than the subject")]
    WrongAggregate,
    /// The consent's id is not the event's.
    #[error("the consent id is not the event's id")]
    WrongConsentId,
}

/// The CloudEvents type of an event.
pub const fn event_type(event: &Event) -> &'static str {
    match event {
        Event::ModeChanged(_) => MODE_CHANGED,
        Event::AdminConsentGranted(_) => ADMIN_CONSENT_GRANTED,
        Event::UserScopeGranted(_) => USER_SCOPE_GRANTED,
        Event::UserScopeRevoked(_) => USER_SCOPE_REVOKED,
    }
}

/// Writes an event.
pub fn encode(event: &Event, metadata: &Metadata) -> Result<EncodedEvent, serde_json::Error> {
    let aggregate = event.aggregate();
    let body = encode_body(event)?;
    let mut headers = Vec::from([
        ("ce-specversion", SPEC_VERSION.to_owned()),
        ("ce-id", metadata.id.to_string()),
        ("ce-source", escape(SOURCE)),
        ("ce-type", event_type(event).to_owned()),
        ("ce-subject", escape(&cloud_event_subject(&aggregate))),
        ("ce-time", metadata.time.to_string()),
        ("ce-datacontenttype", CONTENT_TYPE.to_owned()),
        ("ce-prevhash", metadata.previous.to_string()),
    ]);
    headers.extend(
        metadata
            .traceparent
            .as_deref()
            .map(|trace| ("traceparent", escape(trace))),
    );
    Ok(EncodedEvent {
        subject: event_subject(&aggregate),
        headers,
        body,
    })
}

/// Writes only the body of an event.
pub fn encode_body(event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    match event {
        Event::ModeChanged(event) => serde_json::to_vec(&body::ModeChanged::from(event)),
        Event::AdminConsentGranted(event) => {
            serde_json::to_vec(&body::AdminConsentGranted::from(event))
        }
        Event::UserScopeGranted(event) => serde_json::to_vec(&body::UserScopeGranted::from(event)),
        Event::UserScopeRevoked(event) => serde_json::to_vec(&body::UserScopeRevoked::from(event)),
    }
}

/// Reads an event. `header` looks one up by its exact name.
pub fn decode<'a>(
    subject: &str,
    header: impl Fn(&'static str) -> Option<&'a str>,
    body: &[u8],
) -> Result<DecodedEvent, Unreadable> {
    let aggregate = aggregate_of_event_subject(subject).ok_or(Unreadable::Subject)?;
    let required = |name| header(name).ok_or(Unreadable::MissingHeader(name));
    exactly("ce-specversion", required("ce-specversion")?, SPEC_VERSION)?;
    exactly(
        "ce-datacontenttype",
        required("ce-datacontenttype")?,
        CONTENT_TYPE,
    )?;
    let metadata = Metadata {
        id: parsed("ce-id", required("ce-id")?)?,
        time: parsed("ce-time", required("ce-time")?)?,
        previous: parsed("ce-prevhash", required("ce-prevhash")?)?,
        traceparent: header("traceparent").map(|value| unescape(value).into_owned()),
    };
    // Where an event says it comes from may change without its meaning doing so.
    required("ce-source")?;
    let named = unescape(required("ce-subject")?);
    if named != cloud_event_subject(&aggregate) {
        return Err(Unreadable::Header("ce-subject"));
    }
    let event = decode_body(required("ce-type")?, body)?;
    if event.aggregate() != aggregate {
        return Err(Unreadable::WrongAggregate);
    }
    match &event {
        Event::AdminConsentGranted(granted) if granted.consent.0 != metadata.id => {
            Err(Unreadable::WrongConsentId)
        }
        Event::AdminConsentGranted(_)
        | Event::ModeChanged(_)
        | Event::UserScopeGranted(_)
        | Event::UserScopeRevoked(_) => Ok(DecodedEvent { metadata, event }),
    }
}

fn decode_body(event_type: &str, body: &[u8]) -> Result<Event, Unreadable> {
    fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
        serde_json::from_slice(body).map_err(Unreadable::Body)
    }
    match event_type {
        MODE_CHANGED => Ok(Event::ModeChanged(read::<body::ModeChanged>(body)?.into())),
        ADMIN_CONSENT_GRANTED => Ok(Event::AdminConsentGranted(
            read::<body::AdminConsentGranted>(body)?.into(),
        )),
        USER_SCOPE_GRANTED => Ok(Event::UserScopeGranted(
            read::<body::UserScopeGranted>(body)?.into(),
        )),
        USER_SCOPE_REVOKED => Ok(Event::UserScopeRevoked(
            read::<body::UserScopeRevoked>(body)?.into(),
        )),
        unknown => Err(Unreadable::UnknownType(unknown.to_owned())),
    }
}

pub(crate) fn cloud_event_subject(aggregate: &Aggregate) -> String {
    match aggregate {
        Aggregate::Account(account) => format!("accounts/{account}"),
        Aggregate::User(account, user) => format!("accounts/{account}/users/{user}"),
    }
}

/// The account or user that the attribute `subject` of an event names.
pub(crate) fn aggregate_of_cloud_event_subject(subject: &str) -> Option<Aggregate> {
    let rest = subject.strip_prefix("accounts/")?;
    match rest.split_once("/users/") {
        None => AccountId::parse(rest).ok().map(Aggregate::Account),
        Some((account, user)) => {
            let (account, user) = (AccountId::parse(account), UserId::parse(user));
            Some(Aggregate::User(account.ok()?, user.ok()?))
        }
    }
}

fn exactly(name: &'static str, value: &str, expected: &str) -> Result<(), Unreadable> {
    if value == expected {
        Ok(())
    } else {
        Err(Unreadable::Header(name))
    }
}

fn parsed<T: std::str::FromStr>(name: &'static str, value: &str) -> Result<T, Unreadable> {
    unescape(value)
        .parse()
        .map_err(|_| Unreadable::Header(name))
}

pub(crate) fn escape(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED).to_string()
}

pub(crate) fn unescape(value: &str) -> Cow<'_, str> {
    percent_decode_str(value).decode_utf8_lossy()
}

#[cfg(test)]
mod tests;
