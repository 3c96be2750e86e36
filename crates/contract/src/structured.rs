//! A stored event as one line of CloudEvents JSON (structured mode), from which what is stored comes back byte by byte.
//!
//! The attributes are those of the headers, `data` is the body as it is stored. Added are `sequence`, the place in the
//! log, as the CloudEvents extension of that name wants it: a string that orders as text, so with zeros in front; and
//! `traceparent`, as the distributed tracing extension has it.
//!
//! What does not come back exactly from such a line is not written as one ([`to_line`] says `None`): the hash chain covers
//! the stored bytes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::codec::{self, escape, unescape};
use crate::names::event_subject;

/// Before the names of headers that are the transport's own: what the writer asked of the server for one append. They
/// are no part of the message, and no hash covers them.
const TRANSPORT: &str = "Nats-";

/// A message of the log, as it is stored, without the headers of the transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedMessage {
    /// Its place in the log.
    pub sequence: u64,
    /// The subject it is stored on.
    pub subject: String,
    /// Names and values of its headers, in the order of the names.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why a line is no event of ours.
#[derive(Debug, thiserror::Error)]
pub enum NotAnEvent {
    /// The text is not CloudEvents JSON with our attributes.
    #[error("it is no CloudEvent with the attributes of an event of the log")]
    Json(#[from] serde_json::Error),
    /// The sequence is no number.
    #[error("its sequence {0:?} is no number")]
    Sequence(String),
    /// The attributes name no account or user.
    #[error("its subject {0:?} names no account or user")]
    Subject(String),
    /// Only one of the two attributes of a last line.
    #[error("it has only one of the attributes logcreated and logroot")]
    HalfAnEnd,
}

/// Whether a header is the transport's own.
pub fn is_transport_header(name: &str) -> bool {
    name.starts_with(TRANSPORT)
}

/// In the last line of an export that is one file: that it is the last, of which log, and what all lines add up to. Two
/// extension attributes of its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// When the log was created, as its server wrote it: which log it was.
    pub logcreated: String,
    /// The root over all messages (RFC 9162), in base64.
    pub logroot: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    datacontenttype: Cow<'a, str>,
    #[serde(borrow)]
    sequence: Cow<'a, str>,
    #[serde(borrow)]
    prevhash: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    logcreated: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    logroot: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Writes a message as a line, without its line break; `None` for one that is no event, or would not come back from it.
pub fn to_line(message: &LoggedMessage, end: Option<&End>) -> Option<String> {
    let find = |name: &'static str| {
        let mut headers = message.headers.iter();
        headers
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    };
    codec::decode(&message.subject, find, &message.body).ok()?;
    let body = std::str::from_utf8(&message.body).ok()?;
    let value = |name| Some(unescape(find(name)?));
    let line = serde_json::to_string(&Line {
        specversion: value("ce-specversion")?,
        id: value("ce-id")?,
        source: value("ce-source")?,
        kind: value("ce-type")?,
        subject: value("ce-subject")?,
        time: value("ce-time")?,
        datacontenttype: value("ce-datacontenttype")?,
        sequence: format!("{:020}", message.sequence).into(),
        prevhash: value("ce-prevhash")?,
        traceparent: find("traceparent").map(unescape),
        logcreated: end.map(|end| end.logcreated.as_str().into()),
        logroot: end.map(|end| end.logroot.as_str().into()),
        data: serde_json::from_str(body).ok()?,
    });
    let line = line.ok()?;
    let comes_back =
        !line.contains(['\n', '\r']) && from_line(&line).is_ok_and(|(back, _)| back == *message);
    comes_back.then_some(line)
}

/// Reads a line that [`to_line`] wrote.
pub fn from_line(line: &str) -> Result<(LoggedMessage, Option<End>), NotAnEvent> {
    let line: Line = serde_json::from_str(line)?;
    let aggregate = codec::aggregate_of_cloud_event_subject(&line.subject);
    let aggregate = aggregate.ok_or_else(|| NotAnEvent::Subject(line.subject.to_string()))?;
    let sequence = line.sequence.parse();
    let sequence = sequence.map_err(|_| NotAnEvent::Sequence(line.sequence.to_string()))?;
    let mut headers = Vec::from([
        ("ce-datacontenttype", &line.datacontenttype),
        ("ce-id", &line.id),
        ("ce-prevhash", &line.prevhash),
        ("ce-source", &line.source),
        ("ce-specversion", &line.specversion),
        ("ce-subject", &line.subject),
        ("ce-time", &line.time),
        ("ce-type", &line.kind),
    ]);
    headers.extend(line.traceparent.iter().map(|trace| ("traceparent", trace)));
    let end = match (line.logcreated, line.logroot) {
        (None, None) => None,
        (Some(created), Some(root)) => Some(End {
            logcreated: created.into_owned(),
            logroot: root.into_owned(),
        }),
        (Some(_), None) | (None, Some(_)) => return Err(NotAnEvent::HalfAnEnd),
    };
    let message = LoggedMessage {
        sequence,
        subject: event_subject(&aggregate),
        headers: headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), escape(value)))
            .collect(),
        body: line.data.get().as_bytes().to_vec(),
    };
    Ok((message, end))
}

#[cfg(test)]
mod tests;
